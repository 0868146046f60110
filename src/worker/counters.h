/* counters - what a worker counts: GET /metrics, and a line of the log for each run. */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

struct metrics;
struct worker;

struct metrics *counters_new(void);

/*
 * A run has ended. `route` is "chat", "completion", "embedding" or "inference", `id` what
 * its client knows it by, `how` "stop", "length", "cancelled" or the name of an error.
 * `t` is NULL when it did not come to its own end.
 */
void counters_run_ended(struct worker *w, const char *route, const char *id, const char *how,
                        const struct engine_timings *t);

/* As Prometheus text. */
void counters_write(struct worker *w, struct buf *out);
