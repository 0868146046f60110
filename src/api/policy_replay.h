/*
 * policy_replay - another policy over what was decided before: each recorded context is
 * restored, the policy is asked what was asked then, with the same seed, and where it would
 * have decided otherwise, or failed, that is told.
 *
 * A policy with schedule() that replays a question about one job sees a queue of that job.
 */
#pragma once

#include "api/policies.h"
#include "api/policy_source.h"
#include "base/err.h"

struct replay;

struct replay_options {
    struct policies *policies;
    const struct policy_source *source; /* borrowed for the call */
    uint64_t from, to;                  /* decisions, both included */
    /* Once, from the loop: {"replayed","unavailable","same","differences":[…]}, or why not.
     * The replay is gone then. */
    void (*on_done)(void *data, struct str json, const struct err *err);
    void *data;
};
struct replay *replay_start(const struct replay_options *options);
void replay_cancel(struct replay *r); /* before on_done only; NULL is fine */

/* Do two decisions, as JSON, do the same? Their reasons do not count. */
bool replay_is_same(struct str was, struct str would_be);
