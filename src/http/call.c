#include "http/client_internal.h"

#include "base/mem.h"

#include <assert.h>

enum {
    ANSWER_PENDING_BYTES_MAX = HTTP1_HEAD_BYTES_MAX + STREAM_READ_SIZE,
    BODY_SLICE_BYTES = 256 * 1024, /* offered to the socket at once: it copies what it refuses */
};

/* --- Sending ------------------------------------------------------------- */

static void keep_head(struct http_call *call, const struct http_call_options *o)
{
    struct str head = client_write_head(call->client, o, call->pool->name);

    call->head_len = head.len;
    call->head = mem_resize(NULL, head.len);
    memcpy(call->head, head.p, head.len);
}

/* The next bytes of head and body: at most BODY_SLICE_BYTES of the body. */
static void send_slice(struct http_call *call)
{
    size_t in_body = call->sent > call->head_len ? call->sent - call->head_len : 0;
    size_t left = call->body.len - in_body;
    size_t slice = left < BODY_SLICE_BYTES ? left : BODY_SLICE_BYTES;
    struct iovec iov[2];
    size_t len = 0;

    if (call->sent < call->head_len)
        iov[len++] = (struct iovec){ call->head, call->head_len };
    if (slice > 0)
        iov[len++] = (struct iovec){ (char *)(uintptr_t)call->body.p + in_body, slice };
    call->sent = call->head_len + in_body + slice;
    stream_writev(call->connection->stream, iov, len);
}

void call_arm(struct http_call *call, struct loop_deadlines *queue)
{
    if (queue)
        loop_deadline_arm(queue, &call->phase_deadline);
    else
        loop_deadline_disarm(&call->phase_deadline);
}

static void send_more(struct http_call *call)
{
    size_t all = call->head_len + call->body.len;

    while (call->sent < all && stream_queued(call->connection->stream) <= STREAM_HIGH_WATER)
        send_slice(call);
    call->phase = call->sent < all ? CALL_SENDING : CALL_WAITING;
    call_arm(call, call->first_byte);
}

/* --- Attempts ------------------------------------------------------------ */

static void attempt(struct http_call *call, bool fresh)
{
    call->sent = 0;
    call->connection = fresh ? NULL : pool_take(call->pool, call);
    call->is_reused = call->connection != NULL;
    if (call->is_reused) {
        send_more(call);
        return;
    }
    call->phase = CALL_CONNECTING;
    call->connection = pool_open(call->pool, call);
    call_arm(call, call->connect);
}

void call_on_connect(struct http_call *call, const struct err *err)
{
    if (err) {
        call_end(call, HTTP_CALL_CONNECT, err);
        return;
    }
    pool_read(call->connection, !call->is_paused);
    send_more(call);
}

void call_on_drain(struct http_call *call)
{
    if (call->phase == CALL_SENDING)
        send_more(call);
}

/* A kept connection that its peer had closed: nobody has seen the request. */
static bool is_stale(const struct http_call *call)
{
    return call->is_reused && !call->has_answer_bytes;
}

void call_on_closed(struct http_call *call, int sys_errno)
{
    bool is_whole = call->phase == CALL_BODY && sys_errno == 0 && http1_body_closed(&call->framing);
    struct err err;

    if (is_stale(call)) {
        pool_close(TAKE(call->connection), false);
        attempt(call, true);
        return;
    }
    if (is_whole) {
        call_end(call, HTTP_CALL_DONE, NULL);
        return;
    }
    (void)err_set(&err, ERR_UPSTREAM, "%s closed the connection %s%s%s", call->pool->name,
                  call->phase == CALL_BODY ? "in the middle of its answer" : "without an answer",
                  sys_errno ? ": " : "", sys_errno ? strerror(sys_errno) : "");
    err.sys_errno = sys_errno;
    call_end(call, HTTP_CALL_CUT, &err);
}

void call_arm_between(struct http_call *call)
{
    call_arm(call, call->is_paused ? NULL : call->between);
}

void http_call_pause(struct http_call *call)
{
    call->is_paused = true;
    pool_read(call->connection, false);
    if (call->phase == CALL_BODY)
        call_arm_between(call);
}

void http_call_resume(struct http_call *call)
{
    if (!call->is_paused)
        return;
    call->is_paused = false;
    pool_read(call->connection, true);
    if (call->phase == CALL_BODY)
        call_arm_between(call);
}

/* --- The end ------------------------------------------------------------- */

void call_leave(struct http_call *call)
{
    if (--call->depth > 0 || !call->is_ended)
        return;
    buf_deinit(&call->in);
    free(call->head);
    free(call);
}

/* Everything but the memory, which call_leave() frees. Without a proper end the peer is
 * told by a RST, whatever it still writes. */
static void dismantle(struct http_call *call, bool is_done)
{
    struct client_connection *connection = TAKE(call->connection);

    call->is_ended = true;
    loop_deadline_disarm(&call->phase_deadline);
    loop_deadline_disarm(&call->total_deadline);
    if (is_done && call->keep_alive)
        pool_keep(connection);
    else
        pool_close(connection, !is_done);
    pool_unref(call->pool);
    call->client->calls--;
}

void call_end(struct http_call *call, enum http_call_end how, const struct err *err)
{
    call->depth++;
    dismantle(call, how == HTTP_CALL_DONE);
    call->events.on_end(call->data, how, err);
    call_leave(call);
}

void http_call_cancel(struct http_call *call)
{
    if (!call)
        return;
    assert(!call->is_ended);
    call->depth++;
    dismantle(call, false);
    call_leave(call);
}

void call_on_phase_late(struct loop_deadline *deadline)
{
    static const char *const what[] = {
        [CALL_CONNECTING] = "did not accept the connection",
        [CALL_SENDING] = "did not take the request",
        [CALL_WAITING] = "did not begin its answer",
        [CALL_BODY] = "stopped in the middle of its answer",
    };
    struct http_call *call = container_of(deadline, struct http_call, phase_deadline);
    bool is_connecting = call->phase == CALL_CONNECTING;
    struct err err;

    (void)err_set(&err, ERR_TIMEOUT, "%s %s in time", call->pool->name, what[call->phase]);
    call_end(call, is_connecting ? HTTP_CALL_CONNECT : HTTP_CALL_TIMEOUT, &err);
}

void call_on_total_late(struct loop_deadline *deadline)
{
    struct http_call *call = container_of(deadline, struct http_call, total_deadline);
    struct err err;

    (void)err_set(&err, ERR_TIMEOUT, "%s did not answer whole in time", call->pool->name);
    call_end(call, HTTP_CALL_TIMEOUT, &err);
}

/* --- The beginning ------------------------------------------------------- */

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *options,
                                  const struct http_call_events *events, void *data)
{
    struct http_call *call = mem_alloc(1, sizeof(*call));
    const struct http_call_timeouts *t = &options->timeouts;

    call->client = c;
    call->pool = pool_ref(c, &options->to);
    call->events = *events;
    call->data = data;
    call->body = options->body;
    call->is_head = strcmp(options->method, "HEAD") == 0;
    buf_init(&call->in, ANSWER_PENDING_BYTES_MAX);
    keep_head(call, options);
    call->connect = timeouts_get(&c->phases, t->connect_ms);
    call->first_byte = timeouts_get(&c->phases, t->first_byte_ms);
    call->between = timeouts_get(&c->phases, t->between_ms);
    struct loop_deadlines *total = timeouts_get(&c->totals, t->total_ms);
    if (total)
        loop_deadline_arm(total, &call->total_deadline);
    c->calls++;
    attempt(call, options->fresh);
    return call;
}
