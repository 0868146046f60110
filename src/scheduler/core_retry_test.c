/* Runs that fail and workers that are lost: who takes over, and when nobody may. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* --- Failure and retry ----------------------------------------------------- */

static void a_failed_run_goes_to_another_worker_before_the_first_byte(void **state)
{
    static const enum run_failure failures[] = { RUN_NOT_CONNECTED, RUN_REFUSED, RUN_DIED,
                                                 RUN_SILENT };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        story_restart(story);
        story_have(story, "w1", 1);
        story_have(story, "w2", 1);
        story_arrive(story, "1");
        story_forget(story);
        story_failed(story, "1", failures[i], ERR_WORKER, "Worker returned error 500: no");
        story_did(story, "dispatch 1 w2 #2; ");
        story_run_event(story, CORE_RUN_STARTED, "1", 1); /* of the old attempt */
        assert_int_equal(core_job(story->core, "1")->state, JOB_DISPATCHED);
        story_run_event(story, CORE_RUN_FINISHED, "1", 2);
        story_is_at_rest(story);
    }
}

static void after_the_first_byte_or_garbage_nobody_else_may_try(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 2);
    story_have(story, "w2", 2);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_started(story, "1");
    story_forget(story);
    story_failed(story, "1", RUN_DIED, ERR_UPSTREAM,
                 "Failed to connect to worker stream: connection reset");
    story_did(story, "fail 1 worker_error; ");
    assert_string_equal(story->last_fail.msg,
                        "Failed to connect to worker stream: connection reset");
    story_failed(story, "2", RUN_BROKEN, ERR_UPSTREAM, "not JSON");
    story_did(story, "fail 2 worker_error; ");
    story_is_at_rest(story);
}

static void when_nobody_is_left_to_try_the_last_error_is_told_in_its_words(void **state)
{
    static const struct {
        int code, expected;
    } cases[] = {
        { ERR_WORKER, ERR_WORKER },
        { ERR_SYSTEM, ERR_WORKER },
        { ERR_TIMEOUT, ERR_WORKER },
        { ERR_RATE_LIMIT, ERR_WORKER },
        { ERR_CONTEXT_LENGTH, ERR_CONTEXT_LENGTH }, /* the request's own fault */
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        story_have(story, "w1", 1);
        story_arrive(story, "1");
        story_failed(story, "1", RUN_NOT_CONNECTED, cases[i].code,
                     "Failed to send request to worker: connection refused");
        assert_int_equal(story->last_fail.code, cases[i].expected);
        assert_string_equal(story->last_fail.msg,
                            "Failed to send request to worker: connection refused");
        story_is_at_rest(story);
    }
}

static void attempts_are_counted(void **state)
{
    struct story *story = *state;
    char id[16];

    for (int i = 1; i <= 5; i++) {
        (void)snprintf(id, sizeof(id), "w%d", i);
        story_have(story, id, 1);
    }
    story_forget(story);
    story_arrive(story, "1");
    story_failed(story, "1", RUN_REFUSED, ERR_WORKER, "500");
    story_failed(story, "1", RUN_SILENT, ERR_TIMEOUT, "silence");
    story_failed(story, "1", RUN_REFUSED, ERR_WORKER, "500");
    story_did(story, "dispatch 1 w1; dispatch 1 w2 #2; dispatch 1 w3 #3; fail 1 worker_error; ");
    assert_int_equal(story_stats(story).retried_total, 2);
}

static void a_prompt_may_kill_two_workers_but_not_three(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_have(story, "w3", 1);
    story_arrive(story, "1");
    story_forget(story);
    story_failed(story, "1", RUN_DIED, ERR_UPSTREAM, "reset");
    story_did(story, "dispatch 1 w2 #2; ");
    story_failed(story, "1", RUN_DIED, ERR_UPSTREAM, "reset");
    story_did(story, "fail 1 worker_error; ");
}

static void a_retried_job_waits_in_front_for_a_worker_it_has_not_tried(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_forget(story);
    story_failed(story, "1", RUN_DIED, ERR_UPSTREAM, "reset");
    story_did(story, "queued 1 1; "); /* w1 would be free, but it has failed it */
    assert_int_equal(core_job_position(story->core, "3"), 2);
    story->now_ms += 1000;
    story_have(story, "w1", 1);
    story_did(story, "dispatch 3 w1; ");
    story_finished(story, "2");
    story_did(story, "dispatch 1 w2 #2; ");
}

static void a_worker_that_refuses_is_not_offered_the_whole_queue_at_once(void **state)
{
    struct story *story = *state;
    char id[16];

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    for (int i = 1; i <= 20; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
    }
    story_forget(story);
    story_failed(story, "1", RUN_REFUSED, ERR_RATE_LIMIT, "busy");
    story_did(story, "queued 1 1; ");
    story->now_ms += 500;
    story_have(story, "w1", 1);
    story_did(story, "dispatch 3 w1; ");
}

static void a_refused_connection_closes_a_worker_until_it_reports(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 2);
    story_arrive(story, "streams");
    story_started(story, "streams");
    story_arrive(story, "1");
    story_forget(story);
    story_failed(story, "1", RUN_NOT_CONNECTED, ERR_SYSTEM, "refused");
    story_did(story, "fail 1 worker_error; ");
    story_arrive(story, "2");
    story_did(story, "fail 2 no_workers_available; ");
    assert_int_equal(core_job(story->core, "streams")->state, JOB_STREAMING); /* it drains, say */
    story_have(story, "w1", 2);
    story_arrive(story, "3");
    story_did(story, "dispatch 3 w1; ");
}

static void a_static_worker_takes_jobs_while_it_is_reachable(void **state)
{
    struct worker_facts w = story_worker("ext", "m", 1);
    struct core_event reach = { .kind = CORE_WORKER_REACHABLE,
                                .u.reach = { .worker_id = "ext", .reachable = true } };
    struct story *story = *state;

    story_handle(story,
                 (struct core_event){ .kind = CORE_WORKER_STATIC, .u.report = { .workers = &w } });
    story_handle(story,
                 (struct core_event){ .kind = CORE_WORKER_STATIC, .u.report = { .workers = &w } });
    story_forget(story);
    story_arrive(story, "1");
    story_did(story, "fail 1 no_workers_available; ");
    story_handle(story, reach);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_did(story, "dispatch 1 ext; queued 2 1; ");
    story_failed(story, "1", RUN_REFUSED, ERR_WORKER, "500");
    story_did(story, "fail 1 worker_error; ");
    story_tick(story, 999);
    story_did(story, "");
    story_tick(story, 1); /* it has had its rest */
    story_did(story, "dispatch 2 ext; ");
}

/* --- Lost workers ----------------------------------------------------------- */

static void a_silent_workers_runs_fail_over_and_its_streams_end(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 3);
    story_arrive(story, "streams");
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_started(story, "streams");
    story->now_ms += 5000;
    story_have(story, "w2", 1);
    story_forget(story);
    story_tick(story, 5000);
    story_did(story, "");
    story_tick(story, 1);
    story_did(story, "fail streams worker_error; dispatch 1 w2 #2; queued 2 1; ");
    assert_string_equal(story->last_fail.msg, "Worker 'w1' was lost in the middle of its answer.");
    story_run_event(story, CORE_RUN_STARTED, "2", 1); /* it was alive after all: too late */
    story_run_event(story, CORE_RUN_FINISHED, "2", 1);
    assert_int_equal(core_job(story->core, "2")->state, JOB_QUEUED);
    story_finished(story, "1");
    story_finished(story, "2");
    story_did(story, "dispatch 2 w2 #2; ");
    story_is_at_rest(story);
}

static void an_answer_that_ends_as_its_worker_is_given_up_is_an_answer(void **state)
{
    struct story *story = *state;

    static const struct {
        uint64_t late_ms;
        const char *did;
    } cases[] = {
        { 10001, "" },                              /* offline, and no tick came */
        { 60001, "fail 2 no_workers_available; " }, /* forgotten */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        story_have(story, "w1", 1);
        story_arrive(story, "1");
        story_arrive(story, "2");
        story_forget(story);
        story->now_ms += cases[i].late_ms;
        story_finished(story, "1");
        story_did(story, cases[i].did);
        assert_int_equal(story_stats(story).done_total, 1);
        story_cancel(story, "2"); /* while it still waits */
        story_is_at_rest(story);
    }
}

static void a_failed_or_vanished_worker_is_lost_at_once(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_have(story, "w3", 1);
    story_arrive(story, "1");
    story_forget(story);
    story_have_state(story, "w1", WORKER_FAILED);
    story_did(story, "dispatch 1 w2 #2; ");
    story_report(story, "hive-w2", NULL, 0);
    story_did(story, "fail 1 worker_error; "); /* the second that died under it */
    assert_string_equal(story->last_fail.msg, "Worker 'w2' was lost before its first token.");
    story_is_at_rest(story);
}

static void what_one_report_moves_names_no_worker_that_is_gone(void **state)
{
    struct worker_facts w[] = { story_worker("w1", "m", 1), story_worker("w2", "m", 1) };
    struct story *story = *state;

    story_report(story, "h", w, 2);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_forget(story);
    struct worker_facts heir = story_worker("w9", "m", 2);
    story_report(story, "h", &heir, 1); /* both others vanish in the same report */
    story_did(story, "dispatch 1 w9 #2; dispatch 2 w9 #2; ");
}

static void a_report_that_may_not_come_in_changes_nothing(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 4);
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_forget(story);
    story_report(story, "thief", &w, 1);
    assert_string_equal(registry_worker(core_registry(story->core), "w1")->facts.hive_id,
                        "hive-w1");
    assert_null(registry_hive(core_registry(story->core), "thief"));
    story_handle(story,
                 (struct core_event){ .kind = CORE_WORKER_REPORT, .u.report = { .workers = &w } });
    assert_int_equal(registry_worker(core_registry(story->core), "w1")->facts.slots, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
        TEST(a_failed_run_goes_to_another_worker_before_the_first_byte),
        TEST(after_the_first_byte_or_garbage_nobody_else_may_try),
        TEST(when_nobody_is_left_to_try_the_last_error_is_told_in_its_words),
        TEST(attempts_are_counted),
        TEST(a_prompt_may_kill_two_workers_but_not_three),
        TEST(a_retried_job_waits_in_front_for_a_worker_it_has_not_tried),
        TEST(a_worker_that_refuses_is_not_offered_the_whole_queue_at_once),
        TEST(a_refused_connection_closes_a_worker_until_it_reports),
        TEST(a_static_worker_takes_jobs_while_it_is_reachable),
        TEST(a_silent_workers_runs_fail_over_and_its_streams_end),
        TEST(an_answer_that_ends_as_its_worker_is_given_up_is_an_answer),
        TEST(a_failed_or_vanished_worker_is_lost_at_once),
        TEST(what_one_report_moves_names_no_worker_that_is_gone),
        TEST(a_report_that_may_not_come_in_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
