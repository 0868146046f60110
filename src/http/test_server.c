#include "http/test_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void on_gone(void *data)
{
    struct test_server *s = data;

    s->gone++;
    s->held = NULL;
}

static void on_drain(void *data)
{
    ((struct test_server *)data)->drained++;
}

static struct test_server *called(struct http_request *r)
{
    struct test_server *s = http_request_app(r);

    s->calls++;
    return s;
}

static void hello(struct http_request *r)
{
    (void)called(r);
    http_reply(r, 200, "text/plain", str_of("hello"));
}

static void echo(struct http_request *r)
{
    (void)called(r);
    http_reply(r, 200, "text/plain", http_request_body(r));
}

static void hold(struct http_request *r)
{
    static const struct http_watch watch = { .on_gone = on_gone, .on_drain = on_drain };
    struct test_server *s = called(r);

    assert_null(s->held);
    s->held = r;
    http_request_watch(r, &watch, s);
}

static void stream(struct http_request *r)
{
    hold(r);
    http_stream_begin(r, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
}

static void fail_openai(struct http_request *r)
{
    struct err err = { 0 };

    (void)called(r);
    (void)err_param(&err, ERR_INVALID, "max_tokens", "must be positive");
    http_reply_error(r, &err);
}

static void visit_label(void *data, struct str name, struct str value)
{
    (void)buf_printf(data, " %.*s=%.*s", STR_ARG(name), STR_ARG(value));
}

static void facts(struct http_request *r)
{
    char x[8] = "-";
    struct buf out;

    (void)called(r);
    buf_init(&out, 4096);
    (void)buf_printf(&out, "%.*s %.*s ? %.*s id=%.*s", STR_ARG(http_request_method(r)),
                     STR_ARG(http_request_path(r)), STR_ARG(http_request_query(r)),
                     STR_ARG(http_request_param(r, 0)));
    if (!http_request_query_param(r, "x", x, sizeof(x)))
        (void)buf_puts(&out, " no x");
    (void)buf_printf(&out, " x=%s agent=%.*s", x, STR_ARG(http_request_header(r, "USER-agent")));
    http_request_headers_each(r, "x-label-", visit_label, &out);
    http_reply_header(r, "X-Extra", str_of("7"));
    http_reply_header(r, "X-Evil", str_of("a\r\nX-Split: 1"));
    http_reply(r, 200, "text/plain", buf_str(&out));
    buf_deinit(&out);
}

/* clang-format off */
static const struct route routes[] = {
    { "GET",  "/hello",        hello,       ROUTE_CLIENT, 0,            0,         "" },
    { "POST", "/echo",         echo,        ROUTE_CLIENT, 0,            65536,    "" },
    { "GET",  "/later/{id}",   hold,        ROUTE_CLIENT, 0,            0,         "" },
    { "POST", "/later",        hold,        ROUTE_CLIENT, 0,            0,         "" },
    { "GET",  "/stream",       stream,      ROUTE_CLIENT, 0,            0,         "" },
    { "GET",  "/admin",        hello,       ROUTE_ADMIN,  0,            0,         "" },
    { "GET",  "/openai/error", fail_openai, ROUTE_CLIENT, ROUTE_OPENAI, 0,         "" },
    { "GET",  "/facts/{id}",   facts,       ROUTE_CLIENT, 0,            0,         "" },
    { 0 },
};
/* clang-format on */

void test_server_init(struct test_server *s)
{
    *s = (struct test_server){ 0 };
    test_loop_init(&s->t);
    guard_init(&s->guard);
    http_server_options_init(&s->options);
    s->options.guard = &s->guard;
}

void test_server_start(struct test_server *s)
{
    struct endpoint at = { .host = "127.0.0.1" };
    struct err err;

    s->server = http_server_new(s->t.loop, &s->options, routes, s);
    assert_int_equal(http_server_listen(s->server, &at, &s->at, &err), 0);
}

void test_server_deinit(struct test_server *s)
{
    http_server_free(s->server);
    test_loop_deinit(&s->t);
}

struct http_server_stats test_server_stats(const struct test_server *s)
{
    struct http_server_stats stats;

    http_server_get_stats(s->server, &stats);
    return stats;
}

static bool is_held(void *data)
{
    return ((struct test_server *)data)->held != NULL;
}

void test_server_wait_held(struct test_server *s)
{
    test_until(&s->t, is_held, s);
}
