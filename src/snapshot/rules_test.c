#include "snapshot/snapshot.h"
#include "snapshot/test_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What each worker counts as; absent facts bind nobody. */
static void room_idleness_and_rest_follow_from_facts(void **state)
{
    static const struct {
        const char *name;
        struct snap_worker worker;
        uint32_t room;
        bool is_idle, is_at_rest;
    } cases[] = {
        { "nothing said but unsaid", { .status = SNAP_UNSAID }, SNAP_SLOTS_UNSAID, true, true },
        { "unsaid, GPU busy",
          { .status = SNAP_UNSAID, .gpu_util_pct = 3 },
          SNAP_SLOTS_UNSAID,
          false,
          false },
        { "unsaid slots, one runs",
          { .status = SNAP_READY, .active = 1, .in_flight = 1 },
          SNAP_SLOTS_UNSAID,
          false,
          false },
        { "unsaid slots, busy", { .status = SNAP_BUSY }, 0, false, false },
        { "free", { .status = SNAP_READY, .slots = 2 }, 2, true, true },
        { "one of two runs",
          { .status = SNAP_READY, .slots = 2, .active = 1, .in_flight = 1 },
          1,
          true,
          false },
        { "its own run explains the GPU",
          { .status = SNAP_READY, .slots = 2, .active = 1, .in_flight = 1, .gpu_util_pct = 90 },
          1,
          true,
          false },
        { "nobody explains the GPU",
          { .status = SNAP_READY, .slots = 2, .gpu_util_pct = 90 },
          2,
          false,
          false },
        { "full", { .status = SNAP_READY, .slots = 2, .active = 2 }, 0, false, false },
        { "overfull", { .status = SNAP_BUSY, .slots = 2, .active = 9 }, 0, false, false },
        { "called busy, has room", { .status = SNAP_BUSY, .slots = 2 }, 2, true, false },
        { "starting", { .status = SNAP_STARTING, .slots = 2 }, 0, false, false },
        { "draining", { .status = SNAP_DRAINING, .slots = 2 }, 0, false, false },
        { "failed", { .status = SNAP_FAILED, .slots = 2 }, 0, false, false },
        { "offline", { .status = SNAP_READY, .slots = 2, .live = SNAP_OFFLINE }, 0, false, false },
        { "degraded", { .status = SNAP_READY, .slots = 2, .live = SNAP_DEGRADED }, 2, true, true },
        { "a status that is none", { .status = 99, .slots = 2 }, 0, false, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct snap_worker *w = &cases[i].worker;

        if (snapshot_room(w) != cases[i].room || snapshot_is_idle(w) != cases[i].is_idle ||
            snapshot_is_at_rest(w) != cases[i].is_at_rest)
            fail_msg("%s", cases[i].name);
    }
}

static void the_status_that_policies_read_has_five_words(void **state)
{
    (void)state;
    assert_string_equal(snapshot_status_name(&(struct snap_worker){ .status = SNAP_BUSY }), "busy");
    assert_string_equal(snapshot_status_name(&(struct snap_worker){ .status = SNAP_UNSAID }), "");
    assert_string_equal(snapshot_status_name(&(struct snap_worker){ .status = 77 }), "");
    assert_string_equal(
        snapshot_status_name(&(struct snap_worker){ .status = SNAP_READY, .live = SNAP_OFFLINE }),
        "failed");
}

/* One thing wrong at a time, in the order in which they are looked at. */
static void the_first_reason_why_a_job_cannot_run_is_told(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    (void)rows_model(s, "a");
    (void)rows_model(s, "b");
    struct snap_worker *w = rows_worker(s, "w0", 0);
    (void)rows_worker(s, "w1", 0);
    struct snap_job *job = rows_job(s, "j", 1);
    w->pool_id = TEXT(s, "h0");
    w->active = 4;
    w->status = SNAP_STARTING;
    w->live = SNAP_OFFLINE;
    job->pinned_worker_id = TEXT(s, "w1");
    job->pinned_pool_id = TEXT(s, "h1");
    job->tried_len = 2;
    job->tried[1].worker = 0;
    job->tried[1].generation = 1;

    assert_int_equal(snapshot_can_run(s, w, job), SNAP_WRONG_MODEL);
    job->model = 0;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_WRONG_WORKER);
    job->pinned_worker_id = w->id;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_WRONG_POOL);
    job->pinned_pool_id = w->pool_id;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_TRIED);
    w->generation = 2; /* another worker by now */
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_OFFLINE_NOW);
    w->live = SNAP_DEGRADED;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_NOT_READY);
    w->status = SNAP_READY;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_NO_ROOM);
    w->active = 3;
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_OK);
    assert_string_equal(snap_verdict_name(SNAP_NO_ROOM), "no_room");
}

static void
a_job_for_a_model_that_nobody_lists_runs_nowhere_and_one_for_any_model_does(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    struct snap_worker *w = rows_worker(s, "w", SNAP_NONE);
    struct snap_job *job = rows_job(s, "j", SNAP_NONE);
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_OK);
    job->model_ref = TEXT(s, "m");
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_WRONG_MODEL);
}

static void only_workers_at_rest_for_long_enough_may_be_evicted(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_worker *w = rows_worker(s, "w", SNAP_NONE);
    (void)state;

    assert_true(snapshot_can_evict(s, w, 30000)); /* nobody said since when */
    w->first_seen_ms = s->header.now_ms - 20000;
    assert_int_equal(snapshot_residency_ms(s, w), 20000);
    assert_false(snapshot_can_evict(s, w, 30000));
    assert_true(snapshot_can_evict(s, w, 20000));
    w->given = SNAP_HAS_RESIDENCY;
    w->residency_ms = 40000;
    assert_true(snapshot_can_evict(s, w, 30000));
    w->is_pinned = 1;
    assert_false(snapshot_can_evict(s, w, 0));
    w->is_pinned = 0;
    w->is_static = 1;
    assert_false(snapshot_can_evict(s, w, 0));
    w->is_static = 0;
    w->active_reported = 1; /* its run has just ended: the core still waits for a report */
    assert_false(snapshot_can_evict(s, w, 0));
    w->active_reported = 0;
    w->active = 1;
    assert_false(snapshot_can_evict(s, w, 0));
}

static void times_are_counted_from_the_contexts_clock_unless_given(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_job *job = rows_job(s, "j", SNAP_NONE);
    (void)state;

    assert_int_equal(snapshot_job_wait_ms(s, job), 0);
    job->created_at_ms = s->header.now_ms + 5; /* a clock that was set back */
    assert_int_equal(snapshot_job_wait_ms(s, job), 0);
    job->created_at_ms = s->header.now_ms - 5;
    assert_int_equal(snapshot_job_wait_ms(s, job), 5);
    job->given = SNAP_HAS_WAIT;
    assert_int_equal(snapshot_job_wait_ms(s, job), 0);

    job->deadline_at_ms = 5;
    assert_true(snapshot_job_deadline_ms(s, job) == SNAP_NO_DEADLINE);
    job->given = SNAP_HAS_DEADLINE;
    assert_int_equal(snapshot_job_deadline_ms(s, job), 5 - (int64_t)s->header.now_ms);
    job->deadline_at_ms = INT64_MIN;
    assert_true(snapshot_job_deadline_ms(s, job) == SNAP_NO_DEADLINE); /* nonsense */
}

static void memory_is_what_is_given_or_what_is_left(void **state)
{
    struct snap_worker w = { .total_vram_mb = 10, .vram_mb = 4, .vram_free_mb = 1 };
    (void)state;

    assert_int_equal(snapshot_vram_free_mb(&w), 6);
    w.vram_mb = 11;
    assert_int_equal(snapshot_vram_free_mb(&w), 0);
    w.given = SNAP_HAS_VRAM_FREE;
    assert_int_equal(snapshot_vram_free_mb(&w), 1);
    assert_int_equal(snapshot_gpu_free_mb(&(struct snap_gpu){ .vram_allocated_mb = 1 }), 0);
}

static void uncached_tokens_are_those_that_no_cache_holds(void **state)
{
    struct snap_job job = { .prompt_tokens = 100, .warm_len = 2 };
    (void)state;

    job.warm[0] = (struct snap_warm){ .worker = 3, .cached_tokens = 60 };
    job.warm[1] = (struct snap_warm){ .worker = 4, .cached_tokens = 600 };
    assert_int_equal(snapshot_uncached_tokens(&job, 2), 100);
    assert_int_equal(snapshot_uncached_tokens(&job, 3), 40);
    assert_int_equal(snapshot_uncached_tokens(&job, 4), 0);
}

static void a_capability_is_the_one_or_one_of_the_list(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_worker *w = rows_worker(s, "w", SNAP_NONE);
    (void)state;

    assert_false(snapshot_has_capability(s, w, str_of("")));
    w->capability = TEXT(s, "text-gen");
    w->capabilities = LIST(s, "embeddings\0vision");
    assert_true(snapshot_has_capability(s, w, str_of("text-gen")));
    assert_true(snapshot_has_capability(s, w, str_of("vision")));
    assert_false(snapshot_has_capability(s, w, str_of("text")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_idleness_and_rest_follow_from_facts),
        cmocka_unit_test(the_status_that_policies_read_has_five_words),
        cmocka_unit_test(the_first_reason_why_a_job_cannot_run_is_told),
        cmocka_unit_test(
            a_job_for_a_model_that_nobody_lists_runs_nowhere_and_one_for_any_model_does),
        cmocka_unit_test(only_workers_at_rest_for_long_enough_may_be_evicted),
        cmocka_unit_test(times_are_counted_from_the_contexts_clock_unless_given),
        cmocka_unit_test(memory_is_what_is_given_or_what_is_left),
        cmocka_unit_test(uncached_tokens_are_those_that_no_cache_holds),
        cmocka_unit_test(a_capability_is_the_one_or_one_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
