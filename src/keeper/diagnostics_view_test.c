/* What `rbee policy validate` says of a text that is wrong. */
#include "keeper/view_test.h"

#include "keeper/diagnostics_view.h"

static char *show(const char *source, const char *diagnostics, unsigned *errors)
{
    struct view_output o;
    const struct diagnostics_view view = {
        .file = "home.lua",
        .source = str_of(source),
        .to = begin_view(&o),
    };

    *errors = diagnostics_view_print(&view, str_of(diagnostics));
    return finish_view(&o);
}

static void an_error_stands_as_compilers_put_it_with_its_line_and_a_mark(void **state)
{
    unsigned errors;
    (void)state;

    char *text = show("local a\n\tlocal b = = 3\r\n",
                      "[{\"severity\":\"error\",\"line\":2,\"column\":12,"
                      "\"message\":\"unexpected '='\"}]",
                      &errors);
    assert_string_equal(text, "home.lua:2:12: error: unexpected '='\n"
                              "    2 | \tlocal b = = 3\n"
                              "      | \t          ^\n");
    assert_int_equal(errors, 1);
    free(text);
}

static void what_is_not_known_is_left_out(void **state)
{
    static const struct {
        const char *diagnostic, *wanted;
    } cases[] = {
        { "{\"severity\":\"error\",\"line\":0,\"column\":0,\"message\":\"no entry point\"}",
          "home.lua: error: no entry point\n" },
        { "{\"severity\":\"warning\",\"line\":1,\"column\":0,\"message\":\"slow\"}",
          "home.lua:1: warning: slow\n    1 | x = 1\n" },
        { "{\"severity\":\"error\",\"line\":9,\"column\":2,\"message\":\"beyond the end\"}",
          "home.lua:9:2: error: beyond the end\n" },
        { "{\"severity\":\"error\",\"message\":\"m\",\"rule\":\"fast\"}",
          "home.lua: error: m [rule 'fast']\n" },
    };
    char list[256];
    unsigned errors;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(list, sizeof(list), "[%s]", cases[i].diagnostic);
        char *text = show("x = 1\n", list, &errors);
        assert_string_equal(text, cases[i].wanted);
        assert_int_equal(errors, strstr(cases[i].wanted, "error") != NULL);
        free(text);
    }
}

/* Columns count characters, and a mark below a wide line must not be off the screen. */
static void the_mark_counts_characters_and_long_lines_are_cut(void **state)
{
    char source[1200];
    unsigned errors;
    (void)state;

    char *text = show("é = \"ü\" =\n", "[{\"line\":1,\"column\":9,\"message\":\"m\"}]", &errors);
    assert_has(text, "    1 | é = \"ü\" =\n      |         ^\n");
    free(text);

    memset(source, 'x', sizeof(source) - 1);
    source[sizeof(source) - 1] = '\0';
    source[599] = '!';
    text = show(source, "[{\"line\":1,\"column\":600,\"message\":\"m\"}]", &errors);
    const char *line = strstr(text, "| ") + 2, *mark = strstr(strchr(line, '\n'), "| ") + 2;
    assert_true(strlen(line) < 300);
    assert_memory_equal(line, "…x", strlen("…x"));
    /* "…" is three bytes and one character. */
    assert_int_equal(line[strcspn(mark, "^") + strlen("…") - 1], '!');
    free(text);
}

static void bytes_that_would_move_the_cursor_do_not_reach_the_terminal(void **state)
{
    unsigned errors;
    (void)state;

    char *text = show("a\033[2Jb\xff\n", "[{\"line\":1,\"column\":8,\"message\":\"m\"}]", &errors);
    assert_null(strchr(text, '\033'));
    assert_has(text, "a\xef\xbf\xbd[2Jb\xef\xbf\xbd\n");
    free(text);
}

static void an_answer_without_diagnostics_prints_nothing(void **state)
{
    static const char *const answers[] = { "", "[]", "{}", "7", "[{", "null" };
    unsigned errors;
    (void)state;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        char *text = show("x\n", answers[i], &errors);
        assert_string_equal(text, "");
        assert_int_equal(errors, 0);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_stands_as_compilers_put_it_with_its_line_and_a_mark),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(the_mark_counts_characters_and_long_lines_are_cut),
        cmocka_unit_test(bytes_that_would_move_the_cursor_do_not_reach_the_terminal),
        cmocka_unit_test(an_answer_without_diagnostics_prints_nothing),
    };

    return cmocka_run_group_tests_name("diagnostics_view", tests, NULL, NULL);
}
