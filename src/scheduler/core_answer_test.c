/* What a policy may not answer, and the words that it is told; refusals and their shapes. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RESIDENT_MS = 30000 };

static struct worker_facts of_hive(const char *id, const char *model, uint32_t slots)
{
    struct worker_facts w = story_worker(id, model, slots);

    w.total_vram_mb = 8000;
    return w;
}

/* Hives "a" (workers a1 of m, busy; a2 of m, idle; a3 of n; a4 and a5 of m; a6 of m, pinned),
 * "b" (lists "other"), "gone" (offline), a static worker; the job "waits" is asked about, and
 * "runs" runs on a1. All but a5 are there for long. */
static void build(struct story *story)
{
    struct worker_facts w[6] = {
        of_hive("a1", "m", 2), of_hive("a2", "m", 1), of_hive("a3", "n", 1),
        of_hive("a4", "m", 1), of_hive("a6", "m", 1), of_hive("a5", "m", 1),
    };
    struct worker_facts fixed = story_worker("static", "m", 1),
                        alone = story_worker("alone", "m", 1);
    struct err err;

    assert_int_equal(labels_set(&w[4].labels, str_of("pinned"), str_of("true"), &err), 0);
    w[3].state = WORKER_STARTING;
    story_lists(story, "gone", "m");
    story_report(story, "a", w, 5);
    story->now_ms += RESIDENT_MS;
    story_report(story, "a", w, 6);
    story_lists(story, "b", "other");
    story_handle(story, (struct core_event){ .kind = CORE_WORKER_STATIC,
                                             .u.report = { .workers = &fixed } });
    story_handle(story,
                 (struct core_event){ .kind = CORE_WORKER_REACHABLE,
                                      .u.reach = { .worker_id = "static", .reachable = true } });
    story_handle(story, (struct core_event){ .kind = CORE_WORKER_REPORT,
                                             .u.report = { .workers = &alone } });
    story_arrive(story, "runs");
    assert_string_equal(core_job(story->core, "runs")->worker_id, "a1");
    story_policy(story, POLICY_ENTRY_JOB, 0, true);
    labels_free(&w[4].labels);
}

static struct decision with_gpu(struct decision d, int32_t gpu)
{
    d.gpu = gpu;
    return d;
}

static void an_answer_that_cannot_be_is_named_and_the_strategy_decides(void **state)
{
    const struct {
        struct decision decision;
        const char *message;
    } cases[] = {
        { story_dispatch("nobody", "a2"), "there is no job 'nobody'" },
        { story_dispatch("runs", "a2"), "job 'runs' does not wait for a worker" },
        { story_dispatch("waits", ""), "dispatch names no worker" },
        { story_dispatch("waits", "a9"), "there is no worker 'a9'" },
        { story_dispatch("waits", "a3"), "worker 'a3' has model 'n', and job 'waits' wants 'm'" },
        { story_dispatch("waits", "a4"), "worker 'a4' is starting, not ready" },
        { story_dispatch("", "a3"), "worker 'a3' has model 'n', and job 'waits' wants 'm'" },
        { story_wait("nobody", 0), "there is no job 'nobody'" },
        { story_reject("nobody", "x", 403), "there is no job 'nobody'" },
        { story_reject("waits", "", 403),
          "the code of a reject must be of a-z, 0-9 and _, not ''" },
        { story_reject("waits", "No Way", 403),
          "the code of a reject must be of a-z, 0-9 and _, not 'No Way'" },
        { story_reject("waits", "x", 200),
          "the status of a reject must be 403, 429, 503 or 504, not 200" },
        { story_reject("waits", "x", 0),
          "the status of a reject must be 403, 429, 503 or 504, not 0" },
        { story_evict(""), "evict names no worker" },
        { story_evict("a9"), "there is no worker 'a9'" },
        { story_evict("static"), "worker 'static' has no hive that could stop it" },
        { story_evict("alone"), "worker 'alone' has no hive that could stop it" },
        { story_evict("a6"), "worker 'a6' is pinned" },
        { story_evict("a1"), "worker 'a1' is busy" },
        { story_evict("a4"), "worker 'a4' is starting, not ready" },
        { story_evict("a5"), "worker 'a5' is there for 0 ms, less than 30000" },
        { story_start("", "b"), "start_worker names no model" },
        { story_start("other", "nowhere"), "there is no hive 'nowhere'" },
        { story_start("m", "gone"), "hive 'gone' is offline" },
        { story_start("m", "b"), "hive 'b' does not list model 'm'" },
        { with_gpu(story_start("other", "b"), -2), "there is no GPU -2" },
        { with_gpu(story_start("other", "b"), 64), "there is no GPU 64" },
        { { .action = DECISION_ACTION_COUNT_ }, "there is no action 5" },
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        build(story);
        story_arrive(story, "waits");
        story_forget(story);
        story_answer_one(story, cases[i].decision);
        assert_string_equal(story->decided.message, cases[i].message);
        story_did(story, "dispatch waits a1; ");
        assert_int_equal(story->decided.failure, POLICY_INVALID);
        assert_int_equal(story_stats(story).fallbacks_total[POLICY_INVALID], 1);
    }
}

static void a_pin_is_kept_against_any_policy(void **state)
{
    struct story *story = *state;

    build(story);
    story_arrive_pinned(story, "1", "a1", "");
    story_answer_one(story, story_dispatch("", "a2"));
    assert_string_equal(story->decided.message, "job '1' wants worker 'a1' only, not 'a2'");
    story_arrive_pinned(story, "2", "", "a");
    story_answer_one(story, story_dispatch("", "alone"));
    assert_string_equal(story->decided.message,
                        "job '2' wants hive 'a' only, and worker 'alone' is of ''");
}

static void a_worker_that_failed_it_or_lost_its_room_meanwhile_gets_it_not(void **state)
{
    struct worker_facts none = story_worker("a9", "x", 1);
    struct story *story = *state;

    build(story);
    story_arrive(story, "1");
    story_answer_one(story, story_dispatch("", "a2"));
    story_failed(story, "1", RUN_SILENT, ERR_TIMEOUT, "silence");
    story_answer_one(story, story_dispatch("", "a2"));
    assert_string_equal(story->decided.message, "worker 'a2' has failed job '1' already");

    story_arrive(story, "2");
    story_report(story, "a", &none, 1); /* the others vanish before the answer */
    story_answer_one(story, story_dispatch("", "a2"));
    assert_string_equal(story->decided.message, "there is no worker 'a2'");
    story_arrive(story, "3");
    story_tick(story, 10001);
    story_answer_one(story, story_dispatch("3", "alone"));
    assert_string_equal(story->decided.message, "worker 'alone' is offline");
}

static void a_worker_whose_room_went_between_question_and_answer_is_full(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 1);
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    w.active = 1; /* somebody else's */
    story_report(story, "hive-w1", &w, 1);
    story_forget(story);
    story_answer_one(story, story_dispatch("", "w1"));
    assert_string_equal(story->decided.message, "worker 'w1' has no free slot");
    story_did(story, "queued 1 1; ");
}

static void more_decisions_than_there_may_be_are_invalid(void **state)
{
    struct decisions *many = calloc(1, sizeof(*many));
    struct story *story = *state;

    assert_non_null(many);
    story_have(story, "w1", 1);
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "1");
    many->len = DECISIONS_MAX + 1;
    story_handle(story, (struct core_event){ .kind = CORE_POLICY_ANSWER,
                                             .u.answer = { .ask = 1, .decisions = many } });
    assert_string_equal(story->decided.message, "65 decisions, more than 64");
    free(many);
}

static void schedule_must_name_its_jobs(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_policy(story, POLICY_ENTRY_SCHEDULE, 0, false);
    story_arrive(story, "1");
    story_answer_one(story, story_dispatch("", "w1"));
    assert_int_equal(story->decided.failure, POLICY_INVALID);
    assert_string_equal(story->decided.message, "dispatch names no job");
}

/* --- Refusals ------------------------------------------------------------------------ */

static void a_refusal_has_its_code_and_status(void **state)
{
    static const struct {
        const char *code;
        uint32_t status;
        int expected;
        uint32_t policy_status;
    } cases[] = {
        { "over_budget", 403, ERR_POLICY, 403 },
        { "over_budget", 429, ERR_POLICY, 429 },
        { "over_budget", 503, ERR_POLICY, 503 },
        { "too_slow_here", 504, ERR_POLICY, 504 },
        { "deadline_exceeded", 504, ERR_DEADLINE, 0 },
        { "deadline_exceeded", 403, ERR_DEADLINE, 0 },
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        story_have(story, "w1", 1);
        story_policy(story, POLICY_ENTRY_JOB, 0, false);
        story_arrive(story, "1");
        story_answer_one(story, story_reject("1", cases[i].code, cases[i].status));
        assert_int_equal(story->last_fail.code, cases[i].expected);
        assert_int_equal(story->last_fail.policy_status, cases[i].policy_status);
        assert_string_equal(story->last_fail.policy_code,
                            cases[i].policy_status ? cases[i].code : "");
        assert_string_equal(story->last_fail.policy_name, cases[i].policy_status ? "mine" : "");
        assert_true((story->last_fail.retry_after_ms > 0) ==
                    (cases[i].policy_status == 429 || cases[i].policy_status == 503));
        assert_int_equal(story_stats(story).decided_total[DECIDE_REJECT], 1);
        story_is_at_rest(story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
        TEST(an_answer_that_cannot_be_is_named_and_the_strategy_decides),
        TEST(a_pin_is_kept_against_any_policy),
        TEST(a_worker_that_failed_it_or_lost_its_room_meanwhile_gets_it_not),
        TEST(a_worker_whose_room_went_between_question_and_answer_is_full),
        TEST(more_decisions_than_there_may_be_are_invalid),
        TEST(schedule_must_name_its_jobs),
        TEST(a_refusal_has_its_code_and_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
