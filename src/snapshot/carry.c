#include "snapshot/carry.h"

#include <string.h>

/* --- Rows --------------------------------------------------------------------------- */

static void put_row(const struct carry *c, size_t table, size_t size, uint32_t row,
                    const void *bytes)
{
    c->put(c->data, table + row * size, bytes, size);
}

void carry_asked(const struct carry *c, uint32_t job)
{
    c->put(c->data, offsetof(struct snapshot, header.asked_job), &job, sizeof(job));
}

static void put_metrics(const struct carry *c, const struct snap_metrics *metrics)
{
    c->put(c->data, offsetof(struct snapshot, header.metrics), metrics, sizeof(*metrics));
}

/* --- The queue ------------------------------------------------------------------------ */

static uint64_t moved(uint64_t count, int change)
{
    return change < 0 && count == 0 ? 0 : count + (uint64_t)(int64_t)change;
}

/* One more waits, or one less. */
static void count_waiting(const struct carry *c, const struct snap_job *job, int change)
{
    const struct snap_model *of_job = snapshot_model(c->s, job->model);
    struct snap_metrics metrics = c->s->header.metrics;
    uint64_t *of_priority =
        job->is_batch ? &metrics.queue_depth_batch : &metrics.queue_depth_interactive;

    metrics.queue_depth = moved(metrics.queue_depth, change);
    *of_priority = moved(*of_priority, change);
    put_metrics(c, &metrics);
    if (!of_job)
        return;
    struct snap_model model = *of_job;
    model.queued = (uint32_t)moved(model.queued, change);
    put_row(c, offsetof(struct snapshot, models), sizeof(model), job->model, &model);
}

void carry_let_in(const struct carry *c, uint32_t row)
{
    const struct snap_job *job = snapshot_job(c->s, row);

    if (job)
        count_waiting(c, job, 1);
}

/* --- A run ------------------------------------------------------------------------------ */

static void count_full(const struct carry *c)
{
    struct snap_metrics metrics = c->s->header.metrics;

    metrics.ready_workers = moved(metrics.ready_workers, -1);
    metrics.busy_workers++;
    put_metrics(c, &metrics);
}

static void charge(const struct carry *c, uint32_t row, const struct snap_job *job)
{
    struct snap_worker worker = c->s->workers[row];

    worker.in_flight++;
    worker.active++;
    worker.uses++;
    worker.last_used_ms = c->s->header.now_ms;
    worker.in_flight_tokens += job->prompt_tokens + snapshot_predicted_tokens(c->s, job);
    worker.queued_prefill_tokens += snapshot_uncached_tokens(job, row);
    bool gets_full =
        worker.status == SNAP_READY && worker.slots > 0 && worker.active >= worker.slots;
    if (gets_full)
        worker.status = SNAP_BUSY;
    put_row(c, offsetof(struct snapshot, workers), sizeof(worker), row, &worker);
    if (gets_full)
        count_full(c);
}

static void count_running(const struct carry *c, const struct snap_job *job)
{
    const struct snap_tenant *of_job = snapshot_tenant(c->s, job->tenant);

    if (!of_job)
        return;
    struct snap_tenant tenant = *of_job;
    tenant.concurrent++;
    put_row(c, offsetof(struct snapshot, tenants), sizeof(tenant), job->tenant, &tenant);
}

/* --- Decisions ------------------------------------------------------------------------------ */

/* Of the job's model: no other could run it. */
static uint32_t find_worker(const struct snapshot *s, const struct snap_job *job, struct str id)
{
    const struct snap_model *model = snapshot_model(s, job->model);
    uint32_t row = model ? model->first_worker : SNAP_NONE;
    const struct snap_worker *w;

    for (uint32_t i = 0; i < SNAP_WORKERS_MAX && (w = snapshot_worker(s, row)); i++) {
        struct str own = snapshot_text(s, w->id);

        if (own.len == id.len && memcmp(own.p, id.p, id.len) == 0)
            return row;
        row = w->next_in_model;
    }
    return SNAP_NONE;
}

static bool carry_dispatch(const struct carry *c, const struct snap_job *job,
                           const struct decision *d)
{
    uint32_t row = find_worker(c->s, job, str_of(d->worker_id));
    const struct snap_worker *worker = snapshot_worker(c->s, row);

    if (!worker || snapshot_can_run(c->s, worker, job) != SNAP_OK)
        return false;
    charge(c, row, job);
    count_waiting(c, job, -1);
    count_running(c, job);
    return true;
}

static bool carry_reject(const struct carry *c, const struct snap_job *job,
                         const struct decision *d)
{
    (void)d;
    count_waiting(c, job, -1);
    return true;
}

static bool carry_wait(const struct carry *c, const struct snap_job *job, const struct decision *d)
{
    (void)c;
    (void)job;
    (void)d;
    return true;
}

/* Only about the job that was asked about: in the snapshot of a question about one job there
 * are no others. */
static bool carry_decision(const struct carry *c, const struct snap_job *job,
                           const struct decision *d)
{
    static bool (*const carries[DECISION_ACTION_COUNT_])(
        const struct carry *c, const struct snap_job *job, const struct decision *d) = {
        [DECIDE_WAIT] = carry_wait,
        [DECIDE_DISPATCH] = carry_dispatch,
        [DECIDE_REJECT] = carry_reject,
    };
    bool is_about_it = job && (!*d->job_id || str_eq(snapshot_text(c->s, job->id), d->job_id));

    return is_about_it && carries[d->action] && carries[d->action](c, job, d);
}

/* Nothing can be decided about a job that went or was rejected. */
bool carry_decisions(const struct carry *c, uint32_t job, const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->len; i++) {
        if (i > 0 && decisions->items[i - 1].action != DECIDE_WAIT)
            return false;
        if (!carry_decision(c, snapshot_job(c->s, job), &decisions->items[i]))
            return false;
    }
    return true;
}
