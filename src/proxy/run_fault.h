/* run_fault - why a run failed: what the core decides by, and what people are told. */
#pragma once

#include "base/err.h"
#include "http/client.h"
#include "scheduler/core.h"

#include <stdbool.h>

struct run_fault {
    enum run_failure failure; /* of an answer of which nothing has gone out; the run makes
                                 it RUN_BROKEN once something has */
    struct err err;           /* ERR_WORKER unless the request is to blame */
};

/* Fill in with ERR_WORKER; false, so that `return run_fault_set(...)` reads as one act. */
bool run_fault_set(struct run_fault *f, enum run_failure failure, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A call that ended early. `doing` says what it was for ("Failed to send request to
 * worker"); `has_head` whether its answer had begun. The words are seed 002's.
 */
void run_fault_of_call(struct run_fault *f, enum http_call_end how, const struct err *err,
                       const char *doing, bool has_head);
