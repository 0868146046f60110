#include "scheduler/core.h"

#include "scheduler/core_private.h"

#include <assert.h>

enum { ROOMY_MIN = 64 };

/* --- What the registry tells --------------------------------------------- */

static void on_lost(struct core *c, const struct worker *worker)
{
    struct crew *crew = map_get(&c->crews, str_of(worker->facts.id));

    if (!crew)
        return;
    list_remove(&crew->in_lost);
    list_push_back(&c->lost_crews, &crew->in_lost);
}

void core_note_room(struct core *c, const struct worker *worker)
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
    free(map_remove(&c->turns, str_of(worker->facts.id)));
    core_note_gone(c, worker);
    core_account_gone(c, worker);
    job_queue_doubt(c->queue, worker->facts.model);
}

static void on_change(void *data, enum registry_change what, const struct worker *worker,
                      const struct hive *hive, const char *model)
{
    struct core *c = data;

    (void)hive;
    switch (what) {
    case REGISTRY_WORKER_ROOM:
        core_note_room(c, worker);
        break;
    case REGISTRY_WORKER_LOST:
        on_lost(c, worker);
        job_queue_doubt(c->queue, worker->facts.model);
        break;
    case REGISTRY_WORKER_FAILED:
    case REGISTRY_WORKER_MOVED:
        job_queue_doubt(c->queue, worker->facts.model);
        break;
    case REGISTRY_WORKER_REMOVED:
        on_removed(c, worker);
        break;
    case REGISTRY_HIVE_REMOVED:
        c->hopes_changed = true;
        break;
    case REGISTRY_MODEL_KNOWN:
        (void)str_copy(core_add_action(c, CORE_NOTE_MODEL, "")->model, MODEL_REF_SIZE,
                       str_of(model));
        break;
    }
}

/* Act upon it: runs fail over first, then whoever waits gets the room that is left, then
 * those are given up whose last hope has gone. */
static void settle(struct core *c)
{
    while (!list_is_empty(&c->lost_crews))
        core_crew_lost(c, container_of(c->lost_crews.next, struct crew, in_lost));
    if (c->decider_changed)
        core_reconsider(c);
    for (size_t i = 0; i < c->roomy_len; i++) {
        if (core_user_decides(c))
            core_user_room(c, c->roomy[i]);
        else
            (void)core_pump(c, c->roomy[i]);
    }
    c->roomy_len = 0;
    core_fail_stranded(c);
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
    if (core_admit(c, spec, &err) < 0 ||
        (core_user_decides(c) && core_check_queue(c, spec, &err) < 0)) {
        core_add_failure(c, spec->id, &err);
        return;
    }
    struct job *job = job_new(spec, c->arrived++, c->now_ms);
    const struct job *before = map_put(&c->jobs, str_of(job->spec.id), job);
    assert(!before);
    registry_model_wanted(c->registry, job->spec.model, c->now_ms);
    if (spec->deadline_ms > 0)
        deadlines_add(&c->deadlines, job);
    if (core_user_decides(c) && c->policy.hooks & POLICY_HOOK_ADMIT)
        (void)core_raise(c, job, ASK_ADMIT);
    else
        core_let_in(c, job, false);
}

static void on_job_cancelled(struct core *c, const struct core_event *event)
{
    struct job *job = map_get(&c->jobs, str_of(event->u.cancelled.job_id));

    if (!job)
        return;
    c->totals.cancelled_total++;
    core_end_job(c, job, &(struct core_end){ .state = JOB_CANCELLED });
}

/* The job whose current run the event is about; NULL when they crossed. */
static struct job *job_of_run(const struct core *c, const struct core_event *event)
{
    struct job *job = map_get(&c->jobs, str_of(event->u.run.job_id));

    return job && core_is_running(job) && job->attempt == event->u.run.attempt ? job : NULL;
}

static void on_run_started(struct core *c, const struct core_event *event)
{
    struct job *job = job_of_run(c, event);

    if (job)
        core_start_streaming(c, job);
}

static void on_run_finished(struct core *c, const struct core_event *event)
{
    struct job *job = job_of_run(c, event);

    if (!job)
        return;
    core_start_streaming(c, job); /* an answer that came in one piece */
    core_account_end(c, job, event);
    c->totals.done_total++;
    core_end_job(c, job,
                 &(struct core_end){ .state = JOB_DONE,
                                     .tokens_in = event->u.run.tokens_in,
                                     .tokens_out = event->u.run.tokens_out });
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
    if (hive && hive->has_capabilities)
        c->hopes_changed = true;
    core_note_ready(c, workers, len);
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

static void on_stopping(struct core *c, const struct core_event *event)
{
    (void)event;
    c->is_stopping = true;
    c->hopes_changed = true;
}

/* What has happened comes before the time that passed: an answer that ended is not taken
 * for one whose worker was lost meanwhile. What places a job comes after it, when all
 * workers that go have gone: no action names one of those. */
/* clang-format off */
static const struct {
    void (*handle)(struct core *c, const struct core_event *event);
    bool places;
} handlers[] = {
    [CORE_TICK]             = { on_tick,               false },
    [CORE_JOB_ARRIVED]      = { on_job_arrived,        true  },
    [CORE_JOB_CANCELLED]    = { on_job_cancelled,      false },
    [CORE_RUN_STARTED]      = { on_run_started,        false },
    [CORE_RUN_FINISHED]     = { on_run_finished,       false },
    [CORE_RUN_FAILED]       = { on_run_failed,         true  },
    [CORE_HIVE_REPORT]      = { on_report,             false },
    [CORE_WORKER_REPORT]    = { on_report,             false },
    [CORE_WORKER_STATIC]    = { on_report,             false },
    [CORE_WORKER_REACHABLE] = { on_worker_reachable,   false },
    [CORE_MODEL_KNOWN]      = { on_model_known,        false },
    [CORE_POLICY]           = { core_on_policy,        false },
    [CORE_POLICY_STATE]     = { core_on_policy_state,  false },
    [CORE_POLICY_ANSWER]    = { core_on_policy_answer, true  },
    [CORE_POLICY_FAILED]    = { core_on_policy_answer, true  },
    [CORE_START_ENDED]      = { core_on_start_ended,   false },
    [CORE_EVICT_ENDED]      = { core_on_evict_ended,   false },
    [CORE_STOPPING]         = { on_stopping,           false },
};
/* clang-format on */
static_assert(sizeof(handlers) / sizeof(handlers[0]) == CORE_EVENT_KIND_COUNT_,
              "an event has no handler");

/* Actions and record move while they grow; now they stand still. */
static void publish_record(struct core *c)
{
    const struct decision *next = c->record;

    for (size_t i = 0; i < c->actions_len; i++) {
        if (c->actions[i].kind != CORE_DECIDED)
            continue;
        c->actions[i].decided.job_id = c->actions[i].job_id;
        c->actions[i].decided.decisions = next;
        next += c->actions[i].decided.decisions_len;
    }
}

void core_handle(struct core *c, const struct core_event *event)
{
    assert(event->now_ms >= c->now_ms);
    assert((size_t)event->kind < CORE_EVENT_KIND_COUNT_);
    bool places = handlers[event->kind].places;

    c->now_ms = event->now_ms;
    c->actions_len = 0;
    c->record_len = 0;
    if (!places)
        handlers[event->kind].handle(c, event);
    core_pass_time(c);
    settle(c);
    if (places) {
        handlers[event->kind].handle(c, event);
        settle(c);
    }
    core_ask_next(c);
    publish_record(c);
}

const struct core_action *core_actions(const struct core *c, size_t *ret_len)
{
    *ret_len = c->actions_len;
    return c->actions;
}

/* --- Life ------------------------------------------------------------------ */

void core_options_init(struct core_options *o)
{
    *o = (struct core_options){
        .strategy = &strategy_simple,
        .queue_jobs_max = 100000,
        .queue_bytes_max = 1ULL << 30,
        .queue_timeout_ms = 300000,
        .attempts_max = 3,
        .housekeeping_ms = 1000,
        .min_residency_ms = 30000,
        .start_timeout_ms = 300000,
        .starts_max = 16,
        .affinity_blocks_max = 262144,
        .sessions_max = 20000,
        .seed = 1,
    };
    registry_limits_init(&o->registry);
    job_queue_options_init(&o->queue);
    fairness_options_init(&o->fairness);
}

struct core *core_new(const struct core_options *options)
{
    struct core *c = mem_alloc(1, sizeof(*c));
    struct map *maps[] = { &c->jobs,     &c->crews, &c->sessions,  &c->tenants,
                           &c->outlooks, &c->turns, &c->evictions, &c->setbacks };
    struct list *lists[] = { &c->lost_crews, &c->parked, &c->newcomers, &c->outcomes, &c->starts };

    assert(options->attempts_max >= 1 && options->attempts_max <= JOB_ATTEMPTS_MAX);
    c->options = *options;
    for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
        map_init(maps[i]);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        list_init(lists[i]);
    rng_seed(&c->rng, options->seed);
    c->acting.policy = c->acting.version = "";
    c->registry = registry_new(&options->registry, on_change, c);
    c->fairness = fairness_new(&options->fairness);
    c->queue = job_queue_new(&options->queue, c->fairness);
    c->affinity = affinity_new(options->affinity_blocks_max);
    deadlines_init(&c->deadlines);
    return c;
}

void core_set_strategy(struct core *c, const struct strategy *strategy)
{
    assert(c->now_ms == 0);
    c->options.strategy = strategy;
}

static void free_values(struct map *map)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, map)
        free(map_value(it));
    map_deinit(map);
}

void core_free(struct core *c)
{
    struct map_entry *it, *tmp;

    if (!c)
        return;
    c->policy.is_set = false; /* nobody is told of their end */
    MAP_FOREACH(it, tmp, &c->jobs)
        core_end_job(c, map_value(it), &(struct core_end){ .state = JOB_CANCELLED });
    core_forget_asks(c);
    core_forget_outcomes(c);
    core_starts_free(c);
    free_values(&c->turns);
    free_values(&c->evictions);
    map_deinit(&c->jobs);
    map_deinit(&c->crews);
    deadlines_deinit(&c->deadlines);
    job_queue_free(c->queue);
    fairness_free(c->fairness);
    core_account_free(c);
    registry_free(c->registry);
    affinity_free(c->affinity);
    free(c->again);
    free(c->roomy);
    free(c->actions);
    free(c->record);
    free(c);
}
