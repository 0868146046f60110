/* queue_fixture - a queue with its fairness and the jobs made for it, for the queue's tests. */
#pragma once

#include "jobs/queue.h"

enum { FIXTURE_JOBS_MAX = 1024 };

struct fixture {
    struct fairness *fairness;
    struct job_queue *queue;
    struct job *jobs[FIXTURE_JOBS_MAX]; /* all that were made, by seq */
    size_t jobs_len;
    uint64_t now_ms; /* when jobs are made; 1000 */
};

struct fixture *fixture_new(const struct job_queue_options *options); /* NULL: the defaults */
void fixture_free(struct fixture *f); /* and every job; checks that the queue is empty then */

int fixture_setup(void **state); /* with the defaults */
int fixture_teardown(void **state);

/* Of model "m" unless said. Arrives now, behind all before. */
struct job *fixture_make(struct fixture *f, const struct job_spec *spec);
struct job *fixture_add(struct fixture *f, const struct job_spec *spec); /* and waits */

#define ADD(f, ...) fixture_add((f), &(struct job_spec){ __VA_ARGS__ })

struct worker_facts fixture_worker(const char *id, const char *hive_id, const char *model);

/* What comes in a walk past jobs that will not go, and what is served when each is taken and
 * its prompt is charged: "0 2 ", by seq. */
const char *fixture_walk(struct fixture *f, const struct worker_facts *worker);
const char *fixture_serve(struct fixture *f, const struct worker_facts *worker);
