/*
 * core_private - what the parts of the core share. Nobody else includes it.
 *
 *   core.c          events, life                core_check.c    may this decision act?
 *   core_time.c     what is due when            core_decide.c   decisions into actions
 *   core_admit.c    who is let in, and hope     core_policy.c   the user policy, its answers
 *   core_job.c      a job's ways                core_ask.c      what it is asked next
 *   core_run.c      runs that end badly         core_start.c    starts and evictions
 *   core_account.c  tokens, sessions, caches    core_predict.c  when a job will start
 *   core_questions.c  what others ask it
 */
#pragma once

#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "jobs/deadlines.h"
#include "jobs/fairness.h"
#include "jobs/queue.h"
#include "scheduler/affinity.h"
#include "scheduler/core.h"

enum {
    PASSED_MAX = 8,        /* jobs asked about in vain before a worker's room is left alone */
    REVIEWED_MAX = 64,     /* of those that wait: the first few, and the first of each model */
    OUTCOMES_MAX = 1000,   /* ended jobs that the policy has not been told of; more are not told */
    SETBACKS_MAX = 1024,   /* failed starts that are remembered */
    OUTLOOKS_MAX = 4096,   /* models whose throughput is remembered */
    PASS_VAIN_MAX = 256,   /* jobs that wait on after a look at the whole queue */
    RETRY_AFTER_MS = 1000, /* what clients are told: a slot may be free by then */
    POLICY_NAME_SIZE = 64,
};

/* The jobs that one worker runs. */
struct crew {
    struct list runs;    /* job.in_run; never empty but while it is made */
    struct list in_lost; /* core.lost_crews */
};

/* What the user policy is to be asked about one job; at most one per job, but its outcome. */
struct question {
    enum ask_kind kind;  /* ASK_JOB: where to run it; with schedule() as the entry point, too */
    struct list in_line; /* core.parked, .newcomers or .outcomes */
    struct job *job;     /* ASK_OUTCOME: owned, and final; else borrowed */
    bool is_announced;   /* ASK_JOB: CORE_QUEUED was said already */
    uint64_t raised;     /* number of the last ask then */
    struct err err;      /* ASK_RETRY, ASK_OUTCOME */
    char worker_id[WORKER_ID_SIZE]; /* ASK_OUTCOME, and below */
    uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
};

/* A worker with room whose jobs the user policy shall be asked about. */
struct turn {
    uint64_t number;
    uint64_t since; /* number of the last ask then: jobs asked about later had theirs */
};

/* A question that is out. */
struct out {
    enum ask_kind kind;
    char job_id[JOB_ID_SIZE];
    uint64_t turn;            /* its number; 0: it came from elsewhere */
    struct question *outcome; /* ASK_OUTCOME; owned */
};

/* A worker on its way, from CORE_START until it is ready or has failed. */
struct start {
    uint64_t number;
    struct list in_starts;
    char model[MODEL_REF_SIZE], hive_id[HIVE_ID_SIZE];
    char worker_id[WORKER_ID_SIZE]; /* "" until the hive has said */
    uint64_t begun_ms;
    int64_t reserved_mb;
};

/* A worker on its way out, from CORE_EVICT until it is gone or stays. */
struct eviction {
    uint64_t number, begun_ms;
};

/* Whose decision is being carried out. */
struct acting {
    uint64_t number;
    const char *policy, *version, *asked_policy, *message;
    enum policy_failure failure;
    uint64_t ask;
};

struct core {
    struct core_options options;
    struct registry *registry;
    uint64_t now_ms;  /* of the event being handled */
    uint64_t arrived; /* jobs so far: the next one's seq */
    struct rng rng;

    struct map jobs; /* id -> struct job, owned, not final */
    struct fairness *fairness;
    struct job_queue *queue;    /* those in state JOB_QUEUED that are not parked */
    struct deadlines deadlines; /* those with a deadline and no first byte */
    struct map crews;           /* worker id -> struct crew: those that run */
    struct job **again;         /* a heap of those that wait until job.again_ms */
    size_t again_len, again_cap;

    struct affinity *affinity;
    const struct worker **by_slot; /* workers that affinity may name, by their slots; borrowed */
    size_t by_slot_cap;
    struct map sessions; /* tenant and session -> id of the worker, owned; last used last */
    struct map tenants;  /* tenant -> struct tenant: those with running jobs */
    struct map outlooks; /* model -> struct outlook */

    /* What the registry told since it was last acted upon: it is told in the middle of a
     * change, and acted upon after it. */
    struct list lost_crews;      /* crew.in_lost */
    const struct worker **roomy; /* workers that got room; borrowed */
    size_t roomy_len, roomy_cap;
    bool hopes_changed; /* a hive is gone, or lists other models; others start workers, or none */
    bool is_stopping;   /* CORE_STOPPING came */

    struct {
        bool is_set;
        char name[POLICY_NAME_SIZE], version[POLICY_NAME_SIZE];
        enum policy_entry entry;
        unsigned hooks;
        bool starts_workers;
        enum policy_failure unavailable;
        char why[DECIDED_MESSAGE_SIZE]; /* `unavailable`, in words */
    } policy;
    uint64_t asks;                 /* CORE_ASKs so far: the last one's number */
    struct out outs[ASKS_OUT_MAX]; /* a ring, by number */
    size_t outs_len;               /* the last so many asks are out */
    bool decider_changed;          /* and it was not acted upon yet */
    struct list parked; /* questions that keep their jobs out of the queue, oldest first */
    size_t parked_len;
    uint64_t parked_bytes;
    struct list newcomers; /* ASK_JOB, in the order in which they came */
    struct list outcomes;
    size_t outcomes_len;
    struct map turns; /* worker id -> struct turn, in the order of getting room */
    uint64_t turns_total;
    unsigned next_source;       /* of questions; they take turns */
    bool something_changed;     /* since schedule() was asked */
    uint64_t schedule_again_ms; /* it asked to be asked again then; 0: it did not */
    uint64_t review_since;      /* jobs asked about after this ask had their review */
    bool is_reviewing;

    struct list starts; /* oldest first */
    size_t starting;
    struct map evictions; /* worker id -> struct eviction */
    struct map setbacks;  /* hive and model -> struct setback, oldest first */
    uint64_t numbers;     /* of starts and evictions */
    uint64_t looked_ms;   /* last housekeeping */

    uint64_t decided; /* the last decision's number */
    struct acting acting;
    struct {
        enum policy_failure failure; /* POLICY_OK: nobody failed */
        const char *message;
        uint64_t ask;
    } instead;                /* the user's answer that the strategy stands in for */
    struct decisions scratch; /* the strategy's answer */

    struct core_action *actions; /* of the event being handled */
    size_t actions_len, actions_cap;
    struct decision *record; /* what its CORE_DECIDEDs decided */
    size_t record_len, record_cap;
    struct core_stats totals; /* only its counters; the rest is counted when asked */
    uint64_t waits;           /* dispatches behind wait_ms_mean, at most its window */
};

/* --- core_admit.c ---------------------------------------------------------- */

/* Can `spec` be served, now or later? 0, or the answer to its client. */
MUST_CHECK int core_admit(const struct core *c, const struct job_spec *spec, struct err *err);

/* May one more wait? ERR_QUEUE_FULL. */
MUST_CHECK int core_check_queue(const struct core *c, const struct job_spec *spec, struct err *err);

/* Is there a worker that is up, or will soon be, and could run this job, or one that
 * somebody would start? */
bool core_has_candidate(const struct core *c, const struct job *job);

/* Is there a worker at all that could run this job, even if silent for now, or a hive that
 * could start one? */
bool core_has_hope(const struct core *c, const struct job *job);

/* Give up those whose last hope has gone. */
void core_fail_stranded(struct core *c);

/* The words for a job that no worker could take, and for one that waited too long. */
void core_explain_no_workers(const struct core *c, const struct job_spec *spec, struct err *err);
void core_explain_timeout(const struct core *c, const struct job *job, struct err *err);

/* --- core.c ------------------------------------------------------------------- */

void core_note_room(struct core *c, const struct worker *worker); /* to be acted upon */

/* --- core_job.c ------------------------------------------------------------- */

/* A cleared one, for `job_id`; valid until the next is added. */
struct core_action *core_add_action(struct core *c, enum core_action_kind kind, const char *job_id);
void core_add_failure(struct core *c, const char *job_id, const struct err *err);

bool core_is_running(const struct job *job);
bool core_is_late(const struct core *c, const struct job *job);

/* A job that may run: it runs, waits, or is asked about. `has_waited`: it was let in before,
 * so the queue's caps are not for it. */
void core_let_in(struct core *c, struct job *job, bool has_waited);
void core_enqueue(struct core *c, struct job *job); /* and say so */
void core_say_queued(struct core *c, const struct job *job);

void core_begin_run(struct core *c, struct job *job, const struct worker *worker);
void core_start_streaming(struct core *c, struct job *job);
void core_end_run(struct core *c, struct job *job); /* however it ends: its slot comes back */

/* The ways a job ends: it is gone when they return. */
struct core_end {
    enum job_state state;
    const struct err *err; /* JOB_FAILED */
    uint64_t tokens_in, tokens_out;
};
void core_end_job(struct core *c, struct job *job, const struct core_end *end);
void core_fail_job(struct core *c, struct job *job, const struct err *err);
void core_fail_late_job(struct core *c, struct job *job);

/* --- core_run.c --------------------------------------------------------------- */

/* A run is over without an answer: another worker, the queue, or the job's end. */
void core_run_failed(struct core *c, struct job *job, enum run_failure failure,
                     const struct err *err);
void core_crew_lost(struct core *c, struct crew *crew); /* all of a worker's */
void core_refuse_retry(struct core *c, struct job *job, const struct err *last);

/* --- core_time.c --------------------------------------------------------------- */

void core_pass_time(struct core *c); /* whatever is due at now_ms */

/* Those that are decided about again by housekeeping. Returns how many. */
size_t core_to_review(const struct core *c, const struct job *ret[REVIEWED_MAX]);

/* Let it wait until then (0: just wait); and what follows when somebody else decides. */
void core_wait_until(struct core *c, struct job *job, uint64_t again_ms);
void core_forget_waits(struct core *c);

/* --- core_decide.c -------------------------------------------------------------- */

/* Let the strategy decide about a job that waits, or is about to. False: it must wait.
 * Otherwise it runs, or is gone. */
bool core_place(struct core *c, struct job *job);

/* The same about a new one that stands behind others: it does not go, nor is it told when to be
 * asked about again, but what else is decided is done. True: it was refused, and is gone. */
bool core_refuse(struct core *c, struct job *job);

/* The same instead of a user's answer that failed. */
bool core_place_instead(struct core *c, struct job *job, enum policy_failure failure,
                        const char *message, uint64_t ask);

/* The same with all that waits and that schedule() was asked about. */
void core_place_all_instead(struct core *c, enum policy_failure failure, const char *message,
                            uint64_t ask);
void core_place_first(struct core *c);   /* the first few again */
void core_note_all_room(struct core *c); /* of all models that are waited for */
void core_look_around(struct core *c);

/* Give the room of one worker to those that wait for it. Returns how many did not go. */
unsigned core_pump(struct core *c, const struct worker *worker);

/* Carry out a user's answer to ask `number`; "" or who was asked about. False with words: one
 * of them cannot be; those before it have acted. `ret_dispatched`: how many went. */
bool core_act_for_user(struct core *c, const char *job_id, const struct decisions *decisions,
                       uint64_t number, char *ret_message, size_t size);

/* A user's answer that failed and that nobody need stand in for. */
void core_note_failure(struct core *c, const char *job_id, enum policy_failure failure,
                       const char *message, uint64_t ask);

/* --- core_check.c ----------------------------------------------------------------- */

/* Whom a decision is about, once it was found right. */
struct subject {
    struct job *job;
    const struct worker *worker;
    const struct hive *hive;
};

/* May it act now? False: why not, naming what is wrong. `asked`: the job that an empty
 * job_id means, "" for none. */
bool core_check_decision(const struct core *c, const struct decision *d, const char *asked,
                         struct subject *ret, char *ret_message, size_t size);

/* --- core_policy.c, core_ask.c ------------------------------------------------------ */

bool core_user_decides(const struct core *c);
bool core_starts_workers(const struct core *c); /* whoever decides */
/* Does nobody but the strategy think of starting workers? A user policy that never mentions
 * it leaves that to the strategy. */
bool core_leaves_starts(const struct core *c);
void core_reconsider(struct core *c); /* somebody else decides now */

void core_on_policy(struct core *c, const struct core_event *event);
void core_on_policy_state(struct core *c, const struct core_event *event);
void core_on_policy_answer(struct core *c, const struct core_event *event);

/* Have it asked about this job. */
struct question *core_raise(struct core *c, struct job *job, enum ask_kind kind);
void core_drop_question(struct core *c, struct job *job);
void core_user_room(struct core *c, const struct worker *worker); /* it got some */
void core_ask_next(struct core *c);
/* That is to be answered next; NULL: none. */
const struct out *core_first_out(const struct core *c, uint64_t *ret_number);
/* Of the job: is it asked about right now, with the answer still to come? */
bool core_is_out(const struct core *c, const struct job *job);
void core_close_ask(struct core *c);   /* the first one was answered */
void core_forget_asks(struct core *c); /* none of those that are out will be */
void core_forget_turns(struct core *c);
void core_forget_outcomes(struct core *c);

/* --- core_start.c -------------------------------------------------------------------- */

void core_start(struct core *c, const char *model, const char *hive_id, int32_t gpu);
void core_evict(struct core *c, const struct worker *worker);
void core_on_start_ended(struct core *c, const struct core_event *event);
void core_on_evict_ended(struct core *c, const struct core_event *event);
void core_note_ready(struct core *c, const struct worker_facts *workers, size_t len);
void core_note_gone(struct core *c, const struct worker *worker);
void core_expire_starts(struct core *c);
uint64_t core_starts_due_ms(const struct core *c);
bool core_is_starting(const struct core *c, const char *model, const char *hive_id);
/* When a start of it there failed lately; NULL: it did not. */
const struct setback *core_setback(const struct core *c, const char *model, const char *hive_id);
bool core_has_given_up(const struct core *c, const char *model, const char *hive_id);
void core_starts_free(struct core *c);

/* --- core_account.c -------------------------------------------------------------------- */

void core_account_dispatch(struct core *c, struct job *job, const struct worker *worker);
void core_account_end(struct core *c, const struct job *job, const struct core_event *event);
void core_account_undone(struct core *c, const struct job *job); /* nothing came of it */
void core_account_gone(struct core *c, const struct worker *worker);
void core_account_release(struct core *c, const struct job *job);
void core_account_free(struct core *c);

/* --- core_predict.c --------------------------------------------------------------------- */

/* Remember its model's throughput for a while, so that many questions cost one look. */
void core_refresh_outlook(struct core *c, const char *model);
