#include "jobs/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { JOBS_MAX = 64 };

struct fixture {
    struct fairness *fairness;
    struct job_queue *queue;
    struct job *jobs[JOBS_MAX]; /* all that were made */
    size_t jobs_len;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    struct fairness_options fairness;
    struct job_queue_options options;

    assert_non_null(f);
    fairness_options_init(&fairness);
    f->fairness = fairness_new(&fairness);
    job_queue_options_init(&options);
    f->queue = job_queue_new(&options, f->fairness);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < f->jobs_len; i++) {
        if (f->jobs[i]->lane)
            job_queue_remove(f->queue, f->jobs[i]);
        job_free(f->jobs[i]);
    }
    assert_int_equal(job_queue_stats(f->queue)->count, 0);
    assert_int_equal(job_queue_stats(f->queue)->bytes, 0);
    job_queue_free(f->queue);
    fairness_free(f->fairness);
    free(f);
    return 0;
}

/* Arrives now: later than all before. */
static struct job *new_job(struct fixture *f, const char *model, const char *worker_id,
                           const char *hive_id)
{
    struct job_spec spec = { .bytes = 10 };

    assert_true(f->jobs_len < JOBS_MAX);
    (void)snprintf(spec.id, sizeof(spec.id), "job-%zu", f->jobs_len);
    (void)snprintf(spec.model, sizeof(spec.model), "%s", model);
    (void)snprintf(spec.worker_id, sizeof(spec.worker_id), "%s", worker_id);
    (void)snprintf(spec.hive_id, sizeof(spec.hive_id), "%s", hive_id);
    struct job *job = job_new(&spec, f->jobs_len, 1000 + f->jobs_len);
    f->jobs[f->jobs_len++] = job;
    return job;
}

static struct job *add(struct fixture *f, const char *model, const char *worker_id,
                       const char *hive_id)
{
    struct job *job = new_job(f, model, worker_id, hive_id);

    job_queue_add(f->queue, job);
    return job;
}

static struct worker_facts worker(const char *id, const char *hive_id, const char *model)
{
    struct worker_facts w = { .slots = 1 };

    (void)snprintf(w.id, sizeof(w.id), "%s", id);
    (void)snprintf(w.hive_id, sizeof(w.hive_id), "%s", hive_id);
    (void)snprintf(w.model, sizeof(w.model), "%s", model);
    return w;
}

/* Serve all that this worker may run, and say in which order: "0 2 ". */
static const char *served(struct fixture *f, const struct worker_facts *w)
{
    static char text[512];
    size_t len = 0;
    struct job *job;

    text[0] = '\0';
    while ((job = job_queue_next(f->queue, w, NULL))) {
        assert_true(job_fits(job, w));
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "%llu ", (unsigned long long)job->seq);
        job_queue_remove(f->queue, job);
    }
    return text;
}

static void each_model_has_its_own_order(void **state)
{
    struct fixture *f = *state;
    struct worker_facts a = worker("w1", "", "a"), b = worker("w2", "", "b");

    (void)add(f, "a", "", "");
    (void)add(f, "b", "", "");
    (void)add(f, "a", "", "");
    assert_string_equal(served(f, &b), "1 ");
    assert_string_equal(served(f, &a), "0 2 ");
}

static void a_pinned_job_waits_for_its_worker_and_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = worker("w1", "h1", "m"), w2 = worker("w2", "h2", "m");

    (void)add(f, "m", "w1", "");   /* 0 */
    (void)add(f, "m", "", "h1");   /* 1 */
    (void)add(f, "m", "", "");     /* 2 */
    (void)add(f, "m", "w2", "h2"); /* 3 */
    (void)add(f, "m", "w1", "h1"); /* 4 */
    (void)add(f, "m", "", "");     /* 5 */
    assert_string_equal(served(f, &w2), "2 3 5 ");
    assert_string_equal(served(f, &w1), "0 1 4 ");
}

static void what_a_worker_may_run_comes_in_order_of_arrival(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = worker("w1", "h1", "m");

    (void)add(f, "m", "w1", "");
    (void)add(f, "m", "", "");
    (void)add(f, "m", "", "h1");
    (void)add(f, "m", "w1", "h1");
    (void)add(f, "m", "", "");
    assert_string_equal(served(f, &w1), "0 1 2 3 4 ");
}

static void a_retried_job_comes_first_but_not_where_it_failed(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = worker("w1", "", "m"), w2 = worker("w2", "", "m");

    (void)add(f, "m", "", "");
    struct job *retried = new_job(f, "m", "", "");
    job_tried_on(retried, "w1");
    job_queue_add(f->queue, retried);
    (void)add(f, "m", "", "");

    assert_int_equal(job_queue_position(f->queue, retried), 1);
    assert_int_equal(job_queue_position(f->queue, f->jobs[0]), 2);
    assert_int_equal(job_queue_position(f->queue, f->jobs[2]), 3);
    struct job *next = job_queue_next(f->queue, &w2, NULL);
    assert_ptr_equal(next, retried);
    assert_string_equal(served(f, &w1), "0 2 ");
    assert_string_equal(served(f, &w2), "1 ");
}

static void positions_count_those_that_wait_for_the_same_model(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(job_queue_position(f->queue, add(f, "a", "", "")), 1);
    assert_int_equal(job_queue_position(f->queue, add(f, "b", "", "")), 1);
    assert_int_equal(job_queue_position(f->queue, add(f, "a", "w1", "")), 2);
    assert_int_equal(job_queue_position(f->queue, add(f, "a", "", "")), 3);
    job_queue_remove(f->queue, f->jobs[0]);
    assert_int_equal(job_queue_position(f->queue, f->jobs[2]), 1);
    assert_int_equal(job_queue_position(f->queue, f->jobs[3]), 2);
    assert_int_equal(job_queue_position(f->queue, f->jobs[1]), 1);
}

static void a_peer_is_one_with_the_same_constraints(void **state)
{
    struct fixture *f = *state;

    (void)add(f, "m", "", "h1");
    struct job *same = new_job(f, "m", "", "h1"), *open = new_job(f, "m", "", "");
    struct job *tried = new_job(f, "m", "", "h1");
    assert_true(job_queue_has_peer_before(f->queue, same));
    assert_false(job_queue_has_peer_before(f->queue, open));
    job_tried_on(tried, "w1");
    assert_false(job_queue_has_peer_before(f->queue, tried));
}

static void the_oldest_is_by_entry_and_counts_follow(void **state)
{
    struct fixture *f = *state;
    const struct job_queue_stats *stats = job_queue_stats(f->queue);

    assert_null(job_queue_oldest(f->queue));
    (void)add(f, "a", "", "");
    (void)add(f, "b", "", "");
    struct job *batch = new_job(f, "b", "", "");
    batch->spec.priority = JOB_BATCH;
    job_queue_add(f->queue, batch);
    assert_ptr_equal(job_queue_oldest(f->queue), f->jobs[0]);
    assert_int_equal(stats->count, 3);
    assert_int_equal(stats->bytes, 30);
    assert_int_equal(stats->by_priority[JOB_BATCH], 1);
    job_queue_remove(f->queue, f->jobs[0]);
    assert_ptr_equal(job_queue_oldest(f->queue), f->jobs[1]);
    assert_int_equal(stats->by_priority[JOB_INTERACTIVE], 1);
}

static void a_worker_without_a_hive_serves_no_hives_pins(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = worker("w1", "", "m");

    (void)add(f, "m", "", "h1");
    assert_null(job_queue_next(f->queue, &w1, NULL));
}

static void doubt_covers_a_models_lanes_until_each_is_trusted_or_empty(void **state)
{
    struct fixture *f = *state;

    struct job *first = add(f, "m", "", ""), *second = add(f, "m", "", "");
    struct job *pinned = add(f, "m", "w1", "");
    (void)add(f, "n", "", "");
    assert_false(job_queue_has_doubts(f->queue));
    job_queue_doubt(f->queue, "nobody waits for this");
    assert_false(job_queue_has_doubts(f->queue));

    job_queue_doubt(f->queue, "m");
    job_queue_doubt(f->queue, "m");
    assert_true(job_queue_has_doubts(f->queue));
    assert_ptr_equal(job_queue_doubted(f->queue), first);
    assert_ptr_equal(job_queue_behind(first), second);
    assert_null(job_queue_behind(second));
    job_queue_remove(f->queue, first);
    assert_ptr_equal(job_queue_doubted(f->queue), second);
    job_queue_trust(second);
    assert_ptr_equal(job_queue_doubted(f->queue), pinned);
    job_queue_remove(f->queue, pinned);
    assert_null(job_queue_doubted(f->queue));
    assert_false(job_queue_has_doubts(f->queue));

    job_queue_doubt(f->queue, "m");
    job_queue_remove(f->queue, second); /* the model's last, before anybody looked */
    assert_false(job_queue_has_doubts(f->queue));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(each_model_has_its_own_order),
        TEST(a_pinned_job_waits_for_its_worker_and_holds_up_nobody),
        TEST(what_a_worker_may_run_comes_in_order_of_arrival),
        TEST(a_retried_job_comes_first_but_not_where_it_failed),
        TEST(positions_count_those_that_wait_for_the_same_model),
        TEST(a_peer_is_one_with_the_same_constraints),
        TEST(the_oldest_is_by_entry_and_counts_follow),
        TEST(a_worker_without_a_hive_serves_no_hives_pins),
        TEST(doubt_covers_a_models_lanes_until_each_is_trusted_or_empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
