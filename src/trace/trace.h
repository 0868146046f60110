/*
 * trace - what was decided, by whom, from what, and what came of it: a bounded ring of
 * decision records, for `GET …/decisions`, `replay` and `explain`.
 *
 * A record is small and costs a copy; everything else is made when somebody asks: the
 * context is rebuilt from the snapshot's history (snapshot/region.h) as long as that goes
 * back so far, and the candidates, with the reason each was filtered out or its score, are
 * worked out again from it, by the code that decided. It lives at the edge; nothing is
 * decided by it.
 */
#pragma once

#include "base/json_write.h"
#include "policy/policy.h"
#include "snapshot/carry.h"
#include "snapshot/region.h"

struct trace_options {
    size_t records_max;    /* 10,000 */
    size_t bytes_max;      /* of their texts and decisions; 32 MiB */
    size_t candidates_max; /* shown per decision; 256 */
};
void trace_options_init(struct trace_options *o);

struct trace;
struct trace *trace_new(const struct trace_options *options);
void trace_free(struct trace *t);

/* Beside what the core told (scheduler/core.h): what the edge knows. */
struct trace_inputs {
    uint64_t wall_ms;
    uint64_t time_us;        /* in the policy; 0: not measured */
    uint64_t region_version; /* of the live snapshot when it was asked */
    uint64_t inputs_hash;    /* region_hash() of it, mixed with what is carried over it */
    uint64_t previous;       /* record of the question before it in its message; 0: none */
    uint64_t seed;
    uint32_t job_row;
    struct str log; /* of the policy */
    bool log_cut;
    unsigned line; /* of a failure */
};
void trace_add(struct trace *t, const struct decided *decided, const struct trace_inputs *inputs);

/* What became of a job, into its last dispatching record. */
struct trace_outcome {
    const char *state, *worker_id, *error_code; /* error_code "" for none */
    uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
};
void trace_job_ended(struct trace *t, const char *job_id, const struct trace_outcome *outcome);

struct trace_record; /* read-only outside */
const struct trace_record *trace_record(const struct trace *t, uint64_t number); /* NULL: gone */
/* The newest, or the newest about this job, and the one before it; NULL: none (any more). */
const struct trace_record *trace_newest(const struct trace *t, const char *job_id /* or NULL */);
const struct trace_record *trace_before(const struct trace *t, const struct trace_record *r,
                                        bool of_same_job);
/* The policy that decided is asked again with this. */
void trace_call(const struct trace_record *r, struct policy_call *ret);
uint64_t trace_region_version(const struct trace_record *r);
/* Put over the snapshot of that version what was decided before, in the same message. False:
 * a record of that is gone, and the state cannot be had any more. */
bool trace_carry(const struct trace *t, const struct trace_record *r, const struct carry *carry);
uint64_t trace_number(const struct trace_record *r);
const char *trace_job_id(const struct trace_record *r); /* "" for none */
const char *trace_policy(const struct trace_record *r);
/* What became of the job, of a record that dispatched it; false: nothing yet, or it is another's.
 */
bool trace_get_outcome(const struct trace_record *r, struct trace_outcome *ret);
struct str trace_decision(const struct trace_record *r); /* JSON, by policy/decision_json.h */

/* The members of one record's JSON object. `past`: the snapshot it was decided from; NULL
 * when history does not go back so far (candidates are then null, and it says so).
 * `platform`: the platform policy over `past` (platform_over()), to score the candidates
 * again; NULL: without scores. */
void trace_write(struct json_out *out, const struct trace *t, const struct trace_record *r,
                 const struct snapshot *past, struct policy *platform);

/* The array of candidates for a job of a snapshot, each {worker_id, verdict, score?}: workers
 * of its model first, then others, up to candidates_max; `omitted` counts the rest. */
void trace_write_candidates(struct json_out *out, const struct trace *t, const struct snapshot *s,
                            uint32_t job, const struct policy_answer *scored);

struct trace_stats {
    size_t records, bytes;
    uint64_t oldest, newest; /* numbers; 0: none */
};
void trace_get_stats(const struct trace *t, struct trace_stats *ret);
