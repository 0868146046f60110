/*
 * probe - finds out when static workers can be reached (again).
 *
 * A static worker sends no reports, so it is believed online while connections to it
 * succeed. Each is probed when it is added, and after a run found it unreachable,
 * until it answers: after 1, 2, 4 and then every 5 s. A worker that answers is left alone: the
 * next run is its probe.
 *
 * A probe is GET /health for an rbee worker (200 counts), GET /v1/models for any
 * other (all but a 5xx counts: it may want another key, but it is there).
 */
#pragma once

#include "base/err.h"
#include "registry/worker.h"

#include <stdbool.h>
#include <stddef.h>

struct probe;
struct proxy;

enum { PROBE_WORKERS_MAX = 1024 };

/* The outcome of each probe, never inside a call made on the prober. */
typedef void probe_fn(void *data, const char *worker_id, bool is_reachable);

struct probe *probe_new(struct proxy *proxy, probe_fn *on_result, void *data);
void probe_free(struct probe *p); /* NULL is fine */

/* Watch a worker; its first probe starts in the next turn. `facts` is copied in part.
 * Errors: ERR_CONFLICT for a second one of the same id, ERR_LIMIT. */
MUST_CHECK int probe_add(struct probe *p, const struct worker_facts *facts, struct err *err);

/* A run could not reach it, or was cut: probe until it answers. Harmless for workers
 * that are not watched, and when it is being probed already. */
void probe_suspect(struct probe *p, const char *worker_id);
