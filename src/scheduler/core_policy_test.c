/* The user policy: when it is asked, what its answers do, and who decides when it fails. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    struct story *story;

    (void)story_setup(state);
    story = *state;
    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_forget(story);
    return 0;
}

/* --- About one job --------------------------------------------------------------- */

static void an_arrival_is_asked_about_and_answered_once(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_did(story, "ask job 1; ");
    assert_string_equal(story->last_ask.ask.job->spec.id, "1");
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "dispatch 1 w2; ");
    assert_string_equal(story->decided.policy, "mine 1.2");
    assert_int_equal(story->decided.failure, POLICY_OK);
    assert_int_equal(story->decided.ask, 1);
    assert_string_equal(story->decided.first.worker_id, "w2");
    story_arrive(story, "2");
    story_answer(story, NULL, 0);
    story_did(story, "ask job 2; queued 2 1; ");
    assert_int_equal(story->decided.len, 0);
    assert_int_equal(story_stats(story).decided_total[DECIDE_WAIT], 1);
    assert_string_equal(core_policy_name(story->core), "mine");
}

static void who_waits_is_asked_about_when_a_worker_of_his_gets_room(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_arrive(story, "2");
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_forget(story);
    story_arrive(story, "3");
    story_answer(story, NULL, 0);
    story_arrive(story, "4");
    story_answer(story, NULL, 0);
    story_did(story, "ask job 3; queued 3 1; ask job 4; queued 4 2; ");
    story_finished(story, "1");
    story_did(story, "ask job 3; ");
    story_answer(story, NULL, 0); /* it will not go */
    story_did(story, "ask job 4; ");
    story_answer_one(story, story_dispatch("4", "w1"));
    story_did(story, "dispatch 4 w1; ");
    story_finished(story, "2");
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "ask job 3; dispatch 3 w2; ");
}

static void only_a_few_are_asked_about_in_vain(void **state)
{
    struct story *story = *state;
    unsigned asked = 0;
    char id[16];

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
        story_answer(story, NULL, 0);
    }
    story_forget(story);
    story_have(story, "w3", 1);
    for (; strstr(story->did, "ask"); asked++) {
        story_forget(story);
        story_answer(story, NULL, 0);
    }
    assert_in_range(asked, 2, 8);
}

static void the_first_of_those_who_wait_are_asked_about_again_from_time_to_time(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_answer(story, NULL, 0);
    story_forget(story);
    story_tick(story, 999);
    story_did(story, "");
    assert_int_equal(core_next_due_ms(story->core), story->now_ms + 1);
    story_tick(story, 1);
    story_did(story, "ask job 1; ");
    story_answer(story, NULL, 0);
    story_did(story, ""); /* once */
}

static void who_asked_for_a_time_is_not_asked_about_before_it(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_answer_one(story, story_wait("1", 2500));
    story_forget(story);
    story_have(story, "w3", 1);
    story_tick(story, 1000);
    story_have(story, "w1", 1);
    story_tick(story, 1499);
    story_did(story, "");
    assert_int_equal(core_next_due_ms(story->core), story->now_ms + 1);
    story_tick(story, 1);
    story_did(story, "ask job 1; ");
    story_answer(story, NULL, 0);
    story_did(story, ""); /* its client has been told that it waits */
}

static void a_job_that_is_gone_when_its_answer_comes_is_not_missed(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_cancel(story, "1");
    story_forget(story);
    story_answer_one(story, story_dispatch("", "w1"));
    story_did(story, "");
    assert_int_equal(story->decided.count, 0);
    assert_int_equal(story_stats(story).fallbacks_total[POLICY_INVALID], 0);
    story_is_at_rest(story);
}

static void a_new_job_of_the_same_name_is_not_taken_for_the_old_one(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_cancel(story, "1");
    story_arrive(story, "1");
    story_forget(story);
    story_answer_one(story, story_dispatch("", "w1"));
    story_did(story, "");
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "dispatch 1 w2; ");
}

static void a_batch_is_carried_out_in_order_as_far_as_it_can_be(void **state)
{
    struct story *story = *state;
    struct decision batch[3];

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_forget(story);
    batch[0] = story_dispatch("2", "w1");
    batch[1] = story_reject("3", "no_thanks", 403);
    batch[2] = story_dispatch("1", "w1"); /* the first took its slot */
    story_answer(story, batch, 3);
    story_did(story, "dispatch 2 w1; fail 3 policy_rejected; dispatch 1 w2; ");
    assert_int_equal(story->decided.count, 2); /* what acted, and what the strategy did */
    assert_int_equal(story->decided.failure, POLICY_INVALID);
    assert_string_equal(story->decided.message, "decision 3 of 3: worker 'w1' has no free slot");
    assert_string_equal(story->decided.policy, "simple ");
    assert_string_equal(story->decided.asked_policy, "mine");
}

/* --- About all of the queue -------------------------------------------------------- */

static void schedule_is_asked_while_it_dispatches_and_then_when_something_changes(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_SCHEDULE, 0, false);
    story_did(story, "");
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_did(story, "ask schedule; ");
    assert_null(story->last_ask.ask.job);
    story_answer_one(story, story_dispatch("1", "w1"));
    story_did(story, "dispatch 1 w1; ask schedule; ");
    story_answer(story, NULL, 0);
    story_did(story, "queued 2 1; ");
    story_tick(story, 500);
    story_did(story, "");
    story_finished(story, "1");
    story_did(story, "ask schedule; ");
    story_answer_one(story, story_wait("", 700));
    story_tick(story, 499);
    story_did(story, "");
    story_tick(story, 1); /* housekeeping */
    story_did(story, "ask schedule; ");
    story_answer(story, NULL, 0);
    story_tick(story, 200); /* as it wished */
    story_did(story, "ask schedule; ");
}

static void who_comes_while_schedule_thinks_is_answered_by_the_next(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_SCHEDULE, 0, false);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    story_answer(story, NULL, 0);
    story_did(story, "queued 1 1; ask schedule; ");
    story_answer(story, NULL, 0);
    story_did(story, "queued 2 2; ");
}

static void when_schedule_fails_the_strategy_looks_at_all_that_waits(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_SCHEDULE, 0, false);
    story_arrive(story, "1");
    story_answer(story, NULL, 0);
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_forget(story);
    story_answer_fails(story, POLICY_TIMEOUT, "home.lua:3: took too long");
    story_did(story, "dispatch 2 w1; dispatch 1 w2; ask schedule; ");
    assert_int_equal(story_stats(story).fallbacks_total[POLICY_TIMEOUT], 1);
    assert_string_equal(story->decided.message, "home.lua:3: took too long");
    story_answer_fails(story, POLICY_ERROR, NULL);
    story_did(story, "queued 3 1; ");
}

/* --- Failure ------------------------------------------------------------------------- */

static void a_failure_is_decided_by_the_strategy_and_told(void **state)
{
    static const enum policy_failure failures[] = { POLICY_TIMEOUT, POLICY_MEMORY, POLICY_ERROR,
                                                    POLICY_CRASH, POLICY_STARVED };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        story_restart(story);
        story_have(story, "w1", 1);
        story_policy(story, POLICY_ENTRY_JOB, 0, false);
        story_arrive(story, "1");
        story_forget(story);
        story_answer_fails(story, failures[i], "why");
        story_did(story, "dispatch 1 w1; ");
        assert_int_equal(story->decided.failure, failures[i]);
        assert_string_equal(story->decided.message, "why");
        assert_string_equal(story->decided.asked_policy, "mine");
        assert_string_equal(story->decided.policy, "simple ");
        assert_int_equal(story->decided.ask, 1);
        assert_int_equal(story_stats(story).fallbacks_total[failures[i]], 1);
    }
}

static void while_it_cannot_be_asked_the_strategy_decides_at_once(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_policy_state(story, POLICY_BREAKER);
    story_arrive(story, "1");
    story_did(story, "dispatch 1 w1; ");
    assert_int_equal(story->decided.failure, POLICY_BREAKER);
    assert_string_equal(story->decided.message, "it rests");
    assert_string_equal(story->decided.asked_policy, "mine");
    assert_string_equal(core_policy_name(story->core), "simple");
    assert_int_equal(story_stats(story).fallbacks_total[POLICY_BREAKER], 1);
    story_policy_state(story, POLICY_OK);
    story_arrive(story, "2");
    story_did(story, "ask admit 2; ");
}

static void when_it_cannot_be_asked_any_more_nobody_waits_for_it(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_arrive(story, "1");
    story_answer_yes(story, true, 0);
    story_answer_one(story, story_wait("", 200000)); /* but an open breaker ends this wait */
    story_arrive(story, "2");                        /* is asked about */
    story_arrive(story, "3");
    story_forget(story);
    story_policy_state(story, POLICY_BREAKER);
    story_did(story, "dispatch 1 w1; ");
    story_answer_fails(story, POLICY_CRASH, "killed");
    story_did(story, "dispatch 2 w2; ");
    story_answer_fails(story, POLICY_BREAKER, "killed");
    story_did(story, "queued 3 1; ");
    story_finished(story, "1");
    story_did(story, "dispatch 3 w1; ");
}

static void a_late_answer_of_a_policy_that_was_replaced_is_ignored(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_did(story, "ask job 1; ask job 2; ");
    for (int late = 0; late < 2; late++) {
        story->answered = (uint64_t)late; /* the next one, of those before */
        story_answer_one(story, story_dispatch("", "w1"));
        story_did(story, "");
    }
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "dispatch 1 w2; ");
    story_answer_one(story, story_dispatch("", "w1"));
    story_did(story, "dispatch 2 w1; ");
    story_answer_one(story, story_dispatch("", "w1")); /* twice */
    story_did(story, "");
}

static void when_the_policy_goes_the_strategy_takes_over(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    story_answer(story, NULL, 0);
    story_arrive(story, "2");
    story_forget(story);
    story_handle(story, (struct core_event){ .kind = CORE_POLICY });
    story_did(story, "dispatch 2 w1; dispatch 1 w2; ");
    assert_int_equal(story->decided.failure, POLICY_OK);
    assert_string_equal(story->decided.asked_policy, "");
}

/* --- Hooks ------------------------------------------------------------------------------ */

static void should_admit_comes_before_the_queue(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_arrive(story, "1");
    story_did(story, "ask admit 1; ");
    assert_int_equal(story_stats(story).queued, 0);
    story_answer_yes(story, true, 0);
    story_did(story, "ask job 1; ");
    story_answer_one(story, story_dispatch("", "w1"));
    story_arrive(story, "2");
    story_forget(story);
    story_answer_one(story, story_reject("", "tenant_blocked", 403));
    story_did(story, "fail 2 policy_rejected; ");
    assert_string_equal(story->last_fail.policy_code, "tenant_blocked");
    assert_int_equal(story->last_fail.policy_status, 403);
    assert_string_equal(story->last_fail.msg, "Refused by policy 'mine': tenant_blocked.");
    assert_string_equal(story->decided.policy, "mine 1.2");
}

static void an_admission_that_fails_or_makes_no_sense_lets_in(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_arrive(story, "1");
    story_forget(story);
    story_answer_fails(story, POLICY_ERROR, "home.lua:1: oops");
    story_did(story, "ask job 1; ");
    assert_int_equal(story->decided.failure, POLICY_ERROR);
    story_answer_one(story, story_dispatch("", "w1"));
    story_arrive(story, "2");
    story_answer_one(story, story_dispatch("", "w2"));
    assert_string_equal(story->decided.message, "should_admit answers true or one reject");
    story_did(story, "dispatch 1 w1; ask admit 2; ask job 2; ");
    story_answer_one(story, story_dispatch("", "w2"));
    story_arrive(story, "3");
    story_answer_one(story, story_reject("", "Bad Code", 403));
    assert_int_equal(story->decided.failure, POLICY_INVALID);
    story_did(story, "dispatch 2 w2; ask admit 3; ask job 3; ");
}

static void a_retry_is_allowed_delayed_or_refused(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_RETRY, false);
    story_arrive(story, "1");
    story_answer_one(story, story_dispatch("", "w1"));
    story_forget(story);
    story_failed(story, "1", RUN_SILENT, ERR_TIMEOUT, "silence");
    story_did(story, "ask retry 1; ");
    assert_string_equal(story->last_ask.ask.err.msg, "silence");
    assert_int_equal(story->last_ask.attempt, 1);
    story_answer_yes(story, true, 300);
    story_did(story, "queued 1 1; ");
    story_tick(story, 299);
    story_did(story, "");
    story_tick(story, 1);
    story_did(story, "ask job 1; ");
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "dispatch 1 w2 #2; ");

    story->now_ms += 1;
    story_have(story, "w1", 1);
    story_have(story, "w3", 1);
    story_failed(story, "1", RUN_REFUSED, ERR_WORKER, "500");
    story_did(story, "ask retry 1; ");
    story_answer_yes(story, false, 0);
    story_did(story, "fail 1 worker_error; ");
    assert_string_equal(story->last_fail.msg, "500");
    story_is_at_rest(story);
}

static void a_retry_that_the_core_forbids_is_not_asked_about(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_RETRY, false);
    story_arrive(story, "1");
    story_answer_one(story, story_dispatch("", "w1"));
    story_forget(story);
    story_failed(story, "1", RUN_BROKEN, ERR_UPSTREAM, "nonsense");
    story_did(story, "fail 1 worker_error; ");
}

static void the_policy_is_told_how_jobs_ended(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_OUTCOME, false);
    story_arrive(story, "1");
    story_answer_one(story, story_dispatch("", "w1"));
    story->now_ms += 40;
    story_started(story, "1");
    story->now_ms += 60;
    story_forget(story);
    story_handle(story,
                 (struct core_event){
                     .kind = CORE_RUN_FINISHED,
                     .u.run = { .job_id = "1", .attempt = 1, .tokens_in = 10, .tokens_out = 20 } });
    story_did(story, "ask outcome 1 done; ");
    assert_false(story->last_ask.ask.failed);
    assert_int_equal(story->last_ask.ask.tokens_out, 20);
    assert_int_equal(story->last_ask.ask.ttft_ms, 40);
    assert_int_equal(story->last_ask.ask.total_ms, 100);
    assert_string_equal(story->last_ask.ask.worker_id, "w1");
    story_arrive(story, "2");
    story_cancel(story, "2");
    story_did(story, "ask job 2; ask outcome 2 cancelled; ");
    assert_true(story->last_ask.ask.failed);
    story_answer(story, NULL, 0); /* to the first outcome */
    story_answer(story, NULL, 0);
    story_answer_fails(story, POLICY_ERROR, "oops");
    assert_int_equal(story_stats(story).fallbacks_total[POLICY_ERROR], 1);
    story_is_at_rest(story);
}

/* --- Limits --------------------------------------------------------------------------------- */

static void who_waits_for_an_answer_waits_in_the_queue(void **state)
{
    struct story *story = *state;

    story->options.queue_jobs_max = 2;
    story->options.queue_timeout_ms = 5000;
    story_restart(story);
    story_have(story, "w1", 1);
    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_arrive(story, "1");
    story_answer_yes(story, true, 0); /* and its next answer is not coming */
    story_arrive(story, "2");
    story_forget(story);
    story_arrive(story, "3");
    story_did(story, "fail 3 queue_full; ");
    story_tick(story, 4999);
    story_did(story, "");
    story_tick(story, 1);
    story_did(story, "fail 1 queue_timeout; fail 2 queue_timeout; ");
    story_is_at_rest(story);
}

static void a_deadline_passes_for_those_who_are_asked_about_too(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    story_arrive_until(story, "1", story->now_ms + 30);
    story_arrive_until(story, "2", story->now_ms + 30);
    story_forget(story);
    story_tick(story, 30);
    story_did(story, "fail 1 deadline_exceeded; fail 2 deadline_exceeded; ");
    story_answer_yes(story, true, 0);
    story_did(story, "");
}

static void a_core_is_freed_with_its_questions(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB,
                 POLICY_HOOK_ADMIT | POLICY_HOOK_OUTCOME | POLICY_HOOK_RETRY, true);
    for (int i = 0; i < 6; i++) {
        char id[16];

        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
        if (i % 2)
            story_answer_yes(story, true, 0);
    }
    story_cancel(story, "1");
    story_cancel(story, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, story_teardown)
        TEST(an_arrival_is_asked_about_and_answered_once),
        TEST(who_waits_is_asked_about_when_a_worker_of_his_gets_room),
        TEST(only_a_few_are_asked_about_in_vain),
        TEST(the_first_of_those_who_wait_are_asked_about_again_from_time_to_time),
        TEST(who_asked_for_a_time_is_not_asked_about_before_it),
        TEST(a_job_that_is_gone_when_its_answer_comes_is_not_missed),
        TEST(a_new_job_of_the_same_name_is_not_taken_for_the_old_one),
        TEST(a_batch_is_carried_out_in_order_as_far_as_it_can_be),
        TEST(schedule_is_asked_while_it_dispatches_and_then_when_something_changes),
        TEST(who_comes_while_schedule_thinks_is_answered_by_the_next),
        TEST(when_schedule_fails_the_strategy_looks_at_all_that_waits),
        TEST(a_failure_is_decided_by_the_strategy_and_told),
        TEST(while_it_cannot_be_asked_the_strategy_decides_at_once),
        TEST(when_it_cannot_be_asked_any_more_nobody_waits_for_it),
        TEST(a_late_answer_of_a_policy_that_was_replaced_is_ignored),
        TEST(when_the_policy_goes_the_strategy_takes_over),
        TEST(should_admit_comes_before_the_queue),
        TEST(an_admission_that_fails_or_makes_no_sense_lets_in),
        TEST(a_retry_is_allowed_delayed_or_refused),
        TEST(a_retry_that_the_core_forbids_is_not_asked_about),
        TEST(the_policy_is_told_how_jobs_ended),
        TEST(who_waits_for_an_answer_waits_in_the_queue),
        TEST(a_deadline_passes_for_those_who_are_asked_about_too),
        TEST(a_core_is_freed_with_its_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
