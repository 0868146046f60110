/* Who is let in, who may go on hoping, and the words for those who are not and may not
 * (PROTOCOL "Status codes"). */
#include "scheduler/core_private.h"

#include <stdio.h>

enum {
    RETRY_WORKERS_AFTER_MS = 5000, /* a worker may have started by then */
    MODELS_MIN = 64,
    /* Jobs that are given up in one event. The rest follow in the next, which is due at
     * once, so that 100,000 of them need no memory for 100,000 actions. */
    STRANDED_PER_EVENT_MAX = 1000,
};

static bool is_candidate(const struct worker *worker, const struct job *job)
{
    bool is_starting = worker->live != LIVE_OFFLINE && worker->facts.state == WORKER_STARTING;

    return (is_starting || worker_is_available(worker)) && job_fits(job, &worker->facts);
}

/* It may be silent for now: one that comes back goes on. A failed one is another's to
 * replace. */
static bool may_come_back(const struct worker *worker, const struct job *job)
{
    return worker->facts.state != WORKER_FAILED && job_fits(job, &worker->facts);
}

static bool is_there(const struct worker *worker, const struct job *job)
{
    return worker_is_available(worker) && job_fits(job, &worker->facts);
}

static bool has_failed(const struct worker *worker, const struct job *job)
{
    return worker->facts.state == WORKER_FAILED && job_fits(job, &worker->facts);
}

typedef bool suits_fn(const struct worker *worker, const struct job *job);

struct search {
    const struct job *job;
    suits_fn *suits;
    const struct worker *found;
};

static bool on_worker(void *data, const struct worker *worker)
{
    struct search *search = data;

    if (search->suits(worker, search->job))
        search->found = worker;
    return !search->found;
}

/* The first that suits; NULL when none does. */
static const struct worker *find_worker(const struct core *c, const struct job *job,
                                        suits_fn *suits, bool online)
{
    struct search search = { .job = job, .suits = suits };
    const struct worker_query query = { .model = job->spec.model, .online = online };

    if (!*job->spec.worker_id) {
        (void)registry_find(c->registry, &query, on_worker, &search);
    } else {
        const struct worker *pinned = registry_worker(c->registry, job->spec.worker_id);

        if (pinned)
            (void)on_worker(&search, pinned);
    }
    return search.found;
}

/* --- Hope in hives ---------------------------------------------------------- */

struct hope {
    const struct core *core;
    const struct job_spec *spec;
    bool up; /* of hives that are, or are about to be */
    bool found;
};

static bool is_hive_up(const struct hive *hive)
{
    enum hive_status status = hive->facts.status;

    return hive->facts.health != HIVE_UNHEALTHY &&
           (status == HIVE_STARTING || status == HIVE_READY || status == HIVE_BUSY);
}

static bool on_hive(void *data, const struct hive *hive)
{
    struct hope *hope = data;
    const struct core *c = hope->core;
    const char *id = hive->facts.id;

    if ((*hope->spec->hive_id && strcmp(hope->spec->hive_id, id) != 0) ||
        (hope->up && !is_hive_up(hive)))
        return true;
    hope->found =
        core_is_starting(c, hope->spec->model, id) ||
        (core_starts_workers(c) && registry_hive_has_model(c->registry, id, hope->spec->model) &&
         !core_has_given_up(c, hope->spec->model, id));
    return !hope->found;
}

/* Could a hive start a worker for it? `up`: one that could now, or soon. A job that is pinned to
 * a worker waits for that one alone. */
static bool may_be_started(const struct core *c, const struct job_spec *spec, bool up)
{
    struct hope hope = { .core = c, .spec = spec, .up = up };

    if (c->is_stopping || *spec->worker_id || (!core_starts_workers(c) && c->starting == 0))
        return false;
    (void)registry_find_hives(c->registry, up, false, on_hive, &hope);
    return hope.found;
}

static bool is_worker_up(const struct core *c, const struct job *job)
{
    return find_worker(c, job, c->is_stopping ? is_there : is_candidate, true) != NULL;
}

bool core_has_candidate(const struct core *c, const struct job *job)
{
    return is_worker_up(c, job) || may_be_started(c, &job->spec, true);
}

bool core_has_hope(const struct core *c, const struct job *job)
{
    if (c->is_stopping)
        return is_worker_up(c, job);
    return find_worker(c, job, may_come_back, false) || may_be_started(c, &job->spec, false);
}

/* --- Answers ----------------------------------------------------------------- */

static int check_pins(const struct core *c, const struct job_spec *spec, struct err *err)
{
    if (*spec->hive_id && !registry_hive(c->registry, spec->hive_id))
        return err_param(err, ERR_NOT_FOUND, "hive_id",
                         "There is no hive '%s'. The hives that are: rbee status.", spec->hive_id);
    if (!*spec->worker_id)
        return 0;
    const struct worker *w = registry_worker(c->registry, spec->worker_id);
    if (!w)
        return err_param(err, ERR_NOT_FOUND, "worker_id",
                         "There is no worker '%s'. The workers that are: rbee status.",
                         spec->worker_id);
    if (strcmp(w->facts.model, spec->model) != 0)
        return err_param(err, ERR_INVALID, "worker_id",
                         "Worker '%s' has the model '%s', not '%s'. Leave worker_id out, or ask "
                         "for its model.",
                         spec->worker_id, w->facts.model, spec->model);
    if (*spec->hive_id && strcmp(w->facts.hive_id, spec->hive_id) != 0)
        return err_param(err, ERR_INVALID, "hive_id",
                         "Worker '%s' is not one of hive '%s'. Leave worker_id or hive_id out.",
                         spec->worker_id, spec->hive_id);
    return 0;
}

const struct setback *core_last_setback(const struct core *c, const char *model)
{
    const struct setback *last = NULL;
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, &c->setbacks) {
        const struct setback *s = map_value(it);

        if (strcmp(s->model, model) == 0)
            last = s;
    }
    return last;
}

static void explain_stopping(const struct job_spec *spec, struct err *err)
{
    (void)err_set(err, ERR_UNAVAILABLE,
                  "The queen is stopping, and no worker is there that could take a request for "
                  "model '%s' before it ends. Try again.",
                  spec->model);
    err->retry_after_ms = RETRY_WORKERS_AFTER_MS;
}

/* In seed 002's words; what else is known comes behind them. */
void core_explain_no_workers(const struct core *c, const struct job_spec *spec, struct err *err)
{
    if (c->is_stopping) {
        explain_stopping(spec, err);
        return;
    }

    char pins[WORKER_ID_SIZE + HIVE_ID_SIZE + 64] = "";
    const struct job job = { .spec = *spec }; /* borrows its labels */
    const struct setback *setback = core_last_setback(c, spec->model);
    const struct worker *failed = find_worker(c, &job, has_failed, false);

    if (*spec->worker_id)
        (void)snprintf(pins, sizeof(pins), " The request wants worker '%s' only.", spec->worker_id);
    else if (*spec->hive_id)
        (void)snprintf(pins, sizeof(pins), " The request wants hive '%s' only.", spec->hive_id);
    if (setback)
        (void)err_set(err, ERR_NO_WORKERS,
                      "No available worker found for model '%s'.%s Starting one on hive '%s' "
                      "failed: %s",
                      spec->model, pins, setback->hive_id, setback->words);
    else if (failed)
        (void)err_set(err, ERR_NO_WORKERS,
                      "No available worker found for model '%s'.%s Worker '%s' failed: %s",
                      spec->model, pins, failed->facts.id,
                      *failed->facts.reason ? failed->facts.reason : "no reason given");
    else
        (void)err_set(err, ERR_NO_WORKERS,
                      "No available worker found for model '%s'. Make sure a worker is running "
                      "and has sent heartbeats to queen.%s",
                      spec->model, pins);
    err->retry_after_ms = RETRY_WORKERS_AFTER_MS;
}

int core_admit(const struct core *c, const struct job_spec *spec, struct err *err)
{
    if (!registry_knows_model(c->registry, spec->model))
        return err_param(err, ERR_MODEL_NOT_FOUND, "model",
                         "The model '%s' does not exist or is not served here. GET /v1/models "
                         "lists those that are; start one with: rbee worker spawn.",
                         spec->model);
    int rc = check_pins(c, spec, err);
    if (rc < 0)
        return rc;
    if (spec->deadline_ms > 0 && spec->deadline_ms <= c->now_ms)
        return err_set(err, ERR_DEADLINE, "The deadline had passed before the request came.");

    const struct job job = { .spec = *spec }; /* borrows its labels */
    if (core_has_candidate(c, &job))
        return 0;
    core_explain_no_workers(c, spec, err);
    return err->code;
}

int core_check_queue(const struct core *c, const struct job_spec *spec, struct err *err)
{
    const struct job_queue_stats *queue = job_queue_stats(c->queue);

    size_t count = queue->count + c->parked_len;
    uint64_t bytes = queue->bytes + c->parked_bytes;

    if (count >= c->options.queue_jobs_max)
        (void)err_set(err, ERR_QUEUE_FULL, "The queue is full: %zu requests wait. Try again later.",
                      count);
    else if (spec->bytes > c->options.queue_bytes_max ||
             bytes > c->options.queue_bytes_max - spec->bytes)
        (void)err_set(err, ERR_QUEUE_FULL,
                      "The queue is full: its %zu requests hold %llu bytes. Try again later.",
                      count, (unsigned long long)bytes);
    else
        return 0;
    err->retry_after_ms = RETRY_AFTER_MS;
    return err->code;
}

void core_explain_timeout(const struct core *c, const struct job *job, struct err *err)
{
    unsigned long long waited_s = c->options.queue_timeout_ms / 1000;

    if (is_worker_up(c, job))
        (void)err_set(err, ERR_QUEUE_TIMEOUT,
                      "No slot for model '%s' became free within %llu s. Try again later.",
                      job->spec.model, waited_s);
    else
        (void)err_set(err, ERR_QUEUE_TIMEOUT,
                      "No worker for model '%s' came back within %llu s. Make sure a worker is "
                      "running and has sent heartbeats to queen.",
                      job->spec.model, waited_s);
    err->retry_after_ms = RETRY_AFTER_MS;
}

/* --- Hope that went --------------------------------------------------------- */

/* All of a lane, whose jobs may run on the same workers: on none. Returns how many. */
static unsigned fail_lane(struct core *c, struct job *job, unsigned most)
{
    unsigned failed = 0;
    struct err err;

    core_explain_no_workers(c, &job->spec, &err);
    while (job && failed < most) {
        struct job *behind = job_queue_behind(job);

        core_fail_job(c, job, &err);
        failed++;
        job = behind;
    }
    return failed;
}

struct models {
    const char **names; /* of jobs that wait: valid until one of those goes */
    size_t len, cap;
};

static bool collect_model(void *data, const char *model, const struct job *first)
{
    struct models *models = data;

    (void)model;
    if (models->len == models->cap) {
        models->cap = models->cap ? models->cap * 2 : MODELS_MIN;
        models->names = mem_resize(models->names, models->cap * sizeof(const char *));
    }
    models->names[models->len++] = first->spec.model;
    return true;
}

/* Whoever hoped for a start on some hive must be looked at again. */
static void doubt_all(struct core *c)
{
    struct models models = { NULL, 0, 0 };

    c->hopes_changed = false;
    job_queue_models(c->queue, collect_model, &models);
    for (size_t i = 0; i < models.len; i++)
        job_queue_doubt(c->queue, models.names[i]);
    free(models.names);
}

/* Who waits for a worker that is merely silent may hope; who waits for one that is gone is
 * told what a request that comes now is told. */
void core_fail_stranded(struct core *c)
{
    unsigned left = STRANDED_PER_EVENT_MAX;
    struct job *job;

    if (c->hopes_changed)
        doubt_all(c);
    while (left > 0 && (job = job_queue_doubted(c->queue))) {
        if (core_has_hope(c, job))
            job_queue_trust(job);
        else
            left -= fail_lane(c, job, left);
    }
}
