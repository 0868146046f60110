#include "supervisor/cgroup.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree of plain files in the shape of cgroupfs, with our group at "/hive". */

static char root[256];

static void put(const char *dir, const char *name, const char *text)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s%s", root, dir);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s%s/%s", root, dir, name);
    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void assert_holds(const char *name, const char *text)
{
    char path[1024], got[256] = "";

    (void)snprintf(path, sizeof(path), "%s%s", root, name);
    AUTO(close_fd) int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    assert_true(read(fd, got, sizeof(got) - 1) >= 0);
    assert_string_equal(got, text);
}

static int make_tree(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;

    (void)snprintf(root, sizeof(root), "%s/cgroup_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(root));
    put("/hive", "cgroup.controllers", "cpuset cpu io memory pids\n");
    put("/hive", "cgroup.procs", "");
    put("/hive", "cgroup.subtree_control", "");
    put("/hive/rbee-hive", "cgroup.procs", "");
    return 0;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int drop_tree(void **state)
{
    (void)state;
    return nftw(root, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void membership_is_the_line_of_version_2(void **state)
{
    struct str path;
    (void)state;

    assert_true(cgroup_parse_membership(str_of("4:memory:/old\n0::/user.slice/a b\n"), &path));
    assert_true(str_eq(path, "/user.slice/a b"));
    assert_false(cgroup_parse_membership(str_of("4:memory:/old\n"), &path));
    assert_false(cgroup_parse_membership(str_of(""), &path));
}

static void disk_figures_are_summed_over_devices(void **state)
{
    uint64_t r, w;
    (void)state;

    cgroup_parse_io(str_of("8:0 rbytes=10 wbytes=1 rios=5\n8:16 rbytes=5 wbytes=2 dbytes=9\n"), &r,
                    &w);
    assert_int_equal(r, 15);
    assert_int_equal(w, 3);
    cgroup_parse_io(str_of("8:0 rbytes=x wbytes=\n"), &r, &w);
    assert_int_equal(r, 0);
    assert_int_equal(w, 0);
}

static void a_tree_with_controllers_is_taken(void **state)
{
    struct cgroup_tree tree;
    struct err err;
    char path[CGROUP_PATH_SIZE];
    struct stat st;
    (void)state;

    assert_int_equal(cgroup_tree_open(root, str_of("0::/hive\n"), 77, &tree, &err), 0);
    assert_holds("/hive/rbee-hive/cgroup.procs", "77");
    assert_holds("/hive/cgroup.subtree_control", "+memory +cpu +io");
    assert_int_equal(cgroup_make(&tree, "w1", path, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    put("/hive/rbee-worker-w1", "cgroup.procs", "");
    assert_int_equal(cgroup_enter(path, 99, &err), 0);
    assert_holds("/hive/rbee-worker-w1/cgroup.procs", "99");
    assert_false(cgroup_remove(path)); /* not empty */
    assert_int_equal(cgroup_make(&tree, "w2", path, &err), 0);
    cgroup_tree_sweep(&tree);
    assert_int_equal(stat(path, &st), -1);
    assert_holds("/hive/rbee-worker-w1/cgroup.procs", "99");
}

static void an_empty_version_2_beside_version_1_is_not_taken(void **state)
{
    struct cgroup_tree tree;
    struct err err;
    (void)state;

    put("/hive", "cgroup.controllers", "cpuset pids\n");
    assert_int_equal(cgroup_tree_open(root, str_of("0::/hive\n"), 77, &tree, &err),
                     ERR_UNSUPPORTED);
    assert_int_equal(cgroup_tree_open(root, str_of("0::/\n"), 77, &tree, &err), ERR_UNSUPPORTED);
    assert_int_equal(cgroup_tree_open(root, str_of("4:cpu:/\n"), 77, &tree, &err), ERR_UNSUPPORTED);
    assert_holds("/hive/cgroup.procs", "");
}

static void a_group_that_cannot_be_handed_down_is_left_as_it_was(void **state)
{
    struct cgroup_tree tree;
    struct err err;
    char path[512];
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/hive/cgroup.subtree_control", root);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0); /* refuses the write, for root too */
    assert_int_equal(cgroup_tree_open(root, str_of("0::/hive\n"), 77, &tree, &err),
                     ERR_UNSUPPORTED);
    assert_holds("/hive/cgroup.procs", "77");
}

static void usage_is_read_whole_or_not_at_all(void **state)
{
    struct usage usage = { .cpu_us = 7 };
    struct err err;
    char path[512];
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/w", root);
    assert_int_equal(cgroup_read_usage(path, &usage, &err), ERR_SYSTEM);
    put("/w", "cpu.stat", "user_usec 1\nsystem_usec 2\n");
    assert_int_equal(cgroup_read_usage(path, &usage, &err), ERR_UPSTREAM);
    put("/w", "cpu.stat", "usage_usec 1234\nuser_usec 1\n");
    put("/w", "memory.current", "lots\n");
    assert_int_equal(cgroup_read_usage(path, &usage, &err), ERR_UPSTREAM);
    assert_int_equal(usage.cpu_us, 7);

    put("/w", "memory.current", "4096\n");
    assert_int_equal(cgroup_read_usage(path, &usage, &err), 0);
    assert_int_equal(usage.cpu_us, 1234);
    assert_int_equal(usage.rss_bytes, 4096);
    assert_int_equal(usage.read_bytes, 0);

    put("/w", "io.stat", "8:0 rbytes=10 wbytes=20\n");
    assert_int_equal(cgroup_read_usage(path, &usage, &err), 0);
    assert_int_equal(usage.read_bytes, 10);
    assert_int_equal(usage.write_bytes, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(membership_is_the_line_of_version_2),
        cmocka_unit_test(disk_figures_are_summed_over_devices),
        cmocka_unit_test_setup_teardown(a_tree_with_controllers_is_taken, make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(an_empty_version_2_beside_version_1_is_not_taken, make_tree,
                                        drop_tree),
        cmocka_unit_test_setup_teardown(a_group_that_cannot_be_handed_down_is_left_as_it_was,
                                        make_tree, drop_tree),
        cmocka_unit_test_setup_teardown(usage_is_read_whole_or_not_at_all, make_tree, drop_tree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
