#include "gpu/run.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

enum { ARGS_MAX = 16 };

static int set_files(posix_spawn_file_actions_t *actions, int out_fd)
{
    int rc = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, out_fd, STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    return rc;
}

/* In a group of its own, so that what it starts can be killed with it. */
static int set_group(posix_spawnattr_t *attributes)
{
    sigset_t none;

    (void)sigemptyset(&none);
    int rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    return rc;
}

static int spawn(const char *const *argv, int out_fd, pid_t *ret, struct err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char *args[ARGS_MAX] = { NULL };

    assert(argv[0]);
    for (size_t i = 0; i + 1 < ARGS_MAX && argv[i]; i++)
        memcpy(&args[i], &argv[i], sizeof(args[i]));
    (void)posix_spawn_file_actions_init(&actions); /* these two cannot fail on Linux */
    (void)posix_spawnattr_init(&attributes);
    int rc = set_files(&actions, out_fd);
    if (rc == 0)
        rc = set_group(&attributes);
    if (rc == 0)
        rc = posix_spawnp(ret, argv[0], &actions, &attributes, args, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0)
        return err_set(err, ERR_UNSUPPORTED, "cannot run '%s': %s", argv[0], strerror(rc));
    return 0;
}

/* Until it closes its stdout. */
static int read_all(int fd, uint64_t timeout_ms, struct buf *output, struct err *err)
{
    uint64_t deadline_ms = clock_mono_ms() + timeout_ms;
    char bytes[4096];

    while (true) {
        uint64_t now_ms = clock_mono_ms();
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int ready = now_ms < deadline_ms ? poll(&wait, 1, (int)(deadline_ms - now_ms)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return err_sys(err, "poll");
        if (ready == 0)
            return err_set(err, ERR_TIMEOUT, "no answer within %llu ms",
                           (unsigned long long)timeout_ms);
        ssize_t n = read(fd, bytes, sizeof(bytes));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0 ? 0 : err_sys(err, "read");
        (void)buf_add(output, bytes, (size_t)n);
    }
}

static int reap(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int run_limited(const char *const *argv, uint64_t timeout_ms, struct buf *output,
                int *ret_exit_code, struct err *err)
{
    int pipe_fds[2];
    pid_t pid = -1;

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_sys(err, "pipe");
    AUTO(close_fd) int from = pipe_fds[0];
    int rc = spawn(argv, pipe_fds[1], &pid, err);
    (void)close(pipe_fds[1]);
    if (rc < 0)
        return rc;
    rc = read_all(from, timeout_ms, output, err);
    if (rc < 0) {
        (void)kill(-pid, SIGKILL);
        (void)err_wrap(err, "%s", argv[0]);
    }
    int exit_code = reap(pid);
    if (rc == 0)
        *ret_exit_code = exit_code;
    return rc;
}
