#include "engine/decoder.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/logprob.h"
#include "engine/record.h"
#include "engine/sampler.h"
#include "engine/text_filter.h"

#include <assert.h>
#include <string.h>

struct slot {
    llama_seq_id sequence;
    struct task *task; /* NULL: free */

    /* What the slot's KV cells hold: `kept[0..kept_len)`; also while it is free. */
    llama_token *kept; /* facts.ctx of them */
    size_t kept_len;
    uint64_t used_at; /* decoder::starts when it was last given away */

    struct llama_sampler *sampler;
    struct text_filter filter;
    uint64_t tokens_max; /* tokens to make at most */
    bool is_clamped;     /* tokens_max is what fits, less than was asked for */
    llama_token last;    /* made but not decoded yet; valid once timings.output_tokens > 0 */
    uint64_t started_us, first_us;

    /* The part of the current batch. */
    size_t feed_len;   /* tokens */
    int32_t logits_at; /* index in the batch; -1: its prompt goes on */
};

struct decoder {
    const struct model *model; /* borrowed */
    const struct llama_api *api;
    struct llama_context *ctx;
    llama_memory_t memory;
    struct llama_batch batch;
    unsigned active;
    uint64_t starts, output_tokens_total, steps_total;
    size_t prompt_turn; /* the slot whose prompt goes first in the next step */
    size_t slots_len;
    struct slot slots[];
};

/* --- Life ---------------------------------------------------------------- */

static struct llama_context *open_context(const struct model *m, bool (*should_abort)(void *data),
                                          void *data)
{
    struct llama_context_params params = m->api.llama_context_default_params();
    uint32_t batch = DECODER_PROMPT_CHUNK + m->facts.slots;

    params.n_ctx = m->facts.slots * m->facts.ctx;
    params.n_batch = params.n_ubatch = batch;
    params.n_seq_max = params.n_outputs_max = m->facts.slots;
    params.n_threads = params.n_threads_batch = (int32_t)m->facts.threads;
    params.kv_unified = false; /* a sequence's text must not depend on its neighbours */
    params.no_perf = true;
    params.abort_callback = should_abort;
    params.abort_callback_data = data;
    return m->api.llama_init_from_model(m->llama, params);
}

int decoder_new(const struct model *m, bool (*should_abort)(void *data), void *data,
                struct decoder **ret, struct err *err)
{
    struct llama_context *ctx = open_context(m, should_abort, data);
    if (!ctx)
        return err_set(err, ERR_LIMIT,
                       "no memory for %u slots of %u tokens of context; use --slots or --ctx",
                       m->facts.slots, m->facts.ctx);

    struct decoder *d = mem_alloc(1, sizeof(*d) + m->facts.slots * sizeof(d->slots[0]));
    d->model = m;
    d->api = &m->api;
    d->ctx = ctx;
    d->memory = m->api.llama_get_memory(ctx);
    d->batch = m->api.llama_batch_init(DECODER_PROMPT_CHUNK + (int32_t)m->facts.slots, 0, 1);
    d->slots_len = m->facts.slots;
    for (size_t i = 0; i < d->slots_len; i++) {
        d->slots[i].sequence = (llama_seq_id)i;
        d->slots[i].kept = mem_alloc(m->facts.ctx, sizeof(llama_token));
    }
    *ret = d;
    return 0;
}

static void leave(struct decoder *d, struct slot *s)
{
    d->api->llama_sampler_free(s->sampler);
    text_filter_deinit(&s->filter);
    s->sampler = NULL;
    s->task = NULL;
    d->active--;
}

void decoder_free(struct decoder *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->slots_len; i++) {
        if (d->slots[i].task)
            leave(d, &d->slots[i]);
        free(d->slots[i].kept);
    }
    d->api->llama_batch_free(d->batch);
    d->api->llama_free(d->ctx);
    free(d);
}

bool decoder_has_room(const struct decoder *d)
{
    return d->active < d->slots_len;
}

void decoder_get_stats(const struct decoder *d, struct decoder_stats *ret)
{
    *ret = (struct decoder_stats){ .active = d->active,
                                   .output_tokens_total = d->output_tokens_total,
                                   .steps_total = d->steps_total };
    for (size_t i = 0; i < d->slots_len; i++)
        ret->kv_used += d->slots[i].task ? d->slots[i].kept_len : 0;
}

/* --- Start: which slot, and how much of it is worth keeping -------------- */

static size_t common_prefix(const struct slot *s, const struct task *task)
{
    size_t max = task_tokens_len(task) - 1; /* the last one is decoded for its logits */
    size_t len = 0;

    if (max > s->kept_len)
        max = s->kept_len;
    while (len < max && s->kept[len] == task->tokens[len])
        len++;
    return len;
}

/* A prefix that every prompt shares (a template's first words) must not cost another
 * conversation its cells: then the slot that has been idle longest is taken. */
static bool is_worth_keeping(size_t prefix, const struct task *task)
{
    return prefix >= DECODER_PROMPT_CHUNK / 8 || prefix * 2 >= task_tokens_len(task);
}

static struct slot *choose_slot(struct decoder *d, const struct task *task)
{
    struct slot *best = NULL, *oldest = NULL;
    size_t best_prefix = 0;

    for (size_t i = 0; i < d->slots_len; i++) {
        struct slot *s = &d->slots[i];
        if (s->task)
            continue;
        if (!oldest || s->used_at < oldest->used_at)
            oldest = s;
        size_t prefix = common_prefix(s, task);
        if (prefix > best_prefix) {
            best_prefix = prefix;
            best = s;
        }
    }
    return best && is_worth_keeping(best_prefix, task) ? best : oldest;
}

static void drop_cells(struct decoder *d, struct slot *s, size_t from)
{
    /* Recurrent memories cannot forget a part: then it is all or nothing. */
    if (from > 0 && !d->api->llama_memory_seq_rm(d->memory, s->sequence, (llama_pos)from, -1))
        from = 0;
    if (from == 0)
        (void)d->api->llama_memory_seq_rm(d->memory, s->sequence, -1, -1);
    s->kept_len = from;
}

void decoder_start(struct decoder *d, struct task *task)
{
    struct slot *s = choose_slot(d, task);
    uint64_t fit = d->model->facts.ctx - task_tokens_len(task);

    assert(s && fit > 0);
    s->task = task;
    s->used_at = ++d->starts;
    s->started_us = clock_mono_us();
    s->sampler = sampler_new(d->model, &task->sampling);
    s->is_clamped = task->max_tokens == 0 || task->max_tokens > fit;
    s->tokens_max = s->is_clamped ? fit : task->max_tokens;
    text_filter_init(&s->filter, task->stops, task->stops_len);
    drop_cells(d, s, common_prefix(s, task));
    d->active++;

    task->timings.prompt_tokens = task_tokens_len(task);
    task->timings.cached_tokens = s->kept_len;
    record_started(&task->out, s->kept_len);
}

/* --- End ----------------------------------------------------------------- */

static void end(struct decoder *d, struct slot *s, enum engine_stop stop, const struct err *err)
{
    struct task *task = s->task;
    uint64_t now_us = clock_mono_us();

    if (task->timings.output_tokens > 0)
        task->timings.output_us = now_us - s->first_us;
    else
        task->timings.prompt_us = now_us - s->started_us;
    record_end(&task->out, stop, &task->timings, err);
    task->is_over = true;
    leave(d, s);
}

/* The generation is complete; what was held back for a stop sequence is text after all. */
static void end_orderly(struct decoder *d, struct slot *s, enum engine_stop stop)
{
    struct str rest = text_filter_finish(&s->filter);
    if (rest.len > 0)
        record_text(&s->task->out, rest, s->task->timings.output_tokens);
    end(d, s, stop, NULL);
}

static void end_failed(struct decoder *d, struct slot *s, int32_t rc)
{
    struct err err;

    drop_cells(d, s, 0);
    if (rc == -2)
        (void)err_set(&err, ERR_LIMIT, "the device has no memory left for this batch");
    else
        (void)err_set(&err, ERR_INTERNAL, "the engine failed to decode (llama.cpp code %d)",
                      (int)rc);
    end(d, s, ENGINE_STOP_EOS, &err);
}

static void reap_cancelled(struct decoder *d)
{
    for (size_t i = 0; i < d->slots_len; i++) {
        struct slot *s = &d->slots[i];
        if (s->task && s->task->is_cancelled)
            end(d, s, ENGINE_STOP_EOS, NULL); /* its cells stay: the client may ask again */
    }
}

/* --- One step ------------------------------------------------------------ */

static size_t prompt_left(const struct slot *s)
{
    size_t len = task_tokens_len(s->task);
    return s->kept_len < len ? len - s->kept_len : 0;
}

/* The next token of every sequence that is being written comes first; what room the
 * prompts have is theirs in turn, so that a long one cannot starve a short one. */
static size_t plan(struct decoder *d)
{
    size_t planned = 0, room = DECODER_PROMPT_CHUNK;

    assert(d->slots_len > 0);
    for (size_t i = 0; i < d->slots_len; i++) {
        struct slot *s = &d->slots[(d->prompt_turn + i) % d->slots_len];
        s->feed_len = 0;
        if (!s->task || s->task->is_paused)
            continue;
        size_t left = prompt_left(s);
        s->feed_len = left == 0 ? 1 : left < room ? left : room;
        room -= left == 0 ? 0 : s->feed_len;
        planned += s->feed_len > 0;
    }
    d->prompt_turn = (d->prompt_turn + 1) % d->slots_len;
    return planned;
}

static void put_token(struct llama_batch *b, llama_token token, size_t position,
                      llama_seq_id sequence, bool wants_logits)
{
    int32_t at = b->n_tokens++;
    b->token[at] = token;
    b->pos[at] = (llama_pos)position;
    b->n_seq_id[at] = 1;
    b->seq_id[at][0] = sequence;
    b->logits[at] = wants_logits ? 1 : 0;
}

static void put_slot(struct llama_batch *b, struct slot *s)
{
    size_t left = prompt_left(s);
    const llama_token *from = left > 0 ? s->task->tokens + s->kept_len : &s->last;
    bool wants_logits = s->feed_len >= left;

    for (size_t i = 0; i < s->feed_len; i++)
        put_token(b, from[i], s->kept_len + i, s->sequence, wants_logits && i + 1 == s->feed_len);
    s->logits_at = wants_logits ? b->n_tokens - 1 : -1;
}

static void say_logprob(struct decoder *d, struct slot *s, llama_token token)
{
    struct logprob_choice top[ENGINE_TOP_LOGPROBS_MAX];
    char pieces[ENGINE_TOP_LOGPROBS_MAX + 1][MODEL_PIECE_SIZE];
    size_t vocab_len = d->model->facts.vocab_len;
    struct engine_logprob said = { .top_len = (size_t)s->task->top_logprobs };

    if (said.top_len > vocab_len)
        said.top_len = vocab_len;
    const float *logits = d->api->llama_get_logits_ith(d->ctx, s->logits_at);
    said.logprob = logprob_compute(logits, vocab_len, token, top, said.top_len);
    said.text = model_piece(d->model, token, true, pieces[said.top_len]);
    for (size_t i = 0; i < said.top_len; i++) {
        said.top[i].text = model_piece(d->model, top[i].token, true, pieces[i]);
        said.top[i].logprob = top[i].logprob;
    }
    record_logprob(&s->task->out, &said);
}

static void take_token(struct decoder *d, struct slot *s, llama_token token)
{
    char piece[MODEL_PIECE_SIZE];
    struct engine_timings *t = &s->task->timings;
    bool is_stopped;

    s->last = token;
    t->output_tokens++;
    d->output_tokens_total++;
    if (s->task->top_logprobs >= 0)
        say_logprob(d, s, token);
    struct str text =
        text_filter_feed(&s->filter, model_piece(d->model, token, false, piece), &is_stopped);
    if (text.len > 0)
        record_text(&s->task->out, text, t->output_tokens);
    if (is_stopped)
        end(d, s, ENGINE_STOP_SEQUENCE, NULL);
    else if (t->output_tokens >= s->tokens_max)
        end_orderly(d, s, s->is_clamped ? ENGINE_STOP_CONTEXT_FULL : ENGINE_STOP_MAX_TOKENS);
}

/* The batch is decoded: the slot has its cells, and maybe a next token. */
static void advance(struct decoder *d, struct slot *s)
{
    const llama_token *fed = prompt_left(s) > 0 ? s->task->tokens + s->kept_len : &s->last;

    memcpy(s->kept + s->kept_len, fed, s->feed_len * sizeof(*fed));
    s->kept_len += s->feed_len;
    if (s->logits_at < 0)
        return;

    llama_token token = d->api->llama_sampler_sample(s->sampler, d->ctx, s->logits_at);
    if (s->task->timings.output_tokens == 0) {
        s->first_us = clock_mono_us();
        s->task->timings.prompt_us = s->first_us - s->started_us;
    }
    if (d->api->llama_vocab_is_eog(d->model->vocab, token))
        end_orderly(d, s, ENGINE_STOP_EOS);
    else
        take_token(d, s, token);
}

/* Decode the planned part of `only`, or of every slot. */
static int32_t decode(struct decoder *d, struct slot *only)
{
    d->batch.n_tokens = 0;
    for (size_t i = 0; i < d->slots_len; i++) {
        struct slot *s = &d->slots[i];
        if (s->feed_len > 0 && (!only || s == only))
            put_slot(&d->batch, s);
    }
    int32_t rc = d->api->llama_decode(d->ctx, d->batch);
    for (size_t i = 0; i < d->slots_len && rc != 1; i++) {
        struct slot *s = &d->slots[i];
        if (s->feed_len == 0 || (only && s != only))
            continue;
        if (rc == 0)
            advance(d, s);
        else
            end_failed(d, s, rc);
        s->feed_len = 0;
    }
    return rc;
}

/* No cells were found for the batch as a whole: find out for whom there are none. */
static void decode_singly(struct decoder *d)
{
    for (size_t i = 0; i < d->slots_len; i++) {
        struct slot *s = &d->slots[i];
        if (s->feed_len > 0 && decode(d, s) == 1)
            end_orderly(d, s, ENGINE_STOP_CONTEXT_FULL);
    }
}

bool decoder_step(struct decoder *d)
{
    reap_cancelled(d);
    if (plan(d) == 0)
        return false;
    d->steps_total++;
    if (decode(d, NULL) == 1)
        decode_singly(d);
    return true;
}
