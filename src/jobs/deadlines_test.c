#include "jobs/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { JOBS = 1000 };

static void jobs_come_out_by_deadline_and_of_equal_ones_the_older_first(void **state)
{
    static const uint64_t deadlines_ms[] = { 50, 10, 40, 10, 30, 10 };
    static const uint64_t order[] = { 1, 3, 5, 4, 2, 0 };
    struct job jobs[6] = { 0 };
    struct deadlines d;
    (void)state;

    deadlines_init(&d);
    assert_null(deadlines_first(&d));
    for (size_t i = 0; i < 6; i++) {
        jobs[i].seq = i;
        jobs[i].spec.deadline_ms = deadlines_ms[i];
        deadlines_add(&d, &jobs[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        struct job *first = deadlines_first(&d);

        assert_int_equal(first->seq, order[i]);
        deadlines_remove(&d, first);
        deadlines_remove(&d, first); /* idempotent */
    }
    assert_null(deadlines_first(&d));
    deadlines_deinit(&d);
}

static void assert_is_heap(const struct deadlines *d)
{
    for (size_t i = 0; i < d->len; i++) {
        const struct job *parent = d->jobs[i > 0 ? (i - 1) / 2 : 0];

        assert_int_equal(d->jobs[i]->heap_index, i + 1);
        assert_true(parent->spec.deadline_ms <= d->jobs[i]->spec.deadline_ms);
    }
}

static void any_job_can_leave_and_the_next_one_stays_first(void **state)
{
    static struct job jobs[JOBS];
    struct deadlines d;
    struct rng rng;
    (void)state;

    rng_seed(&rng, 1);
    deadlines_init(&d);
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].seq = i;
        jobs[i].spec.deadline_ms = rng_below(&rng, JOBS);
        deadlines_add(&d, &jobs[i]);
    }
    for (size_t left = JOBS; left > 0;) {
        struct job *job = &jobs[rng_below(&rng, JOBS)];

        left -= job->heap_index > 0;
        deadlines_remove(&d, job);
        assert_int_equal(d.len, left);
        assert_is_heap(&d);
    }
    deadlines_deinit(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_come_out_by_deadline_and_of_equal_ones_the_older_first),
        cmocka_unit_test(any_job_can_leave_and_the_next_one_stays_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
