#include "loop/child.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

enum { LAST_READS_MAX = 16 }; /* of 64 KB each: what a pipe may hold at most */

struct child {
    uv_process_t process;
    struct list link; /* in loop::orphans once forgotten */
    struct loop *loop;
    struct loop_watch *output; /* NULL: not captured, or ended */
    int output_fd;
    child_output_fn *on_output;
    child_exit_fn *on_exit;
    void *data;
    bool is_forgotten;
};

/* --- Output ------------------------------------------------------------------ */

static void close_output(struct child *c)
{
    loop_watch_free(TAKE(c->output));
    close_fd(&c->output_fd);
    c->output_fd = -1;
}

/* What a forgotten child writes is read and dropped: a full or closed pipe would
 * stop it. False when nothing more can be read now. */
static bool read_output(struct child *c)
{
    ssize_t n = read(c->output_fd, c->loop->read_buffer, sizeof(c->loop->read_buffer));

    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        close_output(c);
    if (!c->is_forgotten)
        c->on_output(c->data, c->loop->read_buffer, n > 0 ? (size_t)n : 0);
    return c->output != NULL;
}

static void on_output_ready(void *data)
{
    (void)read_output(data);
}

/* The write end, for the child. */
static int open_output(struct child *c, int *ret_fd, struct err *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return err_sys(err, "cannot capture the output of a child");
    c->output_fd = fds[0];
    *ret_fd = fds[1];
    c->output = loop_watch_new(c->loop, c->output_fd, on_output_ready, c);
    assert(c->output); /* a pipe can always be waited for */
    return 0;
}

/* --- The end ----------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct child, process));
}

static void end(struct child *c)
{
    list_remove(&c->link);
    close_output(c);
    uv_close((uv_handle_t *)&c->process, on_closed);
}

/* What the child wrote comes first. All of it is in the pipe by now; the limit is
 * for a grandchild that goes on writing. */
static void on_ended(uv_process_t *process, int64_t exit_status, int signal_number)
{
    struct child *c = container_of(process, struct child, process);

    for (int i = 0; i < LAST_READS_MAX && c->output && read_output(c); i++)
        ;
    if (!c->is_forgotten)
        c->on_exit(c->data, (int)exit_status, signal_number);
    end(c);
}

void child_close_orphans(struct loop *loop)
{
    while (!list_is_empty(&loop->orphans))
        end(container_of(loop->orphans.next, struct child, link));
}

/* --- The start --------------------------------------------------------------- */

/* Where close_range() has no such flag (before Linux 5.11). */
static void seal_one_by_one(void)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (*end == '\0' && fd > STDERR_FILENO)
            (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    }
    if (dir)
        (void)closedir(dir);
}

/* Libraries open descriptors without O_CLOEXEC, and there is no hook of ours
 * between libuv's fork and exec: so mark them all, here. */
static void seal_descriptors(void)
{
    if (close_range(STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC) != 0)
        seal_one_by_one();
}

static uv_stdio_container_t stdio_of(int fd)
{
    return (uv_stdio_container_t){
        .flags = fd >= 0 ? UV_INHERIT_FD : UV_IGNORE, /* ignored: /dev/null */
        .data.fd = fd,
    };
}

/* libuv does not write there: its struct is older than const. */
static char **strings(const char *const *list)
{
    char **ret;

    memcpy(&ret, &list, sizeof(ret));
    return ret;
}

static int spawn(struct child *c, const struct child_options *o, int stdout_fd)
{
    uv_stdio_container_t stdio[] = { stdio_of(-1), stdio_of(stdout_fd), stdio_of(o->log_fd) };
    const uv_process_options_t options = {
        .exit_cb = on_ended,
        .file = o->argv[0],
        .args = strings(o->argv),
        .env = strings(o->env),
        .flags = UV_PROCESS_DETACHED, /* setsid(): also a process group of its own */
        .stdio_count = 3,
        .stdio = stdio,
    };

    seal_descriptors();
    return uv_spawn(&c->loop->uv, &c->process, &options);
}

int child_start(struct loop *loop, const struct child_options *options, struct child **ret,
                struct err *err)
{
    AUTO(close_fd) int pipe_fd = -1;
    struct child *c = mem_alloc(1, sizeof(*c));

    c->loop = loop;
    c->output_fd = -1;
    c->on_output = options->on_output;
    c->on_exit = options->on_exit;
    c->data = options->data;
    list_init(&c->link);
    if (options->on_output && open_output(c, &pipe_fd, err) < 0) {
        free(c);
        return err->code;
    }
    int rc = spawn(c, options, options->on_output ? pipe_fd : options->log_fd);
    if (rc != 0) {
        end(c);
        errno = -rc;
        return err_sys(err, "cannot execute '%s'", options->argv[0]);
    }
    *ret = c;
    return 0;
}

/* --- While it runs ----------------------------------------------------------- */

pid_t child_pid(const struct child *c)
{
    return c->process.pid;
}

void child_signal(struct child *c, int signum)
{
    (void)uv_process_kill(&c->process, signum);
}

void child_signal_group(struct child *c, int signum)
{
    (void)kill(-c->process.pid, signum);
}

void child_forget(struct child *c)
{
    c->is_forgotten = true;
    list_remove(&c->link);
    list_push_back(&c->loop->orphans, &c->link);
}
