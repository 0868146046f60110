/*
 * strategy - the one place that prefers: which worker gets a job.
 *
 * A strategy is a pure function of the registry and the job; it keeps no handle
 * between calls. `simple` is the seeds' SimpleScheduler: the first worker with the
 * model and room. Later strategies (policies) stand behind the same interface.
 */
#pragma once

#include "jobs/job.h"
#include "registry/registry.h"

enum decision_action { DECIDE_WAIT, DECIDE_DISPATCH, DECIDE_REJECT };

struct decision {
    enum decision_action action;
    const struct worker *worker; /* DECIDE_DISPATCH; borrowed from the registry */
    struct err reject;           /* DECIDE_REJECT: code, words, retry_after_ms */
};

struct strategy {
    const char *name; /* "simple": as in --scheduler and x-rbee-policy */

    /* Decide for one queued job. The answer is checked by the core (room, pins,
     * model, workers tried before), so that no strategy can break a promise. */
    void (*decide)(const struct registry *registry, const struct job *job, uint64_t now_ms,
                   struct decision *ret);
};

extern const struct strategy strategy_simple;

/* NULL when there is none of that name. */
const struct strategy *strategy_by_name(struct str name);

/* May this worker run this job now: available, right model, room, pins kept, not
 * tried before? Shared by strategies and by the core's check. */
bool strategy_may_run(const struct worker *worker, const struct job *job);
