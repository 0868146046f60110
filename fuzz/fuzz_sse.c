/*
 * A stream of events gives the same events however it is cut, their raw bytes are
 * the stream itself, and an event written out anew reads back as it was. The first
 * byte sets the cuts.
 */
#include "http/sse.h"
#include "expect.h"

#include <stdint.h>
#include <stdlib.h>

struct seen {
    struct buf log; /* name, id, data of every event */
    struct buf raw;
    size_t events;
};

static void log_field(struct buf *log, struct str field)
{
    expect(buf_printf(log, "%c%zu:", field.p ? '+' : '-', field.len));
    expect(buf_add(log, field.p, field.len));
}

static bool note(void *ctx, const struct sse_event *event)
{
    struct seen *seen = ctx;

    seen->events++;
    log_field(&seen->log, event->name);
    log_field(&seen->log, event->id);
    log_field(&seen->log, event->data);
    expect(buf_add(&seen->raw, event->raw.p, event->raw.len));
    return true;
}

static int feed(struct str input, size_t step, struct seen *seen)
{
    struct sse_parser p;
    struct err err;
    int rc = 0;

    buf_init(&seen->log, 256 * input.len + 256);
    buf_init(&seen->raw, input.len + 1);
    seen->events = 0;
    sse_init(&p);
    for (size_t at = 0; at < input.len && rc == 0; at += step) {
        size_t len = input.len - at < step ? input.len - at : step;
        rc = sse_feed(&p, (struct str){ input.p + at, len }, note, seen, &err);
    }
    sse_deinit(&p);
    return rc;
}

static void seen_deinit(struct seen *seen)
{
    buf_deinit(&seen->log);
    buf_deinit(&seen->raw);
}

static bool same(const struct buf *a, const struct buf *b)
{
    struct str x = buf_str(a), y = buf_str(b);

    return x.len == y.len && (x.len == 0 || memcmp(x.p, y.p, x.len) == 0);
}

static void check_raw(struct str input, const struct seen *seen)
{
    struct str raw = buf_str(&seen->raw);
    size_t bom = str_starts(input, "\xef\xbb\xbf") ? 3 : 0;

    if (raw.len > 0)
        expect(raw.len + bom <= input.len && memcmp(input.p + bom, raw.p, raw.len) == 0);
}

/* Any bytes as data: one event, and its lines come back joined by LF. */
static void check_written(struct str data)
{
    struct seen once, twice;
    struct buf out;

    buf_init(&out, 16 * data.len + 64);
    sse_write(&out, "7", "token", data);
    expect(!out.overflowed && feed(buf_str(&out), buf_len(&out), &once) == 0 && once.events == 1);
    sse_write_comment(&out, "queued");
    expect(feed(buf_str(&out), 7, &twice) == 0 && twice.events == 2);
    expect(same(&twice.raw, &out));
    buf_deinit(&out);
    seen_deinit(&once);
    seen_deinit(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen whole, cut, bytewise;

    if (size == 0)
        return 0;
    struct str input = { (const char *)data + 1, size - 1 };
    int rc = feed(input, input.len + 1, &whole);
    expect(feed(input, (size_t)data[0] + 1, &cut) == rc);
    expect(feed(input, 1, &bytewise) == rc);
    expect(whole.events == cut.events && whole.events == bytewise.events);
    expect(same(&whole.log, &cut.log) && same(&whole.log, &bytewise.log));
    expect(same(&whole.raw, &cut.raw) && same(&whole.raw, &bytewise.raw));
    check_raw(input, &whole);
    check_written(input);
    seen_deinit(&whole);
    seen_deinit(&cut);
    seen_deinit(&bytewise);
    return 0;
}
