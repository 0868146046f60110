/*
 * What a run weighs, and what is remembered of it: tokens in the ledger and in the tenants'
 * counters, the worker of a session, the prompt in a worker's cache.
 */
#include "jobs/forecast.h"
#include "scheduler/core_private.h"

#include <stdio.h>

enum {
    WAITS_AVERAGED = 64,
    SLOTS_MIN = 64,
    KEY_SIZE = TENANT_ID_SIZE + SESSION_ID_SIZE,
};

struct tenant {
    unsigned running;
};

/* --- Predictions ---------------------------------------------------------------- */

static uint32_t predicted_tokens(const struct core *c, const struct job_spec *spec)
{
    struct model_facts facts = { .tokens_out_mean = 0 };

    if (spec->type == JOB_EMBEDDINGS)
        return 0;
    (void)registry_model_facts(c->registry, spec->model, &facts);
    uint64_t tokens = forecast_answer_tokens(facts.tokens_out_mean, spec->max_tokens);
    return tokens < UINT32_MAX / 2 ? (uint32_t)tokens : UINT32_MAX / 2;
}

/* --- Sessions ---------------------------------------------------------------------- */

static struct str session_key(char key[KEY_SIZE], const struct job_spec *spec)
{
    (void)snprintf(key, KEY_SIZE, "%s\n%s", spec->tenant_id, spec->session_id);
    return str_of(key);
}

static void note_session(struct core *c, const struct job *job)
{
    char memory[KEY_SIZE];

    if (!*job->spec.session_id || c->options.sessions_max == 0)
        return;
    struct str key = session_key(memory, &job->spec);
    free(map_remove(&c->sessions, key)); /* the one used last is last */
    if (map_count(&c->sessions) >= c->options.sessions_max)
        free(map_remove(&c->sessions, map_key(map_first(&c->sessions))));
    (void)map_put(&c->sessions, key, mem_copy(str_of(job->worker_id)));
}

const struct worker *core_session_worker(const struct core *c, const struct job *job)
{
    char key[KEY_SIZE];

    if (!*job->spec.session_id)
        return NULL;
    const char *worker_id = map_get(&c->sessions, session_key(key, &job->spec));
    const struct worker *w = worker_id ? registry_worker(c->registry, worker_id) : NULL;

    return w && w->live != LIVE_OFFLINE ? w : NULL;
}

/* --- Warm workers ---------------------------------------------------------------------- */

static void note_prompt(struct core *c, const struct job *job, const struct worker *worker)
{
    size_t cap = c->by_slot_cap;

    if (job->spec.prefix_len == 0)
        return;
    affinity_note(c->affinity, &job->spec, worker);
    while (worker->slot >= cap)
        cap = cap ? cap * 2 : SLOTS_MIN;
    if (cap > c->by_slot_cap) {
        c->by_slot = mem_resize(c->by_slot, cap * sizeof(struct worker *));
        memset(&c->by_slot[c->by_slot_cap], 0, (cap - c->by_slot_cap) * sizeof(struct worker *));
        c->by_slot_cap = cap;
    }
    c->by_slot[worker->slot] = worker;
}

/* NULL: it is gone, or has another model by now. */
static const struct worker *worker_of(const struct core *c, const struct affinity_match *match,
                                      const char *model)
{
    const struct worker *w = match->slot < c->by_slot_cap ? c->by_slot[match->slot] : NULL;

    return w && w->generation == match->generation && strcmp(w->facts.model, model) == 0 ? w : NULL;
}

size_t core_warm_workers(const struct core *c, const struct job *job, struct warm_worker *ret,
                         size_t max)
{
    struct affinity_match matches[64];
    size_t most = sizeof(matches) / sizeof(matches[0]), len = 0;

    if (job->spec.prefix_len == 0)
        return 0;
    size_t found = affinity_find(c->affinity, &job->spec, matches, most);
    for (size_t i = 0; i < found && len < max; i++) {
        const struct worker *w = worker_of(c, &matches[i], job->spec.model);

        if (w)
            ret[len++] = (struct warm_worker){ w, matches[i].tokens };
    }
    return len;
}

static uint32_t cached_tokens(const struct core *c, const struct job *job,
                              const struct worker *worker)
{
    struct warm_worker warm[64];
    size_t len = core_warm_workers(c, job, warm, sizeof(warm) / sizeof(warm[0]));

    for (size_t i = 0; i < len; i++) {
        if (warm[i].worker == worker)
            return warm[i].cached_tokens < job->spec.prompt_tokens ? warm[i].cached_tokens
                                                                   : job->spec.prompt_tokens;
    }
    return 0;
}

/* --- Tenants ------------------------------------------------------------------------------- */

static void count_tenant(struct core *c, const char *tenant_id, int change)
{
    struct str id = str_of(tenant_id);
    struct tenant *tenant = map_get(&c->tenants, id);

    if (!tenant) {
        tenant = mem_alloc(1, sizeof(*tenant));
        (void)map_put(&c->tenants, id, tenant);
    }
    tenant->running += (unsigned)change;
    if (tenant->running == 0)
        free(map_remove(&c->tenants, id));
}

unsigned core_jobs_of_tenant(const struct core *c, const char *tenant_id)
{
    const struct tenant *tenant = map_get(&c->tenants, str_of(tenant_id));

    return tenant ? tenant->running : 0;
}

/* --- A run ------------------------------------------------------------------------------------ */

static void charge(struct core *c, const struct job *job, int64_t input, int64_t output)
{
    fairness_charge(c->fairness, job->spec.tenant_id, job->spec.model, input, output);
}

static uint32_t charged_output(const struct job *job)
{
    return job->tokens.total - job->spec.prompt_tokens;
}

static void note_wait(struct core *c, const struct job *job)
{
    double wait_ms = (double)(c->now_ms - job->arrived_ms);

    if (c->waits < WAITS_AVERAGED)
        c->waits++;
    c->totals.wait_ms_mean += (wait_ms - c->totals.wait_ms_mean) / (double)c->waits;
}

void core_account_dispatch(struct core *c, struct job *job, const struct worker *worker)
{
    uint32_t output = predicted_tokens(c, &job->spec), prompt = job->spec.prompt_tokens;

    job->tokens.prefill = prompt - cached_tokens(c, job, worker);
    job->tokens.total = prompt > UINT32_MAX - output ? UINT32_MAX : prompt + output;
    registry_charge(c->registry, job->worker_id, &job->tokens, c->now_ms);
    charge(c, job, job->tokens.prefill, charged_output(job));
    count_tenant(c, job->spec.tenant_id, 1);
    note_wait(c, job);
    note_session(c, job);
    note_prompt(c, job, worker);
}

void core_account_release(struct core *c, const struct job *job)
{
    registry_release(c->registry, job->worker_id, &job->tokens, job->started_ms > 0);
    count_tenant(c, job->spec.tenant_id, -1);
}

void core_account_undone(struct core *c, const struct job *job)
{
    charge(c, job, -(int64_t)job->tokens.prefill, -(int64_t)charged_output(job));
}

/* An answer that came whole shows no decoding of its own: more than a token per millisecond
 * is only the reading of what was there, so the whole run counts. */
static uint64_t decode_ms(const struct core *c, const struct job *job, uint64_t tokens_out)
{
    uint64_t ms = c->now_ms - job->started_ms;

    return ms < tokens_out ? c->now_ms - job->dispatched_ms : ms;
}

void core_account_end(struct core *c, const struct job *job, const struct core_event *event)
{
    uint64_t in = event->u.run.tokens_in, out = event->u.run.tokens_out;
    uint64_t cached = event->u.run.cached_tokens < in ? event->u.run.cached_tokens : in;
    int64_t input = 0, output = 0;

    if (in > 0 && in < UINT32_MAX)
        input = (int64_t)(in - cached) - job->tokens.prefill;
    if (out > 0 && out < UINT32_MAX)
        output = (int64_t)out - charged_output(job);
    charge(c, job, input, output);
    registry_measured(c->registry, job->worker_id,
                      &(struct run_figures){ .run_ms = c->now_ms - job->dispatched_ms,
                                             .tokens_out = out,
                                             .decode_ms = decode_ms(c, job, out) });
}

void core_account_gone(struct core *c, const struct worker *worker)
{
    if (worker->slot < c->by_slot_cap)
        c->by_slot[worker->slot] = NULL;
}

static void free_all(struct map *map)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, map)
        free(map_value(it));
    map_deinit(map);
}

void core_account_free(struct core *c)
{
    free_all(&c->sessions);
    free_all(&c->tenants);
    free_all(&c->outlooks);
    free_all(&c->setbacks);
    free(c->by_slot);
}
