#include "loop/stream.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>
#include <errno.h>

enum {
    FLYING_MAX_BYTES = STREAM_LOW_WATER, /* so that the drain is noticed in time */
    FLUSH_PIECES_MAX = 16,
};

/* uv_buf_t is an iovec by another name on Unix, which libuv itself relies on. */
_Static_assert(sizeof(uv_buf_t) == sizeof(struct iovec), "uv_buf_t");
_Static_assert(offsetof(uv_buf_t, base) == offsetof(struct iovec, iov_base), "uv_buf_t");
_Static_assert(offsetof(uv_buf_t, len) == offsetof(struct iovec, iov_len), "uv_buf_t");

static uv_stream_t *uv_of(struct stream *s)
{
    return (uv_stream_t *)&s->tcp;
}

/* -1 while there is none. */
static int fd_of(const struct stream *s)
{
    uv_os_fd_t fd;

    return uv_fileno((const uv_handle_t *)&s->tcp, &fd) == 0 ? fd : -1;
}

/* --- Ends -------------------------------------------------------------------- */

/* Writing is over; the owner has yet to hear of it. */
static void break_off(struct stream *s, int sys_errno)
{
    if (s->is_broken)
        return;
    s->is_broken = true;
    s->error = sys_errno;
    loop_timer_start(&s->later, 0);
}

/* Nothing more will be read. After an orderly end writing may go on, and fail. */
static void tell_end(struct stream *s)
{
    loop_timer_stop(&s->later);
    s->is_reading = false;
    s->is_read_ended = true;
    s->events->on_end(s->data, s->error);
}

static void on_later(struct loop_timer *timer)
{
    struct stream *s = container_of(timer, struct stream, later);

    if (s->connecting) {
        connect_finish(s);
    } else if (s->is_reading && !s->has_lingered) {
        /* The answer may have come before the reset: let it be read first. */
        s->has_lingered = true;
        loop_timer_start(&s->later, 0);
    } else {
        uv_read_stop(uv_of(s));
        tell_end(s);
    }
}

/* --- Reading ----------------------------------------------------------------- */

/* When a reset comes with the last bytes, libuv 1.44 sees the hang-up and calls it
 * an orderly end: the error is still at the socket, and an answer that was cut
 * must not look whole. EPIPE stands for a reset after an orderly end. */
static int error_of_end(const struct stream *s)
{
    int sys_errno = 0;
    socklen_t len = sizeof(sys_errno);

    (void)getsockopt(fd_of(s), SOL_SOCKET, SO_ERROR, &sys_errno, &len);
    return sys_errno == EPIPE ? 0 : sys_errno;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct loop *loop = handle->loop->data;

    (void)suggested;
    *ret = uv_buf_init(loop->read_buffer, sizeof(loop->read_buffer));
}

static void on_read(uv_stream_t *uv, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = container_of(uv, struct stream, tcp);

    if (n > 0) {
        s->events->on_read(s->data, buf->base, (size_t)n);
    } else if (n < 0) {
        int sys_errno = n == UV_EOF ? error_of_end(s) : (int)-n;
        if (!s->is_broken && sys_errno != 0) {
            s->is_broken = true;
            s->error = sys_errno;
        }
        tell_end(s);
    }
}

void stream_read_start(struct stream *s)
{
    assert(s->events);
    if (s->is_reading || s->is_read_ended)
        return;
    s->is_reading = true;
    if (!s->connecting)
        uv_read_start(uv_of(s), on_alloc, on_read);
}

void stream_read_stop(struct stream *s)
{
    s->is_reading = false;
    if (!s->connecting)
        uv_read_stop(uv_of(s));
}

/* --- Writing ----------------------------------------------------------------- */

/* As much as the socket takes at once. */
static size_t try_write(struct stream *s, const struct iovec *iov, size_t iov_len)
{
    int n = uv_try_write(uv_of(s), (const uv_buf_t *)iov, (unsigned)iov_len);

    if (n < 0 && n != UV_EAGAIN)
        break_off(s, -n);
    return n < 0 ? 0 : (size_t)n;
}

static void on_written(uv_write_t *req, int status);

/* Leave the front of the queue to libuv, which waits for the socket. */
static void fly(struct stream *s)
{
    uv_write_t *req = mem_alloc(1, sizeof(*req));
    struct iovec front;

    (void)outbox_peek(&s->out, &front, 1);
    s->flying_bytes = front.iov_len < FLYING_MAX_BYTES ? front.iov_len : FLYING_MAX_BYTES;
    req->data = s;
    uv_buf_t buf = uv_buf_init(front.iov_base, (unsigned)s->flying_bytes);
    int rc = uv_write(req, uv_of(s), &buf, 1, on_written);
    assert(rc == 0); /* connected, and shut down only behind an empty queue */
}

static void send_fin(const struct stream *s)
{
    (void)shutdown(fd_of(s), SHUT_WR); /* fails when the peer has gone: reading tells that */
}

static size_t total(const struct iovec *iov, size_t iov_len)
{
    size_t sum = 0;

    for (size_t i = 0; i < iov_len; i++)
        sum += iov[i].iov_len;
    return sum;
}

static void flush(struct stream *s)
{
    struct iovec iov[FLUSH_PIECES_MAX];

    while (s->out.bytes > 0) {
        size_t iov_len = outbox_peek(&s->out, iov, FLUSH_PIECES_MAX);
        size_t n = try_write(s, iov, iov_len);
        if (s->is_broken)
            return;
        bool is_full = n < total(iov, iov_len);
        outbox_consume(&s->out, n);
        if (is_full) {
            fly(s);
            return;
        }
    }
    if (s->is_shutdown)
        send_fin(s);
}

/* Flush, and tell the owner when that has made room. */
static void drain(struct stream *s)
{
    flush(s);
    if (!s->is_over_low || s->is_broken || stream_queued(s) > STREAM_LOW_WATER)
        return;
    s->is_over_low = false;
    if (s->events->on_drain)
        s->events->on_drain(s->data);
}

static void on_written(uv_write_t *req, int status)
{
    struct stream *s = req->data;

    free(req);
    if (s->is_closed)
        return;
    if (status < 0) {
        break_off(s, -status);
        return;
    }
    outbox_consume(&s->out, s->flying_bytes);
    s->flying_bytes = 0;
    drain(s);
}

void stream_writev(struct stream *s, const struct iovec *iov, size_t iov_len)
{
    bool is_idle = !s->connecting && s->out.bytes == 0;
    size_t skip = 0;

    if (s->is_broken || s->is_shutdown)
        return;
    if (is_idle)
        skip = try_write(s, iov, iov_len);
    for (size_t i = 0; i < iov_len && !s->is_broken; i++) {
        size_t gone = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        skip -= gone;
        outbox_add(&s->out, (const char *)iov[i].iov_base + gone, iov[i].iov_len - gone);
    }
    if (is_idle && s->out.bytes > 0)
        fly(s);
    if (stream_queued(s) > STREAM_LOW_WATER)
        s->is_over_low = true;
}

void stream_write(struct stream *s, const void *bytes, size_t len)
{
    struct iovec iov = { .iov_len = len };

    memcpy(&iov.iov_base, &bytes, sizeof(bytes)); /* not const, but only read */
    stream_writev(s, &iov, 1);
}

size_t stream_queued(const struct stream *s)
{
    size_t gone = 0;

    if (s->is_broken)
        return 0;
    if (s->flying_bytes > 0)
        gone = s->flying_bytes - uv_stream_get_write_queue_size((const uv_stream_t *)&s->tcp);
    return s->out.bytes - gone;
}

void stream_shutdown(struct stream *s)
{
    if (s->is_shutdown)
        return;
    s->is_shutdown = true;
    if (!s->connecting && !s->is_broken && s->out.bytes == 0)
        send_fin(s);
}

/* --- Beginning and end ------------------------------------------------------- */

struct stream *stream_new(struct loop *loop)
{
    struct stream *s = mem_alloc(1, sizeof(*s));

    uv_tcp_init(&loop->uv, &s->tcp);
    loop_timer_init(loop, &s->later, on_later);
    return s;
}

struct stream *stream_adopt(struct loop *loop, int fd, bool is_unix)
{
    struct stream *s = stream_new(loop);
    int rc = uv_tcp_open(&s->tcp, fd);

    assert(rc == 0); /* a fresh descriptor, which nothing else watches */
    s->is_unix = is_unix;
    return s;
}

void stream_begin(struct stream *s)
{
    if (s->is_reading)
        uv_read_start(uv_of(s), on_alloc, on_read);
    if (s->flying_bytes == 0) /* else on_connect wrote, and more than the socket took */
        drain(s);
}

void stream_free(struct stream *s)
{
    outbox_deinit(&s->out);
    connecting_free(s->connecting);
    free(s);
}

static void on_closed(uv_handle_t *handle)
{
    stream_free(container_of(handle, struct stream, tcp));
}

void stream_close(struct stream *s)
{
    if (!s)
        return;
    assert(!s->is_closed);
    s->is_closed = true;
    loop_timer_stop(&s->later);
    connect_abandon(s);
    if (!uv_is_closing((uv_handle_t *)&s->tcp)) /* between two addresses: connect.c frees */
        uv_close((uv_handle_t *)&s->tcp, on_closed);
}

void stream_reset(struct stream *s)
{
    const struct linger at_once = { .l_onoff = 1 };

    (void)setsockopt(fd_of(s), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    stream_close(s);
}

/* --- Facts ------------------------------------------------------------------- */

void stream_set_events(struct stream *s, const struct stream_events *events, void *data)
{
    s->events = events;
    s->data = data;
}

void stream_peer(const struct stream *s, struct endpoint *ret)
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);

    *ret = (struct endpoint){ .is_unix = s->is_unix };
    if (!s->is_unix && getpeername(fd_of(s), (struct sockaddr *)&address, &len) == 0)
        address_to_endpoint(&address, ret);
}

long stream_peer_uid(const struct stream *s)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);

    if (!s->is_unix || getsockopt(fd_of(s), SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
        return -1;
    return (long)peer.uid;
}
