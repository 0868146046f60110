#include "base/file.h"

#include "base/test_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void what_is_written_is_read_back_with_its_mode(void **state)
{
    const char *path = test_dir_file(*state, "a");
    struct stat st;
    struct buf b;
    struct err err;

    buf_init(&b, 100);
    assert_int_equal(file_write_atomic(path, str_of("first"), 0640, &err), 0);
    assert_int_equal(file_write_atomic(path, str_of("second"), 0600, &err), 0);
    assert_int_equal(file_read(path, &b, &err), 0);
    assert_string_equal(buf_cstr(&b), "second");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    buf_deinit(&b);
}

static void a_failed_write_leaves_the_old_file_and_no_other(void **state)
{
    struct test_dir *dir = *state;
    struct err err;

    /* A directory cannot be replaced by a file. */
    assert_int_equal(mkdir(test_dir_file(dir, "d"), 0700), 0);
    assert_int_equal(file_write_atomic(test_dir_file(dir, "d"), str_of("x"), 0600, &err),
                     ERR_SYSTEM);
    assert_int_equal(rmdir(test_dir_file(dir, "d")), 0);
    assert_int_equal(file_write_atomic(test_dir_file(dir, "no/such/dir"), str_of("x"), 0600, &err),
                     ERR_SYSTEM);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_int_equal(rmdir(dir->path), 0); /* nothing was left behind */
    assert_int_equal(mkdir(dir->path, 0700), 0);
}

static void a_file_may_fill_the_cap_but_not_pass_it(void **state)
{
    const char *path = test_dir_file(*state, "a");
    struct err err;
    struct buf b;

    assert_int_equal(file_write_atomic(path, str_of("12345678"), 0600, &err), 0);
    buf_init(&b, 8);
    assert_int_equal(file_read(path, &b, &err), 0);
    assert_int_equal(buf_len(&b), 8);
    buf_deinit(&b);
    buf_init(&b, 7);
    assert_int_equal(file_read(path, &b, &err), ERR_LIMIT);
    assert_non_null(strstr(err.msg, "longer than 7 bytes"));
    buf_deinit(&b);
}

static void files_of_proc_are_read_whole(void **state)
{
    struct err err;
    struct buf b;
    (void)state;

    buf_init(&b, 1024 * 1024);
    assert_int_equal(file_read("/proc/self/status", &b, &err), 0);
    assert_non_null(strstr(buf_cstr(&b), "\nPid:"));
    buf_deinit(&b);
}

static void what_cannot_be_read_is_named(void **state)
{
    struct test_dir *dir = *state;
    struct err err;
    struct buf b;

    buf_init(&b, 100);
    assert_int_equal(file_read("/nonexistent/file", &b, &err), ERR_SYSTEM);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.msg, "cannot open '/nonexistent/file': No such file or directory");
    assert_int_equal(file_read(dir->path, &b, &err), ERR_SYSTEM);
    assert_int_equal(err.sys_errno, EISDIR);
    buf_deinit(&b);
}

static void directories_are_made_with_their_parents(void **state)
{
    struct test_dir *dir = *state;
    struct stat st;
    struct err err;

    assert_int_equal(file_make_dir(test_dir_file(dir, "a/b/c"), &err), 0);
    assert_int_equal(file_make_dir(test_dir_file(dir, "a/b/c/"), &err), 0);
    assert_int_equal(stat(test_dir_file(dir, "a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(file_write_atomic(test_dir_file(dir, "file"), str_of(""), 0600, &err), 0);
    assert_int_equal(file_make_dir(test_dir_file(dir, "file"), &err), ERR_SYSTEM);
    assert_int_equal(file_make_dir(test_dir_file(dir, "file/below"), &err), ERR_SYSTEM);
    assert_int_equal(err.sys_errno, ENOTDIR);
}

static void a_state_directory_has_one_owner_at_a_time(void **state)
{
    const char *path = test_dir_file(*state, "state");
    char expected[32];
    struct err err;
    int fd = -1, other = -1;

    assert_int_equal(file_lock_dir(path, &fd, &err), 0);
    assert_true(fd >= 0);
    assert_int_equal(file_lock_dir(path, &other, &err), ERR_CONFLICT);
    assert_int_equal(other, -1);
    (void)snprintf(expected, sizeof(expected), "process %d;", (int)getpid());
    assert_non_null(strstr(err.msg, expected));
    (void)close(fd);
    assert_int_equal(file_lock_dir(path, &other, &err), 0);
    (void)close(other);
}

/* Variables of one case; NULL: not set. */
struct place {
    const char *state_directory, *xdg_state, *xdg_config, *home;
    const char *state, *config;
};

static void set_env(const char *name, const char *value)
{
    if (value)
        (void)setenv(name, value, 1);
    else
        (void)unsetenv(name);
}

static void default_places_follow_systemd_xdg_and_home(void **state)
{
    static const struct place cases[] = {
        { NULL, NULL, NULL, "/h/a", "/h/a/.local/state/rbee/queen", "/h/a/.config/rbee/queen" },
        { NULL, "/s", "/c", "/h/a", "/s/rbee/queen", "/c/rbee/queen" },
        { NULL, "relative", "relative", "/h", "/h/.local/state/rbee/queen",
          "/h/.config/rbee/queen" },
        { "/var/lib/rbee/q", "/s", NULL, "/h", "/var/lib/rbee/q", "/h/.config/rbee/queen" },
        { "/one:/two", NULL, NULL, NULL, "/one", "/etc/rbee/queen" },
        { NULL, NULL, NULL, NULL, "/var/lib/rbee/queen", "/etc/rbee/queen" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[64];
        struct err err;

        set_env("STATE_DIRECTORY", cases[i].state_directory);
        set_env("XDG_STATE_HOME", cases[i].xdg_state);
        set_env("XDG_CONFIG_HOME", cases[i].xdg_config);
        set_env("HOME", cases[i].home);
        assert_int_equal(file_default_state_dir("queen", path, sizeof(path), &err), 0);
        assert_string_equal(path, cases[i].state);
        assert_int_equal(file_default_config("queen", path, sizeof(path), &err), 0);
        assert_string_equal(path, cases[i].config);
        assert_int_equal(file_default_state_dir("queen", path, 5, &err),
                         strlen(cases[i].state) < 5 ? 0 : ERR_LIMIT);
        assert_int_equal(file_default_config("queen", path, 5, &err), ERR_LIMIT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_written_is_read_back_with_its_mode, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_failed_write_leaves_the_old_file_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_may_fill_the_cap_but_not_pass_it, setup, teardown),
        cmocka_unit_test(files_of_proc_are_read_whole),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(directories_are_made_with_their_parents, setup, teardown),
        cmocka_unit_test_setup_teardown(a_state_directory_has_one_owner_at_a_time, setup, teardown),
        cmocka_unit_test(default_places_follow_systemd_xdg_and_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
