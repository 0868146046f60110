/*
 * json - strict pull reader (RFC 8259) over bytes in memory.
 *
 * For request bodies and heartbeats, the hot path; jansson is its oracle in the
 * fuzzer (fuzz/fuzz_json.c) and serves everywhere else. Strict: no comments, no
 * trailing commas, no NaN, no lone surrogates, no invalid UTF-8, no control
 * characters in strings, depth at most JSON_DEPTH_MAX, nothing but white space
 * after the value. Allocates nothing: strings stay views into the text, and are
 * unescaped into memory of the caller's.
 *
 *     struct json j;
 *     json_init(&j, body);
 *     json_object(&j) {                        // for each member
 *         if (json_key(&j, "model"))      json_read_str(&j, &model);
 *         else if (json_key(&j, "seed"))  json_read_i64(&j, &seed);
 *         else                            json_skip(&j);
 *     }
 *     if (json_finish(&j, err) < 0) return ...;
 *
 * The first error sticks: later calls do nothing and loops end, so one check at
 * the end is enough. Inside a loop body exactly one value must be consumed (any
 * read or json_skip); a body that consumed none is skipped for by the loop.
 * Duplicate keys are visited each (the last one wins by plain assignment).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

enum json_type {
    JSON_NULL,
    JSON_BOOL,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
    JSON_INVALID, /* after an error, or at the end of the text */
};

struct json {
    const char *text; /* borrowed */
    size_t len;
    size_t at;       /* offset of the next unread byte */
    unsigned depth;  /* containers open */
    bool value_read; /* the current member or element has been consumed */
    bool failed;
    bool key_is_escaped;
    struct str key;                        /* raw (still escaped) current key, without quotes */
    struct str outer_keys[JSON_DEPTH_MAX]; /* of the containers that are open */
    struct err err; /* the first error; err.param names the key where known */
};

void json_init(struct json *j, struct str text);

/* What comes next, without consuming it. */
enum json_type json_peek(struct json *j);

/*
 * Loops over members or elements of the value that comes next; a value of
 * another type is the error "must be an object" (or "an array").
 * Leave a loop only by its own end (no break or return inside, unless the
 * reader is not used afterwards).
 */
#define json_object(j) JSON_LOOP_(json_object, j, __LINE__)
#define json_array(j)  JSON_LOOP_(json_array, j, __LINE__)
/* Its variable is named by the line, so that loops nest. */
#define JSON_LOOP_(kind, j, line) JSON_LOOP_AT_(kind, j, line)
#define JSON_LOOP_AT_(kind, j, line) \
    for (bool more_##line = kind##_begin(j); more_##line; more_##line = kind##_next(j))
bool json_object_begin(struct json *j); /* true: a member is ready, its key is read */
bool json_object_next(struct json *j);
bool json_array_begin(struct json *j); /* true: an element is ready */
bool json_array_next(struct json *j);

/* Is the current member's key `name` (escapes decoded)? Inline, so that comparing
 * with a literal is a comparison of lengths most of the time. */
bool json_escaped_key(const struct json *j, struct str name);
static inline bool json_key_str(const struct json *j, struct str name)
{
    if (j->key_is_escaped)
        return json_escaped_key(j, name);
    return j->key.len == name.len && memcmp(j->key.p, name.p, name.len) == 0;
}
static inline bool json_key(const struct json *j, const char *name)
{
    return json_key_str(j, (struct str){ name, strlen(name) });
}

/* The current key, unescaped into `dst` with a NUL; false when it is too long
 * or holds a NUL (an error of the reader then, which names it). */
bool json_key_copy(struct json *j, char *dst, size_t size);

/* Each consumes the next value. On a value of another type or out of range the
 * reader fails with ERR_INVALID, param = the key, and *ret is untouched. */
void json_read_bool(struct json *j, bool *ret);
void json_read_i64(struct json *j, int64_t *ret); /* 1.0 and 1e3 count as integers, 1.5 does not */
void json_read_i64_in(struct json *j, int64_t min, int64_t max, int64_t *ret);
void json_read_double(struct json *j, double *ret);
void json_read_double_in(struct json *j, double min, double max, double *ret);

/* Into a fixed array with a NUL; too long or holding \u0000 is an error. */
void json_read_text(struct json *j, char *dst, size_t size);

/* A view: of the text itself when nothing is escaped, else of a copy in `arena`. */
void json_read_str(struct json *j, struct arena *arena, struct str *ret);

/* The raw text of the next value, whatever it is (checked while skipped). */
void json_read_raw(struct json *j, struct str *ret);
void json_skip(struct json *j); /* nothing to do when json_read_null() has just said true */

/* Consume a null and return true; false, consuming nothing, for anything else. */
bool json_read_null(struct json *j);

/* Fail by hand, about the current key: json_fail(j, "must be one of: a, b"). */
void json_fail(struct json *j, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The end: nothing but white space may follow. 0, or the first error in `err`:
 * ERR_JSON with "line L column C: ..." for bad syntax, ERR_INVALID for a value
 * that was well-formed but wrong (err.param set). */
MUST_CHECK int json_finish(struct json *j, struct err *err);
