/* decision_json - decisions as JSON, in the shapes of POLICY-API, the same everywhere. */
#pragma once

#include "base/json_write.h"
#include "scheduler/decision.h"

/* One member: the decision; `{"action":"batch","actions":[…]}` for several; for none
 * `{"action":"wait"}`. `job_id` is who was asked about, "" for nobody. */
void decisions_write(struct json_out *out, const char *key, const struct decision *decisions,
                     size_t len, const char *job_id);
