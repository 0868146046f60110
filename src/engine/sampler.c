#include "engine/sampler.h"

#include <assert.h>

/* llama.cpp reads LLAMA_DEFAULT_SEED as "any seed"; a caller's seed is always a seed. */
static uint32_t seed_of(const struct engine_sampling *sampling)
{
    return sampling->seed == LLAMA_DEFAULT_SEED ? LLAMA_DEFAULT_SEED - 1 : sampling->seed;
}

static void add_penalties(const struct model *m, const struct engine_sampling *sampling,
                          struct llama_sampler *chain)
{
    const struct llama_api *api = &m->api;
    int32_t vocab_len = (int32_t)m->facts.vocab_len;

    if (sampling->repeat_penalty != 1.0 && sampling->repeat_last_n > 0)
        api->llama_sampler_chain_add(
            chain, api->llama_sampler_init_penalties(vocab_len, (int32_t)sampling->repeat_last_n,
                                                     (float)sampling->repeat_penalty, 0.0F, 0.0F));
    if (sampling->frequency_penalty != 0.0 || sampling->presence_penalty != 0.0)
        api->llama_sampler_chain_add(
            chain, api->llama_sampler_init_penalties(vocab_len, (int32_t)m->facts.ctx, 1.0F,
                                                     (float)sampling->frequency_penalty,
                                                     (float)sampling->presence_penalty));
}

static void add_choice(const struct llama_api *api, const struct engine_sampling *sampling,
                       struct llama_sampler *chain)
{
    if (sampling->top_k > 0)
        api->llama_sampler_chain_add(chain, api->llama_sampler_init_top_k(sampling->top_k));
    if (sampling->top_p < 1.0)
        api->llama_sampler_chain_add(chain,
                                     api->llama_sampler_init_top_p((float)sampling->top_p, 1));
    if (sampling->min_p > 0.0)
        api->llama_sampler_chain_add(chain,
                                     api->llama_sampler_init_min_p((float)sampling->min_p, 1));
    api->llama_sampler_chain_add(chain, api->llama_sampler_init_temp((float)sampling->temperature));
    api->llama_sampler_chain_add(chain, api->llama_sampler_init_dist(seed_of(sampling)));
}

struct llama_sampler *sampler_new(const struct model *m, const struct engine_sampling *sampling)
{
    const struct llama_api *api = &m->api;
    struct llama_sampler *chain =
        api->llama_sampler_chain_init(api->llama_sampler_chain_default_params());
    assert(chain);

    add_penalties(m, sampling, chain);
    if (sampling->temperature > 0.0)
        add_choice(api, sampling, chain);
    else
        api->llama_sampler_chain_add(chain, api->llama_sampler_init_greedy());
    return chain;
}
