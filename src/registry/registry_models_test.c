/* What is known of models: sizes, memory, load times, demand. */
#include "registry/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static struct model_facts model(struct fixture *f, const char *name)
{
    struct model_facts facts = { 0 };

    assert_true(registry_model_facts(f->registry, name, &facts));
    return facts;
}

/* A hive that lists these. */
static void list(struct fixture *f, const char *hive_id, struct listed_model *models, size_t len)
{
    struct hive_facts hive = hive_facts(hive_id);

    hive.has_capabilities = true;
    hive.models = models;
    hive.models_len = len;
    registry_hive_report(f->registry, &hive, NULL, 0, f->now_ms);
}

static void a_model_has_the_size_that_a_hive_said_last(void **state)
{
    struct fixture *f = *state;
    struct listed_model said[] = { { .ref = "m", .size_bytes = 5000, .context_length = 4096 } };
    struct listed_model unsaid[] = { { .ref = "m" } };
    struct model_facts none;

    assert_false(registry_model_facts(f->registry, "m", &none));
    list(f, "h1", said, 1);
    list(f, "h2", unsaid, 1);
    assert_int_equal(model(f, "m").size_bytes, 5000);
    assert_int_equal(model(f, "m").context_length, 4096);
    said[0].size_bytes = 6000;
    list(f, "h1", said, 1);
    assert_int_equal(model(f, "m").size_bytes, 6000);
}

static void memory_is_reckoned_from_the_size_until_a_worker_was_seen(void **state)
{
    struct fixture *f = *state;
    const uint64_t mib = 1024 * 1024;
    struct listed_model models[] = { { .ref = "m", .size_bytes = 1000 * mib } };
    struct worker_facts w1 = facts("w1", "m", 1);

    registry_model_known(f->registry, "unlisted");
    assert_int_equal(model(f, "unlisted").vram_required_mb, 0);
    list(f, "h1", models, 1);
    assert_int_equal(model(f, "m").vram_required_mb, 1456);

    w1.rss_mb = 900; /* on the CPU */
    report(f, "h2", &w1, 1);
    assert_int_equal(model(f, "m").vram_required_mb, 900);
    w1.gpu_ids_len = 1; /* what a worker on a GPU has in RAM does not count */
    w1.total_vram_mb = 8000;
    w1.vram_mb = 1300;
    w1.rss_mb = 5000;
    report(f, "h2", &w1, 1);
    assert_int_equal(model(f, "m").vram_required_mb, 1300);
    w1.vram_mb = 800;
    report(f, "h2", &w1, 1);
    assert_int_equal(model(f, "m").vram_required_mb, 1300);
}

static void load_a_worker(struct fixture *f, const char *hive_id, uint64_t load_time_ms)
{
    struct worker_facts w = facts("w", "m", 1);

    report(f, hive_id, NULL, 0);
    w.state = WORKER_STARTING;
    report(f, hive_id, &w, 1);
    f->now_ms += load_time_ms / 2;
    report(f, hive_id, &w, 1);
    f->now_ms += load_time_ms - load_time_ms / 2;
    w.state = WORKER_READY;
    report(f, hive_id, &w, 1);
    f->now_ms += 100;
    report(f, hive_id, &w, 1);
    assert_int_equal(worker(f, "w")->load_time_ms, load_time_ms);
    report(f, hive_id, NULL, 0);
}

static void loading_lasts_from_starting_to_ready(void **state)
{
    struct fixture *f = *state;

    load_a_worker(f, "h1", 2000);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h1"), 2000);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h2"), 2000); /* as on any */
    assert_int_equal(registry_load_time_ms(f->registry, "n", "h1"), 0);
    load_a_worker(f, "h1", 1000);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h1"), 1500);
    load_a_worker(f, "h2", 500);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h2"), 500);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h3"), 1000);
}

static void loading_that_fails_or_was_not_seen_says_nothing(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1); /* ready at first sight */
    assert_int_equal(worker(f, "w1")->load_time_ms, 0);
    w1.state = WORKER_STARTING;
    report(f, "h", &w1, 1);
    f->now_ms += 1000;
    w1.state = WORKER_FAILED;
    report(f, "h", &w1, 1);
    w1.state = WORKER_READY;
    report(f, "h", &w1, 1);
    assert_int_equal(worker(f, "w1")->load_time_ms, 0);
    assert_int_equal(registry_load_time_ms(f->registry, "m", "h"), 0);

    w1.state = WORKER_STARTING; /* between two reports */
    report(f, "h", &w1, 1);
    w1.state = WORKER_BUSY;
    report(f, "h", &w1, 1);
    assert_int_equal(worker(f, "w1")->load_time_ms, 1);
}

struct loads {
    size_t len;
    char first[HIVE_ID_SIZE], last[HIVE_ID_SIZE];
};

static void note_load(void *data, const char *hive_id, uint64_t load_time_ms)
{
    struct loads *loads = data;

    assert_int_equal(load_time_ms, 700);
    if (loads->len++ == 0)
        (void)str_copy(loads->first, sizeof(loads->first), str_of(hive_id));
    (void)str_copy(loads->last, sizeof(loads->last), str_of(hive_id));
}

static void load_times_are_kept_of_the_last_hives_only(void **state)
{
    struct fixture *f = *state;
    struct loads loads = { 0 };

    for (int i = 0; i < LOADS_PER_MODEL_MAX + 4; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "h%d", i);
        load_a_worker(f, id, 700);
        pass(f, 60001); /* the hive is forgotten, what it showed is not */
    }
    load_a_worker(f, "h10", 700);
    registry_visit_loads(f->registry, "m", note_load, &loads);
    assert_int_equal(loads.len, LOADS_PER_MODEL_MAX);
    assert_string_equal(loads.first, "h10");
    assert_string_equal(loads.last, "h4");
}

static void demand_and_output_are_counted_by_model(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    assert_int_equal(model(f, "m").last_wanted_ms, 0);
    assert_int_equal(model(f, "m").tokens_out_mean, 0);
    registry_model_wanted(f->registry, "m", f->now_ms);
    registry_model_wanted(f->registry, "m", f->now_ms + 5);
    assert_int_equal(model(f, "m").wanted, 2);
    assert_int_equal(model(f, "m").last_wanted_ms, f->now_ms + 5);
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 100, .decode_ms = 1000 });
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 200, .decode_ms = 0 });
    assert_int_equal(model(f, "m").tokens_out_mean, 150);
    for (int i = 0; i < 500; i++)
        registry_measured(f->registry, "w1",
                          &(struct run_figures){ .tokens_out = 20, .decode_ms = 100 });
    assert_int_equal(model(f, "m").tokens_out_mean, 20);
}

static void how_long_runs_take_is_known_of_those_without_a_count_of_tokens_too(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 1);

    report(f, "h", &w1, 1);
    assert_float_equal(model(f, "m").run_ms_mean, 0, 0);
    registry_measured(f->registry, "w1", &(struct run_figures){ .run_ms = 300, .tokens_out = 1 });
    registry_measured(f->registry, "w1", &(struct run_figures){ .run_ms = 100 });
    assert_float_equal(model(f, "m").run_ms_mean, 200, 1e-9);
    assert_int_equal(model(f, "m").tokens_out_mean, 1);
}

static void a_hive_has_what_it_lists_or_anything(void **state)
{
    struct fixture *f = *state;
    struct listed_model models[] = {
        { .ref = "c" }, { .ref = "a" }, { .ref = "b" }, { .ref = "a" }
    };
    struct worker_facts w1 = facts("w1", "held", 1);

    list(f, "h1", models, 4);
    report(f, "h2", &w1, 1);
    assert_true(registry_hive_has_model(f->registry, "h1", "a"));
    assert_true(registry_hive_has_model(f->registry, "h1", "b"));
    assert_true(registry_hive_has_model(f->registry, "h1", "c"));
    assert_false(registry_hive_has_model(f->registry, "h1", "held"));
    assert_false(registry_hive_has_model(f->registry, "h1", "nowhere"));
    assert_true(registry_hive_has_model(f->registry, "h2", "nowhere")); /* lists none */
    assert_false(registry_hive_has_model(f->registry, "h3", "a"));      /* not known */
    report(f, "h1", NULL, 0); /* without capabilities: as before */
    assert_true(registry_hive_has_model(f->registry, "h1", "a"));
    list(f, "h1", models, 1);
    assert_false(registry_hive_has_model(f->registry, "h1", "a"));
    assert_false(registry_knows_model(f->registry, "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(a_model_has_the_size_that_a_hive_said_last),
        TEST(memory_is_reckoned_from_the_size_until_a_worker_was_seen),
        TEST(loading_lasts_from_starting_to_ready),
        TEST(loading_that_fails_or_was_not_seen_says_nothing),
        TEST(load_times_are_kept_of_the_last_hives_only),
        TEST(demand_and_output_are_counted_by_model),
        TEST(how_long_runs_take_is_known_of_those_without_a_count_of_tokens_too),
        TEST(a_hive_has_what_it_lists_or_anything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
