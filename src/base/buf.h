/*
 * buf - bytes that grow, up to a cap that is given when it is made.
 *
 * A write beyond the cap changes nothing, returns false and sets `overflowed`,
 * which stays set: a writer of many small pieces may look once, at the end.
 * Out of memory aborts. Consumed bytes at the front cost nothing until the next
 * growth moves them away.
 */
#pragma once

#include "base/str.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *p;         /* NULL until the first write */
    size_t off;      /* bytes consumed at the front */
    size_t len;      /* end of the content; the content is [off, len) */
    size_t cap;      /* allocated, without the byte kept for a NUL */
    size_t max;      /* content may never be longer than this */
    bool overflowed; /* a write was refused */
};

void buf_init(struct buf *b, size_t max);

/* Over `size` bytes of the caller's (a stack array), one of them kept for a NUL:
 * never allocates, and is neither deinited nor taken. */
void buf_init_fixed(struct buf *b, char *memory, size_t size);

void buf_deinit(struct buf *b); /* frees, keeps `max`: the buffer may be used again */
void buf_clear(struct buf *b);  /* empties, keeps the memory, clears `overflowed` */

bool buf_add(struct buf *b, const void *bytes, size_t len);
bool buf_puts(struct buf *b, const char *z);
bool buf_putc(struct buf *b, char c);
bool buf_put_uint(struct buf *b, uint64_t value); /* decimal; a tenth of a printf's price */
bool buf_put_int(struct buf *b, int64_t value);
bool buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool buf_vprintf(struct buf *b, const char *fmt, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Room for `len` more bytes, to be written by the caller and then committed.
 * NULL (and `overflowed`) when the cap does not allow it. */
char *buf_reserve(struct buf *b, size_t len);
void buf_commit(struct buf *b, size_t len);

void buf_consume(struct buf *b, size_t len); /* drop `len` <= buf_len() bytes at the front */

/* Ends the content with a NUL that is not counted and returns it; "" when empty. */
const char *buf_cstr(struct buf *b);

/* Hand the memory over: the caller frees it. The buffer is empty afterwards.
 * The content starts at the returned pointer; NULL when empty. */
char *buf_take(struct buf *b, size_t *ret_len);

static inline size_t buf_len(const struct buf *b)
{
    return b->len - b->off;
}

static inline struct str buf_str(const struct buf *b)
{
    return (struct str){ b->p ? b->p + b->off : NULL, b->len - b->off };
}
