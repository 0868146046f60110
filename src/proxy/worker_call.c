#include "proxy/worker_call.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/parse.h"
#include "proxy/proxy_internal.h"
#include "proxy/refusal.h"

#include <inttypes.h>

/* What the call waits for; each has its row in waits_of(), but PHASE_WHOLE has none. */
enum phase { PHASE_FIRST_TOKEN, PHASE_WHOLE, PHASE_TOKENS, PHASE_DONE, PHASE_HURRY };

/* --- Deadlines ----------------------------------------------------------- */

/* NULL: the total is limit enough. */
static struct loop_deadlines *waits_of(const struct worker_call *c)
{
    struct loop_deadlines *const waits[] = {
        [PHASE_FIRST_TOKEN] = &c->proxy->first_token,
        [PHASE_TOKENS] = &c->proxy->between,
        [PHASE_DONE] = &c->proxy->linger,
        [PHASE_HURRY] = &c->proxy->leaving,
    };

    return waits[c->phase];
}

static void wait_on(struct worker_call *c)
{
    struct loop_deadlines *waits = waits_of(c);

    if (waits)
        loop_deadline_arm(waits, &c->waiting);
}

void worker_call_started(struct worker_call *c)
{
    if (c->phase != PHASE_FIRST_TOKEN && c->phase != PHASE_WHOLE)
        return;
    c->phase = PHASE_TOKENS;
    if (!c->is_paused)
        wait_on(c);
}

void worker_call_done(struct worker_call *c)
{
    c->phase = PHASE_DONE;
    wait_on(c);
}

void worker_call_hurry(struct worker_call *c)
{
    c->phase = PHASE_HURRY;
    wait_on(c);
    if (c->is_paused)
        worker_call_resume(c);
}

void worker_call_pause(struct worker_call *c)
{
    if (c->is_paused || !c->http)
        return;
    c->is_paused = true;
    loop_deadline_disarm(&c->waiting);
    http_call_pause(c->http);
}

void worker_call_resume(struct worker_call *c)
{
    if (!c->is_paused || !c->http)
        return;
    c->is_paused = false;
    wait_on(c);
    http_call_resume(c->http);
}

/* --- The end ------------------------------------------------------------- */

static void release(struct worker_call *c)
{
    http_call_cancel(TAKE(c->http));
    sse_deinit(&c->sse);
    if (c->refused) {
        buf_deinit(c->refused);
        free(TAKE(c->refused));
    }
}

void worker_call_close(struct worker_call *c)
{
    release(c);
    loop_deadline_disarm(&c->waiting);
    loop_deadline_disarm(&c->total);
}

/* `c` may be gone afterwards. */
static void finish(struct worker_call *c, const struct worker_call_end *end)
{
    release(c);
    c->events->on_end(c->data, end);
}

static void fail(struct worker_call *c, const struct run_fault *fault)
{
    finish(c, &(struct worker_call_end){ .how = WORKER_CALL_FAILED, .fault = fault });
}

static void succeed(struct worker_call *c)
{
    finish(c, &(struct worker_call_end){ .how = WORKER_CALL_ENDED });
}

static int code_of(unsigned status, const struct refusal *refusal)
{
    if (refusal->is_too_long)
        return ERR_CONTEXT_LENGTH;
    return status == 413 ? ERR_TOO_LARGE : ERR_INVALID;
}

/* The error answer is here, as far as it came. */
static void judge(struct worker_call *c)
{
    bool is_final = refusal_is_final(c->status);
    struct buf *body = TAKE(c->refused);
    struct run_fault fault = { 0 };
    struct refusal refusal;

    refusal_read(buf_str(body), &refusal);
    const char *message = refusal.message[0] ? refusal.message : "no reason given";
    if (is_final) {
        fault.failure = RUN_BROKEN;
        (void)err_set(&fault.err, code_of(c->status, &refusal), "%s", message);
    } else {
        (void)run_fault_set(&fault, RUN_REFUSED, "Worker returned error %u: %s", c->status,
                            message);
        fault.err.retry_after_ms = c->retry_after_ms;
    }
    finish(c, &(struct worker_call_end){
                  .how = is_final ? WORKER_CALL_REJECTED : WORKER_CALL_FAILED,
                  .body = buf_str(body),
                  .fault = &fault,
              });
    buf_deinit(body);
    free(body);
}

/* --- The answer ---------------------------------------------------------- */

static bool is_media_type(struct str value, const char *type)
{
    const char *semicolon = value.p ? memchr(value.p, ';', value.len) : NULL;

    if (!value.p)
        return false;
    if (semicolon)
        value.len = (size_t)(semicolon - value.p);
    return str_ieq(str_trim(value), type);
}

static void begin_refusal(struct worker_call *c)
{
    enum { RETRY_AFTER_MAX_S = 3600 };
    struct str seconds = http_call_header(c->http, "Retry-After");
    uint64_t s = 0;

    if (parse_u64_str(seconds, &s))
        c->retry_after_ms = (uint32_t)(s < RETRY_AFTER_MAX_S ? s : RETRY_AFTER_MAX_S) * 1000;
    c->refused = mem_alloc(1, sizeof(*c->refused));
    buf_init(c->refused, REFUSAL_BODY_BYTES_MAX);
}

static void on_head(void *data, struct http_call *http, unsigned status)
{
    static const char *const media_types[] = {
        [WORKER_CALL_STREAM] = "text/event-stream",
        [WORKER_CALL_JSON] = "application/json",
    };
    struct worker_call *c = data;
    struct str type = http_call_header(http, "Content-Type");
    struct run_fault fault = { 0 };

    c->status = (uint16_t)status;
    c->content_length = http_call_content_length(http);
    if (c->is_paused)
        http_call_pause(http); /* asked for before there was a connection to pause */
    if (status < 200 || status > 299) {
        begin_refusal(c);
    } else if (!is_media_type(type, media_types[c->type])) {
        (void)run_fault_set(
            &fault, RUN_REFUSED, "Worker answered with content type '%.*s' instead of %s",
            (int)(type.len < 64 ? type.len : 64), type.p ? type.p : "", media_types[c->type]);
        fail(c, &fault);
    } else if (c->events->on_open) {
        c->events->on_open(c->data);
    }
}

/* One feed of the parser; the fault, once there is one, stops it. */
struct feed {
    struct worker_call *call;
    struct run_fault *fault; /* set when `has_failed` */
    bool has_failed;
};

static bool on_event(void *ctx, const struct sse_event *event)
{
    struct feed *feed = ctx;
    struct worker_call *c = feed->call;

    if (c->phase == PHASE_DONE)
        return false;
    feed->has_failed = !c->events->on_event(c->data, event, feed->fault);
    return !feed->has_failed;
}

/* False: the call has ended. */
static bool feed_stream(struct worker_call *c, struct str bytes)
{
    struct run_fault fault;
    struct feed feed = { .call = c, .fault = &fault };
    struct err err;

    if (sse_feed(&c->sse, bytes, on_event, &feed, &err) < 0)
        feed.has_failed = !run_fault_set(&fault, RUN_REFUSED, "Worker: %s", err.msg);
    if (feed.has_failed)
        fail(c, &fault);
    return !feed.has_failed;
}

static void on_body(void *data, struct http_call *http, struct str piece)
{
    struct worker_call *c = data;
    struct run_fault fault;

    (void)http;
    if (c->phase == PHASE_DONE)
        return;
    if (c->refused) {
        size_t room = REFUSAL_BODY_BYTES_MAX - buf_len(c->refused);
        (void)buf_add(c->refused, piece.p, piece.len < room ? piece.len : room);
        if (piece.len >= room)
            judge(c);
    } else if (c->type == WORKER_CALL_STREAM) {
        (void)feed_stream(c, piece);
    } else if (!c->events->on_bytes(c->data, piece, &fault)) {
        fail(c, &fault);
    }
}

static void on_read_end(void *data, struct http_call *http)
{
    struct worker_call *c = data;

    (void)http;
    if (c->refused)
        return;
    if (c->phase == PHASE_TOKENS && !c->is_paused)
        wait_on(c);
    if (c->events->on_read_end)
        c->events->on_read_end(c->data);
}

/* Some servers leave out the blank line behind their last event. */
static bool feed_last_event(struct worker_call *c)
{
    return c->type != WORKER_CALL_STREAM || buf_len(&c->sse.partial) == 0 ||
           feed_stream(c, str_of("\n\n"));
}

static void on_end(void *data, enum http_call_end how, const struct err *err)
{
    struct worker_call *c = data;
    struct run_fault fault = { 0 };

    c->http = NULL;
    if (c->refused) {
        judge(c);
    } else if (c->phase == PHASE_DONE) {
        succeed(c);
    } else if (how == HTTP_CALL_DONE) {
        if (feed_last_event(c))
            succeed(c);
    } else {
        run_fault_of_call(&fault, how, err, c->doing, c->status != 0);
        fail(c, &fault);
    }
}

/* --- Falling due --------------------------------------------------------- */

static void fail_late(struct worker_call *c, const char *what, uint64_t after_ms)
{
    struct run_fault fault = { 0 };

    if (c->refused) {
        judge(c);
        return;
    }
    (void)run_fault_set(&fault, RUN_SILENT, "Worker %s %" PRIu64 " ms", what, after_ms);
    fail(c, &fault);
}

void worker_call_on_first_token_late(struct loop_deadline *deadline)
{
    struct worker_call *c = container_of(deadline, struct worker_call, waiting);

    fail_late(c, "did not begin its answer within", c->proxy->timeouts.first_token_ms);
}

void worker_call_on_silence(struct loop_deadline *deadline)
{
    struct worker_call *c = container_of(deadline, struct worker_call, waiting);

    fail_late(c, "sent nothing for", waits_of(c)->after_ms);
}

void worker_call_on_linger_end(struct loop_deadline *deadline)
{
    succeed(container_of(deadline, struct worker_call, waiting));
}

void worker_call_on_total_late(struct loop_deadline *deadline)
{
    struct worker_call *c = container_of(deadline, struct worker_call, total);

    if (c->phase == PHASE_DONE)
        succeed(c);
    else
        fail_late(c, "did not end its answer within", c->proxy->timeouts.total_ms);
}

/* --- The beginning ------------------------------------------------------- */

static bool is_armed(const struct loop_deadline *d)
{
    return d->link.next && !list_is_empty(&d->link);
}

/* What a run's earlier call has armed goes on. */
static void start_deadlines(struct worker_call *c)
{
    if (!is_armed(&c->waiting))
        wait_on(c);
    if (!is_armed(&c->total))
        loop_deadline_arm(&c->proxy->total, &c->total);
}

void worker_call_start(struct worker_call *c, struct proxy *proxy,
                       const struct worker_call_options *options,
                       const struct worker_call_events *events, void *data)
{
    static const struct http_call_events http_events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_read_end = on_read_end,
        .on_end = on_end,
    };
    struct http_call_options o = {
        .to = options->worker->at,
        .method = options->method,
        .target = options->target,
        .bearer = options->worker->token.text,
        .content_type = options->body.len > 0 ? "application/json" : NULL,
        .body = options->body,
        .timeouts = { .connect_ms = proxy->timeouts.connect_ms },
    };
    size_t headers = 0;

    if (options->request_id.len > 0) {
        o.headers[headers].name = "x-request-id";
        o.headers[headers++].value = options->request_id;
    }
    if (options->traceparent.len > 0) {
        o.headers[headers].name = "traceparent";
        o.headers[headers++].value = options->traceparent;
    }
    c->proxy = proxy;
    c->events = events;
    c->data = data;
    c->doing = options->doing;
    c->type = (uint8_t)options->type;
    if (options->is_whole)
        c->phase = PHASE_WHOLE;
    c->status = 0;
    c->retry_after_ms = 0;
    sse_init(&c->sse);
    start_deadlines(c);
    c->http = http_call_start(proxy->client, &o, &http_events, c);
}
