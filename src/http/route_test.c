#include "http/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void answer(struct http_request *req)
{
    (void)req;
}

/* clang-format off */
static const struct route routes[] = {
    { "GET",    "/",                    answer, ROUTE_OPEN,   0, 0, "root"   },
    { "GET",    "/v1/jobs",             answer, ROUTE_CLIENT, 0, 0, "list"   },
    { "POST",   "/v1/jobs",             answer, ROUTE_CLIENT, 0, 0, "submit" },
    { "GET",    "/v1/jobs/stats",       answer, ROUTE_CLIENT, 0, 0, "stats"  },
    { "GET",    "/v1/jobs/{id}",        answer, ROUTE_CLIENT, 0, 0, "get"    },
    { "DELETE", "/v1/jobs/{id}",        answer, ROUTE_CLIENT, 0, 0, "cancel" },
    { "GET",    "/v1/jobs/{id}/stream", answer, ROUTE_CLIENT, 0, 0, "stream" },
    { "GET",    "/p/{a}/x/{b}",         answer, ROUTE_ADMIN,  0, 0, "two"    },
    { "GET",    "/v1/models/{id...}",   answer, ROUTE_CLIENT, 0, 0, "model"  },
    { 0 },
};
/* clang-format on */

static void each_path_finds_its_row(void **state)
{
    static const struct {
        const char *method, *path, *summary, *param;
        bool path_known;
    } cases[] = {
        { "GET", "/", "root", NULL, true },
        { "GET", "/v1/jobs", "list", NULL, true },
        { "POST", "/v1/jobs", "submit", NULL, true },
        { "HEAD", "/v1/jobs", "list", NULL, true },
        { "GET", "/v1/jobs/stats", "stats", NULL, true },
        { "GET", "/v1/jobs/job-1", "get", "job-1", true },
        { "DELETE", "/v1/jobs/stats", "cancel", "stats", true },
        { "GET", "/v1/jobs/job-1/stream", "stream", "job-1", true },
        { "GET", "/v1/models/tiny", "model", "tiny", true },
        { "GET", "/v1/models/meta/llama/8b", "model", "meta/llama/8b", true },
        { "GET", "/v1/models/", NULL, NULL, false },
        { "PUT", "/v1/jobs", NULL, NULL, true },
        { "get", "/v1/jobs", NULL, NULL, true },
        { "GET", "/v1/jobs/", NULL, NULL, false },
        { "GET", "/v1//jobs", NULL, NULL, false },
        { "GET", "/v1/jobs//stream", NULL, NULL, false },
        { "GET", "/v1/jobs/a/b", NULL, NULL, false },
        { "GET", "/v1", NULL, NULL, false },
        { "GET", "", NULL, NULL, false },
        { "GET", "*", NULL, NULL, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct route_match match;

        route_find(routes, str_of(cases[i].method), str_of(cases[i].path), &match);
        if ((match.route != NULL) != (cases[i].summary != NULL))
            fail_msg("%s %s: %s", cases[i].method, cases[i].path, match.route ? "found" : "absent");
        if (cases[i].summary)
            assert_string_equal(match.route->summary, cases[i].summary);
        if (cases[i].param)
            assert_true(str_eq(match.params[0], cases[i].param));
        assert_int_equal(match.path_known, cases[i].path_known);
    }
}

static void params_come_in_the_patterns_order(void **state)
{
    struct route_match match;
    (void)state;

    route_find(routes, str_of("GET"), str_of("/p/one/x/two"), &match);

    assert_non_null(match.route);
    assert_true(str_eq(match.params[0], "one"));
    assert_true(str_eq(match.params[1], "two"));
    assert_int_equal(match.params[2].len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_path_finds_its_row),
        cmocka_unit_test(params_come_in_the_patterns_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
