/* Workers that are started and evicted: memory, hope, failures, time. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* A hive that lists "m", as its first report would be. */
static void report_hive(struct story *story, const char *hive_id, enum hive_status status,
                        enum hive_health health)
{
    struct listed_model listed = { .ref = "m" };
    struct hive_facts hive = { .address = "127.0.0.1",
                               .port = 7835,
                               .status = status,
                               .health = health,
                               .has_capabilities = true,
                               .models = &listed,
                               .models_len = 1 };

    (void)snprintf(hive.id, sizeof(hive.id), "%s", hive_id);
    story_handle(story,
                 (struct core_event){ .kind = CORE_HIVE_REPORT, .u.report = { .hive = &hive } });
}

/* Starts one worker of whatever a job lacks, on the first hive that may. */
static void decide_to_start(const struct strategy *self, const struct core *core,
                            const struct job *job, uint64_t now_ms, struct decisions *ret)
{
    strategy_simple.decide(self, core, job, now_ms, ret);
    if (ret->len > 0 || core_starting(core, job->spec.model) > 0)
        return;
    ret->items[ret->len++] = story_start(job->spec.model, job->spec.hive_id);
}

static const struct strategy starting = { .name = "starting",
                                          .decide = decide_to_start,
                                          .starts_workers = true };

static int setup(void **state)
{
    struct story *story;

    (void)story_setup(state);
    story = *state;
    story->options.strategy = &starting;
    story_restart(story);
    story_lists(story, "h", "m");
    story_forget(story);
    return 0;
}

static uint64_t reserved_mb(const struct story *story, const char *hive_id)
{
    return registry_hive(core_registry(story->core), hive_id)->reserved_mb;
}

/* The hive's report with one worker. */
static void report_worker(struct story *story, const char *hive_id, const char *worker_id,
                          enum worker_state worker_state)
{
    struct worker_facts w = story_worker(worker_id, "m", 1);

    w.state = worker_state;
    story_report(story, hive_id, &w, 1);
}

static void a_job_waits_for_a_worker_that_is_started_for_it(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_did(story, "start m h; queued 1 1; ");
    assert_int_equal(core_starting(story->core, "m"), 1);
    assert_true(reserved_mb(story, "h") > 0);
    assert_int_equal(story_stats(story).starting, 1);
    story_arrive(story, "2"); /* one start is enough */
    story_did(story, "queued 2 2; ");
    story_ended(story, CORE_START_ENDED, NULL);
    report_worker(story, "h", "w", WORKER_STARTING);
    assert_int_equal(core_starting(story->core, "m"), 1);
    story_forget(story);
    report_worker(story, "h", "w", WORKER_READY);
    story_did(story, "dispatch 1 w; ");
    assert_int_equal(core_starting(story->core, "m"), 0);
    assert_int_equal(reserved_mb(story, "h"), 0);
    assert_int_equal(story_stats(story).started_total, 1);
}

static void a_worker_that_was_there_before_does_not_end_a_start(void **state)
{
    struct worker_facts w = story_worker("old", "m", 1);
    struct story *story = *state;

    report_worker(story, "h", "old", WORKER_DRAINING);
    story_tick(story, 1);
    story_arrive(story, "1");
    w.state = WORKER_READY;
    story_report(story, "h", &w, 1);
    assert_int_equal(core_starting(story->core, "m"), 1);
}

static void a_model_that_nobody_lists_or_would_start_has_no_workers(void **state)
{
    struct job_spec elsewhere = story_spec("1", "n");
    struct story *story = *state;

    story_handle(story,
                 (struct core_event){ .kind = CORE_MODEL_KNOWN, .u.known = { .model = "n" } });
    story_arrive_spec(story, &elsewhere);
    story_did(story, "fail 1 no_workers_available; ");

    story_lists(story, "any", ""); /* lists none: may have any */
    story_arrive_spec(story, &elsewhere);
    story_did(story, "start n any; queued 1 1; ");

    story->options.strategy = &strategy_simple;
    story_restart(story);
    story_lists(story, "h", "m");
    story_arrive(story, "1");
    story_did(story, "fail 1 no_workers_available; ");
}

static void a_hive_that_has_just_begun_is_waited_for(void **state)
{
    static const struct {
        enum hive_status status;
        enum hive_health health;
        const char *answer;
    } cases[] = {
        { HIVE_STARTING, HIVE_HEALTHY, "queued 1 1; " },
        { HIVE_STARTING, HIVE_UNHEALTHY, "fail 1 no_workers_available; " },
        { HIVE_STOPPING, HIVE_HEALTHY, "fail 1 no_workers_available; " },
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        report_hive(story, "h", cases[i].status, cases[i].health);
        story_arrive(story, "1");
        story_did(story, cases[i].answer);
    }
    story_restart(story);
    report_hive(story, "h", HIVE_STARTING, HIVE_HEALTHY);
    story_arrive(story, "1");
    story_did(story, "queued 1 1; ");
    story->now_ms += 1000;
    report_hive(story, "h", HIVE_READY, HIVE_HEALTHY);
    story_did(story, "start m h; ");
}

static void pins_hold_for_starts(void **state)
{
    struct worker_facts w = story_worker("w", "m", 1);
    struct story *story = *state;

    story_lists(story, "other", "n");
    story_arrive_pinned(story, "1", "", "other");
    story_did(story, "fail 1 no_workers_available; ");
    w.state = WORKER_DRAINING;
    story_report(story, "h", &w, 1);
    story_forget(story);
    story_arrive_pinned(story, "2", "w", ""); /* another worker would not do */
    story_did(story, "fail 2 no_workers_available; ");
    story_arrive_pinned(story, "3", "", "h");
    story_did(story, "start m h; queued 3 1; ");
}

static void a_start_that_fails_is_tried_again_later_and_then_given_up(void **state)
{
    static const uint64_t waits_ms[] = { 5000, 10000 };
    struct story *story = *state;

    story->options.queue_timeout_ms = 100000;
    story_restart(story);
    story_lists(story, "h", "m");
    story_arrive(story, "1");
    story_did(story, "start m h; queued 1 1; ");
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(waits_ms[0]); i++) {
        story_ended(story, CORE_START_ENDED, "no such file");
        story_did(story, "");
        assert_int_equal(core_starting(story->core, "m"), 0);
        assert_int_equal(reserved_mb(story, "h"), 0);
        for (uint64_t ms = 0; ms < waits_ms[i]; ms += 1000) {
            story_did(story, "");
            story->now_ms += 1000;
            story_lists(story, "h", "m");
        }
        story_did(story, "start m h; ");
    }
    story_ended(story, CORE_START_ENDED, "no such file");
    story_did(story, "fail 1 no_workers_available; ");
    assert_non_null(strstr(story->last_fail.msg, "Starting one on hive 'h' failed: no such file"));
    story_arrive(story, "2");
    story_did(story, "fail 2 no_workers_available; ");
    story->now_ms += 20000;
    story_lists(story, "h", "m");
    story_arrive(story, "3");
    story_did(story, "start m h; queued 3 1; ");
    report_worker(story, "h", "w", WORKER_READY); /* all is forgiven */
    story_forget(story);
    story_finished(story, "3");
    story_report(story, "h", NULL, 0);
    story_arrive(story, "4");
    story_ended(story, CORE_START_ENDED, "once");
    story_did(story, "start m h; queued 4 1; ");
}

static void a_worker_that_failed_is_no_hope(void **state)
{
    struct worker_facts w = story_worker("w", "m", 1);
    struct story *story = *state;

    story->options.strategy = &strategy_simple; /* which starts none */
    story_restart(story);
    w.state = WORKER_STARTING;
    story_report(story, "i", &w, 1);
    story_arrive(story, "1");
    story_forget(story);
    w.state = WORKER_FAILED;
    (void)snprintf(w.reason, sizeof(w.reason), "ended by itself with code 3");
    story_report(story, "i", &w, 1);
    story_did(story, "fail 1 no_workers_available; ");
    assert_string_equal(story->last_fail.msg, "No available worker found for model 'm'. Worker 'w' "
                                              "failed: ended by itself with code 3");
    story_arrive(story, "2");
    story_did(story, "fail 2 no_workers_available; ");
    assert_non_null(strstr(story->last_fail.msg, "Worker 'w' failed: ended by itself"));
}

static void a_worker_that_is_silent_and_comes_back_failed_is_no_hope_any_more(void **state)
{
    struct worker_facts w = story_worker("w", "m", 1);
    struct story *story = *state;

    story->options.strategy = &strategy_simple;
    story_restart(story);
    story_report(story, "i", &w, 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_tick(story, 10001);
    story_forget(story);
    w.state = WORKER_FAILED;
    story_report(story, "i", &w, 1);
    story_did(story, "fail 2 no_workers_available; ");
}

static void
a_start_whose_worker_stays_in_the_reports_as_failed_is_given_up_all_the_same(void **state)
{
    struct story *story = *state;

    story->options.queue_timeout_ms = 100000;
    story_restart(story);
    story_lists(story, "h", "m");
    story_arrive(story, "1");
    for (unsigned i = 0; i < 3; i++) {
        report_worker(story, "h", "w", WORKER_FAILED);
        story_ended(story, CORE_START_ENDED, "worker 'w' for model 'm': no such device");
        for (unsigned seconds = 0; i < 2 && seconds < 10; seconds++) {
            story->now_ms += 1000;
            report_worker(story, "h", "w", WORKER_FAILED);
        }
    }
    story_did(story, "start m h; queued 1 1; model m; start m h; start m h; "
                     "fail 1 no_workers_available; ");
    assert_non_null(strstr(story->last_fail.msg, "worker 'w' for model 'm': no such device"));
    assert_int_equal(core_last_setback(story->core, "m")->failures, 3);
}

/* However many wait for something else, in front of it. */
static void every_model_that_is_waited_for_is_thought_of_again(void **state)
{
    struct job_spec n = story_spec("last", "n");
    struct story *story = *state;
    char id[16];

    story_lists(story, "i", "n");
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
    }
    story_arrive_spec(story, &n);
    story_ended(story, CORE_START_ENDED, "busy");
    story_forget(story);
    story_tick(story, 4999);
    story_did(story, "");
    story_tick(story, 1000);
    story_did(story, "start n i; ");
}

static void a_start_that_never_gets_ready_is_given_up_in_time(void **state)
{
    struct story *story = *state;

    story->options.start_timeout_ms = 2500;
    story_restart(story);
    story_lists(story, "h", "m");
    story_arrive(story, "1");
    story_ended(story, CORE_START_ENDED, NULL);
    story_forget(story);
    story_tick(story, 2499);
    assert_int_equal(core_starting(story->core, "m"), 1);
    story_tick(story, 1);
    assert_int_equal(core_starting(story->core, "m"), 0);
    assert_int_equal(reserved_mb(story, "h"), 0);
    story_ended(story, CORE_START_ENDED, "too late");
    story_did(story, "");
}

static void a_start_that_is_left_to_a_silent_hive_is_known(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_ended(story, CORE_START_ENDED, NULL);
    assert_null(core_offline_start(story->core, "m"));
    story_tick(story, 20000);
    assert_int_equal(core_starting(story->core, "m"), 1);
    assert_string_equal(core_offline_start(story->core, "m"), "h");
    assert_null(core_offline_start(story->core, "n"));
}

static void when_the_last_hive_that_could_goes_nobody_waits_for_it(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_ended(story, CORE_START_ENDED, "busy");
    story_forget(story);
    story_tick(story, 20000); /* silent: it may come back */
    story_did(story, "");
    story_tick(story, 40001);
    story_did(story, "fail 1 no_workers_available; ");

    story_lists(story, "h", "m");
    story_arrive(story, "2");
    story_ended(story, CORE_START_ENDED, "busy");
    story_forget(story);
    story_lists(story, "h", "other"); /* it has it no more */
    story_did(story, "fail 2 no_workers_available; ");
}

static void no_more_are_started_at_once_than_may_be(void **state)
{
    struct job_spec n = story_spec("2", "n");
    struct story *story = *state;

    story->options.starts_max = 1;
    story_restart(story);
    story_lists(story, "h", "m");
    story_lists(story, "i", "n");
    story_arrive(story, "1");
    story_arrive_spec(story, &n);
    story_did(story, "start m h; queued 1 1; queued 2 1; ");
    assert_string_equal(story->decided.message, "1 workers are being started; no more at once");
    story_ended(story, CORE_START_ENDED, "no");
    story_tick(story, 1000);
    story_did(story, "start n i; ");
}

static void a_policy_starts_a_model_once_per_hive(void **state)
{
    struct decision both[2] = { story_start("m", "h"), story_start("m", "") };
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, true);
    story_arrive(story, "1");
    story_forget(story);
    story_answer(story, both, 2);
    story_did(story, "start m h; queued 1 1; ");
    assert_string_equal(story->decided.asked_policy, "mine");
    assert_string_equal(story->decided.message,
                        "decision 2 of 2: a worker of 'm' is being started on hive 'h' already");
}

static void a_hive_that_lists_the_model_is_preferred_to_one_that_may_have_it(void **state)
{
    struct story *story = *state;

    story_restart(story);
    story_lists(story, "any", "");
    story_lists(story, "h", "m");
    story_arrive(story, "1");
    story_did(story, "start m h; queued 1 1; ");
}

/* --- Evictions ---------------------------------------------------------------------------- */

static void prepare_eviction(struct story *story)
{
    story->options.min_residency_ms = 1000;
    story->options.strategy = &strategy_simple;
    story_restart(story);
    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_tick(story, 1000);
    story_arrive(story, "1");
    story_forget(story);
    story_answer_one(story, story_evict("w1"));
    story_did(story, "evict w1 hive-w1; queued 1 1; ");
}

static void an_evicted_worker_gets_no_work(void **state)
{
    struct story *story = *state;

    prepare_eviction(story);
    story_arrive(story, "2");
    story_forget(story);
    story_answer_one(story, story_dispatch("2", "w1"));
    story_did(story, "dispatch 2 w2; ");
    assert_string_equal(story->decided.message, "worker 'w1' is being stopped");
    story_ended(story, CORE_EVICT_ENDED, NULL);
    story_have(story, "w1", 1); /* not yet gone */
    story_did(story, "");
    story_report(story, "hive-w1", NULL, 0);
    story->now_ms += 1;
    story_have(story, "w1", 1); /* another one by that name */
    story_did(story, "ask job 1; ");
    assert_int_equal(story_stats(story).evicted_total, 1);
}

static void a_worker_that_stays_after_all_works_again(void **state)
{
    struct story *story = *state;

    prepare_eviction(story);
    story_ended(story, CORE_EVICT_ENDED, "it does not answer");
    story_did(story, "ask job 1; ");
    story_answer_one(story, story_dispatch("", "w1"));
    story_did(story, "dispatch 1 w1; ");
}

static void an_eviction_that_nobody_answers_ends_some_time(void **state)
{
    struct story *story = *state;

    prepare_eviction(story);
    for (int i = 0; i < 121; i++) {
        story->now_ms += 1000;
        story_have(story, "w1", 1);
        story_have(story, "w2", 1);
        if (strstr(story->did, "ask"))
            story_answer(story, NULL, 0);
        story_forget(story);
    }
    assert_int_equal(worker_room(registry_worker(core_registry(story->core), "w1")), 1);
}

static void a_core_is_freed_with_its_starts_and_evictions(void **state)
{
    struct story *story = *state;

    prepare_eviction(story);
    story_lists(story, "h", "m");
    story_arrive(story, "2");
    story_answer_one(story, story_start("m", "h"));
    assert_int_equal(story_stats(story).starting, 1);
}

static void look_for_waiting(const struct strategy *self, const struct core *core, uint64_t now_ms,
                             struct decisions *ret)
{
    (void)self;
    (void)now_ms;
    if (job_queue_waiting(core_queue(core), "m") > 0 && core_starting(core, "m") == 0)
        ret->items[ret->len++] = story_start("m", "h");
}

static void a_policy_that_never_speaks_of_starts_leaves_them_to_the_strategy(void **state)
{
    static const struct strategy looking = { .name = "looking",
                                             .decide = decide_to_start,
                                             .look_around = look_for_waiting,
                                             .starts_workers = true };
    struct story *story = *state;

    for (int speaks = 0; speaks < 2; speaks++) {
        story->options.strategy = &looking;
        story_restart(story);
        story_lists(story, "h", "m");
        story_policy(story, POLICY_ENTRY_JOB, 0, speaks);
        story_arrive(story, "1");
        story_forget(story);
        story_answer(story, NULL, 0); /* the job waits */
        story_tick(story, story->options.housekeeping_ms + 1);
        assert_int_equal(core_starting(story->core, "m"), speaks ? 0 : 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, story_teardown)
        TEST(a_job_waits_for_a_worker_that_is_started_for_it),
        TEST(a_worker_that_was_there_before_does_not_end_a_start),
        TEST(a_model_that_nobody_lists_or_would_start_has_no_workers),
        TEST(a_hive_that_has_just_begun_is_waited_for),
        TEST(pins_hold_for_starts),
        TEST(a_start_that_fails_is_tried_again_later_and_then_given_up),
        TEST(a_worker_that_failed_is_no_hope),
        TEST(a_worker_that_is_silent_and_comes_back_failed_is_no_hope_any_more),
        TEST(a_start_whose_worker_stays_in_the_reports_as_failed_is_given_up_all_the_same),
        TEST(every_model_that_is_waited_for_is_thought_of_again),
        TEST(a_start_that_never_gets_ready_is_given_up_in_time),
        TEST(a_start_that_is_left_to_a_silent_hive_is_known),
        TEST(when_the_last_hive_that_could_goes_nobody_waits_for_it),
        TEST(no_more_are_started_at_once_than_may_be),
        TEST(a_policy_starts_a_model_once_per_hive),
        TEST(a_hive_that_lists_the_model_is_preferred_to_one_that_may_have_it),
        TEST(an_evicted_worker_gets_no_work),
        TEST(a_worker_that_stays_after_all_works_again),
        TEST(an_eviction_that_nobody_answers_ends_some_time),
        TEST(a_policy_that_never_speaks_of_starts_leaves_them_to_the_strategy),
        TEST(a_core_is_freed_with_its_starts_and_evictions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
