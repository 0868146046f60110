/* POST /v1/embeddings. */
#include "base/json_write.h"
#include "base/mem.h"
#include "http/server.h"
#include "worker/counters.h"
#include "worker/base64.h"
#include "worker/openai.h"
#include "worker/reading.h"
#include "worker/worker.h"

#include <math.h>
#include <stdio.h>

enum { ANSWER_BYTES_MAX = 128 * 1024 * 1024 };

struct embedding {
    struct worker *worker;
    struct http_request *req;
    struct engine_run *run;
    bool wants_base64;
    struct buf body; /* the answer so far: up to the last embedding */
    struct json_out json;
};

static void embedding_free(struct embedding *e)
{
    buf_deinit(&e->body);
    free(e);
}

static void on_gone(void *data)
{
    struct embedding *e = data;

    engine_run_cancel(e->run);
    counters_run_ended(e->worker, "embedding", "", "cancelled", NULL);
    embedding_free(e);
}

/* --- Writing ---------------------------------------------------------------- */

/* Nine digits bring a float back exactly; json_double() would write seventeen. */
static void write_float(struct json_out *o, float value)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%.9g", (double)value);
    json_raw(o, NULL, isfinite(value) ? (struct str){ text, (size_t)len } : str_of("0"));
}

static void write_base64(struct json_out *o, const float *values, size_t len)
{
    struct buf text;

    buf_init(&text, ANSWER_BYTES_MAX);
    (void)buf_putc(&text, '"');
    base64_add(&text, values, len * sizeof(*values)); /* little-endian, as clients expect */
    (void)buf_putc(&text, '"');
    json_raw(o, "embedding", buf_str(&text));
    buf_deinit(&text);
}

static void on_embedding(void *data, size_t index, const float *values, size_t values_len)
{
    struct embedding *e = data;
    struct json_out *o = &e->json;

    json_begin(o, NULL, '{');
    json_str(o, "object", "embedding");
    json_uint(o, "index", index);
    if (e->wants_base64) {
        write_base64(o, values, values_len);
    } else {
        json_begin(o, "embedding", '[');
        for (size_t i = 0; i < values_len; i++)
            write_float(o, values[i]);
        json_end(o);
    }
    json_end(o);
}

static void begin_body(struct embedding *e)
{
    buf_init(&e->body, ANSWER_BYTES_MAX);
    json_out_init(&e->json, &e->body);
    json_begin(&e->json, NULL, '{');
    json_str(&e->json, "object", "list");
    json_str(&e->json, "model", e->worker->options->ref);
    json_begin(&e->json, "data", '[');
}

static void end_body(struct embedding *e, uint64_t tokens)
{
    json_end(&e->json);
    json_begin(&e->json, "usage", '{');
    json_uint(&e->json, "prompt_tokens", tokens);
    json_uint(&e->json, "total_tokens", tokens);
    json_end(&e->json);
    json_end(&e->json);
}

static void on_end(void *data, const struct engine_end *end)
{
    struct embedding *e = data;

    counters_run_ended(e->worker, "embedding", http_request_id(e->req),
                       end->err ? err_name(end->err->code) : "stop", &end->timings);
    if (end->err) {
        http_reply_error(e->req, end->err);
    } else {
        end_body(e, end->timings.prompt_tokens);
        http_reply(e->req, 200, "application/json", buf_str(&e->body));
    }
    embedding_free(e);
}

/* --- The route ---------------------------------------------------------------- */

static int check(const struct worker *w, const struct inference_request *r, struct err *err)
{
    size_t dimensions = engine_get_facts(w->engine)->embedding_len;

    if (r->dimensions > 0 && (uint64_t)r->dimensions != dimensions)
        return err_param(err, ERR_INVALID, "dimensions", "this model's embeddings have %zu",
                         dimensions);
    if (r->inputs_len > ENGINE_EMBED_FLOATS_MAX / dimensions)
        return err_param(err, ERR_INVALID, "input",
                         "at most %zu inputs of %zu dimensions fit into one answer",
                         ENGINE_EMBED_FLOATS_MAX / dimensions, dimensions);
    return 0;
}

static struct embedding *embedding_new(struct http_request *req,
                                       const struct inference_request *request)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    struct embedding *e = mem_alloc(1, sizeof(*e));

    e->worker = http_request_app(req);
    e->req = req;
    e->wants_base64 = request->wants_base64;
    begin_body(e);
    http_request_watch(req, &watch, e);
    return e;
}

static void start(struct http_request *req, struct inference_request *request)
{
    static const struct engine_run_events events = { .on_embedding = on_embedding,
                                                     .on_end = on_end };
    struct worker *w = http_request_app(req);
    struct engine_run_options run;
    struct err err;

    if (check(w, request, &err) < 0) {
        http_reply_error(req, &err);
        inference_request_free(request);
        return;
    }
    struct embedding *e = embedding_new(req, request);
    inference_request_to_run(request, &run);
    run.events = &events;
    run.data = e;
    if (engine_submit(w->engine, &run, &e->run, &err) < 0) {
        http_reply_error(req, &err);
        embedding_free(e);
    }
}

void openai_embedding(struct http_request *req)
{
    reading_start(req, FORM_EMBEDDING, start);
}
