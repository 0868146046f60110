/* Chat and text completions: one exchange, one run, whole or as a stream. */
#include "worker/openai.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/server.h"
#include "worker/counters.h"
#include "http/sse.h"
#include "worker/answer.h"
#include "worker/event_stream.h"
#include "worker/reading.h"
#include "worker/worker.h"

/* Far above what a context can hold; a bound all the same. */
enum { ANSWER_BYTES_MAX = 64 * 1024 * 1024, CHUNK_BYTES_MAX = 16 * 1024 * 1024 };

struct exchange {
    struct worker *worker;
    struct http_request *req; /* until it is answered, or its stream has begun */
    struct engine_run *run;
    struct answer answer;
    bool wants_stream;
    struct event_stream stream;
    struct buf text;       /* of an answer that is not streamed */
    struct buf logprobs;   /* entries of all text so far; streamed: since the last chunk */
    size_t shown_logprobs; /* bytes of `logprobs` whose text was given out */
};

static const char *route_name(const struct exchange *x)
{
    return x->answer.shape == ANSWER_CHAT ? "chat" : "completion";
}

static void exchange_free(struct exchange *x)
{
    buf_deinit(&x->text);
    buf_deinit(&x->logprobs);
    free(x);
}

/* --- The world's end of it ------------------------------------------------- */

static void on_gone(void *data)
{
    struct exchange *x = data;

    engine_run_cancel(x->run);
    event_stream_gone(&x->stream);
    counters_run_ended(x->worker, route_name(x), x->answer.id, "cancelled", NULL);
    exchange_free(x);
}

static void on_drain(void *data)
{
    struct exchange *x = data;
    event_stream_drained(&x->stream, x->run);
}

/* --- Streaming --------------------------------------------------------------- */

static void send_event(struct exchange *x, struct str data)
{
    struct buf event;

    buf_init(&event, CHUNK_BYTES_MAX);
    sse_write(&event, NULL, NULL, data);
    event_stream_write(&x->stream, buf_str(&event), x->run);
    buf_deinit(&event);
}

/* Nothing leaves before the first token: until then a failure is a real status. */
static bool begin_stream(struct exchange *x)
{
    if (x->stream.req)
        return false;
    event_stream_begin(&x->stream, x->worker, TAKE(x->req));
    return true;
}

static void stream_text(struct exchange *x, struct str text)
{
    bool is_first = begin_stream(x);
    struct buf chunk;

    buf_init(&chunk, CHUNK_BYTES_MAX);
    answer_chunk(&x->answer, is_first, text, buf_str(&x->logprobs), &chunk);
    send_event(x, buf_str(&chunk));
    buf_deinit(&chunk);
    buf_clear(&x->logprobs);
}

static void stream_end(struct exchange *x, const struct engine_end *end)
{
    bool is_first = begin_stream(x);
    struct buf chunk;

    buf_init(&chunk, CHUNK_BYTES_MAX);
    answer_last_chunk(&x->answer, is_first, answer_finish_reason(end->stop), &chunk);
    send_event(x, buf_str(&chunk));
    if (x->answer.include_usage) {
        buf_clear(&chunk);
        answer_usage_chunk(&x->answer, &end->timings, &chunk);
        send_event(x, buf_str(&chunk));
    }
    send_event(x, str_of("[DONE]"));
    event_stream_end(&x->stream);
    buf_deinit(&chunk);
}

/* In band, and then no proper end: no client takes this for a whole answer. */
static void stream_error(struct exchange *x, const struct err *err)
{
    struct buf body;

    buf_init(&body, CHUNK_BYTES_MAX);
    http_error_body(err, true, http_request_id(x->stream.req), &body);
    send_event(x, buf_str(&body));
    event_stream_abort(&x->stream);
    buf_deinit(&body);
}

/* --- What the engine says ------------------------------------------------------ */

static void on_started(void *data, uint64_t cached_tokens)
{
    struct exchange *x = data;
    (void)cached_tokens;
    http_reply_header(x->req, "x-rbee-worker", str_of(x->worker->options->id));
}

static void on_logprob(void *data, const struct engine_logprob *logprob)
{
    struct exchange *x = data;
    answer_add_logprob(&x->logprobs, logprob);
}

static void on_text(void *data, const struct engine_text *text)
{
    struct exchange *x = data;

    if (x->wants_stream) {
        stream_text(x, text->text);
        return;
    }
    (void)buf_add(&x->text, text->text.p, text->text.len);
    x->shown_logprobs = buf_len(&x->logprobs);
}

static void reply_whole(struct exchange *x, const struct engine_end *end)
{
    struct str logprobs = { buf_str(&x->logprobs).p, x->shown_logprobs };
    struct buf body;

    buf_init(&body, ANSWER_BYTES_MAX);
    answer_whole(&x->answer, buf_str(&x->text), logprobs, answer_finish_reason(end->stop),
                 &end->timings, &body);
    http_reply(TAKE(x->req), 200, "application/json", buf_str(&body));
    buf_deinit(&body);
}

static void on_end(void *data, const struct engine_end *end)
{
    struct exchange *x = data;

    x->run = NULL;
    counters_run_ended(x->worker, route_name(x), x->answer.id,
                       end->err ? err_name(end->err->code) : answer_finish_reason(end->stop),
                       &end->timings);
    if (end->err && x->stream.req)
        stream_error(x, end->err);
    else if (end->err)
        http_reply_error(TAKE(x->req), end->err);
    else if (x->wants_stream)
        stream_end(x, end);
    else
        reply_whole(x, end);
    exchange_free(x);
}

/* --- Routes ----------------------------------------------------------------------- */

static struct exchange *exchange_new(struct http_request *req,
                                     const struct inference_request *request)
{
    static const struct http_watch watch = { .on_gone = on_gone, .on_drain = on_drain };
    struct exchange *x = mem_alloc(1, sizeof(*x));

    x->worker = http_request_app(req);
    x->req = req;
    x->wants_stream = request->stream;
    answer_init(&x->answer, request->form == FORM_CHAT ? ANSWER_CHAT : ANSWER_COMPLETION);
    x->answer.model = x->worker->options->ref;
    x->answer.fingerprint = x->worker->fingerprint;
    x->answer.wants_logprobs = request->wants_logprobs;
    x->answer.include_usage = request->stream && request->include_usage;
    buf_init(&x->text, ANSWER_BYTES_MAX / 8); /* as JSON it may be six times as long */
    buf_init(&x->logprobs, ANSWER_BYTES_MAX / 2);
    http_request_watch(req, &watch, x);
    return x;
}

static void start(struct http_request *req, struct inference_request *request)
{
    static const struct engine_run_events events = {
        .on_started = on_started, .on_logprob = on_logprob, .on_text = on_text, .on_end = on_end
    };
    struct exchange *x = exchange_new(req, request);
    struct engine_run_options run;
    struct err err;

    inference_request_choose_seed(request, random_u64());
    inference_request_to_run(request, &run);
    run.events = &events;
    run.data = x;
    if (engine_submit(x->worker->engine, &run, &x->run, &err) < 0) {
        http_reply_error(req, &err);
        exchange_free(x);
    }
}

void openai_chat(struct http_request *req)
{
    reading_start(req, FORM_CHAT, start);
}

void openai_completion(struct http_request *req)
{
    reading_start(req, FORM_COMPLETION, start);
}
