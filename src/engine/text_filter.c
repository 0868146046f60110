#include "engine/text_filter.h"

#include <string.h>

/* Pieces are short and stop sequences at most a kilobyte: far above both. */
enum { HELD_BYTES_MAX = 1024 * 1024 };

static const struct str REPLACEMENT = { "\xEF\xBF\xBD", 3 };

void text_filter_init(struct text_filter *f, const struct str *stops, size_t stops_len)
{
    *f = (struct text_filter){ .stops = stops, .stops_len = stops_len };
    buf_init(&f->held, HELD_BYTES_MAX);
}

void text_filter_deinit(struct text_filter *f)
{
    buf_deinit(&f->held);
}

/* How long a sequence is that begins with `lead`; 0: no sequence begins so. */
static unsigned sequence_len(unsigned char lead)
{
    if (lead < 0x80)
        return 1;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 3;
    return lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
}

/* Unicode 15, table 3-7: the second byte is where overlong forms, surrogates and
 * values beyond U+10FFFF are kept out. */
static bool continues(unsigned char lead, unsigned at, unsigned char byte)
{
    unsigned char low = 0x80, high = 0xBF;

    if (at == 1 && lead == 0xE0)
        low = 0xA0;
    else if (at == 1 && lead == 0xED)
        high = 0x9F;
    else if (at == 1 && lead == 0xF0)
        low = 0x90;
    else if (at == 1 && lead == 0xF4)
        high = 0x8F;
    return byte >= low && byte <= high;
}

static void take_byte(struct text_filter *f, unsigned char byte)
{
    if (f->partial_len > 0 && !continues(f->partial[0], f->partial_len, byte)) {
        (void)buf_add(&f->held, REPLACEMENT.p, REPLACEMENT.len);
        f->partial_len = 0;
    }
    if (f->partial_len == 0 && sequence_len(byte) == 0) {
        (void)buf_add(&f->held, REPLACEMENT.p, REPLACEMENT.len);
        return;
    }
    f->partial[f->partial_len++] = byte;
    if (f->partial_len == sequence_len(f->partial[0])) {
        (void)buf_add(&f->held, f->partial, f->partial_len);
        f->partial_len = 0;
    }
}

/* Where the earliest complete stop sequence begins; text.len when there is none. */
static size_t find_stop(const struct text_filter *f, struct str text)
{
    size_t first = text.len;

    for (size_t i = 0; i < f->stops_len; i++) {
        const char *hit = memmem(text.p, text.len, f->stops[i].p, f->stops[i].len);
        if (hit && (size_t)(hit - text.p) < first)
            first = (size_t)(hit - text.p);
    }
    return first;
}

/* Bytes at the end of `text` that could be the beginning of a stop sequence. */
static size_t stop_prefix(const struct text_filter *f, struct str text)
{
    size_t longest = 0;

    for (size_t i = 0; i < f->stops_len; i++) {
        struct str stop = f->stops[i];
        size_t len = stop.len - 1 < text.len ? stop.len - 1 : text.len;
        while (len > longest && memcmp(text.p + text.len - len, stop.p, len) != 0)
            len--;
        if (len > longest)
            longest = len;
    }
    return longest;
}

static struct str give(struct text_filter *f, size_t len)
{
    f->out_len = len;
    return (struct str){ buf_str(&f->held).p, len };
}

static void forget_given(struct text_filter *f)
{
    buf_consume(&f->held, f->out_len);
    f->out_len = 0;
}

struct str text_filter_feed(struct text_filter *f, struct str piece, bool *ret_stopped)
{
    forget_given(f);
    for (size_t i = 0; i < piece.len; i++)
        take_byte(f, (unsigned char)piece.p[i]);

    struct str text = buf_str(&f->held);
    *ret_stopped = false;
    if (!text.p || text.len == 0)
        return (struct str){ 0 };
    size_t stop = find_stop(f, text);
    *ret_stopped = stop < text.len;
    return give(f, *ret_stopped ? stop : text.len - stop_prefix(f, text));
}

struct str text_filter_finish(struct text_filter *f)
{
    forget_given(f);
    return give(f, buf_len(&f->held));
}
