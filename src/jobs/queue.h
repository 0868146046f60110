/*
 * queue - the jobs that wait for a worker, and whose turn it is.
 *
 *     band (interactive > batch) > tenant (fair share) > order (deadline, then arrival)
 *
 * Bands are strict but for a reserved share: of the dispatches of a model, a lower band that
 * waits gets at least its share; and a job that has waited `promote_after_ms` moves up a
 * band. Within a band and a model, the tenant with the smallest virtual counter is next
 * (jobs/fairness.h: weighted VTC; charge what is dispatched there, and the queue follows).
 * Within a tenant jobs that come back from a failed run go first, then by deadline (EDF:
 * deadline_ms, or arrival + slo_ttft_ms when that is sooner), then by arrival.
 *
 * Jobs that may run on exactly the same workers (same model, same pins, same workers tried)
 * stand in one lane of their tenant: if the first of a lane cannot go, none of it can. So a
 * worker with room looks at a few lanes' heads, whatever waits behind them, and a lane that
 * must wait for one busy worker holds up no other.
 *
 * It neither picks workers nor knows which are up. Pure; caps are the core's. O(log n) per
 * operation where not said otherwise; 100,000 jobs are ordinary.
 */
#pragma once

#include "jobs/fairness.h"
#include "jobs/job.h"

#include <stddef.h>

struct job_queue_options {
    unsigned batch_share_pct;  /* of dispatches while batch jobs wait, 0..100; 10 */
    uint64_t promote_after_ms; /* queued so long, a batch job counts as interactive; 0: never;
                                  120,000 */
};
void job_queue_options_init(struct job_queue_options *o);

struct job_queue;
struct job_queue *job_queue_new(const struct job_queue_options *options,
                                struct fairness *fairness /* borrowed; of this queue only */);
void job_queue_free(struct job_queue *q); /* empty by then; NULL is fine */

/* Add a job in state JOB_QUEUED, borrowed until it is removed. Until then nothing changes of
 * what decides its place: model, tenant, pins, priority, deadlines, workers tried. What its
 * turn will cost is foreseen now, from spec.prompt_tokens and job.tokens.total (prompt and
 * output; 0: no output foreseen). */
void job_queue_add(struct job_queue *q, struct job *job);
void job_queue_remove(struct job_queue *q, struct job *job);

/* The same, because a worker takes it: what the shares of the bands count. */
void job_queue_take(struct job_queue *q, struct job *job);

/* Does a job wait that may run on exactly the same workers as this one, which does not wait
 * yet, and that would come before it? Then this one has to stand behind it. */
bool job_queue_has_peer_before(const struct job_queue *q, const struct job *job);

/* The job that is next on a worker with these facts; NULL when there is none. `after`: the
 * one that comes after this one, which waits, in the order for that worker (NULL: the
 * first), so that a walk may pass by jobs that will not go now. The order is that in which
 * they would be served: a tenant's second job comes when its turn would come again. The
 * first costs O(log n) and the lanes of returned jobs, the k-th up to k times as much. */
struct job *job_queue_next(struct job_queue *q, const struct worker_facts *worker,
                           const struct job *after);

/* Bring ages up to date: promote. Call before job_queue_next(). O(promoted * log n). */
void job_queue_age(struct job_queue *q, uint64_t now_ms);
uint64_t job_queue_next_promotion_ms(const struct job_queue *q); /* UINT64_MAX: none */

/* A worker of this model is gone or failed: whether another may ever take the jobs that wait for it
 * must be asked anew, for each set of constraints. O(1). */
void job_queue_doubt(struct job_queue *q, const char *model);

/* A job in doubt, the first of its lane; NULL when there is none. All that may run on the
 * same workers, of any tenant, stay in doubt until job_queue_trust() or until they are
 * removed. O(log n), but for each doubt once O(sets of constraints of the model). */
struct job *job_queue_doubted(struct job_queue *q);
void job_queue_trust(const struct job *job); /* and all that may run on the same workers */
bool job_queue_has_doubts(const struct job_queue *q);

struct job *job_queue_behind(const struct job *job);     /* in its lane; NULL: it is the last */
struct job *job_queue_oldest(const struct job_queue *q); /* by entered_ms; NULL: empty */

/* From 1, among those that wait for its model, or where one that does not wait yet would
 * stand: exact within its tenant; other tenants of
 * its band count with as many jobs as would have their fair turn before it; jobs of a higher
 * band all count. O(log n): of more than 16 tenants before it the others are taken to have
 * as many. */
size_t job_queue_position(const struct job_queue *q, const struct job *job);
size_t job_queue_waiting(const struct job_queue *q, const char *model); /* for this model; O(1) */

/* What the jobs that wait for this model ask for, together. An answer without a limit counts
 * as `answer_tokens`, one with a limit as no more than that. O(1). */
struct job_queue_load {
    size_t jobs;
    double prompt_tokens, answer_tokens;
};
struct job_queue_load job_queue_load(const struct job_queue *q, const char *model,
                                     uint64_t answer_tokens);

/* The first `max` jobs in the order in which the queue as a whole would go, if any worker
 * could take any, fair turns and shares foreseen; returns how many. Models meet by the order
 * within a tenant: their counters cannot be compared. O((models + max) * log n). */
size_t job_queue_first(const struct job_queue *q, const struct job **ret, size_t max);

/* Every model that is waited for, each once, with the job whose turn it is, as long as
 * `visit` returns true. */
void job_queue_models(const struct job_queue *q,
                      bool (*visit)(void *data, const char *model, const struct job *first),
                      void *data);

struct job_queue_stats {
    size_t count;
    size_t by_priority[JOB_PRIORITY_COUNT_];
    uint64_t bytes;           /* job_spec.bytes */
    uint64_t prompt_tokens;   /* of all that wait */
    uint64_t looked_at_total; /* jobs that job_queue_next() considered */
};
const struct job_queue_stats *job_queue_stats(const struct job_queue *q);
