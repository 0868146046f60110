/*
 * A hundred thousand jobs cost no more per operation than log n allows. Work is counted, not
 * timed: how many jobs job_queue_next() looks at, and how often two of them are compared.
 */
#include "jobs/queue.h"

#include "base/mem.h"
#include "jobs/queue_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum {
    JOBS = 100000,
    TENANTS = 5000,
    LOG_MAX = 40, /* depth of a tree of 100,000: log(n) / log(4/3) */
    POSITION_MAX = 16,
};

static size_t compared;
static order_compare_fn *real_compare[2];

static int count_in_turn(const struct order_node *a, const struct order_node *b)
{
    compared++;
    return real_compare[0](a, b);
}

static int count_in_band(const struct order_node *a, const struct order_node *b)
{
    compared++;
    return real_compare[1](a, b);
}

struct scene {
    struct fairness *fairness;
    struct job_queue *queue;
    struct job **jobs;
};

static int setup(void **state)
{
    struct scene *s = mem_alloc(1, sizeof(*s));
    struct fairness_options fairness;
    struct job_queue_options options;

    fairness_options_init(&fairness);
    job_queue_options_init(&options);
    s->fairness = fairness_new(&fairness);
    s->queue = job_queue_new(&options, s->fairness);
    s->jobs = mem_alloc(JOBS, sizeof(struct job *));
    compared = 0;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    for (size_t i = 0; i < JOBS; i++) {
        if (s->jobs[i] && s->jobs[i]->lane)
            job_queue_remove(s->queue, s->jobs[i]);
        job_free(s->jobs[i]);
    }
    free(s->jobs);
    job_queue_free(s->queue);
    fairness_free(s->fairness);
    free(s);
    return 0;
}

static struct job *add(struct scene *s, size_t i, size_t tenants, bool is_pinned)
{
    struct job_spec spec = { .model = "m", .deadline_ms = 1 + i * 7919 % JOBS };

    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%zu", i % tenants);
    if (is_pinned)
        (void)snprintf(spec.worker_id, sizeof(spec.worker_id), "busy");
    spec.prompt_tokens = 100;
    s->jobs[i] = job_new(&spec, i, 0);
    job_queue_add(s->queue, s->jobs[i]);
    return s->jobs[i];
}

/* From now on comparisons of jobs within a tenant, and of tenants within a band, count. */
static void count(const struct job *any)
{
    struct stand *stand = &any->lane->turn->stands[any->lane->band];
    struct band *band = &any->lane->gate->line->bands[any->lane->band];

    real_compare[0] = stand->jobs.compare;
    real_compare[1] = band->stands.compare;
    stand->jobs.compare = count_in_turn;
    band->stands.compare = count_in_band;
    compared = 0;
}

static void one_tenant_with_all_jobs_costs_log_n(void **state)
{
    struct scene *s = *state;
    struct worker_facts worker = { .id = "w", .model = "m" };

    count(add(s, 0, 1, false));
    for (size_t i = 1; i < JOBS; i++) {
        (void)add(s, i, 1, false);
        assert_true(compared <= LOG_MAX);
        compared = 0;
        assert_in_range(job_queue_position(s->queue, s->jobs[i]), 1, i + 1);
        assert_in_range(compared, 1, LOG_MAX + 4);
        compared = 0;
    }
    for (uint64_t due = 1; due < 1000; due++) {
        struct job *job = job_queue_next(s->queue, &worker, NULL);

        assert_int_equal(job->spec.deadline_ms, due);
        fairness_charge(s->fairness, "t0", "m", 100, 100);
        job_queue_take(s->queue, job);
        assert_true(compared <= LOG_MAX + 4);
        compared = 0;
    }
    assert_in_range(job_queue_stats(s->queue)->looked_at_total, 999, 2 * 999);
}

static void many_tenants_cost_log_n(void **state)
{
    struct scene *s = *state;
    struct worker_facts worker = { .id = "w", .model = "m" };

    count(add(s, 0, TENANTS, false));
    for (size_t i = 1; i < JOBS; i++)
        (void)add(s, i, TENANTS, false);
    for (size_t i = 0; i < 1000; i++) {
        struct job *job = job_queue_next(s->queue, &worker, NULL);

        compared = 0;
        fairness_charge(s->fairness, job->spec.tenant_id, "m", 100, 100);
        assert_in_range(compared, 1, 2 * LOG_MAX);
        job_queue_take(s->queue, job);
        compared = 0;
        (void)job_queue_position(s->queue, s->jobs[JOBS - 1 - i]);
        assert_in_range(compared, 1, (POSITION_MAX + 2) * LOG_MAX);
    }
    assert_in_range(job_queue_stats(s->queue)->looked_at_total, 1000, 3000);
}

/* Thousands of tenants whose jobs wait for one busy worker are passed by unseen. */
static void jobs_for_another_worker_are_not_looked_at(void **state)
{
    struct scene *s = *state;
    struct worker_facts worker = { .id = "w", .model = "m" };

    for (size_t i = 0; i < JOBS - 1; i++)
        (void)add(s, i, TENANTS, true);
    assert_null(job_queue_next(s->queue, &worker, NULL));
    struct job *open = add(s, JOBS - 1, TENANTS, false);
    assert_ptr_equal(job_queue_next(s->queue, &worker, NULL), open);
    assert_null(job_queue_next(s->queue, &worker, open));
    assert_in_range(job_queue_stats(s->queue)->looked_at_total, 1, 3);
}

/* A walk past jobs that will not go looks at the tenants it has come to. */
static void a_walk_looks_at_no_more_than_it_passed(void **state)
{
    enum { STEPS = 32 };
    struct scene *s = *state;
    struct worker_facts worker = { .id = "w", .model = "m" };
    const struct job *job = NULL;

    for (size_t i = 0; i < JOBS; i++) {
        (void)add(s, i, TENANTS, false);
        if (i < TENANTS) {
            char tenant_id[TENANT_ID_SIZE];

            (void)snprintf(tenant_id, sizeof(tenant_id), "t%zu", i);
            fairness_charge(s->fairness, tenant_id, "m", (int64_t)i * 10, 0);
        }
    }
    for (int i = 0; i < STEPS; i++)
        job = job_queue_next(s->queue, &worker, job);
    assert_non_null(job);
    assert_in_range(job_queue_stats(s->queue)->looked_at_total, STEPS, STEPS * (STEPS + 2));
}

static void the_first_thousand_are_in_order_and_each_once(void **state)
{
    enum { FIRST = 1024 };
    AUTO(free_ptr) void *memory = mem_alloc(FIRST, sizeof(struct job *));
    const struct job **first = memory;
    struct scene *s = *state;

    for (size_t i = 0; i < JOBS; i++)
        (void)add(s, i, 3, false);
    assert_int_equal(job_queue_first(s->queue, first, FIRST), FIRST);
    for (size_t i = 0; i < FIRST; i++)
        assert_int_equal(job_queue_position(s->queue, first[i]), i + 1);
}

/* Thousands of tenants are not all looked at, so a position is a guess, but a bounded one. */
static void a_position_among_many_tenants_is_near_the_truth(void **state)
{
    struct scene *s = *state;

    for (size_t i = 0; i < JOBS; i++)
        (void)add(s, i, TENANTS, false);
    for (size_t i = 0; i < JOBS; i += 97) {
        const struct job *job = s->jobs[i];
        uint64_t cost;
        size_t own = order_before(&job->lane->turn->stands[0].jobs, &job->place.in_turn, &cost);

        /* All have the same, so each had as many turns before it, or one more. */
        assert_in_range(job_queue_position(s->queue, job), own * TENANTS + 1,
                        (own + 1) * TENANTS + own + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(one_tenant_with_all_jobs_costs_log_n),
        TEST(many_tenants_cost_log_n),
        TEST(jobs_for_another_worker_are_not_looked_at),
        TEST(a_walk_looks_at_no_more_than_it_passed),
        TEST(a_position_among_many_tenants_is_near_the_truth),
        TEST(the_first_thousand_are_in_order_and_each_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
