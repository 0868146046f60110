/*
 * clock - time at the edge of a program. The core never calls these: it gets
 * time inside its events.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum { CLOCK_RFC3339_SIZE = 32 }; /* "2026-01-01T00:00:00.000Z" and the NUL */

uint64_t clock_mono_ms(void); /* never goes back; for durations */
uint64_t clock_mono_us(void);
uint64_t clock_wall_ms(void); /* since 1970, UTC; for logs, the API and the store */

void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

/* RFC 3339 with "Z" or an offset, to milliseconds since 1970. ERR_INVALID. */
MUST_CHECK int clock_parse_rfc3339(struct str text, uint64_t *ret_wall_ms, struct err *err);
