/*
 * A long queue and a large fleet cost what changes, not what there is. Work is counted,
 * not timed: how often the strategy is asked, how many waiting jobs are looked at.
 */
#include "base/mem.h"
#include "scheduler/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { JOBS = 100000, WORKERS = 1000, SLOTS = 4, MODELS = 10, FLEET = 10000 };

static size_t asked;

static void count_and_decide(const struct strategy *self, const struct core *core,
                             const struct job *job, uint64_t now_ms, struct decisions *ret)
{
    asked++;
    strategy_simple.decide(self, core, job, now_ms, ret);
}

static const struct strategy counting = { .name = "counting", .decide = count_and_decide };

/* The runs that the core asked for, in order. */
struct runs {
    char (*job_ids)[JOB_ID_SIZE];
    size_t first, len;
    size_t failed;
};

static struct core *new_core(void)
{
    struct core_options options;

    core_options_init(&options);
    options.strategy = &counting;
    asked = 0;
    return core_new(&options);
}

static void handle(struct core *c, struct runs *runs, struct core_event event)
{
    const struct core_action *actions;
    size_t len;

    core_handle(c, &event);
    actions = core_actions(c, &len);
    for (size_t i = 0; i < len; i++) {
        if (actions[i].kind == CORE_DISPATCH)
            memcpy(runs->job_ids[runs->len++], actions[i].job_id, JOB_ID_SIZE);
        runs->failed += actions[i].kind == CORE_FAIL;
    }
}

static void add_workers(struct core *c, struct runs *runs, int count, uint64_t now_ms)
{
    for (int i = 0; i < count; i++) {
        struct worker_facts w = {
            .address = "127.0.0.1", .port = 8080, .state = WORKER_READY, .slots = SLOTS
        };

        (void)snprintf(w.id, sizeof(w.id), "w%d", i);
        (void)snprintf(w.model, sizeof(w.model), "m%d", i % MODELS);
        handle(c, runs,
               (struct core_event){ .kind = CORE_WORKER_REPORT,
                                    .now_ms = now_ms,
                                    .u.report = { .workers = &w, .workers_len = 1 } });
    }
}

/* Every tenth is pinned to one worker, so that it waits for that one alone. */
static void arrive(struct core *c, struct runs *runs, int number, uint64_t now_ms)
{
    struct job_spec spec = { .bytes = 1000, .deadline_ms = 1000000 };

    (void)snprintf(spec.id, sizeof(spec.id), "%d", number);
    (void)snprintf(spec.model, sizeof(spec.model), "m%d", number % MODELS);
    if (number / MODELS % 10 == 0)
        (void)snprintf(spec.worker_id, sizeof(spec.worker_id), "w%d", number % MODELS);
    handle(c, runs,
           (struct core_event){ .kind = CORE_JOB_ARRIVED, .now_ms = now_ms, .u.arrived = &spec });
}

static void finish(struct core *c, struct runs *runs, uint64_t now_ms)
{
    const char *job_id = runs->job_ids[runs->first++];

    handle(c, runs,
           (struct core_event){ .kind = CORE_RUN_FINISHED,
                                .now_ms = now_ms,
                                .u.run = { .job_id = job_id, .attempt = 1 } });
}

static void cancel(struct core *c, struct runs *runs, int number, uint64_t now_ms)
{
    char id[JOB_ID_SIZE];

    (void)snprintf(id, sizeof(id), "%d", number);
    handle(c, runs,
           (struct core_event){
               .kind = CORE_JOB_CANCELLED, .now_ms = now_ms, .u.cancelled = { .job_id = id } });
}

static void a_hundred_thousand_waiting_jobs_are_ordinary(void **state)
{
    AUTO(free_ptr) void *job_ids = mem_alloc(JOBS, JOB_ID_SIZE);
    struct runs runs = { .job_ids = job_ids };
    struct core *c = new_core();
    struct core_stats stats;
    int cancelled = 0;
    (void)state;

    add_workers(c, &runs, WORKERS, 1);
    for (int i = 0; i < JOBS; i++)
        arrive(c, &runs, i, 1);
    core_get_stats(c, &stats);
    assert_int_equal(stats.jobs, JOBS);
    assert_int_equal(stats.running, WORKERS * SLOTS);
    assert_int_equal(stats.looked_at_total, 0);
    assert_true(asked <= (size_t)WORKERS * SLOTS +
                             (size_t)2 * MODELS); /* the others just join their lanes */

    for (int i = JOBS - 1; i >= JOBS / 2; i -= 2, cancelled++)
        cancel(c, &runs, i, 2);
    while (runs.first < runs.len)
        finish(c, &runs, 2);

    core_get_stats(c, &stats);
    assert_int_equal(stats.jobs, 0);
    assert_int_equal(stats.done_total, JOBS - cancelled);
    assert_int_equal(runs.failed, 0);
    /* Once at arrival at most, and once when it ran. */
    assert_true(asked <= (size_t)2 * JOBS);
    /* Each run that ends looks at the few lanes that its worker serves, at most once for
     * the job that it then starts and once in vain. */
    assert_true(stats.looked_at_total <= (size_t)4 * JOBS);
    core_free(c);
}

static void a_hundred_thousand_timeouts_come_in_bites(void **state)
{
    AUTO(free_ptr) void *job_ids = mem_alloc(JOBS, JOB_ID_SIZE);
    struct runs runs = { .job_ids = job_ids };
    struct core *c = new_core();
    size_t most = 0, events = 0, len;
    (void)state;

    add_workers(c, &runs, WORKERS, 1);
    for (int i = 0; i < JOBS; i++)
        arrive(c, &runs, i, 1);
    for (; core_next_due_ms(c) <= 1000000; events++) {
        handle(c, &runs, (struct core_event){ .kind = CORE_TICK, .now_ms = 1000000 });
        (void)core_actions(c, &len);
        most = len > most ? len : most;
    }
    assert_int_equal(runs.failed, JOBS);
    assert_true(most < JOBS / 10);
    assert_true(events < 1000);
    core_free(c);
}

static void a_hundred_thousand_stranded_jobs_are_given_up_in_bites(void **state)
{
    AUTO(free_ptr) void *job_ids = mem_alloc(JOBS, JOB_ID_SIZE);
    struct runs runs = { .job_ids = job_ids };
    struct core *c = new_core();
    size_t most = 0, events = 0, len;
    struct core_stats stats;
    (void)state;

    add_workers(c, &runs, WORKERS, 1);
    for (int i = 0; i < JOBS; i++)
        arrive(c, &runs, i, 1);
    for (; core_next_due_ms(c) <= 60002; events++) {
        handle(c, &runs, (struct core_event){ .kind = CORE_TICK, .now_ms = 60002 });
        (void)core_actions(c, &len);
        most = len > most ? len : most;
    }
    core_get_stats(c, &stats);
    assert_int_equal(stats.jobs, 0);
    assert_int_equal(runs.failed, JOBS);
    assert_true(most < JOBS / 10);
    assert_true(events < 1000);
    core_free(c);
}

static void a_large_fleet_reports_and_ages_without_being_walked(void **state)
{
    AUTO(free_ptr) void *job_ids = mem_alloc(JOBS, JOB_ID_SIZE);
    struct runs runs = { .job_ids = job_ids };
    struct core *c = new_core();
    struct core_stats stats;
    (void)state;

    add_workers(c, &runs, FLEET, 1);
    for (int i = 0; i < FLEET * SLOTS; i++)
        arrive(c, &runs, i, 1);
    for (uint64_t now_ms = 1001; now_ms <= 3001; now_ms += 1000)
        add_workers(c, &runs, FLEET, now_ms);
    core_get_stats(c, &stats);
    assert_true(stats.looked_at_total <= FLEET);
    assert_true(asked <= (size_t)2 * FLEET * SLOTS);

    handle(c, &runs, (struct core_event){ .kind = CORE_TICK, .now_ms = 3001 + 10001 });
    core_get_stats(c, &stats);
    assert_int_equal(stats.running, 0); /* all lost at once, and nobody to take over */
    assert_int_equal(stats.jobs, stats.queued);
    core_free(c);
}

/* A user policy that lets everybody wait, and is asked as often as it may be. */
static size_t let_wait(struct core *c, uint64_t now_ms)
{
    static uint64_t answered;
    size_t questions = 0;
    struct core_stats stats;

    for (;; questions++) {
        core_get_stats(c, &stats);
        if (answered == stats.asked_total)
            return questions;
        core_handle(c, &(struct core_event){ .kind = CORE_POLICY_ANSWER,
                                             .now_ms = now_ms,
                                             .u.answer = { .ask = ++answered } });
    }
}

static void a_policy_is_not_asked_about_the_whole_queue(void **state)
{
    AUTO(free_ptr) void *job_ids = mem_alloc(JOBS, JOB_ID_SIZE);
    struct runs runs = { .job_ids = job_ids };
    struct core *c = new_core();
    struct core_stats stats;
    size_t questions = 0;
    (void)state;

    add_workers(c, &runs, WORKERS, 1);
    handle(c, &runs,
           (struct core_event){ .kind = CORE_POLICY,
                                .now_ms = 1,
                                .u.policy = { .name = "patient", .entry = POLICY_ENTRY_JOB } });
    for (int i = 0; i < JOBS; i++) {
        arrive(c, &runs, i, 1);
        questions += let_wait(c, 1);
    }
    core_get_stats(c, &stats);
    assert_int_equal(stats.queued, JOBS);
    assert_int_equal(questions, JOBS); /* each once, as it came */

    core_handle(c, &(struct core_event){ .kind = CORE_TICK, .now_ms = 1500 });
    assert_in_range(let_wait(c, 1500), 1, 100); /* the first ones again */
    add_workers(c, &runs, 1, 1500);             /* no new room, no question */
    assert_int_equal(let_wait(c, 1500), 0);
    assert_int_equal(asked, 0); /* nor was the strategy */
    core_get_stats(c, &stats);
    assert_true(stats.looked_at_total <= (size_t)JOBS);
    core_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_thousand_waiting_jobs_are_ordinary),
        cmocka_unit_test(a_hundred_thousand_timeouts_come_in_bites),
        cmocka_unit_test(a_hundred_thousand_stranded_jobs_are_given_up_in_bites),
        cmocka_unit_test(a_policy_is_not_asked_about_the_whole_queue),
        cmocka_unit_test(a_large_fleet_reports_and_ages_without_being_walked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
