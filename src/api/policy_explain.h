/*
 * policy_explain - why is it so with this job: why did it go there, why does it wait, why not
 * that worker. What the core knows of it now, what was decided about it, and how each worker
 * stands to it at this moment, in words.
 *
 *     {"job_id","state","summary","model","position"?,"predicted_start_ms"?,"waited_ms"?,
 *      "worker_id"?,"policy","verdicts":{"no_room":2,…},"candidates":[{"worker_id","verdict",
 *      "why","score"?}],"omitted","decisions":[…]}
 *
 * `candidates` are as of now, and there as long as the job lives here; `decisions` are its
 * last ones (trace/trace.h), newest first, each with the candidates of its time.
 */
#pragma once

#include "api/policies.h"
#include "base/json_write.h"

/* Members of one JSON object. `worker_id` NULL: of all workers, those of the job's model
 * first. Errors: ERR_NOT_FOUND, nothing written then. */
MUST_CHECK int explain_write(struct json_out *out, struct policies *p, const char *job_id,
                             const char *worker_id, struct err *err);
