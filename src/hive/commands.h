/* commands - what a queen asks in its answer to a heartbeat: operations as in POST
 * /v1/jobs, for hives that it cannot call (behind NAT). What becomes of them shows in
 * the telemetry and in this hive's jobs. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "hive/machine.h"

/* `answer` is the whole body. A command with an "id" that was run already is left out.
 * ERR_JSON, ERR_INVALID; an operation that is refused is logged only. */
MUST_CHECK int commands_run(struct machine *m, struct str answer, struct err *err);
