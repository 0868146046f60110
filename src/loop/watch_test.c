#include "loop/watch.h"

#include "base/file.h"
#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/test_dir.h"

#include <sys/stat.h>

enum { DEBOUNCE_MS = 5 };

struct fixture {
    struct test_dir dir;
    struct loop *loop;
    struct loop_timer idle;
    struct file_watch *watch;
    unsigned calls;
    bool frees;
};

static void on_change(void *data)
{
    struct fixture *f = data;

    f->calls++;
    if (f->frees)
        file_watch_free(TAKE(f->watch));
    loop_stop(f->loop);
}

static void on_idle(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

static int setup(void **state)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));

    f->loop = loop_new(NULL, NULL);
    loop_timer_init(f->loop, &f->idle, on_idle);
    *state = f;
    return test_dir_make(&f->dir);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    loop_timer_stop(&f->idle);
    file_watch_free(f->watch);
    loop_free(f->loop);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static const char *at(const struct fixture *f, const char *name)
{
    return test_dir_file(&f->dir, name);
}

static void watch(struct fixture *f, const char *name)
{
    struct err err = { 0 };

    if (file_watch_new(f->loop, at(f, name), DEBOUNCE_MS, on_change, f, &f->watch, &err) < 0)
        fail_msg("%s", err.msg);
}

static void put(const struct fixture *f, const char *name, const char *mode, const char *text)
{
    FILE *file = fopen(at(f, name), mode);

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Until it was told once more; the test's own timeout ends what never comes. */
static void await(struct fixture *f)
{
    unsigned before = f->calls;

    while (f->calls == before)
        loop_run(f->loop);
}

/* What is still to come of earlier events. */
static void settle(struct fixture *f)
{
    unsigned before;

    do {
        before = f->calls;
        loop_timer_start(&f->idle, 4 * DEBOUNCE_MS);
        loop_run(f->loop);
    } while (f->calls != before);
}

static void a_file_that_is_written_is_told(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "w", "one");
    watch(f, "a");
    put(f, "a", "w", "two");
    await(f);
    settle(f);
    put(f, "a", "a", "three");
    await(f);
}

static void a_file_that_another_is_renamed_over_is_told_again_and_again(void **state)
{
    struct fixture *f = *state;
    struct err err;

    put(f, "a", "w", "one");
    watch(f, "a");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(file_write_atomic(at(f, "a"), str_of("other"), 0600, &err), 0);
        await(f);
        settle(f);
    }
    put(f, "a", "w", "in place"); /* of the new one */
    await(f);
}

static void a_file_may_go_and_come_back(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "w", "one");
    watch(f, "a");
    assert_int_equal(remove(at(f, "a")), 0);
    await(f);
    settle(f);
    put(f, "a", "w", "one");
    await(f);
    settle(f);
    put(f, "a", "w", "two");
    await(f);
}

static void a_file_may_come_later_and_its_directory_too(void **state)
{
    struct fixture *f = *state;

    watch(f, "later/a");
    assert_int_equal(mkdir(at(f, "later"), 0700), 0);
    put(f, "later/a", "w", "one");
    await(f);
    settle(f);
    put(f, "later/a", "w", "two");
    await(f);
    assert_int_equal(remove(at(f, "later/a")), 0);
    assert_int_equal(remove(at(f, "later")), 0);
    await(f);
    settle(f);
    assert_int_equal(mkdir(at(f, "later"), 0700), 0);
    put(f, "later/a", "w", "three");
    await(f);
}

static void many_events_are_told_once(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "w", "");
    watch(f, "a");
    for (int i = 0; i < 50; i++)
        put(f, "a", "a", "line\n");
    await(f);
    settle(f);
    assert_int_equal(f->calls, 1);
}

static void what_neighbours_do_is_not_told(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "w", "one");
    watch(f, "a");
    put(f, "b", "w", "one");
    put(f, "b", "w", "two");
    assert_int_equal(remove(at(f, "b")), 0);
    settle(f);
    assert_int_equal(f->calls, 0);
}

static void what_happens_in_a_directory_is_told(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(mkdir(at(f, "d"), 0700), 0);
    watch(f, "d/");
    put(f, "d/a", "w", "one");
    await(f);
    settle(f);
    put(f, "d/a", "a", "two");
    await(f);
    settle(f);
    assert_int_equal(remove(at(f, "d/a")), 0);
    await(f);
}

static void a_directory_may_go_and_come_back(void **state)
{
    struct fixture *f = *state;

    watch(f, "d");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mkdir(at(f, "d"), 0700), 0);
        await(f);
        settle(f);
        put(f, "d/a", "w", "one");
        await(f);
        settle(f);
        assert_int_equal(remove(at(f, "d/a")), 0);
        assert_int_equal(remove(at(f, "d")), 0);
        await(f);
        settle(f);
    }
}

static void a_link_is_followed_and_may_point_elsewhere(void **state)
{
    struct fixture *f = *state;
    struct test_dir to = f->dir;

    put(f, "one", "w", "one");
    put(f, "second", "w", "second");
    (void)snprintf(to.path, sizeof(to.path), "%s/link", f->dir.path);
    assert_int_equal(symlink("one", to.path), 0);
    watch(f, "link");
    put(f, "one", "a", "more");
    await(f);
    settle(f);
    assert_int_equal(symlink("second", at(f, "new")), 0);
    assert_int_equal(rename(at(f, "new"), to.path), 0);
    await(f);
    settle(f);
    put(f, "second", "a", "more");
    await(f);
}

static void it_may_be_freed_when_it_tells(void **state)
{
    struct fixture *f = *state;

    put(f, "a", "w", "one");
    watch(f, "a");
    f->frees = true;
    put(f, "a", "w", "two");
    await(f);
    put(f, "a", "w", "three");
    settle(f);
    assert_int_equal(f->calls, 1);
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct fixture *f = *state;
    char path[2 * PATH_MAX];
    struct err err;

    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(file_watch_new(f->loop, path, DEBOUNCE_MS, on_change, f, &f->watch, &err),
                     ERR_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_written_is_told),
        TEST(a_file_that_another_is_renamed_over_is_told_again_and_again),
        TEST(a_file_may_go_and_come_back),
        TEST(a_file_may_come_later_and_its_directory_too),
        TEST(many_events_are_told_once),
        TEST(what_neighbours_do_is_not_told),
        TEST(what_happens_in_a_directory_is_told),
        TEST(a_directory_may_go_and_come_back),
        TEST(a_link_is_followed_and_may_point_elsewhere),
        TEST(it_may_be_freed_when_it_tells),
        TEST(a_path_that_is_too_long_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
