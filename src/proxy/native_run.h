/*
 * native_run - one attempt of a native `infer` job: what a worker does, as events.
 *
 * The worker's kind decides how it is asked: `rbee` by the dual call (POST
 * /v1/inference, GET of the stream it names, DELETE to cancel), `openai` by a
 * streamed chat or text completion whose deltas become tokens. Whatever comes from
 * a worker is checked and capped; nonsense ends the run as RUN_BROKEN.
 *
 * A run ends exactly once: by on_end or on_failed, never inside a call made on it, or
 * by native_run_cancel(), after which no callback runs. The pointer is dead after
 * either.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "proxy/target.h"
#include "proxy/usage.h"
#include "scheduler/core.h"

#include <stdint.h>

struct native_run;
struct proxy;

enum { STOP_REASON_SIZE = 32 };

struct native_run_options {
    const struct target *worker; /* used during the call only */
    struct str model;            /* reference, for workers that ask for one */
    struct str job;              /* the `infer` operation as it came, a JSON object: prompt or
                                    messages and the sampling fields are taken from it;
                                    used during the call only, as all of these */
    uint64_t seed;               /* used whether the job names one or not */
    struct str request_id;       /* passed on as x-request-id; "" for none */
    struct str traceparent;      /* "" for none */
};

struct native_run_result {
    struct usage usage;                 /* tokens_out: the worker's, else tokens passed on */
    uint64_t decode_time_ms;            /* the worker's, else from first token to end */
    char stop_reason[STOP_REASON_SIZE]; /* "MAX_TOKENS", "EOS", ... */
};

/* Views are valid during the call. The run must not be cancelled inside one of these. */
struct native_run_events {
    /* The worker has taken the job. At most once, before all others. */
    void (*on_started)(void *data);
    /* `text` byte for byte, without escapes, never empty; `index` from 0. */
    void (*on_token)(void *data, struct str text, uint64_t index);
    /* One JSON object, as the worker sent it; any number of them. */
    void (*on_metrics)(void *data, struct str json);
    void (*on_end)(void *data, const struct native_run_result *result);
    /* `failure` counts the first on_token as the first byte. A request that the
     * worker finds wrong is RUN_BROKEN with ERR_INVALID or ERR_CONTEXT_LENGTH. */
    void (*on_failed)(void *data, enum run_failure failure, const struct err *err);
};

/* Never NULL, and nothing is called before it returns. `events` is borrowed. */
struct native_run *native_run_start(struct proxy *proxy, const struct native_run_options *options,
                                    const struct native_run_events *events, void *data);

/* Hold the worker up (the replay is full), and let it go on. Idempotent. After a pause
 * a few more events may come: those that had been read already. */
void native_run_pause(struct native_run *run);
void native_run_resume(struct native_run *run);

/* Stop the work at the worker, whatever has been said so far. NULL is fine. */
void native_run_cancel(struct native_run *run);
