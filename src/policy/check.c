/* Does an answer make sense for what the policy saw? */
#include "policy/policy.h"

#include <stdio.h>

struct checking {
    const struct snapshot *s;
    uint32_t asked_job;
    const struct decisions *all;
    char *message;
    size_t size;
};

/* The row of the job that a decision is about; SNAP_NONE: none, or none such. */
static uint32_t job_of(const struct checking *c, const struct decision *d)
{
    return d->job_id[0] == '\0' ? c->asked_job : snapshot_find_job(c->s, str_of(d->job_id));
}

static bool knows_job(const struct checking *c, const struct decision *d)
{
    if (snapshot_job(c->s, job_of(c, d)))
        return true;
    if (d->job_id[0] == '\0')
        (void)snprintf(c->message, c->size, "%s without 'job_id'", decision_action_name(d->action));
    else
        (void)snprintf(c->message, c->size, "there is no job '%s' in the queue", d->job_id);
    return false;
}

/* How many decisions before this one already took room of its worker, or its job. */
static bool is_repeated(const struct checking *c, const struct decision *d, uint32_t *ret_taken)
{
    *ret_taken = 0;
    for (const struct decision *e = c->all->items; e < d; e++) {
        if (e->action != DECIDE_DISPATCH && e->action != DECIDE_REJECT)
            continue;
        if (job_of(c, e) == job_of(c, d))
            return true;
        *ret_taken += e->action == DECIDE_DISPATCH && strcmp(e->worker_id, d->worker_id) == 0;
    }
    return false;
}

static bool check_dispatch(const struct checking *c, const struct decision *d)
{
    const struct snap_worker *worker =
        snapshot_worker(c->s, snapshot_find_worker(c->s, str_of(d->worker_id)));
    uint32_t taken;

    if (!knows_job(c, d))
        return false;
    if (!worker) {
        (void)snprintf(c->message, c->size, "there is no worker '%s'", d->worker_id);
        return false;
    }
    if (is_repeated(c, d, &taken)) {
        (void)snprintf(c->message, c->size, "job '%s' is decided about twice", d->job_id);
        return false;
    }
    enum snap_verdict verdict = snapshot_can_run(c->s, worker, snapshot_job(c->s, job_of(c, d)));
    if (verdict == SNAP_OK && taken >= snapshot_room(worker))
        verdict = SNAP_NO_ROOM;
    if (verdict != SNAP_OK)
        (void)snprintf(c->message, c->size, "worker '%s' cannot run the job: %s", d->worker_id,
                       snap_verdict_name(verdict));
    return verdict == SNAP_OK;
}

static bool check_reject(const struct checking *c, const struct decision *d)
{
    return knows_job(c, d);
}

static bool check_wait(const struct checking *c, const struct decision *d)
{
    return d->job_id[0] == '\0' || knows_job(c, d);
}

static bool check_evict(const struct checking *c, const struct decision *d)
{
    const struct snap_worker *worker =
        snapshot_worker(c->s, snapshot_find_worker(c->s, str_of(d->worker_id)));

    if (!worker)
        (void)snprintf(c->message, c->size, "there is no worker '%s'", d->worker_id);
    else if (!snapshot_can_evict(c->s, worker, 0))
        (void)snprintf(c->message, c->size,
                       "worker '%s' cannot be evicted: only idle ones that are neither pinned nor "
                       "configured by hand are",
                       d->worker_id);
    else
        return true;
    return false;
}

/* By its reference or one of its aliases. A pool that lists none may have any. */
static bool lists_model(const struct snapshot *s, const struct snap_pool *pool, const char *ref)
{
    const struct snap_model *model = snapshot_model(s, snapshot_find_model(s, str_of(ref)));

    return pool->cached_models.len == 0 || snapshot_has_item(s, pool->cached_models, str_of(ref)) ||
           (model && snapshot_has_item(s, pool->cached_models, snapshot_text(s, model->ref)));
}

static bool has_gpu(const struct snapshot *s, const struct snap_pool *pool, int32_t id)
{
    if (id == DECISION_GPU_ANY || (pool->gpus_len == 0 && s->header.by_hand))
        return true;
    for (uint32_t i = 0; i < pool->gpus_len; i++) {
        if (pool->gpus[i].id == (uint32_t)id)
            return true;
    }
    return false;
}

static bool can_start(const struct checking *c, const struct decision *d,
                      const struct snap_pool *pool, const char *before)
{
    struct str id = snapshot_text(c->s, pool->id);

    if (pool->status == SNAP_OFFLINE)
        (void)snprintf(c->message, c->size, "%spool '%.*s' is offline", before, STR_ARG(id));
    else if (!lists_model(c->s, pool, d->model))
        (void)snprintf(c->message, c->size, "%spool '%.*s' does not list model '%s'", before,
                       STR_ARG(id), d->model);
    else if (!has_gpu(c->s, pool, d->gpu))
        (void)snprintf(c->message, c->size, "%spool '%.*s' has no GPU %d", before, STR_ARG(id),
                       d->gpu);
    else
        return true;
    return false;
}

/* Without a pool: one that can is enough. */
static bool check_start(const struct checking *c, const struct decision *d)
{
    const struct snap_pool *pool = NULL;

    if (d->hive_id[0] != '\0') {
        pool = snapshot_pool(c->s, snapshot_find_pool(c->s, str_of(d->hive_id)));
        if (pool)
            return can_start(c, d, pool, "");
        (void)snprintf(c->message, c->size, "there is no pool '%s'", d->hive_id);
        return false;
    }
    for (uint32_t row = 0; row < c->s->header.pools; row++) {
        const struct snap_pool *other = snapshot_pool(c->s, row);
        if (other && can_start(c, d, other, "no pool can start it: "))
            return true;
        pool = other ? other : pool;
    }
    return !pool; /* a context by hand may leave them out */
}

static bool (*const checks[DECISION_ACTION_COUNT_])(const struct checking *c,
                                                    const struct decision *d) = {
    [DECIDE_WAIT] = check_wait,     [DECIDE_DISPATCH] = check_dispatch,
    [DECIDE_REJECT] = check_reject, [DECIDE_EVICT] = check_evict,
    [DECIDE_START] = check_start,
};

enum policy_failure policy_check_answer(const struct snapshot *s, uint32_t asked_job,
                                        const struct decisions *decisions, char *ret_message,
                                        size_t size)
{
    struct checking c = {
        .s = s,
        .asked_job = asked_job,
        .all = decisions,
        .message = ret_message,
        .size = size,
    };

    for (size_t i = 0; i < decisions->len; i++) {
        if (!checks[decisions->items[i].action](&c, &decisions->items[i]))
            return POLICY_INVALID;
    }
    ret_message[0] = '\0'; /* of pools that another one made good */
    return POLICY_OK;
}
