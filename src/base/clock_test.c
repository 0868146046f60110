#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void time_goes_on(void **state)
{
    uint64_t us = clock_mono_us(), ms = clock_mono_ms();
    (void)state;

    assert_true(clock_mono_us() >= us);
    assert_true(clock_mono_ms() >= ms);
    assert_true(ms >= us / 1000);
    assert_true(clock_wall_ms() > UINT64_C(1700000000000)); /* we are past 2023 */
}

static void moments_read_as_rfc_3339_says(void **state)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { UINT64_C(951827696789), "2000-02-29T12:34:56.789Z" },
        { UINT64_C(1767225600000), "2026-01-01T00:00:00.000Z" },
        { UINT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[CLOCK_RFC3339_SIZE];
        uint64_t ms = 1;
        struct err err;

        clock_rfc3339(cases[i].ms, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(clock_parse_rfc3339(str_of(text), &ms, &err), 0);
        assert_true(ms == cases[i].ms);
    }
}

static void a_time_past_the_last_year_stays_in_it(void **state)
{
    char text[CLOCK_RFC3339_SIZE];
    (void)state;

    clock_rfc3339(UINT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void every_spelling_of_a_moment_is_understood(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } cases[] = {
        { "2026-01-01T00:00:00Z", UINT64_C(1767225600000) },
        { "2026-01-01t00:00:00z", UINT64_C(1767225600000) },
        { "2026-01-01 00:00:00Z", UINT64_C(1767225600000) },
        { "2026-01-01T02:30:00+02:30", UINT64_C(1767225600000) },
        { "2025-12-31T19:00:00-05:00", UINT64_C(1767225600000) },
        { "2026-01-01T00:00:00.5Z", UINT64_C(1767225600500) },
        { "2026-01-01T00:00:00.123456789Z", UINT64_C(1767225600123) },
        { "2016-12-31T23:59:60Z", UINT64_C(1483228800000) },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t ms = 1;
        struct err err;
        assert_int_equal(clock_parse_rfc3339(str_of(cases[i].text), &ms, &err), 0);
        assert_true(ms == cases[i].ms);
    }
}

static void what_is_no_moment_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00Zx",
        "2026-1-01T00:00:00Z",
        "2026/01/01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t ms = 7;
        struct err err;
        if (clock_parse_rfc3339(str_of(bad[i]), &ms, &err) != ERR_INVALID)
            fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(ms, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_goes_on),
        cmocka_unit_test(moments_read_as_rfc_3339_says),
        cmocka_unit_test(a_time_past_the_last_year_stays_in_it),
        cmocka_unit_test(every_spelling_of_a_moment_is_understood),
        cmocka_unit_test(what_is_no_moment_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
