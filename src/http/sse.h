/*
 * sse - Server-Sent Events: an incremental parser and a writer (WHATWG HTML 9.2).
 * Pure, fuzzed. However the bytes are cut, the same events come out. An event that
 * lies whole inside one feed is given in place, without a copy.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

enum { SSE_EVENT_BYTES_MAX = 1024 * 1024 };

struct sse_event {
    struct str name; /* "" for none */
    struct str id;   /* "" for none */
    struct str data; /* lines joined by '\n' */
    struct str raw;  /* the event's bytes as they came, with the blank line at its end */
};

/* Valid during the call. Return false to stop: sse_feed() then returns at once. */
typedef bool sse_event_fn(void *ctx, const struct sse_event *event);

struct sse_parser {
    struct buf partial; /* bytes of an unfinished event; empty most of the time */
    bool skip_bom;
    size_t scanned; /* bytes of `partial` already known to hold no end */
};

void sse_init(struct sse_parser *p);
void sse_deinit(struct sse_parser *p);

/* Comments and empty events (no data) are given too when `raw` matters to the
 * caller: data.p is NULL then. ERR_LIMIT: an event beyond SSE_EVENT_BYTES_MAX. */
MUST_CHECK int sse_feed(struct sse_parser *p, struct str bytes, sse_event_fn *on_event, void *ctx,
                        struct err *err);

/* Write one event; `id` and `name` NULL to leave out. `data` is split at newlines. */
void sse_write(struct buf *out, const char *id, const char *name, struct str data);
void sse_write_comment(struct buf *out, const char *text);
