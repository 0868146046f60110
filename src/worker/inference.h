/*
 * inference - one job of the native dual call (POST /v1/inference, then GET its stream):
 * what it has told so far, and the one client who follows it.
 *
 *     accepted --> running --> done | failed | cancelled --> forgotten
 *
 * A job is cancelled when nobody has opened its stream for INFERENCE_UNOPENED_MS, and when the
 * stream is closed. What has ended is kept for INFERENCE_KEEP_MS, the last INFERENCES_KEPT_MAX of
 * it.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/random.h"
#include "base/str.h"
#include "jobs/job_events.h"
#include "loop/loop.h"
#include "worker/event_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    INFERENCE_UNOPENED_MS = 30 * 1000,
    INFERENCE_KEEP_MS = 60 * 1000,
    INFERENCES_KEPT_MAX = 256,
    /* Events that wait for the stream to be opened; then the run waits too. */
    INFERENCE_EVENTS_BYTES_MAX = 64 * 1024,
};

struct engine_run;
struct http_request;
struct worker;

enum inference_phase {
    INFERENCE_ACCEPTED, /* its POST has not been answered yet */
    INFERENCE_RUNNING,
    INFERENCE_DONE,
    INFERENCE_FAILED,
    INFERENCE_CANCELLED,
};

struct inference {
    struct worker *worker;
    char id[JOB_ID_SIZE];
    enum inference_phase phase;
    struct http_request *post;  /* INFERENCE_ACCEPTED: waits for its answer */
    struct engine_run *run;     /* until it ended */
    struct event_stream stream; /* once opened */
    struct job_events events;
    uint64_t sent; /* offset in `events` that the stream has been sent */
    bool is_held;  /* the run is paused: nobody reads */
    int64_t seed;
    uint64_t token_index;
    uint64_t metrics_ms, metrics_tokens; /* when the rate was last told, and of how many */
    struct loop_deadline unopened, keep;
    struct list link; /* inference_table::ended */
};

struct inference_table {
    struct worker *worker;
    struct map by_id;
    struct list ended; /* oldest first */
    size_t ended_len;
    struct loop_deadlines unopened, keep;
};

void inference_table_init(struct inference_table *t, struct worker *w);
void inference_table_deinit(struct inference_table *t); /* every exchange ended before */

/* A job that `post` waits for. It cancels itself when that client leaves. */
struct inference *inference_new(struct worker *w, struct http_request *post);
struct inference *inference_find(const struct inference_table *t,
                                 struct str id); /* NULL when unknown */
const char *inference_phase_name(enum inference_phase phase);

/* The POST is answered with `err`, and the job forgotten. */
void inference_refuse(struct inference *inf, const struct err *err);

/* The POST is answered with the job's id; from now on it is found by it. */
void inference_accept(struct inference *inf);

/* Tell an event; it goes out at once when the stream is open. */
void inference_say(struct inference *inf, const char *name, struct str json);

/* The end, with the closing marker: "[DONE]", "[CANCELLED]", "[ERROR] why". */
void inference_end(struct inference *inf, enum inference_phase how, const char *marker);

/* Stop decoding, whatever has been said so far. Harmless after the end. */
void inference_cancel(struct inference *inf, const char *why);

/* Follow the job from its beginning. Errors: ERR_CONFLICT (somebody follows it already),
 * ERR_STREAM_EXPIRED (somebody has followed it); `req` is then still to be answered. */
MUST_CHECK int inference_follow(struct inference *inf, struct http_request *req, struct err *err);
