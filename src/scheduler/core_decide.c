/*
 * Decisions into actions: the strategy's, asked for here, and the user policy's, which came
 * as an event. Each is checked against the state as the one before it left it.
 */
#include "scheduler/core_private.h"

#include <stdio.h>

enum { RECORD_MIN = 64 };

/* --- The record -------------------------------------------------------------- */

static const struct acting nobody = {
    .policy = "", .version = "", .asked_policy = "", .message = ""
};

/* A decision begins: what acts from here on is carried out in its name. */
static void begin_decision(struct core *c, const char *policy, const char *version)
{
    c->acting = (struct acting){
        .number = ++c->decided,
        .policy = policy,
        .version = version,
        .asked_policy = "",
        .message = "",
    };
}

static void end_decision(struct core *c, const char *job_id, const struct decision *decisions,
                         size_t len)
{
    struct core_action *action = core_add_action(c, CORE_DECIDED, job_id);

    while (c->record_len + len > c->record_cap) {
        c->record_cap = c->record_cap ? c->record_cap * 2 : RECORD_MIN;
        c->record = mem_resize(c->record, c->record_cap * sizeof(*c->record));
    }
    if (len > 0)
        memcpy(&c->record[c->record_len], decisions, len * sizeof(*decisions));
    c->record_len += len;
    action->decided.asked_policy = c->acting.asked_policy;
    action->decided.failure = c->acting.failure;
    (void)snprintf(action->decided.message, sizeof(action->decided.message), "%s",
                   c->acting.message);
    action->decided.decisions_len = len;
    action->decided.ask = c->acting.ask;
    c->acting = nobody;
}

static void begin_for_strategy(struct core *c)
{
    begin_decision(c, c->options.strategy->name, "");
    if (c->instead.failure != POLICY_OK) {
        c->acting.failure = c->instead.failure;
        c->acting.message = c->instead.message ? c->instead.message : "";
        c->acting.ask = c->instead.ask;
        c->acting.asked_policy = c->policy.name;
    } else if (c->policy.is_set && c->policy.unavailable != POLICY_OK) {
        c->acting.failure = c->policy.unavailable;
        c->acting.message = c->policy.why;
        c->acting.asked_policy = c->policy.name;
        c->totals.fallbacks_total[c->policy.unavailable]++;
    }
}

void core_note_failure(struct core *c, const char *job_id, enum policy_failure failure,
                       const char *message, uint64_t ask)
{
    c->totals.fallbacks_total[failure]++;
    begin_decision(c, c->options.strategy->name, "");
    c->acting.failure = failure;
    c->acting.message = message ? message : "";
    c->acting.asked_policy = c->policy.name;
    c->acting.ask = ask;
    end_decision(c, job_id, NULL, 0);
}

/* --- Acting ------------------------------------------------------------------- */

static void act_wait(struct core *c, const struct decision *d, const struct subject *s)
{
    uint64_t wait_ms = d->retry_after_ms;

    if (wait_ms > c->options.queue_timeout_ms)
        wait_ms = c->options.queue_timeout_ms; /* it is gone by then */
    if (wait_ms == 0)
        return;
    if (s->job)
        core_wait_until(c, s->job, c->now_ms + wait_ms);
    else
        c->schedule_again_ms = c->now_ms + wait_ms;
}

static void act_dispatch(struct core *c, const struct decision *d, const struct subject *s)
{
    (void)d;
    core_begin_run(c, s->job, s->worker);
}

/* One code is the core's own word (PROTOCOL "Status codes"), and told as if the core said it. */
static void explain_refusal(const struct core *c, const struct decision *d, struct err *err)
{
    char words[DECISION_REASON_SIZE + POLICY_NAME_SIZE + 64];

    (void)snprintf(words, sizeof(words), "Refused by policy '%s': %s.", c->acting.policy, d->code);
    if (*d->reason)
        (void)snprintf(words, sizeof(words), "%s", d->reason);
    if (strcmp(d->code, err_name(ERR_DEADLINE)) == 0) {
        (void)err_set(err, ERR_DEADLINE, "%s", words);
        return;
    }
    (void)err_policy(err, d->status, d->code, "%s", words);
    (void)str_copy(err->policy_name, sizeof(err->policy_name), str_of(c->acting.policy));
    if (d->status == 429 || d->status == 503)
        err->retry_after_ms = d->retry_after_ms > 0 ? d->retry_after_ms : RETRY_AFTER_MS;
}

static void act_reject(struct core *c, const struct decision *d, const struct subject *s)
{
    struct err err;

    explain_refusal(c, d, &err);
    core_fail_job(c, s->job, &err);
}

static void act_evict(struct core *c, const struct decision *d, const struct subject *s)
{
    (void)d;
    core_evict(c, s->worker);
}

static void act_start(struct core *c, const struct decision *d, const struct subject *s)
{
    core_start(c, d->model, s->hive->facts.id, d->gpu);
}

static void act(struct core *c, const struct decision *d, const struct subject *s)
{
    /* clang-format off */
    static void (*const acts[])(struct core *c, const struct decision *d,
                                const struct subject *s) = {
        [DECIDE_WAIT]     = act_wait,
        [DECIDE_DISPATCH] = act_dispatch,
        [DECIDE_REJECT]   = act_reject,
        [DECIDE_EVICT]    = act_evict,
        [DECIDE_START]    = act_start,
    };
    /* clang-format on */

    acts[d->action](c, d, s);
    c->totals.decided_total[d->action]++;
}

/* In order, each against the state that the one before left. Returns how many acted; fewer
 * than all: the next one cannot be, for the reason in `ret_message`. */
static size_t act_on(struct core *c, const char *asked, const struct decisions *decisions,
                     char *ret_message, size_t size)
{
    size_t len = decisions->len;

    if (len == 0)
        c->totals.decided_total[DECIDE_WAIT]++;
    for (size_t i = 0; i < len; i++) {
        char why[DECIDED_MESSAGE_SIZE];
        struct subject subject;

        if (core_check_decision(c, &decisions->items[i], asked, &subject, why, sizeof(why))) {
            act(c, &decisions->items[i], &subject);
            continue;
        }
        if (len == 1)
            (void)snprintf(ret_message, size, "%s", why);
        else
            (void)snprintf(ret_message, size, "decision %zu of %zu: %s", i + 1, len, why);
        return i;
    }
    return len;
}

bool core_act_for_user(struct core *c, const char *job_id, const struct decisions *decisions,
                       uint64_t ask, char *ret_message, size_t size)
{
    if (decisions->len > DECISIONS_MAX) {
        (void)snprintf(ret_message, size, "%zu decisions, more than %d", decisions->len,
                       DECISIONS_MAX);
        return false;
    }
    begin_decision(c, c->policy.name, c->policy.version);
    c->acting.ask = ask;
    size_t acted = act_on(c, job_id, decisions, ret_message, size);
    if (acted == decisions->len || acted > 0) {
        end_decision(c, job_id, decisions->items, acted);
    } else {
        c->acting = nobody;
        c->decided--; /* the strategy's takes its number */
    }
    return acted == decisions->len;
}

/* --- The strategy ---------------------------------------------------------------- */

/* A strategy decides about the job it was asked about, and no other: whoever asks it in turn
 * about those that wait holds on to his place among them. */
static bool keeps_to(const char *job_id, const struct decisions *decisions)
{
    for (size_t i = 0; i < decisions->len; i++) {
        const struct decision *d = &decisions->items[i];

        if (*d->job_id && strcmp(d->job_id, job_id) != 0)
            return false;
    }
    return true;
}

/* What it answers is in c->scratch. One of its decisions that cannot be is a wait. */
static void act_for_strategy(struct core *c, const char *job_id)
{
    char message[DECIDED_MESSAGE_SIZE] = "the strategy decided about a job it was not asked about";

    begin_for_strategy(c);
    size_t acted = 0;
    if (keeps_to(job_id, &c->scratch))
        acted = act_on(c, job_id, &c->scratch, message, sizeof(message));
    if (acted < c->scratch.len && c->acting.failure == POLICY_OK) {
        c->acting.failure = POLICY_INVALID;
        c->acting.message = message;
    }
    end_decision(c, job_id, c->scratch.items, c->scratch.len);
}

bool core_place(struct core *c, struct job *job)
{
    const struct strategy *strategy = c->options.strategy;
    char id[JOB_ID_SIZE];

    if (core_is_late(c, job)) {
        core_fail_late_job(c, job);
        return true;
    }
    if (job->again_ms > c->now_ms)
        return false;
    memcpy(id, job->spec.id, sizeof(id));
    c->scratch.len = 0;
    strategy->decide(strategy, c, job, c->now_ms, &c->scratch);
    act_for_strategy(c, id);
    const struct job *left = core_job(c, id);
    return !left || core_is_running(left);
}

bool core_refuse(struct core *c, struct job *job)
{
    const struct strategy *strategy = c->options.strategy;
    char id[JOB_ID_SIZE];

    if (!strategy->refuses)
        return false;
    memcpy(id, job->spec.id, sizeof(id));
    c->scratch.len = 0;
    strategy->decide(strategy, c, job, c->now_ms, &c->scratch);
    for (size_t i = 0; i < c->scratch.len; i++) {
        if (c->scratch.items[i].action == DECIDE_DISPATCH)
            return false;
    }
    if (c->scratch.len > 0 && c->scratch.items[0].action != DECIDE_WAIT)
        act_for_strategy(c, id);
    return !core_job(c, id);
}

static void begin_instead(struct core *c, enum policy_failure failure, const char *message,
                          uint64_t ask)
{
    c->instead.failure = failure;
    c->instead.message = message;
    c->instead.ask = ask;
}

static void end_instead(struct core *c)
{
    c->instead.failure = POLICY_OK;
}

bool core_place_instead(struct core *c, struct job *job, enum policy_failure failure,
                        const char *message, uint64_t ask)
{
    c->totals.fallbacks_total[failure]++;
    begin_instead(c, failure, message, ask);
    bool placed = core_place(c, job);
    end_instead(c);
    return placed;
}

unsigned core_pump(struct core *c, const struct worker *worker)
{
    struct job *job, *after = NULL;
    unsigned passed = 0;

    /* The strategy may know a better worker for a job, so this one's room need not shrink
     * with each round; somebody's does. */
    while (passed < PASSED_MAX && worker_room(worker) > 0 &&
           (job = job_queue_next(c->queue, &worker->facts, after))) {
        if (core_place(c, job))
            continue;
        after = job;
        passed++;
    }
    return passed;
}

/* --- All that waits ---------------------------------------------------------------- */

static bool note_roomy(void *data, const struct worker *worker)
{
    struct core *c = data;

    core_note_room(c, worker);
    return true;
}

static bool note_roomy_of_model(void *data, const char *model, const struct job *first)
{
    struct core *c = data;

    (void)first;
    (void)registry_find(c->registry, &(struct worker_query){ .model = model, .has_room = true },
                        note_roomy, c);
    return true;
}

void core_note_all_room(struct core *c)
{
    job_queue_models(c->queue, note_roomy_of_model, c);
}

void core_place_all_instead(struct core *c, enum policy_failure failure, const char *message,
                            uint64_t ask)
{
    struct list *it, *tmp;
    unsigned vain = 0;

    begin_instead(c, failure, message, ask);
    LIST_FOREACH(it, tmp, &c->newcomers) {
        struct question *q = container_of(it, struct question, in_line);

        if (q->raised < ask)
            (void)core_place(c, q->job);
    }
    core_note_all_room(c);
    for (size_t i = 0; i < c->roomy_len && vain < PASS_VAIN_MAX; i++)
        vain += core_pump(c, c->roomy[i]);
    c->roomy_len = 0;
    end_instead(c);
}

void core_place_first(struct core *c)
{
    const struct job *first[REVIEWED_MAX];
    char ids[REVIEWED_MAX][JOB_ID_SIZE];
    size_t len = core_to_review(c, first);

    for (size_t i = 0; i < len; i++) /* one may be gone when its turn comes */
        memcpy(ids[i], first[i]->spec.id, sizeof(ids[i]));
    for (size_t i = 0; i < len; i++) {
        struct job *job = map_get(&c->jobs, str_of(ids[i]));

        if (job && job->lane)
            (void)core_place(c, job);
    }
}

void core_look_around(struct core *c)
{
    const struct strategy *strategy = c->options.strategy;

    if (!strategy->look_around)
        return;
    c->scratch.len = 0;
    strategy->look_around(strategy, c, c->now_ms, &c->scratch);
    if (c->scratch.len > 0)
        act_for_strategy(c, "");
}
