/*
 * target - one worker as a run sees it: where it listens, how it is talked to and
 * what it wants to be shown; and how long a run waits for it.
 */
#pragma once

#include "base/secret.h"
#include "loop/endpoint.h"
#include "registry/worker.h"

#include <stdint.h>

/* A plain copy, so that a run outlives the registry's entry. Small runs keep none of
 * it: calls copy what they need. */
struct target {
    struct endpoint at;
    enum worker_kind kind;
    struct secret token; /* "" for none */
    char worker_id[WORKER_ID_SIZE];
};
void target_of_worker(const struct worker_facts *facts, struct target *ret);

/*
 * How long a run may wait. 0 means no limit.
 *
 * `first_token_ms` runs from the start of a stream's run to its first token. Nothing
 * else that a worker sends, heads, comments and role-only frames, stops it: such a
 * worker has produced nothing, and another one may still take over. A whole answer has
 * no tokens on the way, and a worker that is busy with it looks like one that hangs:
 * `total_ms` alone bounds it, until it is so long that it is passed on in pieces.
 * `between_ms` is the longest silence after that. Any byte ends a silence, a comment
 * too: it shows life, and by then nobody else can take over. It does not count while
 * the client, by not reading, holds the worker up.
 */
struct run_timeouts {
    uint64_t connect_ms;     /* 5 s */
    uint64_t first_token_ms; /* 300 s */
    uint64_t between_ms;     /* 60 s */
    uint64_t total_ms;       /* one attempt from start to end; 3600 s */
};
void run_timeouts_init(struct run_timeouts *t); /* the defaults named above */
