/* Operations that the registry answers at once: a job with one `end` event that
 * carries the result. */
#include "api/operations.h"

#include "api/facts_json.h"
#include "api/queen.h"
#include "base/clock.h"
#include "base/json_texts.h"
#include "proxy/job_table.h"

enum {
    RESULT_BYTES_MAX = 16 * 1024 * 1024,
    WAITING_TOLD = 200, /* queen.queue_depth counts the others, too */
};

/* Everything a report's writer needs. */
struct report {
    struct queen *queen;
    struct json_out *out;
    uint64_t now_ms;
    const char *wanted; /* id of a report about one thing */
};

static bool write_worker(void *data, const struct worker *w)
{
    struct report *r = data;

    json_begin(r->out, NULL, '{');
    facts_write_known_worker(r->out, w, r->now_ms);
    json_end(r->out);
    return true;
}

static bool write_hive(void *data, const struct hive *hive)
{
    struct report *r = data;

    json_begin(r->out, NULL, '{');
    facts_write_known_hive(r->out, hive, r->now_ms);
    json_end(r->out);
    return true;
}

static void write_model_members(struct report *r, const char *model)
{
    const struct worker_query ready = { .model = model, .available = true };

    json_str(r->out, "id", model);
    json_uint(r->out, "workers_ready", registry_count(core_registry(r->queen->core), &ready));
}

static void write_model(void *data, const char *model)
{
    struct report *r = data;

    json_begin(r->out, NULL, '{');
    write_model_members(r, model);
    json_end(r->out);
}

static void write_workers(struct report *r)
{
    const struct worker_query all = { 0 };

    json_begin(r->out, "workers", '[');
    (void)registry_find(core_registry(r->queen->core), &all, write_worker, r);
    json_end(r->out);
}

static void write_hives(struct report *r)
{
    json_begin(r->out, "hives", '[');
    (void)registry_find_hives(core_registry(r->queen->core), false, false, write_hive, r);
    json_end(r->out);
}

static void write_models(struct report *r)
{
    json_begin(r->out, "models", '[');
    (void)registry_models(core_registry(r->queen->core), write_model, r);
    json_end(r->out);
}

/* The user policy, and why it is not asked when it is not: then it is not the `scheduler`. */
static void write_policy(struct report *r)
{
    enum policy_failure unavailable;
    const char *policy = core_user_policy(r->queen->core, &unavailable);

    if (!policy)
        return;
    json_str(r->out, "policy", policy);
    json_str(r->out, "policy_state", policy_failure_name(unavailable));
}

static void write_queen(struct report *r)
{
    struct core_stats stats;

    core_get_stats(r->queen->core, &stats);
    json_begin(r->out, "queen", '{');
    json_str(r->out, "version", RBEE_VERSION);
    json_str(r->out, "mode", r->queen->config.mode);
    json_str(r->out, "scheduler", core_policy_name(r->queen->core));
    write_policy(r);
    json_uint(r->out, "uptime_s", (r->now_ms - r->queen->started_ms) / 1000);
    json_uint(r->out, "queue_depth", stats.queued);
    json_uint(r->out, "running", stats.running);
    json_uint(r->out, "done_total", stats.done_total);
    json_uint(r->out, "failed_total", stats.failed_total);
    json_uint(r->out, "cancelled_total", stats.cancelled_total);
    json_end(r->out);
}

static void write_waiting_job(struct report *r, const struct job *job)
{
    const struct core *core = r->queen->core;
    uint64_t start_in_ms = core_predicted_start_ms(core, job->spec.id);

    json_begin(r->out, NULL, '{');
    json_str(r->out, "job_id", job->spec.id);
    json_str(r->out, "model", job->spec.model);
    json_str(r->out, "priority", job_priority_name(job->spec.priority));
    json_uint(r->out, "position", core_job_position(core, job->spec.id));
    if (start_in_ms != UINT64_MAX)
        json_uint(r->out, "predicted_start_ms", start_in_ms);
    json_uint(r->out, "queue_ms", r->now_ms - job->arrived_ms);
    json_end(r->out);
}

/* In the queue's order; whichever route they came by. */
static void write_waiting(struct report *r)
{
    const struct job *first[WAITING_TOLD];
    size_t len = job_queue_first(core_queue(r->queen->core), first, WAITING_TOLD);

    json_begin(r->out, "waiting", '[');
    for (size_t i = 0; i < len; i++)
        write_waiting_job(r, first[i]);
    json_end(r->out);
}

static void write_status(struct report *r)
{
    write_queen(r);
    write_waiting(r);
    write_hives(r);
    write_workers(r);
    write_models(r);
}

/* A job that is over, with what `write` writes as its result. */
static void reply_result(struct queen *q, struct http_request *req, const struct operation *op,
                         void (*write)(struct report *r), const char *wanted)
{
    struct report report = { .queen = q, .now_ms = loop_now_ms(q->loop), .wanted = wanted };
    struct json_out out;
    struct buf json;

    buf_init(&json, RESULT_BYTES_MAX);
    json_out_init(&out, &json);
    report.out = &out;
    json_begin(&out, NULL, '{');
    write(&report);
    json_end(&out);
    job_table_reply_result(q->jobs, req, op->name, buf_str(&json));
    buf_deinit(&json);
}

void op_status(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_result(q, req, op, write_status, NULL);
}

void op_hive_list(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_result(q, req, op, write_hives, NULL);
}

void op_worker_list(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_result(q, req, op, write_workers, NULL);
}

void op_model_list(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_result(q, req, op, write_models, NULL);
}

/* --- One of a kind, named in the body ------------------------------------- */

static int read_wanted(struct http_request *req, const char *member, char *dst, size_t size,
                       struct err *err)
{
    const struct json_text members[] = { { member, dst, size } };

    dst[0] = '\0';
    int rc = json_texts_read(http_request_body(req), members, 1, err);
    if (rc == 0 && dst[0] == '\0')
        rc = err_param(err, ERR_MISSING, member, "'%s' is missing", member);
    return rc;
}

static void write_one_hive(struct report *r)
{
    const struct hive *hive = registry_hive(core_registry(r->queen->core), r->wanted);

    json_begin(r->out, "hive", '{');
    facts_write_known_hive(r->out, hive, r->now_ms);
    json_end(r->out);
}

static void write_one_worker(struct report *r)
{
    const struct worker *worker = registry_worker(core_registry(r->queen->core), r->wanted);

    json_begin(r->out, "worker", '{');
    facts_write_known_worker(r->out, worker, r->now_ms);
    json_end(r->out);
}

static void write_one_model(struct report *r)
{
    json_begin(r->out, "model", '{');
    write_model_members(r, r->wanted);
    json_end(r->out);
}

static bool knows_hive(const struct registry *r, const char *id)
{
    return registry_hive(r, id) != NULL;
}

static bool knows_worker(const struct registry *r, const char *id)
{
    return registry_worker(r, id) != NULL;
}

static void reply_one(struct queen *q, struct http_request *req, const struct operation *op,
                      const char *member, bool (*knows)(const struct registry *r, const char *id),
                      void (*write)(struct report *r))
{
    char wanted[MODEL_REF_SIZE];
    struct err err;

    int rc = read_wanted(req, member, wanted, sizeof(wanted), &err);
    if (rc == 0 && !knows(core_registry(q->core), wanted))
        rc = err_param(&err, ERR_NOT_FOUND, member, "no %.*s '%s' is known here",
                       (int)strcspn(member, "_"), member, wanted);
    if (rc < 0)
        http_reply_error(req, &err);
    else
        reply_result(q, req, op, write, wanted);
}

void op_hive_get(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_one(q, req, op, "hive_id", knows_hive, write_one_hive);
}

void op_worker_get(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_one(q, req, op, "worker_id", knows_worker, write_one_worker);
}

void op_model_get(struct queen *q, struct http_request *req, const struct operation *op)
{
    reply_one(q, req, op, "model", registry_knows_model, write_one_model);
}
