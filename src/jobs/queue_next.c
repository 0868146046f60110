/* Whose turn it is on a worker. */
#include "jobs/queue_private.h"

enum { AHEAD_MIN = 16 };

/* --- The gates that are open to a worker --------------------------------------------- */

static void look_ahead(struct job_queue *q, const struct gate *gate)
{
    if (!gate)
        return;
    if (q->ahead_len == q->ahead_cap) {
        q->ahead_cap = q->ahead_cap ? q->ahead_cap * 2 : AHEAD_MIN;
        q->ahead = mem_resize(q->ahead, q->ahead_cap * sizeof(*q->ahead));
    }
    q->ahead[q->ahead_len++] = (struct ahead){ .gate = gate };
}

static void look_at_returned(struct job_queue *q, const struct line *line,
                             const struct worker_facts *worker)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &line->returned) {
        const struct gate *gate = container_of(it, struct gate, in_returned);

        q->stats.looked_at_total++;
        if (job_fits(gate_first(gate), worker)) /* as all behind that gate do */
            look_ahead(q, gate);
    }
}

static void find_ahead(struct job_queue *q, const struct line *line,
                       const struct worker_facts *worker)
{
    const char *model = worker->model;

    q->ahead_len = 0;
    look_at_returned(q, line, worker);
    look_ahead(q, line->open);
    if (line->pinned_gates == 0)
        return;
    look_ahead(q, find_gate_of_pins(q, model, worker->id, ""));
    if (!*worker->hive_id)
        return;
    look_ahead(q, find_gate_of_pins(q, model, worker->id, worker->hive_id));
    look_ahead(q, find_gate_of_pins(q, model, "", worker->hive_id));
}

/* --- The order of a band for that worker ------------------------------------------------ */

/* The tenant whose turn is next behind `turn`; NULL: the first of all. */
static struct turn *next_turn(const struct job_queue *q, enum job_priority band, struct turn *turn)
{
    struct lane key = { .turn = turn };
    struct turn *best = NULL;

    for (size_t i = 0; i < q->ahead_len; i++) {
        const struct order *lanes = &q->ahead[i].gate->lanes[band];
        struct order_node *node = turn ? order_after(lanes, &key.in_gate) : order_first(lanes);
        struct turn *found = node ? container_of(node, struct lane, in_gate)->turn : NULL;

        if (found && (!best || turn_compare(found, best) < 0))
            best = found;
    }
    return best;
}

static void look_at(struct job_queue *q, enum job_priority band, struct turn *turn)
{
    for (size_t i = 0; i < q->ahead_len; i++)
        q->ahead[i].lane = find_lane(q->ahead[i].gate, band, turn);
}

/* A place in the band's order: that of a job there. */
struct place {
    const struct job_queue *q;
    struct turn *turn;
    const struct order_node *in_lane;
    double start;
};

/* Of a job of the tenant that is looked at. */
static struct place place_in_band(const struct job_queue *q, struct turn *turn,
                                  const struct order_node *in_lane)
{
    uint64_t cost = 0, more;

    for (size_t i = 0; i < q->ahead_len; i++) {
        if (!q->ahead[i].lane)
            continue;
        (void)order_before(&q->ahead[i].lane->jobs, in_lane, &more);
        cost += more;
    }
    return (struct place){
        .q = q, .turn = turn, .in_lane = in_lane, .start = start_behind(turn, cost)
    };
}

static bool is_before(const struct place *a, const struct place *b)
{
    return a->start != b->start ? a->start < b->start : a->turn->number < b->turn->number;
}

struct search {
    const struct place *after;
    struct turn *turn;
};

static bool is_past(const void *data, const struct order_node *node, uint64_t cost_before)
{
    const struct search *search = data;
    struct place place = place_in_band(search->after->q, search->turn, node);

    (void)cost_before; /* of one lane */
    return is_before(search->after, &place);
}

static struct order_node *next_in_lane(const struct lane *lane, struct turn *turn,
                                       const struct place *after)
{
    struct search search = { after, turn };
    size_t before;

    if (!after)
        return order_first(&lane->jobs);
    if (after->turn == turn)
        return order_after(&lane->jobs, after->in_lane);
    return order_search(&lane->jobs, is_past, &search, &before);
}

/* Of the tenant that is looked at. */
static struct order_node *next_of_turn(struct job_queue *q, struct turn *turn,
                                       const struct place *after)
{
    struct order_node *best = NULL;

    for (size_t i = 0; i < q->ahead_len; i++) {
        const struct lane *lane = q->ahead[i].lane;
        struct order_node *node = lane ? next_in_lane(lane, turn, after) : NULL;

        q->stats.looked_at_total += node != NULL;
        if (node && (!best || lane->jobs.compare(node, best) < 0))
            best = node;
    }
    return best;
}

/* Nobody starts before his counter, and the tenants come by their counters; so no more of
 * them are looked at than jobs were passed by, and one. */
static struct job *next_in_band(struct job_queue *q, enum job_priority band,
                                const struct job *after)
{
    struct place from, best = { 0 };
    struct order_node *next = NULL;

    if (after) {
        look_at(q, band, after->lane->turn);
        from = place_in_band(q, after->lane->turn, &after->place.in_lane);
    }
    for (struct turn *turn = next_turn(q, band, NULL); turn; turn = next_turn(q, band, turn)) {
        struct place place = { .turn = turn, .start = turn->counter };

        if (next && is_before(&best, &place))
            break;
        look_at(q, band, turn);
        struct order_node *node = next_of_turn(q, turn, after ? &from : NULL);
        if (!node)
            continue;
        place = place_in_band(q, turn, node);
        if (next && is_before(&best, &place))
            continue;
        best = place;
        next = node;
    }
    return next ? container_of(next, struct job, place.in_lane) : NULL;
}

/* --- Bands ------------------------------------------------------------------------------ */

static struct job *next_by_band(struct job_queue *q, const struct job *after)
{
    bool is_in_lower = after && after->lane->band == JOB_BATCH;
    struct job *job = is_in_lower ? NULL : next_in_band(q, JOB_INTERACTIVE, after);

    return job ? job : next_in_band(q, JOB_BATCH, is_in_lower ? after : NULL);
}

/* One job of the lower band goes before the upper one; the rest of it behind, as ever, so
 * that jobs which will not go now do not keep the upper band waiting. */
static struct job *next_when_due(struct job_queue *q, const struct job *after)
{
    struct job *due = next_in_band(q, JOB_BATCH, NULL), *job;

    if (!due || (after && after != due && after->lane->band == JOB_BATCH))
        return next_by_band(q, after);
    if (!after)
        return due;
    job = next_in_band(q, JOB_INTERACTIVE, after == due ? NULL : after);
    return job ? job : next_in_band(q, JOB_BATCH, due);
}

struct job *job_queue_next(struct job_queue *q, const struct worker_facts *worker,
                           const struct job *after)
{
    const struct line *line = find_line(q, worker->model);

    if (!line)
        return NULL;
    find_ahead(q, line, worker);
    return is_due(q, line->owed) ? next_when_due(q, after) : next_by_band(q, after);
}

/* --- One gate --------------------------------------------------------------------------- */

/* Behind the same gate, in the same band: does anyone come before it? */
static bool is_passed(const struct job_queue *q, const struct gate *gate, const struct job *job)
{
    const struct lane *first = first_lane(gate, job->spec.priority);
    const struct turn *turn = find_turn(q, job->spec.tenant_id, job->spec.model);
    struct job_place place = place_of(job);

    if (!first)
        return false;
    if (!turn) /* it would stand behind all of the same counter */
        return first->turn->counter <=
               fairness_counter(q->fairness, job->spec.tenant_id, job->spec.model);
    if (first->turn != turn)
        return turn_compare(first->turn, turn) < 0;
    return place_compare(&container_of(order_first(&first->jobs), struct job, place.in_lane)->place,
                         &place) < 0;
}

bool job_queue_has_peer_before(const struct job_queue *q, const struct job *job)
{
    const struct gate *gate = find_gate(q, job);
    bool is_upper = job->spec.priority == JOB_INTERACTIVE;

    if (!gate)
        return false;
    if (first_lane(gate, is_upper ? JOB_BATCH : JOB_INTERACTIVE) &&
        is_due(q, gate->line->owed) == is_upper)
        return true;
    return is_passed(q, gate, job);
}
