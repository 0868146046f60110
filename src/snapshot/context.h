/*
 * context - snapshots from and to JSON, in the shapes of POLICY-API.
 *
 * From: what `simulate` is given, partial as it may be: fields marked `?` there, and seed,
 * tenant_id, session_id, deadline*, stay nil when absent; derived fields (model, vram_free*,
 * gpus, status counts, estimated_time, context.workers from the pools and the other way)
 * are computed unless given, and a given value wins; the rest is 0, "", false or empty.
 * null is as absent. Labels become typed fields where those are not given. The queue is listed
 * as it is given; whose turn it is goes by band, deadline and arrival (context_queue.c).
 *
 * What rows cannot hold is kept as `extras`, readable on every object: fields that POLICY-API
 * does not have, words for a status or priority that are not ours (they bind nobody), numbers
 * with a fraction where rows count in wholes. Aliases are taken (model_ref/model, vram_free in
 * bytes, hive_id, `worker_id` and `hive_id` on jobs as pins). Workers of one id are one row,
 * whether they stand in workers[] or in pools[].workers[], where an id alone will do. Models
 * that workers or pools name get rows, and so do pools that workers name.
 *
 * To: a recorded context, whole, as `GET .../decisions/{id}` shows it: the facts by the same
 * names, and those that only rows have (in_flight, first_seen_ms, cached_tokens, ...), so that
 * reading it again gives the same rows.
 */
#pragma once

#include "base/err.h"
#include "base/json_write.h"
#include "snapshot/region.h"
#include "snapshot/snapshot.h"

enum { CONTEXT_BYTES_MAX = 16 * 1024 * 1024 };

/* Fill an empty region (sizeof(struct snapshot)) from a JSON object; `now_ms` where the
 * context names none. After an error the region holds part of it. Errors: ERR_JSON,
 * ERR_INVALID with the path in `param` ("workers[3].slots"), ERR_LIMIT for more rows or texts
 * than fit, ERR_TOO_LARGE. */
MUST_CHECK int context_read(struct region *r, struct str json, uint64_t now_ms, struct err *err);

/* Write the whole as the members of one JSON object, which the caller began. */
void context_write(struct json_out *out, const struct snapshot *s);

/* One row as an element of an array that the caller began. */
void context_write_job(struct json_out *out, const struct snapshot *s, const struct snap_job *job);
void context_write_worker(struct json_out *out, const struct snapshot *s,
                          const struct snap_worker *worker);
