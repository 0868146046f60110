/*
 * core_private - what the parts of the core share: core.c (events, time), core_job.c (a
 * job's ways) and core_admit.c (who is let in). Nobody else includes it.
 */
#pragma once

#include "base/map.h"
#include "jobs/deadlines.h"
#include "jobs/queue.h"
#include "scheduler/core.h"

/* The jobs that one worker runs. */
struct crew {
    struct list runs;    /* job.in_run; never empty but while it is made */
    struct list in_lost; /* core.lost_crews */
};

struct core {
    struct core_options options;
    struct registry *registry;
    uint64_t now_ms;  /* of the event being handled */
    uint64_t arrived; /* jobs so far: the next one's seq */

    struct map jobs;            /* id -> struct job, owned, not final */
    struct job_queue *queue;    /* those in state JOB_QUEUED */
    struct deadlines deadlines; /* those with a deadline and no first byte */
    struct map crews;           /* worker id -> struct crew: those that run */

    /* What the registry told since it was last acted upon: it is told in the middle of a
     * change, and acted upon after it. */
    struct list lost_crews;      /* crew.in_lost */
    const struct worker **roomy; /* workers that got room; borrowed */
    size_t roomy_len, roomy_cap;

    struct core_action *actions; /* of the event being handled */
    size_t actions_len, actions_cap;
    struct core_stats totals; /* only its counters; the rest is counted when asked */
};

/* Can `spec` be served, now or later? 0, or the answer to its client. */
MUST_CHECK int core_admit(const struct core *c, const struct job_spec *spec, struct err *err);

/* May one more wait? ERR_QUEUE_FULL. */
MUST_CHECK int core_check_queue(const struct core *c, const struct job_spec *spec, struct err *err);

/* Is there a worker that is up, or will soon be, and could run this job? */
bool core_has_candidate(const struct core *c, const struct job *job);

/* Is there one at all that could run this job, even if silent or failed for now? */
bool core_has_worker(const struct core *c, const struct job *job);

/* The words for a job that no worker could take, and for one that waited too long. */
void core_explain_no_workers(const struct job_spec *spec, struct err *err);
void core_explain_timeout(const struct core *c, const struct job *job, struct err *err);

/* A cleared one, for `job_id`; valid until the next is added. */
struct core_action *core_add_action(struct core *c, enum core_action_kind kind, const char *job_id);
void core_add_failure(struct core *c, const char *job_id, const struct err *err);

bool core_is_running(const struct job *job);
bool core_is_late(const struct core *c, const struct job *job);

/* The three that end a job: it is gone when they return. */
void core_end_job(struct core *c, struct job *job, enum job_state state);
void core_fail_job(struct core *c, struct job *job, const struct err *err);
void core_fail_late_job(struct core *c, struct job *job);

/* Let the strategy decide about a job that waits, or is about to. False: it must wait.
 * Otherwise it runs, or is gone. */
bool core_place(struct core *c, struct job *job);
void core_enqueue(struct core *c, struct job *job);

/* Give the room of one worker to those that wait for it. */
void core_pump(struct core *c, const struct worker *worker);

/* A run is over without an answer: another worker, the queue, or the job's end. */
void core_run_failed(struct core *c, struct job *job, enum run_failure failure,
                     const struct err *err);
void core_crew_lost(struct core *c, struct crew *crew); /* all of a worker's */
