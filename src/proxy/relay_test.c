#include "proxy/test_world.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <sys/socket.h>

/* --- What goes right ----------------------------------------------------- */

static void a_stream_passes_byte_for_byte(void **state)
{
    struct world *w = *state;

    world_ask(w, "X-Request-Id: abc\r\ntraceparent: 00-1-2-03\r\nX-Conversation-Id: c\r\n"
                 "Cookie: secret\r\n");
    world_relay(w, true);
    world_accept(w, "\r\n\r\n");
    world_expect(w, "{\"model\":\"m\"}");
    world_say_stream_head(w);
    world_say_chunk(w, ROLE);
    world_say_chunk(w, TOKEN("  \\u00e9 \xf0\x9f\x90\x9d\\n "));
    peer_expect(&w->client, "HTTP/1.1 200 OK\r\n");
    peer_expect(&w->client, "Content-Type: text/event-stream\r\n");
    peer_expect(&w->client, "x-request-id: abc\r\n");
    peer_expect(&w->client, "x-rbee-worker: w1-200\r\n");
    peer_expect(&w->client, ROLE TOKEN("  \\u00e9 \xf0\x9f\x90\x9d\\n "));
    world_say_chunk(w, ": alive\n\n");
    peer_expect(&w->client, ": alive\n\n");
    world_say_chunk(w, TOKEN("b") TOKEN("c"));
    peer_expect(&w->client, TOKEN("b") TOKEN("c"));
    world_say_chunk(w, FINISH USAGE DONE);
    world_say_last_chunk(w);
    peer_expect(&w->client, FINISH USAGE DONE "\r\n0\r\n\r\n");
    assert_true(w->result.is_finished && w->result.is_answered);
    assert_int_equal(w->result.status, 200);
    assert_int_equal(w->result.usage.tokens_in, 11);
    assert_int_equal(w->result.usage.tokens_out, 3);
    assert_int_equal(w->heads, 1);
}

static void the_worker_is_shown_our_headers_and_none_of_the_clients(void **state)
{
    struct world *w = *state;

    (void)str_copy(w->target.token.text, sizeof(w->target.token.text), str_of("0123456789abcdef"));
    world_ask(w, "X-Request-Id: abc\r\ntraceparent: 00-1-2-03\r\nX-Conversation-Id: c\r\n"
                 "Cookie: secret\r\nAuthorization: Bearer of-the-client\r\n");
    world_relay(w, true);
    peer_accept(&w->worker, &w->t, w->listener);
    const char *request = peer_text(&w->worker);
    assert_non_null(strstr(request, "POST /v1/chat/completions HTTP/1.1\r\n"));
    assert_non_null(strstr(request, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(request, "x-request-id: abc\r\n"));
    assert_non_null(strstr(request, "traceparent: 00-1-2-03\r\n"));
    assert_non_null(strstr(request, "Authorization: Bearer 0123456789abcdef\r\n"));
    assert_null(strcasestr(request, "conversation"));
    assert_null(strcasestr(request, "cookie"));
    assert_null(strcasestr(request, "of-the-client"));
}

static void the_workers_own_headers_stay_behind(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, TOKEN("a"));
    peer_expect(&w->client, "HTTP/1.1 200 OK\r\n");
    assert_null(strstr(peer_text(&w->client), "x-secret"));
}

static void events_cut_anywhere_reach_the_client_whole(void **state)
{
    static const char text[] = ROLE TOKEN("one") TOKEN("two") FINISH DONE;
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char byte[2] = { text[i], '\0' };
        world_say_chunk(w, byte);
        test_settle(&w->t);
    }
    world_say_last_chunk(w);
    peer_expect(&w->client, ROLE TOKEN("one"));
    peer_expect(&w->client, TOKEN("two"));
    peer_expect(&w->client, FINISH);
    peer_expect(&w->client, DONE);
    peer_expect(&w->client, "0\r\n\r\n");
}

static void tokens_are_counted_when_the_worker_does_not_say(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, TOKEN("b") TOKEN("c") FINISH DONE);
    world_say_last_chunk(w);
    peer_expect(&w->client, DONE);
    assert_true(w->result.is_finished);
    assert_int_equal(w->result.usage.tokens_out, 3);
    assert_int_equal(w->result.usage.tokens_in, 0);
}

static void a_missing_done_is_added_after_a_finish_and_a_proper_end(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, FINISH);
    world_say_last_chunk(w);
    peer_expect(&w->client, FINISH);
    peer_expect(&w->client, DONE);
    peer_expect(&w->client, "0\r\n\r\n");
    assert_true(w->result.is_finished);
}

static void a_last_event_without_its_blank_line_counts(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, FINISH "data: [DONE]\n");
    world_say_last_chunk(w);
    peer_expect(&w->client, FINISH);
    peer_expect(&w->client, "data: [DONE]\n\n");
    assert_true(w->result.is_finished);
}

static void a_worker_that_stays_after_done_is_not_waited_for(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, FINISH DONE);
    peer_expect(&w->client, DONE);
    test_advance(&w->t, 1500);
    assert_true(w->result.is_finished);
    peer_expect(&w->client, "0\r\n\r\n");
    peer_expect_end(&w->worker);
}

static void an_empty_answer_with_a_finish_is_an_answer(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, ROLE FINISH DONE);
    world_say_last_chunk(w);
    peer_expect(&w->client, ROLE FINISH DONE);
    assert_true(w->result.is_finished);
}

static void the_connection_to_the_worker_is_used_again(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, FINISH DONE);
    world_say_last_chunk(w);
    peer_expect(&w->client, "0\r\n\r\n");
    peer_close(&w->client);
    world_ask(w, "");
    world_relay(w, true);
    world_expect(w, "{\"model\":\"m\"}");
    assert_false(peer_is_waiting(w->listener));
}

static void a_whole_answer_is_passed_with_its_length(void **state)
{
    static const char body[] = "{\"choices\":[{\"message\":{\"content\":\" hi \"}}],"
                               "\"usage\":{\"prompt_tokens\":5}}  ";
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, false);
    world_say_head(w, 200, "application/json; charset=utf-8", strlen(body));
    peer_send(&w->worker, body, 20);
    world_expect_nothing(w);
    peer_say(&w->worker, body + 20);
    peer_expect(&w->client, "Content-Length: 74\r\n");
    peer_expect(&w->client, "x-rbee-worker: w1-200\r\n");
    peer_expect(&w->client, body);
    assert_true(w->result.is_finished);
    assert_int_equal(w->result.usage.tokens_in, 5);
    assert_int_equal(w->result.usage.tokens_out, 0);
}

/* A long answer: {"data":"xxx...","usage":{...}} of `len` bytes. */
static char *long_answer(size_t len)
{
    static const char begin[] = "{\"data\":\"", end[] = "\",\"usage\":{\"prompt_tokens\":9}}";
    char *text = mem_alloc(1, len + 1);

    memset(text, 'x', len);
    memcpy(text, begin, strlen(begin));
    memcpy(text + len - strlen(end), end, strlen(end));
    return text;
}

enum { LONG = 300 * 1000 };

static void a_long_whole_answer_passes_through(void **state)
{
    struct world *w = *state;
    AUTO(free_ptr) char *answer = long_answer(LONG);

    world_ask(w, "");
    world_relay_accepted(w, false);
    world_say_head(w, 200, "application/json", LONG);
    peer_send(&w->worker, answer, LONG);
    peer_expect(&w->client, "Content-Length: 300000\r\n");
    peer_expect(&w->client, "\r\n\r\n");
    peer_expect(&w->client, answer);
    assert_true(w->result.is_finished);
    assert_int_equal(w->result.usage.tokens_in, 9);
}

static void a_long_whole_answer_that_breaks_off_is_cut(void **state)
{
    struct world *w = *state;
    AUTO(free_ptr) char *answer = long_answer(LONG);

    world_ask(w, "");
    world_relay_accepted(w, false);
    world_say_head(w, 200, "application/json", LONG);
    peer_send(&w->worker, answer, LONG / 2);
    peer_expect(&w->client, "xxxx");
    peer_reset(&w->worker);
    peer_expect_end(&w->client);
    assert_true(buf_len(&w->client.got) < LONG);
    assert_int_equal(w->result.failure, RUN_BROKEN);
    assert_true(w->result.is_answered);
}

/* --- Failing and cancelling from our side -------------------------------- */

static void relay_fail_uses_what_the_answer_still_allows(void **state)
{
    struct world *w = *state;
    struct err err;

    (void)err_set(&err, ERR_NO_WORKERS, "the hive is lost");
    world_ask(w, "");
    world_relay_accepted(w, true);
    w->request = NULL;
    relay_fail(TAKE(w->relay), &err);
    peer_expect(&w->client, "HTTP/1.1 503 ");
    peer_expect(&w->client, "the hive is lost");
    peer_expect_end(&w->worker);
    peer_close(&w->client);
    peer_close(&w->worker);

    world_stream_to_first_token(w);
    w->request = NULL;
    relay_fail(TAKE(w->relay), &err);
    peer_expect(&w->client, "data: {\"error\":{\"message\":\"the hive is lost\",");
    peer_expect_end(&w->client);
    assert_null(strstr(buf_cstr(&w->client.got), "\r\n0\r\n"));
    peer_expect_end(&w->worker);
}

static void a_client_that_leaves_frees_the_worker_at_once(void **state)
{
    enum { SENT, HEAD, HELD, STREAMING, PHASES };

    for (int phase = SENT; phase < PHASES; phase++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, true);
        if (phase >= HEAD)
            world_say_stream_head(w);
        if (phase >= HELD)
            world_say_chunk(w, ROLE);
        if (phase >= STREAMING) {
            world_say_chunk(w, TOKEN("a"));
            peer_expect(&w->client, TOKEN("a"));
        }
        test_settle(&w->t);
        peer_close(&w->client);
        peer_expect_end(&w->worker); /* the clock stands still: no timeout did it */
        assert_int_equal(w->gone, 1);
        assert_null(w->relay);
        (void)world_teardown(state);
    }
}

static void cancelling_while_connecting_leaves_nothing(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay(w, true);
    relay_cancel(TAKE(w->relay));
    test_settle(&w->t);
    assert_int_equal(w->ends, 0);
    world_expect_nothing(w);
    relay_cancel(NULL);
}

/* --- Backpressure -------------------------------------------------------- */

enum { FLOOD_EVENTS = 200 * 1000 };

struct flood {
    struct world *w;
    char *bytes;
    size_t len, sent, idle_turns;
};

/* Sends as the socket allows; true when nothing has moved for long. */
static bool is_stuck(void *data)
{
    struct flood *f = data;
    size_t before = f->sent;

    while (f->sent < f->len) {
        ssize_t n = send(f->w->worker.fd, f->bytes + f->sent, f->len - f->sent, MSG_NOSIGNAL);
        if (n <= 0)
            break;
        f->sent += (size_t)n;
    }
    f->idle_turns = f->sent == before ? f->idle_turns + 1 : 0;
    return f->idle_turns > 50 || f->sent == f->len;
}

static struct flood make_flood(struct world *w)
{
    struct flood f = { .w = w };
    struct buf text;

    buf_init(&text, 64 * 1024 * 1024);
    for (int i = 0; i < FLOOD_EVENTS; i++)
        (void)buf_printf(&text, "data: {\"choices\":[{\"delta\":{\"content\":\" token %d\"}}]}\n\n",
                         i);
    f.bytes = buf_take(&text, &f.len);
    return f;
}

/* Takes whole chunks from the front; what they hold is the front of `expected`. */
static size_t compare_chunks(struct buf *got, struct str expected)
{
    size_t at = 0;

    for (;;) {
        struct str left = buf_str(got);
        const char *line_end = left.p ? memmem(left.p, left.len, "\r\n", 2) : NULL;
        size_t head = line_end ? (size_t)(line_end - left.p) + 2 : 0;
        size_t size = line_end ? strtoul(left.p, NULL, 16) : 0;
        if (!line_end || left.len < head + size + 2)
            return at;
        assert_true(at + size <= expected.len);
        assert_memory_equal(left.p + head, expected.p + at, size);
        at += size;
        buf_consume(got, head + size + 2);
    }
}

static void a_client_that_does_not_read_pauses_the_worker_and_loses_nothing(void **state)
{
    struct world *w = *state;
    struct flood f = make_flood(w);

    world_ask(w, "");
    world_relay_accepted(w, true);
    /* Delimited by its close: what the worker sends is what the client must get. */
    peer_say(&w->worker, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n");
    test_until(&w->t, is_stuck, &f);
    assert_true(f.sent < f.len);
    assert_true(http_stream_queued(w->request) < 256 * 1024);

    /* Being held up by the client is no silence of the worker's. */
    test_advance(&w->t, 3 * WORLD_BETWEEN_MS);
    assert_non_null(w->relay);

    peer_expect(&w->client, "\r\n\r\n");
    for (size_t at = 0; at < f.len;) {
        (void)is_stuck(&f);
        (void)peer_text(&w->client);
        at += compare_chunks(&w->client.got, (struct str){ f.bytes + at, f.len - at });
    }
    free(f.bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_passes_byte_for_byte),
        TEST(the_worker_is_shown_our_headers_and_none_of_the_clients),
        TEST(the_workers_own_headers_stay_behind),
        TEST(events_cut_anywhere_reach_the_client_whole),
        TEST(tokens_are_counted_when_the_worker_does_not_say),
        TEST(a_missing_done_is_added_after_a_finish_and_a_proper_end),
        TEST(a_last_event_without_its_blank_line_counts),
        TEST(a_worker_that_stays_after_done_is_not_waited_for),
        TEST(an_empty_answer_with_a_finish_is_an_answer),
        TEST(the_connection_to_the_worker_is_used_again),
        TEST(a_whole_answer_is_passed_with_its_length),
        TEST(a_long_whole_answer_passes_through),
        TEST(a_long_whole_answer_that_breaks_off_is_cut),
        TEST(relay_fail_uses_what_the_answer_still_allows),
        cmocka_unit_test(a_client_that_leaves_frees_the_worker_at_once),
        TEST(cancelling_while_connecting_leaves_nothing),
        TEST(a_client_that_does_not_read_pauses_the_worker_and_loses_nothing),
    };

    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
