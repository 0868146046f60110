#include "jobs/queue_private.h"

#include <assert.h>

static_assert(BANDS == 2, "shares and promotion know of an upper and a lower band");

void job_queue_options_init(struct job_queue_options *o)
{
    *o = (struct job_queue_options){ .batch_share_pct = 10, .promote_after_ms = 120000 };
}

struct job_queue *job_queue_new(const struct job_queue_options *options, struct fairness *fairness)
{
    struct job_queue *q = mem_alloc(1, sizeof(*q));

    assert(options->batch_share_pct <= SHARE_OF);
    q->options = *options;
    q->fairness = fairness;
    map_init(&q->lines);
    map_init(&q->gates);
    map_init(&q->turns);
    list_init(&q->entries);
    list_init(&q->aging);
    list_init(&q->doubted);
    list_init(&q->doubted_lines);
    fairness_on_moved(fairness, turn_moved, q);
    return q;
}

void job_queue_free(struct job_queue *q)
{
    if (!q)
        return;
    assert(q->stats.count == 0);
    fairness_on_moved(q->fairness, NULL, NULL);
    map_deinit(&q->lines);
    map_deinit(&q->gates);
    map_deinit(&q->turns);
    free(q->ahead);
    free(q);
}

/* --- Bands ------------------------------------------------------------------------- */

unsigned owe(const struct job_queue *q, unsigned owed, enum job_priority band, bool is_waiting)
{
    unsigned share = q->options.batch_share_pct;

    if (!is_waiting)
        return 0;
    if (band == JOB_BATCH)
        return owed > SHARE_OF - share ? owed - (SHARE_OF - share) : 0;
    return owed + share < SHARE_OF ? owed + share : SHARE_OF;
}

bool is_due(const struct job_queue *q, unsigned owed)
{
    return q->options.batch_share_pct > 0 && owed >= SHARE_OF - q->options.batch_share_pct;
}

static bool is_old(const struct job_queue *q, const struct job *job, uint64_t now_ms)
{
    return q->options.promote_after_ms > 0 &&
           now_ms - job->entered_ms >= q->options.promote_after_ms;
}

/* --- What they ask for ---------------------------------------------------------------- */

static struct limit *limit_of(struct line *line, const struct job_spec *spec, uint64_t *ret_tokens)
{
    unsigned bits = 0;

    *ret_tokens =
        spec->type == JOB_TEXT_GEN && spec->max_tokens > 0 ? (uint64_t)spec->max_tokens : 0;
    if (spec->type == JOB_TEXT_GEN && *ret_tokens == 0)
        return NULL;
    while (*ret_tokens >> bits > 0)
        bits++;
    return bits <= LIMIT_BITS_MAX ? &line->limits[bits] : NULL;
}

static void count_in(struct line *line, const struct job_spec *spec)
{
    uint64_t tokens;
    struct limit *limit = limit_of(line, spec, &tokens);

    line->prompt_tokens += spec->prompt_tokens;
    if (!limit)
        return;
    limit->jobs++;
    limit->tokens += tokens;
}

static void count_out(struct line *line, const struct job_spec *spec)
{
    uint64_t tokens;
    struct limit *limit = limit_of(line, spec, &tokens);

    line->prompt_tokens -= spec->prompt_tokens;
    if (!limit)
        return;
    limit->jobs--;
    limit->tokens -= tokens;
}

/* --- In and out --------------------------------------------------------------------- */

void job_queue_add(struct job_queue *q, struct job *job)
{
    assert(job->state == JOB_QUEUED && !job->lane);
    enter_lane(q, job, job->spec.priority);
    count_in(job->lane->gate->line, &job->spec);
    list_push_back(&q->entries, &job->in_entries);
    if (job->spec.priority == JOB_BATCH)
        list_push_back(&q->aging, &job->in_aging);
    q->stats.count++;
    q->stats.by_priority[job->spec.priority]++;
    q->stats.bytes += job->spec.bytes;
    q->stats.prompt_tokens += job->spec.prompt_tokens;
}

void job_queue_remove(struct job_queue *q, struct job *job)
{
    assert(job->lane);
    count_out(job->lane->gate->line, &job->spec);
    leave_lane(q, job);
    list_remove(&job->in_entries);
    list_remove(&job->in_aging);
    q->stats.count--;
    q->stats.by_priority[job->spec.priority]--;
    q->stats.bytes -= job->spec.bytes;
    q->stats.prompt_tokens -= job->spec.prompt_tokens;
}

void job_queue_take(struct job_queue *q, struct job *job)
{
    struct line *line = job->lane->gate->line;

    line->owed = owe(q, line->owed, job->lane->band, line->bands[JOB_BATCH].count > 0);
    job_queue_remove(q, job);
}

/* --- Time ---------------------------------------------------------------------------- */

static struct job *next_to_age(const struct job_queue *q)
{
    return list_is_empty(&q->aging) ? NULL : container_of(q->aging.next, struct job, in_aging);
}

void job_queue_age(struct job_queue *q, uint64_t now_ms)
{
    struct job *job;

    while ((job = next_to_age(q)) && is_old(q, job, now_ms)) {
        list_remove(&job->in_aging);
        change_lane(q, job, JOB_INTERACTIVE);
    }
}

uint64_t job_queue_next_promotion_ms(const struct job_queue *q)
{
    const struct job *job = next_to_age(q);

    return job && q->options.promote_after_ms > 0 ? job->entered_ms + q->options.promote_after_ms
                                                  : UINT64_MAX;
}

/* --- Doubts -------------------------------------------------------------------------- */

void job_queue_doubt(struct job_queue *q, const char *model)
{
    struct line *line = find_line(q, model);

    if (!line)
        return;
    list_remove(&line->in_doubt);
    list_push_back(&q->doubted_lines, &line->in_doubt);
}

static void doubt_gates(struct job_queue *q, struct line *line)
{
    struct list *it, *tmp;

    list_remove(&line->in_doubt);
    LIST_FOREACH(it, tmp, &line->gates) {
        struct gate *gate = container_of(it, struct gate, in_line);

        list_remove(&gate->in_doubt);
        list_push_back(&q->doubted, &gate->in_doubt);
    }
}

struct job *job_queue_doubted(struct job_queue *q)
{
    if (list_is_empty(&q->doubted) && !list_is_empty(&q->doubted_lines))
        doubt_gates(q, container_of(q->doubted_lines.next, struct line, in_doubt));
    return list_is_empty(&q->doubted)
               ? NULL
               : gate_first(container_of(q->doubted.next, struct gate, in_doubt));
}

void job_queue_trust(const struct job *job)
{
    list_remove(&job->lane->gate->in_doubt);
}

bool job_queue_has_doubts(const struct job_queue *q)
{
    return !list_is_empty(&q->doubted) || !list_is_empty(&q->doubted_lines);
}

/* --- Questions ------------------------------------------------------------------------ */

struct job *job_queue_behind(const struct job *job)
{
    struct order_node *next = order_after(&job->lane->jobs, &job->place.in_lane);

    return next ? container_of(next, struct job, place.in_lane) : NULL;
}

struct job *job_queue_oldest(const struct job_queue *q)
{
    return list_is_empty(&q->entries) ? NULL
                                      : container_of(q->entries.next, struct job, in_entries);
}

static size_t line_count(const struct line *line)
{
    return line->bands[JOB_INTERACTIVE].count + line->bands[JOB_BATCH].count;
}

size_t job_queue_waiting(const struct job_queue *q, const char *model)
{
    const struct line *line = find_line(q, model);

    return line ? line_count(line) : 0;
}

struct job_queue_load job_queue_load(const struct job_queue *q, const char *model,
                                     uint64_t answer_tokens)
{
    const struct line *line = find_line(q, model);
    struct job_queue_load load = { .jobs = 0 };

    if (!line)
        return load;
    load.jobs = line_count(line);
    load.prompt_tokens = (double)line->prompt_tokens;
    size_t unlimited = load.jobs;
    for (size_t i = 0; i < LIMITS; i++) {
        double limits = (double)line->limits[i].tokens;
        double most = (double)line->limits[i].jobs * (double)answer_tokens;

        load.answer_tokens += limits < most ? limits : most;
        unlimited -= line->limits[i].jobs;
    }
    load.answer_tokens += (double)unlimited * (double)answer_tokens;
    return load;
}

const struct job_queue_stats *job_queue_stats(const struct job_queue *q)
{
    return &q->stats;
}
