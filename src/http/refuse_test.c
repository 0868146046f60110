#include "http/test_server.h"

#include "base/mem.h"
#include "http/http1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define HOST      "Host: localhost\r\n"
#define JSON      "Content-Type: application/json\r\n"
#define POST      "POST /echo HTTP/1.1\r\n" HOST JSON
#define GET(path) "GET " path " HTTP/1.1\r\n" HOST "\r\n"
#define BYTES(z)           \
    {                      \
        (z), sizeof(z) - 1 \
    }

static int setup_stopped(void **state)
{
    struct test_server *s = mem_alloc(1, sizeof(*s));

    test_server_init(s);
    *state = s;
    return 0;
}

static int setup(void **state)
{
    (void)setup_stopped(state);
    test_server_start(*state);
    return 0;
}

static int teardown(void **state)
{
    struct test_server *s = *state;

    test_server_deinit(s);
    free(s);
    return 0;
}

static void connect_to(struct peer *p, struct test_server *s)
{
    peer_connect(p, &s->t, &s->at);
}

static void expect_status(struct peer *p, const char *name, unsigned status)
{
    char want[32];

    (void)snprintf(want, sizeof(want), "HTTP/1.1 %u ", status);
    peer_expect_end(p);
    if (!str_starts(buf_str(&p->got), want) || p->is_reset)
        fail_msg("%s: expected %u, got '%s'%s", name, status, buf_cstr(&p->got),
                 p->is_reset ? " and a reset" : "");
}

/* --- Malformed requests ------------------------------------------------------ */

/* HTTP.md's "Must refuse", each followed by a request that must never be served. */
static const struct {
    const char *name;
    struct str text;
    unsigned status;
} malformed[] = {
    { "CL and TE", BYTES(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      400 },
    { "two CLs", BYTES(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), 400 },
    { "two equal CLs", BYTES(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), 400 },
    { "CL list", BYTES(POST "Content-Length: 1, 1\r\n\r\na"), 400 },
    { "CL plus", BYTES(POST "Content-Length: +1\r\n\r\na"), 400 },
    { "CL minus", BYTES(POST "Content-Length: -1\r\n\r\n"), 400 },
    { "CL hex", BYTES(POST "Content-Length: 0x1\r\n\r\na"), 400 },
    { "CL overflow", BYTES(POST "Content-Length: 18446744073709551617\r\n\r\na"), 400 },
    { "TE gzip", BYTES(POST "Transfer-Encoding: gzip\r\n\r\n"), 400 },
    { "TE gzip, chunked", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400 },
    { "TE chunked, identity", BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), 400 },
    { "TE xchunked", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), 400 },
    { "TE twice",
      BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
      400 },
    { "TE in 1.0",
      BYTES("POST /echo HTTP/1.0\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400 },
    { "space before colon", BYTES("GET /hello HTTP/1.1\r\n" HOST "X : a\r\n\r\n"), 400 },
    { "space in a name", BYTES("GET /hello HTTP/1.1\r\n" HOST "X Y: a\r\n\r\n"), 400 },
    { "control in a name", BYTES("GET /hello HTTP/1.1\r\n" HOST "X\x01: a\r\n\r\n"), 400 },
    { "empty name", BYTES("GET /hello HTTP/1.1\r\n" HOST ": a\r\n\r\n"), 400 },
    { "no colon", BYTES("GET /hello HTTP/1.1\r\n" HOST "X\r\n\r\n"), 400 },
    { "obs-fold", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n"), 400 },
    { "bare LF", BYTES("GET /hello HTTP/1.1\nHost: localhost\n\n"), 400 },
    { "bare LF in the head", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n"), 400 },
    { "bare CR", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n"), 400 },
    { "NUL in a value", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"), 400 },
    { "NUL in the path", BYTES("GET /hel\0lo HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "bad chunk size", BYTES(POST "Transfer-Encoding: chunked\r\n\r\nx\r\n"), 400 },
    { "chunk size overflow",
      BYTES(POST "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n"), 400 },
    { "chunk end", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n"), 400 },
    { "chunk lines of LF", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n"), 400 },
    { "chunk size with blank", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n1 \r\na\r\n"), 400 },
    { "trailer folded", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n"),
      400 },
    { "no Host", BYTES("GET /hello HTTP/1.1\r\n\r\n"), 400 },
    { "two Hosts", BYTES("GET /hello HTTP/1.1\r\n" HOST HOST "\r\n"), 400 },
    { "HTTP/2.0", BYTES("GET /hello HTTP/2.0\r\n" HOST "\r\n"), 505 },
    { "HTTP/3.7", BYTES("GET /hello HTTP/3.7\r\n" HOST "\r\n"), 505 },
    { "h2 preface", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
    { "HTTP/0.9", BYTES("GET /hello\r\n\r\n"), 400 },
    { "two spaces", BYTES("GET  /hello HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "two spaces before the version", BYTES("GET /hello  HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "control in the path", BYTES("GET /hel\x02lo HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "8 bit in the path", BYTES("GET /hell\xf6 HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "unknown method", BYTES("BREW /hello HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "connect", BYTES("CONNECT localhost:1 HTTP/1.1\r\n" HOST "\r\n"), 400 },
    { "tls", BYTES("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400 },
    { "garbage", BYTES("\r\n\r\n\r\n"), 400 },
};

static void malformed_requests_are_refused_and_nothing_behind_them_is_served(void **state)
{
    struct test_server *s = *state;

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        for (size_t cut = 0; cut < 2; cut++) { /* whole, and byte by byte */
            struct peer p;
            connect_to(&p, s);
            for (size_t k = 0; cut && k < malformed[i].text.len; k++)
                peer_send(&p, malformed[i].text.p + k, 1);
            if (!cut)
                peer_send(&p, malformed[i].text.p, malformed[i].text.len);
            peer_say(&p, GET("/hello"));
            expect_status(&p, malformed[i].name, malformed[i].status);
            if (memmem(buf_str(&p.got).p, buf_len(&p.got), "hello", 5))
                fail_msg("%s: the request behind it was served", malformed[i].name);
            peer_close(&p);
        }
    }
    assert_int_equal(s->calls, 0);
    assert_int_equal(test_server_stats(s).requests_total, 0);
}

/* --- Limits ------------------------------------------------------------------ */

static void a_head_over_the_limits_is_431(void **state)
{
    static char text[80 * 1024];
    struct test_server *s = *state;
    struct peer p;

    int len = snprintf(text, sizeof(text), "GET /hello HTTP/1.1\r\n" HOST "X: ");
    memset(text + len, 'a', sizeof(text) - (size_t)len);
    connect_to(&p, s);
    peer_send(&p, text, sizeof(text));
    expect_status(&p, "64 KB", 431);
    peer_close(&p);

    len = snprintf(text, sizeof(text), "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < HTTP1_FIELDS_MAX; i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len, "X-%d: a\r\n", i);
    connect_to(&p, s);
    peer_say(&p, text);
    peer_say(&p, "\r\n");
    expect_status(&p, "201 fields", 431);
    peer_close(&p);
    assert_int_equal(s->calls, 0);
}

static void a_body_over_the_routes_cap_is_413(void **state)
{
    static char text[128 * 1024];
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s); /* by its length, before a byte of it */
    peer_say(&p, POST "Content-Length: 65537\r\nExpect: 100-continue\r\n\r\n");
    expect_status(&p, "length", 413);
    assert_null(strstr(buf_cstr(&p.got), "100 Continue"));
    peer_close(&p);

    memset(text, 'a', sizeof(text));
    connect_to(&p, s); /* while it comes, in chunks */
    peer_say(&p, POST "Transfer-Encoding: chunked\r\n\r\n20000\r\n");
    peer_send(&p, text, sizeof(text));
    expect_status(&p, "chunks", 413);
    peer_close(&p);

    connect_to(&p, s); /* exactly as much is fine */
    peer_say(&p, POST "Content-Length: 65536\r\nConnection: close\r\n\r\n");
    peer_send(&p, text, 65536);
    expect_status(&p, "exact", 200);
    peer_close(&p);
    assert_int_equal(test_server_stats(s).bodies_bytes, 0);
}

static void bodies_are_bounded_together(void **state)
{
    struct test_server *s = *state;
    struct peer first, second;
    char bytes[4096] = { 0 };

    s->options.bodies_bytes_max = 6000;
    test_server_start(s);
    connect_to(&first, s);
    peer_say(&first, "POST /later HTTP/1.1\r\n" HOST JSON "Content-Length: 4096\r\n\r\n");
    peer_send(&first, bytes, sizeof(bytes));
    test_server_wait_held(s);
    assert_int_equal(test_server_stats(s).bodies_bytes, 4096);

    connect_to(&second, s);
    peer_say(&second, POST "Content-Length: 4096\r\n\r\n");
    peer_send(&second, bytes, sizeof(bytes));
    peer_expect_end(&second);
    assert_non_null(strstr(buf_cstr(&second.got), "503 Service Unavailable"));
    assert_non_null(strstr(buf_cstr(&second.got), "Retry-After: 1\r\n"));
    assert_non_null(strstr(buf_cstr(&second.got), "limit_reached"));
    peer_close(&second);

    http_reply(TAKE(s->held), 200, NULL, str_of("x"));
    assert_int_equal(test_server_stats(s).bodies_bytes, 0);
    connect_to(&second, s);
    peer_say(&second, POST "Content-Length: 4096\r\n\r\n");
    peer_send(&second, bytes, sizeof(bytes));
    peer_expect(&second, "200 OK");
    peer_close(&second);
    peer_close(&first);
}

static void connections_beyond_the_cap_are_told_so(void **state)
{
    struct test_server *s = *state;
    struct peer in[2], out;

    s->options.connections_max = 2;
    test_server_start(s);
    for (int i = 0; i < 2; i++) {
        connect_to(&in[i], s);
        peer_say(&in[i], GET("/hello"));
        peer_expect(&in[i], "hello");
    }
    connect_to(&out, s);
    expect_status(&out, "third", 503);
    peer_close(&out);
    peer_say(&in[0], GET("/hello"));
    peer_expect(&in[0], "hello");
    peer_close(&in[0]);
    test_settle(&s->t);

    connect_to(&out, s);
    peer_say(&out, GET("/hello"));
    peer_expect(&out, "hello");
    peer_close(&out);
    peer_close(&in[1]);
}

/* --- Expect ------------------------------------------------------------------ */

static void a_body_is_invited_only_when_it_will_be_taken(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    peer_expect(&p, "HTTP/1.1 100 Continue\r\n\r\n");
    peer_say(&p, "hi");
    peer_expect(&p, "HTTP/1.1 200 OK\r\n");
    peer_expect(&p, "\r\n\r\nhi");

    peer_say(&p, POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nhi"); /* it is there */
    peer_expect(&p, "\r\n\r\nhi");
    peer_close(&p);

    connect_to(&p, s);
    peer_say(&p, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n"
                 "Expect: 100-continue\r\n\r\n");
    expect_status(&p, "guard", 415);
    peer_close(&p);
}

/* --- Guard and routes --------------------------------------------------------- */

static void set(struct secret *secret, const char *text)
{
    assert_true(str_copy(secret->text, sizeof(secret->text), str_of(text)));
}

static void the_guard_stands_before_the_body(void **state)
{
    static const struct {
        const char *name, *text;
        unsigned status;
    } cases[] = {
        { "host", "POST /echo HTTP/1.1\r\nHost: evil\r\n" JSON "Content-Length: 9\r\n\r\n", 421 },
        { "origin", POST "Origin: http://evil.example\r\nContent-Length: 9\r\n\r\n", 403 },
        { "type", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n", 415 },
        { "no token", POST "Content-Length: 9\r\n\r\n", 401 },
        { "bad token", POST "Authorization: Bearer wrong\r\nContent-Length: 9\r\n\r\n", 401 },
        { "weak token",
          "GET /admin HTTP/1.1\r\n" HOST
          "X-Api-Key: client-0123456789\r\nConnection: close\r\n\r\n",
          403 },
        { "no such path", "POST /nope HTTP/1.1\r\n" HOST JSON "Content-Length: 9\r\n\r\n", 404 },
        { "no such method", "PUT /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 9\r\n\r\n", 405 },
    };
    struct test_server *s = *state;

    set(&s->guard.client, "client-0123456789");
    set(&s->guard.admin, "admin-0123456789a");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer p;
        connect_to(&p, s);
        peer_say(&p, cases[i].text);
        expect_status(&p, cases[i].name, cases[i].status);
        peer_close(&p);
    }
    assert_int_equal(s->calls, 0);
    assert_int_equal(test_server_stats(s).refused_total, sizeof(cases) / sizeof(cases[0]));
}

static void a_wrong_method_is_told_the_right_ones(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "DELETE /later/a HTTP/1.1\r\n" HOST "\r\n" GET("/hello"));
    peer_expect(&p, "HTTP/1.1 405 Method Not Allowed\r\n");
    peer_expect(&p, "Allow: GET, HEAD\r\n");
    peer_expect(&p, "\"code\":\"method_not_allowed\"");
    peer_expect(&p, "hello"); /* it had no body: the connection goes on */
    peer_close(&p);
}

static void a_wrong_method_is_told_in_the_shape_of_its_path(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "DELETE /openai/error HTTP/1.1\r\n" HOST "\r\n" GET("/hello"));
    peer_expect(&p, "HTTP/1.1 405 Method Not Allowed\r\n");
    peer_expect(&p, "{\"error\":{\"message\":");
    peer_expect(&p, "\"param\":null,\"code\":\"method_not_allowed\"");
    peer_expect(&p, "hello");
    peer_close(&p);
}

static void errors_come_in_the_shape_of_the_route(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/openai/error"));
    peer_expect(&p, "HTTP/1.1 400 Bad Request\r\n");
    peer_expect(&p, "{\"error\":{\"message\":\"must be positive\",\"type\":"
                    "\"invalid_request_error\",\"param\":\"max_tokens\",\"code\":"
                    "\"invalid_value\"}}");
    peer_say(&p, "GET /nope HTTP/1.1\r\n" HOST "X-Request-Id: id-1\r\n\r\n");
    peer_expect(&p, "{\"error\":{\"code\":\"not_found\",\"message\":\"there is nothing at "
                    "'/nope'\",\"correlation_id\":\"id-1\"}}");
    peer_close(&p);
}

static void a_full_queue_says_when_to_come_back(void **state)
{
    struct err err = { 0 };
    struct buf out;
    (void)state;

    (void)err_set(&err, ERR_QUEUE_FULL, "full");
    err.retry_after_ms = 1500;
    buf_init(&out, 4096);
    http_error_body(&err, false, "id", &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"error\":{\"code\":\"queue_full\",\"message\":\"full\","
                        "\"correlation_id\":\"id\",\"retriable\":true,\"retry_after_ms\":1500,"
                        "\"policy_label\":\"queue\"}}");
    buf_clear(&out);
    http_error_body(&err, true, "id", &out);
    assert_string_equal(buf_cstr(&out),
                        "{\"error\":{\"message\":\"full\",\"type\":\"rate_limit_error\","
                        "\"param\":null,\"code\":\"queue_full\",\"retriable\":true,"
                        "\"retry_after_ms\":1500,\"policy_label\":\"queue\"}}");
    buf_deinit(&out);
}

static void retry_after_is_in_whole_seconds(void **state)
{
    static const struct {
        uint32_t ms;
        const char *header;
    } cases[] = {
        { 1, "Retry-After: 1\r\nX-Backoff-Ms: 1\r\n" },
        { 1000, "Retry-After: 1\r\nX-Backoff-Ms: 1000\r\n" },
        { 1001, "Retry-After: 2\r\nX-Backoff-Ms: 1001\r\n" },
    };
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        peer_say(&p, GET("/later/a"));
        test_server_wait_held(s);
        (void)err_set(&err, ERR_UNAVAILABLE, "busy");
        err.retry_after_ms = cases[i].ms;
        http_reply_error(TAKE(s->held), &err);
        peer_expect(&p, cases[i].header);
        peer_expect(&p, "}}");
    }
    peer_close(&p);
}

/* --- Time --------------------------------------------------------------------- */

static void a_slow_head_is_408(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "GET /hello HTTP/1.1\r\n");
    for (int i = 0; i < 9; i++) { /* dripping on does not help */
        test_advance(&s->t, 1000);
        peer_say(&p, "X: a\r\n");
    }
    assert_string_equal(peer_text(&p), "");
    test_advance(&s->t, 1500);
    expect_status(&p, "head", 408);
    peer_close(&p);
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
    struct test_server *s = *state;
    struct peer fresh, used;

    connect_to(&fresh, s);
    connect_to(&used, s);
    peer_say(&used, GET("/hello"));
    peer_expect(&used, "hello");
    test_advance(&s->t, s->options.idle_timeout_ms - 1000);
    assert_string_equal(peer_text(&used), "");
    assert_false(used.is_ended || fresh.is_ended);
    test_advance(&s->t, 2000);
    peer_expect_end(&used);
    peer_expect_end(&fresh);
    assert_string_equal(buf_cstr(&used.got), "");
    assert_string_equal(buf_cstr(&fresh.got), "");
    peer_close(&used);
    peer_close(&fresh);
}

static void a_body_that_stops_is_408(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, POST "Content-Length: 100\r\n\r\nabc");
    test_advance(&s->t, s->options.body_stall_ms + 200);
    expect_status(&p, "stall", 408);
    assert_int_equal(test_server_stats(s).bodies_bytes, 0);
    peer_close(&p);
}

static void a_body_that_drips_is_408(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, POST "Content-Length: 60000\r\n\r\n");
    for (int i = 0; i < 12 && !p.is_ended; i++) {
        peer_say(&p, "abcdefgh");
        test_advance(&s->t, 1000);
        (void)peer_text(&p);
    }
    expect_status(&p, "drip", 408);
    peer_close(&p);
}

static void a_body_that_comes_steadily_is_taken(void **state)
{
    struct test_server *s = *state;
    char bytes[1000];
    struct peer p;

    memset(bytes, 'a', sizeof(bytes));
    connect_to(&p, s);
    peer_say(&p, POST "Content-Length: 30000\r\n\r\n");
    for (int i = 0; i < 30; i++) {
        peer_send(&p, bytes, sizeof(bytes));
        test_advance(&s->t, 3000);
    }
    peer_expect(&p, "200 OK");
    peer_close(&p);
}

static void a_peer_that_never_closes_does_not_linger_for_ever(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "nonsense\r\n\r\n");
    expect_status(&p, "nonsense", 400);
    assert_int_equal(test_server_stats(s).connections, 1);
    test_advance(&s->t, 3000);
    assert_int_equal(test_server_stats(s).connections, 0);
    peer_close(&p);
}

#define TEST(name)    cmocka_unit_test_setup_teardown(name, setup, teardown)
#define STOPPED(name) cmocka_unit_test_setup_teardown(name, setup_stopped, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(malformed_requests_are_refused_and_nothing_behind_them_is_served),
        TEST(a_head_over_the_limits_is_431),
        TEST(a_body_over_the_routes_cap_is_413),
        STOPPED(bodies_are_bounded_together),
        STOPPED(connections_beyond_the_cap_are_told_so),
        TEST(a_body_is_invited_only_when_it_will_be_taken),
        TEST(the_guard_stands_before_the_body),
        TEST(a_wrong_method_is_told_the_right_ones),
        TEST(a_wrong_method_is_told_in_the_shape_of_its_path),
        TEST(errors_come_in_the_shape_of_the_route),
        TEST(a_full_queue_says_when_to_come_back),
        TEST(retry_after_is_in_whole_seconds),
        TEST(a_slow_head_is_408),
        TEST(an_idle_connection_is_closed_without_a_word),
        TEST(a_body_that_stops_is_408),
        TEST(a_body_that_drips_is_408),
        TEST(a_body_that_comes_steadily_is_taken),
        TEST(a_peer_that_never_closes_does_not_linger_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
