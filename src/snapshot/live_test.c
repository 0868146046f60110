/* What a live snapshot costs, what fits, and what single rows tell. */
#include "snapshot/live.h"

#include "snapshot/test_live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void add_fleet(struct world *w, unsigned hives, unsigned workers_each, const char *label)
{
    struct worker_facts *workers = mem_alloc(workers_each, sizeof(*workers));
    struct err err;

    for (unsigned h = 0; h < hives; h++) {
        struct hive_facts hive = { .address = "127.0.0.1", .port = 2 };

        (void)snprintf(hive.id, sizeof(hive.id), "h%u", h);
        for (unsigned i = 0; i < workers_each; i++) {
            struct worker_facts *f = &workers[i];

            (void)snprintf(f->id, sizeof(f->id), "w%u-%u", h, i);
            (void)snprintf(f->model, sizeof(f->model), "m%u", i % 10);
            (void)snprintf(f->address, sizeof(f->address), "127.0.0.1");
            f->port = 1;
            f->state = WORKER_READY;
            f->slots = 4;
            if (label)
                assert_int_equal(labels_set(&f->labels, str_of("note"), str_of(label), &err), 0);
        }
        handle(w, (struct core_event){ .kind = CORE_HIVE_REPORT,
                                       .u.report = { .hive = &hive,
                                                     .workers = workers,
                                                     .workers_len = workers_each } });
    }
    for (unsigned i = 0; i < workers_each; i++)
        labels_free(&workers[i].labels);
    free(workers);
}

static uint64_t versions_of_a_sync(struct world *w)
{
    uint64_t before = region_version(live_region(w->live));

    (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, w->now_ms);
    return region_version(live_region(w->live)) - before;
}

static void a_sync_writes_the_rows_that_changed_and_no_others(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .id = "job-1", .model = "m3", .prompt_tokens = 9 };
    (void)state;

    add_fleet(w, 100, 100, NULL);
    assert_true(versions_of_a_sync(w) > 10000);
    assert_int_equal(versions_of_a_sync(w), 0);
    w->now_ms++;
    assert_int_equal(versions_of_a_sync(w), 1); /* the clock, in the header */
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    assert_int_equal(versions_of_a_sync(w), 2); /* the worker that runs it, its model */
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.metrics.total_workers, 10000);
    assert_int_equal(s->header.metrics.ready_workers, 10000);
    free_world(w);
}

static void texts_that_come_and_go_do_not_fill_the_arena(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .model = "m0", .worker_id = "w0-0", .temperature = -1 };
    (void)state;

    add_fleet(w, 1, 1, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        struct err err;
        char value[LABEL_VALUE_MAX];

        (void)snprintf(spec.id, sizeof(spec.id), "job-%u", i);
        (void)snprintf(value, sizeof(value), "%0400u", i);
        assert_int_equal(labels_set(&spec.labels, str_of("k"), str_of(value), &err), 0);
        handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
        const struct job *job = core_job(w->core, spec.id);
        uint32_t row = live_sync(w->live, job, LIVE_NO_WINDOW, w->now_ms);
        const struct snapshot *s = live_snapshot(w->live);
        assert_true(str_eq(snapshot_text(s, snapshot_job(s, row)->id), spec.id));
        assert_int_equal(snapshot_job(s, row)->labels.len, 2 + strlen(value) + 1);
        handle(w, (struct core_event){ .kind = CORE_JOB_CANCELLED,
                                       .u.cancelled = { .job_id = spec.id } });
    }
    labels_free(&spec.labels);
    free_world(w);
}

static void what_does_not_fit_reads_as_empty_and_ids_still_fit(void **state)
{
    struct world *w = make_world(1);
    char label[LABEL_VALUE_MAX];
    size_t kept = 0;
    (void)state;

    memset(label, 'x', sizeof(label));
    label[LABEL_VALUE_MAX - 1] = '\0';
    add_fleet(w, 40, 500, label); /* 20,000 of 1 KiB each, in an arena of 24 MiB */
    for (int i = 0; i < 3; i++)
        (void)live_sync(w->live, NULL, LIVE_WINDOW, ++w->now_ms);
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.metrics.total_workers, 20000);
    for (uint32_t row = 0; row < s->header.workers; row++) {
        if (!snapshot_worker(s, row))
            continue;
        assert_true(s->workers[row].id.len > 0);
        kept += s->workers[row].labels.len > 0;
    }
    assert_true(kept > 5000 && kept < 20000);
    free_world(w);
}

static void a_full_arena_starts_over_when_that_helps(void **state)
{
    struct world *w = make_world(1);
    char label[LABEL_VALUE_MAX];
    (void)state;

    memset(label, 'x', sizeof(label));
    label[LABEL_VALUE_MAX - 1] = '\0';
    add_fleet(w, 40, 400, label);
    (void)live_sync(w->live, NULL, LIVE_WINDOW, w->now_ms);
    label[200] = '\0'; /* chunks of another size: those of before are of no use */
    for (int i = 0; i < 2; i++) {
        add_fleet(w, 40, 400, label);
        (void)live_sync(w->live, NULL, LIVE_WINDOW, ++w->now_ms);
    }
    const struct snapshot *s = live_snapshot(w->live);
    for (uint32_t row = 0; row < s->header.workers; row++) {
        if (snapshot_worker(s, row))
            assert_int_equal(s->workers[row].labels.len, 5 + 200 + 1);
    }
    free_world(w);
}

static struct worker_facts one_slot(const char *id, uint32_t active)
{
    struct worker_facts f = {
        .address = "127.0.0.1", .port = 1, .state = WORKER_READY, .slots = 1, .active = active
    };

    (void)snprintf(f.id, sizeof(f.id), "%s", id);
    (void)snprintf(f.model, sizeof(f.model), "m");
    return f;
}

static void report_two(struct world *w, const char *region)
{
    struct worker_facts workers[2] = { one_slot("free", 0), one_slot("full", 1) };
    struct hive_facts hive = { .id = "h", .address = "127.0.0.1", .port = 2 };
    struct err err;

    assert_int_equal(labels_set(&hive.labels, str_of("geo.region"), str_of(region), &err), 0);
    handle(w, (struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &hive, .workers = workers, .workers_len = 2 } });
    labels_free(&hive.labels);
}

static void workers_stand_where_their_pool_stands_by_now(void **state)
{
    static const char *const regions[] = { "EU", "US", "a longer name of a region" };
    struct world *w = make_world(1);
    (void)state;

    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        report_two(w, regions[i]);
        (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, w->now_ms);
        const struct snapshot *s = live_snapshot(w->live);
        for (uint32_t row = 0; row < 2; row++)
            assert_true(str_eq(snapshot_text(s, s->workers[row].region), regions[i]));
    }
    free_world(w);
}

static void a_job_that_comes_back_names_the_workers_that_failed_it(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .id = "job-1", .model = "m", .temperature = -1 };
    struct core_event failure = { .kind = CORE_RUN_FAILED,
                                  .u.run = {
                                      .job_id = spec.id, .attempt = 1, .failure = RUN_REFUSED } };
    (void)state;

    report_two(w, "EU");
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    (void)err_set(&failure.u.run.err, ERR_UPSTREAM, "no");
    handle(w, failure);
    uint32_t row = live_sync(w->live, core_job(w->core, spec.id), LIVE_WINDOW, w->now_ms);
    const struct snapshot *s = live_snapshot(w->live);
    const struct snap_job *job = snapshot_job(s, row);
    assert_int_equal(s->header.first_job, row);
    assert_int_equal(job->retry_count, 1);
    uint32_t worker = snapshot_find_worker(s, str_of("free"));
    assert_int_equal(snapshot_can_run(s, &s->workers[worker], job), SNAP_TRIED);
    worker = snapshot_find_worker(s, str_of("full"));
    assert_int_equal(snapshot_can_run(s, &s->workers[worker], job), SNAP_NO_ROOM);
    free_world(w);
}

static void a_job_that_went_leaves_its_row_to_the_next_one(void **state)
{
    struct world *w = make_world(1);
    struct snapshot *past = mem_alloc(1, sizeof(*past));
    uint32_t rows[2], generations[2];
    uint64_t version = 0;
    (void)state;

    add_fleet(w, 1, 1, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct job_spec spec = { .model = "m0", .temperature = -1, .prompt_tokens = 1 + i };

        (void)snprintf(spec.id, sizeof(spec.id), "job-%u", i);
        (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%u", i);
        version = region_version(live_region(w->live));
        handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
        rows[i] = live_sync(w->live, core_job(w->core, spec.id), LIVE_NO_WINDOW, w->now_ms);
        generations[i] = live_snapshot(w->live)->jobs[rows[i]].generation;
    }
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(rows[0], rows[1]);
    assert_int_not_equal(generations[0], generations[1]);
    assert_true(str_eq(snapshot_text(s, s->jobs[rows[1]].id), "job-1"));
    assert_int_equal(s->jobs[rows[1]].prompt_tokens, 2);
    assert_int_equal(snapshot_find_tenant(s, str_of("t0")), SNAP_NONE);
    assert_int_equal(snapshot_find_tenant(s, str_of("t1")), s->jobs[rows[1]].tenant);
    assert_true(region_at(live_region(w->live), version, past));
    assert_true(str_eq(snapshot_text(past, past->jobs[rows[0]].id), "job-0"));
    free(past);
    free_world(w);
}

static void a_job_of_the_queue_keeps_the_row_that_it_was_asked_about_with(void **state)
{
    enum { SLOTS = 4 };
    struct world *w = make_world(1);
    struct job_spec spec = { .model = "m0", .temperature = -1 };
    (void)state;

    add_fleet(w, 1, 1, NULL);
    for (unsigned i = 0; i <= SLOTS; i++) {
        (void)snprintf(spec.id, sizeof(spec.id), "job-%u", i);
        handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    }
    const struct job *waiting = core_job(w->core, spec.id);
    uint32_t row = live_sync(w->live, waiting, LIVE_NO_WINDOW, w->now_ms);
    assert_int_equal(live_sync(w->live, NULL, LIVE_WINDOW, w->now_ms), SNAP_NONE);
    assert_int_equal(live_snapshot(w->live)->header.first_job, row);
    assert_int_equal(live_sync(w->live, waiting, LIVE_NO_WINDOW, w->now_ms), row);
    free_world(w);
}

static void config_and_wall_clock_are_told(void **state)
{
    struct world *w = make_world(1);
    (void)state;

    (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, 5);
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.now_ms, WALL_MS + 5);
    assert_int_equal(s->header.configs, 2);
    assert_true(str_eq(snapshot_text(s, s->configs[1].value), "0.1"));
    free_world(w);
}

/* As many as a policy is asked about in one message, which no worker has room for. */
static void jobs_that_are_asked_about_together_have_rows_of_their_own(void **state)
{
    enum { TOGETHER = ASKS_OUT_MAX };
    struct world *w = make_world(1);
    struct job_spec spec = { .model = "m0", .worker_id = "w0-0", .temperature = -1 };
    const struct job *jobs[TOGETHER];
    uint32_t rows[TOGETHER];
    (void)state;

    add_fleet(w, 1, 1, NULL);
    for (unsigned i = 0; i < 2 * TOGETHER; i++) {
        (void)snprintf(spec.id, sizeof(spec.id), "job-%u", i);
        handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
        jobs[i % TOGETHER] = core_job(w->core, spec.id);
        if (i % TOGETHER + 1 < TOGETHER)
            continue;
        live_sync_jobs(w->live, jobs, TOGETHER, LIVE_NO_WINDOW, w->now_ms, rows);
        const struct snapshot *s = live_snapshot(w->live);
        assert_int_equal(s->header.asked_job, rows[0]);
        for (unsigned k = 0; k < TOGETHER; k++)
            assert_true(str_eq(snapshot_text(s, snapshot_job(s, rows[k])->id), jobs[k]->spec.id));
    }
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sync_writes_the_rows_that_changed_and_no_others),
        cmocka_unit_test(texts_that_come_and_go_do_not_fill_the_arena),
        cmocka_unit_test(what_does_not_fit_reads_as_empty_and_ids_still_fit),
        cmocka_unit_test(a_full_arena_starts_over_when_that_helps),
        cmocka_unit_test(workers_stand_where_their_pool_stands_by_now),
        cmocka_unit_test(a_job_that_comes_back_names_the_workers_that_failed_it),
        cmocka_unit_test(a_job_that_went_leaves_its_row_to_the_next_one),
        cmocka_unit_test(a_job_of_the_queue_keeps_the_row_that_it_was_asked_about_with),
        cmocka_unit_test(jobs_that_are_asked_about_together_have_rows_of_their_own),
        cmocka_unit_test(config_and_wall_clock_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
