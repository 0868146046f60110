/* worker_info - what a worker says of itself over HTTP. Pure; the answers come from a
 * program that may be broken, so everything in them is checked. */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { WORKER_PROGRESS_UNKNOWN = -1 };

/* The part of GET /info that telemetry needs. */
struct worker_info {
    uint32_t slots, active, queued; /* slots 0: not said */
    bool has_kv_used_pct, has_tokens_per_s;
    double kv_used_pct, tokens_per_s;
};

/* Unknown members are ignored. Errors: ERR_JSON, ERR_INVALID. */
MUST_CHECK int worker_info_parse(struct str body, struct worker_info *ret, struct err *err);

/* Percent of loading done in the answer of GET /health; WORKER_PROGRESS_UNKNOWN. */
int worker_health_progress(struct str body);
