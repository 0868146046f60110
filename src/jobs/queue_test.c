#include "jobs/queue.h"

#include "jobs/queue_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

/* --- Lanes ------------------------------------------------------------------------------- */

static void an_empty_queue_has_nothing_for_anybody(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w = fixture_worker("w1", "h1", "m");
    const struct job *first[4];

    assert_null(job_queue_next(f->queue, &w, NULL));
    assert_null(job_queue_oldest(f->queue));
    assert_int_equal(job_queue_first(f->queue, first, 4), 0);
    assert_int_equal(job_queue_waiting(f->queue, "m"), 0);
    assert_int_equal(job_queue_next_promotion_ms(f->queue), UINT64_MAX);
    job_queue_free(NULL);
}

static void each_model_has_its_own_order(void **state)
{
    struct fixture *f = *state;
    struct worker_facts a = fixture_worker("w1", "", "a"), b = fixture_worker("w2", "", "b");

    (void)ADD(f, .model = "a");
    (void)ADD(f, .model = "b");
    (void)ADD(f, .model = "a");
    assert_int_equal(job_queue_waiting(f->queue, "a"), 2);
    assert_string_equal(fixture_serve(f, &b), "1 ");
    assert_string_equal(fixture_serve(f, &a), "0 2 ");
}

static void a_pinned_job_waits_for_its_worker_and_holds_up_nobody(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "h1", "m"), w2 = fixture_worker("w2", "h2", "m");

    (void)ADD(f, .worker_id = "w1");                  /* 0 */
    (void)ADD(f, .hive_id = "h1");                    /* 1 */
    (void)ADD(f, .id = "");                           /* 2 */
    (void)ADD(f, .worker_id = "w2", .hive_id = "h2"); /* 3 */
    (void)ADD(f, .worker_id = "w1", .hive_id = "h1"); /* 4 */
    (void)ADD(f, .id = "");                           /* 5 */
    assert_string_equal(fixture_walk(f, &w2), "2 3 5 ");
    assert_string_equal(fixture_serve(f, &w2), "2 3 5 ");
    assert_string_equal(fixture_serve(f, &w1), "0 1 4 ");
}

static void a_worker_without_a_hive_serves_no_hives_pins(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    (void)ADD(f, .hive_id = "h1");
    assert_null(job_queue_next(f->queue, &w1, NULL));
}

static void a_returned_job_comes_first_but_not_where_it_failed(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m"), w2 = fixture_worker("w2", "", "m");

    (void)ADD(f, .deadline_ms = 5000);
    struct job *returned = fixture_make(f, &(struct job_spec){ 0 });
    job_tried_on(returned, "w1");
    job_queue_add(f->queue, returned);
    (void)ADD(f, .deadline_ms = 4000);

    assert_int_equal(job_queue_position(f->queue, returned), 1);
    assert_int_equal(job_queue_position(f->queue, f->jobs[2]), 2);
    assert_int_equal(job_queue_position(f->queue, f->jobs[0]), 3);
    assert_string_equal(fixture_walk(f, &w2), "1 2 0 ");
    assert_string_equal(fixture_serve(f, &w1), "2 0 ");
    assert_string_equal(fixture_serve(f, &w2), "1 ");
}

/* --- Within a tenant ----------------------------------------------------------------------- */

static void a_deadline_comes_before_none_and_an_earlier_one_before_a_later_one(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    (void)ADD(f, .id = "");                                   /* 0 */
    (void)ADD(f, .deadline_ms = 9000);                        /* 1 */
    (void)ADD(f, .slo_ttft_ms = 500);                         /* 2: 1500 */
    (void)ADD(f, .deadline_ms = 1400);                        /* 3 */
    (void)ADD(f, .deadline_ms = 9000);                        /* 4 */
    (void)ADD(f, .deadline_ms = 8000, .slo_ttft_ms = 300);    /* 5: 1300 */
    (void)ADD(f, .deadline_ms = 1200, .slo_ttft_ms = 100000); /* 6 */
    assert_string_equal(fixture_walk(f, &w1), "6 5 3 2 1 4 0 ");
    for (size_t i = 0; i < f->jobs_len; i++) {
        static const size_t positions[] = { 7, 5, 4, 3, 6, 2, 1 };
        assert_int_equal(job_queue_position(f->queue, f->jobs[i]), positions[i]);
    }
}

static void a_peer_before_is_one_with_the_same_constraints_that_is_first(void **state)
{
    struct fixture *f = *state;

    (void)ADD(f, .hive_id = "h1", .deadline_ms = 5000);
    struct job *same = fixture_make(f, &(struct job_spec){ .hive_id = "h1" });
    struct job *sooner = fixture_make(f, &(struct job_spec){ .hive_id = "h1", .deadline_ms = 4 });
    struct job *open = fixture_make(f, &(struct job_spec){ 0 });
    struct job *batch =
        fixture_make(f, &(struct job_spec){ .hive_id = "h1", .priority = JOB_BATCH });
    struct job *other = fixture_make(f, &(struct job_spec){ .hive_id = "h1", .tenant_id = "t" });
    assert_true(job_queue_has_peer_before(f->queue, same));
    assert_true(job_queue_has_peer_before(f->queue, batch));
    assert_true(job_queue_has_peer_before(f->queue, other)); /* of equal counters, who was first */
    assert_false(job_queue_has_peer_before(f->queue, sooner));
    assert_false(job_queue_has_peer_before(f->queue, open));
    fairness_activate(f->fairness, "t", "m"); /* keeps its 0 */
    fairness_charge(f->fairness, "", "m", 1, 0);
    assert_false(job_queue_has_peer_before(f->queue, other));
    job_tried_on(same, "w1");
    assert_false(job_queue_has_peer_before(f->queue, same));
}

/* --- Tenants -------------------------------------------------------------------------------- */

static void tenants_take_turns_however_many_jobs_one_has(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    for (int i = 0; i < 4; i++)
        (void)ADD(f, .tenant_id = "a", .prompt_tokens = 100); /* 0 to 3 */
    (void)ADD(f, .tenant_id = "b", .prompt_tokens = 100);     /* 4 */
    (void)ADD(f, .tenant_id = "b", .prompt_tokens = 150);     /* 5 */
    (void)ADD(f, .tenant_id = "c", .prompt_tokens = 10);      /* 6 */
    assert_string_equal(fixture_walk(f, &w1), "0 4 6 1 5 2 3 ");
    assert_int_equal(job_queue_position(f->queue, f->jobs[1]), 4);
    assert_int_equal(job_queue_position(f->queue, f->jobs[6]), 3);
    assert_int_equal(job_queue_position(f->queue, f->jobs[3]), 7);
    assert_string_equal(fixture_serve(f, &w1), "0 4 6 1 5 2 3 ");
}

static void a_charge_moves_a_tenant_wherever_its_jobs_stand(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "h1", "m"), w2 = fixture_worker("w2", "h1", "m");

    (void)ADD(f, .tenant_id = "a");
    (void)ADD(f, .tenant_id = "a", .worker_id = "w1");
    (void)ADD(f, .tenant_id = "a", .priority = JOB_BATCH);
    (void)ADD(f, .tenant_id = "b");
    (void)ADD(f, .tenant_id = "b", .hive_id = "h1");
    (void)ADD(f, .tenant_id = "b", .priority = JOB_BATCH);
    assert_string_equal(fixture_walk(f, &w1), "0 3 1 4 2 5 ");
    fairness_charge(f->fairness, "a", "m", 1000, 0);
    assert_string_equal(fixture_walk(f, &w1), "3 4 0 1 5 2 ");
    assert_string_equal(fixture_walk(f, &w2), "3 4 0 5 2 ");
    fairness_charge(f->fairness, "b", "m", 900, 500);
    assert_string_equal(fixture_walk(f, &w1), "0 1 3 4 2 5 ");
    fairness_charge(f->fairness, "b", "m", -900, -450); /* it was much shorter */
    assert_string_equal(fixture_walk(f, &w1), "3 4 0 1 5 2 ");
}

static void more_weight_means_more_turns(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    fairness_set_weight(f->fairness, "b", 3);
    for (int i = 0; i < 8; i++)
        (void)ADD(f, .tenant_id = { i < 4 ? 'a' : 'b' }, .prompt_tokens = 30);
    assert_string_equal(fixture_walk(f, &w1), "0 4 5 6 1 7 2 3 ");
    assert_string_equal(fixture_serve(f, &w1), "0 4 5 6 1 7 2 3 ");
}

/* What a tenant has for other workers does not make it wait for its turn here. */
static void only_what_a_worker_could_run_counts_in_its_order(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    for (int i = 0; i < 5; i++)
        (void)ADD(f, .tenant_id = "a", .worker_id = "w9", .prompt_tokens = 1000);
    (void)ADD(f, .tenant_id = "a", .prompt_tokens = 10); /* 5 */
    (void)ADD(f, .tenant_id = "b", .prompt_tokens = 10); /* 6 */
    assert_string_equal(fixture_walk(f, &w1), "5 6 ");
    assert_int_equal(job_queue_position(f->queue, f->jobs[6]), 2);
}

/* --- Bands ------------------------------------------------------------------------------------ */

/* Serve `count` of plenty in both bands; returns how many were batch jobs. */
static unsigned serve_plenty(unsigned share_pct, unsigned count)
{
    struct fixture *f = fixture_new(&(struct job_queue_options){ .batch_share_pct = share_pct });
    struct worker_facts w1 = fixture_worker("w1", "", "m");
    unsigned batch = 0;

    for (unsigned i = 0; i < count; i++) {
        (void)ADD(f, .priority = JOB_BATCH);
        (void)ADD(f, .priority = JOB_INTERACTIVE);
    }
    for (unsigned i = 1; i <= count; i++) {
        struct job *job = job_queue_next(f->queue, &w1, NULL);

        batch += job->spec.priority == JOB_BATCH;
        job_queue_take(f->queue, job);
        assert_in_range(batch * 100, i * share_pct >= 100 ? i * share_pct - 100 : 0,
                        i * share_pct + 100);
    }
    fixture_free(f);
    return batch;
}

static void a_lower_band_gets_its_share_and_no_more(void **state)
{
    (void)state;
    assert_int_equal(serve_plenty(0, 500), 0);
    assert_int_equal(serve_plenty(1, 500), 5);
    assert_int_equal(serve_plenty(10, 500), 50);
    assert_int_equal(serve_plenty(33, 400), 132);
    assert_int_equal(serve_plenty(50, 500), 250);
    assert_int_equal(serve_plenty(90, 500), 450);
    assert_int_equal(serve_plenty(100, 500), 500);
}

static void interactive_jobs_without_batch_jobs_owe_nothing(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    for (int i = 0; i < 50; i++)
        (void)ADD(f, .id = "");
    (void)fixture_serve(f, &w1);
    (void)ADD(f, .priority = JOB_BATCH); /* 50 */
    (void)ADD(f, .id = "");              /* 51 */
    assert_string_equal(fixture_walk(f, &w1), "51 50 ");
}

/* Owed what it cannot use, it keeps but one turn: no burst when it can again. */
static void a_share_that_nobody_can_take_is_not_saved_up(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m"), w2 = fixture_worker("w2", "", "m");
    unsigned batch = 0;

    for (int i = 0; i < 10; i++)
        (void)ADD(f, .priority = JOB_BATCH, .worker_id = "w2");
    for (int i = 0; i < 200; i++)
        (void)ADD(f, .id = "");
    for (int i = 0; i < 100; i++) {
        struct job *job = job_queue_next(f->queue, &w1, NULL);

        assert_int_equal(job->spec.priority, JOB_INTERACTIVE);
        job_queue_take(f->queue, job);
    }
    for (int i = 0; i < 20; i++) {
        struct job *job = job_queue_next(f->queue, &w2, NULL);

        batch += job->spec.priority == JOB_BATCH;
        job_queue_take(f->queue, job);
    }
    assert_in_range(batch, 2, 3);
}

/* Else a policy that lets no batch job go would keep everybody waiting. */
static void when_it_is_due_one_job_of_the_lower_band_goes_first_and_the_rest_last(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    for (int i = 0; i < 3; i++)
        (void)ADD(f, .priority = JOB_BATCH); /* 0 to 2 */
    for (int i = 0; i < 12; i++)
        (void)ADD(f, .id = ""); /* 3 to 14 */
    assert_string_equal(fixture_walk(f, &w1), "3 4 5 6 7 8 9 10 11 12 13 14 0 1 2 ");
    for (int i = 3; i < 12; i++)
        job_queue_take(f->queue, f->jobs[i]);
    assert_string_equal(fixture_walk(f, &w1), "0 12 13 14 1 2 ");

    struct job *interactive = fixture_make(f, &(struct job_spec){ .deadline_ms = 1 });
    struct job *batch =
        fixture_make(f, &(struct job_spec){ .priority = JOB_BATCH, .deadline_ms = 1 });
    assert_true(job_queue_has_peer_before(f->queue, interactive));
    assert_false(job_queue_has_peer_before(f->queue, batch));
}

static void who_waits_long_enough_moves_up_a_band(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = fixture_worker("w1", "", "m");

    (void)ADD(f, .tenant_id = "a", .priority = JOB_BATCH); /* 0, at 1,000 ms */
    f->now_ms = 2000;
    (void)ADD(f, .tenant_id = "a", .priority = JOB_BATCH); /* 1 */
    (void)ADD(f, .tenant_id = "b");                        /* 2 */
    fairness_charge(f->fairness, "b", "m", 5, 0);
    assert_int_equal(job_queue_position(f->queue, f->jobs[0]), 2);
    assert_int_equal(job_queue_next_promotion_ms(f->queue), 121000);
    job_queue_age(f->queue, 120999);
    assert_string_equal(fixture_walk(f, &w1), "2 0 1 ");
    job_queue_age(f->queue, 121000);
    assert_int_equal(job_queue_next_promotion_ms(f->queue), 122000);
    assert_string_equal(fixture_walk(f, &w1), "0 2 1 ");
    assert_int_equal(job_queue_position(f->queue, f->jobs[0]), 1);
    assert_int_equal(job_queue_stats(f->queue)->by_priority[JOB_BATCH], 2);
    job_queue_remove(f->queue, f->jobs[0]);
    job_queue_remove(f->queue, f->jobs[1]);
    assert_int_equal(job_queue_next_promotion_ms(f->queue), UINT64_MAX);
}

/* The tenant's only job: it must not count as gone for a moment, and be lifted. */
static void moving_up_costs_a_tenant_nothing(void **state)
{
    struct fixture *f = *state;

    (void)ADD(f, .tenant_id = "a", .priority = JOB_BATCH);
    (void)ADD(f, .tenant_id = "b");
    fairness_charge(f->fairness, "b", "m", 500, 0);
    job_queue_age(f->queue, 1000000);
    assert_true(fairness_counter(f->fairness, "a", "m") < 1);
}

static void without_an_age_nobody_moves_up(void **state)
{
    struct fixture *f = fixture_new(&(struct job_queue_options){ .batch_share_pct = 10 });
    (void)state;

    (void)ADD(f, .priority = JOB_BATCH);
    (void)ADD(f, .id = "");
    job_queue_age(f->queue, UINT64_MAX);
    assert_int_equal(job_queue_next_promotion_ms(f->queue), UINT64_MAX);
    assert_int_equal(job_queue_position(f->queue, f->jobs[0]), 2);
    fixture_free(f);
}

/* --- The whole ---------------------------------------------------------------------------------
 */

static void the_oldest_is_by_entry_and_counts_follow(void **state)
{
    struct fixture *f = *state;
    const struct job_queue_stats *stats = job_queue_stats(f->queue);

    (void)ADD(f, .bytes = 10, .prompt_tokens = 3);
    (void)ADD(f, .model = "b", .bytes = 10, .deadline_ms = 1);
    (void)ADD(f, .model = "b", .bytes = 10, .prompt_tokens = 4, .priority = JOB_BATCH);
    assert_ptr_equal(job_queue_oldest(f->queue), f->jobs[0]);
    assert_int_equal(stats->count, 3);
    assert_int_equal(stats->bytes, 30);
    assert_int_equal(stats->prompt_tokens, 7);
    assert_int_equal(stats->by_priority[JOB_BATCH], 1);
    job_queue_remove(f->queue, f->jobs[0]);
    assert_ptr_equal(job_queue_oldest(f->queue), f->jobs[1]);
    assert_int_equal(stats->by_priority[JOB_INTERACTIVE], 1);
}

static const char *first(struct fixture *f, size_t max)
{
    static char text[256];
    const struct job *jobs[32];
    size_t len = job_queue_first(f->queue, jobs, max), at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < len; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%llu ",
                               (unsigned long long)jobs[i]->seq);
    return text;
}

static bool write_model(void *data, const char *model, const struct job *job)
{
    char *text = data;
    size_t len = strlen(text);

    (void)snprintf(text + len, 64 - len, "%s:%llu ", model, (unsigned long long)job->seq);
    return *model != 'n';
}

static void the_order_as_a_whole_goes_by_bands_then_turns_and_models_meet_by_deadline(void **state)
{
    struct fixture *f = *state;
    char models[64] = "";

    (void)ADD(f, .priority = JOB_BATCH);                                  /* 0 */
    (void)ADD(f, .tenant_id = "a", .prompt_tokens = 100);                 /* 1 */
    (void)ADD(f, .tenant_id = "a", .prompt_tokens = 100);                 /* 2 */
    (void)ADD(f, .model = "n", .deadline_ms = 7000);                      /* 3 */
    (void)ADD(f, .tenant_id = "b", .prompt_tokens = 1, .worker_id = "w"); /* 4 */
    (void)ADD(f, .model = "o", .priority = JOB_BATCH, .deadline_ms = 1);  /* 5 */
    assert_string_equal(first(f, 32), "3 1 4 2 5 0 ");
    assert_string_equal(first(f, 2), "3 1 ");
    assert_string_equal(first(f, 0), "");
    job_queue_models(f->queue, write_model, models);
    assert_string_equal(models, "m:1 n:3 ");
}

static void the_order_as_a_whole_foresees_shares(void **state)
{
    struct fixture *f = *state;

    for (int i = 0; i < 2; i++)
        (void)ADD(f, .priority = JOB_BATCH); /* 0, 1 */
    for (int i = 0; i < 12; i++)
        (void)ADD(f, .id = ""); /* 2 to 13 */
    assert_string_equal(first(f, 32), "2 3 4 5 6 7 8 9 10 0 11 12 13 1 ");
    job_queue_take(f->queue, f->jobs[2]);
    assert_string_equal(first(f, 10), "3 4 5 6 7 8 9 10 0 11 ");
}

static void doubt_covers_all_of_a_model_until_it_is_trusted_or_gone(void **state)
{
    struct fixture *f = *state;

    struct job *one = ADD(f, .id = ""), *two = ADD(f, .id = "");
    struct job *other = ADD(f, .tenant_id = "t", .priority = JOB_BATCH);
    struct job *pinned = ADD(f, .worker_id = "w1");
    (void)ADD(f, .model = "n");
    assert_false(job_queue_has_doubts(f->queue));
    job_queue_doubt(f->queue, "nobody waits for this");
    assert_false(job_queue_has_doubts(f->queue));

    job_queue_doubt(f->queue, "m");
    job_queue_doubt(f->queue, "m");
    assert_true(job_queue_has_doubts(f->queue));
    assert_ptr_equal(job_queue_doubted(f->queue), one);
    assert_ptr_equal(job_queue_behind(one), two);
    assert_null(job_queue_behind(two));
    job_queue_remove(f->queue, one);
    assert_ptr_equal(job_queue_doubted(f->queue), two);
    job_queue_remove(f->queue, two);
    assert_ptr_equal(job_queue_doubted(f->queue), other); /* another tenant's, before that gate */
    job_queue_trust(other);
    assert_ptr_equal(job_queue_doubted(f->queue), pinned);
    job_queue_remove(f->queue, pinned);
    assert_null(job_queue_doubted(f->queue));
    assert_false(job_queue_has_doubts(f->queue));

    job_queue_doubt(f->queue, "m");
    job_queue_remove(f->queue, other); /* the model's last, before anybody looked */
    assert_false(job_queue_has_doubts(f->queue));
}

static void what_waits_for_a_model_is_known_together(void **state)
{
    struct fixture *f = *state;
    struct job *brief = ADD(f, .max_tokens = 5);
    struct job *embedding = ADD(f, .type = JOB_EMBEDDINGS);

    (void)ADD(f, .prompt_tokens = 10);
    (void)ADD(f, .max_tokens = 3000000);
    struct job_queue_load load = job_queue_load(f->queue, "m", 100);
    assert_int_equal(load.jobs, 4);
    assert_float_equal(load.prompt_tokens, 10, 0);
    assert_float_equal(load.answer_tokens, 100 + 5 + 100 + 0, 0);
    assert_float_equal(job_queue_load(f->queue, "m", 2).answer_tokens, 2 + 2 + 2 + 0, 0);
    job_queue_remove(f->queue, brief);
    job_queue_remove(f->queue, embedding);
    assert_float_equal(job_queue_load(f->queue, "m", 100).answer_tokens, 200, 0);
    assert_int_equal(job_queue_load(f->queue, "nobody's", 100).jobs, 0);
}

static void a_place_is_known_before_it_is_taken(void **state)
{
    static const struct job_spec specs[] = {
        { .tenant_id = "a" },
        { .tenant_id = "a", .priority = JOB_BATCH },
        { .tenant_id = "b" },
        { .tenant_id = "a" },
        { .tenant_id = "a", .deadline_ms = 5000 },
        { .tenant_id = "b", .priority = JOB_BATCH },
        { .tenant_id = "c" },
        { .tenant_id = "c", .priority = JOB_BATCH },
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct job *job = fixture_make(f, &specs[i]);
        size_t foreseen = job_queue_position(f->queue, job);

        job_queue_add(f->queue, job);
        assert_int_equal(job_queue_position(f->queue, job), foreseen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(an_empty_queue_has_nothing_for_anybody),
        TEST(each_model_has_its_own_order),
        TEST(a_pinned_job_waits_for_its_worker_and_holds_up_nobody),
        TEST(a_worker_without_a_hive_serves_no_hives_pins),
        TEST(a_returned_job_comes_first_but_not_where_it_failed),
        TEST(a_deadline_comes_before_none_and_an_earlier_one_before_a_later_one),
        TEST(a_peer_before_is_one_with_the_same_constraints_that_is_first),
        TEST(tenants_take_turns_however_many_jobs_one_has),
        TEST(a_charge_moves_a_tenant_wherever_its_jobs_stand),
        TEST(more_weight_means_more_turns),
        TEST(only_what_a_worker_could_run_counts_in_its_order),
        TEST(a_lower_band_gets_its_share_and_no_more),
        TEST(interactive_jobs_without_batch_jobs_owe_nothing),
        TEST(a_share_that_nobody_can_take_is_not_saved_up),
        TEST(when_it_is_due_one_job_of_the_lower_band_goes_first_and_the_rest_last),
        TEST(who_waits_long_enough_moves_up_a_band),
        TEST(moving_up_costs_a_tenant_nothing),
        TEST(without_an_age_nobody_moves_up),
        TEST(the_oldest_is_by_entry_and_counts_follow),
        TEST(the_order_as_a_whole_goes_by_bands_then_turns_and_models_meet_by_deadline),
        TEST(the_order_as_a_whole_foresees_shares),
        TEST(a_place_is_known_before_it_is_taken),
        TEST(what_waits_for_a_model_is_known_together),
        TEST(doubt_covers_all_of_a_model_until_it_is_trusted_or_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
