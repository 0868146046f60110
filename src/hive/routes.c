#include "hive/routes.h"

#include "base/json_write.h"
#include "base/log.h"
#include "hive/machine.h"
#include "hive/metrics.h"
#include "hive/operations.h"
#include "hive/report.h"
#include "http/server.h"
#include "loop/loop.h"
#include "proxy/job_table.h"

#include <unistd.h>

enum { ANSWER_BYTES_MAX = 8 * 1024 * 1024, JOB_BODY_BYTES_MAX = 1024 * 1024 };

static const char json_type[] = "application/json";

/* --- Jobs --------------------------------------------------------------------------- */

static void post_job(struct http_request *req)
{
    struct machine *m = http_request_app(req);
    const struct hive_operation *op;
    char job_id[JOB_ID_SIZE];
    struct err err;

    int rc = hive_operation_find(http_request_body(req), &op, &err);
    if (rc == 0)
        rc = http_request_check_role(req, op->role, &err);
    if (rc == 0)
        rc = op->run(m, op, http_request_body(req), job_id, &err);
    if (rc < 0)
        http_reply_error(req, &err);
    else
        job_table_reply_accepted(req, job_id);
}

static struct job_table *jobs_of(struct http_request *req)
{
    return ((struct machine *)http_request_app(req))->jobs;
}

static void list_jobs(struct http_request *req)
{
    job_table_reply_list(jobs_of(req), req);
}

static void get_job(struct http_request *req)
{
    job_table_reply_state(jobs_of(req), req);
}

static void stream_job(struct http_request *req)
{
    job_table_reply_stream(jobs_of(req), req);
}

static void delete_job(struct http_request *req)
{
    job_table_reply_delete(jobs_of(req), req);
}

/* --- What there is --------------------------------------------------------------------- */

/* 200 with an object whose members `write` fills. */
static void reply_object(struct http_request *req,
                         void (*write)(struct json_out *o, const struct machine *m))
{
    struct json_out o;
    struct buf json;

    buf_init(&json, ANSWER_BYTES_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    write(&o, http_request_app(req));
    json_end(&o);
    http_reply(req, 200, json_type, buf_str(&json));
    buf_deinit(&json);
}

static void get_capabilities(struct http_request *req)
{
    reply_object(req, report_write_capabilities);
}

static void get_workers(struct http_request *req)
{
    reply_object(req, report_write_workers);
}

static void write_info(struct json_out *o, const struct machine *m)
{
    json_str(o, "service", "rbee-hive");
    json_str(o, "version", RBEE_VERSION);
    json_str(o, "api_version", "v1");
    json_begin(o, "hive", '{');
    report_write_hive(o, m);
    json_end(o);
    json_time(o, "started_at", m->started_wall_ms);
    json_uint(o, "uptime_s", (loop_now_ms(m->loop) - m->started_ms) / 1000);
    json_uint(o, "pid", (uint64_t)getpid());
    json_uint(o, "workers", supervisor_count(m->supervisor));
    json_str(o, "models_dir", m->options->models_path);
    json_bool(o, "cgroups", m->supervisor_options.cgroups != NULL);
}

static void get_info(struct http_request *req)
{
    reply_object(req, write_info);
}

/* --- The daemon itself -------------------------------------------------------------------- */

static void get_health(struct http_request *req)
{
    http_reply(req, 200, json_type, str_of("{\"status\":\"ok\"}"));
}

static void get_ready(struct http_request *req)
{
    const struct machine *m = http_request_app(req);
    struct err err;

    if (!m->is_stopping) {
        http_reply(req, 200, json_type, str_of("{\"status\":\"ready\"}"));
        return;
    }
    (void)err_set(&err, ERR_UNAVAILABLE, "the hive is stopping");
    http_reply_error(req, &err);
}

static void get_metrics(struct http_request *req)
{
    struct buf text;

    buf_init(&text, ANSWER_BYTES_MAX);
    hive_metrics_write(http_request_app(req), &text);
    http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
    buf_deinit(&text);
}

static void post_shutdown(struct http_request *req)
{
    struct machine *m = http_request_app(req);

    log_info("shutdown asked for", LOG_STR("request_id", http_request_id(req)));
    http_reply(req, 202, json_type,
               str_of("{\"status\":\"stopping\",\"message\":\"workers are stopped first\"}"));
    m->on_shutdown(m->on_shutdown_data);
}

/* clang-format off */
const struct route hive_routes[] = {
    { "POST",   "/v1/jobs",             post_job,         ROUTE_CLIENT, 0, JOB_BODY_BYTES_MAX, "Run an operation" },
    { "GET",    "/v1/jobs",             list_jobs,        ROUTE_CLIENT, 0, 0, "Jobs and their states" },
    { "GET",    "/v1/jobs/{id}",        get_job,          ROUTE_CLIENT, 0, 0, "One job's state" },
    { "GET",    "/v1/jobs/{id}/stream", stream_job,       ROUTE_CLIENT, 0, 0, "One job's events" },
    { "DELETE", "/v1/jobs/{id}",        delete_job,       ROUTE_ADMIN,  0, 0, "Cancel a job" },
    { "GET",    "/v1/capabilities",     get_capabilities, ROUTE_CLIENT, 0, 0, "Devices and models" },
    { "GET",    "/v1/workers",          get_workers,      ROUTE_CLIENT, 0, 0, "Workers, as telemetry tells them" },
    { "GET",    "/v1/info",             get_info,         ROUTE_CLIENT, 0, 0, "What this hive is" },
    { "GET",    "/health",              get_health,       ROUTE_OPEN,   0, 0, "Liveness" },
    { "GET",    "/ready",               get_ready,        ROUTE_OPEN,   0, 0, "Serving, and not stopping" },
    { "GET",    "/metrics",             get_metrics,      ROUTE_CLIENT, 0, 0, "Prometheus text" },
    { "POST",   "/v1/shutdown",         post_shutdown,    ROUTE_ADMIN,  0, 0, "Stop the workers, then this hive" },
    { NULL, NULL, NULL, ROUTE_OPEN, 0, 0, NULL },
};
/* clang-format on */
