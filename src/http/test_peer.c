#include "http/test_peer.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

enum {
    TURNS_MAX = 5000, /* with 1 ms of waiting each when nothing moves */
    GOT_BYTES_MAX = 64 * 1024 * 1024,
};

/* --- The loop ------------------------------------------------------------- */

static uint64_t fake_clock(void *data)
{
    return ((struct test_loop *)data)->now_ms;
}

void test_loop_init(struct test_loop *t)
{
    t->now_ms = 1000;
    t->loop = loop_new(fake_clock, t);
}

void test_loop_deinit(struct test_loop *t)
{
    loop_free(t->loop);
}

void test_advance(struct test_loop *t, uint64_t by_ms)
{
    for (uint64_t end_ms = t->now_ms + by_ms; t->now_ms < end_ms;) {
        uint64_t step_ms = end_ms - t->now_ms < 100 ? end_ms - t->now_ms : 100;
        t->now_ms += step_ms;
        (void)loop_turn(t->loop);
    }
    test_settle(t);
}

void test_until(struct test_loop *t, bool (*is_done)(void *data), void *data)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        (void)loop_turn(t->loop);
        if (is_done(data))
            return;
        (void)poll(NULL, 0, i > 10 ? 1 : 0);
    }
    fail_msg("what the test waits for has not come");
}

void test_settle(struct test_loop *t)
{
    for (int i = 0; i < 10; i++)
        (void)loop_turn(t->loop);
}

/* --- Sockets -------------------------------------------------------------- */

static void peer_init(struct peer *p, struct test_loop *t, int fd)
{
    *p = (struct peer){ .t = t, .fd = fd };
    assert_true(fd >= 0);
    buf_init(&p->got, GOT_BYTES_MAX);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void connect_with(struct peer *p, struct test_loop *t, const struct endpoint *at,
                         int window_bytes)
{
    struct sockaddr_in address = loopback(at->port);

    peer_init(p, t, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (window_bytes > 0)
        assert_int_equal(
            setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &window_bytes, sizeof(window_bytes)), 0);
    assert_int_equal(connect(p->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(p->fd, F_SETFL, O_NONBLOCK), 0);
}

void peer_connect(struct peer *p, struct test_loop *t, const struct endpoint *at)
{
    connect_with(p, t, at, 0);
}

void peer_connect_narrow(struct peer *p, struct test_loop *t, const struct endpoint *at)
{
    connect_with(p, t, at, 16 * 1024);
}

int peer_listen(struct endpoint *ret_at)
{
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_at = (struct endpoint){ .port = ntohs(address.sin_port), .host = "127.0.0.1" };
    return fd;
}

struct accepting {
    int listener, fd;
};

static bool has_accepted(void *data)
{
    struct accepting *a = data;

    a->fd = accept4(a->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return a->fd >= 0;
}

void peer_accept(struct peer *p, struct test_loop *t, int listener)
{
    struct accepting a = { listener, -1 };

    test_until(t, has_accepted, &a);
    peer_init(p, t, a.fd);
}

bool peer_is_waiting(int listener)
{
    struct pollfd fd = { .fd = listener, .events = POLLIN };

    return poll(&fd, 1, 0) == 1;
}

void peer_close(struct peer *p)
{
    close_fd(&p->fd);
    p->fd = -1;
    buf_deinit(&p->got);
}

void peer_reset(struct peer *p)
{
    const struct linger at_once = { .l_onoff = 1 };

    assert_int_equal(setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    peer_close(p);
}

void peer_half_close(struct peer *p)
{
    assert_int_equal(shutdown(p->fd, SHUT_WR), 0);
}

/* --- Talking -------------------------------------------------------------- */

struct sending {
    struct peer *p;
    const char *bytes;
    size_t left;
};

static bool has_sent(void *data)
{
    struct sending *s = data;
    ssize_t n = send(s->p->fd, s->bytes, s->left, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN)
        s->left = 0; /* the other side has had enough: the test looks at its answer */
    if (n > 0) {
        s->bytes += n;
        s->left -= (size_t)n;
    }
    return s->left == 0;
}

void peer_send(struct peer *p, const void *bytes, size_t len)
{
    struct sending s = { p, bytes, len };

    test_until(p->t, has_sent, &s);
}

void peer_say(struct peer *p, const char *text)
{
    peer_send(p, text, strlen(text));
}

static void receive(struct peer *p)
{
    char bytes[16 * 1024];
    ssize_t n = 1;

    while (p->fd >= 0 && !p->is_ended && n > 0) {
        n = recv(p->fd, bytes, sizeof(bytes), 0);
        if (n > 0)
            assert_true(buf_add(&p->got, bytes, (size_t)n));
        p->is_reset = n < 0 && errno != EAGAIN;
        p->is_ended = n == 0 || p->is_reset;
    }
}

struct expecting {
    struct peer *p;
    const char *text;
};

static bool has_come(void *data)
{
    struct expecting *e = data;

    receive(e->p);
    struct str all = buf_str(&e->p->got);
    const char *found = all.len > 0 ? memmem(all.p, all.len, e->text, strlen(e->text)) : NULL;
    if (found)
        buf_consume(&e->p->got, (size_t)(found - all.p) + strlen(e->text));
    else if (e->p->is_ended)
        fail_msg("ended without '%s', after '%s'", e->text, buf_cstr(&e->p->got));
    return found != NULL;
}

void peer_expect(struct peer *p, const char *text)
{
    struct expecting e = { p, text };

    test_until(p->t, has_come, &e);
}

static bool has_ended(void *data)
{
    struct peer *p = data;

    receive(p);
    return p->is_ended;
}

void peer_expect_end(struct peer *p)
{
    test_until(p->t, has_ended, p);
}

const char *peer_text(struct peer *p)
{
    test_settle(p->t);
    receive(p);
    return buf_cstr(&p->got);
}
