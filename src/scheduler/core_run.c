/* Runs that end badly, and workers that are lost: who takes over, and when nobody may. */
#include "scheduler/core_private.h"

/* What the client is told when nobody else may try. That its own request was wrong is
 * for it to know; anything else is a worker that failed. */
static struct err final_error(const struct err *last)
{
    struct err err = *last;

    if (err.code == 0 || err_http_status(err.code) >= 500 || err_is_retriable(err.code))
        err.code = ERR_WORKER;
    if (!*err.msg)
        (void)err_set(&err, err.code, "The worker failed.");
    return err;
}

static bool may_retry(const struct core *c, const struct job *job, enum run_failure failure)
{
    return job->state == JOB_DISPATCHED && failure != RUN_BROKEN &&
           !(failure == RUN_DIED && job->worker_died) && job->attempt < c->options.attempts_max &&
           core_has_candidate(c, job);
}

void core_refuse_retry(struct core *c, struct job *job, const struct err *last)
{
    struct err err = final_error(last);

    core_fail_job(c, job, &err);
}

/* The run has just ended on that worker. */
static void go_on_without(struct core *c, struct job *job, const char *worker_id,
                          enum run_failure failure, const struct err *last)
{
    job_tried_on(job, worker_id);
    if (!may_retry(c, job, failure)) {
        core_refuse_retry(c, job, last);
        return;
    }
    job->worker_died = job->worker_died || failure == RUN_DIED;
    core_account_undone(c, job);
    job_enter(job, JOB_QUEUED, c->now_ms);
    c->totals.retried_total++;
    if (core_user_decides(c) && c->policy.hooks & POLICY_HOOK_RETRY)
        core_raise(c, job, ASK_RETRY)->err = *last;
    else
        core_let_in(c, job, true);
}

void core_run_failed(struct core *c, struct job *job, enum run_failure failure,
                     const struct err *err)
{
    char worker_id[WORKER_ID_SIZE];

    (void)str_copy(worker_id, sizeof(worker_id), str_of(job->worker_id));
    core_end_run(c, job);
    if (failure == RUN_NOT_CONNECTED)
        registry_worker_reachable(c->registry, worker_id, false, c->now_ms);
    else
        registry_worker_full(c->registry, worker_id, c->now_ms);
    go_on_without(c, job, worker_id, failure, err);
}

void core_crew_lost(struct core *c, struct crew *crew)
{
    bool is_last;

    list_remove(&crew->in_lost);
    do {
        struct job *job = container_of(crew->runs.next, struct job, in_run);
        char worker_id[WORKER_ID_SIZE];
        struct err err;

        is_last = job->in_run.next == &crew->runs; /* `crew` goes with it */
        (void)str_copy(worker_id, sizeof(worker_id), str_of(job->worker_id));
        (void)err_set(&err, ERR_WORKER, "Worker '%s' was lost %s.", worker_id,
                      job->state == JOB_STREAMING ? "in the middle of its answer"
                                                  : "before its first token");
        core_end_run(c, job);
        go_on_without(c, job, worker_id, RUN_DIED, &err);
    } while (!is_last);
}
