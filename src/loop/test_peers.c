#include "loop/test_peers.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

enum { PEER_READ_MAX = 64 * 1024 * 1024 };

static void call(void (*hook)(struct peer *p), struct peer *p)
{
    if (hook)
        hook(p);
}

static void on_read(void *data, char *bytes, size_t len)
{
    struct peer *p = data;

    p->reads++;
    assert_true(buf_add(&p->in, bytes, len));
    call(p->on_read, p);
}

static void on_drain(void *data)
{
    struct peer *p = data;

    p->drains++;
    call(p->on_drain, p);
}

static void on_end(void *data, int sys_errno)
{
    struct peer *p = data;

    p->ends++;
    p->end_errno = sys_errno;
    call(p->on_end, p);
}

static const struct stream_events events = {
    .on_read = on_read,
    .on_drain = on_drain,
    .on_end = on_end,
};

static void on_connect(void *data, const struct err *err)
{
    struct peer *p = data;

    p->connects++;
    if (err)
        p->connect_err = *err;
    call(p->on_connect, p);
}

static void on_accept(void *data, struct stream *stream)
{
    struct peers *p = data;

    assert_null(p->server.stream);
    p->server.stream = stream;
    stream_set_events(stream, &events, &p->server);
}

void peer_connect(struct peer *p, struct loop *loop, const struct endpoint *to)
{
    p->stream = stream_connect(loop, to, on_connect, &events, p);
    stream_read_start(p->stream);
}

void peer_close(struct peer *p)
{
    stream_close(TAKE(p->stream));
}

void peer_reset(struct peer *p)
{
    stream_reset(TAKE(p->stream));
}

void peer_write(struct peer *p, const char *text)
{
    stream_write(p->stream, text, strlen(text));
}

void peers_listen(struct peers *p, const char *text)
{
    struct endpoint at;
    struct err err = { 0 };

    *p = (struct peers){ .loop = loop_new(NULL, NULL) };
    buf_init(&p->client.in, PEER_READ_MAX);
    buf_init(&p->server.in, PEER_READ_MAX);
    assert_int_equal(endpoint_parse(str_of(text), &at, &err), 0);
    assert_int_equal(listener_open(p->loop, &at, on_accept, p, &p->listener, &p->at, &err), 0);
}

void peers_open(struct peers *p, const char *text)
{
    peers_listen(p, text);
    peer_connect(&p->client, p->loop, &p->at);
    TURN_UNTIL(p->loop, p->client.connects == 1 && p->server.stream);
    assert_int_equal(p->client.connect_err.code, 0);
}

void peers_close(struct peers *p)
{
    peer_close(&p->client);
    peer_close(&p->server);
    listener_close(p->listener);
    loop_free(p->loop);
    buf_deinit(&p->client.in);
    buf_deinit(&p->server.in);
}

void test_unix_make(struct test_unix *u)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(u->dir, sizeof(u->dir), "%s/loop-XXXXXX",
                   tmp && strlen(tmp) < 40 ? tmp : "/tmp");
    assert_non_null(mkdtemp(u->dir));
    (void)snprintf(u->path, sizeof(u->path), "%s/s", u->dir);
    (void)snprintf(u->text, sizeof(u->text), "unix:%s", u->path);
}

void test_unix_remove(const struct test_unix *u)
{
    (void)unlink(u->path);
    assert_int_equal(rmdir(u->dir), 0);
}

void turns(struct loop *loop, unsigned n)
{
    while (n-- > 0)
        (void)loop_turn(loop);
}
