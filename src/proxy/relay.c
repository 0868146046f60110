#include "proxy/relay.h"

#include "base/mem.h"
#include "http/server.h"
#include "loop/stream.h"
#include "proxy/completion.h"
#include "proxy/proxy_internal.h"
#include "proxy/refusal.h"
#include "proxy/worker_call.h"

#include <assert.h>

enum { USAGE_TAIL_BYTES = 1024 }; /* usage stands near the end of a whole answer */

static const char JSON_TYPE[] = "application/json";
static const char STREAM_TYPE[] = "text/event-stream";
static const char DONE_EVENT[] = "data: [DONE]\n\n";

struct relay {
    struct http_request *request; /* borrowed; NULL once answered */
    uint64_t frames;
    bool is_stream;
    bool has_begun;  /* on_head came, bytes may be with the client */
    bool has_finish; /* a finish reason */
    bool is_done;    /* [DONE] */
    bool has_usage;
    struct worker_call call;
    const struct relay_events *events;
    void *data;
    struct buf held; /* before the head goes out: all; after: the tail of a whole answer */
    struct usage usage;
};

/* --- To the client ------------------------------------------------------- */

static void begin(struct relay *r, int64_t content_length)
{
    r->has_begun = true;
    worker_call_started(&r->call);
    r->events->on_head(r->data, r->call.status);
    if (!http_stream_begun(r->request))
        http_stream_begin(r->request, r->call.status, r->is_stream ? STREAM_TYPE : JSON_TYPE,
                          content_length);
}

static void add_out(struct relay *r, struct str bytes)
{
    bool fits = buf_add(&r->call.proxy->out, bytes.p, bytes.len);

    assert(fits); /* PROXY_OUT_BYTES_MAX */
}

/* What one read gave, in one write. */
static void flush(struct relay *r)
{
    struct buf *out = &r->call.proxy->out;

    if (buf_len(out) == 0)
        return;
    http_stream_write(r->request, buf_str(out).p, buf_len(out));
    buf_clear(out);
    if (http_stream_queued(r->request) > STREAM_HIGH_WATER)
        worker_call_pause(&r->call);
}

static void write_error_event(struct http_request *request, struct str body)
{
    struct buf event;

    buf_init(&event, SSE_EVENT_BYTES_MAX);
    sse_write(&event, NULL, NULL, body);
    http_stream_write(request, buf_str(&event).p, buf_len(&event));
    buf_deinit(&event);
}

void relay_answer_error(struct http_request *request, const struct err *err)
{
    struct buf body;

    if (!http_stream_begun(request)) {
        http_reply_error(request, err);
        return;
    }
    buf_init(&body, SSE_EVENT_BYTES_MAX);
    http_error_body(err, true, http_request_id(request), &body);
    write_error_event(request, buf_str(&body));
    buf_deinit(&body);
    http_stream_abort(request);
}

/* An error after the begin: in band if the answer has a place for it, and a cut. */
static void break_off(struct relay *r, const struct err *err)
{
    struct http_request *request = TAKE(r->request);

    if (r->is_stream || !http_stream_begun(request))
        relay_answer_error(request, err);
    else
        http_stream_abort(request);
}

/* --- The end ------------------------------------------------------------- */

static void relay_free(struct relay *r)
{
    worker_call_close(&r->call);
    buf_deinit(&r->held);
    free(r);
}

static void end(struct relay *r, struct relay_result *result)
{
    result->is_answered = r->request == NULL;
    result->status = r->call.status;
    result->usage = r->usage;
    if (!r->has_usage)
        result->usage.tokens_out = r->frames;
    r->events->on_end(r->data, result);
    relay_free(r);
}

static void end_finished(struct relay *r)
{
    struct relay_result result = { .is_finished = true };

    end(r, &result);
}

static void end_failed(struct relay *r, const struct run_fault *fault)
{
    struct relay_result result = { .failure = fault->failure, .err = fault->err };

    if (r->has_begun) {
        result.failure = RUN_BROKEN;
        flush(r);
        break_off(r, &fault->err);
    }
    end(r, &result);
}

/* --- Streams ------------------------------------------------------------- */

static bool hold(struct relay *r, struct str raw, struct run_fault *fault)
{
    if (buf_add(&r->held, raw.p, raw.len))
        return true;
    return run_fault_set(fault, RUN_REFUSED, "Worker sent %d KiB without a token",
                         RELAY_HELD_BYTES_MAX / 1024);
}

static void release_held(struct relay *r)
{
    add_out(r, buf_str(&r->held));
    buf_deinit(&r->held);
}

static bool on_done_marker(struct relay *r, struct str raw, struct run_fault *fault)
{
    if (!r->has_begun)
        return run_fault_set(fault, RUN_REFUSED, "Worker ended its stream without an answer");
    r->is_done = true;
    worker_call_done(&r->call);
    add_out(r, raw);
    return true;
}

static bool on_error_frame(struct str json, struct run_fault *fault)
{
    struct refusal refusal;

    refusal_read(json, &refusal);
    return run_fault_set(fault, RUN_REFUSED, "Worker returned error: %s",
                         refusal.message[0] ? refusal.message : "no reason given");
}

static void note(struct relay *r, const struct completion *c)
{
    r->frames += r->is_stream && c->has_content;
    r->has_finish = r->has_finish || c->finish.p;
    if (!c->has_usage)
        return;
    r->has_usage = true;
    r->usage = c->usage;
}

/* One frame; `raw` goes out, or is held as long as no frame had content. */
static bool on_frame(struct relay *r, const struct sse_event *event, struct run_fault *fault)
{
    struct completion c;
    struct err err;

    if (completion_read(event->data, &c, &err) < 0)
        return run_fault_set(fault, RUN_REFUSED, "Worker sent an event that is no completion: %s",
                             err.msg);
    if (c.error.p)
        return on_error_frame(event->data, fault);
    note(r, &c);
    if (!r->has_begun) {
        if (!c.has_content && !c.finish.p)
            return hold(r, event->raw, fault);
        begin(r, HTTP_LENGTH_UNKNOWN);
        release_held(r);
    }
    add_out(r, event->raw);
    return true;
}

static bool on_event(void *data, const struct sse_event *event, struct run_fault *fault)
{
    struct relay *r = data;

    if (!event->data.p) { /* a comment: a sign of life, worth passing on, not worth holding */
        if (r->has_begun)
            add_out(r, event->raw);
        return true;
    }
    if (str_eq(event->data, "[DONE]"))
        return on_done_marker(r, event->raw, fault);
    if (r->has_begun && completion_is_plain(event->data)) {
        r->frames++;
        add_out(r, event->raw);
        return true;
    }
    return on_frame(r, event, fault);
}

static void finish_stream(struct relay *r)
{
    struct run_fault fault;

    if (!r->has_begun) {
        (void)run_fault_set(&fault, RUN_DIED, "Worker ended its stream without an answer");
        end_failed(r, &fault);
    } else if (!r->is_done && !r->has_finish) {
        (void)run_fault_set(&fault, RUN_BROKEN, "Worker ended its stream in the middle");
        end_failed(r, &fault);
    } else {
        if (!r->is_done)
            add_out(r, str_of(DONE_EVENT));
        flush(r);
        http_stream_end(TAKE(r->request));
        end_finished(r);
    }
}

/* --- Whole answers ------------------------------------------------------- */

static void look_for_usage(struct relay *r)
{
    if (completion_find_usage(buf_str(&r->held), &r->usage))
        r->has_usage = true;
}

/* The last bytes of `held` and `piece`. */
static void keep_tail(struct relay *r, struct str piece)
{
    size_t skip = piece.len > USAGE_TAIL_BYTES ? piece.len - USAGE_TAIL_BYTES : 0;

    (void)buf_add(&r->held, piece.p + skip, piece.len - skip);
    if (buf_len(&r->held) > USAGE_TAIL_BYTES)
        buf_consume(&r->held, buf_len(&r->held) - USAGE_TAIL_BYTES);
}

/* Too long to be held whole: from here on it passes through. */
static void begin_whole(struct relay *r)
{
    struct buf held = r->held;

    look_for_usage(r);
    begin(r, r->call.content_length);
    add_out(r, buf_str(&held));
    buf_init(&r->held, (size_t)2 * USAGE_TAIL_BYTES);
    keep_tail(r, buf_str(&held));
    buf_deinit(&held);
}

static bool on_bytes(void *data, struct str bytes, struct run_fault *fault)
{
    struct relay *r = data;

    (void)fault;
    if (!r->has_begun) {
        if (buf_add(&r->held, bytes.p, bytes.len))
            return true;
        begin_whole(r);
    }
    add_out(r, bytes);
    keep_tail(r, bytes);
    return true;
}

/* Held to its end: it can be checked, and answered in one piece. */
static void answer_held(struct relay *r)
{
    struct run_fault fault;
    struct completion c;
    struct err err;

    if (completion_read(buf_str(&r->held), &c, &err) < 0) {
        (void)run_fault_set(&fault, RUN_REFUSED, "Worker's answer is not a completion: %s",
                            err.msg);
        end_failed(r, &fault);
    } else if (c.error.p) {
        (void)on_error_frame(buf_str(&r->held), &fault);
        end_failed(r, &fault);
    } else {
        note(r, &c);
        r->events->on_head(r->data, r->call.status);
        http_reply(TAKE(r->request), r->call.status, JSON_TYPE, buf_str(&r->held));
        end_finished(r);
    }
}

static void finish_whole(struct relay *r)
{
    if (!r->has_begun) {
        answer_held(r);
        return;
    }
    if (!r->has_usage)
        look_for_usage(r);
    flush(r);
    http_stream_end(TAKE(r->request));
    end_finished(r);
}

/* --- A worker's 4xx ------------------------------------------------------ */

static void answer_rejected(struct relay *r, struct str body, const struct err *err)
{
    struct http_request *request = TAKE(r->request);
    struct refusal refusal;
    struct buf own;

    buf_init(&own, SSE_EVENT_BYTES_MAX);
    refusal_read(body, &refusal);
    if (!refusal.is_openai) {
        http_error_body(err, true, http_request_id(request), &own);
        body = buf_str(&own);
    }
    if (http_stream_begun(request)) {
        write_error_event(request, body);
        http_stream_abort(request);
    } else {
        http_reply(request, r->call.status, JSON_TYPE, body);
    }
    buf_deinit(&own);
}

/* --- The worker's side --------------------------------------------------- */

static void on_read_end(void *data)
{
    flush(data);
}

static void on_call_end(void *data, const struct worker_call_end *call_end)
{
    struct relay *r = data;

    switch (call_end->how) {
    case WORKER_CALL_ENDED:
        if (r->is_stream)
            finish_stream(r);
        else
            finish_whole(r);
        break;
    case WORKER_CALL_REJECTED:
        r->events->on_head(r->data, r->call.status);
        answer_rejected(r, call_end->body, &call_end->fault->err);
        end_finished(r);
        break;
    case WORKER_CALL_FAILED:
        end_failed(r, call_end->fault);
        break;
    }
}

struct relay *relay_start(struct proxy *proxy, const struct relay_options *options,
                          const struct relay_events *events, void *data)
{
    static const struct worker_call_events call_events = {
        .on_event = on_event,
        .on_bytes = on_bytes,
        .on_read_end = on_read_end,
        .on_end = on_call_end,
    };
    struct relay *r = mem_alloc(1, sizeof(*r));
    const struct worker_call_options call = {
        .worker = options->worker,
        .method = "POST",
        .target = options->target,
        .body = options->body,
        .request_id = str_of(http_request_id(options->request)),
        .traceparent = options->traceparent,
        .type = options->is_stream ? WORKER_CALL_STREAM : WORKER_CALL_JSON,
        .is_whole = !options->is_stream,
        .doing = "Failed to send request to worker",
    };

    r->request = options->request;
    r->events = events;
    r->data = data;
    r->is_stream = options->is_stream;
    buf_init(&r->held, RELAY_HELD_BYTES_MAX);
    worker_call_start(&r->call, proxy, &call, &call_events, r);
    return r;
}

/* --- The owner's side ---------------------------------------------------- */

void relay_client_drained(struct relay *r)
{
    worker_call_resume(&r->call);
}

void relay_cancel(struct relay *r)
{
    if (r)
        relay_free(r);
}

void relay_fail(struct relay *r, const struct err *err)
{
    worker_call_close(&r->call);
    break_off(r, err);
    relay_free(r);
}
