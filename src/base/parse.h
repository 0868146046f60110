/* parse - numbers from text, with no silent zero, no locale and no overflow. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits up to the first other byte, which must be NUL, space or
 * newline. False, with *ret untouched, for anything else or past UINT64_MAX. */
bool parse_u64(const char *text, uint64_t *ret);

/* The whole view must be the number. */
bool parse_u64_str(struct str text, uint64_t *ret);
bool parse_i64_str(struct str text, int64_t *ret);
/* Finite, "1e3" allowed, C locale; at most 511 characters. */
bool parse_double_str(struct str text, double *ret);
