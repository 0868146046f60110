#include "base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { M_REQUESTS, M_WORKERS, M_TTFT, M_UPTIME };

static const double buckets[] = { 0.1, 1, 2.5, 0 };
/* clang-format off */
static const struct metric_def defs[] = {
    [M_REQUESTS] = { METRIC_COUNTER,   "rbee_requests_total", "Requests by code",       { "code", "route" }, NULL    },
    [M_WORKERS]  = { METRIC_GAUGE,     "rbee_worker_slots",   "Slots, a \\ and\nmore",  { "worker" },        NULL    },
    [M_TTFT]     = { METRIC_HISTOGRAM, "rbee_ttft_seconds",   "Time",                   { "model" },         buckets },
    [M_UPTIME]   = { METRIC_GAUGE,     "rbee_uptime_seconds", "Uptime",                 { NULL },            NULL    },
};
/* clang-format on */

struct fixture {
    struct metrics *metrics;
    struct buf page;
};

static int setup(void **state)
{
    static struct fixture f;

    f.metrics = metrics_new(defs, sizeof(defs) / sizeof(defs[0]));
    buf_init(&f.page, 1024 * 1024);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    metrics_free(f->metrics);
    buf_deinit(&f->page);
    return 0;
}

static const char *page(struct fixture *f)
{
    buf_clear(&f->page);
    metrics_write(f->metrics, &f->page);
    return buf_cstr(&f->page);
}

static void an_idle_program_shows_its_families_and_plain_zeroes(void **state)
{
    assert_string_equal(page(*state), "# HELP rbee_requests_total Requests by code\n"
                                      "# TYPE rbee_requests_total counter\n"
                                      "# HELP rbee_worker_slots Slots, a \\\\ and\\nmore\n"
                                      "# TYPE rbee_worker_slots gauge\n"
                                      "# HELP rbee_ttft_seconds Time\n"
                                      "# TYPE rbee_ttft_seconds histogram\n"
                                      "# HELP rbee_uptime_seconds Uptime\n"
                                      "# TYPE rbee_uptime_seconds gauge\n"
                                      "rbee_uptime_seconds 0\n");
}

static void counters_add_up_by_their_labels_in_order_of_first_use(void **state)
{
    struct fixture *f = *state;
    const char *const ok[] = { "200", "/v1/models" }, *const bad[] = { "404", "/v1/models" };

    metrics_add(f->metrics, M_REQUESTS, ok, 1);
    metrics_add(f->metrics, M_REQUESTS, bad, 1);
    metrics_add(f->metrics, M_REQUESTS, ok, 2);
    assert_non_null(strstr(page(f), "counter\n"
                                    "rbee_requests_total{code=\"200\",route=\"/v1/models\"} 3\n"
                                    "rbee_requests_total{code=\"404\",route=\"/v1/models\"} 1\n"
                                    "# HELP"));
}

static void gauges_are_set_moved_and_cleared(void **state)
{
    struct fixture *f = *state;
    const char *const w1[] = { "w1" }, *const w2[] = { "w2" };

    metrics_set(f->metrics, M_WORKERS, w1, 4);
    metrics_add(f->metrics, M_WORKERS, w1, -1.5);
    metrics_set(f->metrics, M_WORKERS, w2, 1e9);
    metrics_set(f->metrics, M_UPTIME, NULL, 12.25);
    assert_non_null(strstr(page(f), "rbee_worker_slots{worker=\"w1\"} 2.5\n"
                                    "rbee_worker_slots{worker=\"w2\"} 1000000000\n"));
    assert_non_null(strstr(page(f), "\nrbee_uptime_seconds 12.25\n"));
    metrics_clear(f->metrics, M_WORKERS);
    metrics_set(f->metrics, M_WORKERS, w2, 1);
    assert_null(strstr(page(f), "w1"));
    assert_non_null(strstr(page(f), "w2"));
}

static void a_histogram_counts_what_is_at_or_below_each_bound(void **state)
{
    struct fixture *f = *state;
    const char *const model[] = { "tiny" };

    metrics_observe(f->metrics, M_TTFT, model, 0.1);
    metrics_observe(f->metrics, M_TTFT, model, 0.5);
    metrics_observe(f->metrics, M_TTFT, model, 2);
    metrics_observe(f->metrics, M_TTFT, model, 100);
    assert_non_null(strstr(page(f), "rbee_ttft_seconds_bucket{model=\"tiny\",le=\"0.1\"} 1\n"
                                    "rbee_ttft_seconds_bucket{model=\"tiny\",le=\"1\"} 2\n"
                                    "rbee_ttft_seconds_bucket{model=\"tiny\",le=\"2.5\"} 3\n"
                                    "rbee_ttft_seconds_bucket{model=\"tiny\",le=\"+Inf\"} 4\n"
                                    "rbee_ttft_seconds_sum{model=\"tiny\"} 102.6\n"
                                    "rbee_ttft_seconds_count{model=\"tiny\"} 4\n"));
}

static void values_are_escaped_and_always_utf8(void **state)
{
    struct fixture *f = *state;
    const char *const worker[] = { "a\"b\\c\nd\xff\xc3\xa9" };

    metrics_set(f->metrics, M_WORKERS, worker, NAN);
    assert_non_null(
        strstr(page(f), "rbee_worker_slots{worker=\"a\\\"b\\\\c\\nd?\xc3\xa9\"} NaN\n"));
    metrics_set(f->metrics, M_WORKERS, worker, INFINITY);
    assert_non_null(strstr(page(f), "} +Inf\n"));
}

static size_t count_series(const char *text, const char *prefix)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, prefix)); at++)
        count++;
    return count;
}

static void past_the_cap_everything_new_is_other(void **state)
{
    struct fixture *f = *state;
    char worker[16];
    const char *const values[] = { worker };

    for (int i = 0; i < METRICS_SERIES_MAX + 500; i++) {
        (void)snprintf(worker, sizeof(worker), "w%d", i);
        metrics_add(f->metrics, M_WORKERS, values, 1);
    }
    assert_int_equal(count_series(page(f), "\nrbee_worker_slots{"), METRICS_SERIES_MAX);
    assert_non_null(strstr(page(f), "rbee_worker_slots{worker=\"other\"} 501\n"));
    (void)snprintf(worker, sizeof(worker), "w7");
    metrics_add(f->metrics, M_WORKERS, values, 1);
    assert_non_null(strstr(page(f), "rbee_worker_slots{worker=\"w7\"} 2\n"));
}

static void a_long_label_value_is_cut(void **state)
{
    struct fixture *f = *state;
    char worker[1000];
    const char *const values[] = { worker };

    memset(worker, 'x', sizeof(worker) - 1);
    worker[sizeof(worker) - 1] = '\0';
    metrics_set(f->metrics, M_WORKERS, values, 1);
    worker[200] = 'y'; /* behind the cut: the same series */
    metrics_set(f->metrics, M_WORKERS, values, 2);
    assert_int_equal(count_series(page(f), "\nrbee_worker_slots{"), 1);
    assert_non_null(strstr(page(f), "xxx\"} 2\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_idle_program_shows_its_families_and_plain_zeroes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(counters_add_up_by_their_labels_in_order_of_first_use,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(gauges_are_set_moved_and_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(a_histogram_counts_what_is_at_or_below_each_bound, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(values_are_escaped_and_always_utf8, setup, teardown),
        cmocka_unit_test_setup_teardown(past_the_cap_everything_new_is_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_label_value_is_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
