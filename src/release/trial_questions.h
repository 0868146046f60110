/*
 * trial_questions - what a policy is asked about one context: its entry point, about the whole
 * queue or the first jobs; then, unless it is measured, its hooks, about the first job.
 */
#pragma once

#include "policy/policy.h"
#include "snapshot/snapshot.h"

struct trial_questions {
    const struct snapshot *snapshot;
    const struct policy_info *info;
    unsigned context; /* its number: hooks are asked otherwise from one to the next */
    unsigned calls;   /* of the entry point alone, to measure it; 0: few, and the hooks */
    unsigned asked, hooks_asked;
};

/* The next one; false: that was all. */
bool trial_questions_next(struct trial_questions *q, struct policy_call *ret);
