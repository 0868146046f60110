/*
 * job_events - what a job has told so far, kept as the bytes of its event stream, so
 * that a stream may be opened late, opened twice and resumed (PROTOCOL "The dual call").
 *
 * Event n carries `id: n`, from 1. The closing marker ("data: [DONE]") is the last
 * thing in the stream and has no id. Offsets count bytes of the stream from its very
 * beginning; a reader keeps the offset of what it has written so far:
 *
 *     uint64_t at;
 *     if (!job_events_seek(&e, last_event_id, &at)) ... 410 stream_expired
 *     struct str bytes = job_events_from(&e, at);    // as much of it as the socket takes
 *     at += bytes.len;
 *     if (job_events_is_closed(&e) && at == job_events_end(&e)) ... the stream is over
 *
 * Memory: job_events_is_full() turns true at `bytes_max`; the source should pause then.
 * What was read already may be forgotten to make room. Pure: who reads, how long a
 * finished job is kept and the cap over all jobs are the owner's business.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* What a source that pauses at is_full() may still bring: the rest of one read,
     * and the terminal event. */
    JOB_EVENTS_SLACK_BYTES = 2 * 1024 * 1024,
};

/* Private but for its address: use the functions. */
struct job_events {
    struct buf text;     /* the kept events, then the marker */
    struct buf starts;   /* a uint64_t for each kept event: the offset where it begins */
    uint64_t begin;      /* offset of the first byte in `text` */
    uint64_t events_end; /* offset behind the newest event */
    uint64_t last_id;    /* of the newest event; 0: none yet */
    size_t bytes_max;
    bool is_closed;
};

void job_events_init(struct job_events *e, size_t bytes_max);
void job_events_deinit(struct job_events *e); /* idempotent */

/*
 * Append an event; line breaks in `json` (legal between its tokens) become blanks.
 * `name` is at most 40 bytes. Returns its id; 0, changing nothing, when the log is closed or
 * already JOB_EVENTS_SLACK_BYTES over its cap.
 */
uint64_t job_events_add(struct job_events *e, const char *name, struct str json);

/* The end: nothing can be added afterwards. `marker` is "[DONE]", "[CANCELLED]" or
 * "[ERROR] why" (line breaks in it become blanks). Idempotent: the first one counts. */
void job_events_close(struct job_events *e, const char *marker);
bool job_events_is_closed(const struct job_events *e);

/* Where the events after `last_id` begin (0: all of them; beyond the newest: the end
 * of the newest). False when some of them have been forgotten. */
bool job_events_seek(const struct job_events *e, uint64_t last_id, uint64_t *ret_offset);

/* Everything from `offset`, which must not lie in what was forgotten. Valid until the
 * next change; empty at the end. */
struct str job_events_from(const struct job_events *e, uint64_t offset);

uint64_t job_events_end(const struct job_events *e); /* offset behind the last byte */
uint64_t job_events_last_id(const struct job_events *e);

bool job_events_is_full(const struct job_events *e);
size_t job_events_bytes(const struct job_events *e); /* memory of the kept stream and its index */

/* Drop whole events that end at or before `offset`. */
void job_events_forget(struct job_events *e, uint64_t offset);
