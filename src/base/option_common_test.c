#include "base/option_common.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct values {
    struct option_common common;
};

static const struct option rows[] = {
    OPTION_COMMON_ROWS(struct values, common, NULL),
    { 0 },
};

static const struct option_program program = {
    .name = "test-rbee",
    .summary = "a program for tests",
    .usage = "[OPTION]...",
    .options = rows,
};

/* What option_common_answer() writes to stdout, which is a file meanwhile. */
static bool answer(const struct option_common *c, char *text, size_t size)
{
    FILE *file = tmpfile();
    int stdout_copy = dup(STDOUT_FILENO);

    assert_non_null(file);
    (void)fflush(stdout);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    bool is_answered = option_common_answer(&program, c);
    (void)fflush(stdout);
    assert_true(dup2(stdout_copy, STDOUT_FILENO) >= 0);
    (void)close(stdout_copy);
    (void)fseek(file, 0, SEEK_SET);
    text[fread(text, 1, size - 1, file)] = '\0';
    (void)fclose(file);
    return is_answered;
}

static void help_and_version_are_answered_on_stdout(void **state)
{
    struct option_common help = { .help = true }, version = { .version = true }, none = { 0 };
    char text[8192];
    (void)state;

    assert_true(answer(&help, text, sizeof(text)));
    assert_memory_equal(text, "Usage: test-rbee [OPTION]...\n", 29);
    assert_true(answer(&version, text, sizeof(text)));
    assert_string_equal(text, "test-rbee " RBEE_VERSION "\n");
    assert_false(answer(&none, text, sizeof(text)));
    assert_string_equal(text, "");
}

static void without_a_default_there_is_nothing_to_listen_at(void **state)
{
    static char name[] = "test-rbee";
    char *argv[] = { name, NULL };
    struct values values = { 0 };
    struct option_result result;
    struct err err;
    (void)state;

    assert_int_equal(options_load(&program, 1, argv, NULL, &values, &result, &err), 0);
    assert_int_equal(values.common.listen.len, 0);
    options_free(&program, &values);
}

static void the_names_of_levels_are_the_logs_own(void **state)
{
    struct option_common c = { .log_format = OPTION_LOG_JSON };
    (void)state;

    for (int i = 0; option_log_levels[i]; i++) {
        enum log_level level;
        assert_int_equal(log_level_parse(str_of(option_log_levels[i]), &level), 0);
        assert_int_equal(level, i);
        c.log_level = i;
        option_common_setup_log(&program, &c);
        assert_true(log_enabled(level));
        assert_int_equal(log_enabled(LOG_DEBUG), level == LOG_DEBUG);
    }
    c.log_format = OPTION_LOG_AUTO;
    option_common_setup_log(&program, &c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_and_version_are_answered_on_stdout),
        cmocka_unit_test(without_a_default_there_is_nothing_to_listen_at),
        cmocka_unit_test(the_names_of_levels_are_the_logs_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
