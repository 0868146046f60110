/* The operations that are answered at once, or soon. */
#include "hive/operations.h"

#include "base/json.h"
#include "base/json_texts.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/random.h"
#include "hive/awaited.h"
#include "hive/heartbeat.h"
#include "hive/model_watch.h"
#include "hive/report.h"
#include "proxy/job_table.h"

#include <string.h>

enum { RESULT_BYTES_MAX = 8 * 1024 * 1024 };

typedef void write_fn(struct json_out *o, const struct machine *m, const struct supervised *w);

/* A job with one `end` event that carries the result. */
static int end_at_once(struct machine *m, const struct hive_operation *op, write_fn *write,
                       const struct supervised *w, char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    char id[JOB_ID_SIZE] = "job-";
    struct job_record *record;
    struct json_out o;
    struct buf json;

    random_uuid4(id + strlen(id));
    int rc = job_table_add(m->jobs, id, op->name, NULL, NULL, &record, err);
    if (rc < 0)
        return rc;
    buf_init(&json, RESULT_BYTES_MAX);
    json_out_init(&o, &json);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "end");
    json_str(&o, "job_id", id);
    json_begin(&o, "result", '{');
    write(&o, m, w);
    json_end(&o);
    json_end(&o);
    (void)job_record_event(record, "end", buf_str(&json));
    job_record_close(record, JOB_DONE, NULL);
    buf_deinit(&json);
    (void)str_copy(ret_job_id, JOB_ID_SIZE, str_of(id));
    return 0;
}

static void write_status(struct json_out *o, const struct machine *m, const struct supervised *w)
{
    (void)w;
    json_begin(o, "hive", '{');
    report_write_hive(o, m);
    json_end(o);
    report_write_workers(o, m);
}

static void write_workers(struct json_out *o, const struct machine *m, const struct supervised *w)
{
    (void)w;
    report_write_workers(o, m);
}

static void write_worker(struct json_out *o, const struct machine *m, const struct supervised *w)
{
    json_begin(o, "worker", '{');
    report_write_worker(o, m, w);
    json_end(o);
}

static void write_capabilities(struct json_out *o, const struct machine *m,
                               const struct supervised *w)
{
    (void)w;
    report_write_capabilities(o, m);
}

int op_status(struct machine *m, const struct hive_operation *op, struct str body,
              char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    (void)body;
    return end_at_once(m, op, write_status, NULL, ret_job_id, err);
}

int op_worker_list(struct machine *m, const struct hive_operation *op, struct str body,
                   char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    (void)body;
    return end_at_once(m, op, write_workers, NULL, ret_job_id, err);
}

int op_model_list(struct machine *m, const struct hive_operation *op, struct str body,
                  char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    (void)body;
    return end_at_once(m, op, write_capabilities, NULL, ret_job_id, err);
}

/* --- One worker ------------------------------------------------------------------- */

static int find_worker(const struct machine *m, struct str body, const struct supervised **ret,
                       struct err *err)
{
    char id[WORKER_ID_SIZE] = "";
    const struct json_text members[] = { { "worker_id", id, sizeof(id) } };
    int rc = json_texts_read(body, members, 1, err);

    if (rc < 0)
        return rc;
    if (!id[0])
        return err_param(err, ERR_MISSING, "worker_id", "'worker_id' is missing");
    *ret = supervisor_find(m->supervisor, id);
    if (*ret)
        return 0;
    return err_param(err, ERR_NOT_FOUND, "worker_id", "this hive has no worker '%s'", id);
}

int op_worker_get(struct machine *m, const struct hive_operation *op, struct str body,
                  char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    const struct supervised *w = NULL;
    int rc = find_worker(m, body, &w, err);

    return rc < 0 ? rc : end_at_once(m, op, write_worker, w, ret_job_id, err);
}

/* {"force": true} does not wait for running requests. *ret stays when it is not said. */
static int read_force(struct str body, bool *ret, struct err *err)
{
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (json_key(&j, "force"))
            json_read_bool(&j, ret);
        else
            json_skip(&j);
    }
    return json_finish(&j, err);
}

int op_worker_delete(struct machine *m, const struct hive_operation *op, struct str body,
                     char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    const struct supervised *w = NULL;
    struct awaited *a = NULL;
    bool force = false;
    int rc = find_worker(m, body, &w, err);

    if (rc == 0)
        rc = read_force(body, &force, err);
    if (rc == 0)
        rc = awaited_add(m, op->name, &a, err);
    if (rc < 0)
        return rc;
    (void)str_copy(ret_job_id, JOB_ID_SIZE, str_of(awaited_id(a)));
    awaited_until_gone(a, w);
    job_record_narrate(awaited_record(a), "stopping worker %s%s", w->facts.id,
                       force ? " now" : " once its running requests are through");
    log_info("worker is stopped on request", LOG_STR("worker_id", w->facts.id),
             LOG_STR("job_id", ret_job_id));
    supervisor_stop_worker(m->supervisor, w, force);
    heartbeat_now(m->heartbeat);
    return 0;
}

int op_refresh(struct machine *m, const struct hive_operation *op, struct str body,
               char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    struct awaited *a;
    int rc = awaited_add(m, op->name, &a, err);
    (void)body;

    if (rc < 0)
        return rc;
    (void)str_copy(ret_job_id, JOB_ID_SIZE, str_of(awaited_id(a)));
    awaited_until_scanned(a, model_watch_now(m->model_watch));
    return 0;
}
