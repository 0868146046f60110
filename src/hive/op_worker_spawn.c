/* worker_spawn: a job that ends when the worker is ready, or has failed. */
#include "hive/operations.h"

#include "base/log.h"
#include "hive/awaited.h"
#include "hive/heartbeat.h"
#include "hive/metrics.h"
#include "hive/spawn_request.h"
#include "proxy/job_table.h"

#include <string.h>

static int check_hive(const struct machine *m, const struct spawn_request *r, struct err *err)
{
    if (r->hive_id[0] && strcmp(r->hive_id, m->options->id) != 0)
        return err_param(err, ERR_NOT_FOUND, "hive_id", "this hive is '%s', not '%s'",
                         m->options->id, r->hive_id);
    return 0;
}

static int check_device(const struct machine *m, const struct worker_spec *spec, struct err *err)
{
    char devices[160];
    struct buf b;

    if (!spec->device[0] || machine_has_device(m, spec->device))
        return 0;
    if (!m->has_gpu)
        return err_param(err, ERR_UNAVAILABLE, "device",
                         "this machine's GPUs are still being looked for; try again");
    buf_init_fixed(&b, devices, sizeof(devices));
    (void)buf_puts(&b, "cpu");
    for (size_t i = 0; i < m->gpu.gpus_len; i++)
        (void)buf_printf(&b, ", %s", m->gpu.gpus[i].id);
    return err_param(err, ERR_INVALID, "device", "there is no device '%s' here; there are: %s",
                     spec->device, buf_cstr(&b));
}

static int find_model(const struct machine *m, struct worker_spec *spec, struct err *err)
{
    char models[160];
    int rc = model_resolve(m->options->models_path, str_of(spec->model), spec->model_path, err);

    if (rc != ERR_MODEL_NOT_FOUND)
        return rc;
    model_list_text(&m->models, models, sizeof(models));
    return err_param(err, ERR_MODEL_NOT_FOUND, "model",
                     "this hive has no model '%.80s'; it has: %s", spec->model, models);
}

static int spawn(struct machine *m, const struct worker_spec *spec, struct awaited *a,
                 struct err *err)
{
    const struct supervised *w;
    int rc = supervisor_spawn(m->supervisor, spec, &w, err);

    if (rc < 0)
        return rc;
    hive_count_spawn(m);
    log_info("worker started", LOG_STR("worker_id", w->facts.id), LOG_STR("model", w->facts.model),
             LOG_INT("pid", w->facts.pid), LOG_INT("port", w->facts.port),
             LOG_STR("device", w->device), LOG_INT("threads", w->threads),
             LOG_STR("job_id", awaited_id(a)));
    awaited_until_ready(a, w);
    job_record_narrate(awaited_record(a),
                       "starting worker %s for %s on port %u (%s, %u slot%s, %u thread%s)",
                       w->facts.id, w->facts.model, w->facts.port, w->device, w->facts.slots,
                       w->facts.slots == 1 ? "" : "s", w->threads, w->threads == 1 ? "" : "s");
    heartbeat_now(m->heartbeat);
    return 0;
}

int op_worker_spawn(struct machine *m, const struct hive_operation *op, struct str body,
                    char ret_job_id[JOB_ID_SIZE], struct err *err)
{
    struct spawn_request r;
    struct awaited *a;
    int rc = spawn_request_parse(body, &r, err);

    if (rc < 0)
        return rc;
    rc = check_hive(m, &r, err);
    if (rc == 0)
        rc = check_device(m, &r.spec, err);
    if (rc == 0)
        rc = find_model(m, &r.spec, err);
    if (rc == 0)
        rc = awaited_add(m, op->name, &a, err);
    if (rc == 0) {
        (void)str_copy(ret_job_id, JOB_ID_SIZE, str_of(awaited_id(a)));
        rc = spawn(m, &r.spec, a, err);
        if (rc < 0)
            awaited_drop(a);
    }
    spawn_request_free(&r);
    return rc;
}
