/*
 * A kernel that refuses seccomp filters, as some containers do: played by a filter that lets
 * nobody install another one. It stays with the process, so each test has a child of its own.
 */
#include "base/mem.h"
#include "sandbox/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static const struct policy_call question = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
static const struct sandboxed_options options = {
    .source = { "function schedule() end", 23 },
    .name = "home.lua",
};

/* seccomp() answers EPERM. libseccomp's other way, prctl(), is left: a child of this process
 * would succeed by it, so that fails, too. */
static bool refuse_filters(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_SECCOMP, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* `body` in a child that cannot have filters; its asserts end it. */
static void run_refused(void (*body)(void))
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (!refuse_filters())
            _exit(2);
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHECK(cond)   \
    do {              \
        if (!(cond))  \
            _exit(3); \
    } while (0)

static void find_it_unavailable(void)
{
    struct test_world w;
    struct test_policy p;
    char words[320];

    test_world_init(&w, POLICY_HOST);
    test_world_open(&w);
    CHECK(sandbox_state(w.sandbox, words, sizeof(words)) == POLICY_SANDBOX_UNAVAILABLE);
    CHECK(strstr(words, "seccomp"));
    test_policy_open(&p, &w, &options);
    CHECK(p.refusal == POLICY_SANDBOX_UNAVAILABLE);
    test_policy_close(&p);
    test_world_close(&w);
}

static void run_it_all_the_same(void)
{
    struct test_world w;
    struct test_policy p;

    test_world_init(&w, POLICY_HOST);
    w.options.allow_without_seccomp = true;
    test_world_open(&w);
    test_policy_open(&p, &w, &options);
    CHECK(p.loads == 1 && !p.loaded.has_seccomp);
    CHECK(test_policy_ask(&p, &question) != POLICY_CRASH);
    test_policy_close(&p);
    test_world_close(&w);
}

static void user_policies_are_refused_then(void **state)
{
    (void)state;
    run_refused(find_it_unavailable);
}

static void unless_a_flag_says_otherwise(void **state)
{
    (void)state;
    run_refused(run_it_all_the_same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(user_policies_are_refused_then),
        cmocka_unit_test(unless_a_flag_says_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
