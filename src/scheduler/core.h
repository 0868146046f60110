/*
 * core - everything the queen decides: events in, actions out.
 *
 * Single-threaded and pure: no clock, no socket, no file, no randomness but a seeded
 * generator. Time comes inside events; ids and seeds are made at the edge. The same events
 * in the same order give the same actions, byte for byte. The simulator, replay and shadow
 * policies run this same code.
 *
 * A job's life here: CORE_JOB_ARRIVED is answered, now or after its policy was asked, by
 * exactly one of CORE_DISPATCH, CORE_QUEUED or CORE_FAIL; later a queued job gets
 * CORE_DISPATCH or CORE_FAIL. For each CORE_DISPATCH the edge owes one CORE_RUN_FINISHED or
 * CORE_RUN_FAILED (or CORE_JOB_CANCELLED), with at most one CORE_RUN_STARTED before it. A
 * run that failed, or whose worker was lost, before the first byte is followed by a
 * CORE_DISPATCH of the same job (attempt + 1), by CORE_QUEUED when it has to wait, or by
 * CORE_FAIL. Each of these three also means: stop the run before it; nothing is owed for
 * that one any more. No action names a job in or after the event that says it was cancelled
 * or its current run finished. Events about unknown jobs or old attempts are ignored: they
 * crossed on the way.
 *
 * Who decides. Without a user policy the built-in strategy (scheduler/strategy.h) does, in
 * the same call. With one (CORE_POLICY) the core emits CORE_ASK, and goes on; up to
 * ASKS_OUT_MAX may be out, but ASK_SCHEDULE only alone. Exactly one CORE_POLICY_ANSWER or
 * CORE_POLICY_FAILED per CORE_ASK comes back, by its number, in the order of asking; the
 * policy should see in each of them what it has decided in those before. Every answer is checked
 * against the live state, one decision after the other, each acting before the next is looked at;
 * what is wrong or failed is decided by the strategy instead, for that one question. Each decision
 * leaves a CORE_DECIDED. While the policy cannot be asked the strategy decides at once; when it is
 * replaced, its late answers are ignored and the next one is asked again. Jobs that wait for an
 * answer count as queued: the queue's caps and timeout are for them too. A job that is gone when
 * the answer about it comes is not missed.
 *
 * When a policy is asked. `schedule`: when the queue is not empty and something changed (a
 * job, room, a worker, the time it asked for; else every housekeeping_ms), and again while it
 * dispatches. `schedule_job`: about a job that arrives; about those whose turn it is when a
 * worker of their model gets room, past a few that will not go; and about the first ones
 * again every housekeeping_ms or when they asked for it. `should_admit` comes before all of
 * that, `should_retry` after the core's own rules allow a retry. A job that was told to wait
 * until a time is not asked about before it.
 *
 * Starts and evictions (CORE_START, CORE_EVICT) come from the policy, or from the strategy: also
 * under a user policy that never speaks of starts (starts_workers), every housekeeping_ms. The
 * edge owes one CORE_START_ENDED or CORE_EVICT_ENDED for each. A start reserves the model's
 * memory on its hive until the worker is ready or has failed; only idle workers that are not
 * pinned (label pinned=true) and have been resident min_residency_ms are evicted, and get no
 * work from then on. A start that failed is not tried again on that hive for a while, longer
 * each time; after a few failures in a row nobody waits for it any more.
 * A job for a model without a worker waits when a hive could start one and whoever decides
 * starts workers; else it fails with ERR_NO_WORKERS. When its last hope is gone, too. For a
 * worker that is merely silent jobs wait. One that is reported as failed is no hope: whoever
 * waited for it goes on if another is there or may be started, else fails with its reason.
 *
 * One event costs O((jobs it moves) * log n), whatever the length of the queue. Jobs that
 * time out or are given up go a thousand an event, and core_next_due_ms() is then at once.
 */
#pragma once

#include "base/err.h"
#include "jobs/job.h"
#include "jobs/queue.h"
#include "registry/registry.h"
#include "scheduler/decision.h"
#include "scheduler/strategy.h"

#include <stddef.h>
#include <stdint.h>

enum core_event_kind {
    CORE_TICK,
    CORE_JOB_ARRIVED,
    CORE_JOB_CANCELLED, /* by DELETE, or the client has gone */
    CORE_RUN_STARTED,   /* first token, or the head of a whole answer */
    CORE_RUN_FINISHED,  /* the answer ended properly (also with a 4xx of the worker's) */
    CORE_RUN_FAILED,
    CORE_HIVE_REPORT,
    CORE_WORKER_REPORT,
    CORE_WORKER_STATIC,
    CORE_WORKER_REACHABLE,
    CORE_MODEL_KNOWN,
    CORE_POLICY,        /* a user policy takes over, which can be asked; or none any more */
    CORE_POLICY_STATE,  /* it can be asked, or cannot (breaker, no host) */
    CORE_POLICY_ANSWER, /* to a CORE_ASK */
    CORE_POLICY_FAILED, /* to a CORE_ASK */
    CORE_START_ENDED,   /* to a CORE_START: the hive took it (ready comes by its reports), or not */
    CORE_EVICT_ENDED,   /* to a CORE_EVICT */
    CORE_STOPPING,      /* the process will end soon: from now on nobody waits for a worker that is
                           not there */
    CORE_EVENT_KIND_COUNT_,
};

enum { ASKS_OUT_MAX = 32 };

/* What a user policy defines: the first of its entry points, and its hooks. */
enum policy_entry { POLICY_ENTRY_NONE, POLICY_ENTRY_SCHEDULE, POLICY_ENTRY_JOB };
enum { POLICY_HOOK_ADMIT = 1, POLICY_HOOK_RETRY = 2, POLICY_HOOK_OUTCOME = 4 };

/* What is asked. */
enum ask_kind {
    ASK_SCHEDULE,
    ASK_JOB,
    ASK_ADMIT,
    ASK_RETRY,   /* attempt, error */
    ASK_OUTCOME, /* the job has ended; nothing is answered but that it was heard */
    ASK_KIND_COUNT_,
};

/* What became of a run that failed; decides whether another worker may try. */
enum run_failure {
    RUN_NOT_CONNECTED, /* nothing was sent: retry; the worker counts as unreachable */
    RUN_REFUSED,       /* 5xx, 429 or garbage before the first byte: retry elsewhere */
    RUN_DIED,          /* reset or closed before the first byte: retry once per job */
    RUN_SILENT,        /* nothing in time: the edge has cancelled it there; retry */
    RUN_BROKEN,        /* after the first byte, or the request is to blame: no retry */
};

struct core_event {
    enum core_event_kind kind;
    uint64_t now_ms; /* monotonic; never goes back from one event to the next */
    union {
        const struct job_spec *arrived; /* copied */
        struct {
            const char *job_id;
        } cancelled;
        struct {
            const char *job_id;
            unsigned attempt;
            enum run_failure failure; /* CORE_RUN_FAILED */
            struct err err;           /* CORE_RUN_FAILED: what the client is told in the end */
            uint64_t tokens_in, tokens_out; /* CORE_RUN_FINISHED; 0: not known */
            uint64_t cached_tokens;         /* of tokens_in, found in the worker's cache */
        } run;
        struct {
            /* Copied, and checked before (registry/worker.h). A report that
             * registry_check_room() refuses is ignored: ask it first, to say why. */
            const struct hive_facts *hive;
            const struct worker_facts *workers;
            size_t workers_len;
        } report; /* CORE_HIVE_REPORT; CORE_WORKER_REPORT and _STATIC: workers[0] */
        struct {
            const char *worker_id;
            bool reachable;
        } reach;
        struct {
            const char *model;
        } known;
        struct {
            const char *name, *version; /* NULL: none any more */
            enum policy_entry entry;
            unsigned hooks;      /* POLICY_HOOK_* */
            bool starts_workers; /* if not, the strategy goes on to start and evict */
        } policy;
        struct {
            enum policy_failure unavailable; /* POLICY_OK: it can be asked */
            const char *message;             /* why it cannot; NULL: nothing is known */
        } policy_state;
        struct {
            uint64_t ask;                      /* core_action.ask.number */
            const struct decisions *decisions; /* ASK_SCHEDULE, ASK_JOB */
            bool yes;                          /* ASK_ADMIT, ASK_RETRY */
            uint32_t delay_ms;                 /* ASK_RETRY */
            enum policy_failure failure;       /* CORE_POLICY_FAILED */
            const char *message;               /* CORE_POLICY_FAILED: "policy.lua:12: …" */
        } answer;                              /* ASK_ADMIT refused: decisions[0] says why */
        struct {
            uint64_t number; /* core_action.start or .evict */
            bool failed;
            const char *worker_id; /* of a start that was taken */
            struct err err;        /* of one that failed */
        } ended;
    } u;
};

enum core_action_kind {
    CORE_DISPATCH,   /* send job_id to worker */
    CORE_QUEUED,     /* it waits; `position` in its queue, from 1 */
    CORE_FAIL,       /* tell the client `err`, stop what runs; the job is gone here */
    CORE_NOTE_MODEL, /* remember `model` in the state directory */
    CORE_ASK,        /* ask the user policy */
    CORE_START,      /* have hive_id start a worker of `model` */
    CORE_EVICT,      /* have hive_id stop worker_id */
    CORE_DECIDED,    /* for the trace: see struct decided */
    CORE_ACTION_KIND_COUNT_,
};

enum { DECIDED_MESSAGE_SIZE = 256 };

/* One decision, for the trace. Views are valid until the next event. A hook's answer leaves
 * one only when it refuses the job or fails. What a user policy decided before the one of
 * its decisions that cannot be, acts and has a record of its own. */
struct decided {
    uint64_t number;              /* from 1, without gaps */
    const char *job_id;           /* that it was about; "" for none */
    const char *policy, *version; /* whose decision acts: the user's, or the strategy's name */
    const char *asked_policy;     /* the user's when it was asked and failed; else "" */
    enum policy_failure failure;  /* why the strategy decided; POLICY_OK: not instead of anyone */
    char message[DECIDED_MESSAGE_SIZE]; /* of the failure; "" */
    const struct decision *decisions;   /* none: it waits */
    size_t decisions_len;
    uint64_t ask; /* number of the CORE_ASK behind it; 0: the strategy decided at once */
};

struct core_action {
    enum core_action_kind kind;
    char job_id[JOB_ID_SIZE];
    unsigned attempt;               /* CORE_DISPATCH */
    const struct worker *worker;    /* CORE_DISPATCH; valid until the next event */
    size_t position;                /* CORE_QUEUED: among those waiting for its model */
    uint64_t predicted_start_ms;    /* CORE_QUEUED: from now; UINT64_MAX: nobody can tell */
    char model[MODEL_REF_SIZE];     /* CORE_NOTE_MODEL, CORE_START */
    struct err err;                 /* CORE_FAIL */
    uint64_t number;                /* CORE_ASK, CORE_START, CORE_EVICT: names it in the answer */
    char hive_id[HIVE_ID_SIZE];     /* CORE_START, CORE_EVICT */
    char worker_id[WORKER_ID_SIZE]; /* CORE_EVICT */
    int32_t gpu;                    /* CORE_START; DECISION_GPU_ANY */
    struct {
        enum ask_kind kind;
        const struct job *job; /* valid until the next event; NULL for ASK_SCHEDULE */
        uint64_t seed;         /* for the policy's random choices */
        struct err err;        /* ASK_RETRY */
        bool failed;           /* ASK_OUTCOME, and below */
        const char *outcome;   /* "done", "failed", "cancelled" */
        const char *worker_id;
        uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
    } ask; /* CORE_ASK */
    /* CORE_DECIDED; of the actions that carry a decision out only number, policy and version,
     * so that a refusal can name who refused. 0: nobody decided. */
    struct decided decided;
};

struct core_options {
    const struct strategy *strategy;
    struct registry_limits registry;
    struct job_queue_options queue;
    struct fairness_options fairness;
    size_t queue_jobs_max;      /* beyond: ERR_QUEUE_FULL; 100,000 */
    uint64_t queue_bytes_max;   /* of job_spec.bytes; 1 GiB */
    uint64_t queue_timeout_ms;  /* in the queue in one stretch: ERR_QUEUE_TIMEOUT; 300 s */
    unsigned attempts_max;      /* dispatches per job, at most JOB_ATTEMPTS_MAX; 3 */
    uint64_t housekeeping_ms;   /* look_around, and policies asked again; 1,000 */
    uint64_t min_residency_ms;  /* of workers that may be evicted; 30,000 */
    uint64_t start_timeout_ms;  /* until a started worker is ready; 300,000 */
    unsigned starts_max;        /* under way at once, in all; 16 */
    size_t affinity_blocks_max; /* prefix blocks remembered (scheduler/affinity.h); 262,144 */
    size_t sessions_max;        /* sessions whose last worker is remembered; 20,000 */
    uint64_t seed;              /* of the core's random choices */
};
void core_options_init(struct core_options *o);

struct core;
struct core *core_new(const struct core_options *options);
void core_free(struct core *c);

/* Take one event. The actions it caused are then in core_actions(), valid until
 * the next core_handle(). */
void core_handle(struct core *c, const struct core_event *event);
const struct core_action *core_actions(const struct core *c, size_t *ret_len);

/* When a CORE_TICK is wanted next (core's clock); UINT64_MAX: never. */
uint64_t core_next_due_ms(const struct core *c);

const struct registry *core_registry(const struct core *c);
const struct job_queue *core_queue(const struct core *c);
const struct job *core_job(const struct core *c,
                           const char *job_id); /* NULL: not here (any more) */
/* That a CORE_ASK which is out is about; NULL: none, or it is gone, and so will the answer be
 * ignored. */
const struct job *core_asked_job(const struct core *c, uint64_t ask);
size_t core_job_position(const struct core *c, const char *job_id); /* 0: not queued */
/* From now (jobs/forecast.h); 0 when it runs or is not here; UINT64_MAX: nobody can tell. */
uint64_t core_predicted_start_ms(const struct core *c, const char *job_id);
unsigned core_jobs_of_tenant(const struct core *c, const char *tenant_id); /* running ones */
double core_tenant_service(const struct core *c, const char *tenant_id);   /* jobs/fairness.h */
uint32_t core_starting(const struct core *c, const char *model);           /* starts under way */
/* An offline hive that one of these starts is left to: its id, valid until the next event; NULL:
 * none is. */
const char *core_offline_start(const struct core *c, const char *model);

/* Starts of one model on one hive that failed, one after the other. */
struct setback {
    unsigned failures;
    uint64_t until_ms; /* not again before */
    char model[MODEL_REF_SIZE], hive_id[HIVE_ID_SIZE];
    char words[sizeof(((struct err *)0)->msg)]; /* of the last one */
};
/* The last one of this model, on any hive; NULL: none failed since it was ready last. Valid
 * until the next event. */
const struct setback *core_last_setback(const struct core *c, const char *model);

/* Whether a worker's owner wants it to stay (label pinned=true): it is never evicted. */
bool core_is_pinned(const struct worker *worker);

/* Workers whose cache holds the beginning of this job's prompt, the longest first, and how
 * many of its tokens (scheduler/affinity.h). Returns how many. */
struct warm_worker {
    const struct worker *worker;
    uint32_t cached_tokens;
};
size_t core_warm_workers(const struct core *c, const struct job *job, struct warm_worker *ret,
                         size_t max);
/* The worker that its session used last; NULL: none that lives. */
const struct worker *core_session_worker(const struct core *c, const struct job *job);

/* The strategy may be set once before the first event: it wants the core itself. */
void core_set_strategy(struct core *c, const struct strategy *strategy);

/* Who decides now: the user policy's name, or the strategy's. */
const char *core_policy_name(const struct core *c);
/* The user policy, also while it cannot be asked, for the reason in `ret_unavailable`; NULL:
 * there is none. */
const char *core_user_policy(const struct core *c, enum policy_failure *ret_unavailable);

struct core_stats {
    size_t jobs; /* not final */
    /* In the queue; jobs whose admission or retry is asked about are neither these nor running. */
    size_t queued, queued_interactive, queued_batch;
    uint64_t queued_bytes;
    size_t running; /* dispatched or streaming: the ledger's sum */
    uint64_t arrived_total, dispatched_total, retried_total, failed_total, done_total,
        cancelled_total;
    uint64_t looked_at_total; /* waiting jobs considered: what the queue's order costs */
    uint64_t decided_total[DECISION_ACTION_COUNT_]; /* by what was decided and acted upon */
    uint64_t fallbacks_total[POLICY_FAILURE_COUNT_];
    uint64_t asked_total, started_total, evicted_total;
    size_t starting;     /* starts under way */
    double wait_ms_mean; /* of the last dispatched jobs */
};
void core_get_stats(const struct core *c, struct core_stats *ret);
