/*
 * What a sealed process can do, and what kills it. Each call is made by a child of its own, as
 * a bare system call: nothing of libc's, or of a sanitiser's, comes in between.
 */
#include "policyhost/jail.h"

#include "sandbox/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char memory[64];

struct attempt {
    const char *name;
    long call;
    long arguments[6];
};

#define ADDRESS ((long)(intptr_t)memory)

/* How the child ends that makes this call once it is sealed: 0, or the signal. */
static int end_of(const struct attempt *a)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        if (!jail_seal())
            _exit(1);
        (void)syscall(a->call, a->arguments[0], a->arguments[1], a->arguments[2], a->arguments[3],
                      a->arguments[4], a->arguments[5]);
        (void)syscall(SYS_exit_group, 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void what_answering_takes_is_allowed(void **state)
{
    const long anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    const struct attempt attempts[] = {
        { "read", SYS_read, { WIRE_FD, ADDRESS, 1 } },
        { "write", SYS_write, { WIRE_FD, ADDRESS, 1 } },
        { "brk", SYS_brk, { 0 } },
        { "mmap", SYS_mmap, { 0, 4096, PROT_READ | PROT_WRITE, anonymous, -1, 0 } },
        { "munmap", SYS_munmap, { 0, 0 } },
        { "mremap", SYS_mremap, { 0, 0, 0, 0 } },
        { "madvise", SYS_madvise, { 0, 0, MADV_DONTNEED } },
        { "setitimer", SYS_setitimer, { ITIMER_REAL, 0, 0 } },
        { "clock_gettime", SYS_clock_gettime, { CLOCK_MONOTONIC, ADDRESS } },
    };
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    int before = fcntl(WIRE_FD, F_DUPFD, WIRE_SOURCE_FD + 1);
    assert_int_equal(dup2(ends[0], WIRE_FD), WIRE_FD);
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        if (end_of(&attempts[i]) != 0)
            fail_msg("%s ended it", attempts[i].name);
    }
    if (before >= 0)
        (void)dup2(before, WIRE_FD);
}

static void everything_else_kills(void **state)
{
    const long anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    const struct attempt attempts[] = {
        { "read another", SYS_read, { 0, ADDRESS, 0 } },
        { "write another", SYS_write, { 2, ADDRESS, 0 } },
        { "mmap executable", SYS_mmap, { 0, 4096, PROT_READ | PROT_EXEC, anonymous, -1, 0 } },
        { "mmap shared", SYS_mmap, { 0, 4096, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0 } },
        { "mmap a file", SYS_mmap, { 0, 4096, PROT_READ, MAP_PRIVATE, 3, 0 } },
        { "mprotect", SYS_mprotect, { ADDRESS & ~4095L, 4096, PROT_READ | PROT_EXEC } },
        { "madvise else", SYS_madvise, { 0, 0, MADV_WILLNEED } },
        { "setitimer else", SYS_setitimer, { ITIMER_VIRTUAL, 0, 0 } },
        { "openat", SYS_openat, { AT_FDCWD, ADDRESS, O_RDONLY } },
        { "open", SYS_open, { ADDRESS, O_RDONLY } },
        { "close", SYS_close, { 3 } },
        { "dup", SYS_dup, { 3 } },
        { "fcntl", SYS_fcntl, { 3, F_GETFD } },
        { "ioctl", SYS_ioctl, { 3, 0, 0 } },
        { "socket", SYS_socket, { AF_INET, SOCK_STREAM, 0 } },
        { "connect", SYS_connect, { 3, ADDRESS, 16 } },
        { "sendmsg", SYS_sendmsg, { 3, ADDRESS, 0 } },
        { "recvmsg", SYS_recvmsg, { 3, ADDRESS, 0 } },
        { "execve", SYS_execve, { ADDRESS, 0, 0 } },
        { "execveat", SYS_execveat, { AT_FDCWD, ADDRESS, 0, 0, 0 } },
        { "fork", SYS_fork, { 0 } },
        { "vfork", SYS_vfork, { 0 } },
        { "clone", SYS_clone, { SIGCHLD, 0, 0, 0, 0 } },
        { "clone3", SYS_clone3, { ADDRESS, 64 } },
        { "kill", SYS_kill, { 1, 0 } },
        { "tgkill", SYS_tgkill, { 1, 1, 0 } },
        { "ptrace", SYS_ptrace, { 0, 1, 0, 0 } },
        { "process_vm_readv", SYS_process_vm_readv, { 1, ADDRESS, 0, ADDRESS, 0, 0 } },
        { "prctl", SYS_prctl, { 3, 0, 0, 0, 0 } },
        { "setrlimit", SYS_setrlimit, { RLIMIT_CORE, ADDRESS } },
        { "rt_sigaction", SYS_rt_sigaction, { SIGUSR1, 0, 0, 8 } },
        { "getpid", SYS_getpid, { 0 } },
        { "getrandom", SYS_getrandom, { ADDRESS, 1, 0 } },
        { "futex", SYS_futex, { ADDRESS, 1, 1, 0, 0, 0 } },
        { "nanosleep", SYS_nanosleep, { ADDRESS, 0 } },
        { "memfd_create", SYS_memfd_create, { ADDRESS, 0 } },
        { "io_uring_setup", SYS_io_uring_setup, { 1, ADDRESS } },
        { "bpf", SYS_bpf, { 0, ADDRESS, 0 } },
        { "perf_event_open", SYS_perf_event_open, { ADDRESS, 0, -1, -1, 0 } },
        { "userfaultfd", SYS_userfaultfd, { 0 } },
        { "mount", SYS_mount, { ADDRESS, ADDRESS, ADDRESS, 0, 0 } },
        { "unshare", SYS_unshare, { 0 } },
        { "chroot", SYS_chroot, { ADDRESS } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++) {
        int end = end_of(&attempts[i]);
        if (end != SIGSYS)
            fail_msg("%s: %d", attempts[i].name, end);
    }
}

/* Runs in a child, and says by its exit code what went wrong. */
static int limit_and_look(void)
{
    struct rlimit limit;

    if (!jail_limit(getppid(), 10))
        return 1;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max != WIRE_SOURCE_FD + 1)
        return 2;
    if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_max != 0)
        return 3;
    if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) /* 0 to 5 are taken here */
        return 4;
    if (getpriority(PRIO_PROCESS, 0) < 10)
        return 5;
    return jail_limit(getppid() + 1, 0) ? 6 : 0; /* the parent that it was started by is gone */
}

static void limits_are_set_and_a_lost_parent_is_noticed(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        while (dup(STDERR_FILENO) < WIRE_SOURCE_FD)
            ;
        _exit(limit_and_look());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void only_three_descriptors_stay_open(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        int high = fcntl(STDERR_FILENO, F_DUPFD, 300);
        (void)dup2(STDERR_FILENO, WIRE_FD);
        bool is_closed = jail_close_descriptors();
        _exit(is_closed && fcntl(WIRE_FD, F_GETFD) == 0 && fcntl(0, F_GETFD) < 0 &&
                      fcntl(2, F_GETFD) < 0 && fcntl(high, F_GETFD) < 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_answering_takes_is_allowed),
        cmocka_unit_test(everything_else_kills),
        cmocka_unit_test(limits_are_set_and_a_lost_parent_is_noticed),
        cmocka_unit_test(only_three_descriptors_stay_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
