#include "jobs/queue.h"

#include "base/map.h"
#include "base/mem.h"

#include <assert.h>

enum { LANE_KEY_MAX = MODEL_REF_SIZE + HIVE_ID_SIZE + (1 + JOB_ATTEMPTS_MAX) * WORKER_ID_SIZE };

struct lane {
    struct list jobs;           /* job.in_lane; never empty but while it is made */
    struct model_line *line;    /* that it belongs to */
    bool is_retried, is_pinned; /* its jobs are */
    struct list in_retried;     /* model_line.retried */
    struct list in_line;        /* model_line.lanes */
    struct list in_doubt;       /* job_queue.doubted */
};

/* All lanes of one model. */
struct model_line {
    struct lane *open;           /* neither retried nor pinned; NULL: none waits there */
    struct list retried;         /* lane.in_retried, oldest lane first */
    struct list lanes;           /* lane.in_line: all of them */
    struct list in_doubt;        /* job_queue.doubted_lines */
    size_t pinned_lanes;         /* that are not retried */
    size_t count, retried_count; /* jobs */
};

struct job_queue {
    struct map lanes;          /* lane_key -> struct lane */
    struct map lines;          /* model -> struct model_line */
    struct list entries;       /* job.in_entries, by entered_ms */
    struct list doubted;       /* lane.in_doubt */
    struct list doubted_lines; /* model_line.in_doubt: all of their lanes */
    struct job_queue_stats stats;
};

struct lane_key {
    char text[LANE_KEY_MAX]; /* model, worker, hive, each worker tried; each with its NUL */
    size_t len;
};

static void key_add(struct lane_key *key, const char *part)
{
    size_t len = strlen(part) + 1;

    assert(len <= sizeof(key->text) - key->len);
    memcpy(key->text + key->len, part, len);
    key->len += len;
}

static void make_key(struct lane_key *key, const char *model, const char *worker_id,
                     const char *hive_id)
{
    key->len = 0;
    key_add(key, model);
    key_add(key, worker_id);
    key_add(key, hive_id);
}

static void make_job_key(struct lane_key *key, const struct job *job)
{
    make_key(key, job->spec.model, job->spec.worker_id, job->spec.hive_id);
    for (size_t i = 0; i < job->tried_len; i++)
        key_add(key, job->tried[i]);
}

static struct str key_str(const struct lane_key *key)
{
    return (struct str){ key->text, key->len };
}

static struct job *first(const struct lane *lane)
{
    return container_of(lane->jobs.next, struct job, in_lane);
}

static struct model_line *line_for(struct job_queue *q, const char *model)
{
    struct model_line *line = map_get(&q->lines, str_of(model));

    if (line)
        return line;
    line = mem_alloc(1, sizeof(*line));
    list_init(&line->retried);
    list_init(&line->lanes);
    list_init(&line->in_doubt);
    (void)map_put(&q->lines, str_of(model), line);
    return line;
}

static struct lane *lane_for(struct job_queue *q, const struct job *job)
{
    struct lane_key key;

    make_job_key(&key, job);
    struct lane *lane = map_get(&q->lanes, key_str(&key));
    if (lane)
        return lane;

    lane = mem_alloc(1, sizeof(*lane));
    list_init(&lane->jobs);
    list_init(&lane->in_retried);
    list_init(&lane->in_doubt);
    lane->line = line_for(q, job->spec.model);
    lane->is_retried = job->tried_len > 0;
    lane->is_pinned = *job->spec.worker_id || *job->spec.hive_id;
    list_push_back(&lane->line->lanes, &lane->in_line);
    if (lane->is_retried)
        list_push_back(&lane->line->retried, &lane->in_retried);
    else if (lane->is_pinned)
        lane->line->pinned_lanes++;
    else
        lane->line->open = lane;
    (void)map_put(&q->lanes, key_str(&key), lane);
    return lane;
}

/* `job` was the last in it. */
static void close_lane(struct job_queue *q, struct lane *lane, const struct job *job)
{
    struct model_line *line = lane->line;
    struct lane_key key;

    make_job_key(&key, job);
    (void)map_remove(&q->lanes, key_str(&key));
    list_remove(&lane->in_retried);
    list_remove(&lane->in_line);
    list_remove(&lane->in_doubt);
    if (!lane->is_retried && lane->is_pinned)
        line->pinned_lanes--;
    if (line->open == lane)
        line->open = NULL;
    free(lane);
    if (line->count > 0)
        return;
    (void)map_remove(&q->lines, str_of(job->spec.model));
    list_remove(&line->in_doubt);
    free(line);
}

struct job_queue *job_queue_new(void)
{
    struct job_queue *q = mem_alloc(1, sizeof(*q));

    map_init(&q->lanes);
    map_init(&q->lines);
    list_init(&q->entries);
    list_init(&q->doubted);
    list_init(&q->doubted_lines);
    return q;
}

void job_queue_free(struct job_queue *q)
{
    if (!q)
        return;
    assert(q->stats.count == 0);
    map_deinit(&q->lanes);
    map_deinit(&q->lines);
    free(q);
}

size_t job_queue_add(struct job_queue *q, struct job *job)
{
    struct lane *lane = lane_for(q, job);

    assert(job->state == JOB_QUEUED && !job->lane);
    job->lane = lane;
    list_push_back(&lane->jobs, &job->in_lane);
    list_push_back(&q->entries, &job->in_entries);
    lane->line->count++;
    lane->line->retried_count += lane->is_retried;
    q->stats.count++;
    q->stats.by_priority[job->spec.priority]++;
    q->stats.bytes += job->spec.bytes;
    return lane->is_retried ? lane->line->retried_count : lane->line->count;
}

void job_queue_remove(struct job_queue *q, struct job *job)
{
    struct lane *lane = job->lane;

    assert(lane);
    job->lane = NULL;
    list_remove(&job->in_lane);
    list_remove(&job->in_entries);
    lane->line->count--;
    lane->line->retried_count -= lane->is_retried;
    q->stats.count--;
    q->stats.by_priority[job->spec.priority]--;
    q->stats.bytes -= job->spec.bytes;
    if (list_is_empty(&lane->jobs))
        close_lane(q, lane, job);
}

bool job_queue_has_peer(const struct job_queue *q, const struct job *job)
{
    struct lane_key key;

    make_job_key(&key, job);
    return map_get(&q->lanes, key_str(&key)) != NULL;
}

static struct job *next_retried(struct job_queue *q, const struct model_line *line,
                                const struct worker_facts *worker)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &line->retried) {
        struct job *job = first(container_of(it, struct lane, in_retried));

        q->stats.looked_at_total++;
        if (job_fits(job, worker))
            return job;
    }
    return NULL;
}

static struct job *older(struct job_queue *q, struct job *job, const struct lane *lane)
{
    if (!lane)
        return job;
    q->stats.looked_at_total++;
    return job && job->seq < first(lane)->seq ? job : first(lane);
}

/* The lanes that a worker serves besides the open one. */
static struct job *next_pinned(struct job_queue *q, struct job *job,
                               const struct worker_facts *worker)
{
    const struct {
        const char *worker_id, *hive_id;
    } pins[] = {
        { worker->id, "" },
        { worker->id, worker->hive_id },
        { "", worker->hive_id },
    };
    size_t len = *worker->hive_id ? sizeof(pins) / sizeof(pins[0]) : 1;

    for (size_t i = 0; i < len; i++) {
        struct lane_key key;

        make_key(&key, worker->model, pins[i].worker_id, pins[i].hive_id);
        job = older(q, job, map_get(&q->lanes, key_str(&key)));
    }
    return job;
}

struct job *job_queue_next(struct job_queue *q, const struct worker_facts *worker)
{
    const struct model_line *line = map_get(&q->lines, str_of(worker->model));

    if (!line)
        return NULL;
    struct job *job = next_retried(q, line, worker);
    if (job)
        return job;
    job = older(q, NULL, line->open);
    return line->pinned_lanes > 0 ? next_pinned(q, job, worker) : job;
}

void job_queue_doubt(struct job_queue *q, const char *model)
{
    struct model_line *line = map_get(&q->lines, str_of(model));

    if (!line)
        return;
    list_remove(&line->in_doubt);
    list_push_back(&q->doubted_lines, &line->in_doubt);
}

static void doubt_lanes(struct job_queue *q, struct model_line *line)
{
    struct list *it, *tmp;

    list_remove(&line->in_doubt);
    LIST_FOREACH(it, tmp, &line->lanes) {
        struct lane *lane = container_of(it, struct lane, in_line);

        list_remove(&lane->in_doubt);
        list_push_back(&q->doubted, &lane->in_doubt);
    }
}

struct job *job_queue_doubted(struct job_queue *q)
{
    if (list_is_empty(&q->doubted) && !list_is_empty(&q->doubted_lines))
        doubt_lanes(q, container_of(q->doubted_lines.next, struct model_line, in_doubt));
    return list_is_empty(&q->doubted) ? NULL
                                      : first(container_of(q->doubted.next, struct lane, in_doubt));
}

void job_queue_trust(const struct job *job)
{
    list_remove(&job->lane->in_doubt);
}

bool job_queue_has_doubts(const struct job_queue *q)
{
    return !list_is_empty(&q->doubted) || !list_is_empty(&q->doubted_lines);
}

struct job *job_queue_behind(const struct job *job)
{
    struct list *next = job->in_lane.next;

    return next == &job->lane->jobs ? NULL : container_of(next, struct job, in_lane);
}

struct job *job_queue_oldest(const struct job_queue *q)
{
    return list_is_empty(&q->entries) ? NULL
                                      : container_of(q->entries.next, struct job, in_entries);
}

size_t job_queue_position(const struct job_queue *q, const struct job *job)
{
    bool is_behind = false; /* the loop has passed `job` */
    size_t position = 1;
    struct list *it, *tmp;

    assert(job->lane);
    LIST_FOREACH(it, tmp, &q->entries) {
        const struct job *other = container_of(it, struct job, in_entries);

        if (other == job) {
            is_behind = true;
            continue;
        }
        if (other->lane->line != job->lane->line)
            continue;
        /* Of each kind, whoever came first; of the two kinds, the retried ones. */
        if (other->lane->is_retried == job->lane->is_retried ? !is_behind : other->lane->is_retried)
            position++;
    }
    return position;
}

const struct job_queue_stats *job_queue_stats(const struct job_queue *q)
{
    return &q->stats;
}
