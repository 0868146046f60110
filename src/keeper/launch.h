/*
 * launch - starts the daemons on this machine and waits until they serve: what seed
 * 002 does by hand in four terminals.
 */
#pragma once

#include "keeper/keeper.h"

/* One of ours on this machine, by what is not common between them. */
struct launch {
    const char *program; /* "queen-rbee", found beside this program, else in PATH */
    const char *name;    /* "queen": of the state directory and in messages */
    const struct service *service;
    const char *state_dir;         /* NULL: the default */
    const char *const *extra_args; /* NULL-terminated, after ours; may be NULL */
};

/*
 * Start it in the background, with its log in STATE/NAME.log, and wait until it is ready.
 * Errors: ERR_CONFLICT when one serves there already, ERR_NOT_FOUND for the program,
 * ERR_SYSTEM; when it ends before it is ready, ERR_UPSTREAM with the log's last line.
 */
MUST_CHECK int launch_start(struct keeper *k, const struct launch *l, struct err *err);

/* STATE of a daemon: `state_dir` or the default. */
MUST_CHECK int launch_state_dir(const char *name, const char *state_dir, char *ret, size_t size,
                                struct err *err);

/* Ask it to stop (POST /v1/shutdown, over its socket in STATE where there is one) and
 * wait until it has. Errors: ERR_UNAVAILABLE when none runs, ERR_TIMEOUT. */
MUST_CHECK int launch_stop(struct keeper *k, const struct launch *l, struct err *err);

/* The real path of what stands at `relative` to this program's own directory. False when
 * there is nothing. */
bool launch_beside(const char *relative, char *ret, size_t size);
