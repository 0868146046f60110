#include "snapshot/snapshot.h"
#include "snapshot/test_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* 10 tokens/s, 100 in prefill, four slots; a prompt of 200 and an answer of 50 tokens. */
struct world {
    struct snapshot *s;
    struct snap_worker *w;
    struct snap_job *job;
};

static struct world make(void)
{
    struct world x = { .s = rows_new() };

    (void)rows_model(x.s, "m");
    x.w = rows_worker(x.s, "w", 0);
    x.w->given = SNAP_HAS_SPEED;
    x.w->tokens_per_s = 10;
    x.w->prefill_tokens_per_s = 100;
    x.job = rows_job(x.s, "j", 0);
    x.job->prompt_tokens = 200;
    x.job->given = SNAP_HAS_PREDICTED;
    x.job->predicted_tokens = 50;
    return x;
}

static void a_free_worker_takes_its_prefill_and_its_decode(void **state)
{
    struct world x = make();
    (void)state;

    assert_int_equal(snapshot_estimated_ttft_ms(x.s, x.w, x.job), 2000);
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 7000);
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, NULL), 0);
    x.job->warm_len = 1;
    x.job->warm[0] = (struct snap_warm){ .worker = 0, .generation = 1, .cached_tokens = 150 };
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 5500);
    free(x.s);
}

static void what_is_ahead_comes_on_top(void **state)
{
    struct world x = make();
    (void)state;

    x.w->queued_prefill_tokens = 300;
    assert_int_equal(snapshot_estimated_ttft_ms(x.s, x.w, x.job), 3000 + 2000);
    x.w->active = x.w->in_flight = 4;
    x.w->in_flight_tokens = 400; /* 200 of them are still to come, at 40 a second */
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, NULL), 3000 + 5000);
    x.w->queued = 2;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, NULL), 3000 + 5000 + 5000);
    free(x.s);
}

static void a_worker_that_loads_takes_the_rest_of_its_load_time(void **state)
{
    struct world x = make();
    (void)state;

    x.w->status = SNAP_STARTING;
    x.w->given |= SNAP_HAS_LOAD;
    x.w->load_time_ms = 10000;
    x.w->first_seen_ms = x.s->header.now_ms - 4000;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 6000 + 7000);

    /* Not loaded before: as its model did on its pool, or elsewhere. */
    x.w->given &= ~(uint32_t)SNAP_HAS_LOAD;
    x.s->models[0].loads_len = 2;
    x.s->models[0].loads[0] = (struct snap_load){ .pool = 3, .load_time_ms = 5000 };
    x.s->models[0].loads[1] = (struct snap_load){ .pool = 4, .load_time_ms = 9000 };
    x.w->pool = 4;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 5000 + 7000);
    x.w->pool = SNAP_NONE;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 1000 + 7000);
    free(x.s);
}

static void a_given_estimate_wins(void **state)
{
    struct world x = make();
    (void)state;

    x.w->given |= SNAP_HAS_ESTIMATE;
    x.w->estimated_time_ms = 3;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 3);
    free(x.s);
}

static void without_measurements_the_defaults_hold(void **state)
{
    struct world x = make();
    (void)state;

    x.w->given = 0;
    x.w->prefill_tokens_per_s = 0;
    x.job->prompt_tokens = 900;
    x.job->predicted_tokens = 60;
    assert_int_equal(snapshot_estimated_time_ms(x.s, x.w, x.job), 1000 + 2000);
    free(x.s);
}

static void an_answer_is_as_long_as_predicted_but_never_beyond_max_tokens(void **state)
{
    struct world x = make();
    (void)state;

    assert_int_equal(snapshot_predicted_tokens(x.s, x.job), 50);
    x.job->max_tokens = 20;
    assert_int_equal(snapshot_predicted_tokens(x.s, x.job), 20);
    x.job->given = 0;
    x.job->max_tokens = 0;
    assert_int_equal(snapshot_predicted_tokens(x.s, x.job), 256);
    x.s->models[0].tokens_out_mean = 70;
    assert_int_equal(snapshot_predicted_tokens(x.s, x.job), 70);
    x.job->type = TEXT(x.s, "embeddings");
    assert_int_equal(snapshot_predicted_tokens(x.s, x.job), 0);
    free(x.s);
}

static void figures_beyond_all_reason_do_no_harm(void **state)
{
    struct world x = make();
    (void)state;

    x.w->tokens_per_s = 1e-300;
    x.w->prefill_tokens_per_s = 1e-300;
    x.w->queued_prefill_tokens = UINT64_MAX;
    x.w->slots = 1;
    x.w->active = x.w->queued = UINT32_MAX;
    assert_true(snapshot_estimated_time_ms(x.s, x.w, x.job) == 1000000000000000);
    assert_true(snapshot_wait_ms(x.s, x.job) <= 1000000000000000);
    free(x.s);
}

static void a_job_waits_for_what_goes_before_it(void **state)
{
    struct world x = make();
    (void)state;

    assert_int_equal(snapshot_wait_ms(x.s, x.job), 0); /* there is room */
    x.w->slots = 1;
    x.w->active = x.w->in_flight = 1;
    x.w->in_flight_tokens = 60;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 3000); /* half of a run of 60 */

    struct snap_job *second = rows_job(x.s, "j2", 0);
    assert_int_equal(snapshot_wait_ms(x.s, second), 3000 + 2000 + 5000);
    x.w->slots = 4;
    x.w->active = 3;
    x.w->in_flight = 3;
    x.w->in_flight_tokens = 180;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 0);
    assert_int_equal(snapshot_wait_ms(x.s, second),
                     6000 / 4); /* the first fits; of three one ends */
    free(x.s);
}

static void without_a_speed_the_time_of_its_models_runs_counts(void **state)
{
    struct world x = make();
    (void)state;

    x.w->given = 0;
    x.w->slots = 1;
    x.w->active = x.w->in_flight = 1;
    x.w->in_flight_tokens = 60;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 1000); /* nothing is known: 30 tokens/s */
    x.s->models[0].run_ms_mean = 400;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 200);
    assert_int_equal(snapshot_wait_ms(x.s, rows_job(x.s, "j2", 0)), 200 + 400);
    free(x.s);
}

static void a_job_that_is_not_in_the_list_stands_behind_all_that_wait(void **state)
{
    struct world x = make();
    (void)state;

    x.s->header.first_job = SNAP_NONE;
    x.w->slots = 1;
    x.w->active = x.w->in_flight = 1;
    x.w->in_flight_tokens = 60;
    x.s->models[0].queued = 2;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 3000 + 2 * (2000 + 5000));
    x.job->given |= SNAP_HAS_BEFORE; /* or where the core says */
    x.job->before = 1;
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 3000 + 2000 + 5000);
    free(x.s);
}

static void nobody_knows_how_long_a_job_without_workers_waits(void **state)
{
    struct world x = make();
    (void)state;

    x.w->live = SNAP_OFFLINE;
    assert_true(snapshot_wait_ms(x.s, x.job) == SNAP_NOBODY_KNOWS);
    x.w->live = SNAP_ONLINE;
    x.job->model = SNAP_NONE;
    assert_true(snapshot_wait_ms(x.s, x.job) == SNAP_NOBODY_KNOWS);
    x.job->model_ref.len = 0; /* any model will do */
    assert_int_equal(snapshot_wait_ms(x.s, x.job), 0);
    free(x.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_worker_takes_its_prefill_and_its_decode),
        cmocka_unit_test(what_is_ahead_comes_on_top),
        cmocka_unit_test(a_worker_that_loads_takes_the_rest_of_its_load_time),
        cmocka_unit_test(a_given_estimate_wins),
        cmocka_unit_test(without_measurements_the_defaults_hold),
        cmocka_unit_test(an_answer_is_as_long_as_predicted_but_never_beyond_max_tokens),
        cmocka_unit_test(figures_beyond_all_reason_do_no_harm),
        cmocka_unit_test(a_job_waits_for_what_goes_before_it),
        cmocka_unit_test(without_a_speed_the_time_of_its_models_runs_counts),
        cmocka_unit_test(a_job_that_is_not_in_the_list_stands_behind_all_that_wait),
        cmocka_unit_test(nobody_knows_how_long_a_job_without_workers_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
