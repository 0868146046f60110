/* What log lines look like, read back from a pipe in place of stderr. */
#include "base/log.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* stderr goes into a temporary file while lines are written. */
struct capture {
    FILE *file;
    int stderr_copy;
    char text[64 * 1024];
};

static struct capture capture;

static void start(void)
{
    capture.file = tmpfile();
    assert_non_null(capture.file);
    capture.stderr_copy = dup(STDERR_FILENO);
    assert_true(dup2(fileno(capture.file), STDERR_FILENO) >= 0);
}

static const char *stop(void)
{
    assert_true(dup2(capture.stderr_copy, STDERR_FILENO) >= 0);
    (void)close(capture.stderr_copy);
    (void)fseek(capture.file, 0, SEEK_SET);
    size_t len = fread(capture.text, 1, sizeof(capture.text) - 1, capture.file);
    capture.text[len] = '\0';
    (void)fclose(capture.file);
    return capture.text;
}

enum { TS_LEN = 24 }; /* "2026-01-01T00:00:00.000Z" */

static void a_text_line_has_time_level_message_and_fields(void **state)
{
    struct err err;
    (void)state;

    (void)err_set(&err, ERR_LIMIT, "too many");
    log_setup("queen-rbee", LOG_INFO, LOG_TEXT);
    start();
    log_info("worker started", LOG_STR("worker_id", "w1"), LOG_INT("pid", 42),
             LOG_DOUBLE("load", 0.5), LOG_STRN("n", ((struct str){ "abc", 2 })), LOG_ERR(&err));
    const char *line = stop();
    assert_string_equal(
        line + TS_LEN,
        " INFO  worker started worker_id=w1 pid=42 load=0.5 n=ab error=\"too many\"\n");
}

static void a_json_line_names_the_program_and_parses(void **state)
{
    char level[8] = "", program[16] = "", message[32] = "", value[32] = "", ts[32] = "";
    struct json j;
    struct err err;
    int64_t n = 0;
    (void)state;

    log_setup("rbee-hive", LOG_DEBUG, LOG_JSON);
    start();
    log_debug("say \"hi\"", LOG_STR("k", "a\nb\x1b"), LOG_INT("n", -5), LOG_STR("none", NULL));
    const char *line = stop();
    json_init(&j, str_of(line));
    json_object(&j)
    {
        if (json_key(&j, "level"))
            json_read_text(&j, level, sizeof(level));
        else if (json_key(&j, "program"))
            json_read_text(&j, program, sizeof(program));
        else if (json_key(&j, "msg"))
            json_read_text(&j, message, sizeof(message));
        else if (json_key(&j, "k"))
            json_read_text(&j, value, sizeof(value));
        else if (json_key(&j, "n"))
            json_read_i64(&j, &n);
        else if (json_key(&j, "ts"))
            json_read_text(&j, ts, sizeof(ts));
    }
    assert_int_equal(json_finish(&j, &err), 0);
    assert_string_equal(level, "debug");
    assert_string_equal(program, "rbee-hive");
    assert_string_equal(message, "say \"hi\"");
    assert_string_equal(value, "a\nb\x1b");
    assert_int_equal(n, -5);
    assert_int_equal(strlen(ts), TS_LEN);
    assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
}

static void levels_below_the_chosen_one_are_silent(void **state)
{
    (void)state;

    log_setup("x", LOG_WARN, LOG_TEXT);
    start();
    log_info("no");
    log_debug("no");
    log_warn("yes");
    log_error("yes");
    const char *text = stop();
    assert_null(strstr(text, "no"));
    assert_non_null(strstr(text, " WARN  yes\n"));
    assert_non_null(strstr(text, " ERROR yes\n"));
    assert_false(log_enabled(LOG_INFO));
}

static void no_value_can_forge_a_line_or_move_the_cursor(void **state)
{
    (void)state;

    log_setup("x", LOG_INFO, LOG_TEXT);
    start();
    log_info("m\nforged", LOG_STR("a", "x\n2026 INFO fake"), LOG_STR("b", "\x1b[2J"),
             LOG_STR("c", "\xc2\x9b[2J\x7f\xff"), LOG_STR("d", "k=v \"q\" \\"), LOG_STR("e", ""),
             LOG_STR("f", "gr\xc3\xbc\xc3\x9f"));
    const char *line = stop();
    assert_string_equal(line + TS_LEN,
                        " INFO  m\\x0aforged a=\"x\\x0a2026 INFO fake\" b=\"\\x1b[2J\" "
                        "c=\"\\u009b[2J\\x7f\\xff\" d=\"k=v \\\"q\\\" \\\\\" e=\"\" "
                        "f=\"gr\xc3\xbc\xc3\x9f\"\n");
}

static void a_long_value_is_cut_and_the_line_says_so(void **state)
{
    static const enum log_format formats[] = { LOG_TEXT, LOG_JSON };
    static const char *const marks[] = { " after=1 truncated=true\n",
                                         ",\"after\":1,\"truncated\":true}\n" };
    char value[4000];
    (void)state;

    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < 2; i++) {
        log_setup("x", LOG_INFO, formats[i]);
        start();
        log_info("m", LOG_STR("v", value), LOG_INT("after", 1));
        const char *line = stop();
        assert_in_range(strlen(line), 1024, 1300);
        assert_non_null(strstr(line, marks[i]));
    }
}

static void a_line_is_never_longer_than_a_pipe_takes_at_once(void **state)
{
    static const enum log_format formats[] = { LOG_TEXT, LOG_JSON };
    char value[2000];
    (void)state;

    memset(value, '\x01', sizeof(value) - 1); /* grows sixfold when escaped */
    value[sizeof(value) - 1] = '\0';
    for (size_t i = 0; i < 2; i++) {
        log_setup("x", LOG_INFO, formats[i]);
        start();
        log_info(value, LOG_STR("a", value), LOG_STR("b", "small"), LOG_STR("c", value),
                 LOG_STR("d", value));
        const char *line = stop();
        assert_in_range(strlen(line), 1, PIPE_BUF);
        assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
        assert_non_null(strstr(line, "small"));
        assert_non_null(strstr(line, "truncated"));
        if (formats[i] == LOG_JSON) {
            struct json j;
            struct err err;
            json_init(&j, str_of(line));
            assert_int_equal(json_finish(&j, &err), 0);
        }
    }
}

static void cuts_fall_between_characters(void **state)
{
    char value[1500];
    struct json j;
    struct err err;
    (void)state;

    value[0] = 'x'; /* so that byte 1024 is inside an e acute */
    for (size_t i = 1; i + 2 < sizeof(value); i += 2)
        memcpy(value + i, "\xc3\xa9", 3);
    log_setup("x", LOG_INFO, LOG_JSON);
    start();
    log_info("m", LOG_STR("v", value));
    const char *line = stop();
    assert_null(strstr(line, "\xef\xbf\xbd"));
    json_init(&j, str_of(line));
    assert_int_equal(json_finish(&j, &err), 0);
}

static void errno_survives_a_line(void **state)
{
    (void)state;

    log_setup("x", LOG_INFO, LOG_TEXT);
    start();
    errno = EMFILE;
    log_info("m");
    int after = errno;
    (void)stop();
    assert_int_equal(after, EMFILE);
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < 100; i++)
        log_info("from a thread", LOG_STR("who", arg), LOG_INT("i", i));
    return NULL;
}

static void lines_of_threads_stay_whole(void **state)
{
    static char a[] = "first", b[] = "second";
    pthread_t threads[2];
    int lines = 0;
    (void)state;

    log_setup("x", LOG_INFO, LOG_TEXT);
    start();
    assert_int_equal(pthread_create(&threads[0], NULL, write_lines, a), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, write_lines, b), 0);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    for (const char *p = stop(); *p; p = strchr(p, '\n') + 1, lines++) {
        assert_memory_equal(p + TS_LEN, " INFO  from a thread who=", 25);
        assert_non_null(strchr(p, '\n'));
    }
    assert_int_equal(lines, 200);
}

static void names_of_levels_and_formats_are_known(void **state)
{
    enum log_level level = LOG_INFO;
    enum log_format format = LOG_TEXT;
    (void)state;

    assert_int_equal(log_level_parse(str_of("debug"), &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse(str_of("loud"), &level), -1);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_format_parse(str_of("json"), &format), 0);
    assert_int_equal(format, LOG_JSON);
    assert_int_equal(log_format_parse(str_of("xml"), &format), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_has_time_level_message_and_fields),
        cmocka_unit_test(a_json_line_names_the_program_and_parses),
        cmocka_unit_test(levels_below_the_chosen_one_are_silent),
        cmocka_unit_test(no_value_can_forge_a_line_or_move_the_cursor),
        cmocka_unit_test(a_long_value_is_cut_and_the_line_says_so),
        cmocka_unit_test(a_line_is_never_longer_than_a_pipe_takes_at_once),
        cmocka_unit_test(cuts_fall_between_characters),
        cmocka_unit_test(errno_survives_a_line),
        cmocka_unit_test(lines_of_threads_stay_whole),
        cmocka_unit_test(names_of_levels_and_formats_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
