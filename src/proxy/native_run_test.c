#include "proxy/test_world.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#define JOB                                                                                    \
    "{\"operation\":\"infer\",\"model\":\"m\",\"prompt\":\"Caf\\u00e9 "                        \
    "\\\"x\\\"\",\"max_tokens\":5,"                                                            \
    "\"seed\":1,\"priority\":\"batch\",\"labels\":{\"a\":\"b\"},\"stop\":[\"\\n\"],\"top_p\":" \
    "null}"
#define CHAT_JOB           "{\"operation\":\"infer\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define ACCEPTED           "{\"job_id\":\"j-1\",\"sse_url\":\"/v1/inference/j-1/stream\"}"
#define STARTED            "event: started\ndata: {\"type\":\"started\",\"job_id\":\"j-1\"}\n\n"
#define NATIVE_TOKEN(text) "data: {\"type\":\"token\",\"t\":\"" text "\",\"i\":0}\n\n"
#define END \
    "data: {\"type\":\"end\",\"tokens_out\":2,\"decode_time_ms\":31,\"stop_reason\":\"EOS\"}\n\n"

/* An rbee worker has taken the job, and its stream is being read. */
static void accept_job(struct world *w)
{
    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "\"seed\":7}");
    world_say_answer(w, 200, "application/json", ACCEPTED);
    world_expect(w, "GET /v1/inference/j-1/stream HTTP/1.1\r\n");
    world_expect(w, "\r\n\r\n");
    world_say_stream_head(w);
}

static void expect_story(struct world *w, const char *story)
{
    if (w->run)
        world_await_end(w);
    assert_string_equal(buf_cstr(&w->story), story);
}

/* The next connection to the worker cancels the job there. */
static void expect_delete(struct world *w)
{
    world_accept(w, "DELETE /v1/inference/j-1 HTTP/1.1\r\n");
    world_expect(w, "\r\n\r\n");
    world_say_answer(w, 200, "application/json", "{}");
    test_settle(&w->t);
}

/* --- rbee ---------------------------------------------------------------- */

static void the_dual_call_gives_tokens_byte_for_byte(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "POST /v1/inference HTTP/1.1\r\n");
    world_expect(w, "x-request-id: r-1\r\n");
    world_expect(w, "{\"prompt\":\"Caf\\u00e9 \\\"x\\\"\",\"max_tokens\":5,\"stop\":[\"\\n\"],"
                    "\"seed\":7}");
    world_say_answer(w, 200, "application/json", ACCEPTED);
    world_expect(w, "GET /v1/inference/j-1/stream HTTP/1.1\r\n");
    world_say_stream_head(w);
    world_say_chunk(w, STARTED ": comment\n\n" NATIVE_TOKEN("  caf\\u00e9") NATIVE_TOKEN(""));
    world_say_chunk(w, "data: {\"type\":\"metrics\",\"tokens_per_s\":5.5}\n\n");
    world_say_chunk(w, "data: {\"type\":\"narration\",\"text\":\"x\"}\n\n");
    world_say_chunk(w, NATIVE_TOKEN("\xf0\x9f\x90\x9d\\n ") END "data: [DONE]\n\n");
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 '  caf\xc3\xa9'\n"
                    "metrics {\"type\":\"metrics\",\"tokens_per_s\":5.5}\n"
                    "token 1 '\xf0\x9f\x90\x9d\n '\nend in=0 out=2 ms=31 EOS\n");
}

static void after_the_end_event_nothing_can_fail_the_run(void **state)
{
    struct world *w = *state;

    accept_job(w);
    world_say_chunk(w, STARTED NATIVE_TOKEN("a") END);
    test_settle(&w->t);
    peer_reset(&w->worker);
    expect_story(w, "started\ntoken 0 'a'\nend in=0 out=2 ms=31 EOS\n");
    assert_false(peer_is_waiting(w->listener)); /* nothing to cancel */
}

static void a_worker_that_is_not_there_is_told_in_seed_words(void **state)
{
    struct world *w = *state;

    world_stop_worker(w);
    world_run(w, WORKER_KIND_RBEE, JOB);
    expect_story(w, "not_connected worker_error: "
                    "Failed to send request to worker: connection refused\n");
}

static void an_error_answer_is_told_in_seed_words(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "}");
    world_say_answer(w, 500, "application/json", "{\"error\":{\"message\":\"Model not loaded\"}}");
    expect_story(w, "refused worker_error: Worker returned error 500: Model not loaded\n");
}

static void a_stream_that_cannot_be_opened_is_told_in_seed_words(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "\"seed\":7}");
    peer_say(&w->worker, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         "Content-Length: 53\r\nConnection: close\r\n\r\n" ACCEPTED);
    world_accept(w, "GET /v1/inference/j-1/stream");
    world_expect(w, "\r\n\r\n");
    peer_reset(&w->worker);
    expect_story(w, "died worker_error: Failed to connect to worker stream: connection reset\n");
    expect_delete(w);
}

static void a_request_that_the_worker_finds_wrong_is_the_jobs_fault(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "\"seed\":7}");
    world_say_answer(w, 400, "application/json",
                     "{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"too long\"}}");
    expect_story(w, "broken context_length_exceeded: too long\n");
}

static void a_run_that_breaks_after_a_token_is_broken_and_cancelled(void **state)
{
    struct world *w = *state;

    accept_job(w);
    world_say_chunk(w, STARTED NATIVE_TOKEN("a"));
    test_settle(&w->t);
    peer_reset(&w->worker);
    expect_story(w, "started\ntoken 0 'a'\n"
                    "broken worker_error: Worker broke off its answer: connection reset\n");
    expect_delete(w);
}

static void a_silent_worker_is_told_to_stop(void **state)
{
    struct world *w = *state;

    accept_job(w);
    world_say_chunk(w, STARTED ": waiting\n\n");
    test_advance(&w->t, WORLD_FIRST_TOKEN_MS + 200);
    expect_story(w, "started\n"
                    "silent worker_error: Worker did not begin its answer within 10000 ms\n");
    expect_delete(w);
}

static void both_calls_share_the_time_for_the_first_token(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "\"seed\":7}");
    test_advance(&w->t, WORLD_FIRST_TOKEN_MS - 1000);
    world_say_answer(w, 200, "application/json", ACCEPTED);
    world_expect(w, "GET ");
    test_advance(&w->t, 1200);
    expect_story(w, "silent worker_error: Worker did not begin its answer within 10000 ms\n");
}

static void error_events_say_whose_fault_it_is(void **state)
{
    static const struct {
        const char *before, *code, *story;
    } cases[] = {
        { "", "VRAM_OOM", "refused worker_error: Worker returned error VRAM_OOM: oops\n" },
        { "", "INVALID_REQUEST", "broken invalid_value: oops\n" },
        { NATIVE_TOKEN("a"), "INFERENCE_FAILED",
          "started\ntoken 0 'a'\nbroken worker_error: Worker returned error INFERENCE_FAILED: "
          "oops\n" },
    };
    char event[256];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        accept_job(w);
        (void)snprintf(event, sizeof(event),
                       "%sdata: {\"type\":\"error\",\"code\":\"%s\",\"message\":\"oops\"}\n\n"
                       "data: [ERROR] oops\n\n",
                       cases[i].before, cases[i].code);
        world_say_chunk(w, event);
        expect_story(w, cases[i].story);
        assert_false(peer_is_waiting(w->listener)); /* it has ended there already */
        (void)world_teardown(state);
    }
}

static void a_worker_that_does_not_speak_http_may_be_replaced(void **state)
{
    for (int kind = 0; kind < WORKER_KIND_COUNT_; kind++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_run(w, kind, CHAT_JOB);
        world_accept(w, "\r\n\r\n{");
        peer_say(&w->worker, "SSH-2.0-OpenSSH_9.2\r\n");
        world_await_end(w);
        assert_true(
            str_starts(buf_str(&w->story), "refused worker_error: Worker does not speak HTTP: "));
        (void)world_teardown(state);
    }
}

static void bad_acceptances_may_be_tried_elsewhere(void **state)
{
    static const char *const answers[] = {
        "",
        "[]",
        "{}",
        "not json",
        "{\"job_id\":5,\"sse_url\":\"/x\"}",
        "{\"job_id\":\"../../v1/shutdown\",\"sse_url\":\"/x\"}",
        "{\"job_id\":\"\",\"sse_url\":\"/x\"}",
        "{\"job_id\":\"j-1\"}",
        "{\"job_id\":\"j-1\",\"sse_url\":\"http://evil/x\"}",
        "{\"job_id\":\"j-1\",\"sse_url\":\"//evil/x\"}",
        "{\"job_id\":\"j-1\",\"sse_url\":\"/x\\r\\nX-Evil: 1\"}",
        "{\"job_id\":\"j-1\",\"sse_url\":\"/x y\"}",
    };

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_run(w, WORKER_KIND_RBEE, JOB);
        world_accept(w, "\"seed\":7}");
        world_say_answer(w, 200, "application/json", answers[i]);
        if (w->run)
            world_await_end(w);
        assert_true(str_starts(buf_str(&w->story), "refused worker_error: Worker accepted with"));
        (void)world_teardown(state);
    }
}

static void bad_events_before_a_token_may_be_tried_elsewhere(void **state)
{
    static const char *const events[] = {
        "data: hello\n\n",
        "data: {\"type\":\"token\"}\n\n",
        "data: {\"type\":\"token\",\"t\":7}\n\n",
        "data: {\"type\":\"token\",\"t\":null}\n\n",
        "data: {\"type\":\"end\",\"tokens_out\":1e300}\n\n",
        "data: {\"type\":\"end\",\"decode_time_ms\":-1}\n\n",
        "data: {\"type\":{}}\n\n",
    };

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        accept_job(w);
        world_say_chunk(w, events[i]);
        if (w->run)
            world_await_end(w);
        if (!str_starts(buf_str(&w->story), "refused worker_error: "))
            fail_msg("%s -> %s", events[i], buf_cstr(&w->story));
        expect_delete(w);
        (void)world_teardown(state);
    }
}

static void a_bad_event_after_a_token_is_broken(void **state)
{
    struct world *w = *state;

    accept_job(w);
    world_say_chunk(w, NATIVE_TOKEN("a") "data: hello\n\n");
    world_await_end(w);
    assert_true(str_starts(buf_str(&w->story), "started\ntoken 0 'a'\nbroken worker_error: "));
    expect_delete(w);
}

/* --- Leaving ------------------------------------------------------------- */

static void cancelling_a_stream_deletes_the_job(void **state)
{
    struct world *w = *state;

    accept_job(w);
    world_say_chunk(w, STARTED NATIVE_TOKEN("a"));
    test_settle(&w->t);
    native_run_cancel(TAKE(w->run));
    peer_expect_end(&w->worker);
    expect_delete(w);
    assert_string_equal(buf_cstr(&w->story), "started\ntoken 0 'a'\n");
}

static void cancelling_before_the_id_is_known_hangs_up(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_RBEE, JOB);
    world_accept(w, "\"seed\":7}");
    native_run_cancel(TAKE(w->run));
    peer_expect_end(&w->worker);
    assert_false(peer_is_waiting(w->listener));
    assert_string_equal(buf_cstr(&w->story), "");
}

static void a_delete_that_is_not_answered_is_not_waited_for_long(void **state)
{
    struct world *w = *state;

    accept_job(w);
    native_run_cancel(TAKE(w->run));
    world_accept(w, "DELETE /v1/inference/j-1 HTTP/1.1\r\n");
    test_advance(&w->t, 10 * 1000 + 200);
    peer_expect_end(&w->worker);
}

static void a_cancellation_on_its_way_does_not_outlive_the_proxy(void **state)
{
    struct world *w = *state;

    accept_job(w);
    native_run_cancel(TAKE(w->run));
    /* tear-down frees the proxy with the DELETE unanswered */
}

/* --- openai -------------------------------------------------------------- */

static void a_chat_completion_gives_tokens(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_OPENAI, CHAT_JOB);
    world_accept(w, "POST /v1/chat/completions HTTP/1.1\r\n");
    world_expect(
        w, "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"seed\":7,\"model\":\"m\","
           "\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
    world_say_stream_head(w);
    world_say_chunk(w, ROLE TOKEN(" a\\u00e9") TOKEN("b"));
    world_say_chunk(w, FINISH USAGE DONE);
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 ' a\xc3\xa9'\ntoken 1 'b'\nend in=11 out=3 ms=0 EOS\n");
}

static void a_prompt_becomes_a_text_completion(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_OPENAI, JOB);
    world_accept(w, "POST /v1/completions HTTP/1.1\r\n");
    world_expect(w, "include_usage\":true}}");
    world_say_stream_head(w);
    world_say_chunk(w, "data: {\"choices\":[{\"text\":\"x\"}]}\n\n");
    test_settle(&w->t);
    test_advance(&w->t, 400);
    world_say_chunk(w,
                    "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n" DONE);
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 'x'\nend in=0 out=1 ms=400 MAX_TOKENS\n");
}

static void a_cut_completion_is_died_before_and_broken_after_a_token(void **state)
{
    static const struct {
        const char *events, *story;
    } cases[] = {
        { ROLE, "started\ndied worker_error: Worker broke off its answer: connection reset\n" },
        { ROLE TOKEN("a"), "started\ntoken 0 'a'\n"
                           "broken worker_error: Worker broke off its answer: connection reset\n" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)world_setup(state);
        struct world *w = *state;
        world_run(w, WORKER_KIND_OPENAI, CHAT_JOB);
        world_accept(w, "true}}");
        world_say_stream_head(w);
        world_say_chunk(w, cases[i].events);
        test_settle(&w->t);
        peer_reset(&w->worker);
        expect_story(w, cases[i].story);
        (void)world_teardown(state);
    }
}

static void reasoning_counts_as_life_but_not_as_a_token(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_OPENAI, CHAT_JOB);
    world_accept(w, "true}}");
    world_say_stream_head(w);
    for (uint64_t ms = 0; ms < 2 * WORLD_FIRST_TOKEN_MS; ms += 1000) {
        world_say_chunk(w, CHUNK("{\"reasoning_content\":\"hm\"}"));
        test_advance(&w->t, 1000);
    }
    world_say_chunk(w, TOKEN("a") FINISH DONE);
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 'a'\nend in=0 out=1 ms=0 EOS\n");
}

static void cancelling_hangs_up_on_an_openai_worker(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_OPENAI, CHAT_JOB);
    world_accept(w, "true}}");
    native_run_cancel(TAKE(w->run));
    peer_expect_end(&w->worker);
    assert_false(peer_is_waiting(w->listener));
}

/* --- Pausing ------------------------------------------------------------- */

static void a_paused_run_waits_without_limit_and_goes_on_in_order(void **state)
{
    struct world *w = *state;

    accept_job(w);
    w->pause_at_next_token = true;
    world_say_chunk(w, STARTED NATIVE_TOKEN("a"));
    test_settle(&w->t);
    world_say_chunk(w, NATIVE_TOKEN("b"));
    test_advance(&w->t, 3 * WORLD_BETWEEN_MS);
    assert_string_equal(buf_cstr(&w->story), "started\ntoken 0 'a'\n");
    native_run_resume(w->run);
    native_run_resume(w->run);
    world_say_chunk(w, END);
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 'a'\ntoken 1 'b'\nend in=0 out=2 ms=31 EOS\n");
}

static void a_run_paused_before_its_stream_is_open_gives_nothing(void **state)
{
    struct world *w = *state;

    world_run(w, WORKER_KIND_OPENAI, CHAT_JOB);
    native_run_pause(w->run);
    world_accept(w, "true}}");
    world_say_stream_head(w);
    test_settle(&w->t);
    world_say_chunk(w, TOKEN("a"));
    test_advance(&w->t, WORLD_FIRST_TOKEN_MS * 2);
    assert_null(strstr(buf_cstr(&w->story), "token"));
    native_run_resume(w->run);
    world_say_chunk(w, FINISH DONE);
    world_say_last_chunk(w);
    expect_story(w, "started\ntoken 0 'a'\nend in=0 out=1 ms=0 EOS\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_dual_call_gives_tokens_byte_for_byte),
        TEST(after_the_end_event_nothing_can_fail_the_run),
        TEST(a_worker_that_is_not_there_is_told_in_seed_words),
        TEST(an_error_answer_is_told_in_seed_words),
        TEST(a_stream_that_cannot_be_opened_is_told_in_seed_words),
        TEST(a_request_that_the_worker_finds_wrong_is_the_jobs_fault),
        TEST(a_run_that_breaks_after_a_token_is_broken_and_cancelled),
        TEST(a_silent_worker_is_told_to_stop),
        TEST(both_calls_share_the_time_for_the_first_token),
        cmocka_unit_test(error_events_say_whose_fault_it_is),
        cmocka_unit_test(a_worker_that_does_not_speak_http_may_be_replaced),
        cmocka_unit_test(bad_acceptances_may_be_tried_elsewhere),
        cmocka_unit_test(bad_events_before_a_token_may_be_tried_elsewhere),
        TEST(a_bad_event_after_a_token_is_broken),
        TEST(cancelling_a_stream_deletes_the_job),
        TEST(cancelling_before_the_id_is_known_hangs_up),
        TEST(a_delete_that_is_not_answered_is_not_waited_for_long),
        TEST(a_cancellation_on_its_way_does_not_outlive_the_proxy),
        TEST(a_chat_completion_gives_tokens),
        TEST(a_prompt_becomes_a_text_completion),
        cmocka_unit_test(a_cut_completion_is_died_before_and_broken_after_a_token),
        TEST(reasoning_counts_as_life_but_not_as_a_token),
        TEST(cancelling_hangs_up_on_an_openai_worker),
        TEST(a_paused_run_waits_without_limit_and_goes_on_in_order),
        TEST(a_run_paused_before_its_stream_is_open_gives_nothing),
    };

    return cmocka_run_group_tests_name("native_run", tests, NULL, NULL);
}
