#include "loop/child.h"
#include "base/buf.h"
#include "base/mem.h"
#include "loop/loop.h"
#include "loop/test_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { OUTPUT_MAX = 4 * 1024 * 1024 };

struct watched {
    struct loop *loop;
    struct child *child;
    struct buf output;
    unsigned output_ends, exits;
    int exit_code, signal_number;
    bool kills_group_on_exit;
};

static void on_exit_of(void *data, int exit_code, int signal_number)
{
    struct watched *w = data;

    w->exits++;
    w->exit_code = exit_code;
    w->signal_number = signal_number;
    if (w->kills_group_on_exit)
        child_signal_group(w->child, SIGKILL);
    w->child = NULL;
}

static void on_output(void *data, const char *bytes, size_t len)
{
    struct watched *w = data;

    assert_int_equal(w->exits, 0);
    if (len == 0)
        w->output_ends++;
    assert_true(buf_add(&w->output, bytes, len));
}

static void setup(struct watched *w)
{
    *w = (struct watched){ .loop = loop_new(NULL, NULL) };
    buf_init(&w->output, OUTPUT_MAX);
}

static void teardown(struct watched *w)
{
    loop_free(w->loop);
    buf_deinit(&w->output);
}

static void start(struct watched *w, const char *script, bool capture)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    const struct child_options options = {
        .argv = argv,
        .log_fd = -1,
        .on_output = capture ? on_output : NULL,
        .on_exit = on_exit_of,
        .data = w,
    };
    struct err err = { 0 };

    if (child_start(w->loop, &options, &w->child, &err) != 0)
        fail_msg("%s", err.msg);
}

static void run(struct watched *w, const char *script)
{
    start(w, script, true);
    TURN_UNTIL(w->loop, w->exits == 1);
}

/* The first line that it wrote, which says that the script has come so far. */
static void wait_for_line(struct watched *w)
{
    TURN_UNTIL(w->loop, buf_len(&w->output) > 0 && strchr(buf_cstr(&w->output), '\n'));
}

/* --- Starts ------------------------------------------------------------------ */

static void an_exec_that_fails_is_an_error_of_the_start(void **state)
{
    static const struct {
        const char *path;
        int sys_errno;
    } cases[] = {
        { "/does/not/exist", ENOENT },
        { "/", EACCES },
        { "no-such-command-in-path", ENOENT },
    };
    struct watched w;

    (void)state;
    setup(&w);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *const argv[] = { cases[i].path, NULL };
        const struct child_options options = {
            .argv = argv,
            .log_fd = -1,
            .on_output = i == 0 ? on_output : NULL,
            .on_exit = on_exit_of,
            .data = &w,
        };
        struct err err = { 0 };
        assert_int_equal(child_start(w.loop, &options, &w.child, &err), ERR_SYSTEM);
        assert_int_equal(err.sys_errno, cases[i].sys_errno);
        assert_non_null(strstr(err.msg, cases[i].path));
    }
    turns(w.loop, 5);
    assert_int_equal(w.exits, 0);
    assert_int_equal(w.output_ends, 0);
    assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD); /* no zombie is left */
    teardown(&w);
}

static void a_child_has_the_environment_that_it_was_given(void **state)
{
    struct watched w;
    const char *const argv[] = { "/bin/sh", "-c", "echo $GREETING:$HOME", NULL };
    const char *const env[] = { "GREETING=hello", NULL };
    const struct child_options options = {
        .argv = argv,
        .env = env,
        .log_fd = -1,
        .on_output = on_output,
        .on_exit = on_exit_of,
        .data = &w,
    };
    struct err err = { 0 };

    (void)state;
    setup(&w);
    assert_int_equal(child_start(w.loop, &options, &w.child, &err), 0);
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_string_equal(buf_cstr(&w.output), "hello:\n");
    teardown(&w);
}

static void a_child_leads_a_group_and_a_session_of_its_own(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    start(&w, "read x", false);
    pid_t pid = child_pid(w.child);
    assert_int_equal(getpgid(pid), pid);
    assert_int_equal(getsid(pid), pid);
    TURN_UNTIL(w.loop, w.exits == 1); /* stdin is /dev/null: it ends by itself */
    assert_int_equal(w.exit_code, 1);
    teardown(&w);
}

static void no_descriptor_but_the_first_three_reaches_a_child(void **state)
{
    struct watched w;
    int leak[2]; /* opened by a library that does not know O_CLOEXEC */

    (void)state;
    setup(&w);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, leak), 0);
    run(&w, "for fd in /proc/self/fd/*; do n=${fd##*/}; "
            "if [ -e /proc/$$/fd/$n ] && [ $n -gt 2 ]; then echo $n; fi; done; "
            "readlink /proc/$$/fd/0 /proc/$$/fd/2");
    assert_string_equal(buf_cstr(&w.output), "/dev/null\n/dev/null\n");
    assert_int_equal(write(leak[0], "x", 1), 1); /* still open here */
    (void)close(leak[0]);
    (void)close(leak[1]);
    teardown(&w);
}

static void a_child_is_born_with_the_default_signals(void **state)
{
    struct watched w;

    (void)state;
    setup(&w); /* ignores SIGPIPE */
    /* The signals from 32 on are libc's own: make, through posix_spawn(), leaves them ignored. */
    run(&w, "while read -r name mask; do case $name in Sig[BI]*) "
            "echo $name $((0x$mask & 0x7fffffff));; esac; done </proc/self/status");
    assert_string_equal(buf_cstr(&w.output), "SigBlk: 0\nSigIgn: 0\n");
    teardown(&w);
}

/* --- Ends -------------------------------------------------------------------- */

static void an_exit_is_told_once_with_its_code(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    start(&w, "exit 7", false);
    TURN_UNTIL(w.loop, w.exits == 1);
    turns(w.loop, 5);
    assert_int_equal(w.exits, 1);
    assert_int_equal(w.exit_code, 7);
    assert_int_equal(w.signal_number, 0);
    teardown(&w);
}

static void a_signal_that_kills_is_told(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    start(&w, "echo up; exec sleep 60", true);
    wait_for_line(&w);
    child_signal(w.child, SIGKILL);
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_int_equal(w.signal_number, SIGKILL);
    teardown(&w);
}

/* Until the last process that holds the other end is gone. */
static void wait_for_eof(int fd)
{
    char bytes[64];
    ssize_t n;

    while ((n = read(fd, bytes, sizeof(bytes))) > 0)
        ;
    assert_int_equal(n, 0);
}

/* A child whose stderr is a pipe, which lives as long as the grandchild. */
static int start_with_grandchild(struct watched *w, const char *script)
{
    int fds[2];
    const char *const argv[] = { "sh", "-c", script, NULL };
    const struct child_options options = {
        .argv = argv,
        .on_output = on_output,
        .on_exit = on_exit_of,
        .data = w,
    };
    struct child_options with_log = options;
    struct err err = { 0 };

    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    with_log.log_fd = fds[1];
    assert_int_equal(child_start(w->loop, &with_log, &w->child, &err), 0);
    (void)close(fds[1]);
    wait_for_line(w);
    return fds[0];
}

static void a_signal_to_the_group_reaches_grandchildren(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    int fd = start_with_grandchild(&w, "sleep 60 & echo up; wait");
    child_signal_group(w.child, SIGTERM);
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_int_equal(w.signal_number, SIGTERM);
    wait_for_eof(fd);
    (void)close(fd);
    teardown(&w);
}

static void what_is_left_of_the_group_can_be_killed_when_the_child_has_ended(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    w.kills_group_on_exit = true;
    int fd = start_with_grandchild(&w, "sleep 60 & echo up; exit 3");
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_int_equal(w.exit_code, 3);
    wait_for_eof(fd);
    (void)close(fd);
    teardown(&w);
}

static void signalling_a_child_that_has_just_ended_is_harmless(void **state)
{
    struct watched w;
    siginfo_t info;

    (void)state;
    setup(&w);
    start(&w, "exit 0", false);
    assert_int_equal(waitid(P_PID, (id_t)child_pid(w.child), &info, WEXITED | WNOWAIT), 0);
    child_signal(w.child, SIGTERM);
    child_signal_group(w.child, SIGTERM);
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_int_equal(w.exit_code, 0);
    assert_int_equal(w.signal_number, 0);
    teardown(&w);
}

/* --- Output ------------------------------------------------------------------ */

static void all_output_comes_before_the_exit(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    run(&w, "head -c 1000000 /dev/zero; printf end");
    assert_int_equal(buf_len(&w.output), 1000003);
    assert_string_equal(buf_cstr(&w.output) + 1000000, "end");
    assert_int_equal(w.output_ends, 1);
    teardown(&w);
}

static void a_grandchild_that_holds_stdout_does_not_hold_up_the_exit(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    w.kills_group_on_exit = true;
    run(&w, "sleep 60 & printf end");
    assert_string_equal(buf_cstr(&w.output), "end");
    assert_int_equal(w.output_ends, 0);
    teardown(&w);
}

static void stderr_and_uncaptured_stdout_go_to_the_log(void **state)
{
    struct watched w;
    int fds[2];
    const char *const argv[] = { "sh", "-c", "echo out; echo err >&2", NULL };
    struct child_options options = { .argv = argv, .on_exit = on_exit_of, .data = &w };
    char text[16] = "";
    struct err err = { 0 };

    (void)state;
    setup(&w);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    options.log_fd = fds[1];
    assert_int_equal(child_start(w.loop, &options, &w.child, &err), 0);
    TURN_UNTIL(w.loop, w.exits == 1);
    assert_int_equal(read(fds[0], text, sizeof(text) - 1), 8);
    assert_string_equal(text, "out\nerr\n");
    (void)close(fds[0]);
    (void)close(fds[1]);
    teardown(&w);
}

/* --- Forgetting -------------------------------------------------------------- */

static bool is_reaped(pid_t pid)
{
    return kill(pid, 0) != 0 && errno == ESRCH;
}

static void a_forgotten_child_is_reaped_without_a_word(void **state)
{
    struct watched w;

    (void)state;
    setup(&w);
    start(&w, "head -c 1000000 /dev/zero; exit 3", true); /* more than its pipe holds */
    pid_t pid = child_pid(w.child);
    child_forget(w.child);
    TURN_UNTIL(w.loop, is_reaped(pid));
    turns(w.loop, 5);
    assert_int_equal(w.exits, 0);
    assert_int_equal(buf_len(&w.output), 0);
    teardown(&w);
}

static void a_forgotten_child_outlives_the_loop(void **state)
{
    struct watched w;
    int status;

    (void)state;
    setup(&w);
    start(&w, "sleep 60", false);
    pid_t pid = child_pid(w.child);
    child_forget(w.child);
    teardown(&w);
    assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
    assert_int_equal(kill(-pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exec_that_fails_is_an_error_of_the_start),
        cmocka_unit_test(a_child_has_the_environment_that_it_was_given),
        cmocka_unit_test(a_child_leads_a_group_and_a_session_of_its_own),
        cmocka_unit_test(no_descriptor_but_the_first_three_reaches_a_child),
        cmocka_unit_test(a_child_is_born_with_the_default_signals),
        cmocka_unit_test(an_exit_is_told_once_with_its_code),
        cmocka_unit_test(a_signal_that_kills_is_told),
        cmocka_unit_test(a_signal_to_the_group_reaches_grandchildren),
        cmocka_unit_test(what_is_left_of_the_group_can_be_killed_when_the_child_has_ended),
        cmocka_unit_test(signalling_a_child_that_has_just_ended_is_harmless),
        cmocka_unit_test(all_output_comes_before_the_exit),
        cmocka_unit_test(a_grandchild_that_holds_stdout_does_not_hold_up_the_exit),
        cmocka_unit_test(stderr_and_uncaptured_stdout_go_to_the_log),
        cmocka_unit_test(a_forgotten_child_is_reaped_without_a_word),
        cmocka_unit_test(a_forgotten_child_outlives_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
