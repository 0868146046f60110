/*
 * infer_request - what the queen reads of an inference request's body: enough to
 * validate, schedule and account it. The body itself goes to the worker as it came.
 *
 * One table of fields serves the OpenAI routes and the native `infer` operation, so
 * that a wrong value gets the same words everywhere. Pure; fuzzed.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "jobs/job.h"

#include <stdbool.h>
#include <stdint.h>

enum infer_route { INFER_CHAT, INFER_COMPLETIONS, INFER_EMBEDDINGS, INFER_NATIVE };

struct infer_request {
    struct job_spec spec; /* id left empty; deadline_ms is not set here */
    bool stream;
    bool has_deadline;
    uint64_t deadline_in_ms;     /* from now (native deadline_ms, a duration) */
    struct str prompt, messages; /* raw JSON values, views of the body; .p NULL when absent */
};

/*
 * Check and read `body`. On success release with infer_request_free().
 * Errors: ERR_JSON, ERR_INVALID, ERR_MISSING, each with param.
 */
MUST_CHECK int infer_request_parse(enum infer_route route, struct str body,
                                   struct infer_request *ret, struct err *err);
void infer_request_free(struct infer_request *r);
