/*
 * strategy - the built-in way to decide about one job, synchronous and trusted: `simple`
 * (strategy_simple.c, the seeds' SimpleScheduler) or the platform policy
 * (policy/platform.h). User policies are asked by CORE_ASK instead; when one fails, the
 * strategy decides.
 *
 * The core checks every answer (strategy_may_run() and scheduler/core.h), so that no
 * strategy can break a promise. A strategy reads the core through its const functions and
 * keeps what it caches in `data`; equal histories must give equal answers.
 */
#pragma once

#include "jobs/job.h"
#include "registry/registry.h"
#include "scheduler/decision.h"

struct core;

struct strategy {
    const char *name; /* "simple": as in --scheduler and x-rbee-policy */
    void *data;

    /* Decide about one job, queued or just arrived. `ret` comes empty. */
    void (*decide)(const struct strategy *self, const struct core *core, const struct job *job,
                   uint64_t now_ms, struct decisions *ret);

    /* Called every core_options.housekeeping_ms while there are workers or jobs: may give
     * DECIDE_START and DECIDE_EVICT (warm up, make room). NULL: nothing to do. */
    void (*look_around)(const struct strategy *self, const struct core *core, uint64_t now_ms,
                        struct decisions *ret);

    /* Can a job without a worker hope for one that this strategy would start? */
    bool starts_workers;

    /* Is it asked about every new job, also those that have to wait behind another whatever it
     * says, because it may turn them down at once? */
    bool refuses;
};

extern const struct strategy strategy_simple;

/* May this worker run this job now: available, right model, room, pins kept, not
 * tried before? Shared by strategies and by the core's check. */
bool strategy_may_run(const struct worker *worker, const struct job *job);
