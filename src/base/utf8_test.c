#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void sequences_have_the_length_of_their_form(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "a", 1 },
        { "\x7f", 1 },
        { "\xc2\x80", 2 },
        { "\xdf\xbf", 2 },
        { "\xe0\xa0\x80", 3 },
        { "\xed\x9f\xbf", 3 },
        { "\xee\x80\x80", 3 },
        { "\xef\xbf\xbf", 3 },
        { "\xf0\x90\x80\x80", 4 },
        { "\xf4\x8f\xbf\xbf", 4 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(utf8_sequence(cases[i].bytes, strlen(cases[i].bytes)), cases[i].len);
        assert_int_equal(utf8_sequence(cases[i].bytes, cases[i].len - 1), 0);
        assert_true(utf8_is_valid(str_of(cases[i].bytes)));
    }
}

static void what_is_malformed_is_no_sequence(void **state)
{
    static const char *const bad[] = {
        "\x80",         "\xbf",         "\xc0\x80",         "\xc1\xbf",      "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf5\x80\x80",  "\xf4\x90\x80\x80",
        "\xff",         "\xc2 ",        "\xe1\x80 ",        "\xf1\x80\x80 ", "\xe1\xc0\x80",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(utf8_sequence(bad[i], strlen(bad[i])), 0);
        assert_false(utf8_is_valid(str_of(bad[i])));
    }
    assert_int_equal(utf8_sequence("", 0), 0);
    assert_true(utf8_is_valid((struct str){ 0 }));
}

static void every_code_point_survives_a_round_trip(void **state)
{
    char bytes[4];
    (void)state;

    for (uint32_t c = 0; c <= 0x110000; c++) {
        size_t n = utf8_encode(c, bytes);
        bool is_character = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        assert_int_equal(n > 0, is_character);
        assert_int_equal(n > 0 ? utf8_sequence(bytes, n) : 0, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequences_have_the_length_of_their_form),
        cmocka_unit_test(what_is_malformed_is_no_sequence),
        cmocka_unit_test(every_code_point_survives_a_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
