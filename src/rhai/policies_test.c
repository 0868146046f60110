/* Whole policies: the samples of the vision's pages, entry points, lines of errors. */
#include "rhai/host_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lauxlib.h>
#include <lua.h>
#include <stdio.h>

static const char *text_of(const char *name)
{
    static char text[16384];
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", GOLDEN_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[len] = '\0';
    return text;
}

static void the_samples_run_as_printed_and_route_as_their_comments_say(void **state)
{
    static const struct {
        const char *file;
        const char *host; /* Lua: how the job differs */
        const char *expected;
    } cases[] = {
        { "scheduler.rhai", "change_job = {model = 'llama-70b'}", "w2" },
        { "scheduler.rhai", "", "w3" },
        { "platform.rhai", "tenant_full = true", "{action=reject code=quota_exceeded}" },
        { "platform.rhai", "change_job = {priority = 'interactive'}", "w4" },
        { "platform.rhai", "", "w3" },
        { "home.rhai", "change_job = {model = 'llama-70b'}", "w2" },
        { "home.rhai", "change_job = {type = 'image-gen'}", "w4" },
        { "home.rhai", "", "w3" },
        { "cost_optimizer.rhai", "", "w1" },
        { "cost_optimizer.rhai", "change_job = {deadline = 10}",
          "{action=reject code=no_workers_meet_deadline}" },
        { "latency_optimizer.rhai", "", "w3" },
        { "multi_modal.rhai", "change_job = {model = 'llama-70b'}", "w2" },
        { "multi_modal.rhai", "", "w4" },
        { "multi_modal.rhai", "change_job = {model = 'other'}", "w2" },
        { "eu_only.rhai", "", "w1" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *host = test_host_new();
        assert_int_equal(luaL_dostring(host->lua, cases[i].host), 0);
        assert_true(test_host_load(host, str_of(text_of(cases[i].file))));
        assert_int_equal(host->diagnostics.len, 0);
        const char *answer = test_host_call(host, "schedule_job");
        assert_string_equal(answer ? answer : host->message, cases[i].expected);
        test_host_free(host);
    }
}

static void the_lua_text_is_as_a_person_would_expect(void **state)
{
    static const char *const names[] = { "multi_modal", "latency_optimizer", "statements" };
    (void)state;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char file[64];
        struct test_host *host = test_host_new();
        (void)snprintf(file, sizeof(file), "%s.rhai", names[i]);
        assert_int_equal(rhai_compile(str_of(text_of(file)), &host->script, &host->diagnostics), 0);
        (void)snprintf(file, sizeof(file), "%s.lua", names[i]);
        assert_string_equal(buf_cstr(&host->script.text), text_of(file));
        test_host_free(host);
    }
}

static void errors_name_the_line_of_the_script(void **state)
{
    static const struct {
        const char *source;
        const char *message;
    } cases[] = {
        { "fn schedule(c) {\n\n    let x = 1;\n    x +\n    true\n}", "4: function not found: +" },
        { "fn schedule(c) {\n    workers\n        .idle()\n        .nonsense()\n        "
          ".first()\n}",
          "4: function not found: nonsense (workers)" },
        { "fn schedule(c) {\n    workers.filter(|w|\n        w.gpus\n    )\n}",
          "2: data type incorrect: i64 (expecting bool)" },
        { "fn schedule(c) {\n    workers.filter(|w| {\n        let n = w.gpus;\n        n > 0 && "
          "n\n"
          "    })\n}",
          "4: data type incorrect: i64 (expecting bool)" },
        { "fn g(x) {\n    x / 0\n}\nfn schedule(c) {\n    let a = 1;\n    return g(a);\n}",
          "2: division by zero: 1 / 0" },
        { "fn schedule(c) {\n    [3, 1].sort(|a, b|\n        a + ())\n}", "3: function not found" },
        { "let a = [1];\n\nlet b = a[\n    4\n];\nfn schedule(c) {}", "3: array index 4" },
        { "fn schedule(c) {\n    if c.nothing == 1 {\n    } else if c.nothing {\n    }\n}",
          "3: data type incorrect: () (expecting bool)" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *host = test_host_new();
        if (test_host_load(host, str_of(cases[i].source)))
            assert_null(test_host_call(host, "schedule"));
        if (strncmp(host->message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s\nexpected %s\ngot %s\n%s", cases[i].source, cases[i].message,
                     host->message, buf_cstr(&host->script.text));
        test_host_free(host);
    }
}

static void what_is_wrong_is_told_with_its_place(void **state)
{
    static const struct {
        const char *source;
        unsigned line, column;
        const char *message;
    } cases[] = {
        { "fn f() {\n  let x = ;\n}", 2, 11, "expected a value, found ';'" },
        { "let \xc3\xa9 = 1", 1, 5, "this character has no meaning here" },
        { "/* \xc3\xa9 */ let = 1", 1, 13, "expected the name of a variable, found '='" },
        { "let x = 1 let y = 2", 1, 11, "expected ';' after this statement, found 'let'" },
        { "fn f(a, a) {}", 1, 9, "parameter 'a' is there twice" },
        { "fn schedule_job(job) {}", 1, 4, "entry point schedule_job takes 3 parameters" },
        { "import \"x\" as y;", 1, 1, "'import' is not supported" },
        { "export let x = 1;", 1, 1, "'export' is not supported" },
        { "eval(\"1\");", 1, 1, "'eval' is not supported" },
        { "let f = Fn(\"g\");", 1, 9, "'Fn(…)' is not supported; write the function's name" },
        { "let g = f.curry(1);", 1, 11, "'curry' is not supported" },
        { "timestamp();", 1, 1, "the context has now_ms" },
        { "let b = blob(10);", 1, 9, "blobs are not supported" },
        { "fn int.f() {}", 1, 7, "methods of one type are not supported" },
        { "foo!(1);", 1, 1, "calls with '!' are not supported" },
        { "let x = m::f(1);", 1, 9, "modules are not supported" },
        { "let match = 1;", 1, 5, "'match' is a reserved word" },
        { "{ fn f() {} }", 1, 3, "functions are defined at the top" },
        { "break;", 1, 1, "'break' outside of a loop" },
        { "[1].map(|x| break);", 1, 13, "'break' outside of a loop" },
        { "1 = 2;", 1, 1, "only a variable, a property or an index can be assigned to" },
        { "x = 2;", 1, 1, "'x' is not declared; write let x = …" },
        { "if x === 2 {}", 1, 6, "'===' is no operator of Rhai" },
        { "x++;", 1, 2, "'++' is no operator of Rhai" },
        { "let s = \"abc", 1, 9, "this string does not end on its line" },
        { "let s = 'ab';", 1, 9, "exactly one character" },
        { "let s = `abc", 1, 9, "this string does not end" },
        { "let x = 99999999999999999999;", 1, 9, "does not fit an i64" },
        { "let x = 12ab;", 1, 9, "a malformed number" },
        { "/* /* */", 1, 1, "this comment does not end" },
        { "fn f() {", 1, 9, "expected '}' to close the block, found the end of the script" },
        { "}", 1, 1, "this '}' closes nothing" },
        { "let _1x = 1;", 1, 5, "a name needs a letter before its first digit" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *host = test_host_new();
        assert_false(test_host_load(host, str_of(cases[i].source)));
        const struct diagnostic *first = &host->diagnostics.items[0];
        if (!strstr(first->message, cases[i].message) || first->line != cases[i].line ||
            first->column != cases[i].column)
            fail_msg("%s: got %u:%u %s", cases[i].source, first->line, first->column,
                     first->message);
        test_host_free(host);
    }
}

static void one_run_tells_of_several_errors(void **state)
{
    struct test_host *host = test_host_new();
    (void)state;

    assert_false(test_host_load(host, str_of("fn f() { let x = ; let y = 1; y +; }\n"
                                             "fn g( { }\nlet z = ];\nfn h() { 1 }")));
    assert_int_equal(host->diagnostics.errors, 4);
    assert_int_equal(host->diagnostics.items[1].line, 1);
    assert_int_equal(host->diagnostics.items[2].line, 2);
    assert_int_equal(host->diagnostics.items[3].line, 3);
    test_host_free(host);
}

/* `open` many times, `middle`, and `close` as often. */
static void repeat(struct buf *text, const char *head, const char *open, size_t count,
                   const char *middle, const char *close)
{
    buf_init(text, (size_t)16 * SCRIPT_BYTES_MAX);
    (void)buf_puts(text, head);
    for (size_t i = 0; i < count; i++)
        (void)buf_puts(text, open);
    (void)buf_puts(text, middle);
    for (size_t i = 0; i < count; i++)
        (void)buf_puts(text, close);
    (void)buf_putc(text, ';');
    assert_false(text->overflowed);
}

static void hostile_texts_are_refused_or_load(void **state)
{
    static const struct {
        const char *head, *open;
        size_t count;
        const char *middle, *close;
        bool compiles;
    } cases[] = {
        { "let x = ", "(", 262000, "", "", false },
        { "let x = ", "[", 200000, "", "", false },
        { "let x = ", "-", 200000, "1", "", false },
        { "let x = 1", " + 1", 50000, "", "", false },
        { "let x = 1", " + 1", 390, "", "", true },
        { "let x = \"\"", " + \"b\"", 390, "", "", true },
        { "let x = 2", " ** 2", 60000, "", "", false },
        { "let x = true", " || true", 20000, "", "", true },
        { "", "{", 200000, "", "", false },
        { "", "{", 60, "", "}", true },
        { "let x = ", "|a|", 80000, "1", "", false },
        { "let x = ", "|a| { ", 15, "1", "}", true },
        { "let a = 1; let x = a", ".b", 100000, "", "", false },
        { "let a = 1; let x = a", ".b", 390, "", "", true },
        { "let a = 1; let x = a", " ?? { 1 }", 100, "", "", true },
        { "let a = (); let x = a", "?.b", 50, "", "", true },
        { "let x = `", "${`", 60000, "", "", false },
        { "if true {}", " else if true {}", 15000, "", "", true },
        { "if true {}", " else if { true } {}", 5000, "", "", true },
        { "", "let a;", 40000, "", "", true },
        { "let x = [", "1,", 100000, "0", "", false },
        { "let x = [", "1,", 90000, "0]", "", true },
        { "let x = [", "if true { 1 },", 3000, "0]", "", true },
        { "let x = [", "[1, 2, 3],", 3000, "0]", "", true },
        { "/*", "/*", 100000, "", "", false },
        { "", "fn f() {}", 20000, "", "", true },
        { "", "for i in [1] {", 29, "", "}", true },
        { "", "while false {", 31, "continue;", "}", true },
        { "", "do { let x = { 1 };", 29, "", "} while { false }", true },
        { "fn f(a) { a } let x = ", "f(", 60, "1", ")", true },
        { "let x = ", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,", 60, "1", "]", true },
        { "let x = 1", " + if true { 1 } else { 2 }", 300, "", "", true },
        { "", "try {", 25, "throw 1;", "} catch (e) { }", true },
        { "let x = ", "switch 1 { 1 => ", 30, "1", "}", true },
        { "", "x.", 100000, "", "", false },
        { "", "\"", 100001, "", "", false },
        { "", "`", 100001, "", "", false },
        { "", "#", 200000, "", "", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_host *host = test_host_new();
        struct buf source;
        repeat(&source, cases[i].head, cases[i].open, cases[i].count, cases[i].middle,
               cases[i].close);
        const char *text = buf_cstr(&source);
        bool ok = rhai_compile(str_of(text), &host->script, &host->diagnostics) == 0;
        if (ok != cases[i].compiles)
            fail_msg("%.40s (%s): %s", text, cases[i].open, host->diagnostics.items[0].message);
        if (ok && luaL_loadbufferx(host->lua, buf_cstr(&host->script.text),
                                   buf_len(&host->script.text), "=policy", "t") != LUA_OK)
            fail_msg("%.40s (%s): %s", text, cases[i].open, lua_tostring(host->lua, -1));
        buf_deinit(&source);
        test_host_free(host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_samples_run_as_printed_and_route_as_their_comments_say),
        cmocka_unit_test(the_lua_text_is_as_a_person_would_expect),
        cmocka_unit_test(errors_name_the_line_of_the_script),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(one_run_tells_of_several_errors),
        cmocka_unit_test(hostile_texts_are_refused_or_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
