#include "http/test_server.h"

#include "base/log.h"
#include "base/mem.h"
#include "http/client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define JSON      "Content-Type: application/json\r\n"

static int setup(void **state)
{
    struct test_server *s = mem_alloc(1, sizeof(*s));

    test_server_init(s);
    test_server_start(s);
    *state = s;
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

/* --- Answers --------------------------------------------------------------- */

static void a_connection_serves_one_request_after_the_other(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    for (int i = 0; i < 3; i++) {
        peer_say(&p, GET("/hello"));
        peer_expect(&p, "HTTP/1.1 200 OK\r\n");
        peer_expect(&p, "Content-Length: 5\r\n");
        peer_expect(&p, "\r\n\r\nhello");
    }
    assert_int_equal(test_server_stats(s).accepted_total, 1);
    assert_int_equal(test_server_stats(s).requests_total, 3);
    peer_close(&p);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    static const char text[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n" JSON
                               "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=1\r\n yo\r\n"
                               "0\r\nTrailer: 1\r\n\r\n";
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    for (size_t i = 0; i < strlen(text); i++)
        peer_send(&p, text + i, 1);
    peer_expect(&p, "\r\n\r\nhi yo");
    peer_close(&p);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/later/a") GET("/hello") "POST /echo HTTP/1.1\r\nHost: localhost\r\n" JSON
                                               "Content-Length: 2\r\n\r\nhi" GET("/later/b")
                                                   GET("/hello"));
    test_server_wait_held(s);
    assert_string_equal(peer_text(&p), "");
    assert_int_equal(s->calls, 1);

    struct http_request *first = TAKE(s->held);
    http_reply(first, 200, NULL, str_of("first"));
    assert_int_equal(s->calls, 1); /* never inside the call that ended the one before */
    peer_expect(&p, "first");
    peer_expect(&p, "\r\n\r\nhello");
    peer_expect(&p, "\r\n\r\nhi");
    assert_non_null(s->held);
    http_reply(TAKE(s->held), 200, NULL, str_of("second"));
    peer_expect(&p, "second");
    peer_expect(&p, "\r\n\r\nhello");
    peer_close(&p);
}

static void streams_can_be_pipelined(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/stream") GET("/stream") GET("/hello"));
    for (int i = 0; i < 2; i++) {
        test_server_wait_held(s);
        http_stream_write(s->held, "data: a\n\n", 9);
        peer_expect(&p, "Transfer-Encoding: chunked\r\n");
        peer_expect(&p, "\r\n\r\n9\r\ndata: a\n\n\r\n");
        http_stream_end(TAKE(s->held));
        peer_expect(&p, "0\r\n\r\n");
    }
    peer_expect(&p, "hello");
    peer_close(&p);
}

static void a_write_becomes_one_chunk(void **state)
{
    const struct iovec pieces[] = { { (char[]){ "abc" }, 3 },
                                    { NULL, 0 },
                                    { (char[]){ "de" }, 2 } };
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    assert_string_equal(peer_text(&p), ""); /* the head waits for the first piece */
    http_stream_writev(s->held, pieces, 3);
    peer_expect(&p, "\r\n\r\n5\r\nabcde\r\n");
    http_stream_writev(s->held, pieces + 1, 1); /* nothing: not the last chunk */
    http_stream_end(TAKE(s->held));
    peer_expect(&p, "0\r\n\r\n");
    assert_string_equal(peer_text(&p), "");
    peer_close(&p);
}

static void a_flush_sends_the_head_alone(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    http_stream_flush(s->held);
    peer_expect(&p, "\r\n\r\n");
    http_stream_flush(s->held);
    http_stream_end(TAKE(s->held));
    peer_expect(&p, "0\r\n\r\n");
    peer_close(&p);
}

static void head_gets_the_head_alone(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    peer_expect(&p, "Content-Length: 5\r\n");
    peer_expect(&p, "\r\n\r\n");
    peer_say(&p, "HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
    test_server_wait_held(s);
    http_stream_write(s->held, "data: a\n\n", 9);
    http_stream_end(TAKE(s->held));
    peer_expect(&p, "\r\n\r\n");
    peer_say(&p, GET("/hello"));
    peer_expect(&p, "HTTP/1.1 200 OK");
    peer_expect(&p, "hello");
    peer_close(&p);
}

static void http_1_0_clients_are_served(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    peer_expect(&p, "Connection: keep-alive\r\n");
    peer_expect(&p, "hello");
    peer_say(&p, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    test_server_wait_held(s);
    http_stream_write(s->held, "data: a\n\n", 9);
    peer_expect(&p, "Connection: close\r\n\r\ndata: a\n\n"); /* ends by closing */
    http_stream_end(TAKE(s->held));
    peer_expect_end(&p);
    assert_false(p.is_reset);
    peer_close(&p);
}

static void connection_close_closes_behind_the_answer(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "GET /hello HTTP/1.1\r\nHost: a.invalid\r\n\r\n");
    peer_expect(&p, "421 Misdirected Request"); /* no body was to come: the connection lives */
    peer_say(&p, "GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    peer_expect(&p, "Connection: close\r\n");
    peer_expect(&p, "hello");
    peer_expect_end(&p);
    assert_false(p.is_reset);
    peer_close(&p);
}

static void a_counted_stream_has_its_length(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/later/a"));
    test_server_wait_held(s);
    http_stream_begin(s->held, 200, "text/plain", 6);
    http_stream_write(s->held, "abc", 3);
    http_stream_write(s->held, "def", 3);
    http_stream_end(TAKE(s->held));
    peer_expect(&p, "Content-Length: 6\r\n");
    peer_expect(&p, "\r\n\r\nabcdef");
    peer_close(&p);
}

static void a_cut_answer_never_looks_whole(void **state)
{
    static const struct {
        const char *request;
        int64_t length;
        const char *body;
        bool by_reset;
    } cases[] = {
        { GET("/later/a"), HTTP_LENGTH_UNKNOWN, "abc", false },
        { GET("/later/a"), 6, "abc", false },
        { GET("/later/a"), 3, "abc", true },
        { "GET /later/a HTTP/1.0\r\n\r\n", HTTP_LENGTH_UNKNOWN, "abc", true },
    };
    struct test_server *s = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct peer p;
        connect_to(&p, s);
        peer_say(&p, cases[i].request);
        test_server_wait_held(s);
        http_stream_begin(s->held, 200, NULL, cases[i].length);
        http_stream_write(s->held, cases[i].body, strlen(cases[i].body));
        http_stream_abort(TAKE(s->held));
        peer_expect_end(&p);
        assert_int_equal(p.is_reset, cases[i].by_reset);
        struct str got = buf_str(&p.got);
        assert_true(cases[i].by_reset ||
                    str_starts((struct str){ got.p + got.len - 3, 3 }, "abc") ||
                    str_starts((struct str){ got.p + got.len - 5, 5 }, "abc\r\n"));
        peer_close(&p);
    }
    assert_int_equal(s->gone, 0);
}

static void a_large_answer_arrives_whole(void **state)
{
    enum { SIZE = 8 * 1024 * 1024 };
    struct test_server *s = *state;
    char *bytes = mem_alloc(1, SIZE);
    struct peer p;

    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)('a' + i % 23);
    connect_to(&p, s);
    peer_say(&p, GET("/later/a"));
    test_server_wait_held(s);
    http_reply(TAKE(s->held), 200, NULL, (struct str){ bytes, SIZE });
    peer_say(&p, GET("/hello"));
    peer_expect(&p, "\r\n\r\n");
    while (buf_len(&p.got) < SIZE)
        (void)peer_text(&p);
    assert_memory_equal(buf_str(&p.got).p, bytes, SIZE);
    buf_consume(&p.got, SIZE);
    peer_expect(&p, "hello");
    peer_close(&p);
    free(bytes);
}

/* --- Facts ----------------------------------------------------------------- */

static void handlers_see_the_request(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, "GET /facts/j-1?y=2&x=a%20b+c HTTP/1.1\r\nHost: localhost\r\nUser-Agent: me\r\n"
                 "X-Label-geo: eu\r\nx-label-type:\r\nX-Request-Id: abc-1\r\n\r\n");
    peer_expect(&p, "x-request-id: abc-1\r\n");
    peer_expect(&p, "X-Extra: 7\r\n");
    peer_expect(&p, "GET /facts/j-1 ? y=2&x=a%20b+c id=j-1 x=a b c agent=me X-Label-geo=eu "
                    "x-label-type=");
    peer_say(&p, "GET http://localhost/facts/2?x=toolongvalue HTTP/1.1\r\nHost: localhost\r\n"
                 "X-Request-Id: not/an/id\r\nX-Correlation-Id: corr\r\n\r\n");
    peer_expect(&p, "x-request-id: corr\r\n");
    peer_expect(&p, "GET /facts/2 ? x=toolongvalue id=2 no x x=");
    assert_null(strstr(peer_text(&p), "X-Split"));
    peer_say(&p, GET("/facts/3?x=%zz") GET("/facts/3?x=%00") GET("/facts/3?x=%4"));
    for (int i = 0; i < 3; i++)
        peer_expect(&p, " no x");
    peer_close(&p);
}

static void the_body_can_be_taken_and_the_rest_released(void **state)
{
    struct test_server *s = *state;
    struct peer p;
    size_t len;

    connect_to(&p, s);
    peer_say(&p, "POST /later HTTP/1.1\r\nHost: localhost\r\n" JSON "X-Request-Id: id-1\r\n"
                 "Content-Length: 4\r\n\r\n{  }");
    test_server_wait_held(s);
    assert_int_equal(test_server_stats(s).bodies_bytes, 4);
    AUTO(free_ptr) char *body = http_request_take_body(s->held, &len);
    assert_int_equal(len, 4);
    assert_memory_equal(body, "{  }", 4);
    assert_int_equal(test_server_stats(s).bodies_bytes, 0);
    assert_int_equal(http_request_body(s->held).len, 0);

    http_request_release(s->held);
    assert_int_equal(http_request_path(s->held).len, 0);
    assert_int_equal(http_request_header(s->held, "host").len, 0);
    assert_string_equal(http_request_id(s->held), "id-1");
    http_reply(TAKE(s->held), 200, NULL, str_of("done"));
    peer_expect(&p, "done");
    peer_close(&p);
}

/* --- Leaving --------------------------------------------------------------- */

static bool is_gone(void *data)
{
    return ((struct test_server *)data)->gone > 0;
}

static void a_client_that_leaves_is_noticed_while_nothing_is_written(void **state)
{
    static void (*const leave[])(struct peer *) = { peer_close, peer_reset, peer_half_close };
    static const char *const requests[] = { GET("/later/a"), GET("/stream"),
                                            GET("/later/a") GET("/hello") };
    struct test_server *s = *state;

    for (size_t i = 0; i < sizeof(leave) / sizeof(leave[0]); i++) {
        for (size_t k = 0; k < sizeof(requests) / sizeof(requests[0]); k++) {
            struct peer p;
            s->gone = 0;
            connect_to(&p, s);
            peer_say(&p, requests[k]);
            test_server_wait_held(s);
            leave[i](&p);
            test_until(&s->t, is_gone, s);
            assert_int_equal(s->gone, 1);
            peer_close(&p);
        }
    }
    assert_int_equal(test_server_stats(s).exchanges, 0);
    assert_int_equal(test_server_stats(s).connections, 0);
    assert_int_equal(test_server_stats(s).aborted_total, 9);
}

static void an_ended_answer_is_sent_to_a_client_that_half_closed(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct test_server *s = *state;
    char *bytes = mem_alloc(1, SIZE);
    struct peer p;

    peer_connect_narrow(&p, &s->t, &s->at);
    peer_say(&p, "GET /later/a HTTP/1.0\r\n\r\n");
    test_server_wait_held(s);
    http_reply(TAKE(s->held), 200, NULL, (struct str){ bytes, SIZE });
    peer_half_close(&p);
    peer_expect(&p, "\r\n\r\n");
    peer_expect_end(&p);
    assert_int_equal(buf_len(&p.got), SIZE);
    peer_close(&p);
    free(bytes);
}

static void fill(struct http_request *r, size_t bytes)
{
    static char piece[16 * 1024];

    memset(piece, 'x', sizeof(piece));
    for (size_t i = 0; i < bytes; i += sizeof(piece))
        http_stream_write(r, piece, sizeof(piece));
}

static bool has_drained(void *data)
{
    return ((struct test_server *)data)->drained > 0;
}

static void a_slow_client_is_drained_at_its_pace(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct test_server *s = *state;
    struct peer p;

    peer_connect_narrow(&p, &s->t, &s->at);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    fill(s->held, SIZE);
    assert_true(http_stream_queued(s->held) > 64UL * 1024);
    assert_int_equal(s->drained, 0);
    while (buf_len(&p.got) < SIZE)
        (void)peer_text(&p);
    test_until(&s->t, has_drained, s);
    assert_true(http_stream_queued(s->held) <= 16UL * 1024);
    http_stream_end(TAKE(s->held));
    peer_expect(&p, "\r\n0\r\n\r\n");
    peer_close(&p);
}

static void a_client_that_takes_nothing_is_cut(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    peer_connect_narrow(&p, &s->t, &s->at);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    fill(s->held, 4UL * 1024 * 1024);
    test_advance(&s->t, s->options.write_stall_ms / 2);
    assert_int_equal(s->gone, 0);
    test_advance(&s->t, 2 * s->options.write_stall_ms);
    assert_int_equal(s->gone, 1);
    peer_close(&p);
}

static void a_client_that_takes_a_little_is_not_cut(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    peer_connect_narrow(&p, &s->t, &s->at);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    fill(s->held, 8UL * 1024 * 1024);
    for (int i = 0; i < 10; i++) {
        test_advance(&s->t, s->options.write_stall_ms - 1000);
        for (int k = 0; k < 8; k++) {
            char bytes[64 * 1024];
            (void)recv(p.fd, bytes, sizeof(bytes), 0);
            test_settle(&s->t);
        }
        assert_int_equal(s->gone, 0);
    }
    assert_true(http_stream_queued(s->held) > 0);
    http_stream_abort(TAKE(s->held));
    peer_close(&p);
}

static void pipelined_bytes_are_bounded(void **state)
{
    static char flood[4 * 1024 * 1024];
    struct test_server *s = *state;
    struct peer p;
    size_t sent = 0;

    memset(flood, 'G', sizeof(flood));
    connect_to(&p, s);
    peer_say(&p, GET("/later/a"));
    test_server_wait_held(s);
    for (int i = 0; i < 200; i++) {
        ssize_t n = send(p.fd, flood, sizeof(flood), MSG_NOSIGNAL);
        sent += n > 0 ? (size_t)n : 0;
        test_settle(&s->t);
    }
    ssize_t n = send(p.fd, flood, sizeof(flood), MSG_NOSIGNAL);
    assert_true(n < 0); /* nobody takes more */
    assert_true(sent < 64UL * 1024 * 1024);
    peer_close(&p);
    http_reply(TAKE(s->held), 200, NULL, str_of("x"));
}

static void answers_nobody_reads_hold_back_the_next_request(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    peer_connect_narrow(&p, &s->t, &s->at);
    peer_say(&p, GET("/stream") GET("/hello") GET("/hello"));
    test_server_wait_held(s);
    fill(s->held, 4UL * 1024 * 1024);
    http_stream_end(TAKE(s->held));
    test_settle(&s->t);
    assert_int_equal(s->calls, 1);
    peer_expect(&p, "\r\n0\r\n\r\n");
    peer_expect(&p, "hello");
    peer_expect(&p, "hello");
    peer_close(&p);
}

/* --- Over a unix socket ------------------------------------------------------ */

struct answer {
    unsigned ends, status;
    char body[16];
};

static void on_answer(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    struct answer *a = data;

    if (how != HTTP_CALL_DONE)
        fail_msg("%s", err->msg);
    a->ends++;
    a->status = status;
    (void)str_copy(a->body, sizeof(a->body), body);
}

static bool is_answered(void *data)
{
    return ((struct answer *)data)->ends > 0;
}

static void our_own_user_is_the_administrator_on_a_unix_socket(void **state)
{
    struct test_server *s = *state;
    struct http_client_options client_options;
    struct http_call_options options = { .method = "GET", .target = str_of("/admin") };
    struct answer a = { 0 };
    struct err err;
    char dir[256];

    assert_true(
        str_copy(s->guard.admin.text, sizeof(s->guard.admin.text), str_of("admin-0123456789a")));
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(dir, sizeof(dir), "%s/http-XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    options.to.is_unix = true;
    (void)snprintf(options.to.host, sizeof(options.to.host), "%.90s/socket", dir);
    assert_int_equal(http_server_listen(s->server, &options.to, NULL, &err), 0);

    http_client_options_init(&client_options);
    struct http_client *client = http_client_new(s->t.loop, &client_options);
    (void)http_fetch_start(client, &options, 100, on_answer, &a);
    test_until(&s->t, is_answered, &a);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "hello");

    a = (struct answer){ 0 };
    options.to = s->at; /* the same over TCP needs the token */
    (void)http_fetch_start(client, &options, 1000, on_answer, &a);
    test_until(&s->t, is_answered, &a);
    assert_int_equal(a.status, 401);

    http_client_free(client);
    http_server_free(TAKE(s->server));
    assert_int_equal(rmdir(dir), 0); /* the socket has been unlinked */
}

/* --- The log ----------------------------------------------------------------- */

/* stderr goes into a file while the log of one test is written. */
struct capture {
    FILE *file;
    int stderr_copy;
    char text[16 * 1024];
};

static void capture_start(struct capture *c, enum log_level level)
{
    c->file = tmpfile();
    assert_non_null(c->file);
    c->stderr_copy = dup(STDERR_FILENO);
    assert_true(dup2(fileno(c->file), STDERR_FILENO) >= 0);
    log_setup("test", level, LOG_TEXT);
}

static const char *capture_stop(struct capture *c)
{
    assert_true(dup2(c->stderr_copy, STDERR_FILENO) >= 0);
    (void)close(c->stderr_copy);
    (void)fseek(c->file, 0, SEEK_SET);
    c->text[fread(c->text, 1, sizeof(c->text) - 1, c->file)] = '\0';
    (void)fclose(c->file);
    log_setup("test", LOG_INFO, LOG_TEXT);
    return c->text;
}

/* One that is answered well, one that fails, and one whose client leaves after its
 * request's memory was given back. */
static void play_three_ends(struct test_server *s)
{
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/hello"));
    peer_expect(&p, "hello");
    peer_say(&p, GET("/later/a"));
    test_server_wait_held(s);
    http_reply(TAKE(s->held), 503, NULL, str_of("no"));
    peer_expect(&p, "no");
    peer_say(&p, GET("/later/b"));
    test_server_wait_held(s);
    http_request_release(s->held);
    peer_close(&p);
    test_until(&s->t, is_gone, s);
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;

    for (; (text = strstr(text, what)); text++)
        found++;
    return found;
}

static void each_exchange_ends_with_one_line_in_the_log(void **state)
{
    struct test_server *s = *state;
    static struct capture c;

    capture_start(&c, LOG_DEBUG);
    play_three_ends(s);
    const char *text = capture_stop(&c);
    assert_int_equal(count(text, " request server="), 3);
    assert_int_equal(count(text, "DEBUG request "), 1);
    assert_non_null(strstr(text, "method=GET path=/hello status=200 ms="));
    assert_non_null(strstr(text, "method=GET path=/later/a status=503 ms="));
    assert_non_null(strstr(text, "method=GET path=/later/{id} status=499 ms="));
    assert_int_equal(count(text, "code=client_closed_request"), 1);
}

static void of_ordinary_answers_the_log_is_silent_at_its_default(void **state)
{
    struct test_server *s = *state;
    static struct capture c;

    capture_start(&c, LOG_INFO);
    play_three_ends(s);
    const char *text = capture_stop(&c);
    assert_int_equal(count(text, "INFO  request server="), 2);
    assert_null(strstr(text, "status=200"));
}

static void a_storm_of_failures_does_not_fill_the_disk(void **state)
{
    struct test_server *s = *state;
    static struct capture c;
    struct peer p;

    connect_to(&p, s);
    capture_start(&c, LOG_INFO);
    for (int i = 0; i < 40; i++) {
        peer_say(&p, GET("/later/a"));
        test_server_wait_held(s);
        http_reply(TAKE(s->held), 503, NULL, str_of("no"));
        peer_expect(&p, "no");
    }
    test_advance(&s->t, 1000);
    play_three_ends(s);
    const char *text = capture_stop(&c);
    assert_in_range(count(text, "status=503"), 11, 21); /* ten in each second at most */
    peer_close(&p);
}

/* --- The end of the server -------------------------------------------------- */

static void on_drain_done(void *data)
{
    ((struct test_server *)data)->is_drain_done = true;
}

static void a_drain_waits_for_what_runs(void **state)
{
    struct test_server *s = *state;
    struct peer idle, busy;

    connect_to(&idle, s);
    peer_say(&idle, GET("/hello"));
    peer_expect(&idle, "hello");
    connect_to(&busy, s);
    peer_say(&busy, GET("/later/a"));
    test_server_wait_held(s);
    http_server_drain(s->server, 5000, on_drain_done, s);
    peer_expect_end(&idle);
    peer_close(&idle);
    test_advance(&s->t, 1000);
    assert_false(s->is_drain_done);

    http_reply(TAKE(s->held), 200, NULL, str_of("last"));
    peer_expect(&busy, "Connection: close\r\n");
    peer_expect(&busy, "last");
    peer_expect_end(&busy);
    peer_close(&busy);
    test_settle(&s->t);
    assert_true(s->is_drain_done);
    assert_int_equal(s->gone, 0);
}

static void a_drain_cuts_what_runs_past_its_deadline(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/stream"));
    test_server_wait_held(s);
    http_server_drain(s->server, 5000, on_drain_done, s);
    test_advance(&s->t, 4900);
    assert_int_equal(s->gone, 0);
    test_advance(&s->t, 200);
    assert_int_equal(s->gone, 1);
    assert_true(s->is_drain_done);
    peer_close(&p);
}

static void an_idle_drain_ends_at_once(void **state)
{
    struct test_server *s = *state;

    http_server_drain(s->server, 5000, on_drain_done, s);
    assert_false(s->is_drain_done); /* never inside the call */
    test_settle(&s->t);
    assert_true(s->is_drain_done);
}

static void freeing_the_server_tells_its_handlers(void **state)
{
    struct test_server *s = *state;
    struct peer p;

    connect_to(&p, s);
    peer_say(&p, GET("/later/a"));
    test_server_wait_held(s);
    http_server_free(TAKE(s->server));
    assert_int_equal(s->gone, 1);
    peer_close(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_serves_one_request_after_the_other),
        TEST(a_request_may_come_byte_by_byte),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(streams_can_be_pipelined),
        TEST(a_write_becomes_one_chunk),
        TEST(a_flush_sends_the_head_alone),
        TEST(head_gets_the_head_alone),
        TEST(http_1_0_clients_are_served),
        TEST(connection_close_closes_behind_the_answer),
        TEST(a_counted_stream_has_its_length),
        TEST(a_cut_answer_never_looks_whole),
        TEST(a_large_answer_arrives_whole),
        TEST(handlers_see_the_request),
        TEST(the_body_can_be_taken_and_the_rest_released),
        TEST(a_client_that_leaves_is_noticed_while_nothing_is_written),
        TEST(an_ended_answer_is_sent_to_a_client_that_half_closed),
        TEST(a_slow_client_is_drained_at_its_pace),
        TEST(a_client_that_takes_nothing_is_cut),
        TEST(a_client_that_takes_a_little_is_not_cut),
        TEST(pipelined_bytes_are_bounded),
        TEST(answers_nobody_reads_hold_back_the_next_request),
        TEST(our_own_user_is_the_administrator_on_a_unix_socket),
        TEST(each_exchange_ends_with_one_line_in_the_log),
        TEST(of_ordinary_answers_the_log_is_silent_at_its_default),
        TEST(a_storm_of_failures_does_not_fill_the_disk),
        TEST(a_drain_waits_for_what_runs),
        TEST(a_drain_cuts_what_runs_past_its_deadline),
        TEST(an_idle_drain_ends_at_once),
        TEST(freeing_the_server_tells_its_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
