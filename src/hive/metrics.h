/* metrics - what a hive counts, for GET /metrics. */
#pragma once

#include "base/buf.h"
#include "hive/machine.h"

struct metrics *hive_metrics_new(void);

void hive_count_heartbeat(struct machine *m, const char *result); /* "ok", "error" */
void hive_count_spawn(struct machine *m);
void hive_count_failure(struct machine *m);

void hive_metrics_write(struct machine *m, struct buf *out);
