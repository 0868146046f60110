#include "http/http1.h"

/*
 * Chunked coding (RFC 9112, 7.1), strictly: CR LF only, no blanks around the size,
 * extensions and trailers are skipped within caps.
 */
enum {
    CHUNK_LINE_BYTES_MAX = 1024, /* one extension, or one line of the trailer */
    TRAILER_BYTES_MAX = 16 * 1024,
    CHUNK_DIGITS_MAX = 16, /* of 64 bits */
};

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER_BEGIN,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    CHUNK_END_LF,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* RFC 9110, 5.6.2 */
static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_text_char(char c)
{
    return c == '\t' || ((unsigned char)c >= ' ' && c != 0x7f);
}

static int bad(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "malformed chunked body: %s", what);
}

static int on_size(struct http1_body *b, char c, struct err *err)
{
    int digit = hex_digit(c);

    if (digit >= 0) {
        if (++b->digits > CHUNK_DIGITS_MAX)
            return bad(err, "a chunk's size has more than 16 digits");
        b->left = b->left << 4 | (unsigned)digit;
        return 0;
    }
    if (b->digits == 0)
        return bad(err, "a chunk's size is not hexadecimal");
    if (c != '\r' && c != ';')
        return bad(err, "a chunk's size is not followed by CR LF");
    b->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
    return 0;
}

static int on_line_char(struct http1_body *b, char c, uint8_t at_end, struct err *err)
{
    if (c == '\r') {
        b->state = at_end;
        return 0;
    }
    if (!is_text_char(c))
        return bad(err, "a control character in an extension or a trailer");
    if (++b->line_bytes > CHUNK_LINE_BYTES_MAX)
        return bad(err, "an extension or a line of the trailer is too long");
    return 0;
}

static int on_trailer_name(struct http1_body *b, char c, struct err *err)
{
    if (c == ':' && b->line_bytes > 0) {
        b->state = TRAILER_VALUE;
        return 0;
    }
    if (!is_token_char(c))
        return bad(err, "a trailer without a name");
    b->state = TRAILER_NAME;
    return on_line_char(b, c, TRAILER_NAME, err);
}

static int expect_lf(struct http1_body *b, char c, uint8_t next, struct err *err)
{
    if (c != '\n')
        return bad(err, "CR without LF");
    b->state = next;
    b->line_bytes = 0;
    return 0;
}

static int on_size_lf(struct http1_body *b, char c, struct err *err)
{
    b->digits = 0;
    return expect_lf(b, c, b->left > 0 ? CHUNK_DATA : TRAILER_BEGIN, err);
}

static int on_data_cr(struct http1_body *b, char c, struct err *err)
{
    if (c != '\r')
        return bad(err, "a chunk is longer than its size says");
    b->state = CHUNK_DATA_LF;
    return 0;
}

static int on_trailer(struct http1_body *b, char c, struct err *err)
{
    if (++b->trailer_bytes > TRAILER_BYTES_MAX)
        return bad(err, "the trailer is too long");
    if (b->state == TRAILER_LF)
        return expect_lf(b, c, TRAILER_BEGIN, err);
    if (b->state == TRAILER_VALUE)
        return on_line_char(b, c, TRAILER_LF, err);
    if (b->state == TRAILER_BEGIN && c == '\r') {
        b->state = CHUNK_END_LF;
        return 0;
    }
    return on_trailer_name(b, c, err);
}

/* One byte of the framing between two pieces of payload. */
static int on_framing(struct http1_body *b, char c, struct err *err)
{
    switch ((enum chunk_state)b->state) {
    case CHUNK_SIZE:
        return on_size(b, c, err);
    case CHUNK_EXTENSION:
        return on_line_char(b, c, CHUNK_SIZE_LF, err);
    case CHUNK_SIZE_LF:
        return on_size_lf(b, c, err);
    case CHUNK_DATA_CR:
        return on_data_cr(b, c, err);
    case CHUNK_DATA_LF:
        return expect_lf(b, c, CHUNK_SIZE, err);
    case TRAILER_BEGIN:
    case TRAILER_NAME:
    case TRAILER_VALUE:
    case TRAILER_LF:
        return on_trailer(b, c, err);
    case CHUNK_END_LF:
        b->done = c == '\n';
        return b->done ? 0 : bad(err, "CR without LF");
    case CHUNK_DATA:
        break;
    }
    return err_set(err, ERR_INTERNAL, "chunk state %u has no framing", b->state);
}

void http1_body_init(struct http1_body *b, const struct http1_head *head)
{
    *b = (struct http1_body){ .framing = head->framing, .state = CHUNK_SIZE };
    if (head->framing == HTTP1_LENGTH)
        b->left = head->content_length;
    b->done = head->framing == HTTP1_NO_BODY || (head->framing == HTTP1_LENGTH && b->left == 0);
}

/* Up to `left` bytes of payload from the front of `bytes`. */
static size_t take_payload(struct http1_body *b, struct str bytes, struct str *ret_payload)
{
    size_t len = bytes.len < b->left ? bytes.len : (size_t)b->left;

    *ret_payload = (struct str){ bytes.p, len };
    b->left -= len;
    return len;
}

/* What every chunk of a proper body ends in, when it is there in one piece. */
static size_t take_data_end(struct http1_body *b, struct str bytes)
{
    b->state = CHUNK_DATA_CR;
    if (!str_starts(bytes, "\r\n"))
        return 0;
    b->state = CHUNK_SIZE;
    return 2;
}

/* The line of a chunk's size at one go, when all of it is there and nothing but digits:
 * nearly every one. 0: look at it byte by byte. */
static size_t take_size_line(struct http1_body *b, struct str bytes)
{
    uint64_t size = 0;
    size_t at = 0;

    for (; at < CHUNK_DIGITS_MAX && at < bytes.len; at++) {
        int digit = hex_digit(bytes.p[at]);
        if (digit < 0)
            break;
        size = size << 4 | (unsigned)digit;
    }
    if (size == 0 || !str_starts((struct str){ bytes.p + at, bytes.len - at }, "\r\n"))
        return 0;
    b->left = size;
    b->state = CHUNK_DATA;
    return at + 2;
}

static ssize_t next_chunked(struct http1_body *b, struct str bytes, struct str *ret_payload,
                            struct err *err)
{
    bool is_at_size = b->state == CHUNK_SIZE && b->digits == 0;
    size_t at = is_at_size ? take_size_line(b, bytes) : 0;

    for (; at < bytes.len && b->state != CHUNK_DATA && !b->done; at++) {
        int rc = on_framing(b, bytes.p[at], err);
        if (rc < 0)
            return rc;
    }
    if (at == bytes.len || b->done)
        return (ssize_t)at;
    at += take_payload(b, (struct str){ bytes.p + at, bytes.len - at }, ret_payload);
    if (b->left == 0)
        at += take_data_end(b, (struct str){ bytes.p + at, bytes.len - at });
    return (ssize_t)at;
}

ssize_t http1_body_next(struct http1_body *b, struct str bytes, struct str *ret_payload,
                        struct err *err)
{
    *ret_payload = (struct str){ 0 };
    if (b->done || bytes.len == 0)
        return 0;
    switch (b->framing) {
    case HTTP1_CHUNKED:
        return next_chunked(b, bytes, ret_payload, err);
    case HTTP1_LENGTH:
        bytes.len = take_payload(b, bytes, ret_payload);
        b->done = b->left == 0;
        return (ssize_t)bytes.len;
    case HTTP1_UNTIL_CLOSE:
        *ret_payload = bytes;
        return (ssize_t)bytes.len;
    case HTTP1_NO_BODY:
        break;
    }
    return 0;
}

bool http1_body_closed(struct http1_body *b)
{
    if (b->framing == HTTP1_UNTIL_CLOSE)
        b->done = true;
    return b->done;
}
