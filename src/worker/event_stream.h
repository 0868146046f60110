/*
 * event_stream - one SSE answer: its headers, a comment when it has been silent for
 * STREAM_IDLE_MS, and the run that is held up when the reader is slow.
 * Embedded in what answers; a zeroed one has not begun.
 */
#pragma once

#include "base/str.h"
#include "loop/loop.h"

#include <stdbool.h>

struct engine_run;
struct http_request;
struct worker;

struct event_stream {
    struct worker *worker;
    struct http_request *req; /* NULL before it begins and after it ended */
    struct loop_deadline idle;
    bool is_full; /* the reader is slow; the owner's run is paused */
};

/* From here on the exchange is the stream's. */
void event_stream_begin(struct event_stream *s, struct worker *w, struct http_request *req);

/* `run` (may be NULL) is paused while more waits than the socket takes. */
void event_stream_write(struct event_stream *s, struct str bytes, struct engine_run *run);

/* http_watch::on_drain of the owner. */
void event_stream_drained(struct event_stream *s, struct engine_run *run);

void event_stream_end(struct event_stream *s);
void event_stream_abort(struct event_stream *s); /* after an error: no proper end */
void event_stream_gone(struct event_stream *s);  /* the client has left */

void event_stream_on_idle(struct loop_deadline *deadline); /* worker::idle's */
