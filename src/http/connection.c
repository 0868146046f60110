#include "http/server_internal.h"

#include "base/mem.h"

#include <assert.h>

static struct connection *of_deadline(struct loop_deadline *deadline)
{
    return container_of(deadline, struct connection, deadline);
}

/* --- Life and death ------------------------------------------------------ */

static void enter(struct connection *c)
{
    c->depth++;
}

/* Frees what was closed meanwhile: `c` may be gone afterwards. */
static void leave(struct connection *c)
{
    if (--c->depth > 0 || c->stream)
        return;
    buf_deinit(&c->in);
    free(c);
}

static void tell_gone(struct connection *c)
{
    struct http_request *r = c->request;

    if (!r)
        return;
    r->is_gone = true;
    if (r->is_running) {
        c->server->stats.aborted_total++;
        if (r->watch.on_gone)
            r->watch.on_gone(r->watch_data);
    }
    c->request = NULL;
    request_free(r);
}

void connection_close(struct connection *c, bool with_reset)
{
    struct stream *stream = TAKE(c->stream);

    if (!stream)
        return;
    enter(c);
    list_remove(&c->link);
    list_remove(&c->ready);
    loop_deadline_disarm(&c->deadline);
    loop_deadline_disarm(&c->stall);
    if (with_reset)
        stream_reset(stream);
    else
        stream_close(stream);
    tell_gone(c);
    server_connection_ended(c->server);
    leave(c);
}

void connection_linger(struct connection *c)
{
    if (!c->stream)
        return;
    stream_shutdown(c->stream);
    connection_arm(c, CONNECTION_LINGER);
}

/* --- Reading ------------------------------------------------------------- */

/* May the next bytes be looked at? Not while an answer is being made, nor while a
 * client that does not read has left too many answers queued. */
static bool may_receive(const struct connection *c)
{
    return c->stream && c->phase < CONNECTION_BUSY && stream_queued(c->stream) <= STREAM_HIGH_WATER;
}

/* Behind a running exchange reading goes on, so that a client that leaves is
 * seen, until too many bytes are held. */
static void adjust_reading(struct connection *c)
{
    bool want =
        may_receive(c) || c->phase == CONNECTION_LINGER || buf_len(&c->in) < PIPELINED_BYTES_MAX;

    if (!c->stream || want == c->is_reading)
        return;
    c->is_reading = want;
    if (want)
        stream_read_start(c->stream);
    else
        stream_read_stop(c->stream);
}

/* --- Deadlines ----------------------------------------------------------- */

void connection_arm(struct connection *c, enum connection_phase phase)
{
    struct loop_deadlines *const queues[] = {
        [CONNECTION_IDLE] = &c->server->idle,     [CONNECTION_HEAD] = &c->server->head,
        [CONNECTION_BODY] = &c->server->body,     [CONNECTION_BUSY] = NULL,
        [CONNECTION_LINGER] = &c->server->linger,
    };

    c->phase = (uint8_t)phase;
    if (queues[phase])
        loop_deadline_arm(queues[phase], &c->deadline);
    else
        loop_deadline_disarm(&c->deadline);
    adjust_reading(c);
}

void connection_on_idle(struct loop_deadline *deadline)
{
    struct connection *c = of_deadline(deadline);

    if (stream_queued(c->stream) > 0) /* the last answer: its own deadline watches it */
        connection_arm(c, CONNECTION_IDLE);
    else
        connection_linger(c);
}

static void refuse_slow(struct connection *c, const char *what)
{
    struct err err = { 0 };

    (void)err_set(&err, ERR_REQUEST_TIMEOUT, "%s", what);
    enter(c);
    receive_refuse(c, &err);
    leave(c);
}

void connection_on_head_late(struct loop_deadline *deadline)
{
    refuse_slow(of_deadline(deadline), "the head of the request took too long to arrive");
}

void connection_on_body_late(struct loop_deadline *deadline)
{
    refuse_slow(of_deadline(deadline), "the body of the request stopped arriving");
}

void connection_on_linger_end(struct loop_deadline *deadline)
{
    struct connection *c = of_deadline(deadline);

    if (stream_queued(c->stream) > 0)
        connection_arm(c, CONNECTION_LINGER);
    else
        connection_close(c, false);
}

static uint64_t taken_bytes(const struct connection *c)
{
    return c->written_bytes - stream_queued(c->stream);
}

static void arm_stall(struct connection *c)
{
    c->taken_bytes = taken_bytes(c);
    c->is_stall_armed = true;
    loop_deadline_arm(&c->server->write, &c->stall);
}

void connection_on_write_late(struct loop_deadline *deadline)
{
    struct connection *c = container_of(deadline, struct connection, stall);

    c->is_stall_armed = false;
    if (stream_queued(c->stream) == 0)
        return;
    if (taken_bytes(c) > c->taken_bytes)
        arm_stall(c);
    else
        connection_close(c, true);
}

void connection_writev(struct connection *c, const struct iovec *iov, size_t iov_len)
{
    if (!c->stream)
        return;
    for (size_t i = 0; i < iov_len; i++)
        c->written_bytes += iov[i].iov_len;
    stream_writev(c->stream, iov, iov_len);
    if (stream_queued(c->stream) > 0 && !c->is_stall_armed)
        arm_stall(c);
}

/* --- Whose turn it is ---------------------------------------------------- */

/* Take request after request from the front; returns how many bytes are used. */
static size_t receive(struct connection *c, struct str bytes)
{
    size_t used = 0;

    while (used < bytes.len && may_receive(c)) {
        struct str rest = { bytes.p + used, bytes.len - used };
        size_t n = c->phase == CONNECTION_BODY ? receive_body(c, rest) : receive_head(c, rest);
        if (n == 0)
            break;
        used += n;
    }
    return used;
}

static void receive_pending(struct connection *c)
{
    size_t used = receive(c, buf_str(&c->in));

    if (c->phase == CONNECTION_LINGER || used == buf_len(&c->in))
        buf_deinit(&c->in);
    else
        buf_consume(&c->in, used);
    adjust_reading(c);
}

/* Hold bytes that cannot be used yet. */
static void keep(struct connection *c, struct str bytes)
{
    if (bytes.len == 0 || !c->stream || c->phase == CONNECTION_LINGER)
        return;
    bool fits = buf_add(&c->in, bytes.p, bytes.len);
    assert(fits); /* adjust_reading() stops far below */
    adjust_reading(c);
}

/* A head that dribbles in is parsed again only when it can have got whole. */
static bool may_be_whole(const struct connection *c, struct str added)
{
    return c->phase != CONNECTION_HEAD || memchr(added.p, '\n', added.len) ||
           buf_len(&c->in) >= HTTP1_HEAD_BYTES_MAX;
}

static void on_read(void *data, char *p, size_t len)
{
    struct connection *c = data;
    struct str bytes = { p, len };

    enter(c);
    if (buf_len(&c->in) > 0) {
        keep(c, bytes);
        if (may_receive(c) && may_be_whole(c, bytes))
            receive_pending(c);
    } else {
        size_t used = receive(c, bytes);
        keep(c, (struct str){ p + used, len - used });
    }
    leave(c);
}

static void on_drain(void *data)
{
    struct connection *c = data;

    enter(c);
    if (c->phase == CONNECTION_BUSY && c->request->watch.on_drain)
        c->request->watch.on_drain(c->request->watch_data);
    if (may_receive(c) && buf_len(&c->in) > 0)
        receive_pending(c);
    leave(c);
}

/* A half-close counts as leaving while an exchange runs. An answer that has ended
 * and only waits for the socket is still sent. */
static void on_end(void *data, int sys_errno)
{
    struct connection *c = data;

    if (sys_errno == 0 && !c->request && stream_queued(c->stream) > 0)
        connection_linger(c);
    else
        connection_close(c, false);
}

void connection_on_turn(struct loop_timer *timer)
{
    struct http_server *s = container_of(timer, struct http_server, turn);
    struct list now;

    list_init(&now);
    while (!list_is_empty(&s->ready)) {
        struct list *first = s->ready.next;
        list_remove(first);
        list_push_back(&now, first);
    }
    while (!list_is_empty(&now)) {
        struct connection *c = container_of(now.next, struct connection, ready);
        list_remove(&c->ready);
        enter(c);
        if (may_receive(c))
            receive_pending(c);
        leave(c);
    }
}

void connection_exchange_ended(struct connection *c, bool keep_alive)
{
    request_free(TAKE(c->request));
    if (!c->stream)
        return;
    if (!keep_alive || c->server->is_draining) {
        connection_linger(c);
        return;
    }
    connection_arm(c, CONNECTION_IDLE);
    /* Inside receive() the caller goes on by itself; else the next request must
     * not be handled inside the call that ended this one. */
    if (buf_len(&c->in) > 0 && c->depth == 0 && list_is_empty(&c->ready)) {
        list_push_back(&c->server->ready, &c->ready);
        if (!loop_timer_is_armed(&c->server->turn))
            loop_timer_start(&c->server->turn, 0);
    }
}

/* --- Beginning ----------------------------------------------------------- */

static bool is_same_user(const struct stream *stream)
{
    long uid = stream_peer_uid(stream);

    return uid == 0 || uid == (long)getuid();
}

static void refuse_connection(struct connection *c)
{
    struct err err = { 0 };

    (void)err_set(&err, ERR_LIMIT, "too many connections: try again later, or raise the limit");
    err.retry_after_ms = 1000;
    receive_refuse(c, &err);
}

void connection_new(struct http_server *s, struct stream *stream)
{
    static const struct stream_events events = {
        .on_read = on_read,
        .on_drain = on_drain,
        .on_end = on_end,
    };
    size_t max = s->options.connections_max;

    s->stats.accepted_total++;
    if (s->stats.connections >= max + REFUSED_CONNECTIONS_MAX) {
        stream_reset(stream);
        return;
    }
    struct connection *c = mem_alloc(1, sizeof(*c));
    c->server = s;
    c->stream = stream;
    c->is_same_user = is_same_user(stream);
    buf_init(&c->in, PENDING_BYTES_MAX);
    list_init(&c->ready);
    list_push_back(&s->connections, &c->link);
    stream_set_events(stream, &events, c);
    connection_arm(c, CONNECTION_IDLE);
    if (s->stats.connections++ >= max)
        refuse_connection(c);
}
