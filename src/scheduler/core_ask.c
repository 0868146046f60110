/*
 * What the user policy is asked next: one question at a time, whose sources take turns, so
 * that neither a flood of arrivals nor a busy fleet keeps the others waiting.
 */
#include "scheduler/core_private.h"

/* --- Questions ------------------------------------------------------------------ */

static bool is_parking(enum ask_kind kind)
{
    return kind == ASK_ADMIT || kind == ASK_RETRY;
}

static struct list *line_of(struct core *c, enum ask_kind kind)
{
    if (kind == ASK_OUTCOME)
        return &c->outcomes;
    return is_parking(kind) ? &c->parked : &c->newcomers;
}

struct question *core_raise(struct core *c, struct job *job, enum ask_kind kind)
{
    struct question *q = mem_alloc(1, sizeof(*q));

    q->kind = kind;
    q->job = job;
    q->raised = c->asks;
    list_push_back(line_of(c, kind), &q->in_line);
    if (kind == ASK_OUTCOME) {
        c->outcomes_len++;
        return q;
    }
    job->question = q;
    c->something_changed = true;
    if (is_parking(kind)) {
        c->parked_len++;
        c->parked_bytes += job->spec.bytes;
    }
    return q;
}

void core_drop_question(struct core *c, struct job *job)
{
    struct question *q = job->question;

    if (!q)
        return;
    if (is_parking(q->kind)) {
        c->parked_len--;
        c->parked_bytes -= job->spec.bytes;
    }
    list_remove(&q->in_line);
    job->question = NULL;
    free(q);
}

static void outcome_free(struct question *q)
{
    if (!q)
        return;
    list_remove(&q->in_line);
    job_free(q->job);
    free(q);
}

void core_forget_outcomes(struct core *c)
{
    while (!list_is_empty(&c->outcomes))
        outcome_free(container_of(c->outcomes.next, struct question, in_line));
    c->outcomes_len = 0;
}

void core_close_ask(struct core *c)
{
    outcome_free(c->out.outcome);
    c->out.outcome = NULL;
    c->out.number = 0;
}

/* --- Room ------------------------------------------------------------------------ */

void core_user_room(struct core *c, const struct worker *worker)
{
    struct str id = str_of(worker->facts.id);
    struct turn *turn = map_get(&c->turns, id);

    c->something_changed = true;
    if (c->policy.entry != POLICY_ENTRY_JOB)
        return;
    if (!turn) {
        turn = mem_alloc(1, sizeof(*turn));
        (void)map_put(&c->turns, id, turn);
    }
    turn->since = c->asks;
}

void core_forget_turns(struct core *c)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, &c->turns)
        free(map_remove(&c->turns, map_key(it)));
    c->is_reviewing = false;
}

/* --- Where questions come from --------------------------------------------------- */

struct candidate {
    enum ask_kind kind;
    struct job *job;           /* NULL: the whole queue */
    struct question *question; /* NULL: none was raised */
};

static bool take_first(const struct list *line, struct candidate *ret)
{
    if (list_is_empty(line))
        return false;
    ret->question = container_of(line->next, struct question, in_line);
    ret->kind = ret->question->kind;
    ret->job = ret->question->job;
    return true;
}

static bool from_parked(struct core *c, struct candidate *ret)
{
    return take_first(&c->parked, ret);
}

static bool from_outcomes(struct core *c, struct candidate *ret)
{
    return take_first(&c->outcomes, ret);
}

static bool from_newcomers(struct core *c, struct candidate *ret)
{
    return c->policy.entry == POLICY_ENTRY_JOB && take_first(&c->newcomers, ret);
}

static bool from_changes(struct core *c, struct candidate *ret)
{
    if (c->policy.entry != POLICY_ENTRY_SCHEDULE || !c->something_changed)
        return false;
    c->something_changed = false;
    ret->kind = ASK_SCHEDULE;
    return job_queue_stats(c->queue)->count > 0;
}

/* The job whose turn it is, but for those that were asked about in this turn already. */
static struct job *job_of_turn(struct core *c, const struct worker *worker, const struct turn *turn)
{
    struct job *job = NULL;

    for (unsigned passed = 0; passed < PASSED_MAX && worker_room(worker) > 0; passed++) {
        job = job_queue_next(c->queue, &worker->facts, job);
        if (!job || (job->asked <= turn->since && job->again_ms == 0))
            return job;
    }
    return NULL;
}

static bool from_turns(struct core *c, struct candidate *ret)
{
    struct map_entry *first;

    ret->kind = ASK_JOB;
    while ((first = map_first(&c->turns))) {
        struct str id = map_key(first);
        const struct worker *worker = registry_worker(c->registry, id.p);

        if (worker && (ret->job = job_of_turn(c, worker, map_value(first)))) {
            ret->question = ret->job->question;
            return true;
        }
        free(map_remove(&c->turns, id));
    }
    return false;
}

static bool from_review(struct core *c, struct candidate *ret)
{
    const struct job *first[REVIEWED_MAX];

    if (c->policy.entry != POLICY_ENTRY_JOB || !c->is_reviewing)
        return false;
    size_t len = core_to_review(c, first);
    for (size_t i = 0; i < len; i++) {
        if (first[i]->asked > c->review_since || first[i]->again_ms > 0)
            continue;
        ret->kind = ASK_JOB;
        ret->job = map_get(&c->jobs, str_of(first[i]->spec.id));
        ret->question = ret->job->question;
        return true;
    }
    c->is_reviewing = false;
    return false;
}

/* --- Asking ------------------------------------------------------------------------ */

static void describe_outcome(struct core_action *action, const struct question *q)
{
    action->ask.err = q->err;
    action->ask.failed = q->job->state != JOB_DONE;
    action->ask.outcome = job_state_name(q->job->state);
    action->ask.worker_id = q->worker_id;
    action->ask.tokens_in = q->tokens_in;
    action->ask.tokens_out = q->tokens_out;
    action->ask.queue_ms = q->queue_ms;
    action->ask.ttft_ms = q->ttft_ms;
    action->ask.total_ms = q->total_ms;
}

static void ask(struct core *c, const struct candidate *what)
{
    const char *job_id = what->job ? what->job->spec.id : "";
    struct core_action *action = core_add_action(c, CORE_ASK, job_id);

    c->out.number = action->number = ++c->asks;
    c->out.kind = action->ask.kind = what->kind;
    (void)str_copy(c->out.job_id, sizeof(c->out.job_id), str_of(job_id));
    action->ask.job = what->job;
    action->ask.seed = rng_next(&c->rng);
    action->ask.outcome = action->ask.worker_id = "";
    if (what->job) {
        what->job->asked = c->asks;
        action->attempt = what->job->attempt;
    }
    if (what->kind == ASK_RETRY)
        action->ask.err = what->question->err;
    if (what->kind == ASK_OUTCOME) {
        describe_outcome(action, what->question);
        list_remove(&what->question->in_line);
        c->outcomes_len--;
        c->out.outcome = what->question;
    }
}

void core_ask_next(struct core *c)
{
    static bool (*const sources[])(struct core * c, struct candidate * ret) = {
        from_parked, from_newcomers, from_changes, from_turns, from_review, from_outcomes,
    };
    const unsigned count = sizeof(sources) / sizeof(sources[0]);

    if (!core_user_decides(c) || c->out.number > 0)
        return;
    for (unsigned i = 0; i < count; i++) {
        struct candidate what = { .job = NULL };
        bool found = sources[c->next_source](c, &what);

        c->next_source = (c->next_source + 1) % count;
        if (found) {
            ask(c, &what);
            return;
        }
    }
}
