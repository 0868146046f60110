/* The order of the queue as a whole: who is first in it, and a job's place. */
#include "jobs/queue_private.h"

#include <assert.h>

enum { LOOKED_AT_MAX = 16 }; /* tenants, for one position */

/* --- The order of one model ------------------------------------------------------------- */

static int compare_opened(const struct order_node *left, const struct order_node *right)
{
    const struct stand *a = ORDER_OWNER(left, struct stand, in_opened);
    const struct stand *b = ORDER_OWNER(right, struct stand, in_opened);

    if (a->head_start != b->head_start)
        return a->head_start < b->head_start ? -1 : 1;
    return (a->turn->number > b->turn->number) - (a->turn->number < b->turn->number);
}

static void open_band(struct band *band)
{
    order_init(&band->opened, compare_opened);
    band->unopened = order_first(&band->stands);
}

static void open_stand(struct band *band)
{
    struct stand *stand = container_of(band->unopened, struct stand, in_band);

    stand->head = container_of(order_first(&stand->jobs), struct job, place.in_turn);
    stand->head_cost = 0;
    stand->head_start = stand->turn->counter;
    order_add(&band->opened, &stand->in_opened, 0);
    band->unopened = order_after(&band->stands, &stand->in_band);
}

/* Nobody starts before his counter: no more tenants are opened than were come to. */
static bool is_come_to(const struct turn *turn, const struct stand *head)
{
    if (!head || turn->counter != head->head_start)
        return !head || turn->counter < head->head_start;
    return turn->number < head->turn->number;
}

static struct stand *head_stand(struct band *band)
{
    for (;;) {
        struct order_node *first = order_first(&band->opened);
        struct stand *head = first ? container_of(first, struct stand, in_opened) : NULL;

        if (!band->unopened ||
            !is_come_to(container_of(band->unopened, struct stand, in_band)->turn, head))
            return head;
        open_stand(band);
    }
}

static void step_stand(struct band *band, struct stand *stand)
{
    struct order_node *next = order_after(&stand->jobs, &stand->head->place.in_turn);

    order_remove(&band->opened, &stand->in_opened);
    if (!next)
        return;
    stand->head_cost += stand->head->place.in_turn.weight;
    stand->head = container_of(next, struct job, place.in_turn);
    stand->head_start = start_behind(stand->turn, stand->head_cost);
    order_add(&band->opened, &stand->in_opened, 0);
}

/* The next job of the model; false: no more. */
static bool find_head(const struct job_queue *q, struct line *line, enum job_priority *ret_band)
{
    const struct stand *upper = head_stand(&line->bands[JOB_INTERACTIVE]);
    const struct stand *lower = head_stand(&line->bands[JOB_BATCH]);
    bool is_lower = lower && (!upper || is_due(q, line->head_owed));

    if (!upper && !lower)
        return false;
    line->head = is_lower ? lower->head : upper->head;
    line->is_head_upper = !is_lower || is_due(q, line->head_owed);
    *ret_band = is_lower ? JOB_BATCH : JOB_INTERACTIVE;
    return true;
}

static bool open_line(const struct job_queue *q, struct line *line)
{
    enum job_priority band;

    for (size_t i = 0; i < BANDS; i++)
        open_band(&line->bands[i]);
    line->head_owed = line->owed;
    return find_head(q, line, &band);
}

static bool step_line(const struct job_queue *q, struct line *line)
{
    enum job_priority band = JOB_INTERACTIVE;
    bool is_lower_waiting = head_stand(&line->bands[JOB_BATCH]) != NULL;

    (void)find_head(q, line, &band);
    step_stand(&line->bands[band], head_stand(&line->bands[band]));
    line->head_owed = owe(q, line->head_owed, band, is_lower_waiting);
    return find_head(q, line, &band);
}

/* --- All models --------------------------------------------------------------------------- */

/* Counters of different models say nothing about one another: models meet by their heads. */
static int compare_heads(const struct order_node *left, const struct order_node *right)
{
    const struct line *a = ORDER_OWNER(left, struct line, in_heads);
    const struct line *b = ORDER_OWNER(right, struct line, in_heads);

    if (a->is_head_upper != b->is_head_upper)
        return a->is_head_upper ? -1 : 1;
    return place_compare(&a->head->place, &b->head->place);
}

size_t job_queue_first(const struct job_queue *q, const struct job **ret, size_t max)
{
    struct map_entry *it, *tmp;
    struct order_node *first;
    struct order heads;
    size_t len = 0;

    order_init(&heads, compare_heads);
    MAP_FOREACH(it, tmp, &q->lines) {
        struct line *line = map_value(it);

        (void)open_line(q, line);
        order_add(&heads, &line->in_heads, 0);
    }
    while (len < max && (first = order_first(&heads))) {
        struct line *line = container_of(first, struct line, in_heads);

        ret[len++] = line->head;
        order_remove(&heads, &line->in_heads);
        if (step_line(q, line))
            order_add(&heads, &line->in_heads, 0);
    }
    return len;
}

void job_queue_models(const struct job_queue *q,
                      bool (*visit)(void *data, const char *model, const struct job *first),
                      void *data)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, &q->lines) {
        struct line *line = map_value(it);

        (void)open_line(q, line);
        if (!visit(data, line->head->spec.model, line->head))
            return;
    }
}

/* --- Position ------------------------------------------------------------------------------ */

/* A moment in the order of a band. */
struct moment {
    double start;
    const struct turn *turn; /* that counts at that moment */
    const struct turn *other;
};

static bool is_not_before(const void *data, const struct order_node *node, uint64_t cost_before)
{
    const struct moment *moment = data;
    double start = start_behind(moment->other, cost_before);

    (void)node;
    return start != moment->start ? start > moment->start
                                  : moment->other->number > moment->turn->number;
}

/* Jobs of the other tenants that start before this moment. Of very many tenants a few are
 * looked at, and the others taken to have as many. */
static size_t count_others(const struct band *band, struct moment moment)
{
    struct turn key_turn = { .number = moment.turn->number, .counter = moment.start };
    struct stand key = { .turn = &key_turn };
    uint64_t none;
    size_t tenants = order_before(&band->stands, &key.in_band, &none), count = 0, looked = 0;
    const struct order_node *node = order_first(&band->stands);

    for (; looked < tenants && looked < LOOKED_AT_MAX; looked++) {
        const struct stand *stand = ORDER_OWNER(node, struct stand, in_band);
        size_t before = 0;

        moment.other = stand->turn;
        if (stand->turn != moment.turn)
            (void)order_search(&stand->jobs, is_not_before, &moment, &before);
        count += before;
        node = order_after(&band->stands, node);
    }
    return looked < tenants ? count * tenants / looked : count;
}

/* A tenant without jobs there: it would stand behind all of the same counter. */
static struct turn stranger(const struct job_queue *q, const struct job_spec *spec)
{
    return (struct turn){
        .number = q->numbers,
        .counter = fairness_counter(q->fairness, spec->tenant_id, spec->model),
        .weight = fairness_weight(q->fairness, spec->tenant_id),
    };
}

static size_t position_in(const struct line *line, enum job_priority at, const struct turn *turn,
                          const struct job_place *place)
{
    const struct band *band = &line->bands[at];
    uint64_t cost = 0;
    size_t before = 0, own = 0;

    if (turn->line) {
        before = order_before(&turn->stands[at].jobs, &place->in_turn, &cost);
        own = order_count(&turn->stands[at].jobs);
    }
    struct moment moment = { .start = start_behind(turn, cost), .turn = turn };
    size_t others = count_others(band, moment), most = band->count - own;

    if (at == JOB_BATCH)
        before += line->bands[JOB_INTERACTIVE].count;
    return 1 + before + (others < most ? others : most);
}

size_t job_queue_position(const struct job_queue *q, const struct job *job)
{
    const struct line *line = find_line(q, job->spec.model);
    const struct turn *turn = find_turn(q, job->spec.tenant_id, job->spec.model);

    if (!line)
        return 1;
    if (job->lane)
        return position_in(line, job->lane->band, turn, &job->place);
    const struct job_place place = place_of(job);
    const struct turn none = stranger(q, &job->spec);
    return position_in(line, job->spec.priority, turn ? turn : &none, &place);
}
