/*
 * http1 - HTTP/1.1 messages as pure data: parse a head, walk a body, write both.
 * No I/O, no clock; fuzzed. The only user of llhttp (strict), plus the checks that
 * llhttp leaves out (HTTP.md): equal duplicate Content-Lengths, Transfer-Encoding
 * in HTTP/1.0, odd versions, double blanks, absolute-form, caps. RFC 9110, 9112.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    HTTP1_HEAD_BYTES_MAX = 64 * 1024,
    HTTP1_FIELDS_MAX = 200,
};

struct http1_field {
    struct str name, value; /* views of the head's bytes; value trimmed */
};

enum http1_framing {
    HTTP1_NO_BODY,
    HTTP1_LENGTH,
    HTTP1_CHUNKED,
    HTTP1_UNTIL_CLOSE, /* responses only */
};

struct http1_head {
    bool is_response;
    uint8_t minor;   /* HTTP/1.minor */
    bool keep_alive; /* by version and Connection */
    bool expect_continue;
    enum http1_framing framing;
    uint64_t content_length;   /* with HTTP1_LENGTH */
    struct str method, target; /* request; absolute-form is reduced to its path */
    struct str authority;      /* request: from Host, or from an absolute-form target */
    unsigned status;           /* response */
    struct http1_field fields[HTTP1_FIELDS_MAX];
    size_t fields_len;
};

/*
 * Parse a head from the start of `bytes`, which may hold more than it.
 * Returns bytes consumed (> 0), 0 when the head is not complete yet, or a negative
 * err code with `err`: ERR_INVALID (malformed: the connection must close),
 * ERR_HEADERS_TOO_LARGE, ERR_HTTP_VERSION. `head_request` tells a response's
 * parser that it answers a HEAD.
 * Views in `ret` point into `bytes`.
 */
ssize_t http1_parse_request(struct str bytes, struct http1_head *ret, struct err *err);
ssize_t http1_parse_response(struct str bytes, bool head_request, struct http1_head *ret,
                             struct err *err);

/* The value of the first field of that name; an empty view when there is none. */
struct str http1_field_value(const struct http1_head *head, const char *name);

/* A body's state between reads; small, embedded. */
struct http1_body {
    enum http1_framing framing;
    bool done;
    uint8_t state;       /* chunk parser */
    uint8_t digits;      /* of the chunk size read so far */
    uint16_t line_bytes; /* of a chunk extension or trailer line, capped */
    uint32_t trailer_bytes;
    uint64_t left; /* bytes left of the body, or of the current chunk */
};

void http1_body_init(struct http1_body *b, const struct http1_head *head);

/*
 * Walk the next bytes of a body: each call gives one span of payload in
 * `ret_payload` (maybe empty) and returns bytes consumed from the front of
 * `bytes`; call again with the rest until it is empty or b->done. Negative:
 * ERR_INVALID (bad chunk size, bad end, over-long line).
 */
ssize_t http1_body_next(struct http1_body *b, struct str bytes, struct str *ret_payload,
                        struct err *err);

/* The peer closed: true when that is a proper end (until-close, or done). */
bool http1_body_closed(struct http1_body *b);

/* Serialise. Names and values that hold CR, LF or NUL are refused (false). */
bool http1_write_status_line(struct buf *out, unsigned status);
bool http1_write_request_line(struct buf *out, const char *method, struct str target);
bool http1_write_field(struct buf *out, const char *name, struct str value);
const char *http1_reason(unsigned status);

/* "1f\r\n" for a chunk of `len` bytes; returns the header's length. */
enum { HTTP1_CHUNK_HEAD_SIZE = 20 };
size_t http1_chunk_head(char out[HTTP1_CHUNK_HEAD_SIZE], size_t len);
