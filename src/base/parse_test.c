#include "base/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void whole_numbers_end_at_nul_space_or_newline(void **state)
{
    uint64_t n = 7;
    (void)state;

    assert_true(parse_u64("18446744073709551615", &n));
    assert_true(n == UINT64_MAX);
    assert_true(parse_u64("12 kB", &n));
    assert_int_equal(n, 12);
    assert_true(parse_u64("0\n", &n));
    assert_int_equal(n, 0);
}

static void anything_else_is_no_number_and_changes_nothing(void **state)
{
    static const char *const bad[] = { "", " 1", "-1", "+1", "1x", "max", "18446744073709551616" };
    uint64_t n = 7;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(parse_u64(bad[i], &n));
        assert_false(parse_u64_str(str_of(bad[i]), &n));
    }
    assert_false(parse_u64_str(str_of("1 "), &n));
    assert_false(parse_u64_str((struct str){ 0 }, &n));
    assert_int_equal(n, 7);
}

static void signed_numbers_reach_both_ends(void **state)
{
    static const char *const bad[] = {
        "", "-", "--1", "+1", "9223372036854775808", "- 1", "1.", "-9223372036854775809"
    };
    int64_t n = 7;
    (void)state;

    assert_true(parse_i64_str(str_of("9223372036854775807"), &n));
    assert_true(n == INT64_MAX);
    assert_true(parse_i64_str(str_of("-9223372036854775808"), &n));
    assert_true(n == INT64_MIN);
    assert_true(parse_i64_str(str_of("-0"), &n));
    assert_int_equal(n, 0);
    n = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_i64_str(str_of(bad[i]), &n));
    assert_int_equal(n, 7);
}

static void doubles_are_decimal_and_finite(void **state)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        { "1", 1 },  { "-0.5", -0.5 }, { "1e3", 1000 }, { "+2.5E-1", 0.25 }, { ".5", 0.5 },
        { "5.", 5 }, { "1e-400", 0 },  { "0.1", 0.1 },  { "1e308", 1e308 },  { "00012", 12 },
    };
    static const char *const bad[] = { "",    ".",  "-",  "e5",  "1e",    "1e+",   "inf",   "nan",
                                       "0x1", "1 ", " 1", "1,5", "1e400", "1.2.3", "-1e999" };
    char text[600];
    double x = 7;
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(parse_double_str(str_of(good[i].text), &x));
        assert_true(x == good[i].value);
    }
    x = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(parse_double_str(str_of(bad[i]), &x));
    memset(text, '0', sizeof(text));
    assert_false(parse_double_str((struct str){ text, sizeof(text) }, &x));
    assert_true(x == 7);
    assert_true(parse_double_str((struct str){ text, 511 }, &x));
    assert_true(x == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_end_at_nul_space_or_newline),
        cmocka_unit_test(anything_else_is_no_number_and_changes_nothing),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(doubles_are_decimal_and_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
