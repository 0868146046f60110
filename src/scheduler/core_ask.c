/*
 * What the user policy is asked next. Several questions are out at once, so that they travel
 * together; they are answered in their order. Their sources take turns, so that neither a flood
 * of arrivals nor a busy fleet keeps the others waiting.
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

/* --- Questions that are out ------------------------------------------------------ */

static const struct out *out_of(const struct core *c, uint64_t number)
{
    return &c->outs[number % ASKS_OUT_MAX];
}

static bool is_number_out(const struct core *c, uint64_t number)
{
    return number <= c->asks && number > c->asks - c->outs_len;
}

const struct out *core_first_out(const struct core *c, uint64_t *ret_number)
{
    *ret_number = c->asks - c->outs_len + 1;
    return c->outs_len > 0 ? out_of(c, *ret_number) : NULL;
}

bool core_is_out(const struct core *c, const struct job *job)
{
    return is_number_out(c, job->asked);
}

void core_close_ask(struct core *c)
{
    uint64_t number;

    outcome_free(core_first_out(c, &number)->outcome);
    c->outs_len--;
}

void core_forget_asks(struct core *c)
{
    while (c->outs_len > 0)
        core_close_ask(c);
}

/* It has ended meanwhile, or is not what was asked about any more: perhaps even another has
 * its id now. */
const struct job *core_asked_job(const struct core *c, uint64_t ask)
{
    const struct out *out = out_of(c, ask);

    if (!is_number_out(c, ask))
        return NULL;
    if (out->outcome)
        return out->outcome->job;
    const struct job *job = map_get(&c->jobs, str_of(out->job_id));
    if (!job || job->asked != ask || job->state != JOB_QUEUED)
        return NULL;
    return out->kind == ASK_JOB || (job->question && job->question->kind == out->kind) ? job : NULL;
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
        turn->number = ++c->turns_total;
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
    uint64_t turn;             /* 0: of no worker's */
};

/* Those that are out stand in line until they are answered: a few. */
static bool take_first(const struct core *c, const struct list *line, struct candidate *ret)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, line) {
        struct question *q = container_of(it, struct question, in_line);

        if (q->kind != ASK_OUTCOME && core_is_out(c, q->job))
            continue;
        ret->question = q;
        ret->kind = q->kind;
        ret->job = q->job;
        return true;
    }
    return false;
}

static bool from_parked(struct core *c, struct candidate *ret)
{
    return take_first(c, &c->parked, ret);
}

static bool from_outcomes(struct core *c, struct candidate *ret)
{
    return take_first(c, &c->outcomes, ret);
}

static bool from_newcomers(struct core *c, struct candidate *ret)
{
    return c->policy.entry == POLICY_ENTRY_JOB && take_first(c, &c->newcomers, ret);
}

static bool from_changes(struct core *c, struct candidate *ret)
{
    if (c->policy.entry != POLICY_ENTRY_SCHEDULE || !c->something_changed)
        return false;
    ret->kind = ASK_SCHEDULE;
    c->something_changed = job_queue_stats(c->queue)->count > 0;
    return c->something_changed;
}

static unsigned outs_of(const struct core *c, const struct turn *turn)
{
    unsigned count = 0;

    for (uint64_t number = c->asks; is_number_out(c, number); number--)
        count += out_of(c, number)->turn == turn->number;
    return count;
}

/* How a worker's turn stands. */
enum turn_state {
    TURN_ASKS, /* about this job */
    TURN_FULL, /* as many of its questions are out as it has room */
    TURN_HELD, /* whose turn it is, is asked about since before it: his answer comes first */
    TURN_OVER,
};

/* The job whose turn it is, but for those that were asked about in this turn already. */
static enum turn_state job_of_turn(struct core *c, const struct worker *worker,
                                   const struct turn *turn, struct job **ret)
{
    unsigned room = worker_room(worker), passed = 0;
    struct job *job = NULL;

    if (room > 0 && outs_of(c, turn) >= room)
        return TURN_FULL;
    while (passed < PASSED_MAX && room > 0 &&
           (job = job_queue_next(c->queue, &worker->facts, job))) {
        bool is_out = core_is_out(c, job);

        if (is_out && out_of(c, job->asked)->turn != turn->number && job->asked <= turn->since)
            return TURN_HELD;
        if (is_out)
            continue;
        if (job->asked <= turn->since && job->again_ms == 0) {
            *ret = job;
            return TURN_ASKS;
        }
        passed++;
    }
    return TURN_OVER;
}

static bool from_turns(struct core *c, struct candidate *ret)
{
    struct map_entry *it, *tmp;

    ret->kind = ASK_JOB;
    MAP_FOREACH(it, tmp, &c->turns) {
        const struct worker *worker = registry_worker(c->registry, map_key(it).p);
        const struct turn *turn = map_value(it);
        enum turn_state state = worker ? job_of_turn(c, worker, turn, &ret->job) : TURN_OVER;

        if (state == TURN_ASKS) {
            ret->question = ret->job->question;
            ret->turn = turn->number;
            return true;
        }
        if (state == TURN_HELD)
            return false;
        if (state == TURN_OVER)
            free(map_remove(&c->turns, map_key(it)));
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
        if (first[i]->asked > c->review_since || first[i]->again_ms > 0 || core_is_out(c, first[i]))
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
    struct out *out = &c->outs[++c->asks % ASKS_OUT_MAX];

    c->outs_len++;
    *out = (struct out){ .kind = what->kind, .turn = what->turn };
    (void)str_copy(out->job_id, sizeof(out->job_id), str_of(job_id));
    action->number = c->asks;
    action->ask.kind = what->kind;
    action->ask.job = what->job;
    action->ask.seed = rng_next(&c->rng);
    action->ask.outcome = action->ask.worker_id = "";
    if (what->kind == ASK_SCHEDULE)
        c->something_changed = false;
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
        out->outcome = what->question;
    }
}

/* Whoever is asked about the whole queue is asked about nothing else. */
static bool is_schedule_out(const struct core *c)
{
    uint64_t number;
    const struct out *first = core_first_out(c, &number);

    return first && first->kind == ASK_SCHEDULE;
}

/* One more from whom it is the turn of; false: none now. */
static bool ask_one(struct core *c)
{
    static bool (*const sources[])(struct core * c, struct candidate * ret) = {
        from_parked, from_newcomers, from_changes, from_turns, from_review, from_outcomes,
    };
    const unsigned count = sizeof(sources) / sizeof(sources[0]);

    for (unsigned i = 0; i < count; i++) {
        struct candidate what = { .job = NULL };
        bool found = sources[c->next_source](c, &what);

        if (found && what.kind == ASK_SCHEDULE && c->outs_len > 0)
            return false; /* once the others are answered */
        c->next_source = (c->next_source + 1) % count;
        if (found) {
            ask(c, &what);
            return true;
        }
    }
    return false;
}

void core_ask_next(struct core *c)
{
    while (core_user_decides(c) && c->outs_len < ASKS_OUT_MAX && !is_schedule_out(c) && ask_one(c))
        ;
}
