#include "supervisor/log_file.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[256];

static int make_dir(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;

    (void)snprintf(dir, sizeof(dir), "%s/log_file_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    return 0;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int drop_dir(void **state)
{
    (void)state;
    return nftw(dir, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Append to DIR/ID.log through the function under test. */
static void append(const char *id, const char *text)
{
    AUTO(close_fd) int fd = -1;
    struct err err;

    assert_int_equal(log_file_open(dir, id, &fd, &err), 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static off_t size_of(const char *name)
{
    char path[512];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void the_last_words_are_given(void **state)
{
    static const struct {
        const char *text, *last;
    } rows[] = {
        { "", "" },
        { "\n\n", "" },
        { "one", "one" },
        { "one\ntwo\n", "two" },
        { "one\ntwo  \n \t\n\n", "two" },
        { "one\nt\033[31mwo\001\n", "t [31mwo" },
        { "a line that is far too long\n", "a line that i" },
        { "2026-01-01T00:00:00.000Z ERROR cut short\n2026-01-01T00:00:01.000Z INFO  stopped\n",
          "cut short" },
        { "2026-01-01T00:00:00.000Z WARN  no room\n2026-01-01T00:00:01.000Z DEBUG x\n", "no room" },
        { "2026-01-01T00:00:00.000Z ERROR old\nassert: a < b\n", "assert: a < b" },
        { "2026-01-01T00:00:00.000Z INFO  ready\n2026-01-01T00:00:01.000Z INFO  stopped\n", "" },
        { "1 of 2 INFO x\n", "1 of 2 INFO x" },
    };
    char last[14];
    (void)state;

    log_file_last_words(dir, "absent", last, sizeof(last));
    assert_string_equal(last, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "w%zu", i);
        append(id, rows[i].text);
        log_file_last_words(dir, id, last, sizeof(last));
        assert_string_equal(last, rows[i].last);
    }
}

static void only_the_end_of_a_long_file_is_looked_at(void **state)
{
    static char text[8000];
    char last[32];
    (void)state;

    memset(text, 'x', sizeof(text) - 1);
    append("one", text); /* a line without an end */
    log_file_last_words(dir, "one", last, sizeof(last));
    assert_int_equal(strlen(last), sizeof(last) - 1);
    memcpy(text + sizeof(text) - 32, "\n2026-01-01T00:00:00Z INFO  abc\n", 32);
    text[sizeof(text) - 1] = '\0';
    append("two", text); /* of the first line only a part can be seen */
    log_file_last_words(dir, "two", last, sizeof(last));
    assert_string_equal(last, "");
}

static void a_file_that_grew_too_long_starts_anew(void **state)
{
    AUTO(close_fd) int fd = -1;
    struct err err;
    (void)state;

    assert_int_equal(log_file_open(dir, "w", &fd, &err), 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    log_file_trim(dir, "w", 10);
    assert_int_equal(size_of("w.log"), 10);
    log_file_trim(dir, "w", 9);
    assert_int_equal(size_of("w.log"), 0);
    assert_int_equal(size_of("w.log.1"), 10);
    assert_int_equal(write(fd, "abc", 3), 3); /* the writer goes on from the start */
    assert_int_equal(size_of("w.log"), 3);
}

static void a_file_that_is_too_long_at_the_start_is_put_aside(void **state)
{
    char path[512];
    (void)state;

    append("w", "x");
    (void)snprintf(path, sizeof(path), "%s/w.log", dir);
    assert_int_equal(truncate(path, LOG_FILE_BYTES_MAX + 1), 0);
    append("w", "new");
    assert_int_equal(size_of("w.log"), 3);
    assert_int_equal(size_of("w.log.1"), LOG_FILE_BYTES_MAX + 1);
}

static void the_files_changed_longest_ago_are_pruned(void **state)
{
    (void)state;

    for (int i = 0; i < 5; i++) {
        char id[8], path[512];
        (void)snprintf(id, sizeof(id), "w%d", i);
        append(id, "x");
        (void)snprintf(path, sizeof(path), "%s/w%d.log", dir, i);
        const struct timespec times[2] = { { 1000 + i, 0 }, { 1000 + (i * 7) % 5, 0 } };
        assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    }
    log_files_prune(dir, 2); /* changed at 1000, 1002, 1004, 1001, 1003 */
    assert_int_equal(size_of("w2.log"), 1);
    assert_int_equal(size_of("w4.log"), 1);
    assert_int_equal(size_of("w0.log"), -1);
    assert_int_equal(size_of("w1.log"), -1);
    assert_int_equal(size_of("w3.log"), -1);
}

int main(void)
{
#define WITH_DIR(test) cmocka_unit_test_setup_teardown(test, make_dir, drop_dir)
    const struct CMUnitTest tests[] = {
        WITH_DIR(the_last_words_are_given),
        WITH_DIR(only_the_end_of_a_long_file_is_looked_at),
        WITH_DIR(a_file_that_grew_too_long_starts_anew),
        WITH_DIR(a_file_that_is_too_long_at_the_start_is_put_aside),
        WITH_DIR(the_files_changed_longest_ago_are_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
