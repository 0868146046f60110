/* Who is let in, whose turn it is, what time does, and how jobs end. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

/* --- The answers at arrival ---------------------------------------------- */

static void an_unknown_model_is_told_apart_from_one_without_workers(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_did(story, "fail 1 model_not_found; ");
    assert_non_null(
        strstr(story->last_fail.msg, "The model 'm' does not exist or is not served here. "));
    assert_string_equal(story->last_fail.param, "model");

    story_handle(story,
                 (struct core_event){ .kind = CORE_MODEL_KNOWN, .u.known = { .model = "m" } });
    story_did(story, "");
    story_arrive(story, "1");
    story_did(story, "fail 1 no_workers_available; ");
    assert_string_equal(story->last_fail.msg,
                        "No available worker found for model 'm'. Make sure a worker is running "
                        "and has sent heartbeats to queen.");
    assert_true(story->last_fail.retry_after_ms > 0);
    story_is_at_rest(story);
}

static void a_model_is_noted_once_it_is_served(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_did(story, "model m; ");
    story_have(story, "w2", 1);
    story_did(story, "");
}

static void only_workers_that_may_take_it_some_time_let_a_job_in(void **state)
{
    static const struct {
        enum worker_state worker_state;
        const char *answer;
    } cases[] = {
        { WORKER_STARTING, "queued 1 1; " },
        { WORKER_READY, "dispatch 1 w1; " },
        { WORKER_BUSY, "dispatch 1 w1; " }, /* telemetry's word: slots are counted here */
        { WORKER_DRAINING, "fail 1 no_workers_available; " },
        { WORKER_FAILED, "fail 1 no_workers_available; " },
    };
    struct story *story = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        story_restart(story);
        story_have_state(story, "w1", cases[i].worker_state);
        story_forget(story);
        story_arrive(story, "1");
        story_did(story, cases[i].answer);
    }
}

static void a_pin_to_a_worker_that_went_silent_while_it_started_is_refused(void **state)
{
    struct story *story = *state;

    story_have_state(story, "w1", WORKER_STARTING);
    story_tick(story, 10001);
    story_forget(story);
    story_arrive_pinned(story, "1", "w1", "");
    story_did(story, "fail 1 no_workers_available; ");
}

static void pins_are_checked_and_named(void **state)
{
    struct worker_facts other = story_worker("other", "n", 1);
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_report(story, "hive-other", &other, 1);
    story_forget(story);
    story_arrive_pinned(story, "1", "nobody", "");
    story_did(story, "fail 1 not_found; ");
    assert_non_null(strstr(story->last_fail.msg, "'nobody'"));
    assert_string_equal(story->last_fail.param, "worker_id");
    story_arrive_pinned(story, "1", "", "nowhere");
    story_did(story, "fail 1 not_found; ");
    assert_string_equal(story->last_fail.param, "hive_id");
    story_arrive_pinned(story, "1", "other", "");
    story_did(story, "fail 1 invalid_value; ");
    assert_non_null(strstr(story->last_fail.msg, "Worker 'other' has the model 'n', not 'm'."));
    story_arrive_pinned(story, "1", "w1", "hive-other");
    story_did(story, "fail 1 invalid_value; ");
    story_arrive_pinned(story, "1", "", "hive-other"); /* there, but without that model */
    story_did(story, "fail 1 no_workers_available; ");
    assert_non_null(strstr(story->last_fail.msg, "wants hive 'hive-other' only"));
    story_is_at_rest(story);
}

static void a_full_queue_refuses_by_count_and_by_bytes(void **state)
{
    struct story *story = *state;

    story->options.queue_jobs_max = 2;
    story->options.queue_bytes_max = 150;
    story_restart(story);
    story_have(story, "w1", 1);
    story_arrive(story, "running"); /* the queue's caps are not for those that need not wait */
    story_forget(story);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_did(story, "queued 1 1; fail 2 queue_full; ");
    assert_non_null(strstr(story->last_fail.msg, "bytes"));
    assert_true(story->last_fail.retry_after_ms > 0);
    story_cancel(story, "1");
    struct job_spec small = story_spec("3", "m");
    small.bytes = 10;
    story_arrive_spec(story, &small);
    (void)snprintf(small.id, sizeof(small.id), "4");
    story_arrive_spec(story, &small);
    (void)snprintf(small.id, sizeof(small.id), "5");
    story_arrive_spec(story, &small);
    story_did(story, "queued 3 1; queued 4 2; fail 5 queue_full; ");
    assert_non_null(strstr(story->last_fail.msg, "2 requests wait"));
    small.bytes = UINT64_MAX;
    story_arrive_spec(story, &small);
    story_did(story, "fail 5 queue_full; ");
}

/* --- Order and room ------------------------------------------------------- */

static void jobs_run_in_order_as_slots_become_free(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_did(story, "dispatch 1 w1; queued 2 1; queued 3 2; ");
    assert_int_equal(core_job_position(story->core, "3"), 2);
    assert_int_equal(core_job_position(story->core, "1"), 0);
    story_started(story, "1");
    story_finished(story, "1");
    story_did(story, "dispatch 2 w1; ");
    assert_int_equal(core_job_position(story->core, "3"), 1);
    story_run_event(story, CORE_RUN_FINISHED, "2", 1); /* an answer in one piece */
    story_finished(story, "3");
    story_did(story, "dispatch 3 w1; ");
    story_is_at_rest(story);
    assert_int_equal(story_stats(story).done_total, 3);
}

static void a_burst_inside_one_heartbeat_spreads_over_the_free_slots(void **state)
{
    struct story *story = *state;
    uint32_t in_flight;
    char id[16];

    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "w%d", i);
        story_have(story, id, 8);
    }
    for (int i = 0; i < 100; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
    }
    assert_int_equal(story_stats(story).running, 80);
    assert_int_equal(story_stats(story).queued, 20);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(id, sizeof(id), "w%d", i);
        in_flight = registry_worker(core_registry(story->core), id)->in_flight;
        assert_int_equal(in_flight, 8);
    }
}

static void one_model_without_room_does_not_block_another(void **state)
{
    struct worker_facts w[] = { story_worker("a1", "a", 1), story_worker("b1", "b", 1) };
    struct job_spec a1 = story_spec("1", "a"), a2 = story_spec("2", "a"), b1 = story_spec("3", "b");
    struct story *story = *state;

    story_report(story, "h", w, 2);
    story_forget(story);
    story_arrive_spec(story, &a1);
    story_arrive_spec(story, &a2);
    story_arrive_spec(story, &b1);
    story_did(story, "dispatch 1 a1; queued 2 1; dispatch 3 b1; ");
}

static void a_pinned_job_that_waits_lets_the_others_pass(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_arrive_pinned(story, "2", "w1", "");
    story_arrive_pinned(story, "3", "", "hive-w1");
    story_arrive(story, "4");
    story_did(story, "dispatch 1 w1; queued 2 1; queued 3 2; dispatch 4 w2; ");
    story_arrive(story, "5");
    story_finished(story, "4");
    story_did(story, "queued 5 3; dispatch 5 w2; ");
    story_finished(story, "1");
    story_finished(story, "2");
    story_did(story, "dispatch 2 w1; dispatch 3 w1; ");
}

static void degraded_workers_are_taken_last(void **state)
{
    struct story *story = *state;

    story_have(story, "old", 1);
    story->now_ms += 3001;
    story_have(story, "young", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_did(story, "dispatch 1 young; dispatch 2 old; ");
}

static void a_worker_that_starts_takes_what_waits(void **state)
{
    struct story *story = *state;

    story_have_state(story, "w1", WORKER_STARTING);
    story_forget(story);
    story_arrive(story, "1");
    story_have_state(story, "w1", WORKER_READY);
    story_did(story, "queued 1 1; dispatch 1 w1; ");
}

static void a_draining_worker_finishes_and_takes_nothing_new(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    story_have_state(story, "w1", WORKER_DRAINING);
    story_finished(story, "1");
    story_did(story, "");
    assert_int_equal(story_stats(story).done_total, 1);
    assert_int_equal(story_stats(story).queued, 1);
}

static void foreign_work_takes_room_and_gives_it_back(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 2);
    struct story *story = *state;

    w.active = 2;
    story_report(story, "h", &w, 1);
    story_forget(story);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_did(story, "queued 1 1; queued 2 2; queued 3 3; ");
    w.active = 0;
    story_report(story, "h", &w, 1);
    story_did(story, "dispatch 1 w1; dispatch 2 w1; ");
}

static void more_slots_are_filled_and_fewer_are_waited_for(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 1);
    struct story *story = *state;

    story_report(story, "h", &w, 1);
    for (int i = 1; i <= 4; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
    }
    story_forget(story);
    w.slots = 3;
    story_report(story, "h", &w, 1);
    story_did(story, "dispatch 2 w1; dispatch 3 w1; ");
    w.slots = 1;
    story_report(story, "h", &w, 1);
    story_finished(story, "1");
    story_finished(story, "2");
    story_did(story, "");
    story_finished(story, "3");
    story_did(story, "dispatch 4 w1; ");
}

static void a_worker_that_changes_its_model_serves_the_new_one(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 1);
    struct job_spec other = story_spec("3", "n");
    struct story *story = *state;

    story_report(story, "h", &w, 1);
    story_handle(story,
                 (struct core_event){ .kind = CORE_MODEL_KNOWN, .u.known = { .model = "n" } });
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    w = story_worker("w1", "n", 2);
    story_report(story, "h", &w, 1);
    story_did(story, "fail 2 no_workers_available; "); /* nobody has m any more */
    story_arrive_spec(story, &other);
    story_did(story, "dispatch 3 w1; ");
    story_finished(story, "1");
    story_finished(story, "3");
    story_did(story, "");
    story_is_at_rest(story);
}

static void who_stops_lets_nobody_wait_for_a_worker_that_is_not_there(void **state)
{
    struct job_spec starting = story_spec("starting", "n");
    struct worker_facts n = story_worker("n1", "n", 1);
    struct story *story = *state;

    n.state = WORKER_STARTING;
    story_report(story, "h", &n, 1);
    story_have(story, "w1", 1);
    story_arrive(story, "running");
    story_arrive(story, "next");
    story_arrive_spec(story, &starting);
    story_forget(story);
    story_handle(story, (struct core_event){ .kind = CORE_STOPPING });
    story_did(story, "fail starting unavailable; ");
    assert_non_null(strstr(story->last_fail.msg, "The queen is stopping, and no worker is there"));
    assert_true(story->last_fail.retry_after_ms > 0);
    story_finished(story, "running");
    story_did(story, "dispatch next w1; ");
    story_arrive(story, "late"); /* it came over a connection that was open */
    story_did(story, "queued late 1; ");
    story_arrive_spec(story, &starting);
    story_did(story, "fail starting unavailable; ");
    story_tick(story, 10001); /* its worker falls silent */
    story_did(story, "fail next worker_error; fail late unavailable; ");
    story_is_at_rest(story);
}

/* --- Time ----------------------------------------------------------------- */

static void waiting_ends_with_the_queue_timeout_and_says_why(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    for (int i = 0; i < 299; i++) {
        story->now_ms += 1000;
        story_have(story, "w1", 1);
    }
    story->now_ms += 999;
    story_have(story, "w1", 1);
    story_did(story, "");
    assert_int_equal(core_next_due_ms(story->core), story->now_ms + 1);
    story_tick(story, 1);
    story_did(story, "fail 2 queue_timeout; ");
    assert_non_null(
        strstr(story->last_fail.msg, "No slot for model 'm' became free within 300 s."));
    assert_true(story->last_fail.retry_after_ms > 0);
    story_finished(story, "1");
    story_is_at_rest(story);
}

static void when_the_last_worker_is_silent_jobs_wait_until_it_is_forgotten(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_forget(story);
    story_tick(story, 10001);
    story_did(story, "fail 1 worker_error; ");
    story_tick(story, 49999);
    story_did(story, "");
    story_have(story, "w1", 1);
    story_did(story, "dispatch 2 w1; ");
    story_finished(story, "2");
    story_did(story, "dispatch 3 w1; ");

    story_arrive(story, "4");
    story_arrive_pinned(story, "5", "w1", "");
    story_arrive_pinned(story, "6", "", "hive-w1");
    story_tick(story, 60000);
    story_forget(story);
    story_tick(story, 1);
    story_did(story, "fail 4 no_workers_available; fail 5 no_workers_available; "
                     "fail 6 no_workers_available; ");
    assert_non_null(strstr(story->last_fail.msg, "No available worker found for model 'm'."));
    assert_non_null(strstr(story->last_fail.msg, "The request wants hive 'hive-w1' only."));
    assert_true(story->last_fail.retry_after_ms > 0);
    story_is_at_rest(story);
}

static void when_the_last_worker_is_gone_from_its_hives_report_nobody_waits_for_it(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_arrive_pinned(story, "4", "w1", "");
    story_forget(story);
    story_report(story, "hive-w1", NULL, 0);
    story_did(story, "queued 1 1; fail 4 no_workers_available; "); /* w2 is there for the rest */
    story_report(story, "hive-w2", NULL, 0);
    story_did(story, "fail 2 worker_error; fail 3 no_workers_available; "
                     "fail 1 no_workers_available; ");
    story_is_at_rest(story);
}

static void a_worker_that_stays_silent_beyond_the_queue_timeout_is_named(void **state)
{
    struct story *story = *state;

    story->options.queue_timeout_ms = 20000;
    story_restart(story);
    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_tick(story, 10001);
    story_forget(story);
    story_tick(story, 9999);
    story_did(story, "fail 2 queue_timeout; ");
    assert_non_null(strstr(story->last_fail.msg, "No worker for model 'm' came back within 20 s."));
}

static void a_deadline_is_for_the_first_byte(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 2);
    story_forget(story);
    story_arrive_until(story, "late", story->now_ms);
    story_did(story, "fail late deadline_exceeded; ");
    story_arrive_until(story, "streams", story->now_ms + 500);
    story_arrive_until(story, "hangs", story->now_ms + 500);
    story_arrive_until(story, "waits", story->now_ms + 400);
    story_arrive(story, "patient");
    story_started(story, "streams");
    story_forget(story);
    assert_int_equal(core_next_due_ms(story->core), story->now_ms + 400);
    story_tick(story, 400);
    story_did(story, "fail waits deadline_exceeded; ");
    assert_non_null(strstr(story->last_fail.msg, "in the queue"));
    story_tick(story, 100); /* the slot of the one that hangs is given on */
    story_did(story, "fail hangs deadline_exceeded; dispatch patient w1; ");
    assert_non_null(strstr(story->last_fail.msg, "before the worker's first token"));
    story_finished(story, "streams");
    story_finished(story, "patient");
    story_is_at_rest(story);
}

static void a_job_whose_deadline_passes_with_the_event_that_frees_a_slot_does_not_run(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive_until(story, "2", story->now_ms + 100);
    story_forget(story);
    story->now_ms += 100;
    story_finished(story, "1");
    story_did(story, "fail 2 deadline_exceeded; ");
}

/* --- Ends -------------------------------------------------------------------- */

static void a_cancel_frees_the_slot_in_any_phase(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story_arrive(story, "4");
    story_forget(story);
    story_cancel(story, "3"); /* queued */
    story_did(story, "");
    story_cancel(story, "1"); /* dispatched */
    story_did(story, "dispatch 2 w1; ");
    story_started(story, "2");
    story_cancel(story, "2"); /* streaming */
    story_did(story, "dispatch 4 w1; ");
    story_cancel(story, "4");
    story_cancel(story, "4");
    story_did(story, "");
    story_is_at_rest(story);
    assert_int_equal(story_stats(story).cancelled_total, 4);
}

static void events_that_crossed_are_ignored(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    story_run_event(story, CORE_RUN_STARTED, "2", 0); /* it waits */
    story_run_event(story, CORE_RUN_FINISHED, "1", 2);
    story_run_event(story, CORE_RUN_FAILED, "nobody", 1);
    story_cancel(story, "nobody");
    story_handle(story, (struct core_event){ .kind = CORE_WORKER_REACHABLE,
                                             .u.reach = { .worker_id = "nobody" } });
    story_did(story, "");
    assert_int_equal(story_stats(story).running, 1);
    assert_int_equal(story_stats(story).queued, 1);
}

static void a_core_is_freed_with_its_jobs(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive_until(story, "1", story->now_ms + 1000);
    story_arrive_until(story, "2", story->now_ms + 1000); /* the sanitizer sees what stays behind */
}

/* --- Strategies ---------------------------------------------------------------- */

static void decide_wrongly(const struct strategy *self, const struct core *core,
                           const struct job *job, uint64_t now_ms, struct decisions *ret)
{
    const struct worker *any =
        registry_find_first(core_registry(core), &(struct worker_query){ 0 });

    (void)self;
    (void)job;
    (void)now_ms;
    ret->items[0] = (struct decision){ .action = DECIDE_DISPATCH };
    memcpy(ret->items[0].worker_id, any->facts.id, sizeof(any->facts.id));
    ret->len = 1;
}

static void decide_no(const struct strategy *self, const struct core *core, const struct job *job,
                      uint64_t now_ms, struct decisions *ret)
{
    (void)self;
    (void)core;
    (void)now_ms;
    ret->items[0] = (struct decision){ .action = DECIDE_REJECT, .status = 429, .code = "too_busy" };
    (void)snprintf(ret->items[0].reason, sizeof(ret->items[0].reason), "not %s", job->spec.id);
    ret->len = 1;
}

/* It is asked about one job, and rejects the one before. */
static void decide_about_another(const struct strategy *self, const struct core *core,
                                 const struct job *job, uint64_t now_ms, struct decisions *ret)
{
    strategy_simple.decide(self, core, job, now_ms, ret);
    if (ret->len > 0)
        (void)snprintf(ret->items[0].job_id, JOB_ID_SIZE, "1");
}

static void a_strategy_can_break_no_promise(void **state)
{
    static const struct strategy wrong = { .name = "wrong", .decide = decide_wrongly };
    struct story *story = *state;

    story->options.strategy = &wrong;
    story_restart(story);
    story_have(story, "w1", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_arrive(story, "2"); /* w1 is full now */
    story_did(story, "dispatch 1 w1; queued 2 1; ");
    assert_int_equal(story->decided.failure, POLICY_INVALID);
    assert_string_equal(story->decided.message, "worker 'w1' has no free slot");
    assert_string_equal(story->decided.asked_policy, "");
}

static void a_strategy_decides_about_the_job_it_was_asked_about(void **state)
{
    static const struct strategy other = { .name = "other", .decide = decide_about_another };
    struct story *story = *state;

    story->options.strategy = &other;
    story_restart(story);
    story_have_state(story, "w1", WORKER_STARTING);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_forget(story);
    story_have(story, "w1", 1);
    story_did(story, "dispatch 1 w1; ");
    story_finished(story, "1");
    story_did(story, "");
    assert_string_equal(story->decided.job_id, "2");
    assert_non_null(strstr(story->decided.message, "not asked about"));
}

static void the_strategy_may_come_after_the_core(void **state)
{
    static const struct strategy no = { .name = "no", .decide = decide_no };
    struct story *story = *state;

    core_set_strategy(story->core, &no);
    story_have(story, "w1", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_did(story, "fail 1 policy_rejected; ");
    assert_string_equal(core_policy_name(story->core), "no");
}

static bool is_patient;

static void decide_when_told(const struct strategy *self, const struct core *core,
                             const struct job *job, uint64_t now_ms, struct decisions *ret)
{
    if (!is_patient)
        strategy_simple.decide(self, core, job, now_ms, ret);
}

/* Room alone does not let a job run: the strategy may want it to wait. */
static void nobody_overtakes_those_who_wait_on_the_same_terms(void **state)
{
    static const struct strategy moody = { .name = "moody", .decide = decide_when_told };
    struct story *story = *state;

    story->options.strategy = &moody;
    story_restart(story);
    story_have(story, "w1", 4);
    story_have(story, "w2", 4);
    is_patient = true;
    story_forget(story);
    story_arrive(story, "1");
    is_patient = false;
    story_arrive(story, "2");
    story_did(story, "queued 1 1; queued 2 2; ");
    story_have(story, "w1", 5);
    story_did(story, "dispatch 1 w1; dispatch 2 w1; ");

    is_patient = true;
    story_failed(story, "1", RUN_SILENT, ERR_TIMEOUT, "silence");
    is_patient = false;
    story_failed(story, "2", RUN_SILENT, ERR_TIMEOUT, "silence");
    story_did(story, "queued 1 1; queued 2 2; ");
}

static void a_strategy_may_reject(void **state)
{
    static const struct strategy no = { .name = "no", .decide = decide_no };
    struct story *story = *state;

    story->options.strategy = &no;
    story_restart(story);
    story_have(story, "w1", 1);
    story_forget(story);
    story_arrive(story, "1");
    story_did(story, "fail 1 policy_rejected; ");
    assert_string_equal(story->last_fail.msg, "not 1");
    assert_string_equal(story->last_fail.policy_code, "too_busy");
    assert_int_equal(story->last_fail.policy_status, 429);
    assert_true(story->last_fail.retry_after_ms > 0);
    assert_string_equal(story->decided.policy, "no ");
    story_is_at_rest(story);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
        TEST(an_unknown_model_is_told_apart_from_one_without_workers),
        TEST(a_model_is_noted_once_it_is_served),
        TEST(only_workers_that_may_take_it_some_time_let_a_job_in),
        TEST(a_pin_to_a_worker_that_went_silent_while_it_started_is_refused),
        TEST(pins_are_checked_and_named),
        TEST(a_full_queue_refuses_by_count_and_by_bytes),
        TEST(jobs_run_in_order_as_slots_become_free),
        TEST(a_burst_inside_one_heartbeat_spreads_over_the_free_slots),
        TEST(one_model_without_room_does_not_block_another),
        TEST(a_pinned_job_that_waits_lets_the_others_pass),
        TEST(degraded_workers_are_taken_last),
        TEST(a_worker_that_starts_takes_what_waits),
        TEST(a_draining_worker_finishes_and_takes_nothing_new),
        TEST(foreign_work_takes_room_and_gives_it_back),
        TEST(more_slots_are_filled_and_fewer_are_waited_for),
        TEST(a_worker_that_changes_its_model_serves_the_new_one),
        TEST(who_stops_lets_nobody_wait_for_a_worker_that_is_not_there),
        TEST(waiting_ends_with_the_queue_timeout_and_says_why),
        TEST(when_the_last_worker_is_silent_jobs_wait_until_it_is_forgotten),
        TEST(when_the_last_worker_is_gone_from_its_hives_report_nobody_waits_for_it),
        TEST(a_worker_that_stays_silent_beyond_the_queue_timeout_is_named),
        TEST(a_deadline_is_for_the_first_byte),
        TEST(a_job_whose_deadline_passes_with_the_event_that_frees_a_slot_does_not_run),
        TEST(a_cancel_frees_the_slot_in_any_phase),
        TEST(events_that_crossed_are_ignored),
        TEST(a_core_is_freed_with_its_jobs),
        TEST(a_strategy_can_break_no_promise),
        TEST(a_strategy_decides_about_the_job_it_was_asked_about),
        TEST(nobody_overtakes_those_who_wait_on_the_same_terms),
        TEST(a_strategy_may_reject),
        TEST(the_strategy_may_come_after_the_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
