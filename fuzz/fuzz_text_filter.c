/*
 * A model's bytes, cut anywhere, and stop sequences: what comes out is the same however
 * the bytes were cut, is valid UTF-8, and holds no stop sequence.
 *
 * Input: length of the first stop sequence, of the second, the two, then the bytes.
 */
#include "engine/text_filter.h"

#include "base/utf8.h"

#include "expect.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1024 * 1024 };

/* Everything that comes out when `text` is fed in pieces of `step` bytes. */
static bool run(struct str text, size_t step, const struct str *stops, size_t stops_len,
                struct buf *out)
{
    struct text_filter f;
    bool is_stopped = false;

    text_filter_init(&f, stops, stops_len);
    for (size_t at = 0; at < text.len && !is_stopped; at += step) {
        size_t len = text.len - at < step ? text.len - at : step;
        struct str shown = text_filter_feed(&f, (struct str){ text.p + at, len }, &is_stopped);
        expect(utf8_is_valid(shown));
        expect(buf_add(out, shown.p, shown.len));
    }
    if (!is_stopped) {
        struct str shown = text_filter_finish(&f);
        expect(utf8_is_valid(shown));
        expect(buf_add(out, shown.p, shown.len));
    }
    text_filter_deinit(&f);
    return is_stopped;
}

static size_t take_stops(struct str *text, struct str stops[2])
{
    size_t lens[2] = { (unsigned char)text->p[0] % 16, (unsigned char)text->p[1] % 16 };
    size_t taken = 0;

    *text = (struct str){ text->p + 2, text->len - 2 };
    for (size_t i = 0; i < 2; i++) {
        struct str stop = { text->p, lens[i] < text->len ? lens[i] : text->len };
        *text = (struct str){ text->p + stop.len, text->len - stop.len };
        if (stop.len > 0 && utf8_is_valid(stop)) /* as they come out of JSON */
            stops[taken++] = stop;
    }
    return taken;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, stops[2];
    struct buf whole, bytewise;

    if (size < 2 || size > TEXT_BYTES_MAX / 4)
        return 0;
    size_t stops_len = take_stops(&text, stops);
    buf_init(&whole, TEXT_BYTES_MAX);
    buf_init(&bytewise, TEXT_BYTES_MAX);
    bool is_stopped = run(text, 1, stops, stops_len, &bytewise);
    struct str shown = { buf_cstr(&bytewise), buf_len(&bytewise) };

    for (size_t i = 0; i < stops_len; i++)
        expect(shown.len < stops[i].len || !memmem(shown.p, shown.len, stops[i].p, stops[i].len));
    if (stops_len <= 1) { /* of two, the one that is complete first may differ with the cuts */
        expect(run(text, 1 + size % 7, stops, stops_len, &whole) == is_stopped);
        expect(buf_len(&whole) == shown.len);
        expect(memcmp(buf_cstr(&whole), shown.p, shown.len) == 0);
    }
    buf_deinit(&whole);
    buf_deinit(&bytewise);
    return 0;
}
