#include "scheduler/core_world_private.h"

#include "base/mem.h"
#include "scheduler/event_log.h"

#include <assert.h>
#include <stdio.h>

/* --- The strategy behind the policies ------------------------------------------------ */

static void decide(const struct strategy *self, const struct core *core, const struct job *job,
                   uint64_t now_ms, struct decisions *ret)
{
    strategy_simple.decide(self, core, job, now_ms, ret);
    if (ret->len > 0 || core_starting(core, job->spec.model) > 0)
        return;
    struct decision *d = &ret->items[ret->len++];
    *d = (struct decision){ .action = DECIDE_START, .gpu = DECISION_GPU_ANY };
    memcpy(d->model, job->spec.model, sizeof(d->model));
}

static bool find_idle(void *data, const struct worker *worker)
{
    const struct worker **found = data;

    if (worker_is_idle(worker))
        *found = worker;
    return true;
}

static void look_around(const struct strategy *self, const struct core *core, uint64_t now_ms,
                        struct decisions *ret)
{
    const struct worker *idle = NULL;

    (void)self;
    if (now_ms / 1000 % 20 != 0)
        return;
    (void)registry_find(core_registry(core), &(struct worker_query){ .idle = true }, find_idle,
                        &idle);
    if (!idle)
        return;
    struct decision *d = &ret->items[ret->len++];
    *d = (struct decision){ .action = DECIDE_EVICT };
    memcpy(d->worker_id, idle->facts.id, sizeof(d->worker_id));
}

static const struct strategy builtin = {
    .name = "builtin", .decide = decide, .look_around = look_around, .starts_workers = true
};

struct core *world_core(void)
{
    struct core_options options;

    core_options_init(&options);
    options.strategy = &builtin;
    options.queue_jobs_max = 200;
    options.queue_timeout_ms = 60000;
    options.sessions_max = 50;
    options.affinity_blocks_max = 500;
    options.starts_max = 3;
    return core_new(&options);
}

/* --- Actions ---------------------------------------------------------------------------- */

static struct run *run_of(struct world *w, const char *job_id)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        if (strcmp(w->runs[i].job_id, job_id) == 0)
            return &w->runs[i];
    }
    return NULL;
}

static void begin_run(struct world *w, const struct core_action *a)
{
    struct run *run = run_of(w, a->job_id);

    if (!run)
        run = run_of(w, "");
    assert(run);
    *run = (struct run){ .attempt = a->attempt, .fails = world_one_in(w, 12) };
    memcpy(run->job_id, a->job_id, sizeof(run->job_id));
    run->first_ms = w->now_ms + 50 + world_below(w, 500);
    run->end_ms = run->first_ms + world_below(w, 4000);
    w->report.dispatched++;
}

static void end_run(struct world *w, const char *job_id)
{
    struct run *run = run_of(w, job_id);

    if (run && *job_id)
        run->job_id[0] = '\0';
}

static void note_ask(struct world *w, const struct core_action *a)
{
    w->report.asked++;
    w->asked[w->asked_len] = (struct asked){
        .number = a->number,
        .kind = a->ask.kind,
        .due_ms = w->now_ms + (world_one_in(w, 10) ? world_below(w, 3000) : 0),
    };
    memcpy(w->asked[w->asked_len++].job_id, a->job_id, sizeof(a->job_id));
}

static void take_action(struct world *w, const struct core_action *a)
{
    action_log_add(w->options->actions, a);
    switch (a->kind) {
    case CORE_DISPATCH:
        begin_run(w, a);
        break;
    case CORE_QUEUED:
        end_run(w, a->job_id);
        break;
    case CORE_FAIL:
        w->report.failed++;
        end_run(w, a->job_id);
        break;
    case CORE_ASK:
        note_ask(w, a);
        break;
    case CORE_START:
    case CORE_EVICT:
        w->pending = *a; /* if there was one before, its hive never answers */
        w->report.starts += a->kind == CORE_START;
        w->report.evictions += a->kind == CORE_EVICT;
        break;
    case CORE_DECIDED:
        w->report.fallbacks += a->decided.failure != POLICY_OK;
        break;
    case CORE_NOTE_MODEL:
    case CORE_ACTION_KIND_COUNT_:
        break;
    }
}

void world_handle(struct world *w, struct core_event event)
{
    const struct core_action *actions;
    size_t len;

    event.now_ms = w->now_ms;
    event_log_add(w->options->events, &event);
    core_handle(w->core, &event);
    actions = core_actions(w->core, &len);
    for (size_t i = 0; i < len; i++)
        take_action(w, &actions[i]);
}

/* --- Clients and runs ------------------------------------------------------------ */

static void play_arrival(struct world *w)
{
    static const uint32_t tokens[] = { 10, 100, 1000 };
    uint64_t hashes[BLOCKS];
    struct job_spec spec = { .bytes = 100, .temperature = -1, .prefix_hashes = hashes };

    (void)snprintf(spec.id, sizeof(spec.id), "job-%u", w->report.jobs++);
    (void)snprintf(spec.model, sizeof(spec.model), "m%u", world_below(w, MODELS));
    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%u", world_below(w, 3));
    (void)snprintf(spec.session_id, sizeof(spec.session_id), "s%u", world_below(w, 80));
    spec.priority = world_one_in(w, 3) ? JOB_BATCH : JOB_INTERACTIVE;
    spec.prompt_tokens = tokens[world_below(w, 3)];
    spec.prefix_len = world_below(w, BLOCKS + 1);
    for (uint64_t i = 0, beginning = world_below(w, 20); i < spec.prefix_len; i++)
        hashes[i] = beginning * 1000 + i;
    if (world_one_in(w, 5))
        spec.deadline_ms = w->now_ms + 100 + world_below(w, 10000);
    if (world_one_in(w, 20))
        (void)snprintf(spec.hive_id, sizeof(spec.hive_id), "h%u", world_below(w, HIVES));
    world_handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
}

static void play_run(struct world *w, struct run *run)
{
    char id[JOB_ID_SIZE];
    struct core_event event = { .kind = CORE_RUN_STARTED,
                                .u.run = { .job_id = id, .attempt = run->attempt } };

    memcpy(id, run->job_id, sizeof(id));
    if (!run->is_started) {
        run->is_started = true;
        if (run->fails) {
            event.kind = CORE_RUN_FAILED;
            event.u.run.failure = world_below(w, RUN_BROKEN + 1);
            (void)err_set(&event.u.run.err, ERR_UPSTREAM, "cut");
            run->job_id[0] = '\0';
        }
    } else {
        event.kind = CORE_RUN_FINISHED;
        event.u.run.tokens_in = 10 + world_below(w, 1000);
        event.u.run.tokens_out = world_below(w, 200);
        run->job_id[0] = '\0';
    }
    world_handle(w, event);
}

static void play_clients(struct world *w)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        struct run *run = &w->runs[i];

        if (*run->job_id && w->now_ms >= (run->is_started ? run->end_ms : run->first_ms))
            play_run(w, run);
    }
    if (world_one_in(w, 2))
        play_arrival(w);
    if (world_one_in(w, 50)) { /* somebody gives up: perhaps one who runs, or is gone */
        char id[JOB_ID_SIZE];

        (void)snprintf(id, sizeof(id), "job-%u",
                       w->report.jobs - world_below(w, 20) % w->report.jobs);
        end_run(w, id);
        world_handle(
            w, (struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
    }
}

/* --- All of it ---------------------------------------------------------------------- */

struct world_report world_run(const struct world_options *options)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct world_report report;

    w->options = options;
    w->core = world_core();
    w->now_ms = STEP_MS;
    rng_seed(&w->rng, options->seed);
    for (; w->now_ms < options->duration_ms; w->now_ms += STEP_MS) {
        world_play_hives(w);
        world_play_pending(w);
        play_clients(w);
        world_play_policy(w);
        for (unsigned i = 0; i < 8 && w->asked_len > 0; i++)
            world_play_answer(w);
        if (core_next_due_ms(w->core) <= w->now_ms)
            world_handle(w, (struct core_event){ .kind = CORE_TICK });
    }
    report = w->report;
    core_free(w->core);
    free(w);
    return report;
}
