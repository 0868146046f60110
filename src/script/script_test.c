#include "script/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static void languages_are_known_by_name_and_by_file(void **state)
{
    enum script_language language;
    (void)state;

    for (int i = 0; i < SCRIPT_LANGUAGE_COUNT_; i++) {
        assert_true(script_language_parse(str_of(script_language_name((enum script_language)i)),
                                          &language));
        assert_int_equal(language, i);
    }
    assert_false(script_language_parse(str_of("Lua"), &language));
    assert_false(script_language_parse(str_of(""), &language));

    static const struct {
        const char *path;
        int language; /* -1: none */
    } files[] = {
        { "a.lua", SCRIPT_LUA },  { "/x/y.b/a.yaml", SCRIPT_YAML },
        { "a.yml", SCRIPT_YAML }, { "a.lua.rhai", SCRIPT_RHAI },
        { ".lua", -1 },           { "lua", -1 },
        { "a.lua~", -1 },         { "", -1 },
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        bool is_known = script_language_of_file(str_of(files[i].path), &language);
        assert_int_equal(is_known ? (int)language : -1, files[i].language);
    }
}

static void diagnostics_are_one_line_and_counted_beyond_their_cap(void **state)
{
    struct diagnostics *d = calloc(1, sizeof(*d));
    (void)state;

    const struct diagnostic *item = diagnostics_add(d, false, 3, 7, "a\nb\tc %s", "\xff!");
    assert_string_equal(item->message, "a b c ?!");
    assert_int_equal(item->line, 3);
    assert_int_equal(item->column, 7);
    assert_false(item->is_warning);
    for (int i = 0; i < DIAGNOSTICS_MAX + 5; i++)
        diagnostics_add(d, true, 1, 1, "w");
    assert_int_equal(d->len, DIAGNOSTICS_MAX);
    assert_int_equal(d->errors, 1);
    assert_int_equal(d->warnings, DIAGNOSTICS_MAX + 5);
    assert_null(diagnostics_add(d, false, 1, 1, "more"));
    free(d);
}

static void a_long_message_is_cut_at_a_character(void **state)
{
    struct diagnostics *d = calloc(1, sizeof(*d));
    char text[2 * DIAGNOSTIC_MESSAGE_SIZE];
    (void)state;

    for (size_t shift = 0; shift < 3; shift++) {
        memset(text, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof(text); i += 3)
            memcpy(text + i, "\xe2\x82\xac", 4);
        const struct diagnostic *item = diagnostics_add(d, false, 1, 1, "%s", text);
        size_t len = strlen(item->message);
        assert_int_equal((len - shift) % 3, 0);
        assert_true(len > DIAGNOSTIC_MESSAGE_SIZE - 5);
    }
    free(d);
}

static void a_header_comment_names_the_policy(void **state)
{
    static const struct {
        const char *source, *mark, *name, *version, *description;
    } cases[] = {
        { "-- @name a b @version 1.2.0 @description x y\nreturn", "--", "a b", "1.2.0", "x y" },
        { "\n--- Text.\r\n--   @version 2\r\n\n-- @name n\r\nx = 1\n-- @description no", "--", "n",
          "2", "" },
        { "// @name r\n// @name second\nfn f() {}", "//", "r", "", "" },
        { "// mail me@name x @author y", "//", "", "", "" },
        { "// @names x @description", "//", "", "", "" },
        { "x = 1 -- @name no", "--", "", "", "" },
        { "// @name bad \xff\x01 bytes", "//", "bad  bytes", "", "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script_header header;
        script_header_read(str_of(cases[i].source), cases[i].mark, &header);
        assert_string_equal(header.name, cases[i].name);
        assert_string_equal(header.version, cases[i].version);
        assert_string_equal(header.description, cases[i].description);
    }
}

static void a_header_value_is_cut_where_its_field_ends(void **state)
{
    struct script_header header;
    char source[1024] = "-- @version ";
    (void)state;

    for (size_t i = strlen(source); i + 2 < sizeof(source); i += 2)
        memcpy(source + i, "\xc3\xa9", 3);
    script_header_read(str_of(source), "--", &header);
    assert_int_equal(strlen(header.version), SCRIPT_VERSION_SIZE - 2);
}

static void a_line_map_leads_back_to_the_source(void **state)
{
    struct script_lua lua;
    (void)state;

    script_lua_init(&lua);
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(buf_puts(&lua.text, "x()\n"));
        script_lua_map_line(&lua, i / 2);
    }
    assert_int_equal(script_lua_line(&lua, 0), 0);
    assert_int_equal(script_lua_line(&lua, 1), 0);
    assert_int_equal(script_lua_line(&lua, 3), 1);
    assert_int_equal(script_lua_line(&lua, 1000), 499);
    assert_int_equal(script_lua_line(&lua, 1001), 0);
    script_lua_deinit(&lua);
}

#define TEXT(literal)                \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void only_text_passes_the_check(void **state)
{
    static const struct {
        enum script_language language;
        struct str source;
        const char *message; /* NULL: passes */
        unsigned line, column;
    } cases[] = {
        { SCRIPT_LUA, TEXT("return 1"), NULL, 0, 0 },
        { SCRIPT_LUA, TEXT("return '\xff'"), NULL, 0, 0 },
        { SCRIPT_RHAI,
          TEXT("\xef\xbb\xbf"
               "fn f() {}\r\n"),
          NULL, 0, 0 },
        { SCRIPT_RHAI, TEXT("a\n\xc3\xa9 \xff"), "byte 0xff is not UTF-8", 2, 3 },
        { SCRIPT_YAML, TEXT("a: \xc0\x80"), "byte 0xc0 is not UTF-8", 1, 4 },
        { SCRIPT_LUA, TEXT("a\nb\0c"), "a NUL byte", 2, 2 },
        { SCRIPT_LUA, TEXT("\x1bLua"), "bytecode", 1, 1 },
        { SCRIPT_LUA, TEXT("\xef\xbb\xbf\x1bLua"), "bytecode", 1, 1 },
        { SCRIPT_LUA, TEXT(""), "empty", 0, 0 },
        { SCRIPT_LUA, TEXT(" \r\n\t"), "empty", 0, 0 },
        { SCRIPT_YAML, TEXT("\xef\xbb\xbf"), "empty", 0, 0 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct diagnostics *d = calloc(1, sizeof(*d));
        struct str source = cases[i].source;

        assert_int_equal(script_check(cases[i].language, &source, d), cases[i].message == NULL);
        assert_int_equal(d->len, cases[i].message != NULL);
        if (cases[i].message) {
            assert_non_null(strstr(d->items[0].message, cases[i].message));
            assert_int_equal(d->items[0].line, cases[i].line);
            assert_int_equal(d->items[0].column, cases[i].column);
        }
        assert_false(str_starts(source, "\xef\xbb\xbf"));
        free(d);
    }
}

static void too_long_a_policy_is_refused_with_its_size(void **state)
{
    struct diagnostics *d = calloc(1, sizeof(*d));
    char *text = malloc(SCRIPT_BYTES_MAX + 1);
    (void)state;

    memset(text, 'x', SCRIPT_BYTES_MAX + 1);
    struct str source = { text, SCRIPT_BYTES_MAX };
    assert_true(script_check(SCRIPT_LUA, &source, d));
    source.len++;
    assert_false(script_check(SCRIPT_LUA, &source, d));
    assert_string_equal(d->items[0].message,
                        "the policy has 262145 bytes; at most 262144 are allowed");
    free(text);
    free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(languages_are_known_by_name_and_by_file),
        cmocka_unit_test(diagnostics_are_one_line_and_counted_beyond_their_cap),
        cmocka_unit_test(a_long_message_is_cut_at_a_character),
        cmocka_unit_test(a_header_comment_names_the_policy),
        cmocka_unit_test(a_header_value_is_cut_where_its_field_ends),
        cmocka_unit_test(a_line_map_leads_back_to_the_source),
        cmocka_unit_test(only_text_passes_the_check),
        cmocka_unit_test(too_long_a_policy_is_refused_with_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
