/*
 * Hosts that are not what they should be: taken over by a stranger, dead, missing, or without
 * the means to start. Each must end in a clear state.
 */
#include "base/mem.h"
#include "base/test_dir.h"
#include "sandbox/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static const struct policy_call question = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };

static void setup(struct test_world *w)
{
    test_world_init(w, TEST_HOST);
    w->options.load_ms = 10 * 1000; /* a sanitised program takes its time to start */
    w->options.hard_ms = 10 * 1000;
    test_world_open(w);
}

static void open_named(struct test_policy *p, struct test_world *w, const char *behaviour)
{
    const struct sandboxed_options options = {
        .source = str_of("function schedule() end"),
        .name = behaviour,
        .want_lua = true,
    };

    test_policy_open(p, w, &options);
}

static void an_answer_that_is_none_is_a_crash(void **state)
{
    static const char *const behaviours[] = { "garbage", "another", "too much", "emptiness",
                                              "ends" };

    (void)state;
    for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++) {
        struct test_world w;
        struct test_policy p;
        setup(&w);
        open_named(&p, &w, behaviours[i]);
        assert_int_equal(p.loads, 1);
        for (int again = 0; again < 2; again++) { /* each time by another host */
            if (test_policy_ask(&p, &question) != POLICY_CRASH)
                fail_msg("%s: %d", behaviours[i], (int)p.answer.failure);
            assert_non_null(strstr(p.answer.message, behaviours[i]));
        }
        assert_int_equal(test_world_stats(&w).kills_total[POLICY_CRASH], 2);
        test_world_end(&w, &p);
    }
}

static void who_speaks_without_being_asked_is_ended(void **state)
{
    static const char *const behaviours[] = { "twice", "unasked" };

    (void)state;
    for (size_t i = 0; i < sizeof(behaviours) / sizeof(*behaviours); i++) {
        struct test_world w;
        struct test_policy p;
        setup(&w);
        open_named(&p, &w, behaviours[i]);
        assert_int_equal(p.loads, 1);
        if (strcmp(behaviours[i], "twice") == 0)
            assert_int_equal(test_policy_ask(&p, &question), POLICY_OK);
        RUN_UNTIL(&w, test_policy_stats(&p).pid == 0);
        assert_int_equal(test_world_stats(&w).hosts, 0);
        test_world_end(&w, &p);
    }
}

static void who_does_not_load_as_told_is_refused(void **state)
{
    static const struct {
        const char *behaviour;
        unsigned load_ms;
        enum policy_failure failure;
        const char *words;
    } rows[] = {
        { "open", 10000, POLICY_SANDBOX_UNAVAILABLE, "seccomp" },
        { "nonsense", 10000, POLICY_LOAD, "no sense" },
        { "endless", 10000, POLICY_LOAD, "Lua text" },
        { "mute", 2000, POLICY_LOAD, "did not load within 2000 ms" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct test_world w;
        struct test_policy p;
        test_world_init(&w, TEST_HOST);
        w.options.load_ms = rows[i].load_ms;
        test_world_open(&w);
        open_named(&p, &w, rows[i].behaviour);
        assert_int_equal(p.refusals, 1);
        assert_int_equal(p.refusal, rows[i].failure);
        if (!strstr(p.diagnostics.items[0].message, rows[i].words))
            fail_msg("%s: %s", rows[i].behaviour, p.diagnostics.items[0].message);
        test_world_end(&w, &p);
    }
}

static void without_seccomp_only_when_allowed(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init(&w, TEST_HOST);
    w.options.load_ms = 10 * 1000;
    w.options.allow_without_seccomp = true;
    test_world_open(&w);
    open_named(&p, &w, "open");
    assert_int_equal(p.loads, 1);
    assert_false(p.loaded.has_seccomp);
    assert_int_equal(test_policy_ask(&p, &question), POLICY_OK);
    test_world_end(&w, &p);
}

/* It waits in read() and uses no time: not to blame, and not waited for without end. */
static void who_never_answers_is_given_up(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init(&w, TEST_HOST);
    w.options.load_ms = 10 * 1000;
    w.options.hard_ms = 2;
    test_world_open(&w);
    open_named(&p, &w, "silent");
    assert_int_equal(test_policy_ask(&p, &question), POLICY_STARVED);
    assert_int_equal(test_policy_ask(&p, &question), POLICY_STARVED);
    RUN_UNTIL(&w, test_policy_stats(&p).pid == 0);
    assert_int_equal(test_world_stats(&w).strikes_total, 0);
    test_world_end(&w, &p);
}

/* Its answers are numbered: none of them is ever taken for another's. */
static void who_got_no_time_is_not_to_blame_and_answers_in_vain(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init(&w, TEST_HOST);
    w.options.load_ms = 10 * 1000;
    w.options.hard_ms = 100;
    test_world_open(&w);
    open_named(&p, &w, "late");
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(test_policy_ask(&p, &question), POLICY_STARVED);
    assert_int_equal(test_policy_ask(&p, &question), POLICY_STARVED); /* at once: it is at it */
    assert_int_equal(test_world_stats(&w).starved_total, 1);
    assert_int_equal(kill(pid, SIGUSR1), 0);
    RUN_UNTIL(&w, test_policy_ask(&p, &question) == POLICY_OK);
    assert_true(p.answer.delay_ms >= 2);
    assert_int_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_world_stats(&w).strikes_total, 0);
    test_world_end(&w, &p);
}

static void no_descriptor_of_ours_reaches_a_host(void **state)
{
    AUTO(close_fd) int leaky = open("/dev/null", O_RDONLY); /* without O_CLOEXEC */
    AUTO(close_fd) int high = fcntl(leaky, F_DUPFD, 500);
    struct test_world w;
    struct test_policy p;

    (void)state;
    assert_true(high >= 500);
    setup(&w);
    open_named(&p, &w, "descriptors");
    assert_int_equal(test_policy_ask(&p, &question), POLICY_OK);
    assert_string_equal(p.answer.message, "");
    test_world_end(&w, &p);
}

/* --- No host at all ---------------------------------------------------------------- */

static void expect_unavailable(const char *host, const char *words)
{
    struct test_world w;
    struct test_policy p;
    char said[320];

    test_world_init(&w, host);
    test_world_open(&w);
    assert_int_equal(sandbox_state(w.sandbox, said, sizeof(said)), POLICY_SANDBOX_UNAVAILABLE);
    if (!strstr(said, words))
        fail_msg("said: %s", said);
    open_named(&p, &w, "any");
    assert_int_equal(p.refusal, POLICY_SANDBOX_UNAVAILABLE);
    assert_non_null(strstr(p.diagnostics.items[0].message, words));
    test_world_end(&w, &p);
}

static void a_program_that_cannot_be_a_host_is_told(void **state)
{
    struct test_dir dir;
    char path[sizeof(dir.path) + 16];

    (void)state;
    expect_unavailable("/no/such/program", "cannot execute '/no/such/program'");
    expect_unavailable("/dev/null", "cannot execute '/dev/null': Permission denied");
    expect_unavailable("/bin/true", "'/bin/true' does not work here (exit code 0)");

    assert_int_equal(test_dir_make(&dir), 0);
    (void)snprintf(path, sizeof(path), "%s/host", dir.path);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
    assert_int_equal(write(fd, "\1\2\3", 3), 3);
    assert_int_equal(close(fd), 0);
    expect_unavailable(path, "Exec format error");
    test_dir_remove(&dir);
}

static void running_out_of_descriptors_is_survived(void **state)
{
    struct rlimit before, few;
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int next = dup(0);
    assert_int_equal(close(next), 0);
    for (int left = 0; left < 8; left++) {
        few = before;
        few.rlim_cur = (rlim_t)(next + left);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        open_named(&p, &w, "fine");
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(p.loads + p.refusals, 1);
        if (p.refusals > 0)
            assert_int_equal(p.refusal, POLICY_SANDBOX_UNAVAILABLE);
        test_policy_close(&p);
    }
    open_named(&p, &w, "fine");
    assert_int_equal(p.loads, 1);
    test_world_end(&w, &p);
}

/* Both hosts die while no other can be started; some time later it can. */
static void a_policy_without_hosts_says_so_and_comes_back(void **state)
{
    const struct sandboxed_options options = {
        .source = str_of("function schedule() end"),
        .name = "fine",
        .is_live = true,
    };
    struct rlimit before, none;
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_policy_open(&p, &w, &options);
    RUN_UNTIL(&w, test_policy_stats(&p).has_spare);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < 2; i++) {
        pid_t pid = test_policy_stats(&p).pid;
        assert_int_equal(kill(pid, SIGKILL), 0);
        RUN_UNTIL(&w, test_policy_stats(&p).pid != pid);
    }
    RUN_UNTIL(&w, p.states == 1);
    assert_int_equal(p.state, POLICY_SANDBOX_UNAVAILABLE);
    assert_int_equal(test_policy_ask(&p, &question), POLICY_SANDBOX_UNAVAILABLE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    RUN_UNTIL(&w, p.states == 2);
    assert_int_equal(p.state, POLICY_OK);
    assert_int_equal(test_policy_ask(&p, &question), POLICY_OK);
    test_world_end(&w, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_is_none_is_a_crash),
        cmocka_unit_test(who_speaks_without_being_asked_is_ended),
        cmocka_unit_test(who_does_not_load_as_told_is_refused),
        cmocka_unit_test(without_seccomp_only_when_allowed),
        cmocka_unit_test(who_never_answers_is_given_up),
        cmocka_unit_test(who_got_no_time_is_not_to_blame_and_answers_in_vain),
        cmocka_unit_test(no_descriptor_of_ours_reaches_a_host),
        cmocka_unit_test(a_program_that_cannot_be_a_host_is_told),
        cmocka_unit_test(running_out_of_descriptors_is_survived),
        cmocka_unit_test(a_policy_without_hosts_says_so_and_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
