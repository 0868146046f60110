#include "base/secret.h"

#include "base/file.h"
#include "base/test_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static int setup(void **state)
{
    static struct test_dir dir;

    *state = &dir;
    return test_dir_make(&dir);
}

static int teardown(void **state)
{
    test_dir_remove(*state);
    return 0;
}

static int read_text(const struct test_dir *dir, struct str text, unsigned mode, struct secret *ret,
                     struct err *err)
{
    const char *path = test_dir_file(dir, "token");

    assert_int_equal(file_write_atomic(path, text, mode, err), 0);
    return secret_read(path, ret, err);
}

static void the_first_line_is_the_secret(void **state)
{
    static const char *const files[] = {
        "0123456789abcdef",
        "0123456789abcdef\n",
        "0123456789abcdef\r\nsecond line\n",
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct secret secret = { "old" };
        struct err err;
        assert_int_equal(read_text(*state, str_of(files[i]), 0600, &secret, &err), 0);
        assert_string_equal(secret.text, "0123456789abcdef");
    }
}

static void a_secret_may_be_256_characters_and_no_more(void **state)
{
    char text[SECRET_SIZE + 40];
    struct secret secret = { "old" };
    struct err err;

    memset(text, 'x', sizeof(text));
    text[256] = '\n';
    assert_int_equal(read_text(*state, (struct str){ text, 257 }, 0600, &secret, &err), 0);
    assert_int_equal(strlen(secret.text), 256);
    text[256] = '\r';
    text[257] = '\n';
    assert_int_equal(read_text(*state, (struct str){ text, 258 }, 0600, &secret, &err), 0);
    assert_int_equal(strlen(secret.text), 256);
    text[256] = 'x';
    assert_int_equal(read_text(*state, (struct str){ text, 258 }, 0600, &secret, &err),
                     ERR_INVALID);
    assert_int_equal(read_text(*state, (struct str){ text, sizeof(text) }, 0600, &secret, &err),
                     ERR_INVALID);
}

static void a_bad_secret_is_refused_without_being_shown(void **state)
{
    static const struct {
        const char *text;
        size_t len;
        const char *message;
    } cases[] = {
        { "", 0, "shorter than 16" },
        { "0123456789abcde\n", 16, "shorter than 16" },
        { "0123456789 abcdef\n", 18, "printable ASCII" },
        { "0123456789\tabcdef\n", 18, "printable ASCII" },
        { "0123456789\xc3\xa9xabcdef\n", 20, "printable ASCII" },
        { "0123456789\0abcdef\n", 18, "holds a NUL" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct secret secret = { "old" };
        struct err err;
        struct str text = { cases[i].text, cases[i].len };
        assert_int_equal(read_text(*state, text, 0600, &secret, &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, cases[i].message));
        assert_null(strstr(err.msg, "0123456789"));
        assert_string_equal(secret.text, "old");
    }
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    static const unsigned modes[] = { 0604, 0640, 0666, 0644, 0620, 0601 };
    struct secret secret;
    struct err err;

    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        assert_int_equal(read_text(*state, str_of("0123456789abcdef"), modes[i], &secret, &err),
                         ERR_INVALID);
        assert_non_null(strstr(err.msg, "chmod 600"));
    }
    assert_int_equal(read_text(*state, str_of("0123456789abcdef"), 0400, &secret, &err), 0);
}

static void a_credential_of_systemd_may_be_its_groups(void **state)
{
    struct test_dir *dir = *state;
    struct secret secret;
    struct err err;

    (void)setenv("CREDENTIALS_DIRECTORY", dir->path, 1);
    assert_int_equal(read_text(dir, str_of("0123456789abcdef"), 0440, &secret, &err), 0);
    assert_int_equal(read_text(dir, str_of("0123456789abcdef"), 0444, &secret, &err), ERR_INVALID);
    (void)setenv("CREDENTIALS_DIRECTORY", "/else", 1);
    assert_int_equal(read_text(dir, str_of("0123456789abcdef"), 0440, &secret, &err), ERR_INVALID);
    (void)unsetenv("CREDENTIALS_DIRECTORY");
    assert_int_equal(secret_read("/nonexistent/token", &secret, &err), ERR_SYSTEM);
}

static void a_made_secret_is_random_and_reads_back(void **state)
{
    const char *path = test_dir_file(*state, "made");
    struct secret first, second, read;
    struct err err;

    assert_int_equal(secret_create(path, &first, &err), 0);
    assert_int_equal(secret_create(path, &second, &err), 0);
    assert_int_equal(secret_read(path, &read, &err), 0);
    assert_int_equal(strlen(second.text), 64);
    assert_string_equal(second.text, read.text);
    assert_string_not_equal(first.text, second.text);
}

static void only_the_whole_secret_matches(void **state)
{
    struct secret secret = { "0123456789abcdef" }, none = { "" };
    (void)state;

    assert_true(secret_matches(&secret, str_of("0123456789abcdef")));
    assert_false(secret_matches(&secret, str_of("0123456789abcdeX")));
    assert_false(secret_matches(&secret, str_of("X123456789abcdef")));
    assert_false(secret_matches(&secret, str_of("0123456789abcde")));
    assert_false(secret_matches(&secret, str_of("0123456789abcdefg")));
    assert_false(secret_matches(&secret, (struct str){ 0 }));
    assert_false(secret_matches(&none, (struct str){ 0 }));
    assert_false(secret_matches(&none, str_of("x")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_line_is_the_secret, setup, teardown),
        cmocka_unit_test_setup_teardown(a_secret_may_be_256_characters_and_no_more, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_bad_secret_is_refused_without_being_shown, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_credential_of_systemd_may_be_its_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(a_made_secret_is_random_and_reads_back, setup, teardown),
        cmocka_unit_test(only_the_whole_secret_matches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
