/*
 * queue - the jobs that wait for a worker, and whose turn it is.
 *
 * Jobs that may run on exactly the same workers (same model, same pins, same workers
 * tried) stand in one lane, in order: if the first of a lane cannot go, none of it can.
 * So a worker with room looks at a few lanes' heads, whatever waits behind them, and a
 * lane that must wait for one busy worker holds up no other.
 *
 * Order: jobs that come back from a failed run first, for they have waited already;
 * then by arrival. It neither picks workers (scheduler/strategy.h) nor knows which are
 * up. Pure; caps are the core's.
 */
#pragma once

#include "jobs/job.h"

#include <stddef.h>
#include <stdint.h>

struct job_queue;
struct job_queue *job_queue_new(void);
void job_queue_free(struct job_queue *q); /* empty by then; NULL is fine */

/* Add a job in state JOB_QUEUED, borrowed until it is removed. Returns its position
 * among those that wait for its model, from 1. O(1). */
size_t job_queue_add(struct job_queue *q, struct job *job);
void job_queue_remove(struct job_queue *q, struct job *job); /* O(1) */

/* Does a job wait that may run on exactly the same workers as this one, which does not
 * wait yet? Then this one has to stand behind it. */
bool job_queue_has_peer(const struct job_queue *q, const struct job *job);

/* The job that is next on a worker with these facts; NULL when there is none. Costs
 * O(lanes of retried jobs that this worker has failed). */
struct job *job_queue_next(struct job_queue *q, const struct worker_facts *worker);

/* A worker of this model is gone: whether another may ever take the jobs that wait for it
 * must be asked anew, lane by lane. O(1). */
void job_queue_doubt(struct job_queue *q, const char *model);

/* The first job of a lane in doubt; NULL when there is none. It stays in doubt until
 * job_queue_trust() or until all of its jobs are removed. O(1), but for each doubt once
 * O(lanes of the model). */
struct job *job_queue_doubted(struct job_queue *q);
void job_queue_trust(const struct job *job); /* the whole lane */
bool job_queue_has_doubts(const struct job_queue *q);

struct job *job_queue_behind(const struct job *job); /* in its lane; NULL: it is the last */

struct job *job_queue_oldest(const struct job_queue *q); /* by entered_ms; NULL: empty */

/* From 1, among those that wait for its model. O(queue). */
size_t job_queue_position(const struct job_queue *q, const struct job *job);

struct job_queue_stats {
    size_t count;
    size_t by_priority[JOB_PRIORITY_COUNT_];
    uint64_t bytes;           /* job_spec.bytes */
    uint64_t looked_at_total; /* jobs that job_queue_next() considered */
};
const struct job_queue_stats *job_queue_stats(const struct job_queue *q);
