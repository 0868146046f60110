/*
 * json_write - JSON text into a buf, commas and escapes in one place.
 *
 *     struct json_out o;
 *     json_out_init(&o, &buf);
 *     json_begin(&o, NULL, '{');
 *     json_str(&o, "id", id);
 *     json_begin(&o, "data", '[');
 *     json_int(&o, NULL, 1);       // NULL key: an array element or the root
 *     json_end(&o);
 *     json_end(&o);
 *
 * A refused write shows in buf.overflowed. Nesting deeper than 32 or a missing
 * json_end() is a bug of ours (assert). Bytes that are not UTF-8 come out as
 * U+FFFD, so that what we send is always JSON.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

enum { JSON_OUT_DEPTH_MAX = 32 };

struct json_out {
    struct buf *buf; /* borrowed */
    unsigned depth;
    bool need_comma;
    char close[JSON_OUT_DEPTH_MAX];
};

void json_out_init(struct json_out *o, struct buf *buf);

void json_begin(struct json_out *o, const char *key, char open); /* '{' or '[' */
void json_end(struct json_out *o);

void json_str(struct json_out *o, const char *key, const char *value); /* NULL gives null */
void json_strn(struct json_out *o, const char *key, struct str value);
void json_int(struct json_out *o, const char *key, int64_t value);
void json_uint(struct json_out *o, const char *key, uint64_t value);
void json_double(struct json_out *o, const char *key,
                 double value); /* shortest that reads back; not finite gives null */
void json_bool(struct json_out *o, const char *key, bool value);
/* Under another name for the linker: jansson has a json_null() too. */
void json_null(struct json_out *o, const char *key) __asm__("json_out_null");
void json_raw(struct json_out *o, const char *key, struct str value);  /* already JSON */
void json_time(struct json_out *o, const char *key, uint64_t wall_ms); /* RFC 3339 */

/* Just the quoted, escaped string. */
void json_quote(struct buf *buf, struct str value);
