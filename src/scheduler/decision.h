/*
 * decision - what a policy answers, in any language, and what became of it.
 *
 * A policy is asked about one job or about the whole queue and gives a short list of
 * decisions, carried out in order. Ids are texts of the policy's, checked against the live
 * state by the core before anything acts (POLICY-API "Decisions"): a lie is `invalid`, and
 * the built-in strategy decides instead.
 */
#pragma once

#include "jobs/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decision_action {
    DECIDE_WAIT,     /* reason, retry_after_ms */
    DECIDE_DISPATCH, /* job_id, worker_id */
    DECIDE_REJECT,   /* job_id, code, status, reason */
    DECIDE_EVICT,    /* worker_id, reason */
    DECIDE_START,    /* model, hive_id, gpu, reason */
    DECISION_ACTION_COUNT_,
};
const char *decision_action_name(enum decision_action action); /* "start_worker" */
bool decision_action_parse(struct str name, enum decision_action *ret);

enum {
    DECISIONS_MAX = 64, /* in one answer; more is invalid */
    DECISION_REASON_SIZE = 160,
    DECISION_CODE_SIZE = 64,
    DECISION_GPU_ANY = -1,
};

struct decision {
    enum decision_action action;
    char job_id[JOB_ID_SIZE]; /* "": the job that was asked about */
    char worker_id[WORKER_ID_SIZE];
    char hive_id[HIVE_ID_SIZE]; /* "": anywhere */
    char model[MODEL_REF_SIZE];
    int32_t gpu;
    uint32_t retry_after_ms;       /* wait: ask again then, 0: when something has changed */
    uint32_t status;               /* reject: 403, 429, 503 or 504 */
    char code[DECISION_CODE_SIZE]; /* reject: [a-z0-9_]+ */
    char reason[DECISION_REASON_SIZE];
};

struct decisions {
    struct decision items[DECISIONS_MAX];
    size_t len; /* 0: wait until something changes */
};

/* Why a user policy's answer did not count, and the built-in strategy decided. */
enum policy_failure {
    POLICY_OK,
    POLICY_TIMEOUT,
    POLICY_MEMORY,
    POLICY_ERROR, /* it raised one */
    POLICY_LOAD,
    POLICY_INVALID, /* it answered what cannot be */
    POLICY_CRASH,
    POLICY_BREAKER,
    POLICY_STARVED, /* the machine was too busy to run it: nobody's fault */
    POLICY_SANDBOX_UNAVAILABLE,
    POLICY_FAILURE_COUNT_,
};
const char *policy_failure_name(enum policy_failure failure); /* "sandbox_unavailable" */
