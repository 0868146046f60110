/*
 * A job's ways through the core: placed on a worker, queued, retried, ended. Each end of
 * a run and of a job goes through one function, so that nothing is left behind.
 */
#include "base/mem.h"
#include "scheduler/core_private.h"

#include <assert.h>

enum { ACTIONS_MIN = 64 };

/* --- Actions ------------------------------------------------------------- */

struct core_action *core_add_action(struct core *c, enum core_action_kind kind, const char *job_id)
{
    if (c->actions_len == c->actions_cap) {
        c->actions_cap = c->actions_cap ? c->actions_cap * 2 : ACTIONS_MIN;
        c->actions = mem_resize(c->actions, c->actions_cap * sizeof(*c->actions));
    }
    struct core_action *action = &c->actions[c->actions_len++];
    *action = (struct core_action){ .kind = kind };
    (void)str_copy(action->job_id, sizeof(action->job_id), str_of(job_id));
    return action;
}

void core_add_failure(struct core *c, const char *job_id, const struct err *err)
{
    core_add_action(c, CORE_FAIL, job_id)->err = *err;
    c->totals.failed_total++;
}

/* --- Runs ---------------------------------------------------------------- */

bool core_is_running(const struct job *job)
{
    return job->state == JOB_DISPATCHED || job->state == JOB_STREAMING;
}

static struct crew *crew_for(struct core *c, const char *worker_id)
{
    struct crew *crew = map_get(&c->crews, str_of(worker_id));

    if (crew)
        return crew;
    crew = mem_alloc(1, sizeof(*crew));
    list_init(&crew->runs);
    list_init(&crew->in_lost);
    (void)map_put(&c->crews, str_of(worker_id), crew);
    return crew;
}

static void begin_run(struct core *c, struct job *job, const struct worker *worker)
{
    if (job->lane)
        job_queue_remove(c->queue, job);
    job_enter(job, JOB_DISPATCHED, c->now_ms);
    (void)str_copy(job->worker_id, sizeof(job->worker_id), str_of(worker->facts.id));
    list_push_back(&crew_for(c, job->worker_id)->runs, &job->in_run);
    registry_charge(c->registry, job->worker_id, c->now_ms);
    c->totals.running++;
    c->totals.dispatched_total++;

    struct core_action *action = core_add_action(c, CORE_DISPATCH, job->spec.id);
    action->attempt = job->attempt;
    action->worker = worker;
}

/* However a run ends, its slot is given back here. */
static void end_run(struct core *c, struct job *job)
{
    struct crew *crew = map_get(&c->crews, str_of(job->worker_id));

    list_remove(&job->in_run);
    if (list_is_empty(&crew->runs)) {
        (void)map_remove(&c->crews, str_of(job->worker_id));
        list_remove(&crew->in_lost);
        free(crew);
    }
    registry_release(c->registry, job->worker_id);
    job->worker_id[0] = '\0';
    c->totals.running--;
}

/* However a job ends, it leaves everything here. */
void core_end_job(struct core *c, struct job *job, enum job_state state)
{
    if (job->lane)
        job_queue_remove(c->queue, job);
    if (*job->worker_id)
        end_run(c, job);
    deadlines_remove(&c->deadlines, job);
    job_enter(job, state, c->now_ms);
    (void)map_remove(&c->jobs, str_of(job->spec.id));
    job_free(job);
}

void core_fail_job(struct core *c, struct job *job, const struct err *err)
{
    core_add_failure(c, job->spec.id, err);
    core_end_job(c, job, JOB_FAILED);
}

void core_fail_late_job(struct core *c, struct job *job)
{
    struct err err;

    (void)err_set(&err, ERR_DEADLINE, "The deadline passed after %llu ms, %s.",
                  (unsigned long long)(c->now_ms - job->arrived_ms),
                  core_is_running(job) ? "before the worker's first token" : "in the queue");
    core_fail_job(c, job, &err);
}

/* --- Placing ------------------------------------------------------------- */

bool core_is_late(const struct core *c, const struct job *job)
{
    return job->spec.deadline_ms > 0 && job->spec.deadline_ms <= c->now_ms;
}

/* Let the strategy decide. False: the job must wait. */
bool core_place(struct core *c, struct job *job)
{
    struct decision decision = { .action = DECIDE_WAIT };

    if (core_is_late(c, job)) {
        core_fail_late_job(c, job);
        return true;
    }
    c->options.strategy->decide(c->registry, job, c->now_ms, &decision);
    if (decision.action == DECIDE_REJECT) {
        core_fail_job(c, job, &decision.reject);
        return true;
    }
    if (decision.action == DECIDE_WAIT || !decision.worker ||
        !strategy_may_run(decision.worker, job))
        return false;
    begin_run(c, job, decision.worker);
    return true;
}

void core_enqueue(struct core *c, struct job *job)
{
    size_t position = job_queue_add(c->queue, job);

    core_add_action(c, CORE_QUEUED, job->spec.id)->position = position;
}

/* Fill the room of one worker that got some. The strategy may know a better worker for
 * a job, so this one's room need not shrink with each round; somebody's does. */
void core_pump(struct core *c, const struct worker *worker)
{
    struct job *job;

    while (worker_room(worker) > 0 && (job = job_queue_next(c->queue, &worker->facts))) {
        if (!core_place(c, job))
            return;
    }
}

/* --- Lost runs ----------------------------------------------------------- */

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

static void go_on_without(struct core *c, struct job *job, const char *worker_id,
                          enum run_failure failure, const struct err *last)
{
    job_tried_on(job, worker_id);
    if (!may_retry(c, job, failure)) {
        struct err err = final_error(last);

        core_fail_job(c, job, &err);
        return;
    }
    job->worker_died = job->worker_died || failure == RUN_DIED;
    job_enter(job, JOB_QUEUED, c->now_ms);
    c->totals.retried_total++;
    if (job_queue_has_peer(c->queue, job) || !core_place(c, job))
        core_enqueue(c, job);
}

void core_run_failed(struct core *c, struct job *job, enum run_failure failure,
                     const struct err *err)
{
    char worker_id[WORKER_ID_SIZE];

    (void)str_copy(worker_id, sizeof(worker_id), str_of(job->worker_id));
    end_run(c, job);
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
        end_run(c, job);
        go_on_without(c, job, worker_id, RUN_DIED, &err);
    } while (!is_last);
}
