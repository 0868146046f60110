/*
 * policies - the queen's policies at work: the platform policy beside the core, the user
 * policy in its sandbox, the releases behind it, and the trace of what they decided.
 *
 * It carries out CORE_ASK (api/policy_questions.h) and CORE_DECIDED (into the trace, metrics
 * and, for a failure that is new, one line of the log). It decides nothing.
 */
#pragma once

#include "api/policy_questions.h"
#include "base/list.h"
#include "policy/platform.h"
#include "release/release.h"
#include "sandbox/sandbox.h"
#include "scheduler/core.h"
#include "trace/trace.h"

struct queen;

struct policies_config {
    bool use_platform;        /* else `simple` decides, and stands behind user policies */
    bool begins_built_in;     /* that one was asked for, whatever was deployed before */
    const char *file;         /* --scheduler FILE; NULL: none */
    const char *drop_in_dir;  /* policies.d; NULL: none */
    const char *store_dir;    /* versions; under the state directory */
    bool is_immutable;        /* platform mode */
    struct live_options live; /* with `config`: --set KEY=VALUE */
    struct sandbox_options sandbox;
    struct trace_options trace;
};
void policies_config_init(struct policies_config *c);

struct policies {
    struct queen *queen;
    const char *builtin; /* name of the strategy behind user policies */
    struct list errands; /* administrators' calls that take time (api/policy_errand.h) */
    size_t errands_len;
    struct platform *platform;
    struct sandbox *sandbox;
    struct release *release;
    struct trace *trace;
    bool uses_platform; /* as the core's strategy */

    struct questions *questions;            /* the core's, to the user policy */
    char last_failure[POLICY_MESSAGE_SIZE]; /* that was logged */
};

/* Sets the core's strategy. NULL with words in `err`. */
struct policies *policies_new(struct queen *q, const struct policies_config *config,
                              struct err *err);
void policies_free(struct policies *p);

/* The core's CORE_DECIDED. */
void policies_decided(struct policies *p, const struct decided *decided);

/* The current state, as a policy would see it now; `job_id` NULL: of no job. */
const struct snapshot *policies_snapshot(struct policies *p, const char *job_id, uint32_t *ret_row);
