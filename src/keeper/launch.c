#include "keeper/launch.h"

#include "base/file.h"
#include "base/mem.h"
#include "loop/child.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ARGS_MAX = 64,
    POLL_MS = 50,
    READY_POLLS = 600, /* 30 s */
    STOP_POLLS = 800,  /* 40 s: longer than the daemons' drain deadline */
    LOG_TAIL_BYTES = 64 * 1024,
};

int launch_state_dir(const char *name, const char *state_dir, char *ret, size_t size,
                     struct err *err)
{
    if (!state_dir)
        return file_default_state_dir(name, ret, size, err);
    if (!str_copy(ret, size, str_of(state_dir)))
        return err_set(err, ERR_LIMIT, "the path of the state directory is too long");
    return 0;
}

bool launch_beside(const char *relative, char *ret, size_t size)
{
    char self[PATH_MAX], joined[2 * PATH_MAX], real[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0)
        return false;
    self[len] = '\0';
    (void)snprintf(joined, sizeof(joined), "%s/%s", dirname(self), relative);
    return realpath(joined, real) && str_copy(ret, size, str_of(real));
}

/* Beside this very program (a build directory, an installation), else in PATH. */
static void find_program(const char *program, char *ret, size_t size)
{
    if (!launch_beside(program, ret, size) || access(ret, X_OK) != 0)
        (void)snprintf(ret, size, "%s", program);
}

/* --- Waiting for it to be ready ------------------------------------------------- */

struct birth {
    struct keeper *keeper;
    bool ended;
    int exit_code, signal_number;
};

static void on_exit_early(void *data, int exit_code, int signal_number)
{
    struct birth *b = data;

    b->ended = true;
    b->exit_code = exit_code;
    b->signal_number = signal_number;
    loop_stop(b->keeper->loop);
}

/* The last line of a log, "" when there is none. */
static void last_line(const char *path, char *line, size_t size)
{
    struct buf text;
    struct err ignored;

    line[0] = '\0';
    buf_init(&text, LOG_TAIL_BYTES);
    if (file_read(path, &text, &ignored) == 0 || buf_len(&text) > 0) {
        struct str all = buf_str(&text);
        while (all.len > 0 && all.p[all.len - 1] == '\n')
            all.len--;
        const char *start = all.p ? memrchr(all.p, '\n', all.len) : NULL;
        start = start ? start + 1 : all.p;
        (void)snprintf(line, size, "%.*s", (int)(all.p + all.len - start), start ? start : "");
    }
    buf_deinit(&text);
}

static int explain_end(const struct launch *l, const struct birth *b, const char *log,
                       struct err *err)
{
    char line[256];

    last_line(log, line, sizeof(line));
    return err_set(err, ERR_UPSTREAM, "%s ended with %s %d; its log (%s) says: %s", l->program,
                   b->signal_number ? "signal" : "exit code",
                   b->signal_number ? b->signal_number : b->exit_code, log, line);
}

static int wait_ready(struct keeper *k, const struct launch *l, struct birth *b, const char *log,
                      struct err *err)
{
    for (int i = 0; i < READY_POLLS && !k->interrupted; i++) {
        if (b->ended)
            return explain_end(l, b, log, err);
        if (keeper_is_ready(k, l->service))
            return 0;
        keeper_wait(k, POLL_MS);
    }
    return k->interrupted
               ? err_set(err, ERR_CANCELLED, "interrupted")
               : err_set(err, ERR_TIMEOUT, "%s is not ready after 30 s; see %s", l->program, log);
}

/* --- Starting --------------------------------------------------------------------- */

static int spawn(struct keeper *k, const struct launch *l, const char *dir, int log_fd,
                 struct birth *birth, struct child **ret, struct err *err)
{
    char program[PATH_MAX], listen[ENDPOINT_TEXT_SIZE];
    const char *argv[ARGS_MAX] = { program, "--listen", listen, "--state-dir", dir };
    size_t argc = 5;

    find_program(l->program, program, sizeof(program));
    endpoint_text(&l->service->at, listen);
    for (size_t i = 0; l->extra_args && l->extra_args[i]; i++) {
        if (argc == ARGS_MAX - 1)
            return err_set(err, ERR_INVALID, "too many arguments for %s", l->program);
        argv[argc++] = l->extra_args[i];
    }
    const struct child_options options = {
        .argv = argv,
        .log_fd = log_fd,
        .on_exit = on_exit_early,
        .data = birth,
    };
    return child_start(k->loop, &options, ret, err);
}

int launch_start(struct keeper *k, const struct launch *l, struct err *err)
{
    struct birth birth = { .keeper = k };
    struct child *child;
    char dir[PATH_MAX], log[PATH_MAX + 32];

    if (keeper_is_ready(k, l->service))
        return err_set(err, ERR_CONFLICT, "a %s serves already at %s", l->name, l->service->url);
    int rc = launch_state_dir(l->name, l->state_dir, dir, sizeof(dir), err);
    if (rc == 0)
        rc = file_make_dir(dir, err);
    if (rc < 0)
        return rc;
    (void)snprintf(log, sizeof(log), "%s/%s.log", dir, l->name);
    AUTO(close_fd) int log_fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return err_sys(err, "open %s", log);
    rc = spawn(k, l, dir, log_fd, &birth, &child, err);
    if (rc < 0)
        return rc;
    rc = wait_ready(k, l, &birth, log, err);
    if (!birth.ended)
        child_forget(child);
    return rc;
}

/* --- Stopping ----------------------------------------------------------------------- */

/* It answers no more, and its state directory is free: its process has ended too. */
static bool is_gone(struct keeper *k, const struct service *s, const char *dir)
{
    AUTO(close_fd) int lock_fd = -1;
    struct err ignored;

    return !keeper_is_there(k, s) && file_lock_dir(dir, &lock_fd, &ignored) == 0;
}

int launch_stop(struct keeper *k, const struct launch *l, struct err *err)
{
    struct service by_socket = *l->service;
    char dir[PATH_MAX], socket_path[PATH_MAX + 32];
    struct stat st;
    struct buf answer;

    int rc = launch_state_dir(l->name, l->state_dir, dir, sizeof(dir), err);
    if (rc < 0)
        return rc;
    (void)snprintf(socket_path, sizeof(socket_path), "%s/%s.sock", dir, l->name);
    if (stat(socket_path, &st) == 0 && strlen(socket_path) < sizeof(by_socket.at.host)) {
        by_socket.at = (struct endpoint){ .is_unix = true };
        (void)str_copy(by_socket.at.host, sizeof(by_socket.at.host), str_of(socket_path));
    }
    if (!keeper_is_there(k, &by_socket))
        return err_set(err, ERR_UNAVAILABLE, "no %s runs at %s", l->name, l->service->url);
    buf_init(&answer, KEEPER_ANSWER_MAX);
    rc = keeper_fetch(k, &by_socket, "POST", "/v1/shutdown", str_of("{}"), &answer, err);
    buf_deinit(&answer);
    for (int i = 0; rc == 0 && i < STOP_POLLS && !k->interrupted; i++) {
        if (is_gone(k, &by_socket, dir))
            return 0;
        keeper_wait(k, POLL_MS);
    }
    return rc < 0 ? rc : err_set(err, ERR_TIMEOUT, "the %s has not stopped after 40 s", l->name);
}
