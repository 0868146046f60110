/*
 * A chunked body gives the same payload, end and error however it is cut, and what
 * comes out, coded anew in chunks of another size, comes out the same again. The
 * first byte sets both the cuts and that size.
 */
#include "http/http1.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

struct walk {
    struct buf payload;
    size_t used;
    bool done, failed;
};

static void walk(struct str input, size_t step, struct walk *ret)
{
    const struct http1_head head = { .framing = HTTP1_CHUNKED };
    struct http1_body body;
    struct err err;

    *ret = (struct walk){ 0 };
    buf_init(&ret->payload, input.len + 1);
    http1_body_init(&body, &head);
    while (ret->used < input.len && !body.done) {
        size_t left = input.len - ret->used, len = left < step ? left : step;
        struct str payload, piece = { input.p + ret->used, len };
        ssize_t n = http1_body_next(&body, piece, &payload, &err);
        ret->failed = n < 0;
        if (ret->failed)
            break;
        expect((size_t)n <= len && n > 0);
        if (payload.len > 0)
            expect(payload.p >= piece.p && payload.p + payload.len <= piece.p + len);
        expect(buf_add(&ret->payload, payload.p, payload.len));
        ret->used += (size_t)n;
    }
    ret->done = body.done;
    expect(http1_body_closed(&body) == ret->done);
}

static void check_same(const struct walk *a, const struct walk *b)
{
    struct str x = buf_str(&a->payload), y = buf_str(&b->payload);

    expect(a->done == b->done && a->failed == b->failed);
    expect(x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0));
}

static void encode(struct str payload, size_t size, struct buf *out)
{
    while (payload.len > 0) {
        char head[HTTP1_CHUNK_HEAD_SIZE];
        size_t len = payload.len < size ? payload.len : size;
        expect(buf_add(out, head, http1_chunk_head(head, len)));
        expect(buf_add(out, payload.p, len) && buf_puts(out, "\r\n"));
        payload = (struct str){ payload.p + len, payload.len - len };
    }
    expect(buf_puts(out, "0\r\n\r\n"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct walk whole, cut, bytewise, again;
    struct buf out;

    if (size == 0)
        return 0;
    struct str input = { (const char *)data + 1, size - 1 };
    size_t step = (size_t)data[0] + 1;
    walk(input, input.len, &whole);
    walk(input, step, &cut);
    walk(input, 1, &bytewise);
    check_same(&whole, &cut);
    check_same(&whole, &bytewise);
    expect(!whole.done || (whole.used == cut.used && whole.used == bytewise.used));

    buf_init(&out, 16 * size + 16);
    encode(buf_str(&whole.payload), step, &out);
    walk(buf_str(&out), step + 1, &again);
    expect(again.done && again.used == buf_len(&out));
    again.failed = whole.failed;
    again.done = whole.done;
    check_same(&whole, &again);

    buf_deinit(&whole.payload);
    buf_deinit(&cut.payload);
    buf_deinit(&bytewise.payload);
    buf_deinit(&again.payload);
    buf_deinit(&out);
    return 0;
}
