#include "scheduler/decision.h"

#include <assert.h>

/* POLICY-API's words. */
static const char *const actions[] = {
    [DECIDE_WAIT] = "wait",   [DECIDE_DISPATCH] = "dispatch",  [DECIDE_REJECT] = "reject",
    [DECIDE_EVICT] = "evict", [DECIDE_START] = "start_worker",
};
static_assert(sizeof(actions) / sizeof(actions[0]) == DECISION_ACTION_COUNT_,
              "an action has no name");

static const char *const failures[] = {
    [POLICY_OK] = "ok",           [POLICY_TIMEOUT] = "timeout",
    [POLICY_MEMORY] = "memory",   [POLICY_ERROR] = "error",
    [POLICY_LOAD] = "load",       [POLICY_INVALID] = "invalid",
    [POLICY_CRASH] = "crash",     [POLICY_BREAKER] = "breaker",
    [POLICY_STARVED] = "starved", [POLICY_SANDBOX_UNAVAILABLE] = "sandbox_unavailable",
};
static_assert(sizeof(failures) / sizeof(failures[0]) == POLICY_FAILURE_COUNT_,
              "a failure has no name");

const char *decision_action_name(enum decision_action action)
{
    assert(action < DECISION_ACTION_COUNT_);
    return actions[action];
}

bool decision_action_parse(struct str name, enum decision_action *ret)
{
    for (size_t i = 0; i < DECISION_ACTION_COUNT_; i++) {
        if (!str_eq(name, actions[i]))
            continue;
        *ret = (enum decision_action)i;
        return true;
    }
    return false;
}

const char *policy_failure_name(enum policy_failure failure)
{
    assert(failure < POLICY_FAILURE_COUNT_);
    return failures[failure];
}
