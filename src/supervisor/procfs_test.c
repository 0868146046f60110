#include "supervisor/procfs.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAT_TAIL " 0 0 -1 4194304 0 0 0 0 70 30 0 0 20 0 1 0 12345 1000 200"

static void a_command_name_may_hold_blanks_and_parentheses(void **state)
{
    static const struct {
        const char *text;
        bool ok;
    } rows[] = {
        { "42 (llm) S 1 40" STAT_TAIL "\n", true },
        { "42 (a) b) (c) S 1 40" STAT_TAIL "\n", true },
        { "42 (new\nline) S 1 40" STAT_TAIL, true },
        { "42 (llm S 1 40" STAT_TAIL, false },
        { "42 (llm) S 1 40", false },
        { "x (llm) S 1 40" STAT_TAIL, false },
        { "42 (llm) S 1 -1" STAT_TAIL, false },
        { "", false },
        { ")(", false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct proc_stat stat = { 0 };
        assert_int_equal(procfs_parse_stat(str_of(rows[i].text), &stat), rows[i].ok);
        assert_int_equal(stat.pid, rows[i].ok ? 42 : 0);
        assert_int_equal(stat.pgrp, rows[i].ok ? 40 : 0);
        assert_int_equal(stat.cpu_ticks, rows[i].ok ? 100 : 0);
        assert_int_equal(stat.start_ticks, rows[i].ok ? 12345 : 0);
    }
}

static void the_resident_size_is_in_bytes_or_absent(void **state)
{
    uint64_t bytes = 7;
    (void)state;

    assert_false(procfs_parse_rss(str_of("Name:\tx\nState:\tZ (zombie)\n"), &bytes));
    assert_false(procfs_parse_rss(str_of("VmRSS:\tmany kB\n"), &bytes));
    assert_false(procfs_parse_rss(str_of("VmRSS:\t18446744073709551615 kB\n"), &bytes));
    assert_int_equal(bytes, 7);
    assert_true(procfs_parse_rss(str_of("VmRSSx: 1\nVmRSS:\t    1234 kB\n"), &bytes));
    assert_int_equal(bytes, 1234 * 1024);
}

static void disk_figures_are_those_of_storage(void **state)
{
    uint64_t r = 0, w = 0;
    (void)state;

    assert_true(procfs_parse_io(str_of("rchar: 9\nwchar: 9\nread_bytes: 4096\nwrite_bytes: 512\n"
                                       "cancelled_write_bytes: 3\n"),
                                &r, &w));
    assert_int_equal(r, 4096);
    assert_int_equal(w, 512);
    assert_false(procfs_parse_io(str_of("read_bytes: 1\n"), &r, &w));
}

static void options_are_found_in_both_spellings(void **state)
{
    static const char line[] = "worker\0--model\0/m/x.gguf\0--model-ref=tiny\0--alias\0\0--slots";
    static const char *const ref[] = { "--model-ref", "--alias", NULL };
    static const char *const model[] = { "-m", "--model", NULL };
    static const char *const empty[] = { "--alias", NULL };
    static const char *const last[] = { "--slots", NULL };
    struct str cmdline = { line, sizeof(line) - 1 };
    char value[16];
    (void)state;

    assert_true(procfs_cmdline_option(cmdline, ref, value, sizeof(value)));
    assert_string_equal(value, "tiny");
    assert_true(procfs_cmdline_option(cmdline, model, value, sizeof(value)));
    assert_string_equal(value, "/m/x.gguf");
    assert_false(procfs_cmdline_option(cmdline, model, value, 4));
    assert_false(procfs_cmdline_option(cmdline, empty, value, sizeof(value)));
    assert_false(procfs_cmdline_option(cmdline, last, value, sizeof(value)));
    assert_false(procfs_cmdline_option((struct str){ 0 }, ref, value, sizeof(value)));
}

/* --- A fake /proc ---------------------------------------------------------- */

struct fake {
    char root[256];
};

static void put(const struct fake *f, const char *pid, const char *name, const char *text)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", f->root, pid);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/%s/%s", f->root, pid, name);
    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void put_process(const struct fake *f, int pid, int pgrp, int ticks, int rss_kib)
{
    char name[16], text[256];

    (void)snprintf(name, sizeof(name), "%d", pid);
    (void)snprintf(text, sizeof(text),
                   "%d (w) S 1 %d 0 0 -1 0 0 0 0 0 %d 0 0 0 20 0 1 0 %d 1000 200", pid, pgrp, ticks,
                   pid * 10);
    put(f, name, "stat", text);
    (void)snprintf(text, sizeof(text), "VmRSS: %d kB\n", rss_kib);
    put(f, name, "status", text);
    (void)snprintf(text, sizeof(text), "read_bytes: %d\nwrite_bytes: 0\n", ticks);
    put(f, name, "io", text);
}

static void drop_process(const struct fake *f, int pid)
{
    static const char *const names[] = { "stat", "status", "io", "" };
    char path[512];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%d/%s", f->root, pid, names[i]);
        if (unlink(path) < 0)
            (void)rmdir(path);
    }
}

static int make_fake(void **state)
{
    struct fake *f = mem_alloc(1, sizeof(*f));
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(f->root, sizeof(f->root), "%s/procfs_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->root));
    *state = f;
    return 0;
}

static int drop_fake(void **state)
{
    struct fake *f = *state;

    for (int pid = 1; pid < 10; pid++)
        drop_process(f, pid);
    (void)rmdir(f->root);
    free(f);
    return 0;
}

static void a_group_is_the_sum_of_its_processes(void **state)
{
    struct fake *f = *state;
    struct proc_group mine, other;
    struct proc_group *groups[] = { &mine, &other };
    uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);

    proc_group_init(&mine, 2);
    proc_group_init(&other, 5);
    put_process(f, 2, 2, 100, 1000);
    put_process(f, 3, 2, 50, 24);
    put_process(f, 5, 5, 7, 1);
    put_process(f, 6, 6, 9999, 9999);
    proc_groups_sample(f->root, groups, 2);
    assert_int_equal(mine.total.cpu_us, 150 * tick_us);
    assert_int_equal(mine.total.rss_bytes, 1024 * 1024);
    assert_int_equal(mine.total.read_bytes, 150);
    assert_int_equal(other.total.cpu_us, 7 * tick_us);
    proc_group_deinit(&mine);
    proc_group_deinit(&other);
}

static void what_a_dead_member_used_stays_counted(void **state)
{
    struct fake *f = *state;
    struct proc_group group;
    struct proc_group *groups[] = { &group };
    uint64_t tick_us = 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);

    proc_group_init(&group, 2);
    put_process(f, 2, 2, 100, 10);
    put_process(f, 3, 2, 50, 10);
    proc_groups_sample(f->root, groups, 1);
    drop_process(f, 3);
    put_process(f, 2, 2, 110, 10);
    proc_groups_sample(f->root, groups, 1);
    assert_int_equal(group.total.cpu_us, 160 * tick_us);
    assert_int_equal(group.total.rss_bytes, 10 * 1024);
    proc_group_deinit(&group);
}

static void unreadable_files_count_as_nothing(void **state)
{
    struct fake *f = *state;
    struct proc_group group;
    struct proc_group *groups[] = { &group };

    proc_group_init(&group, 2);
    put(f, "2", "stat", "2 (w) S 1 2" STAT_TAIL);
    put(f, "3", "stat", "garbage");
    proc_groups_sample(f->root, groups, 1);
    assert_int_equal(group.members_len, 1);
    assert_int_equal(group.total.rss_bytes, 0);
    proc_group_deinit(&group);
}

static void our_own_group_is_found_in_the_real_proc(void **state)
{
    struct proc_group group;
    struct proc_group *groups[] = { &group };
    (void)state;

    proc_group_init(&group, getpgrp());
    proc_groups_sample("/proc", groups, 1);
    assert_true(group.members_len >= 1);
    assert_true(group.total.rss_bytes > 0);
    proc_group_deinit(&group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_name_may_hold_blanks_and_parentheses),
        cmocka_unit_test(the_resident_size_is_in_bytes_or_absent),
        cmocka_unit_test(disk_figures_are_those_of_storage),
        cmocka_unit_test(options_are_found_in_both_spellings),
        cmocka_unit_test_setup_teardown(a_group_is_the_sum_of_its_processes, make_fake, drop_fake),
        cmocka_unit_test_setup_teardown(what_a_dead_member_used_stays_counted, make_fake,
                                        drop_fake),
        cmocka_unit_test_setup_teardown(unreadable_files_count_as_nothing, make_fake, drop_fake),
        cmocka_unit_test(our_own_group_is_found_in_the_real_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
