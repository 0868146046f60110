/*
 * awaited - jobs of this hive that end later: when a worker is ready, or gone, or the
 * models have been looked through. Each ends exactly once, as done, failed or cancelled.
 */
#pragma once

#include "base/err.h"
#include "hive/machine.h"
#include "supervisor/supervisor.h"

#include <stdint.h>

struct awaited;
struct job_record;

/* A new job. Say next what it waits for, or drop it; the pointer is dead once it has ended.
 * `operation` is borrowed. ERR_LIMIT. */
MUST_CHECK int awaited_add(struct machine *m, const char *operation, struct awaited **ret,
                           struct err *err);
const char *awaited_id(const struct awaited *a);
struct job_record *awaited_record(const struct awaited *a);

/* Refused after all: forget it and its job. */
void awaited_drop(struct awaited *a);

/* What it waits for. Cancelling the first stops the worker; the others only stop waiting. */
void awaited_until_ready(struct awaited *a, const struct supervised *w);
void awaited_until_gone(struct awaited *a, const struct supervised *w);
void awaited_until_scanned(struct awaited *a, uint64_t scan);

/* What has happened, told by the machine. */
void awaited_on_worker(struct machine *m, const struct supervised *w, enum supervised_event what);
void awaited_on_scan(struct machine *m, uint64_t scan, const struct err *problem);

void awaited_free_all(struct machine *m); /* without ending their jobs */
