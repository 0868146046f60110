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

static const struct job *earliest(const struct job *jobs)
{
    const struct job *best = NULL;

    for (size_t i = 0; i < JOBS; i++) {
        if (jobs[i].heap_index > 0 && (!best || jobs[i].spec.deadline_ms < best->spec.deadline_ms))
            best = &jobs[i];
    }
    return best;
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
        jobs[i].spec.deadline_ms = i * 7919 % JOBS; /* each once */
        deadlines_add(&d, &jobs[i]);
    }
    for (size_t left = JOBS; left > 0;) {
        struct job *job = &jobs[rng_below(&rng, JOBS)];

        left -= job->heap_index > 0;
        deadlines_remove(&d, job);
        assert_ptr_equal(deadlines_first(&d), earliest(jobs));
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
