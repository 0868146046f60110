/*
 * json_internal - for json*.c only: tokens of the
 * reader, and the runs of plain characters that both directions pass over whole.
 */
#pragma once

#include "base/json.h"

#include <stdint.h>

/* How many bytes from `p` on stand for themselves in a JSON string and are ASCII:
 * no control character, quote, backslash or byte from 0x80 on. */
size_t json_plain_run(const char *p, size_t len);

/* The first error wins; these record it with "line L column C" of j->at. */
void json_syntax(struct json *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "expected X, found 'y'" at j->at. */
void json_expected(struct json *j, const char *what);

/* json_fail() with another code than ERR_INVALID. */
void json_fail_code(struct json *j, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is the next value a `wanted`? Fails the reader, naming both, when it is not. */
bool json_expect(struct json *j, enum json_type wanted, const char *wanted_name);

/* A raw string into a fixed array, with a NUL; false and a failed reader when it
 * is too long or holds a NUL. */
bool json_copy_text(struct json *j, struct str raw, char *dst, size_t size);

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline void json_skip_space(struct json *j)
{
    while (j->at < j->len && json_is_space(j->text[j->at]))
        j->at++;
}

/* The token at j->at, checked whole and consumed. False after an error. `raw` is
 * without its quotes, still escaped. */
bool json_scan_string(struct json *j, struct str *ret_raw, bool *ret_is_escaped);
bool json_scan_number(struct json *j, struct str *ret);
bool json_scan_word(struct json *j, const char *word); /* true, false, null */

/* The whole number that a scanned token stands for: 1.0, 12e3 and 150e-1 count.
 * Exact over all of int64_t, which a double is not. False, with *ret untouched,
 * for a fraction or out of range. */
bool json_number_to_i64(struct str number, int64_t *ret);

/* Decodes one character of a checked raw string into `out`: its 1 to 4 bytes. */
size_t json_decode_one(struct str *raw, char out[4]);

/* The length of a raw string once decoded, and decoding it into as much room. */
size_t json_measure(struct str raw, bool *ret_has_nul);
size_t json_decode(struct str raw, char *dst);
