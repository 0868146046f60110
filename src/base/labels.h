/*
 * labels - a small map of free strings (`geo.region=EU`) on hives, workers and jobs,
 * for policies to read. One allocation; in the order given; the last of equal keys
 * wins. A zeroed struct has none.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { LABELS_MAX = 64, LABEL_KEY_MAX = 128, LABEL_VALUE_MAX = 512 };

struct labels {
    char *text; /* key NUL value NUL ...; NULL when empty */
    size_t bytes;
    size_t count;
};

/* Errors: ERR_INVALID (empty or over-long key or value, a control character, '=' in the key:
 * every label can be written as KEY=VALUE), ERR_LIMIT. */
MUST_CHECK int labels_set(struct labels *l, struct str key, struct str value, struct err *err);

/* "KEY=VALUE" from a command line. ERR_INVALID as above, or without '='. */
MUST_CHECK int labels_set_pair(struct labels *l, struct str pair, struct err *err);

const char *labels_get(const struct labels *l, const char *key); /* NULL when absent */

/* The i-th of `count`, both NUL-terminated, borrowed from `l`. */
void labels_at(const struct labels *l, size_t i, const char **ret_key, const char **ret_value);

void labels_copy(struct labels *dst, const struct labels *src); /* dst's old content is freed */
void labels_free(struct labels *l);                             /* leaves it empty */
