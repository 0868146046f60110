/* utf8 - is it well-formed? (RFC 3629: no overlong forms, no surrogates, to U+10FFFF) */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

/* Bytes (1 to 4) of the sequence at `p`; 0 when the `len` bytes there start none. */
size_t utf8_sequence(const char *p, size_t len);

bool utf8_is_valid(struct str text);
