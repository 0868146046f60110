/* The routes of the native dual call: POST /v1/inference, its stream, DELETE. */
#include "worker/native.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/server.h"
#include "worker/counters.h"
#include "worker/answer.h"
#include "worker/inference.h"
#include "worker/reading.h"
#include "worker/worker.h"

#include <assert.h>
#include <stdio.h>

enum { METRICS_EVERY_MS = 1000, EVENT_BYTES_MAX = 1024 * 1024 };

/* --- Events --------------------------------------------------------------- */

static void begin_event(struct json_out *o, struct buf *out, const char *type)
{
    buf_init(out, EVENT_BYTES_MAX);
    json_out_init(o, out);
    json_begin(o, NULL, '{');
    json_str(o, "type", type);
}

static void say_event(struct inference *inf, struct json_out *o, const char *type)
{
    json_end(o);
    inference_say(inf, type, buf_str(o->buf));
    buf_deinit(o->buf);
}

static void on_accepted(void *data, uint64_t prompt_tokens)
{
    (void)prompt_tokens;
    inference_accept(data);
}

static void on_started(void *data, uint64_t cached_tokens)
{
    struct inference *inf = data;
    struct json_out o;
    struct buf out;

    begin_event(&o, &out, "started");
    json_str(&o, "job_id", inf->id);
    json_str(&o, "model", inf->worker->options->ref);
    json_str(&o, "worker_id", inf->worker->options->id);
    json_int(&o, "attempt", 1);
    json_int(&o, "seed", inf->seed);
    json_uint(&o, "cached_tokens", cached_tokens);
    json_time(&o, "started_at", clock_wall_ms());
    say_event(inf, &o, "started");
    inf->metrics_ms = loop_now_ms(inf->worker->loop);
}

static void say_metrics(struct inference *inf, uint64_t tokens, double tokens_per_s)
{
    struct json_out o;
    struct buf out;

    begin_event(&o, &out, "metrics");
    json_uint(&o, "tokens_out", tokens);
    json_double(&o, "tokens_per_s", tokens_per_s);
    say_event(inf, &o, "metrics");
}

static void say_metrics_when_due(struct inference *inf, uint64_t tokens)
{
    uint64_t now_ms = loop_now_ms(inf->worker->loop);
    uint64_t passed_ms = now_ms - inf->metrics_ms;

    if (passed_ms < METRICS_EVERY_MS)
        return;
    say_metrics(inf, tokens, (double)(tokens - inf->metrics_tokens) * 1e3 / (double)passed_ms);
    inf->metrics_ms = now_ms;
    inf->metrics_tokens = tokens;
}

static void on_text(void *data, const struct engine_text *text)
{
    struct inference *inf = data;
    struct json_out o;
    struct buf out;

    begin_event(&o, &out, "token");
    json_strn(&o, "t", text->text);
    json_uint(&o, "i", inf->token_index++);
    say_event(inf, &o, "token");
    say_metrics_when_due(inf, text->tokens_len);
}

/* --- The end --------------------------------------------------------------- */

static const char *stop_reason(enum engine_stop stop)
{
    static const char *const names[] = {
        [ENGINE_STOP_EOS] = "EOS",
        [ENGINE_STOP_SEQUENCE] = "STOP_SEQUENCE",
        [ENGINE_STOP_MAX_TOKENS] = "MAX_TOKENS",
        [ENGINE_STOP_CONTEXT_FULL] = "CONTEXT_FULL",
    };
    return names[stop];
}

static void say_end(struct inference *inf, const struct engine_end *end)
{
    const struct engine_timings *t = &end->timings;
    struct json_out o;
    struct buf out;

    if (t->output_us > 0)
        say_metrics(inf, t->output_tokens, (double)t->output_tokens * 1e6 / (double)t->output_us);
    begin_event(&o, &out, "end");
    json_uint(&o, "tokens_out", t->output_tokens);
    json_uint(&o, "decode_time_ms", (t->output_us + 500) / 1000);
    json_str(&o, "stop_reason", stop_reason(end->stop));
    json_uint(&o, "tokens_in", t->prompt_tokens);
    json_uint(&o, "cached_tokens", t->cached_tokens);
    answer_timings(&o, "timings", t);
    say_event(inf, &o, "end");
}

/* PROTOCOL's codes for a run that failed at the worker. */
static const char *failure_code(const struct err *err)
{
    return err->code == ERR_LIMIT ? "VRAM_OOM" : "INFERENCE_FAILED";
}

static void fail(struct inference *inf, const struct err *err)
{
    char marker[sizeof(err->msg) + 16];
    struct json_out o;
    struct buf out;

    begin_event(&o, &out, "error");
    json_str(&o, "code", failure_code(err));
    json_str(&o, "message", err->msg);
    json_bool(&o, "retriable", true); /* elsewhere it may go well */
    say_event(inf, &o, "error");
    (void)snprintf(marker, sizeof(marker), "[ERROR] %s", err->msg);
    inference_end(inf, INFERENCE_FAILED, marker);
}

static void on_end(void *data, const struct engine_end *end)
{
    struct inference *inf = data;
    bool is_refused = inf->phase == INFERENCE_ACCEPTED;

    inf->run = NULL;
    counters_run_ended(inf->worker, "inference", inf->id,
                       end->err ? err_name(end->err->code) : answer_finish_reason(end->stop),
                       &end->timings);
    if (is_refused) {
        inference_refuse(inf, end->err);
    } else if (end->err) {
        fail(inf, end->err);
    } else {
        say_end(inf, end);
        inference_end(inf, INFERENCE_DONE, "[DONE]");
    }
}

/* --- Routes ----------------------------------------------------------------- */

static void start(struct http_request *req, struct inference_request *request)
{
    static const struct engine_run_events events = {
        .on_accepted = on_accepted, .on_started = on_started, .on_text = on_text, .on_end = on_end
    };
    struct worker *w = http_request_app(req);
    struct inference *inf = inference_new(w, req);
    struct engine_run_options run;
    struct err err;

    inference_request_choose_seed(request, random_u64());
    inf->seed = request->seed;
    if (engine_get_facts(w->engine)->has_chat_template)
        inference_request_make_chat(request);
    inference_request_to_run(request, &run);
    run.events = &events;
    run.data = inf;
    if (engine_submit(w->engine, &run, &inf->run, &err) < 0)
        inference_refuse(inf, &err);
}

void native_post(struct http_request *req)
{
    reading_start(req, FORM_NATIVE, start);
}

static struct inference *find(struct http_request *req)
{
    struct worker *w = http_request_app(req);
    struct str id = http_request_param(req, 0);
    struct inference *inf = inference_find(&w->inferences, id);
    struct err err;

    if (!inf) {
        (void)err_set(&err, ERR_NOT_FOUND,
                      "there is no job '%.*s' here; ended ones are forgotten after %d s",
                      STR_ARG(id), INFERENCE_KEEP_MS / 1000);
        http_reply_error(req, &err);
    }
    return inf;
}

void native_stream(struct http_request *req)
{
    struct inference *inf = find(req);
    struct err err;

    if (inf && inference_follow(inf, req, &err) < 0)
        http_reply_error(req, &err);
}

void native_delete(struct http_request *req)
{
    struct inference *inf = find(req);
    struct json_out o;
    char body[160];
    struct buf out;

    if (!inf)
        return;
    inference_cancel(inf, "cancelled by request");
    buf_init_fixed(&out, body, sizeof(body));
    json_out_init(&o, &out);
    json_begin(&o, NULL, '{');
    json_str(&o, "job_id", inf->id);
    json_str(&o, "status", inference_phase_name(inf->phase));
    json_end(&o);
    http_reply(req, 200, "application/json", buf_str(&out));
}
