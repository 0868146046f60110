/*
 * A job's ways through the core: let in, queued, run, ended. Each end of a run and of a job
 * goes through one function, so that nothing is left behind.
 */
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
    *action = (struct core_action){
        .kind = kind,
        .decided = { .number = c->acting.number,
                     .policy = c->acting.policy,
                     .version = c->acting.version },
    };
    (void)str_copy(action->job_id, sizeof(action->job_id), str_of(job_id));
    return action;
}

void core_add_failure(struct core *c, const char *job_id, const struct err *err)
{
    core_add_action(c, CORE_FAIL, job_id)->err = *err;
    c->totals.failed_total++;
}

void core_say_queued(struct core *c, const struct job *job)
{
    core_refresh_outlook(c, job->spec.model);
    struct core_action *action = core_add_action(c, CORE_QUEUED, job->spec.id);
    action->position = job_queue_position(c->queue, job);
    action->predicted_start_ms = core_predicted_start_ms(c, job->spec.id);
}

/* --- Waiting --------------------------------------------------------------- */

/* Its time in the queue begins now, whatever its policy was asked before. */
static void add_to_queue(struct core *c, struct job *job)
{
    job->entered_ms = c->now_ms;
    job_queue_add(c->queue, job);
}

void core_enqueue(struct core *c, struct job *job)
{
    add_to_queue(c, job);
    core_say_queued(c, job);
}

void core_let_in(struct core *c, struct job *job, bool has_waited)
{
    struct err err;

    if (core_user_decides(c) && c->policy.entry != POLICY_ENTRY_NONE) {
        add_to_queue(c, job);
        (void)core_raise(c, job, ASK_JOB);
        return;
    }
    if (!job_queue_has_peer_before(c->queue, job)) {
        if (core_place(c, job))
            return;
    } else if (!has_waited && core_refuse(c, job)) {
        return;
    }
    if (!has_waited && core_check_queue(c, &job->spec, &err) < 0)
        core_fail_job(c, job, &err);
    else
        core_enqueue(c, job);
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

void core_begin_run(struct core *c, struct job *job, const struct worker *worker)
{
    core_drop_question(c, job);
    core_wait_until(c, job, 0);
    if (job->lane)
        job_queue_take(c->queue, job);
    job_enter(job, JOB_DISPATCHED, c->now_ms);
    job->dispatched_ms = c->now_ms;
    job->started_ms = 0;
    (void)str_copy(job->worker_id, sizeof(job->worker_id), str_of(worker->facts.id));
    list_push_back(&crew_for(c, job->worker_id)->runs, &job->in_run);
    core_account_dispatch(c, job, worker);
    c->totals.running++;
    c->totals.dispatched_total++;

    struct core_action *action = core_add_action(c, CORE_DISPATCH, job->spec.id);
    action->attempt = job->attempt;
    action->worker = worker;
}

void core_start_streaming(struct core *c, struct job *job)
{
    if (job->state == JOB_STREAMING)
        return;
    registry_prefilled(c->registry, job->worker_id, &job->tokens, c->now_ms - job->dispatched_ms);
    job_enter(job, JOB_STREAMING, c->now_ms);
    job->started_ms = c->now_ms;
    deadlines_remove(&c->deadlines, job); /* kept */
}

void core_end_run(struct core *c, struct job *job)
{
    struct crew *crew = map_get(&c->crews, str_of(job->worker_id));

    list_remove(&job->in_run);
    if (list_is_empty(&crew->runs)) {
        (void)map_remove(&c->crews, str_of(job->worker_id));
        list_remove(&crew->in_lost);
        free(crew);
    }
    core_account_release(c, job);
    job->worker_id[0] = '\0';
    c->totals.running--;
}

/* --- Ends ------------------------------------------------------------------ */

/* What on_outcome() will be told; takes the job. */
static void keep_for_outcome(struct core *c, struct job *job, const struct core_end *end,
                             const char *worker_id)
{
    struct question *q = core_raise(c, job, ASK_OUTCOME);
    uint64_t left_ms = job->dispatched_ms > 0 ? job->dispatched_ms : c->now_ms;

    if (end->err)
        q->err = *end->err;
    (void)str_copy(q->worker_id, sizeof(q->worker_id), str_of(worker_id));
    q->tokens_in = end->tokens_in;
    q->tokens_out = end->tokens_out;
    q->queue_ms = left_ms - job->arrived_ms;
    q->ttft_ms = job->started_ms > 0 ? job->started_ms - job->arrived_ms : 0;
    q->total_ms = c->now_ms - job->arrived_ms;
}

static const char *last_worker(const struct job *job)
{
    if (*job->worker_id || job->tried_len == 0)
        return job->worker_id;
    return job->tried[job->tried_len - 1];
}

/* However a job ends, it leaves everything here. */
void core_end_job(struct core *c, struct job *job, const struct core_end *end)
{
    char worker_id[WORKER_ID_SIZE];

    (void)str_copy(worker_id, sizeof(worker_id), str_of(last_worker(job)));
    core_drop_question(c, job);
    core_wait_until(c, job, 0);
    if (job->lane)
        job_queue_remove(c->queue, job);
    if (*job->worker_id)
        core_end_run(c, job);
    if (job->state == JOB_DISPATCHED)
        core_account_undone(c, job);
    deadlines_remove(&c->deadlines, job);
    job_enter(job, end->state, c->now_ms);
    (void)map_remove(&c->jobs, str_of(job->spec.id));
    if (core_user_decides(c) && c->policy.hooks & POLICY_HOOK_OUTCOME &&
        c->outcomes_len < OUTCOMES_MAX)
        keep_for_outcome(c, job, end, worker_id);
    else
        job_free(job);
}

void core_fail_job(struct core *c, struct job *job, const struct err *err)
{
    core_add_failure(c, job->spec.id, err);
    core_end_job(c, job, &(struct core_end){ .state = JOB_FAILED, .err = err });
}

bool core_is_late(const struct core *c, const struct job *job)
{
    return job->spec.deadline_ms > 0 && job->spec.deadline_ms <= c->now_ms;
}

void core_fail_late_job(struct core *c, struct job *job)
{
    struct err err;

    (void)err_set(&err, ERR_DEADLINE, "The deadline passed after %llu ms, %s.",
                  (unsigned long long)(c->now_ms - job->arrived_ms),
                  core_is_running(job) ? "before the worker's first token" : "in the queue");
    core_fail_job(c, job, &err);
}
