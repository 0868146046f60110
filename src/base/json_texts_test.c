#include "base/json_texts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void named_members_are_copied_and_the_rest_passed_over(void **state)
{
    char id[16] = "?", status[8] = "?", message[8] = "old";
    const struct json_text members[] = {
        { "id", id, sizeof(id) },
        { "status", status, sizeof(status) },
        { "message", message, sizeof(message) },
    };
    struct err err;
    (void)state;

    assert_int_equal(
        json_texts_read(str_of("{\"x\":[1],\"status\":\"ok\",\"id\":\"job-1\",\"message\":null}"),
                        members, 3, &err),
        0);
    assert_string_equal(id, "job-1");
    assert_string_equal(status, "ok");
    assert_string_equal(message, "old");
}

static void a_member_that_is_no_text_or_too_long_is_named(void **state)
{
    char id[4] = "?";
    const struct json_text members[] = { { "id", id, sizeof(id) } };
    struct err err;
    (void)state;

    assert_int_equal(json_texts_read(str_of("{\"id\":1}"), members, 1, &err), ERR_INVALID);
    assert_string_equal(err.param, "id");
    assert_int_equal(json_texts_read(str_of("{\"id\":\"long\"}"), members, 1, &err), ERR_INVALID);
    assert_int_equal(json_texts_read(str_of("{\"id\":\"x\""), members, 1, &err), ERR_JSON);
    assert_int_equal(json_texts_read(str_of("[]"), members, 1, &err), ERR_INVALID);
}

static void one_raw_member_is_found(void **state)
{
    struct str raw;
    struct err err;
    (void)state;

    assert_int_equal(json_raw_member(str_of("{\"a\":1,\"b\": {\"c\":[2]} }"), "b", &raw, &err), 0);
    assert_true(str_eq(raw, "{\"c\":[2]}"));
    assert_int_equal(json_raw_member(str_of("{\"a\":1}"), "b", &raw, &err), 0);
    assert_int_equal(raw.len, 0);
    assert_int_equal(json_raw_member(str_of("{\"a\":}"), "a", &raw, &err), ERR_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named_members_are_copied_and_the_rest_passed_over),
        cmocka_unit_test(a_member_that_is_no_text_or_too_long_is_named),
        cmocka_unit_test(one_raw_member_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
