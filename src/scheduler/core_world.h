/*
 * core_world - for tests: a small simulated cloud around a core. Hives report, clients come
 * and go, runs succeed and fail, policies answer well, badly, late or not at all, workers
 * are started and stopped, all from one seed.
 */
#pragma once

#include "base/buf.h"

#include <stdint.h>

struct world_options {
    uint64_t seed;
    uint64_t duration_ms;
    struct buf *events;  /* event_log, begun by the caller */
    struct buf *actions; /* action_log */
};

struct world_report {
    unsigned jobs, dispatched, failed, asked, starts, evictions, fallbacks;
};
struct world_report world_run(const struct world_options *options);

/* The core that it drives, to run the same events again. */
struct core *world_core(void);
