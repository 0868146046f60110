/*
 * relay - one attempt of an OpenAI request: the worker's answer carried to its client,
 * byte for byte, at the client's pace.
 *
 * Until the first content (a token, a finish reason; for a whole answer all of it, or
 * its first RELAY_HELD_BYTES_MAX) everything the worker sends is held back: status,
 * head, comments, role-only frames. So a failure up to there has left no trace at the
 * client, the request is unanswered, and another worker may try. After it, a failure
 * is told in band (one `data: {"error":{...}}` event) and the connection is cut.
 *
 * Whole events go out, never a part of one; each is looked at in place (usage, finish
 * reason, errors). A stream counts as finished by `[DONE]`, or by a finish reason and
 * a proper end of the HTTP message; the missing `[DONE]` is then added. A worker's 4xx
 * is the final answer, passed on with its body (in OpenAI's shape, if it has another);
 * but 401, 403, 407, 408, 425 and 429 are between the queen and the worker, and count
 * as RUN_REFUSED like a 5xx.
 *
 * A relay ends exactly once: by on_end, never inside a call made on it, or by
 * relay_cancel() or relay_fail(), after which no callback runs. The pointer is dead
 * after either. The request's watch stays the owner's: it passes on_drain on, and
 * cancels the relay in on_gone. About 300 bytes each, beside its call and its request.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "proxy/target.h"
#include "proxy/usage.h"
#include "scheduler/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;
struct proxy;
struct relay;

enum { RELAY_HELD_BYTES_MAX = 64 * 1024 };

struct relay_options {
    struct http_request *request; /* to be answered; may have been begun (queue updates) */
    const struct target *worker;  /* used during the call only */
    struct str target;            /* "/v1/chat/completions"; used during the call only */
    struct str body;              /* JSON; borrowed until on_head or the relay's end */
    struct str traceparent;       /* "" for none; used during the call only */
    bool is_stream;               /* an event stream is asked for, not a whole answer */
};

struct relay_result {
    bool is_finished;         /* a proper answer: `status` and below; else: `failure`, `err` */
    bool is_answered;         /* the request has ended and its pointer is dead; always so
                                 when finished, and for a failure after on_head */
    unsigned status;          /* the worker's, also a 4xx; 0: there was none */
    struct usage usage;       /* tokens_out: as the worker says, else frames with content */
    enum run_failure failure; /* scheduler/core.h */
    struct err err;           /* what to tell the client if nobody else takes over */
};

struct relay_events {
    /* The answer begins: set its x-rbee-* headers now (they are too late for a request
     * that had been begun). At most once, also for a 4xx. The body given to
     * relay_start() may be freed from here on: http_request_release() is allowed.
     * The relay must not be cancelled or failed inside. */
    void (*on_head)(void *data, unsigned status);
    void (*on_end)(void *data, const struct relay_result *result);
};

/* Never NULL, and nothing is called before it returns. `events` is borrowed. The worker
 * is shown the request's id as x-request-id and `traceparent`; nothing else of the
 * client's headers. */
struct relay *relay_start(struct proxy *proxy, const struct relay_options *options,
                          const struct relay_events *events, void *data);

/* The owner's on_drain: the client has taken enough for the worker to go on. */
void relay_client_drained(struct relay *r);

/* Hang up on the worker at once; that stops its work. The request is left as it is:
 * gone, or the owner's to answer again (unless on_head came). NULL is fine. */
void relay_cancel(struct relay *r);

/* The same, and tell the client: a status, an event in band or a cut, whichever its
 * answer still allows. The request's pointer is dead after it. */
void relay_fail(struct relay *r, const struct err *err);

/* Tell a client that no relay serves (any more): http_reply_error(), or the event and
 * the cut if its stream has begun. The request's pointer is dead after it. */
void relay_answer_error(struct http_request *request, const struct err *err);
