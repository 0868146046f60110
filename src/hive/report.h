/* report - what a hive tells of itself and its workers, as JSON: heartbeats, lists,
 * capabilities. Tokens are in heartbeats only. */
#pragma once

#include "base/buf.h"
#include "base/json_write.h"
#include "hive/machine.h"
#include "registry/worker.h"
#include "supervisor/supervisor.h"

#include <stdbool.h>

/* The body of POST /v1/hive-heartbeat. False when it is larger than `out` allows. */
bool report_write_heartbeat(const struct machine *m, bool with_capabilities, struct buf *out);

/* The members of objects that the caller has begun. */
void report_write_hive(struct json_out *o, const struct machine *m);         /* HiveInfo */
void report_write_capabilities(struct json_out *o, const struct machine *m); /* devices, models */
void report_write_workers(struct json_out *o, const struct machine *m);      /* "workers": [...] */
void report_write_worker(struct json_out *o, const struct machine *m, const struct supervised *w);

/* `facts` completed with GPU figures. Shares the labels of `w`: do not free. Pure. */
void report_worker_facts(const struct gpu_sample *gpu, const struct supervised *w,
                         struct worker_facts *ret);
