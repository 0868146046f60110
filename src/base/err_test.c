#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

static void setting_fills_code_and_words_and_clears_the_rest(void **state)
{
    struct err e = { .code = 1, .sys_errno = 2, .retry_after_ms = 3, .param = "old", .msg = "old" };
    (void)state;

    assert_int_equal(err_set(&e, ERR_NOT_FOUND, "no job '%s'", "x"), ERR_NOT_FOUND);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_string_equal(e.msg, "no job 'x'");
    assert_int_equal(e.sys_errno, 0);
    assert_int_equal(e.retry_after_ms, 0);
    assert_string_equal(e.param, "");
}

static void a_wrong_field_is_named(void **state)
{
    struct err e;
    (void)state;

    assert_int_equal(err_param(&e, ERR_INVALID, "top_p", "must be %d", 1), ERR_INVALID);
    assert_string_equal(e.param, "top_p");
    assert_string_equal(e.msg, "must be 1");
}

static void a_policy_s_refusal_keeps_its_code_and_status(void **state)
{
    struct err e;
    (void)state;

    assert_int_equal(err_policy(&e, 429, "no_gpus", "none for %s", "batch"), ERR_POLICY);
    assert_int_equal(e.policy_status, 429);
    assert_string_equal(e.policy_code, "no_gpus");
    assert_string_equal(e.msg, "none for batch");
    (void)err_set(&e, ERR_NOT_FOUND, "other");
    assert_int_equal(e.policy_status, 0);
    assert_string_equal(e.policy_code, "");
}

static void a_failed_call_keeps_errno_and_appends_its_text(void **state)
{
    struct err e;
    (void)state;

    errno = ENOENT;
    assert_int_equal(err_sys(&e, "cannot open '%s'", "f"), ERR_SYSTEM);
    assert_int_equal(e.sys_errno, ENOENT);
    assert_string_equal(e.msg, "cannot open 'f': No such file or directory");
}

static void wrapping_puts_context_in_front_and_keeps_the_rest(void **state)
{
    struct err e;
    (void)state;

    (void)err_param(&e, ERR_LIMIT, "workers", "too many");
    e.retry_after_ms = 500;
    assert_int_equal(err_wrap(&e, "hive '%s'", "h1"), ERR_LIMIT);
    assert_string_equal(e.msg, "hive 'h1': too many");
    assert_string_equal(e.param, "workers");
    assert_int_equal(e.retry_after_ms, 500);
}

static void an_error_may_quote_itself(void **state)
{
    struct err e;
    (void)state;

    (void)err_param(&e, ERR_INVALID, "a", "inner");
    (void)err_param(&e, ERR_INVALID, e.param, "outer of %s", e.msg);
    assert_string_equal(e.msg, "outer of inner");
    assert_string_equal(e.param, "a");
}

static void long_words_are_cut_and_stay_one_line(void **state)
{
    char text[1000];
    struct err e;
    (void)state;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    (void)err_param(&e, ERR_INVALID, text, "%s", text);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
    assert_int_equal(strlen(e.param), sizeof(e.param) - 1);
    (void)err_wrap(&e, "%s", text);
    assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
    (void)err_set(&e, ERR_INVALID, "two\nlines\t");
    assert_string_equal(e.msg, "two lines ");
}

static void every_code_has_a_row(void **state)
{
    (void)state;

    for (int code = ERR_INVALID; code <= ERR_HTTP_VERSION; code++) {
        assert_non_null(err_name(code));
        assert_string_not_equal(err_name(code), "unknown");
        assert_non_null(err_type(code));
        assert_in_range(err_http_status(code), 400, 599);
    }
}

static void codes_say_what_the_protocol_says(void **state)
{
    static const struct {
        int code, status;
        const char *name, *type;
        bool is_retriable;
    } cases[] = {
        { ERR_INVALID, 400, "invalid_value", "invalid_request_error", false },
        { ERR_CONTEXT_LENGTH, 400, "context_length_exceeded", "invalid_request_error", false },
        { ERR_NO_API_KEY, 401, "missing_api_key", "authentication_error", false },
        { ERR_FORBIDDEN, 403, "forbidden", "permission_error", false },
        { ERR_MODEL_NOT_FOUND, 404, "model_not_found", "invalid_request_error", false },
        { ERR_QUEUE_FULL, 429, "queue_full", "rate_limit_error", true },
        { ERR_WORKER, 502, "worker_error", "server_error", true },
        { ERR_NO_WORKERS, 503, "no_workers_available", "server_error", true },
        { ERR_DEADLINE, 504, "deadline_exceeded", "server_error", false },
        { ERR_HTTP_VERSION, 505, "http_version_not_supported", "server_error", false },
        { -5, 500, "unknown", "server_error", false },
        { 0, 500, "unknown", "server_error", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(err_http_status(cases[i].code), cases[i].status);
        assert_string_equal(err_name(cases[i].code), cases[i].name);
        assert_string_equal(err_type(cases[i].code), cases[i].type);
        assert_int_equal(err_is_retriable(cases[i].code), cases[i].is_retriable);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_fills_code_and_words_and_clears_the_rest),
        cmocka_unit_test(a_wrong_field_is_named),
        cmocka_unit_test(a_policy_s_refusal_keeps_its_code_and_status),
        cmocka_unit_test(a_failed_call_keeps_errno_and_appends_its_text),
        cmocka_unit_test(wrapping_puts_context_in_front_and_keeps_the_rest),
        cmocka_unit_test(an_error_may_quote_itself),
        cmocka_unit_test(long_words_are_cut_and_stay_one_line),
        cmocka_unit_test(every_code_has_a_row),
        cmocka_unit_test(codes_say_what_the_protocol_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
