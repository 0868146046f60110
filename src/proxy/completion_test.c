#include "proxy/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static struct completion read_frame(const char *json)
{
    struct completion c = { 0 };
    struct err err = { 0 };

    if (completion_read(str_of(json), &c, &err) < 0)
        fail_msg("%s: %s", json, err.msg);
    return c;
}

static void what_a_client_would_miss_is_content(void **state)
{
    static const struct {
        const char *choice;
        bool has_content;
    } cases[] = {
        { "{\"delta\":{\"role\":\"assistant\"}}", false },
        { "{\"delta\":{\"role\":\"assistant\",\"content\":null}}", false },
        { "{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}", false },
        { "{\"delta\":{\"tool_calls\":[],\"refusal\":null,\"x\":{}}}", false },
        { "{\"delta\":null}", false },
        { "{\"text\":\"\"}", false },
        { "{\"delta\":{\"content\":\" \"}}", true },
        { "{\"delta\":{\"content\":[{\"type\":\"text\"}]}}", true },
        { "{\"delta\":{\"tool_calls\":[{\"index\":0}]}}", true },
        { "{\"delta\":{\"reasoning_content\":\"hm\"}}", true },
        { "{\"text\":\"a\"}", true },
        { "{\"message\":{\"content\":\"a\"}}", true },
    };
    char json[256];
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(json, sizeof(json), "{\"choices\":[%s]}", cases[i].choice);
        if (read_frame(json).has_content != cases[i].has_content)
            fail_msg("%s", json);
    }
}

static void text_and_finish_are_the_first_choices(void **state)
{
    struct completion c =
        read_frame("{\"choices\":[{\"delta\":{\"content\":\"a\\n\"},\"finish_reason\":\"length\"},"
                   "{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"stop\"}]}");
    (void)state;

    assert_true(str_eq(c.text, "\"a\\n\""));
    assert_true(str_eq(c.finish, "length"));
    c = read_frame("{\"choices\":[{\"delta\":{},\"finish_reason\":null}],\"error\":null}");
    assert_null(c.text.p);
    assert_null(c.finish.p);
    assert_null(c.error.p);
}

static void usage_timings_and_errors_are_read(void **state)
{
    struct completion c = read_frame(
        "{\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":null,"
        "\"prompt_tokens_details\":{\"cached_tokens\":1}},\"timings\":{\"predicted_ms\":12.75}}");
    (void)state;

    assert_true(c.has_usage);
    assert_int_equal(c.usage.tokens_in, 3);
    assert_int_equal(c.usage.tokens_out, 0);
    assert_int_equal(c.usage.cached_tokens, 1);
    assert_int_equal(c.decode_time_ms, 12);
    assert_false(read_frame("{\"choices\":null,\"usage\":null,\"timings\":null}").has_usage);
    assert_true(str_eq(read_frame("{\"error\":{\"code\":1}}").error, "{\"code\":1}"));
}

static void nonsense_is_an_error(void **state)
{
    static const char *const cases[] = {
        "",
        "[]",
        "\"text\"",
        "{\"choices\":[{}]",
        "{\"choices\":{}}",
        "{\"choices\":[5]}",
        "{\"choices\":[{\"delta\":\"x\"}]}",
        "{\"usage\":[]}",
        "{\"usage\":{\"prompt_tokens\":\"many\"}}",
        "{\"usage\":{\"prompt_tokens\":-1}}",
        "{\"usage\":{\"completion_tokens\":1e18}}",
        "{\"timings\":{\"predicted_ms\":1e300}}",
    };
    struct completion c = { .usage = { .tokens_in = 77 } };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (completion_read(str_of(cases[i]), &c, &err) == 0)
            fail_msg("%s was taken", cases[i]);
        assert_int_equal(c.usage.tokens_in, 77);
    }
}

static void a_glance_never_overlooks_what_weighs(void **state)
{
    static const struct {
        const char *json;
        bool is_plain;
    } cases[] = {
        { "{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}", true },
        { "{\"choices\":[{\"delta\":{\"content\":\"a\"}}],\"usage\": null}", true },
        { "{\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":1\"}}]}", true },
        { "{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}", false },
        { "{\"choices\":[{\"delta\":{},\"finish_reason\" : \"stop\"}]}", false },
        { "{\"choices\":[],\"usage\":{\"prompt_tokens\":3}}", false },
        { "{\"error\":{\"message\":\"oops\"}}", false },
        { "{\"choices\":[{\"usage\":null}],\"usage\":{}}", false },
        { "{\"choices\":[],\"usage\" \t\n:\r\n null}", true },
        { "{\"choices\":[],\"usage\" \t\n:\r\n {}}", false },
        { "{\"choices\":[{\"delta\":{\"content\":\"usage\"}}]}", true },
        { "{\"usage\":", false },
        { "::}", false },
        { "hello", false },
        { "{", false },
        { "", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (completion_is_plain(str_of(cases[i].json)) != cases[i].is_plain)
            fail_msg("%s", cases[i].json);
    }
}

static void usage_is_found_in_a_part_of_an_answer(void **state)
{
    struct usage usage = { 0 };
    (void)state;

    assert_true(completion_find_usage(
        str_of("0.5],\"x\":1}],\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8},\"timings\":{"),
        &usage));
    assert_int_equal(usage.tokens_in, 8);
    assert_int_equal(usage.tokens_out, 0);
    assert_false(completion_find_usage(str_of("\"usage\":{\"prompt_tok"), &usage));
    assert_false(completion_find_usage(str_of("\"usage\":"), &usage));
    assert_false(completion_find_usage(str_of("\"usage\":null"), &usage));
    assert_false(completion_find_usage(str_of("0.5,0.25"), &usage));
    assert_false(completion_find_usage((struct str){ 0 }, &usage));
    assert_int_equal(usage.tokens_in, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_would_miss_is_content),
        cmocka_unit_test(text_and_finish_are_the_first_choices),
        cmocka_unit_test(usage_timings_and_errors_are_read),
        cmocka_unit_test(nonsense_is_an_error),
        cmocka_unit_test(a_glance_never_overlooks_what_weighs),
        cmocka_unit_test(usage_is_found_in_a_part_of_an_answer),
    };

    return cmocka_run_group_tests_name("completion", tests, NULL, NULL);
}
