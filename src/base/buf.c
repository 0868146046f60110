#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

enum { FIRST_CAP = 64 };

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){ .max = max };
}

void buf_init_fixed(struct buf *b, char *memory, size_t size)
{
    assert(size > 0);
    *b = (struct buf){ .p = memory, .cap = size - 1, .max = size - 1 };
}

void buf_deinit(struct buf *b)
{
    free(b->p);
    *b = (struct buf){ .max = b->max };
}

void buf_clear(struct buf *b)
{
    b->off = b->len = 0;
    b->overflowed = false;
}

static void move_to_front(struct buf *b)
{
    if (!b->p || b->off == 0)
        return;
    memmove(b->p, b->p + b->off, buf_len(b));
    b->len -= b->off;
    b->off = 0;
}

/* Doubles, so that n writes cost O(n) copies, but never allocates past the cap. */
static void grow(struct buf *b, size_t content)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;

    while (cap < content)
        cap = cap > b->max / 2 ? b->max : cap * 2;
    if (cap > b->max)
        cap = b->max;
    move_to_front(b);
    b->p = mem_resize(b->p, cap + 1);
    b->cap = cap;
}

/* Room for `len` bytes at the end; the content itself stays as it is. */
static bool make_room(struct buf *b, size_t len)
{
    size_t used = buf_len(b);

    if (used > b->max || len > b->max - used) {
        b->overflowed = true;
        return false;
    }
    if (b->p && len <= b->cap - b->len)
        return true;
    /* Moving costs `used` bytes: worth it once as many have been consumed, or
     * when there is nothing to grow into. */
    bool fits = b->p && used + len <= b->cap;
    if (fits && (b->off >= used || b->cap == b->max))
        move_to_front(b);
    else
        grow(b, fits ? b->cap + 1 : used + len);
    return true;
}

char *buf_reserve(struct buf *b, size_t len)
{
    return make_room(b, len) ? b->p + b->len : NULL;
}

void buf_commit(struct buf *b, size_t len)
{
    assert(len <= b->cap - b->len);
    b->len += len;
}

bool buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (len == 0)
        return true;
    if (!make_room(b, len))
        return false;
    memcpy(b->p + b->len, bytes, len);
    b->len += len;
    return true;
}

bool buf_puts(struct buf *b, const char *z)
{
    return buf_add(b, z, strlen(z));
}

bool buf_putc(struct buf *b, char c)
{
    return buf_add(b, &c, 1);
}

static bool put_digits(struct buf *b, uint64_t value, bool is_negative)
{
    char digits[21]; /* 20 for UINT64_MAX, and a sign */
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (is_negative)
        digits[--at] = '-';
    return buf_add(b, digits + at, sizeof(digits) - at);
}

bool buf_put_uint(struct buf *b, uint64_t value)
{
    return put_digits(b, value, false);
}

bool buf_put_int(struct buf *b, int64_t value)
{
    return put_digits(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

bool buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    bool is_written = buf_vprintf(b, fmt, args);
    va_end(args);
    return is_written;
}

bool buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    size_t spare = b->p ? b->cap - b->len + 1 : 0;

    va_copy(again, args);
    int len = vsnprintf(spare ? b->p + b->len : NULL, spare, fmt, args);
    assert(len >= 0); /* fails for a broken format only: ours are literals */

    bool has_room = make_room(b, (size_t)len);
    if (has_room && (size_t)len >= spare)
        (void)vsnprintf(b->p + b->len, (size_t)len + 1, fmt, again);
    if (has_room)
        b->len += (size_t)len;
    va_end(again);
    return has_room;
}

void buf_consume(struct buf *b, size_t len)
{
    assert(len <= buf_len(b));
    b->off += len;
    if (b->off == b->len)
        b->off = b->len = 0;
}

const char *buf_cstr(struct buf *b)
{
    if (!b->p)
        return "";
    b->p[b->len] = '\0';
    return b->p + b->off;
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    *ret_len = buf_len(b);
    if (buf_len(b) == 0) {
        buf_deinit(b);
        return NULL;
    }
    move_to_front(b);
    char *p = b->p;
    *b = (struct buf){ .max = b->max };
    return p;
}
