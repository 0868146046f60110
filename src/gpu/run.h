/* run - a small program from start to end under a time limit, its stdout kept. Blocking:
 * for threads beside the loop (loop/child.h serves the loop). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

/*
 * At most 15 arguments; argv[0] is a path, or found in PATH; stdin and stderr are /dev/null. Output
 * beyond the cap of `output` is dropped. *ret_exit_code is 128 + n for signal n. At the limit its
 * whole process group is killed.
 * Errors: ERR_UNSUPPORTED (cannot be started), ERR_TIMEOUT, ERR_SYSTEM.
 */
MUST_CHECK int run_limited(const char *const *argv, uint64_t timeout_ms, struct buf *output,
                           int *ret_exit_code, struct err *err);
