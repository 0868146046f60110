#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

struct request {
    struct arena arena;
    char model[16];
    struct str prompt;
    int64_t max_tokens;
    double temperature;
    bool stream;
    int stops;
    int messages;
};

static void read_message(struct json *j, struct request *r)
{
    json_object(j)
    {
        if (json_key(j, "content"))
            json_read_str(j, &r->arena, &r->prompt);
    }
    r->messages++;
}

/* As a handler reads a body: members in any order, the unknown skipped. */
static int read_request(const char *text, struct request *r, struct err *err)
{
    struct json j;

    *r = (struct request){ .max_tokens = -1, .temperature = -1 };
    arena_init(&r->arena, 4096);
    json_init(&j, str_of(text));
    json_object(&j)
    {
        if (json_key(&j, "model")) {
            json_read_text(&j, r->model, sizeof(r->model));
        } else if (json_key(&j, "messages")) {
            json_array(&j) read_message(&j, r);
            if (r->messages == 0)
                json_fail(&j, "must not be empty");
        } else if (json_key(&j, "max_tokens")) {
            json_read_i64_in(&j, 1, 4096, &r->max_tokens);
        } else if (json_key(&j, "temperature")) {
            json_read_double_in(&j, 0, 2, &r->temperature);
        } else if (json_key(&j, "stream")) {
            if (!json_read_null(&j))
                json_read_bool(&j, &r->stream);
        } else if (json_key(&j, "stop")) {
            json_array(&j) r->stops++;
        }
    }
    return json_finish(&j, err);
}

static void a_body_is_read_in_any_order_and_the_unknown_is_skipped(void **state)
{
    struct request r;
    struct err err;
    (void)state;

    assert_int_equal(
        read_request("\n{ \"unknown\": {\"deep\": [1, {\"model\": 2}, null]}, \"stream\": true,"
                     "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stop\":[\"a\",[],{}],"
                     "\t\"temperature\": 0.5, \"max_tokens\":16, \"model\" : \"rbee-tiny\"} \r\n",
                     &r, &err),
        0);
    assert_string_equal(r.model, "rbee-tiny");
    assert_true(str_eq(r.prompt, "hi"));
    assert_int_equal(r.max_tokens, 16);
    assert_true(r.temperature == 0.5);
    assert_true(r.stream);
    assert_int_equal(r.stops, 3);
    arena_deinit(&r.arena);
}

static void a_wrong_value_is_named_with_what_was_found_and_wanted(void **state)
{
    static const struct {
        const char *text, *param, *message;
    } cases[] = {
        { "{\"max_tokens\":\"a\"}", "max_tokens",
          "'max_tokens' must be an integer, found a string" },
        { "{\"max_tokens\":null}", "max_tokens", "'max_tokens' must be an integer, found null" },
        { "{\"max_tokens\":1.5}", "max_tokens", "'max_tokens' must be an integer, found 1.5" },
        { "{\"max_tokens\":0}", "max_tokens", "'max_tokens' must be from 1 to 4096, found 0" },
        { "{\"max_tokens\":1e9}", "max_tokens",
          "'max_tokens' must be from 1 to 4096, found 1000000000" },
        { "{\"max_tokens\":1e99}", "max_tokens", "'max_tokens' is out of range, found 1e99" },
        { "{\"temperature\":[]}", "temperature", "'temperature' must be a number, found an array" },
        { "{\"temperature\":-1}", "temperature", "'temperature' must be from 0 to 2, found -1" },
        { "{\"temperature\":1e999}", "temperature", "'temperature' is out of range, found 1e999" },
        { "{\"stream\":1}", "stream", "'stream' must be true or false, found a number" },
        { "{\"model\":{}}", "model", "'model' must be a string, found an object" },
        { "{\"model\":\"0123456789abcdef\"}", "model", "'model' must be at most 15 bytes long" },
        { "{\"model\":\"a\\u0000\"}", "model", "'model' must not hold a NUL character" },
        { "{\"messages\":\"hi\"}", "messages", "'messages' must be an array, found a string" },
        { "{\"messages\":[1]}", "messages", "'messages' must be an object, found a number" },
        { "{\"messages\":[{\"content\":false}]}", "content",
          "'content' must be a string, found a boolean" },
        { "{\"messages\":[]}", "messages", "'messages' must not be empty" },
        { "[]", "", "the value must be an object, found an array" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        struct request r;
        assert_int_equal(read_request(cases[i].text, &r, &err), ERR_INVALID);
        assert_string_equal(err.msg, cases[i].message);
        assert_string_equal(err.param, cases[i].param);
        assert_int_equal(r.max_tokens, -1); /* a failure leaves the output alone */
        arena_deinit(&r.arena);
    }
}

static int skip_all(struct str text, struct err *err)
{
    struct json j;

    json_init(&j, text);
    return json_finish(&j, err);
}

static void bad_syntax_is_told_with_line_and_column(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "line 1 column 1: expected a value, found the end of the text" },
        { " \n ", "line 2 column 2: expected a value, found the end of the text" },
        { "{\"a\":1,}", "line 1 column 8: expected a member's name in double quotes, found '}'" },
        { "{a:1}", "line 1 column 2: expected a member's name in double quotes, found 'a'" },
        { "{\"a\" 1}", "line 1 column 6: expected ':' after a member's name, found '1'" },
        { "{\"a\":1 \"b\"", "line 1 column 8: expected ',' or '}' after a member, found '\"'" },
        { "[1,\n 2,\n  ]", "line 3 column 3: expected a value, found ']'" },
        { "[1 2]", "line 1 column 4: expected ',' or ']' after an element, found '2'" },
        { "[1}", "line 1 column 3: expected ',' or ']' after an element, found '}'" },
        { "[1",
          "line 1 column 3: expected ',' or ']' after an element, found the end of the text" },
        { "nul", "line 1 column 1: expected a value, found 'n'" },
        { "truex", "line 1 column 5: expected the end of the text, found 'x'" },
        { "NaN", "line 1 column 1: expected a value, found 'N'" },
        { "'a'", "line 1 column 1: expected a value, found '''" },
        { "/**/1", "line 1 column 1: expected a value, found '/'" },
        { "\xef\xbb\xbf{}", "line 1 column 1: expected a value, found '\xef\xbb\xbf'" },
        { "01", "line 1 column 2: a number must not start with 0" },
        { "-", "line 1 column 2: expected a digit, found the end of the text" },
        { "+1", "line 1 column 1: expected a value, found '+'" },
        { ".5", "line 1 column 1: expected a value, found '.'" },
        { "1.", "line 1 column 3: expected a digit, found the end of the text" },
        { "1.e5", "line 1 column 3: expected a digit, found 'e'" },
        { "1e+", "line 1 column 4: expected a digit, found the end of the text" },
        { "\"abc", "line 1 column 5: the text ends inside a string" },
        { "\"a\tb\"", "line 1 column 3: control character 0x09 in a string; write it as \\u0009" },
        { "\"\\x\"", "line 1 column 2: not an escape that JSON knows" },
        { "\"\\u12g4\"", "line 1 column 2: not an escape that JSON knows" },
        { "\"\\ud800\"", "line 1 column 2: half of a surrogate pair" },
        { "\"\\udc00\\ud800\"", "line 1 column 2: half of a surrogate pair" },
        { "\"\\ud800\\u0041\"", "line 1 column 2: half of a surrogate pair" },
        { "\"\xc3\xa9\xff\"", "line 1 column 3: byte 0xff is not UTF-8" },
        { "\"\xed\xa0\x80\"", "line 1 column 2: byte 0xed is not UTF-8" },
        { "\"\xc0\xaf\"", "line 1 column 2: byte 0xc0 is not UTF-8" },
        { "{} {}", "line 1 column 4: expected the end of the text, found '{'" },
        { "\x01", "line 1 column 1: expected a value, found the byte 0x01" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };
        if (skip_all(str_of(cases[i].text), &err) != ERR_JSON)
            fail_msg("%s: %s", cases[i].text, err.msg);
        assert_string_equal(err.msg, cases[i].message);
    }
}

static void no_cut_of_a_text_is_valid_or_read_past(void **state)
{
    static const char text[] = "{\"a\":[1.5e-3,true,null,\"\\ud83d\\ude00\xe2\x82\xac\"],\"b\":{}}";
    struct err err;
    (void)state;

    for (size_t len = 0; len < sizeof(text) - 1; len++) {
        char *exact = malloc(len + 1); /* never of size 0; a sanitizer guards the rest */
        assert_non_null(exact);
        memcpy(exact + 1, text, len);
        assert_int_equal(skip_all((struct str){ exact + 1, len }, &err), ERR_JSON);
        free(exact);
    }
    assert_int_equal(skip_all(str_of(text), &err), 0);
}

static void whole_numbers_count_in_every_spelling(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        { "0", 0 },
        { "-0", 0 },
        { "1.0", 1 },
        { "1e3", 1000 },
        { "12E+2", 1200 },
        { "150e-1", 15 },
        { "1.50e1", 15 },
        { "0e999999999999999999999", 0 },
        { "0.000", 0 },
        { "1.00000000000000000000000000000000", 1 },
        { "10000000000000000000000000e-24", 10 },
        { "9223372036854775807", INT64_MAX },
        { "-9223372036854775808", INT64_MIN },
        { "9223372036854775807.000", INT64_MAX },
        { "9.223372036854775807e18", INT64_MAX },
    };
    static const char *const bad[] = {
        "1.5",   "1e-1", "9223372036854775808", "-9223372036854775809",           "1e19",
        "1e999", "0.1",  "1e99999999999999999", "123456789012345678901234567890",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t value = 77;
        struct json j;
        struct err err;
        json_init(&j, str_of(good[i].text));
        json_read_i64(&j, &value);
        assert_int_equal(json_finish(&j, &err), 0);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value = 77;
        struct json j;
        struct err err;
        json_init(&j, str_of(bad[i]));
        json_read_i64(&j, &value);
        assert_int_equal(json_finish(&j, &err), ERR_INVALID);
        assert_int_equal(value, 77);
    }
}

static void strings_are_views_unless_escaped(void **state)
{
    const char *text = "[\"plain \xc3\xa9\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"
                       "\\uD83D\\uDE00\\u0000\"]";
    struct str s[2] = { 0 };
    struct arena arena;
    struct json j;
    struct err err;
    int i = 0;
    (void)state;

    arena_init(&arena, 1000);
    json_init(&j, str_of(text));
    json_array(&j) json_read_str(&j, &arena, &s[i++]);
    assert_int_equal(json_finish(&j, &err), 0);
    assert_ptr_equal(s[0].p, text + 2);
    assert_true(str_eq(s[0], "plain \xc3\xa9"));
    assert_int_equal(s[1].len, 15);
    assert_memory_equal(s[1].p, "\"\\/\b\f\n\r\t\xc3\xa9\xf0\x9f\x98\x80", 15);
    arena_deinit(&arena);
}

static void an_escaped_string_beyond_the_arena_is_too_large(void **state)
{
    struct arena arena;
    struct str s = { 0 };
    struct json j;
    struct err err;
    (void)state;

    arena_init(&arena, 16);
    json_init(&j, str_of("{\"prompt\":\"\\n0123456789abcdef0123\"}"));
    json_object(&j) json_read_str(&j, &arena, &s);
    assert_int_equal(json_finish(&j, &err), ERR_TOO_LARGE);
    assert_string_equal(err.param, "prompt");
    assert_null(s.p);
    arena_deinit(&arena);
}

static void keys_are_known_by_what_they_mean(void **state)
{
    char key[8];
    struct json j;
    struct err err;
    int seen = 0;
    (void)state;

    json_init(&j, str_of("{\"m\\u006fd\\u00e9l\":1,\"mod\":2,\"\":3,\"a\\u0000b\":4}"));
    json_object(&j)
    {
        seen++;
        assert_int_equal(json_key(&j, "mod\xc3\xa9l"), seen == 1);
        assert_int_equal(json_key(&j, "mod"), seen == 2);
        assert_int_equal(json_key(&j, ""), seen == 3);
        assert_false(json_key(&j, "mod\xc3\xa9lx"));
        assert_false(json_key(&j, "a"));
        if (seen == 1) {
            assert_true(json_key_copy(&j, key, sizeof(key)));
            assert_string_equal(key, "mod\xc3\xa9l");
        }
        if (seen == 4)
            assert_false(json_key_copy(&j, key, sizeof(key)));
    }
    assert_int_equal(json_finish(&j, &err), ERR_INVALID);
    assert_int_equal(seen, 4);
}

static void a_key_that_does_not_fit_is_an_error(void **state)
{
    char key[4];
    struct json j;
    struct err err;
    (void)state;

    json_init(&j, str_of("{\"abcd\":1}"));
    json_object(&j) assert_false(json_key_copy(&j, key, sizeof(key)));
    assert_int_equal(json_finish(&j, &err), ERR_INVALID);
    assert_string_equal(err.msg, "'abcd' must be at most 3 bytes long");
}

static void after_a_nested_value_its_own_key_is_current_again(void **state)
{
    struct json j;
    struct err err;
    (void)state;

    json_init(&j, str_of("{\"out\\u0065r\":[{\"inner\":[[{\"x\":1}]]}]}"));
    json_object(&j)
    {
        assert_true(json_key(&j, "outer"));
        json_skip(&j);
        assert_true(json_key(&j, "outer"));
        json_fail(&j, "is %s", "odd");
    }
    assert_int_equal(json_finish(&j, &err), ERR_INVALID);
    assert_string_equal(err.param, "outer");
    assert_string_equal(err.msg, "'outer' is odd");
}

static void depth_ends_at_the_cap(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 3];
    struct err err;
    (void)state;

    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        int rc = skip_all((struct str){ text, 2 * depth }, &err);
        assert_int_equal(rc, depth > JSON_DEPTH_MAX ? ERR_JSON : 0);
    }
    assert_string_equal(err.msg, "line 1 column 65: nested deeper than 64");
}

static void the_last_of_equal_keys_wins(void **state)
{
    struct request r;
    struct err err;
    (void)state;

    assert_int_equal(read_request("{\"max_tokens\":1,\"max_tokens\":2}", &r, &err), 0);
    assert_int_equal(r.max_tokens, 2);
    arena_deinit(&r.arena);
}

static void the_first_error_sticks_and_everything_stops(void **state)
{
    struct str raw = { 0 };
    int64_t n = 7;
    bool flag = true;
    struct json j;
    struct err err;
    int rounds = 0;
    (void)state;

    json_init(&j, str_of("[1, x, 3]"));
    json_array(&j)
    {
        rounds++;
        json_read_i64(&j, &n);
    }
    assert_int_equal(rounds, 2);
    assert_int_equal(json_peek(&j), JSON_INVALID);
    json_read_bool(&j, &flag);
    json_read_raw(&j, &raw);
    json_fail(&j, "later");
    json_object(&j) rounds++;
    assert_int_equal(rounds, 2);
    assert_int_equal(n, 1);
    assert_null(raw.p);
    assert_int_equal(json_finish(&j, &err), ERR_JSON);
    assert_string_equal(err.msg, "line 1 column 5: expected a value, found 'x'");
}

static void peeking_consumes_nothing(void **state)
{
    static const struct {
        const char *text;
        enum json_type type;
    } cases[] = {
        { " null", JSON_NULL },  { "\tfalse", JSON_BOOL }, { "-1", JSON_NUMBER },
        { "\"\"", JSON_STRING }, { "\n[]", JSON_ARRAY },   { "{}", JSON_OBJECT },
        { "", JSON_INVALID },    { "?", JSON_INVALID },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json j;
        struct err err;
        json_init(&j, str_of(cases[i].text));
        assert_int_equal(json_peek(&j), cases[i].type);
        assert_int_equal(json_peek(&j), cases[i].type);
        assert_int_equal(json_read_null(&j), cases[i].type == JSON_NULL);
        assert_int_equal(json_finish(&j, &err), cases[i].type == JSON_INVALID ? ERR_JSON : 0);
    }
}

static void raw_values_come_without_the_space_around(void **state)
{
    struct str raw[3] = { 0 };
    struct json j;
    struct err err;
    int i = 0;
    (void)state;

    json_init(&j, str_of("[ {\"a\" : [1]} , \"x\\n\" ,1.50]"));
    json_array(&j) json_read_raw(&j, &raw[i++]);
    assert_int_equal(json_finish(&j, &err), 0);
    assert_true(str_eq(raw[0], "{\"a\" : [1]}"));
    assert_true(str_eq(raw[1], "\"x\\n\""));
    assert_true(str_eq(raw[2], "1.50"));
}

static void long_keys_are_cut_in_messages_between_characters(void **state)
{
    char text[200] = "{\"a";
    struct json j;
    struct err err;
    int64_t n;
    (void)state;

    for (size_t i = 3; i < 143; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    memcpy(text + 143, "\":[]}", 6);
    json_init(&j, str_of(text));
    json_object(&j) json_read_i64(&j, &n);
    assert_int_equal(json_finish(&j, &err), ERR_INVALID);
    assert_int_equal(strlen(err.param), 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_is_read_in_any_order_and_the_unknown_is_skipped),
        cmocka_unit_test(a_wrong_value_is_named_with_what_was_found_and_wanted),
        cmocka_unit_test(bad_syntax_is_told_with_line_and_column),
        cmocka_unit_test(no_cut_of_a_text_is_valid_or_read_past),
        cmocka_unit_test(whole_numbers_count_in_every_spelling),
        cmocka_unit_test(strings_are_views_unless_escaped),
        cmocka_unit_test(an_escaped_string_beyond_the_arena_is_too_large),
        cmocka_unit_test(keys_are_known_by_what_they_mean),
        cmocka_unit_test(a_key_that_does_not_fit_is_an_error),
        cmocka_unit_test(after_a_nested_value_its_own_key_is_current_again),
        cmocka_unit_test(depth_ends_at_the_cap),
        cmocka_unit_test(the_last_of_equal_keys_wins),
        cmocka_unit_test(the_first_error_sticks_and_everything_stops),
        cmocka_unit_test(peeking_consumes_nothing),
        cmocka_unit_test(raw_values_come_without_the_space_around),
        cmocka_unit_test(long_keys_are_cut_in_messages_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
