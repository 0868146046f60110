#include "sandbox/breaker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct breaker_options options = {
    .strikes_max = 3,
    .strikes_ms = 60000,
    .retry_ms = 5000,
    .retry_max_ms = 30000,
};

static void strikes_within_the_window_open_it(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, &options);
    breaker_strike(&b, 1000);
    breaker_strike(&b, 2000);
    assert_false(breaker_is_open(&b, 2000));
    assert_int_equal(breaker_strikes(&b, 2000), 2);
    breaker_strike(&b, 61000);
    assert_true(breaker_is_open(&b, 61000));
    assert_int_equal(breaker_retry_in_ms(&b, 62000), 4000);
}

static void strikes_far_apart_do_not(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, &options);
    for (uint64_t now_ms = 0; now_ms < 1000000; now_ms += 30001)
        breaker_strike(&b, now_ms);
    assert_false(breaker_is_open(&b, 1000000));
}

static void trip(struct breaker *b, uint64_t now_ms)
{
    breaker_init(b, &options);
    for (int i = 0; i < 3; i++)
        breaker_strike(b, now_ms);
}

static void a_probe_that_succeeds_closes_it_and_forgets(void **state)
{
    struct breaker b;

    (void)state;
    trip(&b, 0);
    breaker_success(&b, 4999); /* of a question from before */
    assert_true(breaker_is_open(&b, 4999));
    assert_false(breaker_is_open(&b, 5000));
    assert_true(breaker_is_probing(&b, 5000));
    breaker_success(&b, 5001);
    assert_false(breaker_is_probing(&b, 5001));
    assert_int_equal(breaker_strikes(&b, 5001), 0);
    breaker_strike(&b, 5002);
    breaker_strike(&b, 5003);
    assert_false(breaker_is_open(&b, 5003));
    breaker_strike(&b, 5004);
    assert_int_equal(breaker_retry_in_ms(&b, 5004), 5000); /* not longer for the past */
}

static void each_probe_that_fails_doubles_the_wait_up_to_a_cap(void **state)
{
    static const unsigned waits_ms[] = { 5000, 10000, 20000, 30000, 30000 };
    struct breaker b;
    uint64_t now_ms = 0;

    (void)state;
    trip(&b, now_ms);
    for (size_t i = 0; i < sizeof(waits_ms) / sizeof(*waits_ms); i++) {
        assert_int_equal(breaker_retry_in_ms(&b, now_ms), waits_ms[i]);
        now_ms += waits_ms[i];
        assert_true(breaker_is_probing(&b, now_ms));
        breaker_strike(&b, now_ms);
    }
}

static void strikes_while_it_is_open_change_nothing(void **state)
{
    struct breaker b;

    (void)state;
    trip(&b, 0);
    for (int i = 0; i < 10; i++)
        breaker_strike(&b, 4000);
    assert_true(breaker_is_probing(&b, 5000));
    breaker_strike(&b, 5000);
    assert_int_equal(breaker_retry_in_ms(&b, 5000), 10000);
}

static void one_strike_can_be_enough(void **state)
{
    struct breaker b;

    (void)state;
    breaker_init(&b, &(struct breaker_options){
                         .strikes_max = 1, .retry_ms = 1, .retry_max_ms = UINT32_MAX });
    for (unsigned i = 0; i < 40; i++)
        breaker_strike(&b, (uint64_t)UINT32_MAX * i);
    assert_int_equal(breaker_retry_in_ms(&b, (uint64_t)UINT32_MAX * 39), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strikes_within_the_window_open_it),
        cmocka_unit_test(strikes_far_apart_do_not),
        cmocka_unit_test(a_probe_that_succeeds_closes_it_and_forgets),
        cmocka_unit_test(each_probe_that_fails_doubles_the_wait_up_to_a_cap),
        cmocka_unit_test(strikes_while_it_is_open_change_nothing),
        cmocka_unit_test(one_strike_can_be_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
