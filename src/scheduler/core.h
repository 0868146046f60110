/*
 * core - everything the queen decides: events in, actions out.
 *
 * Single-threaded and pure: no clock, no socket, no file, no randomness of its own.
 * Time comes inside events; ids and seeds are made at the edge. The same events in
 * the same order give the same actions. The simulator, replay and shadow policies
 * run this same code.
 *
 * A job's life here: CORE_JOB_ARRIVED is answered, in the same call, by exactly one
 * of CORE_DISPATCH, CORE_QUEUED or CORE_FAIL; later a queued job gets CORE_DISPATCH
 * or CORE_FAIL. For each CORE_DISPATCH the edge owes one CORE_RUN_FINISHED or
 * CORE_RUN_FAILED (or CORE_JOB_CANCELLED), with at most one CORE_RUN_STARTED
 * before it. A run that failed, or whose worker was lost, before the first byte is
 * followed by a CORE_DISPATCH of the same job (attempt + 1), by CORE_QUEUED when it
 * has to wait for another worker, or by CORE_FAIL. Each of these three also means:
 * stop the run before it; nothing is owed for that one any more.
 * No action names a job in or after the event that says it was cancelled or its
 * current run finished. Events about unknown jobs or old attempts are ignored: they
 * crossed on the way.
 *
 * A queued job whose last worker leaves the registry (forgotten, gone from its hive's
 * report, or given another model or hive) fails with ERR_NO_WORKERS; while that worker is
 * merely silent or failed, the job waits for it to come back.
 *
 * Waiting jobs go in order of arrival, those that come back from a failed run first;
 * a job that must wait for one worker (a pin) holds up nobody else. One event costs
 * O((jobs it moves) * log n), whatever the length of the queue; the end of a worker also
 * looks once at each of its model's lanes (jobs/queue.h). Jobs that time out or are given
 * up go a thousand an event, and core_next_due_ms() is then at once.
 */
#pragma once

#include "base/err.h"
#include "jobs/job.h"
#include "registry/registry.h"
#include "scheduler/strategy.h"

#include <stddef.h>
#include <stdint.h>

enum core_event_kind {
    CORE_TICK,
    CORE_JOB_ARRIVED,
    CORE_JOB_CANCELLED, /* by DELETE, or the client has gone */
    CORE_RUN_STARTED,   /* first token, or the head of a whole answer */
    CORE_RUN_FINISHED,  /* the answer ended properly (also with a 4xx of the worker's) */
    CORE_RUN_FAILED,
    CORE_HIVE_REPORT,
    CORE_WORKER_REPORT,
    CORE_WORKER_STATIC,
    CORE_WORKER_REACHABLE,
    CORE_MODEL_KNOWN,
};

/* What became of a run that failed; decides whether another worker may try. */
enum run_failure {
    RUN_NOT_CONNECTED, /* nothing was sent: retry; the worker counts as unreachable */
    RUN_REFUSED,       /* 5xx, 429 or garbage before the first byte: retry elsewhere */
    RUN_DIED,          /* reset or closed before the first byte: retry once per job */
    RUN_SILENT,        /* nothing in time: the edge has cancelled it there; retry */
    RUN_BROKEN,        /* after the first byte, or the request is to blame: no retry */
};

struct core_event {
    enum core_event_kind kind;
    uint64_t now_ms; /* monotonic; never goes back from one event to the next */
    union {
        const struct job_spec *arrived; /* copied */
        struct {
            const char *job_id;
        } cancelled;
        struct {
            const char *job_id;
            unsigned attempt;
            enum run_failure failure; /* CORE_RUN_FAILED */
            struct err err;           /* CORE_RUN_FAILED: what the client is told in the end */
            uint64_t tokens_in, tokens_out; /* CORE_RUN_FINISHED; 0: not known */
        } run;
        struct {
            /* Copied, and checked before (registry/worker.h). A report that
             * registry_check_room() refuses is ignored: ask it first, to say why. */
            const struct hive_facts *hive;
            const struct worker_facts *workers;
            size_t workers_len;
        } report; /* CORE_HIVE_REPORT; CORE_WORKER_REPORT and _STATIC: workers[0] */
        struct {
            const char *worker_id;
            bool reachable;
        } reach;
        struct {
            const char *model;
        } known;
    } u;
};

enum core_action_kind {
    CORE_DISPATCH,   /* send job_id to worker */
    CORE_QUEUED,     /* it waits; `position` in its queue, from 1 */
    CORE_FAIL,       /* tell the client `err`, stop what runs; the job is gone here */
    CORE_NOTE_MODEL, /* remember `model` in the state directory */
};

struct core_action {
    enum core_action_kind kind;
    char job_id[JOB_ID_SIZE];
    unsigned attempt;            /* CORE_DISPATCH */
    const struct worker *worker; /* CORE_DISPATCH; valid until the next event */
    size_t position;             /* CORE_QUEUED: among those waiting for its model */
    char model[MODEL_REF_SIZE];  /* CORE_NOTE_MODEL */
    struct err err;              /* CORE_FAIL */
};

struct core_options {
    const struct strategy *strategy;
    struct registry_limits registry;
    size_t queue_jobs_max;     /* beyond: ERR_QUEUE_FULL; 100,000 */
    uint64_t queue_bytes_max;  /* of job_spec.bytes; 1 GiB */
    uint64_t queue_timeout_ms; /* in the queue in one stretch: ERR_QUEUE_TIMEOUT; 300 s */
    unsigned attempts_max;     /* dispatches per job, at most JOB_ATTEMPTS_MAX; 3 */
};
void core_options_init(struct core_options *o);

struct core;
struct core *core_new(const struct core_options *options);
void core_free(struct core *c);

/* Take one event. The actions it caused are then in core_actions(), valid until
 * the next core_handle(). */
void core_handle(struct core *c, const struct core_event *event);
const struct core_action *core_actions(const struct core *c, size_t *ret_len);

/* When a CORE_TICK is wanted next (core's clock); UINT64_MAX: never. */
uint64_t core_next_due_ms(const struct core *c);

const struct registry *core_registry(const struct core *c);
const struct job *core_job(const struct core *c,
                           const char *job_id);                     /* NULL: not here (any more) */
size_t core_job_position(const struct core *c, const char *job_id); /* 0: not queued; O(queue) */

struct core_stats {
    size_t jobs; /* not final */
    size_t queued, queued_interactive, queued_batch;
    uint64_t queued_bytes;
    size_t running; /* dispatched or streaming: the ledger's sum */
    uint64_t arrived_total, dispatched_total, retried_total, failed_total, done_total,
        cancelled_total;
    uint64_t looked_at_total; /* waiting jobs considered: what the queue's order costs */
};
void core_get_stats(const struct core *c, struct core_stats *ret);
