/*
 * context - snapshots from and to JSON, in the shapes of POLICY-API.
 *
 * From: what `simulate` is given, partial as it may be: fields marked `?` there, and seed,
 * tenant_id, session_id, deadline*, stay nil when absent; derived fields (model, vram_free*,
 * gpus, status counts, estimated_time, context.workers from the pools and the other way)
 * are computed unless given, and a given value wins; the rest is 0, "", false or empty.
 * Fields that POLICY-API does not have are kept as `extras` and readable on jobs, workers
 * and all other objects. Aliases are taken (model_ref/model, vram_free in bytes, hive_id).
 * To: a recorded context, whole, as `GET …/decisions/{id}` shows it.
 */
#pragma once

#include "base/err.h"
#include "base/json_write.h"
#include "snapshot/region.h"
#include "snapshot/snapshot.h"

enum { CONTEXT_BYTES_MAX = 16 * 1024 * 1024 };

/* Fill an empty region (sizeof(struct snapshot)) from a JSON object; `now_ms` where the
 * context names none. Errors: ERR_JSON, ERR_INVALID with the path in `param`
 * ("workers[3].slots"), ERR_LIMIT for more rows than fit. */
MUST_CHECK int context_read(struct region *r, struct str json, uint64_t now_ms, struct err *err);

/* Write the whole as the members of one JSON object, which the caller began. */
void context_write(struct json_out *out, const struct snapshot *s);
void context_write_job(struct json_out *out, const struct snapshot *s, const struct snap_job *job);
void context_write_worker(struct json_out *out, const struct snapshot *s,
                          const struct snap_worker *worker);
