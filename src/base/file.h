/* file - the few things that daemons do with files: small, whole, and atomic. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

/* The whole file, appended to `out` up to its cap. Works on /proc and sysfs.
 * Errors: ERR_SYSTEM (cannot be read), ERR_LIMIT (longer than the cap). */
MUST_CHECK int file_read(const char *path, struct buf *out, struct err *err);

/* Replace `path` whole or not at all: temporary file, fsync, rename.
 * `mode` such as 0600. Errors: ERR_SYSTEM. */
MUST_CHECK int file_write_atomic(const char *path, struct str content, unsigned mode,
                                 struct err *err);

/* Create a directory and its parents (0700 for the last). ERR_SYSTEM. */
MUST_CHECK int file_make_dir(const char *path, struct err *err);

/*
 * Lock a state directory for this process (an flock on "lock" inside it, which
 * holds the pid). Creates the directory. The descriptor in *ret_fd holds the
 * lock until it is closed or the process ends.
 * Errors: ERR_CONFLICT when another process holds it (names its pid), ERR_SYSTEM.
 */
MUST_CHECK int file_lock_dir(const char *dir, int *ret_fd, struct err *err);

/* $STATE_DIRECTORY, which systemd sets for a service, else $XDG_STATE_HOME/rbee/NAME, else
 * ~/.local/state/rbee/NAME; /var/lib/rbee/NAME without a home. ERR_LIMIT when too long. */
MUST_CHECK int file_default_state_dir(const char *name, char *ret, size_t size, struct err *err);

/* $XDG_CONFIG_HOME/rbee/NAME, else ~/.config/rbee/NAME; /etc/rbee/NAME without a home.
 * ERR_LIMIT when too long. */
MUST_CHECK int file_default_config(const char *name, char *ret, size_t size, struct err *err);
