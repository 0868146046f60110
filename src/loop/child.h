/*
 * child - a child process: started in a group of its own, watched, and reported
 * exactly once when it ends.
 *
 * An exec that fails is the error of child_start(), not an exit code. Every
 * descriptor but 0, 1, 2 is closed in the child (a start marks all that this
 * process has open close-on-exec). stdin is /dev/null; signals are as by default.
 */
#pragma once

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct child;

/* After this call the pointer is dead. signal_number is 0 for an orderly exit. What
 * is left of the group can still be signalled inside the call. */
typedef void child_exit_fn(void *data, int exit_code, int signal_number);

/* What the child wrote to stdout, all of it before on_exit; `bytes` is valid during
 * the call. len 0: closed, by the child and everyone who inherited it. */
typedef void child_output_fn(void *data, const char *bytes, size_t len);

struct child_options {
    const char *const *argv;    /* NULL-terminated; argv[0] is a path, or found in PATH */
    const char *const *env;     /* NULL-terminated "K=V"; NULL: this process's */
    int log_fd;                 /* becomes stderr, and stdout unless captured; -1: /dev/null */
    child_output_fn *on_output; /* captures stdout when not NULL */
    child_exit_fn *on_exit;
    void *data;
};

/* Errors: ERR_SYSTEM with the reason ("cannot execute '/x': No such file"). */
MUST_CHECK int child_start(struct loop *loop, const struct child_options *options,
                           struct child **ret, struct err *err);

pid_t child_pid(const struct child *c); /* also the id of its process group */

/* Signal the child alone, or its whole group. Harmless when it has just ended. */
void child_signal(struct child *c, int signum);
void child_signal_group(struct child *c, int signum);

/* Stop caring: no callback will come; the process goes on, what it writes is dropped,
 * and it is still reaped. At the latest loop_free() lets go of it. */
void child_forget(struct child *c);
