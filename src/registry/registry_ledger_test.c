/* The ledger: tokens of runs, speeds that runs showed, memory held for starts. */
#include "registry/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void assert_near(double value, double expected)
{
    assert_true(value > expected - 0.001 && value < expected + 0.001);
}

static void tokens_weigh_on_a_worker_until_their_run_ends(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);
    const struct run_tokens first = { .prefill = 100, .total = 150 },
                            second = { .prefill = 30, .total = 530 };

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &first, f->now_ms);
    registry_charge(f->registry, "w1", &second, f->now_ms);
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 680);
    assert_int_equal(worker(f, "w1")->queued_prefill_tokens, 130);

    registry_prefilled(f->registry, "w1", &first, 50);
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 680);
    assert_int_equal(worker(f, "w1")->queued_prefill_tokens, 30);
    report(f, "h", &w1, 1); /* a report changes nothing in it */
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 680);

    registry_release(f->registry, "w1", &second, false); /* it failed before its first token */
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 150);
    assert_int_equal(worker(f, "w1")->queued_prefill_tokens, 0);
    registry_release(f->registry, "w1", &first, true);
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 0);
    assert_int_equal(worker(f, "w1")->in_flight, 0);
}

static void what_ends_on_a_worker_that_is_gone_ends_quietly(void **state)
{
    struct fixture *f = *state;
    const struct run_tokens tokens = { .prefill = 1, .total = 2 };

    registry_prefilled(f->registry, "gone", &tokens, 5);
    registry_release(f->registry, "gone", &tokens, true);
    registry_measured(f->registry, "gone",
                      &(struct run_figures){ .tokens_out = 10, .decode_ms = 10 });
    registry_reserve(f->registry, "gone", 100);
    registry_model_wanted(f->registry, "gone", f->now_ms);
    registry_worker_leaving(f->registry, "gone", true);
}

static void a_speed_is_measured_over_the_last_runs(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    report(f, "h", &w1, 1);
    assert_near(worker(f, "w1")->tokens_per_s, 0);
    registry_measured(
        f->registry, "w1",
        &(struct run_figures){ .tokens_out = 101,
                               .decode_ms = 1000 }); /* the first token is not timed */
    assert_near(worker(f, "w1")->tokens_per_s, 100);
    registry_measured(
        f->registry, "w1",
        &(struct run_figures){ .tokens_out = 1, .decode_ms = 0 }); /* shows no speed */
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 1, .decode_ms = 500 });
    assert_near(worker(f, "w1")->tokens_per_s, 100);
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 51, .decode_ms = 1000 });
    assert_true(worker(f, "w1")->tokens_per_s > 50 && worker(f, "w1")->tokens_per_s < 100);
    for (int i = 0; i < 50; i++)
        registry_measured(f->registry, "w1",
                          &(struct run_figures){ .tokens_out = 51, .decode_ms = 1000 });
    assert_true(worker(f, "w1")->tokens_per_s < 50.1);
    report(f, "h", &w1, 1);
    assert_true(worker(f, "w1")->tokens_per_s > 49.9);
}

static void telemetrys_speed_goes_before_the_measured_one(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);

    w1.has_tokens_per_s = true;
    w1.tokens_per_s = 33;
    report(f, "h", &w1, 1);
    assert_near(worker(f, "w1")->tokens_per_s, 33);
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 101, .decode_ms = 1000 });
    assert_near(worker(f, "w1")->tokens_per_s, 33);
    w1.tokens_per_s = 0; /* at rest: that says nothing of its speed */
    report(f, "h", &w1, 1);
    assert_near(worker(f, "w1")->tokens_per_s, 100);
}

static void a_prefill_is_measured_by_its_uncached_tokens(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4);
    const struct run_tokens tokens = { .prefill = 500, .total = 600 };
    const struct run_tokens cached = { .prefill = 0, .total = 600 };

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &tokens, f->now_ms);
    registry_prefilled(f->registry, "w1", &tokens, 250);
    assert_near(worker(f, "w1")->prefill_tokens_per_s, 2000);
    registry_charge(f->registry, "w1", &cached, f->now_ms);
    registry_prefilled(f->registry, "w1", &cached, 10);
    assert_near(worker(f, "w1")->prefill_tokens_per_s, 2000);
}

static void what_was_measured_goes_with_the_model(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 4), other = facts("w1", "n", 4);
    const struct run_tokens tokens = { .prefill = 500, .total = 600 };

    report(f, "h", &w1, 1);
    registry_charge(f->registry, "w1", &tokens, f->now_ms);
    registry_prefilled(f->registry, "w1", &tokens, 250);
    registry_measured(f->registry, "w1",
                      &(struct run_figures){ .tokens_out = 101, .decode_ms = 1000 });
    report(f, "h", &other, 1);
    assert_near(worker(f, "w1")->tokens_per_s, 0);
    assert_near(worker(f, "w1")->prefill_tokens_per_s, 0);
    assert_int_equal(worker(f, "w1")->in_flight_tokens, 600); /* the run has not ended */
}

static void a_start_holds_memory_until_it_is_given_back(void **state)
{
    struct fixture *f = *state;

    report(f, "h", NULL, 0);
    registry_reserve(f->registry, "h", 4000);
    registry_reserve(f->registry, "h", 1000);
    assert_int_equal(registry_hive(f->registry, "h")->reserved_mb, 5000);
    report(f, "h", NULL, 0);
    registry_reserve(f->registry, "h", -4000);
    assert_int_equal(registry_hive(f->registry, "h")->reserved_mb, 1000);

    pass(f, 60001);
    report(f, "h", NULL, 0); /* forgotten meanwhile */
    registry_reserve(f->registry, "h", -1000);
    assert_int_equal(registry_hive(f->registry, "h")->reserved_mb, 0);
}

static void a_worker_that_is_leaving_gets_nothing_new(void **state)
{
    struct fixture *f = *state;
    struct worker_facts w1 = facts("w1", "m", 2);

    report(f, "h", &w1, 1);
    registry_worker_leaving(f->registry, "w1", true);
    assert_int_equal(worker_room(worker(f, "w1")), 0);
    report(f, "h", &w1, 1);
    assert_false(worker_is_available(worker(f, "w1")));
    assert_told(f, "model m;room w1;");
    registry_worker_leaving(f->registry, "w1", false);
    assert_told(f, "room w1;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
        TEST(tokens_weigh_on_a_worker_until_their_run_ends),
        TEST(what_ends_on_a_worker_that_is_gone_ends_quietly),
        TEST(a_speed_is_measured_over_the_last_runs),
        TEST(telemetrys_speed_goes_before_the_measured_one),
        TEST(a_prefill_is_measured_by_its_uncached_tokens),
        TEST(what_was_measured_goes_with_the_model),
        TEST(a_start_holds_memory_until_it_is_given_back),
        TEST(a_worker_that_is_leaving_gets_nothing_new),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
