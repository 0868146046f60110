#include "supervisor/worker_info.h"

#include "supervisor/port_range.h"
#include "supervisor/usage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void what_a_worker_says_is_taken_and_the_rest_ignored(void **state)
{
    struct worker_info info;
    struct err err;
    (void)state;

    assert_int_equal(worker_info_parse(str_of("{\"slots\":4,\"active\":2,\"queued\":1,"
                                              "\"kv_used_pct\":12.5,\"tokens_per_s\":null,"
                                              "\"else\":{\"slots\":9}}"),
                                       &info, &err),
                     0);
    assert_int_equal(info.slots, 4);
    assert_int_equal(info.active, 2);
    assert_int_equal(info.queued, 1);
    assert_true(info.has_kv_used_pct && info.kv_used_pct > 12 && info.kv_used_pct < 13);
    assert_false(info.has_tokens_per_s);
}

static void impossible_answers_are_refused(void **state)
{
    static const char *const bad[] = { "",
                                       "[]",
                                       "{\"slots\":-1}",
                                       "{\"slots\":1e9}",
                                       "{\"active\":\"2\"}",
                                       "{\"kv_used_pct\":101}",
                                       "{\"tokens_per_s\":-1}",
                                       "{\"slots\":4",
                                       "<html>" };
    struct worker_info info = { .slots = 7 };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_true(worker_info_parse(str_of(bad[i]), &info, &err) < 0);
    assert_int_equal(info.slots, 7);
}

static void progress_is_a_share_or_unknown(void **state)
{
    (void)state;

    assert_int_equal(worker_health_progress(str_of("{\"progress\":0.42}")), 42);
    assert_int_equal(worker_health_progress(str_of("{\"progress\":1}")), 100);
    assert_int_equal(worker_health_progress(str_of("{\"progress\":7}")), WORKER_PROGRESS_UNKNOWN);
    assert_int_equal(worker_health_progress(str_of("{}")), WORKER_PROGRESS_UNKNOWN);
    assert_int_equal(worker_health_progress(str_of("loading")), WORKER_PROGRESS_UNKNOWN);
}

static void ranges_of_ports_are_read_or_refused(void **state)
{
    static const struct {
        const char *text;
        uint16_t from, to; /* 0: refused */
    } rows[] = {
        { "8080-8999", 8080, 8999 },
        { "1-65535", 1, 65535 },
        { "9000", 9000, 9000 },
        { "9000-8000", 0, 0 },
        { "0-5", 0, 0 },
        { "1-65536", 0, 0 },
        { "-5", 0, 0 },
        { "5-", 0, 0 },
        { "", 0, 0 },
        { "a-b", 0, 0 },
        { "1-2-3", 0, 0 },
        { "1 - 2", 0, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct port_range range = { 0, 0 };
        struct err err;
        int rc = port_range_parse(str_of(rows[i].text), &range, &err);
        assert_int_equal(rc, rows[i].from ? 0 : ERR_INVALID);
        assert_int_equal(range.from, rows[i].from);
        assert_int_equal(range.to, rows[i].to);
    }
}

static void rates_are_per_second_and_never_negative(void **state)
{
    const struct usage before = { .cpu_us = 1000, .read_bytes = 100, .write_bytes = 5 << 20 };
    const struct usage after = {
        .cpu_us = 501000, .rss_bytes = 3 << 20, .read_bytes = 50, .write_bytes = 7 << 20
    };
    (void)state;

    struct usage_rates rates = usage_rates_between(&before, &after, 500000);
    assert_true(rates.cpu_pct > 99.9 && rates.cpu_pct < 100.1);
    assert_int_equal(rates.rss_mb, 3);
    assert_true(rates.io_r_mb_s >= 0 && rates.io_r_mb_s <= 0);
    assert_true(rates.io_w_mb_s > 3.9 && rates.io_w_mb_s < 4.1);
    rates = usage_rates_between(&before, &after, 700000);
    assert_true(rates.cpu_pct >= 71.4 && rates.cpu_pct <= 71.4); /* of 71.428571... */
    rates = usage_rates_between(&before, &after, 0);
    assert_true(rates.cpu_pct >= 0 && rates.cpu_pct <= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_worker_says_is_taken_and_the_rest_ignored),
        cmocka_unit_test(impossible_answers_are_refused),
        cmocka_unit_test(progress_is_a_share_or_unknown),
        cmocka_unit_test(ranges_of_ports_are_read_or_refused),
        cmocka_unit_test(rates_are_per_second_and_never_negative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
