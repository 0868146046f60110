/*
 * The user policy: who it is, whether it can be asked, and what its answers do. What failed
 * or cannot be is decided by the strategy, for that one question.
 */
#include "scheduler/core_private.h"

#include <stdio.h>

bool core_user_decides(const struct core *c)
{
    return c->policy.is_set && c->policy.unavailable == POLICY_OK;
}

bool core_leaves_starts(const struct core *c)
{
    return !core_user_decides(c) || !c->policy.starts_workers;
}

bool core_starts_workers(const struct core *c)
{
    return (core_user_decides(c) && c->policy.starts_workers) ||
           c->options.strategy->starts_workers;
}

/* --- Somebody else decides now -------------------------------------------------- */

static bool is_still_asked(const struct core *c, enum ask_kind kind)
{
    unsigned hook = kind == ASK_ADMIT ? POLICY_HOOK_ADMIT : POLICY_HOOK_RETRY;

    return core_user_decides(c) && c->policy.hooks & hook;
}

/* Workers may have gone while it was asked about. */
static bool still_hopes(struct core *c, struct job *job)
{
    struct err err;

    if (core_has_hope(c, job))
        return true;
    core_explain_no_workers(c, &job->spec, &err);
    core_fail_job(c, job, &err);
    return false;
}

static void let_in_after_all(struct core *c, struct job *job, bool has_waited)
{
    if (still_hopes(c, job))
        core_let_in(c, job, has_waited);
}

static void release_parked(struct core *c)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->parked) {
        struct question *q = container_of(it, struct question, in_line);
        struct job *job = q->job;
        bool has_waited = q->kind == ASK_RETRY;

        if (core_is_out(c, job) || is_still_asked(c, q->kind))
            continue;
        core_drop_question(c, job);
        let_in_after_all(c, job, has_waited);
    }
}

/* The strategy decides about one that was to be asked about. */
static void place_newcomer(struct core *c, struct question *q)
{
    struct job *job = q->job;
    bool is_announced = q->is_announced;

    core_drop_question(c, job);
    if (!core_place(c, job) && !is_announced)
        core_say_queued(c, job);
}

static void release_newcomers(struct core *c)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->newcomers) {
        struct question *q = container_of(it, struct question, in_line);

        if (!core_is_out(c, q->job))
            place_newcomer(c, q);
    }
}

void core_reconsider(struct core *c)
{
    c->decider_changed = false;
    core_forget_waits(c);
    core_forget_turns(c);
    if (!core_user_decides(c) || !(c->policy.hooks & POLICY_HOOK_OUTCOME))
        core_forget_outcomes(c);
    release_parked(c);
    if (!core_user_decides(c))
        release_newcomers(c);
    core_note_all_room(c); /* what the other let wait may go now */
    c->something_changed = true;
    c->hopes_changed = true; /* and what hoped for a start may have no hope */
}

void core_on_policy(struct core *c, const struct core_event *event)
{
    const char *name = event->u.policy.name, *version = event->u.policy.version;

    core_forget_asks(c); /* what comes of them is about another policy */
    c->policy.is_set = name != NULL;
    (void)snprintf(c->policy.name, sizeof(c->policy.name), "%s", name ? name : "");
    (void)snprintf(c->policy.version, sizeof(c->policy.version), "%s",
                   name && version ? version : "");
    c->policy.entry = event->u.policy.entry;
    c->policy.hooks = event->u.policy.hooks;
    c->policy.starts_workers = event->u.policy.starts_workers;
    c->policy.unavailable = POLICY_OK;
    c->policy.why[0] = '\0';
    c->decider_changed = true;
}

void core_on_policy_state(struct core *c, const struct core_event *event)
{
    enum policy_failure unavailable = event->u.policy_state.unavailable;
    const char *why = event->u.policy_state.message;

    if (!c->policy.is_set || c->policy.unavailable == unavailable)
        return;
    if ((c->policy.unavailable == POLICY_OK) != (unavailable == POLICY_OK))
        c->decider_changed = true;
    c->policy.unavailable = unavailable;
    (void)snprintf(c->policy.why, sizeof(c->policy.why), "%s", why ? why : "");
}

/* --- Answers ------------------------------------------------------------------------ */

struct answer {
    uint64_t ask;
    const char *job_id; /* that it was about; "" */
    struct job *job;    /* NULL: gone meanwhile, or nobody's */
    const struct decisions *decisions;
    bool yes;
    uint32_t delay_ms;
    enum policy_failure failure; /* POLICY_OK: it answered */
    const char *message;
    char why[DECIDED_MESSAGE_SIZE]; /* what is wrong with what it answered */
};

/* Carry it out. What is wrong with it turns it into one that failed. */
static bool acts(struct core *c, struct answer *a)
{
    static const struct decisions none;

    if (a->failure != POLICY_OK)
        return false;
    if (core_act_for_user(c, a->job_id, a->decisions ? a->decisions : &none, a->ask, a->why,
                          sizeof(a->why)))
        return true;
    a->failure = POLICY_INVALID;
    a->message = a->why;
    return false;
}

static void take_admit(struct core *c, struct answer *a)
{
    const struct decisions *d = a->decisions;

    if (!a->job)
        return;
    core_drop_question(c, a->job);
    if (a->failure == POLICY_OK && !a->yes) {
        if (!d || d->len != 1 || d->items[0].action != DECIDE_REJECT) {
            a->failure = POLICY_INVALID;
            a->message = "should_admit answers true or one reject";
        } else if (acts(c, a)) {
            return;
        }
    }
    if (a->failure != POLICY_OK)
        core_note_failure(c, a->job_id, a->failure, a->message, a->ask);
    let_in_after_all(c, a->job, false);
}

static void take_retry(struct core *c, struct answer *a)
{
    uint64_t delay_ms = a->delay_ms;

    if (!a->job)
        return;
    struct err err = a->job->question->err;
    core_drop_question(c, a->job);
    if (a->failure != POLICY_OK) {
        core_note_failure(c, a->job_id, a->failure, a->message, a->ask);
        let_in_after_all(c, a->job, true);
    } else if (!a->yes) {
        core_refuse_retry(c, a->job, &err);
    } else if (delay_ms == 0) {
        let_in_after_all(c, a->job, true);
    } else if (still_hopes(c, a->job)) {
        if (delay_ms > c->options.queue_timeout_ms)
            delay_ms = c->options.queue_timeout_ms;
        core_wait_until(c, a->job, c->now_ms + delay_ms);
        core_enqueue(c, a->job);
    }
}

/* It has been asked about: it waits, unless it went. */
static void let_wait(struct core *c, const char *job_id)
{
    struct job *job = map_get(&c->jobs, str_of(job_id));

    if (!job || !job->lane || !job->question)
        return;
    if (!job->question->is_announced)
        core_say_queued(c, job);
    core_drop_question(c, job);
}

static void take_job(struct core *c, struct answer *a)
{

    if (!a->job)
        return;
    if (!acts(c, a)) {
        struct job *job = map_get(&c->jobs, str_of(a->job_id)); /* some of it may have acted */

        if (job && job->lane)
            (void)core_place_instead(c, job, a->failure, a->message, a->ask);
        else
            core_note_failure(c, a->job_id, a->failure, a->message, a->ask);
    }
    let_wait(c, a->job_id);
}

/* Those that came before it was asked; the others it will be asked about. */
static void let_newcomers_wait(struct core *c, uint64_t ask)
{
    while (!list_is_empty(&c->newcomers)) {
        struct question *q = container_of(c->newcomers.next, struct question, in_line);

        if (q->raised >= ask)
            return;
        let_wait(c, q->job->spec.id);
    }
}

static bool is_wait(const struct decisions *d)
{
    for (size_t i = 0; d && i < d->len; i++) {
        if (d->items[i].action != DECIDE_WAIT)
            return false;
    }
    return true;
}

static void take_schedule(struct core *c, struct answer *a)
{
    if (acts(c, a)) {
        c->something_changed = c->something_changed || !is_wait(a->decisions);
    } else {
        core_note_failure(c, "", a->failure, a->message, a->ask);
        core_place_all_instead(c, a->failure, a->message, a->ask);
    }
    let_newcomers_wait(c, a->ask);
}

static void take_outcome(struct core *c, struct answer *a)
{
    if (a->failure != POLICY_OK)
        core_note_failure(c, a->job_id, a->failure, a->message, a->ask);
}

void core_on_policy_answer(struct core *c, const struct core_event *event)
{
    /* clang-format off */
    static void (*const takes[])(struct core *c, struct answer *a) = {
        [ASK_SCHEDULE] = take_schedule,
        [ASK_JOB]      = take_job,
        [ASK_ADMIT]    = take_admit,
        [ASK_RETRY]    = take_retry,
        [ASK_OUTCOME]  = take_outcome,
    };
    /* clang-format on */
    uint64_t number;
    const struct out *out = core_first_out(c, &number);
    char job_id[JOB_ID_SIZE];

    if (!out || event->u.answer.ask != number)
        return;
    enum ask_kind kind = out->kind;
    const struct job *job = kind == ASK_OUTCOME ? NULL : core_asked_job(c, number);
    struct answer a = {
        .ask = number,
        .job_id = job_id,
        .job = job ? map_get(&c->jobs, str_of(out->job_id)) : NULL,
        .decisions = event->u.answer.decisions,
        .yes = event->u.answer.yes,
        .delay_ms = event->u.answer.delay_ms,
        .message = event->u.answer.message,
    };
    memcpy(job_id, out->job_id, sizeof(job_id));
    if (event->kind == CORE_POLICY_FAILED)
        a.failure = event->u.answer.failure == POLICY_OK ? POLICY_ERROR : event->u.answer.failure;
    core_close_ask(c);
    takes[kind](c, &a);
    if (!core_user_decides(c) && c->outs_len == 0)
        c->decider_changed = true; /* it was the last one: whom it lets wait may go after all */
}
