/* Who stands where: constraints to gates, tenants to turns, jobs to lanes and stands. */
#include "jobs/queue_private.h"

#include <assert.h>
#include <math.h>

enum {
    KEY_MAX = MODEL_REF_SIZE + HIVE_ID_SIZE + (1 + JOB_ATTEMPTS_MAX) * WORKER_ID_SIZE,
    COST_MAX = 1 << 30, /* of one job: a whole queue's stays exact in a double */
};

/* --- Orders ----------------------------------------------------------------------- */

int place_compare(const struct job_place *a, const struct job_place *b)
{
    if (a->is_returned != b->is_returned)
        return a->is_returned ? -1 : 1;
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

static int compare_in_lane(const struct order_node *a, const struct order_node *b)
{
    return place_compare(ORDER_OWNER(a, struct job_place, in_lane),
                         ORDER_OWNER(b, struct job_place, in_lane));
}

static int compare_in_turn(const struct order_node *a, const struct order_node *b)
{
    return place_compare(ORDER_OWNER(a, struct job_place, in_turn),
                         ORDER_OWNER(b, struct job_place, in_turn));
}

int turn_compare(const struct turn *a, const struct turn *b)
{
    if (a->counter != b->counter)
        return a->counter < b->counter ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static int compare_lanes(const struct order_node *a, const struct order_node *b)
{
    return turn_compare(ORDER_OWNER(a, struct lane, in_gate)->turn,
                        ORDER_OWNER(b, struct lane, in_gate)->turn);
}

static int compare_stands(const struct order_node *a, const struct order_node *b)
{
    return turn_compare(ORDER_OWNER(a, struct stand, in_band)->turn,
                        ORDER_OWNER(b, struct stand, in_band)->turn);
}

struct job_place place_of(const struct job *job)
{
    const struct job_spec *spec = &job->spec;
    uint64_t due_ms = spec->deadline_ms > 0 ? spec->deadline_ms : UINT64_MAX;

    if (spec->slo_ttft_ms > 0 && job->arrived_ms + spec->slo_ttft_ms < due_ms)
        due_ms = job->arrived_ms + spec->slo_ttft_ms;
    return (
        struct job_place){ .is_returned = job->tried_len > 0, .due_ms = due_ms, .seq = job->seq };
}

double start_behind(const struct turn *turn, uint64_t cost_before)
{
    return turn->counter + (double)cost_before / turn->weight;
}

const struct lane *first_lane(const struct gate *gate, enum job_priority band)
{
    struct order_node *first = order_first(&gate->lanes[band]);

    return first ? container_of(first, struct lane, in_gate) : NULL;
}

/* Only the turn of a key is looked at. */
struct lane *find_lane(const struct gate *gate, enum job_priority band, struct turn *turn)
{
    struct lane key = { .turn = turn };
    struct order_node *found = order_from(&gate->lanes[band], &key.in_gate);
    struct lane *lane = found ? container_of(found, struct lane, in_gate) : NULL;

    return lane && lane->turn == turn ? lane : NULL;
}

struct job *gate_first(const struct gate *gate)
{
    const struct lane *lane = first_lane(gate, JOB_INTERACTIVE);

    lane = lane ? lane : first_lane(gate, JOB_BATCH);
    return container_of(order_first(&lane->jobs), struct job, place.in_lane);
}

/* At least 1, so that no two jobs of a tenant start at once. */
static uint64_t cost_of(const struct job_queue *q, const struct job *job)
{
    uint32_t input = job->spec.prompt_tokens;
    uint32_t output = job->tokens.total > input ? job->tokens.total - input : 0;

    return (uint64_t)fmin(fmax(fairness_cost(q->fairness, input, output), 1), COST_MAX);
}

/* --- Keys ------------------------------------------------------------------------- */

struct key {
    char text[KEY_MAX]; /* parts, each with its NUL */
    size_t len;
};

static void key_add(struct key *key, const char *part)
{
    size_t len = strlen(part) + 1;

    assert(len <= sizeof(key->text) - key->len);
    memcpy(key->text + key->len, part, len);
    key->len += len;
}

static struct str turn_key(struct key *key, const char *model, const char *tenant_id)
{
    key->len = 0;
    key_add(key, model);
    key_add(key, tenant_id);
    return (struct str){ key->text, key->len };
}

static struct str pins_key(struct key *key, const char *model, const char *worker_id,
                           const char *hive_id)
{
    key->len = 0;
    key_add(key, model);
    key_add(key, worker_id);
    key_add(key, hive_id);
    return (struct str){ key->text, key->len };
}

/* The pins, and each worker tried. */
static struct str gate_key(struct key *key, const struct job *job)
{
    (void)pins_key(key, job->spec.model, job->spec.worker_id, job->spec.hive_id);
    for (size_t i = 0; i < job->tried_len; i++)
        key_add(key, job->tried[i]);
    return (struct str){ key->text, key->len };
}

struct line *find_line(const struct job_queue *q, const char *model)
{
    return map_get(&q->lines, str_of(model));
}

struct gate *find_gate(const struct job_queue *q, const struct job *job)
{
    struct key key;

    return map_get(&q->gates, gate_key(&key, job));
}

struct gate *find_gate_of_pins(const struct job_queue *q, const char *model, const char *worker_id,
                               const char *hive_id)
{
    struct key key;

    return map_get(&q->gates, pins_key(&key, model, worker_id, hive_id));
}

struct turn *find_turn(const struct job_queue *q, const char *tenant_id, const char *model)
{
    struct key key;

    return map_get(&q->turns, turn_key(&key, model, tenant_id));
}

/* --- In --------------------------------------------------------------------------- */

static struct line *line_for(struct job_queue *q, const char *model)
{
    struct line *line = find_line(q, model);

    if (line)
        return line;
    line = mem_alloc(1, sizeof(*line));
    for (size_t i = 0; i < BANDS; i++)
        order_init(&line->bands[i].stands, compare_stands);
    list_init(&line->gates);
    list_init(&line->returned);
    list_init(&line->in_doubt);
    (void)map_put(&q->lines, str_of(model), line);
    return line;
}

static struct gate *gate_for(struct job_queue *q, const struct job *job)
{
    struct gate *gate = find_gate(q, job);
    struct key key;

    if (gate)
        return gate;
    gate = mem_alloc(1, sizeof(*gate));
    for (size_t i = 0; i < BANDS; i++)
        order_init(&gate->lanes[i], compare_lanes);
    list_init(&gate->in_returned);
    list_init(&gate->in_doubt);
    gate->line = line_for(q, job->spec.model);
    gate->is_returned = job->tried_len > 0;
    gate->is_pinned = *job->spec.worker_id || *job->spec.hive_id;
    list_push_back(&gate->line->gates, &gate->in_line);
    if (gate->is_returned)
        list_push_back(&gate->line->returned, &gate->in_returned);
    else if (gate->is_pinned)
        gate->line->pinned_gates++;
    else
        gate->line->open = gate;
    (void)map_put(&q->gates, gate_key(&key, job), gate);
    return gate;
}

static struct turn *turn_for(struct job_queue *q, const struct job *job)
{
    const char *tenant_id = job->spec.tenant_id, *model = job->spec.model;
    struct turn *turn = find_turn(q, tenant_id, model);
    struct key key;

    if (turn)
        return turn;
    fairness_activate(q->fairness, tenant_id, model);
    turn = mem_alloc(1, sizeof(*turn));
    turn->line = find_line(q, model);
    turn->line->turns++;
    turn->number = q->numbers++;
    turn->counter = fairness_counter(q->fairness, tenant_id, model);
    turn->weight = fairness_weight(q->fairness, tenant_id);
    list_init(&turn->lanes);
    for (size_t i = 0; i < BANDS; i++) {
        turn->stands[i].turn = turn;
        order_init(&turn->stands[i].jobs, compare_in_turn);
    }
    (void)map_put(&q->turns, turn_key(&key, model, tenant_id), turn);
    return turn;
}

static struct lane *lane_for(struct gate *gate, struct turn *turn, enum job_priority band)
{
    struct lane *lane = find_lane(gate, band, turn);

    if (lane)
        return lane;
    lane = mem_alloc(1, sizeof(*lane));
    lane->gate = gate;
    lane->turn = turn;
    lane->band = band;
    order_init(&lane->jobs, compare_in_lane);
    order_add(&gate->lanes[band], &lane->in_gate, 0);
    list_push_back(&turn->lanes, &lane->in_turn);
    return lane;
}

void enter_lane(struct job_queue *q, struct job *job, enum job_priority band)
{
    struct gate *gate = gate_for(q, job);
    struct turn *turn = turn_for(q, job);
    struct stand *stand = &turn->stands[band];
    struct band *in = &gate->line->bands[band];
    uint64_t cost = cost_of(q, job);

    job->lane = lane_for(gate, turn, band);
    job->place = place_of(job);
    if (order_count(&stand->jobs) == 0)
        order_add(&in->stands, &stand->in_band, 0);
    order_add(&stand->jobs, &job->place.in_turn, cost);
    order_add(&job->lane->jobs, &job->place.in_lane, cost);
    in->count++;
}

/* --- Out -------------------------------------------------------------------------- */

static void close_line(struct job_queue *q, struct line *line, const char *model)
{
    (void)map_remove(&q->lines, str_of(model));
    list_remove(&line->in_doubt);
    free(line);
}

static void close_gate(struct job_queue *q, struct gate *gate, const struct job *job)
{
    struct line *line = gate->line;
    struct key key;

    (void)map_remove(&q->gates, gate_key(&key, job));
    list_remove(&gate->in_line);
    list_remove(&gate->in_returned);
    list_remove(&gate->in_doubt);
    if (!gate->is_returned && gate->is_pinned)
        line->pinned_gates--;
    if (line->open == gate)
        line->open = NULL;
    free(gate);
    if (list_is_empty(&line->gates))
        close_line(q, line, job->spec.model);
}

static void close_turn(struct job_queue *q, struct turn *turn, const struct job *job)
{
    struct key key;

    turn->line->turns--;
    (void)map_remove(&q->turns, turn_key(&key, job->spec.model, job->spec.tenant_id));
    free(turn);
    fairness_deactivate(q->fairness, job->spec.tenant_id, job->spec.model);
}

static void close_lane(struct job_queue *q, struct lane *lane, const struct job *job)
{
    struct gate *gate = lane->gate;
    struct turn *turn = lane->turn;
    size_t lanes = 0;

    order_remove(&gate->lanes[lane->band], &lane->in_gate);
    list_remove(&lane->in_turn);
    free(lane);
    for (size_t i = 0; i < BANDS; i++)
        lanes += order_count(&gate->lanes[i]);
    if (list_is_empty(&turn->lanes))
        close_turn(q, turn, job);
    if (lanes == 0)
        close_gate(q, gate, job);
}

/* Returns the lane that it stood in, which may be empty now. */
static struct lane *step_out(struct job *job)
{
    struct lane *lane = job->lane;
    struct stand *stand = &lane->turn->stands[lane->band];
    struct band *band = &lane->gate->line->bands[lane->band];

    job->lane = NULL;
    band->count--;
    order_remove(&lane->jobs, &job->place.in_lane);
    order_remove(&stand->jobs, &job->place.in_turn);
    if (order_count(&stand->jobs) == 0)
        order_remove(&band->stands, &stand->in_band);
    return lane;
}

void leave_lane(struct job_queue *q, struct job *job)
{
    struct lane *lane = step_out(job);

    if (order_count(&lane->jobs) == 0)
        close_lane(q, lane, job);
}

/* Its tenant is busy all the while. */
void change_lane(struct job_queue *q, struct job *job, enum job_priority band)
{
    struct lane *lane = step_out(job);

    enter_lane(q, job, band);
    if (order_count(&lane->jobs) == 0)
        close_lane(q, lane, job);
}

/* --- A tenant moves ---------------------------------------------------------------- */

static void each_order(struct turn *turn, void (*visit)(struct order *, struct order_node *))
{
    struct list *it, *tmp;

    for (size_t i = 0; i < BANDS; i++) {
        if (order_count(&turn->stands[i].jobs) > 0)
            visit(&turn->line->bands[i].stands, &turn->stands[i].in_band);
    }
    LIST_FOREACH(it, tmp, &turn->lanes) {
        struct lane *lane = container_of(it, struct lane, in_turn);

        visit(&lane->gate->lanes[lane->band], &lane->in_gate);
    }
}

static void add_to(struct order *order, struct order_node *node)
{
    order_add(order, node, 0);
}

void turn_moved(void *data, const char *tenant_id, const char *model)
{
    struct job_queue *q = data;
    struct turn *turn = find_turn(q, tenant_id, model);

    if (!turn)
        return;
    /* One that is alone stays where it is, however many lanes it has. */
    bool has_others = turn->line->turns > 1;
    if (has_others)
        each_order(turn, order_remove);
    turn->counter = fairness_counter(q->fairness, tenant_id, model);
    turn->weight = fairness_weight(q->fairness, tenant_id);
    if (has_others)
        each_order(turn, add_to);
}
