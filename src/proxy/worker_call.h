/*
 * worker_call - one HTTP call to a worker: watched by the deadlines of struct
 * run_timeouts, its answer's status and type judged, its event stream taken apart.
 *
 * Embedded in a run. It ends by on_end, from the loop; the owner then either starts
 * the run's next call in the same struct, under the deadlines that still run, or
 * calls worker_call_close(). Closing is also how to cancel: nothing is called after it.
 */
#pragma once

#include "base/str.h"
#include "http/sse.h"
#include "loop/loop.h"
#include "proxy/run_fault.h"
#include "proxy/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct http_call;
struct proxy;

enum worker_call_type { WORKER_CALL_STREAM, WORKER_CALL_JSON }; /* what a 2xx must be */

struct worker_call_options {
    const struct target *worker;
    const char *method;
    struct str target;
    struct str body;       /* JSON, "" for none; borrowed until on_open or on_end */
    struct str request_id; /* "" for none, as the next */
    struct str traceparent;
    enum worker_call_type type;
    bool is_whole;     /* all of the answer at its end: before it, only total_ms counts */
    const char *doing; /* static words for "it could not even be sent" */
};

enum worker_call_how {
    WORKER_CALL_ENDED,    /* a 2xx, whole; whether its content is, the owner knows */
    WORKER_CALL_REJECTED, /* a final 4xx (refusal.h) */
    WORKER_CALL_FAILED,
};

struct worker_call_end {
    enum worker_call_how how;
    struct str body;               /* REJECTED: of the answer, maybe cut */
    const struct run_fault *fault; /* REJECTED (why, with RUN_BROKEN) and FAILED */
};

/* Views are valid during the call; the struct must not be closed inside any but on_end. */
struct worker_call_events {
    void (*on_open)(void *data); /* a 2xx of the right type has begun; may be NULL */
    /* Comments too (event->data.p is NULL). False ends the call by `fault`. */
    bool (*on_event)(void *data, const struct sse_event *event, struct run_fault *fault);
    bool (*on_bytes)(void *data, struct str bytes, struct run_fault *fault); /* of JSON */
    void (*on_read_end)(void *data);                                         /* may be NULL */
    void (*on_end)(void *data, const struct worker_call_end *end);
};

/* Zeroed before the first start; private but for `status` and `content_length`. */
struct worker_call {
    struct proxy *proxy; /* what each token touches stands first */
    const struct worker_call_events *events;
    void *data;
    struct buf *refused; /* body of an error answer */
    uint8_t type;        /* enum worker_call_type */
    uint8_t phase;       /* worker_call.c */
    bool is_paused;
    uint16_t status; /* 0: no answer yet */
    struct sse_parser sse;
    struct loop_deadline waiting, total;
    struct http_call *http; /* NULL once it has ended */
    const char *doing;
    int64_t content_length; /* -1: not said */
    uint32_t retry_after_ms;
};

void worker_call_start(struct worker_call *c, struct proxy *proxy,
                       const struct worker_call_options *options,
                       const struct worker_call_events *events, void *data);
void worker_call_close(struct worker_call *c); /* idempotent */

/* The first token, or what there is of a whole answer, is here: from now on silence is
 * measured. */
void worker_call_started(struct worker_call *c);

/* All that matters is here (`[DONE]`): what follows is not given any more, and however
 * the call ends now, and soon, it is WORKER_CALL_ENDED. */
void worker_call_done(struct worker_call *c);

/* The run's owner has left: however this call ends, it must do so soon. */
void worker_call_hurry(struct worker_call *c);

void worker_call_pause(struct worker_call *c); /* idempotent */
void worker_call_resume(struct worker_call *c);

/* For proxy.c: the deadlines' callbacks. */
void worker_call_on_first_token_late(struct loop_deadline *deadline);
void worker_call_on_silence(struct loop_deadline *deadline);
void worker_call_on_linger_end(struct loop_deadline *deadline);
void worker_call_on_total_late(struct loop_deadline *deadline);
