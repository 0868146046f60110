#include "scheduler/core.h"

#include "base/mem.h"
#include "scheduler/core_private.h"

#include <assert.h>

enum {
    ROOMY_MIN = 64,
    /* Jobs that time out in one event, and that are given up in it. The rest follow in the
     * next, which is due at once, so that 100,000 of them need no memory for 100,000
     * actions. */
    EXPIRED_PER_EVENT_MAX = 1000,
    STRANDED_PER_EVENT_MAX = 1000,
};

/* --- What the registry tells --------------------------------------------- */

static void on_lost(struct core *c, const struct worker *worker)
{
    struct crew *crew = map_get(&c->crews, str_of(worker->facts.id));

    if (!crew)
        return;
    list_remove(&crew->in_lost);
    list_push_back(&c->lost_crews, &crew->in_lost);
}

static void on_room(struct core *c, const struct worker *worker)
{
    if (c->roomy_len == c->roomy_cap) {
        c->roomy_cap = c->roomy_cap ? c->roomy_cap * 2 : ROOMY_MIN;
        c->roomy = mem_resize(c->roomy, c->roomy_cap * sizeof(struct worker *));
    }
    c->roomy[c->roomy_len++] = worker;
}

static void on_removed(struct core *c, const struct worker *worker)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->roomy_len; i++) {
        if (c->roomy[i] != worker)
            c->roomy[kept++] = c->roomy[i];
    }
    c->roomy_len = kept;
    job_queue_doubt(c->queue, worker->facts.model);
}

static void on_change(void *data, enum registry_change what, const struct worker *worker,
                      const struct hive *hive, const char *model)
{
    struct core *c = data;

    (void)hive;
    switch (what) {
    case REGISTRY_WORKER_ROOM:
        on_room(c, worker);
        break;
    case REGISTRY_WORKER_LOST:
        on_lost(c, worker);
        break;
    case REGISTRY_WORKER_MOVED:
        job_queue_doubt(c->queue, worker->facts.model);
        break;
    case REGISTRY_WORKER_REMOVED:
        on_removed(c, worker);
        break;
    case REGISTRY_HIVE_REMOVED:
        break;
    case REGISTRY_MODEL_KNOWN:
        (void)str_copy(core_add_action(c, CORE_NOTE_MODEL, "")->model, MODEL_REF_SIZE,
                       str_of(model));
        break;
    }
}

/* All of a lane, whose jobs may run on the same workers: on none. Returns how many. */
static unsigned fail_lane(struct core *c, struct job *job, unsigned most)
{
    unsigned failed = 0;
    struct err err;

    core_explain_no_workers(&job->spec, &err);
    while (job && failed < most) {
        struct job *behind = job_queue_behind(job);

        core_fail_job(c, job, &err);
        failed++;
        job = behind;
    }
    return failed;
}

/* Who waits for a worker that is merely silent may hope; who waits for one that is gone is
 * told what a request that comes now is told. */
static void fail_stranded(struct core *c)
{
    unsigned left = STRANDED_PER_EVENT_MAX;
    struct job *job;

    while (left > 0 && (job = job_queue_doubted(c->queue))) {
        if (core_has_worker(c, job))
            job_queue_trust(job);
        else
            left -= fail_lane(c, job, left);
    }
}

/* Act upon it: runs fail over first, then whoever waits gets the room that is left, then
 * those are given up whose last worker has gone. */
static void settle(struct core *c)
{
    while (!list_is_empty(&c->lost_crews))
        core_crew_lost(c, container_of(c->lost_crews.next, struct crew, in_lost));
    for (size_t i = 0; i < c->roomy_len; i++)
        core_pump(c, c->roomy[i]);
    c->roomy_len = 0;
    fail_stranded(c);
}

/* --- Time ---------------------------------------------------------------- */

static bool has_waited_too_long(const struct core *c, const struct job *job)
{
    return c->now_ms - job->entered_ms >= c->options.queue_timeout_ms;
}

static void expire_jobs(struct core *c)
{
    struct job *job;
    unsigned expired = 0;

    while ((job = deadlines_first(&c->deadlines)) && core_is_late(c, job) &&
           expired++ < EXPIRED_PER_EVENT_MAX)
        core_fail_late_job(c, job);
    while ((job = job_queue_oldest(c->queue)) && has_waited_too_long(c, job) &&
           expired++ < EXPIRED_PER_EVENT_MAX) {
        struct err err;

        core_explain_timeout(c, job, &err);
        core_fail_job(c, job, &err);
    }
}

uint64_t core_next_due_ms(const struct core *c)
{
    uint64_t due_ms = registry_next_due_ms(c->registry);
    const struct job *late = deadlines_first(&c->deadlines);
    const struct job *oldest = job_queue_oldest(c->queue);

    if (job_queue_has_doubts(c->queue))
        return c->now_ms;
    if (late && late->spec.deadline_ms < due_ms)
        due_ms = late->spec.deadline_ms;
    if (oldest && oldest->entered_ms + c->options.queue_timeout_ms < due_ms)
        due_ms = oldest->entered_ms + c->options.queue_timeout_ms;
    return due_ms;
}

/* --- Events -------------------------------------------------------------- */

static void on_tick(struct core *c, const struct core_event *event)
{
    (void)c; /* time passes with every event */
    (void)event;
}

static void on_job_arrived(struct core *c, const struct core_event *event)
{
    const struct job_spec *spec = event->u.arrived;
    struct err err;

    c->totals.arrived_total++;
    if (core_admit(c, spec, &err) < 0) {
        core_add_failure(c, spec->id, &err);
        return;
    }
    struct job *job = job_new(spec, c->arrived++, c->now_ms);
    const struct job *before = map_put(&c->jobs, str_of(job->spec.id), job);
    assert(!before);
    if (spec->deadline_ms > 0)
        deadlines_add(&c->deadlines, job);
    if (!job_queue_has_peer(c->queue, job) && core_place(c, job))
        return;
    if (core_check_queue(c, spec, &err) < 0)
        core_fail_job(c, job, &err);
    else
        core_enqueue(c, job);
}

static void on_job_cancelled(struct core *c, const struct core_event *event)
{
    struct job *job = map_get(&c->jobs, str_of(event->u.cancelled.job_id));

    if (!job)
        return;
    c->totals.cancelled_total++;
    core_end_job(c, job, JOB_CANCELLED);
}

/* The job whose current run the event is about; NULL when they crossed. */
static struct job *job_of_run(const struct core *c, const struct core_event *event)
{
    struct job *job = map_get(&c->jobs, str_of(event->u.run.job_id));

    return job && core_is_running(job) && job->attempt == event->u.run.attempt ? job : NULL;
}

static void start_streaming(struct core *c, struct job *job)
{
    if (job->state == JOB_STREAMING)
        return;
    job_enter(job, JOB_STREAMING, c->now_ms);
    deadlines_remove(&c->deadlines, job); /* kept */
}

static void on_run_started(struct core *c, const struct core_event *event)
{
    struct job *job = job_of_run(c, event);

    if (job)
        start_streaming(c, job);
}

static void on_run_finished(struct core *c, const struct core_event *event)
{
    struct job *job = job_of_run(c, event);

    if (!job)
        return;
    start_streaming(c, job); /* an answer that came in one piece */
    c->totals.done_total++;
    core_end_job(c, job, JOB_DONE);
}

static void on_run_failed(struct core *c, const struct core_event *event)
{
    struct job *job = job_of_run(c, event);

    if (job)
        core_run_failed(c, job, event->u.run.failure, &event->u.run.err);
}

static void on_report(struct core *c, const struct core_event *event)
{
    const struct hive_facts *hive = event->kind == CORE_HIVE_REPORT ? event->u.report.hive : NULL;
    const struct worker_facts *workers = event->u.report.workers;
    size_t len = event->kind == CORE_HIVE_REPORT ? event->u.report.workers_len : 1;
    struct err refused;

    if (registry_check_room(c->registry, hive, workers, len, &refused) < 0)
        return;
    if (hive)
        registry_hive_report(c->registry, hive, workers, len, c->now_ms);
    else if (event->kind == CORE_WORKER_REPORT)
        registry_worker_report(c->registry, workers, c->now_ms);
    else if (!registry_worker(c->registry, workers->id))
        registry_worker_static(c->registry, workers, c->now_ms);
}

static void on_worker_reachable(struct core *c, const struct core_event *event)
{
    registry_worker_reachable(c->registry, event->u.reach.worker_id, event->u.reach.reachable,
                              c->now_ms);
}

static void on_model_known(struct core *c, const struct core_event *event)
{
    registry_model_known(c->registry, event->u.known.model);
}

/* What has happened comes before the time that passed: an answer that ended is not taken
 * for one whose worker was lost meanwhile. What places a job comes after it, when all
 * workers that go have gone: no action names one of those. */
/* clang-format off */
static const struct {
    void (*handle)(struct core *c, const struct core_event *event);
    bool places;
} handlers[] = {
    [CORE_TICK]             = { on_tick,             false },
    [CORE_JOB_ARRIVED]      = { on_job_arrived,      true  },
    [CORE_JOB_CANCELLED]    = { on_job_cancelled,    false },
    [CORE_RUN_STARTED]      = { on_run_started,      false },
    [CORE_RUN_FINISHED]     = { on_run_finished,     false },
    [CORE_RUN_FAILED]       = { on_run_failed,       true  },
    [CORE_HIVE_REPORT]      = { on_report,           false },
    [CORE_WORKER_REPORT]    = { on_report,           false },
    [CORE_WORKER_STATIC]    = { on_report,           false },
    [CORE_WORKER_REACHABLE] = { on_worker_reachable, false },
    [CORE_MODEL_KNOWN]      = { on_model_known,      false },
};
/* clang-format on */

void core_handle(struct core *c, const struct core_event *event)
{
    assert(event->now_ms >= c->now_ms);
    assert((size_t)event->kind < sizeof(handlers) / sizeof(handlers[0]));
    bool places = handlers[event->kind].places;

    c->now_ms = event->now_ms;
    c->actions_len = 0;
    if (!places)
        handlers[event->kind].handle(c, event);
    registry_tick(c->registry, c->now_ms);
    expire_jobs(c);
    settle(c);
    if (!places)
        return;
    handlers[event->kind].handle(c, event);
    settle(c);
}

const struct core_action *core_actions(const struct core *c, size_t *ret_len)
{
    *ret_len = c->actions_len;
    return c->actions;
}

/* --- Life and questions -------------------------------------------------- */

void core_options_init(struct core_options *o)
{
    *o = (struct core_options){
        .strategy = &strategy_simple,
        .queue_jobs_max = 100000,
        .queue_bytes_max = 1ULL << 30,
        .queue_timeout_ms = 300000,
        .attempts_max = 3,
    };
    registry_limits_init(&o->registry);
}

struct core *core_new(const struct core_options *options)
{
    struct core *c = mem_alloc(1, sizeof(*c));

    assert(options->attempts_max >= 1 && options->attempts_max <= JOB_ATTEMPTS_MAX);
    c->options = *options;
    c->registry = registry_new(&options->registry, on_change, c);
    map_init(&c->jobs);
    map_init(&c->crews);
    c->queue = job_queue_new();
    deadlines_init(&c->deadlines);
    list_init(&c->lost_crews);
    return c;
}

void core_free(struct core *c)
{
    struct map_entry *it, *tmp;

    if (!c)
        return;
    MAP_FOREACH(it, tmp, &c->jobs)
        core_end_job(c, map_value(it), JOB_CANCELLED);
    map_deinit(&c->jobs);
    map_deinit(&c->crews);
    deadlines_deinit(&c->deadlines);
    job_queue_free(c->queue);
    registry_free(c->registry);
    free(c->roomy);
    free(c->actions);
    free(c);
}

const struct registry *core_registry(const struct core *c)
{
    return c->registry;
}

const struct job *core_job(const struct core *c, const char *job_id)
{
    return map_get(&c->jobs, str_of(job_id));
}

size_t core_job_position(const struct core *c, const char *job_id)
{
    const struct job *job = core_job(c, job_id);

    return job && job->lane ? job_queue_position(c->queue, job) : 0;
}

void core_get_stats(const struct core *c, struct core_stats *ret)
{
    const struct job_queue_stats *queue = job_queue_stats(c->queue);

    *ret = c->totals;
    ret->jobs = map_count(&c->jobs);
    ret->queued = queue->count;
    ret->queued_interactive = queue->by_priority[JOB_INTERACTIVE];
    ret->queued_batch = queue->by_priority[JOB_BATCH];
    ret->queued_bytes = queue->bytes;
    ret->looked_at_total = queue->looked_at_total;
}
