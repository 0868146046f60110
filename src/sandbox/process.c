#include "sandbox/process.h"

#include "base/mem.h"
#include "sandbox/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- Descriptors to hand over -------------------------------------------------- */

/* Above those that they become in the host: dup2() must not step on one still to be moved. */
static int lift(int fd, struct err *err)
{
    int lifted = fcntl(fd, F_DUPFD_CLOEXEC, WIRE_SOURCE_FD + 1);

    if (lifted < 0)
        (void)err_sys(err, "cannot prepare a descriptor for a policy host");
    (void)close(fd);
    return lifted < 0 ? err->code : lifted;
}

int process_memory(const char *name, size_t size, struct err *err)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (fd < 0)
        return err_sys(err, "cannot make memory for a policy host");
    if (ftruncate(fd, (off_t)size) != 0) {
        int code = err_sys(err, "cannot make %zu bytes of memory for a policy host", size);
        (void)close(fd);
        return code;
    }
    return lift(fd, err);
}

int process_source(struct str text, struct err *err)
{
    enum { ALL = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };
    size_t len = text.len <= WIRE_SOURCE_BYTES_MAX ? text.len : WIRE_SOURCE_BYTES_MAX;
    int fd = process_memory("rbee-policy", 0, err);

    if (fd < 0)
        return fd;
    if ((len == 0 || write(fd, text.p, len) == (ssize_t)len) && fcntl(fd, F_ADD_SEALS, ALL) == 0)
        return fd;
    int code = err_sys(err, "cannot hand a policy's text over");
    (void)close(fd);
    return code;
}

/* --- The program --------------------------------------------------------------- */

int process_find(char *ret, size_t size, struct err *err)
{
    static const char *const places[] = { "rbee-policy-host", "../libexec/rbee/rbee-policy-host" };
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        return err_sys(err, "cannot read /proc/self/exe to find rbee-policy-host");
    self[len] = '\0';
    int folder_len = (int)(strrchr(self, '/') + 1 - self);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        (void)snprintf(ret, size, "%.*s%s", folder_len, self, places[i]);
        if (access(ret, X_OK) == 0)
            return 0;
    }
    return err_set(err, ERR_NOT_FOUND,
                   "rbee-policy-host is neither in %.*s nor in ../libexec/rbee from there",
                   folder_len, self);
}

/* --- The process --------------------------------------------------------------- */

/* Nothing of the queen's: no environment, default signals, and a group of its own, so that
 * Ctrl-C on a terminal is the queen's to handle. */
static int run(const struct process_options *o, char *const *argv, int socket, pid_t *ret_pid)
{
    char *const no_environment[] = { NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETPGROUP);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, socket, WIRE_FD);
    (void)posix_spawn_file_actions_adddup2(&actions, o->snapshot_fd, WIRE_SNAPSHOT_FD);
    (void)posix_spawn_file_actions_adddup2(&actions, o->source_fd, WIRE_SOURCE_FD);
    (void)posix_spawn_file_actions_addclosefrom_np(&actions, WIRE_SOURCE_FD + 1);
    int rc = posix_spawn(ret_pid, o->path, &actions, &attributes, argv, no_environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
    return rc;
}

/* argv as posix_spawn() wants it: older than const, and read only. */
static char *argument(const char *text)
{
    char *ret;

    memcpy(&ret, &text, sizeof(ret));
    return ret;
}

static int run_with_arguments(const struct process_options *o, int socket, pid_t *ret_pid)
{
    enum { NUMBER_SIZE = 24 };
    char memory[NUMBER_SIZE], soft_ms[NUMBER_SIZE], niceness[NUMBER_SIZE], parent[NUMBER_SIZE];
    char flags[] = { o->want_text ? WIRE_FLAG_TEXT : '-',
                     o->allow_without_seccomp ? WIRE_FLAG_NO_SECCOMP : '-', '\0' };
    char *const argv[WIRE_ARG_COUNT_ + 1] = {
        [0] = argument("rbee-policy-host"),
        [WIRE_ARG_LANGUAGE] = argument(script_language_name(o->language)),
        [WIRE_ARG_MEMORY] = memory,
        [WIRE_ARG_SOFT_MS] = soft_ms,
        [WIRE_ARG_NICENESS] = niceness,
        [WIRE_ARG_PARENT] = parent,
        [WIRE_ARG_FLAGS] = flags,
        [WIRE_ARG_NAME] = argument(o->name),
    };

    (void)snprintf(memory, sizeof(memory), "%zu", o->memory_bytes);
    (void)snprintf(soft_ms, sizeof(soft_ms), "%u", o->soft_ms);
    (void)snprintf(niceness, sizeof(niceness), "%d", o->niceness);
    (void)snprintf(parent, sizeof(parent), "%d", (int)getpid());
    return run(o, argv, socket, ret_pid);
}

int process_start(const struct process_options *options, struct process *ret, struct err *err)
{
    int ends[2];
    struct process host;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_sys(err, "cannot talk to a policy host");
    AUTO(close_fd) int ours = ends[0];
    AUTO(close_fd) int theirs = lift(ends[1], err);
    if (theirs < 0)
        return err->code;
    int rc = run_with_arguments(options, theirs, &host.pid);
    if (rc != 0) {
        errno = rc;
        return err_sys(err, "cannot execute '%s'", options->path);
    }
    host.pidfd = pidfd_open(host.pid, 0);
    if (host.pidfd < 0) {
        (void)err_sys(err, "cannot watch a policy host");
        (void)kill(host.pid, SIGKILL);
        (void)waitpid(host.pid, NULL, 0);
        return err->code;
    }
    host.socket = ours;
    ours = -1;
    *ret = host;
    return 0;
}

void process_kill(const struct process *host)
{
    (void)pidfd_send_signal(host->pidfd, SIGKILL, NULL, 0); /* fails for one that has ended */
}
