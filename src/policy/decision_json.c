#include "policy/decision_json.h"

static void write_dispatch(struct json_out *out, const struct decision *d)
{
    json_str(out, "worker_id", d->worker_id);
}

static void write_wait(struct json_out *out, const struct decision *d)
{
    if (d->retry_after_ms > 0)
        json_uint(out, "retry_after_ms", d->retry_after_ms);
}

static void write_reject(struct json_out *out, const struct decision *d)
{
    json_str(out, "code", d->code);
    json_uint(out, "status", d->status);
}

static void write_start(struct json_out *out, const struct decision *d)
{
    json_begin(out, "start_worker", '{');
    json_str(out, "model_ref", d->model);
    if (d->hive_id[0])
        json_str(out, "pool_id", d->hive_id);
    if (d->gpu != DECISION_GPU_ANY)
        json_int(out, "gpu_id", d->gpu);
    json_end(out);
}

static void (*const writers[DECISION_ACTION_COUNT_])(struct json_out *out,
                                                     const struct decision *d) = {
    [DECIDE_WAIT] = write_wait,     [DECIDE_DISPATCH] = write_dispatch,
    [DECIDE_REJECT] = write_reject, [DECIDE_EVICT] = write_dispatch,
    [DECIDE_START] = write_start,
};

/* Evictions and starts are about no job. */
static bool is_about_a_job(enum decision_action action)
{
    return action == DECIDE_DISPATCH || action == DECIDE_REJECT || action == DECIDE_WAIT;
}

static void write_one(struct json_out *out, const char *key, const struct decision *d,
                      const char *job_id)
{
    const char *about = d->job_id[0] ? d->job_id : job_id;

    json_begin(out, key, '{');
    json_str(out, "action", decision_action_name(d->action));
    if (is_about_a_job(d->action) && about[0])
        json_str(out, "job_id", about);
    writers[d->action](out, d);
    if (d->reason[0])
        json_str(out, "reason", d->reason);
    json_end(out);
}

void decisions_write(struct json_out *out, const char *key, const struct decision *decisions,
                     size_t len, const char *job_id)
{
    static const struct decision nothing = { .action = DECIDE_WAIT, .gpu = DECISION_GPU_ANY };

    if (len < 2) {
        write_one(out, key, len == 1 ? decisions : &nothing, job_id);
        return;
    }
    json_begin(out, key, '{');
    json_str(out, "action", "batch");
    json_begin(out, "actions", '[');
    for (size_t i = 0; i < len; i++)
        write_one(out, NULL, &decisions[i], job_id);
    json_end(out);
    json_end(out);
}
