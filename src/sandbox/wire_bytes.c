#include "sandbox/wire_bytes.h"

#include "base/utf8.h"

#include <string.h>

/* --- Reading ----------------------------------------------------------------- */

struct str wire_take(struct wire_reader *r, size_t len)
{
    struct str ret = { r->rest.p, len };

    if (r->is_bad || len > r->rest.len) {
        r->is_bad = true;
        return (struct str){ 0 };
    }
    if (len > 0) {
        r->rest.p += len;
        r->rest.len -= len;
    }
    return ret;
}

void wire_get(struct wire_reader *r, void *ret, size_t size)
{
    struct str bytes = wire_take(r, size);

    memset(ret, 0, size);
    if (bytes.len > 0)
        memcpy(ret, bytes.p, bytes.len);
}

bool wire_get_bool(struct wire_reader *r)
{
    uint8_t value;

    wire_get(r, &value, sizeof(value));
    r->is_bad = r->is_bad || value > 1;
    return value == 1;
}

uint32_t wire_get_u32(struct wire_reader *r)
{
    uint32_t value;

    wire_get(r, &value, sizeof(value));
    return value;
}

uint64_t wire_get_u64(struct wire_reader *r)
{
    uint64_t value;

    wire_get(r, &value, sizeof(value));
    return value;
}

double wire_get_double(struct wire_reader *r)
{
    double value;

    wire_get(r, &value, sizeof(value));
    return value;
}

uint32_t wire_get_below(struct wire_reader *r, uint32_t bound)
{
    uint32_t value = wire_get_u32(r);

    if (value < bound)
        return value;
    r->is_bad = true;
    return 0;
}

static void clean(char *text, size_t len, bool keeps_lines)
{
    size_t i = 0;

    while (i < len) {
        size_t n = utf8_sequence(text + i, len - i);
        unsigned char c = (unsigned char)text[i];
        bool is_control = c < ' ' || c == 0x7f;
        if (n == 0 || (is_control && !(keeps_lines && c == '\n')))
            text[i] = '?';
        i += n > 0 ? n : 1;
    }
}

void wire_get_string(struct wire_reader *r, char *ret, size_t size)
{
    struct str text = wire_take(r, wire_get_below(r, (uint32_t)size));

    if (!str_copy(ret, size, text))
        r->is_bad = true;
    clean(ret, strlen(ret), false);
}

size_t wire_get_lines(struct wire_reader *r, char *ret, size_t size)
{
    struct str text = wire_take(r, wire_get_below(r, (uint32_t)size + 1));

    if (text.len > 0)
        memcpy(ret, text.p, text.len);
    clean(ret, text.len, true);
    return text.len;
}

bool wire_is_whole(const struct wire_reader *r)
{
    return !r->is_bad && r->rest.len == 0;
}

/* --- Writing ----------------------------------------------------------------- */

void wire_put(struct buf *b, const void *bytes, size_t size)
{
    (void)buf_add(b, bytes, size); /* an overflow is looked for once, at the end */
}

void wire_put_bool(struct buf *b, bool value)
{
    uint8_t byte = value;

    wire_put(b, &byte, sizeof(byte));
}

void wire_put_u32(struct buf *b, size_t value)
{
    uint32_t narrow = (uint32_t)value;

    wire_put(b, &narrow, sizeof(narrow));
}

void wire_put_u64(struct buf *b, uint64_t value)
{
    wire_put(b, &value, sizeof(value));
}

void wire_put_double(struct buf *b, double value)
{
    wire_put(b, &value, sizeof(value));
}

void wire_put_bytes(struct buf *b, struct str text)
{
    wire_put_u32(b, text.len);
    if (text.len > 0)
        wire_put(b, text.p, text.len);
}

void wire_put_string(struct buf *b, const char *text)
{
    wire_put_bytes(b, str_of(text));
}
