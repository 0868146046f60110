#include "jobs/forecast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* Four slots of 10 tokens/s, all of them busy with runs of 50 tokens: 5 s each. */
static const struct forecast_worker busy = {
    .slots = 4, .running = 4, .run_tokens = 50, .tokens_per_s = 10, .prefill_per_s = 100
};

static struct forecast of(const struct forecast_worker *w)
{
    struct forecast f = { .slots = 0 };

    forecast_add_worker(&f, w);
    return f;
}

static void who_finds_room_starts_now(void **state)
{
    struct forecast f = of(&(struct forecast_worker){ .slots = 4, .room = 2, .running = 2 });
    (void)state;

    f.before = 1;
    assert_int_equal(forecast_wait_ms(&f), 0);
    f.before = 2;
    assert_true(forecast_wait_ms(&f) > 0);
}

static void the_first_of_those_that_run_makes_room(void **state)
{
    struct forecast f = of(&busy);
    (void)state;

    assert_int_equal(forecast_wait_ms(&f), 1000);
    f = of(&(struct forecast_worker){
        .slots = 1, .running = 1, .run_tokens = 50, .tokens_per_s = 10 });
    assert_int_equal(forecast_wait_ms(&f), 2500);
    f = of(&(struct forecast_worker){
        .slots = 1, .running = 9, .run_tokens = 50, .tokens_per_s = 10 });
    assert_int_equal(forecast_wait_ms(&f), 2500); /* the others wait inside */
}

static void what_is_ahead_goes_through_all_slots_together(void **state)
{
    struct forecast f = of(&busy);
    (void)state;

    f.before = f.ahead = 4;
    f.answer_tokens = 4 * 20;
    f.prompt_tokens = 4 * 50;
    assert_int_equal(forecast_wait_ms(&f), 1000 + 2000 + 2000);
}

static void who_has_no_speed_yet_is_as_fast_as_the_others(void **state)
{
    struct forecast_worker twin = busy;
    struct forecast f = of(&busy);
    (void)state;

    twin.tokens_per_s = twin.prefill_per_s = 0;
    forecast_add_worker(&f, &twin);
    f.before = f.ahead = 8;
    f.answer_tokens = 8 * 20;
    f.prompt_tokens = 8 * 50;
    assert_int_equal(forecast_wait_ms(&f), 556 + 2000 + 2000);
}

static void without_a_speed_the_time_of_a_run_counts(void **state)
{
    struct forecast f = of(&(struct forecast_worker){ .slots = 2, .running = 2 });
    (void)state;

    f.before = f.ahead = 10;
    f.answer_tokens = 10;
    assert_true(forecast_wait_ms(&f) == FORECAST_UNKNOWN);
    f.run_ms = 300;
    assert_int_equal(forecast_wait_ms(&f), 100 + 1500);
}

static void without_a_worker_nobody_knows(void **state)
{
    struct forecast f = { .run_ms = 300 };
    (void)state;

    assert_true(forecast_wait_ms(&f) == FORECAST_UNKNOWN);
}

static void an_answer_is_as_its_models_are_but_no_longer_than_it_may_be(void **state)
{
    (void)state;

    assert_int_equal(forecast_answer_tokens(0, 0), FORECAST_ANSWER_TOKENS);
    assert_int_equal(forecast_answer_tokens(70, 0), 70);
    assert_int_equal(forecast_answer_tokens(70, 1), 1);
    assert_int_equal(forecast_answer_tokens(70, 400), 70);
}

static void figures_beyond_all_reason_do_no_harm(void **state)
{
    struct forecast f = of(&(struct forecast_worker){
        .running = UINT32_MAX, .run_tokens = 1e300, .tokens_per_s = 1e-300 });
    (void)state;

    assert_int_equal(forecast_wait_ms(&f), FORECAST_MS_MAX);
    assert_int_equal(forecast_whole_ms(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_finds_room_starts_now),
        cmocka_unit_test(the_first_of_those_that_run_makes_room),
        cmocka_unit_test(what_is_ahead_goes_through_all_slots_together),
        cmocka_unit_test(who_has_no_speed_yet_is_as_fast_as_the_others),
        cmocka_unit_test(without_a_speed_the_time_of_a_run_counts),
        cmocka_unit_test(without_a_worker_nobody_knows),
        cmocka_unit_test(an_answer_is_as_its_models_are_but_no_longer_than_it_may_be),
        cmocka_unit_test(figures_beyond_all_reason_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
