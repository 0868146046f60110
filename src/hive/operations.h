/* operations - what POST /v1/jobs and a queen's commands can ask of a hive: one table of
 * names, roles and functions (PROTOCOL "The dual call"). */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "hive/machine.h"
#include "http/route.h"
#include "jobs/job.h"

struct hive_operation;

/* Check `body` and begin. Its job's id goes to `ret_job_id`; the job may have ended. */
typedef int hive_operation_fn(struct machine *m, const struct hive_operation *op, struct str body,
                              char ret_job_id[JOB_ID_SIZE], struct err *err);

struct hive_operation {
    const char *name;
    enum route_role role;
    hive_operation_fn *run;
};

/* Errors: ERR_JSON, ERR_MISSING, ERR_OPERATION_UNKNOWN, ERR_UNSUPPORTED. */
MUST_CHECK int hive_operation_find(struct str body, const struct hive_operation **ret,
                                   struct err *err);

/* What PROTOCOL calls worker_spawn: body {model, device?, slots?, ctx?, threads?, labels?}. */
hive_operation_fn op_worker_spawn;

/* Answered at once, or after the models have been looked through. */
hive_operation_fn op_status, op_worker_list, op_worker_get, op_worker_delete, op_model_list,
    op_refresh;
