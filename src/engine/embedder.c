#include "engine/embedder.h"

#include "base/mem.h"
#include "engine/record.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { CHUNK = 128 }; /* tokens; each takes a row of logits too, in this version */

struct embedder {
    const struct model *model; /* borrowed */
    const struct llama_api *api;
    bool (*should_abort)(void *data);
    void *data;

    struct llama_context *ctx; /* NULL until the first task */
    struct llama_batch batch;

    struct task *task; /* NULL: free */
    size_t input;      /* the one being read */
    size_t at;         /* tokens of it that have been read */
    double *sum;       /* facts.embedding_len */
    float *mean;
};

struct embedder *embedder_new(const struct model *m, bool (*should_abort)(void *data), void *data)
{
    struct embedder *e = mem_alloc(1, sizeof(*e));
    *e =
        (struct embedder){ .model = m, .api = &m->api, .should_abort = should_abort, .data = data };
    e->sum = mem_alloc(m->facts.embedding_len, sizeof(*e->sum));
    e->mean = mem_alloc(m->facts.embedding_len, sizeof(*e->mean));
    return e;
}

void embedder_free(struct embedder *e)
{
    if (!e)
        return;
    if (e->ctx) {
        e->api->llama_batch_free(e->batch);
        e->api->llama_free(e->ctx);
    }
    free(e->sum);
    free(e->mean);
    free(e);
}

static bool open_context(struct embedder *e)
{
    const struct engine_facts *facts = &e->model->facts;
    struct llama_context_params params = e->api->llama_context_default_params();

    params.n_ctx = facts->ctx;
    params.n_batch = params.n_ubatch = CHUNK;
    params.n_seq_max = 1;
    params.n_threads = params.n_threads_batch = (int32_t)facts->threads;
    params.embeddings = true;
    params.pooling_type = LLAMA_POOLING_TYPE_NONE;
    params.no_perf = true;
    params.abort_callback = e->should_abort;
    params.abort_callback_data = e->data;
    e->ctx = e->api->llama_init_from_model(e->model->llama, params);
    if (e->ctx)
        e->batch = e->api->llama_batch_init(CHUNK, 0, 1);
    return e->ctx != NULL;
}

bool embedder_has_room(const struct embedder *e)
{
    return !e->task;
}

static void end(struct embedder *e, const struct err *err)
{
    record_end(&e->task->out, ENGINE_STOP_EOS, &e->task->timings, err);
    e->task->is_over = true;
    e->task = NULL;
}

static void begin_input(struct embedder *e, size_t input)
{
    e->input = input;
    e->at = 0;
    memset(e->sum, 0, e->model->facts.embedding_len * sizeof(*e->sum));
    if (e->ctx)
        e->api->llama_memory_clear(e->api->llama_get_memory(e->ctx), false);
}

void embedder_start(struct embedder *e, struct task *task)
{
    struct err err;

    assert(!e->task);
    e->task = task;
    task->timings.prompt_tokens = task_tokens_len(task);
    record_started(&task->out, 0);
    if (!e->ctx && !open_context(e)) {
        (void)err_set(&err, ERR_LIMIT, "no memory for a context for embeddings of %u tokens",
                      e->model->facts.ctx);
        end(e, &err);
        return;
    }
    begin_input(e, 0);
}

static size_t input_begin(const struct embedder *e)
{
    return e->input == 0 ? 0 : e->task->input_ends[e->input - 1];
}

static size_t input_left(const struct embedder *e)
{
    return e->task->input_ends[e->input] - input_begin(e) - e->at;
}

static int32_t decode_chunk(struct embedder *e, size_t len)
{
    const int32_t *tokens = e->task->tokens + input_begin(e) + e->at;
    struct llama_batch *b = &e->batch;

    for (size_t i = 0; i < len; i++) {
        b->token[i] = tokens[i];
        b->pos[i] = (llama_pos)(e->at + i);
        b->n_seq_id[i] = 1;
        b->seq_id[i][0] = 0;
        b->logits[i] = true;
    }
    b->n_tokens = (int32_t)len;
    return e->api->llama_decode(e->ctx, *b);
}

static void add_states(struct embedder *e, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const float *state = e->api->llama_get_embeddings_ith(e->ctx, (int32_t)i);
        for (size_t k = 0; k < e->model->facts.embedding_len; k++)
            e->sum[k] += (double)state[k];
    }
    e->at += len;
}

/* Scaling to length 1 makes dividing by the number of tokens unnecessary. */
static void say_mean(struct embedder *e)
{
    size_t len = e->model->facts.embedding_len;
    double square = 0;

    for (size_t k = 0; k < len; k++)
        square += e->sum[k] * e->sum[k];
    double scale = square > 0 ? 1 / sqrt(square) : 0;
    for (size_t k = 0; k < len; k++)
        e->mean[k] = (float)(e->sum[k] * scale);
    record_embedding(&e->task->out, e->input, e->mean, len);
}

static void fail(struct embedder *e, int32_t rc)
{
    struct err err;
    (void)err_set(&err, ERR_INTERNAL, "the engine failed to embed (llama.cpp code %d)", (int)rc);
    end(e, &err);
}

bool embedder_step(struct embedder *e)
{
    if (e->task && e->task->is_cancelled)
        end(e, NULL);
    if (!e->task || e->task->is_paused)
        return false;

    size_t left = input_left(e), len = left < CHUNK ? left : CHUNK;
    int32_t rc = decode_chunk(e, len);
    if (rc != 0) {
        fail(e, rc);
        return true;
    }
    add_states(e, len);
    if (len < left)
        return true;
    say_mean(e);
    if (e->input + 1 < e->task->inputs_len)
        begin_input(e, e->input + 1);
    else
        end(e, NULL);
    return true;
}
