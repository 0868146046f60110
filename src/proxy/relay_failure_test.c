#include "proxy/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

/* --- A worker's error answers -------------------------------------------- */

static void a_4xx_is_the_final_answer(void **state)
{
    static const char body[] = "{\"error\":{\"message\":\"too long\",\"type\":\"x\",\"code\":400}}";
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_answer(w, 400, "application/json", body);
    peer_expect(&w->client, "HTTP/1.1 400 Bad Request\r\n");
    peer_expect(&w->client, "x-rbee-worker: w1-400\r\n");
    peer_expect(&w->client, body);
    assert_true(w->result.is_finished && w->result.is_answered);
    assert_int_equal(w->result.status, 400);
}

static void a_4xx_in_another_shape_is_put_into_openais(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, false);
    world_say_answer(w, 404, "text/html", "<h1>no such\nmodel</h1>");
    peer_expect(&w->client, "HTTP/1.1 404 Not Found\r\n");
    peer_expect(&w->client, "{\"error\":{\"message\":\"<h1>no such model</h1>\",");
    assert_true(w->result.is_finished);
}

static void errors_that_another_worker_may_not_have_leave_the_request_unanswered(void **state)
{
    static const struct {
        unsigned status;
        const char *body, *message;
    } cases[] = {
        { 500, "{\"error\":{\"message\":\"Model not loaded\"}}",
          "Worker returned error 500: Model not loaded" },
        { 503, "{\"error\":\"Loading model\"}", "Worker returned error 503: Loading model" },
        { 429, "{\"detail\":\"busy\"}", "Worker returned error 429: busy" },
        { 401, "", "Worker returned error 401: no reason given" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int is_stream = 0; is_stream < 2; is_stream++) {
            (void)world_setup(state);
            struct world *w = *state;
            world_ask(w, "");
            world_relay_accepted(w, is_stream);
            world_say_answer(w, cases[i].status, "application/json", cases[i].body);
            world_await_end(w);
            world_expect_failure(w, RUN_REFUSED, cases[i].message);
            assert_int_equal(w->result.err.retry_after_ms, 7000);
            world_expect_unanswered(w);
            (void)world_teardown(state);
        }
    }
}

static void an_endless_error_page_is_read_up_to_its_cap(void **state)
{
    static char page[32 * 1024];
    struct world *w = *state;

    memset(page, 'e', sizeof(page) - 1);
    world_ask(w, "");
    world_relay_accepted(w, true);
    peer_say(&w->worker, "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n");
    world_say_chunk(w, page);
    world_await_end(w);
    assert_int_equal(w->result.failure, RUN_REFUSED);
    peer_expect_end(&w->worker);
}

/* --- Failures before the first content ----------------------------------- */

static void a_worker_that_is_not_there_is_not_connected(void **state)
{
    struct world *w = *state;

    world_stop_worker(w);
    world_ask(w, "");
    world_relay(w, true);
    world_await_end(w);
    world_expect_failure(w, RUN_NOT_CONNECTED,
                         "Failed to send request to worker: connection refused");
    world_expect_unanswered(w);
}

/* What the worker says before it breaks off; nothing of it may reach the client. */
static const char *const before_content[] = {
    "",
    "HTTP/1.1 200 OK\r\nContent-Ty",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: ping\n\n" ROLE,
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" ROLE "data: {\"choices\":[{\"del",
};

static void a_worker_that_dies_before_the_first_token_leaves_no_trace(void **state)
{
    for (size_t i = 0; i < sizeof(before_content) / sizeof(before_content[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, true);
        peer_say(&w->worker, before_content[i]);
        test_settle(&w->t);
        peer_reset(&w->worker);
        world_await_end(w);
        assert_int_equal(w->result.failure, RUN_DIED);
        world_expect_unanswered(w);
        (void)world_teardown(state);
    }
}

static void a_worker_that_produces_nothing_is_silent_whatever_else_it_says(void **state)
{
    for (size_t i = 0; i < sizeof(before_content) / sizeof(before_content[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, true);
        peer_say(&w->worker, before_content[i]);
        test_advance(&w->t, WORLD_FIRST_TOKEN_MS - 200);
        assert_non_null(w->relay);
        test_advance(&w->t, 400);
        world_expect_failure(w, RUN_SILENT, "Worker did not begin its answer within 10000 ms");
        world_expect_unanswered(w);
        peer_expect_end(&w->worker);
        (void)world_teardown(state);
    }
}

static void comments_are_no_tokens(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    for (int i = 0; i < 12 && w->relay; i++) {
        world_say_chunk(w, ": still thinking\n\n");
        test_advance(&w->t, 1000);
    }
    assert_int_equal(w->result.failure, RUN_SILENT);
    world_expect_unanswered(w);
}

/* A whole answer has no tokens on the way that could show life. */
static void a_whole_answer_may_take_all_the_time_that_a_run_has(void **state)
{
    static const char *const before_answer[] = {
        "",
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n",
    };

    for (size_t i = 0; i < sizeof(before_answer) / sizeof(before_answer[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, false);
        peer_say(&w->worker, before_answer[i]);
        test_advance(&w->t, WORLD_TOTAL_MS - 2000);
        assert_non_null(w->relay);
        if (!before_answer[i][0])
            world_say_head(w, 200, "application/json", 14);
        peer_say(&w->worker, "{\"choices\":[]}");
        world_await_end(w);
        assert_true(w->result.is_finished && w->result.is_answered);
        (void)world_teardown(state);
    }
}

static void a_whole_answer_that_never_comes_is_given_up_after_the_total(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, false);
    test_advance(&w->t, WORLD_TOTAL_MS - 1000);
    assert_non_null(w->relay);
    test_advance(&w->t, 2000);
    world_expect_failure(w, RUN_SILENT, "Worker did not end its answer within 60000 ms");
    world_expect_unanswered(w);
    peer_expect_end(&w->worker);
}

static void a_broken_whole_answer_leaves_no_trace(void **state)
{
    static const struct {
        const char *answer;
        enum run_failure failure;
        bool cut;
    } cases[] = {
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"id\":",
          RUN_DIED, true },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 6\r\n\r\n{\"id\":",
          RUN_REFUSED, false },
        { "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", RUN_REFUSED,
          false },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", RUN_REFUSED, false },
        { "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", RUN_REFUSED, false },
        { "SSH-2.0-OpenSSH_9.2\r\n", RUN_REFUSED, false },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n"
          "{\"usage\":{\"prompt_tokens\":1e300}}  ",
          RUN_REFUSED, false },
        { "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 33\r\n\r\n"
          "{\"error\":{\"message\":\"no memory\"}}",
          RUN_REFUSED, false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, false);
        peer_say(&w->worker, cases[i].answer);
        test_settle(&w->t);
        if (cases[i].cut)
            peer_close(&w->worker);
        if (w->relay)
            world_await_end(w);
        assert_int_equal(w->result.failure, cases[i].failure);
        world_expect_unanswered(w);
        (void)world_teardown(state);
    }
}

static void garbage_before_the_first_token_may_be_tried_elsewhere(void **state)
{
    static const char *const events[] = {
        "data: hello\n\n",
        "data: {\"choices\":5}\n\n",
        "data: {\"choices\":[{\"delta\":[]}]}\n\n",
        "data: {\"usage\":{\"prompt_tokens\":-1}}\n\n",
        "data: [DONE]\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n",
    };

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_ask(w, "");
        world_relay_accepted(w, true);
        world_say_stream_head(w);
        world_say_chunk(w, events[i]);
        world_await_end(w);
        assert_int_equal(w->result.failure, RUN_REFUSED);
        world_expect_unanswered(w);
        peer_expect_end(&w->worker);
        (void)world_teardown(state);
    }
}

static void an_error_event_before_the_first_token_may_be_tried_elsewhere(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, ROLE "data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
    world_await_end(w);
    world_expect_failure(w, RUN_REFUSED, "Worker returned error: out of memory");
    world_expect_unanswered(w);
}

static void role_frames_without_end_are_held_up_to_a_cap(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    for (size_t sent = 0; sent <= RELAY_HELD_BYTES_MAX && w->relay; sent += sizeof(ROLE) - 1)
        world_say_chunk(w, ROLE);
    if (w->relay)
        world_await_end(w);
    world_expect_failure(w, RUN_REFUSED, "Worker sent 64 KiB without a token");
    world_expect_unanswered(w);
}

static void an_endless_event_is_capped(void **state)
{
    static char piece[60 * 1024];
    struct world *w = *state;

    memset(piece, 'x', sizeof(piece) - 1);
    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, "data: {\"choices\":[{\"delta\":{\"content\":\"");
    for (int i = 0; i < 30 && w->relay; i++)
        world_say_chunk(w, piece);
    assert_int_equal(w->result.failure, RUN_REFUSED);
    world_expect_unanswered(w);
}

static void the_next_worker_can_answer_after_a_failure(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, ROLE);
    test_settle(&w->t);
    peer_reset(&w->worker);
    world_await_end(w);
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, ROLE TOKEN("second") FINISH DONE);
    world_say_last_chunk(w);
    peer_expect(&w->client, "200 OK");
    peer_expect(&w->client, ROLE TOKEN("second") FINISH DONE);
    assert_true(w->result.is_finished);
    assert_int_equal(w->heads, 1);
}

/* --- Failures after it --------------------------------------------------- */

static void assert_told_in_band(struct world *w, const char *message)
{
    char event[512];

    (void)snprintf(event, sizeof(event),
                   "data: {\"error\":{\"message\":\"%s\",\"type\":\"server_error\",\"param\":null,"
                   "\"code\":\"worker_error\"}}\n\n",
                   message);
    peer_expect(&w->client, event);
    peer_expect_end(&w->client);
    assert_null(strstr(buf_cstr(&w->client.got), "\r\n0\r\n")); /* visibly cut */
    assert_null(strstr(buf_cstr(&w->client.got), "[DONE]"));
    world_expect_failure(w, RUN_BROKEN, message);
    assert_true(w->result.is_answered);
}

static void a_reset_in_mid_stream_is_told_in_band_and_cut(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, TOKEN("b"));
    peer_expect(&w->client, TOKEN("b"));
    peer_reset(&w->worker);
    assert_told_in_band(w, "Worker broke off its answer: connection reset");
}

static void a_part_of_an_event_is_not_passed_on(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, "data: {\"choices\":[{\"delta\":{\"con");
    test_settle(&w->t);
    peer_close(&w->worker);
    assert_told_in_band(w, "Worker broke off its answer: connection closed");
}

static void a_clean_end_without_a_finish_is_a_failure(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_last_chunk(w);
    assert_told_in_band(w, "Worker ended its stream in the middle");
}

static void silence_in_mid_stream_is_a_failure(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    test_advance(&w->t, WORLD_BETWEEN_MS + 200);
    assert_told_in_band(w, "Worker sent nothing for 2000 ms");
    peer_expect_end(&w->worker);
}

static void comments_in_mid_stream_are_signs_of_life_up_to_the_total(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    for (uint64_t ms = 0; ms < WORLD_TOTAL_MS - 2000; ms += 1000) {
        world_say_chunk(w, ":\n\n");
        test_advance(&w->t, 1000);
        assert_non_null(w->relay);
    }
    world_say_chunk(w, ":\n\n");
    test_advance(&w->t, 1900);
    assert_non_null(w->relay);
    test_advance(&w->t, 200);
    assert_told_in_band(w, "Worker did not end its answer within 60000 ms");
}

static void garbage_in_mid_stream_is_told_in_band_and_cut(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    peer_say(&w->worker, "no length of a chunk\r\n");
    peer_expect(&w->client, "data: {\"error\":{\"message\":\"Worker does not speak HTTP: ");
    peer_expect_end(&w->client);
    assert_int_equal(w->result.failure, RUN_BROKEN);
    assert_true(w->result.is_answered);
}

static void an_error_event_in_mid_stream_is_told_once(void **state)
{
    struct world *w = *state;

    world_stream_to_first_token(w);
    world_say_chunk(w, "data: {\"error\":{\"message\":\"oops\"}}\n\n");
    assert_told_in_band(w, "Worker returned error: oops");
}

static void a_queue_update_stream_is_answered_in_band_from_the_start(void **state)
{
    struct world *w = *state;

    world_ask(w, "");
    http_stream_begin(w->request, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
    http_stream_write(w->request, ": queued\n\n", 10);
    peer_expect(&w->client, ": queued\n\n");
    world_relay_accepted(w, true);
    peer_reset(&w->worker);
    world_await_end(w);
    assert_false(w->result.is_answered); /* another worker may still take over */
    world_relay_accepted(w, true);
    world_say_answer(w, 400, "application/json", "{\"error\":{\"message\":\"too long\"}}");
    peer_expect(&w->client, "data: {\"error\":{\"message\":\"too long\"}}\n\n");
    peer_expect_end(&w->client);
    assert_true(w->result.is_finished && w->result.is_answered);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_4xx_is_the_final_answer),
        TEST(a_4xx_in_another_shape_is_put_into_openais),
        cmocka_unit_test(errors_that_another_worker_may_not_have_leave_the_request_unanswered),
        TEST(an_endless_error_page_is_read_up_to_its_cap),
        TEST(a_worker_that_is_not_there_is_not_connected),
        cmocka_unit_test(a_worker_that_dies_before_the_first_token_leaves_no_trace),
        cmocka_unit_test(a_worker_that_produces_nothing_is_silent_whatever_else_it_says),
        TEST(comments_are_no_tokens),
        cmocka_unit_test(a_whole_answer_may_take_all_the_time_that_a_run_has),
        TEST(a_whole_answer_that_never_comes_is_given_up_after_the_total),
        cmocka_unit_test(a_broken_whole_answer_leaves_no_trace),
        cmocka_unit_test(garbage_before_the_first_token_may_be_tried_elsewhere),
        TEST(an_error_event_before_the_first_token_may_be_tried_elsewhere),
        TEST(role_frames_without_end_are_held_up_to_a_cap),
        TEST(an_endless_event_is_capped),
        TEST(the_next_worker_can_answer_after_a_failure),
        TEST(a_reset_in_mid_stream_is_told_in_band_and_cut),
        TEST(a_part_of_an_event_is_not_passed_on),
        TEST(a_clean_end_without_a_finish_is_a_failure),
        TEST(silence_in_mid_stream_is_a_failure),
        TEST(comments_in_mid_stream_are_signs_of_life_up_to_the_total),
        TEST(garbage_in_mid_stream_is_told_in_band_and_cut),
        TEST(an_error_event_in_mid_stream_is_told_once),
        TEST(a_queue_update_stream_is_answered_in_band_from_the_start),
    };

    return cmocka_run_group_tests_name("relay_failure", tests, NULL, NULL);
}
