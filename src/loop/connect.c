/* connect - a stream's way to its peer: look the name up, try address by address. */
#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/un.h>

enum {
    /* Per connection to a worker whose client is slow: what the kernel may hold of
     * an answer beside our queue. The kernel doubles it for its own book-keeping. */
    RECEIVE_BUFFER_BYTES = 128 * 1024,
};

/*
 *     lookup --> attempt --refused--> close --> attempt at the next address ...
 *
 * A closed libuv handle can be used again once its close callback has run.
 */
struct connecting {
    union {
        uv_getaddrinfo_t lookup;
        uv_connect_t attempt;
    };
    struct stream *stream; /* NULL: closed during the lookup */
    stream_connect_fn *fn;
    struct endpoint to;
    struct addrinfo *found, *next; /* all addresses, and those not tried yet */
    int status;                    /* of the last try: 0, or as libuv counts errors */
    bool is_looking_up;
};

static void try_next(struct stream *s);

/* --- The outcome ------------------------------------------------------------- */

void connecting_free(struct connecting *c)
{
    if (!c)
        return;
    if (c->found)
        freeaddrinfo(c->found);
    free(c);
}

static void describe(const struct connecting *c, struct err *err)
{
    bool is_found = c->found || c->to.is_unix;
    char why[128], to[ENDPOINT_TEXT_SIZE];

    endpoint_text(&c->to, to);
    (void)uv_strerror_r(c->status, why, sizeof(why));
    (void)err_set(err, ERR_UNAVAILABLE, "cannot %s %s: %s",
                  is_found ? "connect to" : "find the address of", to, why);
    err->sys_errno = is_found ? -c->status : 0;
}

void connect_finish(struct stream *s)
{
    struct connecting *c = TAKE(s->connecting);
    stream_connect_fn *fn = c->fn;
    struct err err = { 0 };

    if (c->status != 0) {
        s->is_broken = s->is_read_ended = true;
        describe(c, &err);
    }
    connecting_free(c);
    if (!s->is_broken) {
        fn(s->data, NULL);
        if (!s->is_closed)
            stream_begin(s);
    } else {
        fn(s->data, &err);
    }
}

/* --- Attempts ---------------------------------------------------------------- */

static int open_socket(int family)
{
    const int on = 1, buffer_bytes = RECEIVE_BUFFER_BYTES;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || family == AF_UNIX)
        return fd;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
    return fd;
}

static void on_attempt_closed(uv_handle_t *handle)
{
    struct stream *s = container_of(handle, struct stream, tcp);

    if (s->is_closed) {
        stream_free(s);
        return;
    }
    uv_tcp_init(handle->loop, &s->tcp);
    try_next(s);
}

static void on_attempt(uv_connect_t *req, int status)
{
    struct connecting *c = container_of(req, struct connecting, attempt);
    struct stream *s = c->stream;

    if (s->is_closed)
        return; /* stream_free() comes next */
    c->status = status;
    if (status == 0)
        connect_finish(s);
    else
        uv_close((uv_handle_t *)&s->tcp, on_attempt_closed);
}

/* True when it is under way, or over and on_attempt_closed() follows. */
static bool attempt(struct stream *s, const struct addrinfo *to)
{
    struct connecting *c = s->connecting;
    int fd = open_socket(to->ai_family);

    if (fd < 0) {
        c->status = -errno;
        return false;
    }
    int rc = uv_tcp_open(&s->tcp, fd);
    assert(rc == 0); /* a fresh descriptor, which nothing else watches */
    c->status = uv_tcp_connect(&c->attempt, &s->tcp, to->ai_addr, on_attempt);
    if (c->status != 0)
        uv_close((uv_handle_t *)&s->tcp, on_attempt_closed);
    return true;
}

static void try_next(struct stream *s)
{
    struct connecting *c = s->connecting;

    while (c->next) {
        const struct addrinfo *to = c->next;
        c->next = to->ai_next;
        if (attempt(s, to))
            return;
    }
    loop_timer_start(&s->later, 0);
}

/* --- Beginnings -------------------------------------------------------------- */

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct connecting *c = container_of(req, struct connecting, lookup);

    c->is_looking_up = false;
    c->status = status;
    c->found = c->next = found;
    if (c->stream)
        try_next(c->stream);
    else
        connecting_free(c);
}

/* An empty host is this machine, as it is for listening. */
static void begin_lookup(struct stream *s)
{
    const struct addrinfo hints = { .ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
    struct connecting *c = s->connecting;
    char port[ADDRESS_PORT_SIZE];

    address_port_text(&c->to, port);
    c->status = uv_getaddrinfo(s->tcp.loop, &c->lookup, on_lookup,
                               c->to.host[0] ? c->to.host : NULL, port, &hints);
    c->is_looking_up = c->status == 0;
    if (!c->is_looking_up)
        loop_timer_start(&s->later, 0);
}

/* Unix sockets connect at once, or not at all. */
static int connect_unix(struct stream *s)
{
    struct sockaddr_un address;
    socklen_t len = address_unix(&s->connecting->to, &address);
    int fd = open_socket(AF_UNIX);

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) != 0) {
        int status = -errno;
        close_fd(&fd);
        return status;
    }
    return uv_tcp_open(&s->tcp, fd);
}

struct stream *stream_connect(struct loop *loop, const struct endpoint *to,
                              stream_connect_fn *on_connect, const struct stream_events *events,
                              void *data)
{
    struct stream *s = stream_new(loop);
    struct connecting *c = mem_alloc(1, sizeof(*c));

    stream_set_events(s, events, data);
    c->stream = s;
    c->fn = on_connect;
    c->to = *to;
    s->connecting = c;
    s->is_unix = to->is_unix;
    if (to->is_unix) {
        c->status = connect_unix(s);
        loop_timer_start(&s->later, 0);
        return s;
    }
    c->found = c->next = address_numeric(to);
    if (c->found)
        try_next(s);
    else
        begin_lookup(s);
    return s;
}

void connect_abandon(struct stream *s)
{
    struct connecting *c = s->connecting;

    if (!c || !c->is_looking_up)
        return;
    c->stream = NULL;
    s->connecting = NULL;
    (void)uv_cancel((uv_req_t *)&c->lookup); /* on_lookup() comes either way */
}
