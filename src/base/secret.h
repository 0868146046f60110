/*
 * secret - tokens of authentication: read from files, compared in constant time,
 * never logged.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

enum {
    SECRET_MIN = 16,   /* characters */
    SECRET_SIZE = 257, /* at most 256 characters and the NUL */
};

struct secret {
    char text[SECRET_SIZE]; /* "" when there is none */
};

/*
 * The first line of `path`. Errors: ERR_SYSTEM (unreadable), ERR_INVALID when
 * others may read the file (mode wider than 0600 for its owner, 0640 for a group
 * of systemd's credentials), shorter than SECRET_MIN, or not printable ASCII.
 */
MUST_CHECK int secret_read(const char *path, struct secret *ret, struct err *err);

/* 32 random bytes in hex, into `path` with mode 0600. ERR_SYSTEM. */
MUST_CHECK int secret_create(const char *path, struct secret *ret, struct err *err);

/* Takes as long for a wrong first character as for a wrong last one. An empty
 * secret matches nothing. */
bool secret_matches(const struct secret *secret, struct str given);
