/* utf8 - is it well-formed, and how is it made? (RFC 3629: no overlong forms, no surrogates, to
 * U+10FFFF) */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes (1 to 4) of the sequence at `p`; 0 when the `len` bytes there start none. */
size_t utf8_sequence(const char *p, size_t len);

/* The bytes of a code point into `out`; 0 for a surrogate or past U+10FFFF. */
size_t utf8_encode(uint32_t code_point, char out[4]);

bool utf8_is_valid(struct str text);
