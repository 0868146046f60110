/* What the core is asked: by its edge, by strategies, by whoever shows its state. */
#include "scheduler/core_private.h"

const struct registry *core_registry(const struct core *c)
{
    return c->registry;
}

const struct job_queue *core_queue(const struct core *c)
{
    return c->queue;
}

const struct job *core_job(const struct core *c, const char *job_id)
{
    return map_get(&c->jobs, str_of(job_id));
}

size_t core_job_position(const struct core *c, const char *job_id)
{
    const struct job *job = core_job(c, job_id);

    return job && job->lane ? job_queue_position(c->queue, job) : 0;
}

double core_tenant_service(const struct core *c, const char *tenant_id)
{
    return fairness_service(c->fairness, tenant_id);
}

const char *core_policy_name(const struct core *c)
{
    return core_user_decides(c) ? c->policy.name : c->options.strategy->name;
}

const char *core_user_policy(const struct core *c, enum policy_failure *ret_unavailable)
{
    *ret_unavailable = c->policy.unavailable;
    return c->policy.is_set ? c->policy.name : NULL;
}

void core_get_stats(const struct core *c, struct core_stats *ret)
{
    const struct job_queue_stats *queue = job_queue_stats(c->queue);

    *ret = c->totals;
    ret->jobs = map_count(&c->jobs);
    ret->queued = queue->count;
    ret->queued_interactive = queue->by_priority[JOB_INTERACTIVE];
    ret->queued_batch = queue->by_priority[JOB_BATCH];
    ret->queued_bytes = queue->bytes;
    ret->looked_at_total = queue->looked_at_total;
    ret->asked_total = c->asks;
    ret->starting = c->starting;
}
