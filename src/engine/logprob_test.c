#include "engine/logprob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

static bool is_near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void logprobs_are_the_softmax_of_the_logits(void **state)
{
    const float logits[] = { 0.0F, (float)log(2), (float)log(4), (float)log(1) };
    struct logprob_choice top[4];
    (void)state;

    assert_true(fabs(logprob_compute(logits, 4, 1, top, 4) - log(2.0 / 8)) < 1e-6);
    assert_int_equal(top[0].token, 2);
    assert_int_equal(top[1].token, 1);
    assert_int_equal(top[2].token, 0); /* as likely as 3, and before it */
    assert_int_equal(top[3].token, 3);
    assert_true(fabs(top[0].logprob - log(4.0 / 8)) < 1e-6);
}

static void fewer_than_all_are_the_likeliest(void **state)
{
    const float logits[] = { 5, 1, 4, 2, 3, 0 };
    struct logprob_choice top[2];
    (void)state;

    (void)logprob_compute(logits, 6, 0, top, 2);
    assert_int_equal(top[0].token, 0);
    assert_int_equal(top[1].token, 2);
}

static void huge_logits_do_not_overflow(void **state)
{
    const float logits[] = { 3e38F, 3e38F, -3e38F };
    (void)state;

    assert_true(is_near(logprob_compute(logits, 3, 0, NULL, 0), -log(2)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logprobs_are_the_softmax_of_the_logits),
        cmocka_unit_test(fewer_than_all_are_the_likeliest),
        cmocka_unit_test(huge_logits_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
