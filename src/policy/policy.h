/*
 * policy - one Lua 5.4 state with one policy in it, over one snapshot.
 *
 * It serves the trusted platform policy in the queen's process and everybody's policies in
 * the policy host: the same binding, the same API table (policy/api.h), the same checks.
 * It is no sandbox by itself: Lua cannot be stopped inside one C call, so what strangers
 * wrote runs in the host process only (sandbox/, policyhost/; measured in docs).
 *
 * A state sees a whitelist of globals and the scheduler's API, counts its memory, and
 * keeps what the script keeps until it is freed. Scripts see the snapshot as it is at each
 * call, read-only. Random numbers come from the seed of the call. Single-threaded.
 */
#pragma once

#include "base/err.h"
#include "scheduler/core.h"
#include "scheduler/decision.h"
#include "script/script.h"
#include "snapshot/snapshot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    POLICY_MEMORY_BYTES = 16 * 1024 * 1024,
    POLICY_MESSAGE_SIZE = 256,
    POLICY_LOG_BYTES_MAX = 2048, /* per call */
    POLICY_METRICS_MAX = 16,     /* emit_metric() calls heeded per call */
    POLICY_METRIC_NAME_SIZE = 48,
    POLICY_SCORES_MAX = 256, /* per call, when wanted */
};

struct policy;

struct policy_options {
    const struct snapshot *snapshot; /* borrowed; may change between calls */
    size_t memory_bytes_max;         /* 0: POLICY_MEMORY_BYTES */
    /* What `platform.schedule()` runs: a state of its own, so that no script can poison it;
     * borrowed. NULL: none (the platform policy itself). */
    struct policy *platform;
    struct str platform_source; /* what platform.get_source() answers; borrowed */
    bool is_platform;           /* may use what only the built-in policy may (policy/api.h) */
};

/* What a loaded policy is. */
struct policy_info {
    struct script_header header;
    enum policy_entry entry;
    unsigned hooks;      /* POLICY_HOOK_* */
    bool starts_workers; /* its text names start_worker, or asks the platform policy */
};

/* Compile (YAML, Rhai) and run the text's top level. NULL with at least one error in `d`;
 * a policy without any entry point is an error. `source` as an author gave it: it goes
 * through script_check(). `name` is for messages ("home.lua"). */
struct policy *policy_new(const struct policy_options *options, enum script_language language,
                          struct str source, const char *name, struct diagnostics *d);
void policy_free(struct policy *p);
const struct policy_info *policy_info(const struct policy *p);
const struct script_lua *policy_lua(const struct policy *p); /* as it runs, with its line map */

/* Only compile. 0, or ERR_INVALID with errors in `d`. Lua comes back as it went in. */
MUST_CHECK int policy_compile(enum script_language language, struct str source,
                              struct script_lua *ret, struct diagnostics *d);

/* One question. */
struct policy_call {
    enum ask_kind kind;
    uint32_t job; /* row; SNAP_NONE for ASK_SCHEDULE */
    uint64_t seed;
    bool want_scores;
    bool look_around;    /* ASK_SCHEDULE of the platform policy: what to start and evict ahead */
    uint32_t attempt;    /* ASK_RETRY */
    char error_code[64]; /* ASK_RETRY */
    char error_message[256]; /* ASK_RETRY */
    struct {                 /* ASK_OUTCOME */
        char state[16];
        char worker_id[WORKER_ID_SIZE];
        uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
        char error_code[64];
    } outcome;
};

struct policy_metric {
    char name[POLICY_METRIC_NAME_SIZE]; /* [a-z_][a-z0-9_]* */
    double value;
};

struct policy_score {
    uint32_t worker; /* row */
    double score;    /* the smaller the better */
};

struct policy_answer {
    enum policy_failure failure; /* POLICY_OK, _ERROR, _MEMORY, _TIMEOUT (soft limit), _INVALID */
    char message[POLICY_MESSAGE_SIZE]; /* "home.lua:12: attempt to …"; printable, one line */
    unsigned line;                     /* of the author's text; 0: not known */
    struct decisions decisions;        /* ASK_SCHEDULE, ASK_JOB; ASK_ADMIT refused: [0] */
    bool yes;                          /* ASK_ADMIT, ASK_RETRY */
    uint32_t delay_ms;                 /* ASK_RETRY */
    char log[POLICY_LOG_BYTES_MAX];    /* lines "info text\n" */
    size_t log_len;
    bool log_cut; /* there was more */
    struct policy_metric metrics[POLICY_METRICS_MAX];
    size_t metrics_len;
    struct policy_score scores[POLICY_SCORES_MAX]; /* of the last scored choice, when wanted */
    size_t scores_len;
    size_t memory_bytes; /* of the Lua heap afterwards */
};

/* Ask. A policy that lacks the hook answers yes. Whatever it does, `ret` is whole
 * afterwards and the state may be called again, after POLICY_MEMORY and POLICY_TIMEOUT
 * with what the script had kept; the caller may prefer a new one. */
void policy_call(struct policy *p, const struct policy_call *call, struct policy_answer *ret);

/* Make the running call end soon with POLICY_TIMEOUT and the line it was at. The only
 * function that a signal handler may call; it cannot reach into a C function of Lua's. */
void policy_interrupt(struct policy *p);

size_t policy_memory_bytes(const struct policy *p);
void policy_collect(struct policy *p); /* a full garbage collection */

/* Does this answer make sense for what the policy saw: known jobs and workers, model, room,
 * pins, what may be evicted and started? POLICY_OK, or POLICY_INVALID with words. (The core
 * checks again, against what is live by then.) */
enum policy_failure policy_check_answer(const struct snapshot *s, uint32_t asked_job,
                                        const struct decisions *decisions, char *ret_message,
                                        size_t size);
