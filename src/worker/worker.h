/*
 * worker - the parts of one worker, and what all of its routes share: the engine, the
 * limits, the counters. One per process.
 */
#pragma once

#include "base/err.h"
#include "daemon/daemon.h"
#include "engine/engine.h"
#include "http/route.h"
#include "http/server.h"
#include "loop/loop.h"
#include "registry/worker.h"
#include "worker/inference.h"
#include "worker/options.h"
#include "worker/inference_request.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    STREAM_IDLE_MS = 15 * 1000, /* a comment says that a silent stream is alive */
    FINGERPRINT_SIZE = 64,
};

struct heartbeat;
struct metrics;

struct worker {
    struct daemon *daemon;                /* borrowed */
    const struct worker_options *options; /* borrowed */
    struct loop *loop;                    /* the daemon's */
    struct engine *engine;
    struct http_server *server;
    struct metrics *metrics;     /* worker/counters.h */
    struct engine_stats counted; /* of its totals: those that are in the metrics already */
    struct inference_table inferences;
    size_t held_bytes;           /* worker/reading.h: bodies that are being worked on */
    struct loop_deadlines idle;  /* of event streams */
    struct heartbeat *heartbeat; /* NULL without --queen-url */
    struct loop_timer second;    /* samples the rate below */
    uint64_t sampled_ms, sampled_tokens;
    double tokens_per_s;
    uint64_t started_wall_ms;
    char fingerprint[FINGERPRINT_SIZE]; /* system_fingerprint: engine and model */
    int exit_code;
};

/*
 * Open the engine and serve. The model loads meanwhile; the loop stops by itself, with
 * exit_code set, when that fails.
 * Errors: those of engine_lib_find(), engine_open() and daemon_serve().
 */
MUST_CHECK int worker_open(struct worker *w, struct daemon *daemon,
                           const struct worker_options *options, struct err *err);

/* Also when half open. `w` itself must last until the loop is freed: the thread pool may
 * still hold work that reports to it. */
void worker_close(struct worker *w);

/* The exit code that tells of `err`. */
int worker_exit_code(const struct err *err);

struct worker_status {
    enum worker_state state; /* WORKER_STARTING while the model is being loaded */
    struct engine_stats engine;
};
void worker_get_status(const struct worker *w, struct worker_status *ret);

extern const struct route worker_routes[];
