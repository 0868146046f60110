#include "http/client.h"

#include "base/mem.h"
#include "http/test_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

struct fixture {
    struct test_loop t;
    struct http_client_options options;
    struct http_client *client;
    struct endpoint at; /* of `listener` */
    int listener;       /* the test itself is the server */
};

/* One call, and what became of it. */
struct outcome {
    struct http_call *call;
    unsigned status, heads, reads, ends;
    enum http_call_end how;
    struct err err;
    struct buf body;
    char header[64]; /* X-Test, as seen in on_head */
    int64_t content_length;
    bool cancel_in_head, cancel_in_body, pause_in_body;
};

static int setup(void **state)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));

    test_loop_init(&f->t);
    http_client_options_init(&f->options);
    f->client = http_client_new(f->t.loop, &f->options);
    f->listener = peer_listen(&f->at);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    http_client_free(f->client);
    test_loop_deinit(&f->t);
    close_fd(&f->listener);
    free(f);
    return 0;
}

static void on_head(void *data, struct http_call *call, unsigned status)
{
    struct outcome *o = data;

    o->heads++;
    o->status = status;
    o->content_length = http_call_content_length(call);
    (void)str_copy(o->header, sizeof(o->header), http_call_header(call, "x-test"));
    if (o->cancel_in_head)
        http_call_cancel(TAKE(o->call));
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct outcome *o = data;

    assert_true(piece.len > 0);
    (void)buf_add(&o->body, piece.p, piece.len);
    if (o->cancel_in_body)
        http_call_cancel(TAKE(o->call));
    else if (o->pause_in_body)
        http_call_pause(call);
}

static void on_read_end(void *data, struct http_call *call)
{
    (void)call;
    ((struct outcome *)data)->reads++;
}

static void on_end(void *data, enum http_call_end how, const struct err *err)
{
    struct outcome *o = data;

    o->ends++;
    o->how = how;
    o->call = NULL;
    assert_int_equal(err == NULL, how == HTTP_CALL_DONE);
    if (err)
        o->err = *err;
}

static const struct http_call_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_read_end = on_read_end,
    .on_end = on_end,
};

static struct http_call_options get(const struct fixture *f)
{
    return (struct http_call_options){ .to = f->at, .method = "GET", .target = str_of("/x") };
}

static void start(struct fixture *f, struct outcome *o, const struct http_call_options *options)
{
    buf_init(&o->body, 64UL * 1024 * 1024);
    o->call = http_call_start(f->client, options, &events, o);
    assert_int_equal(o->ends, 0);
}

static bool has_ended(void *data)
{
    return ((struct outcome *)data)->ends > 0;
}

static void wait_end(struct fixture *f, struct outcome *o, enum http_call_end how)
{
    test_until(&f->t, has_ended, o);
    test_settle(&f->t);
    assert_int_equal(o->ends, 1);
    if (o->how != how)
        fail_msg("ended as %d, not %d: %s", o->how, how, o->err.msg);
    buf_deinit(&o->body);
}

/* A whole exchange over `p`, to leave a kept connection behind. */
static void exchange(struct fixture *f, struct peer *p)
{
    struct http_call_options options = get(f);
    struct outcome o = { 0 };

    start(f, &o, &options);
    if (!p->t)
        peer_accept(p, &f->t, f->listener);
    peer_expect(p, "GET /x HTTP/1.1\r\n");
    peer_expect(p, "\r\n\r\n");
    peer_say(p, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    wait_end(f, &o, HTTP_CALL_DONE);
}

/* --- Requests ------------------------------------------------------------------ */

static void a_request_says_what_it_was_told_to(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = {
        .to = f->at,
        .method = "POST",
        .target = str_of("/v1/jobs?x=1"),
        .host = "queen",
        .bearer = "secret",
        .content_type = "application/json",
        .body = str_of("{}"),
        .headers = { { "X-Request-Id", str_of("id-1") }, { "X-Bad", str_of("a\r\nX-Split: 1") } },
    };
    struct outcome o = { 0 };
    struct peer p;

    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_expect(&p, "POST /v1/jobs?x=1 HTTP/1.1\r\nHost: queen\r\nContent-Length: 2\r\n"
                    "Content-Type: application/json\r\nAuthorization: Bearer secret\r\n"
                    "X-Request-Id: id-1\r\n\r\n{}");
    peer_say(&p, "HTTP/1.1 204 No Content\r\nX-Test: yes\r\n\r\n");
    wait_end(f, &o, HTTP_CALL_DONE);
    assert_int_equal(o.status, 204);
    assert_string_equal(o.header, "yes");
    peer_close(&p);
}

static void a_large_body_is_sent_at_the_peers_pace(void **state)
{
    enum { SIZE = 12 * 1024 * 1024 };
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    char *body = mem_alloc(1, SIZE);
    struct outcome o = { 0 };
    struct peer p;

    for (size_t i = 0; i < SIZE; i++)
        body[i] = (char)('a' + i % 19);
    options.method = "POST";
    options.body = (struct str){ body, SIZE };
    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_expect(&p, "\r\n\r\n");
    while (buf_len(&p.got) < SIZE)
        (void)peer_text(&p);
    assert_memory_equal(buf_str(&p.got).p, body, SIZE);
    peer_say(&p, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    wait_end(f, &o, HTTP_CALL_DONE);
    peer_close(&p);
    free(body);
}

static void an_answer_may_come_before_the_request_is_sent(void **state)
{
    enum { SIZE = 16 * 1024 * 1024 };
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    char *body = mem_alloc(1, SIZE);
    struct outcome o = { 0 };
    struct peer p;

    options.method = "POST";
    options.body = (struct str){ body, SIZE };
    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_say(&p, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    wait_end(f, &o, HTTP_CALL_DONE);
    assert_int_equal(o.status, 413);
    peer_expect_end(&p); /* the rest was never sent: not to be used again */
    peer_close(&p);
    free(body);
}

/* --- Answers ------------------------------------------------------------------- */

static void answers_end_as_their_framing_says(void **state)
{
    static const struct {
        const char *method, *text, *body;
        bool then_close;
        enum http_call_end how;
        unsigned status;
    } cases[] = {
        { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc", false, HTTP_CALL_DONE,
          200 },
        { "GET",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
          "abc", false, HTTP_CALL_DONE, 200 },
        { "GET", "HTTP/1.0 200 OK\r\n\r\nabc", "abc", true, HTTP_CALL_DONE, 200 },
        { "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", "", false, HTTP_CALL_DONE, 200 },
        { "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", "", false,
          HTTP_CALL_DONE, 304 },
        { "GET",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Test: no\r\n\r\n"
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na",
          "a", false, HTTP_CALL_DONE, 200 },
        { "GET", "", "", true, HTTP_CALL_CUT, 0 },
        { "GET", "HTTP/1.1 200 OK\r\nContent-", "", true, HTTP_CALL_CUT, 0 },
        { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", "ab", true, HTTP_CALL_CUT, 200 },
        { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", "a", true,
          HTTP_CALL_CUT, 200 },
        { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", "a", true,
          HTTP_CALL_CUT, 200 },
        { "GET", "SSH-2.0-x\r\n", "", false, HTTP_CALL_GARBAGE, 0 },
        { "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "", false, HTTP_CALL_GARBAGE, 0 },
        { "GET", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "", false,
          HTTP_CALL_GARBAGE, 0 },
        { "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nx\r\n", "a", false,
          HTTP_CALL_GARBAGE, 200 },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const char *text = cases[i / 2].text;
        struct http_call_options options = get(f);
        struct outcome o = { 0 };
        struct peer p;

        options.method = cases[i / 2].method;
        options.fresh = true;
        start(f, &o, &options);
        peer_accept(&p, &f->t, f->listener);
        peer_expect(&p, "\r\n\r\n");
        for (size_t k = 0; i % 2 && text[k]; k++) /* every second time byte by byte */
            peer_send(&p, text + k, 1);
        if (i % 2 == 0)
            peer_say(&p, text);
        if (cases[i / 2].then_close)
            peer_half_close(&p);
        test_until(&f->t, has_ended, &o);
        if (o.how != cases[i / 2].how || o.status != cases[i / 2].status ||
            !str_eq(buf_str(&o.body), cases[i / 2].body))
            fail_msg("'%s': ended as %d with %u and '%s'", text, o.how, o.status,
                     buf_cstr(&o.body));
        assert_int_equal(o.heads, cases[i / 2].status ? 1 : 0);
        assert_string_equal(o.header, "");
        buf_deinit(&o.body);
        peer_close(&p);
        test_settle(&f->t);
    }
}

static void the_pieces_of_one_read_are_announced_together(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { 0 };
    struct peer p;

    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_expect(&p, "\r\n\r\n");
    peer_say(&p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n");
    test_settle(&f->t);
    assert_int_equal(o.reads, 1);
    assert_int_equal(o.content_length, -1);
    peer_say(&p, "1\r\nc\r\n");
    test_settle(&f->t);
    assert_int_equal(o.reads, 2);
    peer_say(&p, "0\r\n\r\n");
    wait_end(f, &o, HTTP_CALL_DONE);
    peer_close(&p);
}

/* --- Kept connections ------------------------------------------------------------ */

static void a_connection_is_used_again(void **state)
{
    struct fixture *f = *state;
    struct peer p = { 0 };

    for (int i = 0; i < 3; i++)
        exchange(f, &p);
    assert_false(peer_is_waiting(f->listener));
    peer_close(&p);
}

static void a_kept_connection_that_died_is_replaced_silently(void **state)
{
    static void (*const die[])(struct peer *) = { peer_close, peer_reset };
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct http_call_options options = get(f);
        struct outcome o = { 0 };
        struct peer first = { 0 }, second;

        exchange(f, &first);
        /* The client does not know yet: no turn of the loop in between. */
        options.method = "POST";
        options.body = str_of("again");
        die[i](&first);
        start(f, &o, &options);
        peer_accept(&second, &f->t, f->listener);
        peer_expect(&second, "\r\n\r\nagain");
        peer_say(&second, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        wait_end(f, &o, HTTP_CALL_DONE);
        peer_close(&second);
    }
}

static void a_fresh_connection_that_dies_is_not_retried(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct peer kept = { 0 }, second;
    struct outcome o = { 0 };

    exchange(f, &kept);
    peer_close(&kept);
    start(f, &o, &options);
    peer_accept(&second, &f->t, f->listener); /* the one retry */
    peer_expect(&second, "\r\n\r\n");
    peer_close(&second);
    wait_end(f, &o, HTTP_CALL_CUT);
    assert_false(peer_is_waiting(f->listener));
}

static void a_call_that_got_a_byte_is_not_retried(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { 0 };
    struct peer p = { 0 };

    exchange(f, &p);
    start(f, &o, &options);
    peer_expect(&p, "\r\n\r\n");
    peer_say(&p, "H");
    test_settle(&f->t);
    peer_close(&p);
    wait_end(f, &o, HTTP_CALL_CUT);
    assert_false(peer_is_waiting(f->listener));
}

static void a_connection_that_says_too_much_is_closed(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { 0 };
    struct peer p = { 0 };

    exchange(f, &p);
    peer_say(&p, "HTTP/1.1 200 OK\r\n"); /* while idle */
    peer_expect_end(&p);
    peer_close(&p);

    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_say(&p, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1");
    wait_end(f, &o, HTTP_CALL_DONE);
    peer_expect_end(&p);
    peer_close(&p);
}

static void idle_connections_end_by_time_by_number_and_by_order(void **state)
{
    struct fixture *f = *state;
    struct peer p = { 0 };

    exchange(f, &p);
    test_advance(&f->t, f->options.idle_timeout_ms + 200);
    peer_expect_end(&p);
    peer_close(&p);

    p = (struct peer){ 0 };
    exchange(f, &p);
    http_client_forget(f->client, &f->at);
    peer_expect_end(&p);
    peer_close(&p);

    http_client_free(f->client);
    f->options.idle_per_endpoint_max = 0;
    f->client = http_client_new(f->t.loop, &f->options);
    p = (struct peer){ 0 };
    exchange(f, &p);
    peer_expect_end(&p);
    peer_close(&p);
}

/* --- Ends ---------------------------------------------------------------------- */

static void a_refused_connection_is_told(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { 0 };

    close_fd(&f->listener);
    f->listener = -1;
    start(f, &o, &options);
    wait_end(f, &o, HTTP_CALL_CONNECT);
    assert_int_equal(o.heads, 0);
}

/* A port whose backlog is full answers no further connection. */
static void a_connection_that_is_not_accepted_times_out(void **state)
{
    enum { CALLS = 24 }; /* more than the backlog of peer_listen() */
    struct fixture *f = *state;
    static struct outcome o[CALLS];
    unsigned ended = 0;

    for (size_t i = 0; i < CALLS; i++) {
        struct http_call_options options = get(f);
        options.timeouts.connect_ms = 1000;
        start(f, &o[i], &options);
    }
    test_advance(&f->t, 1200);
    for (size_t i = 0; i < CALLS; i++) {
        ended += o[i].ends;
        assert_true(o[i].ends == 0 || o[i].how == HTTP_CALL_CONNECT);
        http_call_cancel(o[i].call);
        buf_deinit(&o[i].body);
    }
    assert_true(ended > 0 && ended < CALLS);
}

static void each_wait_has_its_timeout(void **state)
{
    static const struct {
        const char *name, *say;
        struct http_call_timeouts timeouts;
    } cases[] = {
        { "first byte", "", { .first_byte_ms = 1000 } },
        { "first byte, after a part", "HTTP/1.1 200 OK\r\n", { .first_byte_ms = 1000 } },
        { "between", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", { .between_ms = 1000 } },
        { "total", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", { .total_ms = 1000 } },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_call_options options = get(f);
        struct outcome o = { 0 };
        struct peer p;

        options.timeouts = cases[i].timeouts;
        start(f, &o, &options);
        peer_accept(&p, &f->t, f->listener);
        peer_expect(&p, "\r\n\r\n");
        peer_say(&p, cases[i].say);
        test_advance(&f->t, 900);
        assert_int_equal(o.ends, 0);
        test_advance(&f->t, 200);
        if (!o.ends)
            fail_msg("%s: no timeout", cases[i].name);
        wait_end(f, &o, HTTP_CALL_TIMEOUT);
        assert_int_equal(o.err.code, ERR_TIMEOUT);
        peer_expect_end(&p);
        peer_close(&p);
    }
}

static void bytes_push_the_timeout_between_bytes_back(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { 0 };
    struct peer p;

    options.timeouts = (struct http_call_timeouts){ .between_ms = 1000 };
    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_say(&p, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        test_settle(&f->t);
        test_advance(&f->t, 900);
        assert_int_equal(o.ends, 0);
        peer_say(&p, "a");
    }
    wait_end(f, &o, HTTP_CALL_DONE);
    peer_close(&p);
}

static void many_lengths_of_timeouts_are_kept(void **state)
{
    enum { CALLS = 100 };
    struct fixture *f = *state;
    static struct outcome o[CALLS];

    for (size_t i = 0; i < CALLS; i++) {
        struct http_call_options options = get(f);
        options.timeouts.total_ms = 10000 + 37 * i;
        start(f, &o[i], &options);
    }
    test_advance(&f->t, 9900);
    for (size_t i = 0; i < CALLS; i++)
        assert_int_equal(o[i].ends, 0);
    test_advance(&f->t, 100 + 37 * CALLS + 15000 / 16);
    for (size_t i = 0; i < CALLS; i++)
        wait_end(f, &o[i], HTTP_CALL_TIMEOUT);
}

static void a_paused_call_reads_nothing_and_waits(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct outcome o = { .pause_in_body = true };
    struct peer p;

    options.timeouts.between_ms = 1000;
    start(f, &o, &options);
    peer_accept(&p, &f->t, f->listener);
    peer_say(&p, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    test_settle(&f->t);
    peer_say(&p, "b");
    test_advance(&f->t, 5000);
    assert_int_equal(buf_len(&o.body), 1);
    assert_int_equal(o.ends, 0);

    o.pause_in_body = false;
    http_call_resume(o.call);
    http_call_resume(o.call);
    test_settle(&f->t);
    assert_int_equal(buf_len(&o.body), 2);
    peer_say(&p, "c");
    wait_end(f, &o, HTTP_CALL_DONE);
    peer_close(&p);
}

static void a_cancelled_call_says_nothing_more(void **state)
{
    static const struct {
        const char *name, *say;
        bool in_head, in_body;
    } cases[] = {
        { "at once", NULL, false, false },
        { "before the answer", "", false, false },
        { "in the head", "HTTP/1.1 200 OK\r\nConte", false, false },
        { "in the body", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na", false, false },
        { "inside on_head", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", true, false },
        { "inside on_body", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", false, true },
        { "inside on_body of a part",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
          "1\r\na\r\n1\r\nb\r\n",
          false, true },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_call_options options = get(f);
        struct outcome o = { .cancel_in_head = cases[i].in_head,
                             .cancel_in_body = cases[i].in_body };
        struct peer p;

        start(f, &o, &options);
        if (cases[i].say) {
            peer_accept(&p, &f->t, f->listener);
            peer_expect(&p, "\r\n\r\n");
            peer_say(&p, cases[i].say);
            test_settle(&f->t);
        }
        unsigned heads = o.heads;
        http_call_cancel(TAKE(o.call));
        if (!cases[i].say)
            peer_accept(&p, &f->t, f->listener);
        peer_say(&p, "b");
        peer_expect_end(&p);
        peer_close(&p);
        test_settle(&f->t);
        assert_int_equal(o.ends, 0);
        assert_int_equal(o.heads, heads);
        assert_true(buf_len(&o.body) <= 1);
        buf_deinit(&o.body);
    }
    http_call_cancel(NULL);
}

/* --- Whole answers --------------------------------------------------------------- */

struct fetched {
    unsigned ends, status;
    enum http_call_end how;
    int code;
    char body[16];
};

static void on_fetched(void *data, enum http_call_end how, unsigned status, struct str body,
                       const struct err *err)
{
    struct fetched *r = data;

    r->ends++;
    r->how = how;
    r->status = status;
    r->code = err ? err->code : 0;
    (void)str_copy(r->body, sizeof(r->body), body);
}

static bool is_fetched(void *data)
{
    return ((struct fetched *)data)->ends > 0;
}

static void a_fetch_gives_the_answer_in_one_piece(void **state)
{
    struct fixture *f = *state;
    struct http_call_options options = get(f);
    struct fetched r = { 0 };
    struct peer p;

    (void)http_fetch_start(f->client, &options, 5, on_fetched, &r);
    peer_accept(&p, &f->t, f->listener);
    peer_say(&p, "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n");
    peer_say(&p, "3\r\ncde\r\n0\r\n\r\n");
    test_until(&f->t, is_fetched, &r);
    assert_int_equal(r.how, HTTP_CALL_DONE);
    assert_int_equal(r.status, 201);
    assert_string_equal(r.body, "abcde");

    r = (struct fetched){ 0 };
    (void)http_fetch_start(f->client, &options, 5, on_fetched, &r);
    peer_say(&p, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcdefghi");
    test_until(&f->t, is_fetched, &r);
    assert_int_equal(r.how, HTTP_CALL_GARBAGE);
    assert_int_equal(r.code, ERR_LIMIT);
    peer_close(&p);

    r = (struct fetched){ 0 };
    http_fetch_cancel(http_fetch_start(f->client, &options, 5, on_fetched, &r));
    http_fetch_cancel(NULL);
    test_settle(&f->t);
    assert_int_equal(r.ends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_says_what_it_was_told_to),
        TEST(a_large_body_is_sent_at_the_peers_pace),
        TEST(an_answer_may_come_before_the_request_is_sent),
        TEST(answers_end_as_their_framing_says),
        TEST(the_pieces_of_one_read_are_announced_together),
        TEST(a_connection_is_used_again),
        TEST(a_kept_connection_that_died_is_replaced_silently),
        TEST(a_fresh_connection_that_dies_is_not_retried),
        TEST(a_call_that_got_a_byte_is_not_retried),
        TEST(a_connection_that_says_too_much_is_closed),
        TEST(idle_connections_end_by_time_by_number_and_by_order),
        TEST(a_refused_connection_is_told),
        TEST(a_connection_that_is_not_accepted_times_out),
        TEST(each_wait_has_its_timeout),
        TEST(bytes_push_the_timeout_between_bytes_back),
        TEST(many_lengths_of_timeouts_are_kept),
        TEST(a_paused_call_reads_nothing_and_waits),
        TEST(a_cancelled_call_says_nothing_more),
        TEST(a_fetch_gives_the_answer_in_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
