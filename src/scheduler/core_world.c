#include "scheduler/core_world.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/random.h"
#include "scheduler/core.h"
#include "scheduler/event_log.h"

#include <assert.h>
#include <stdio.h>

enum {
    STEP_MS = 100,
    HIVES = 4,
    PLACES = 4, /* for workers, per hive */
    MODELS = 4,
    RUNS_MAX = 256,
    LOADING_MS = 3000,
    BLOCKS = 6, /* of a prompt */
};

struct place {
    bool is_taken, is_stopping;
    unsigned generation, model;
    uint64_t ready_ms;
};

struct node {
    struct place places[PLACES];
    uint64_t silent_until_ms;
};

struct run {
    char job_id[JOB_ID_SIZE]; /* "": none */
    unsigned attempt;
    uint64_t first_ms, end_ms; /* first token, end */
    bool is_started, fails;
};

struct world {
    struct core *core;
    const struct world_options *options;
    struct rng rng;
    uint64_t now_ms;
    struct node nodes[HIVES];
    struct run runs[RUNS_MAX];
    struct { /* the question that is out */
        uint64_t number, due_ms;
        enum ask_kind kind;
        char job_id[JOB_ID_SIZE];
    } asked;
    struct core_action pending; /* a start or eviction that its hive has not answered */
    struct world_report report;
    struct decisions answer;
};

static unsigned below(struct world *w, unsigned bound)
{
    return (unsigned)rng_below(&w->rng, bound);
}

static bool one_in(struct world *w, unsigned n)
{
    return below(w, n) == 0;
}

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
    *run = (struct run){ .attempt = a->attempt, .fails = one_in(w, 12) };
    memcpy(run->job_id, a->job_id, sizeof(run->job_id));
    run->first_ms = w->now_ms + 50 + below(w, 500);
    run->end_ms = run->first_ms + below(w, 4000);
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
    w->asked.number = a->number;
    w->asked.kind = a->ask.kind;
    memcpy(w->asked.job_id, a->job_id, sizeof(w->asked.job_id));
    w->asked.due_ms = w->now_ms + (one_in(w, 10) ? below(w, 3000) : 0);
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

static void handle(struct world *w, struct core_event event)
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

/* --- Hives ---------------------------------------------------------------------------------- */

static void describe(const struct world *w, unsigned hive, unsigned place, struct worker_facts *ret)
{
    const struct place *p = &w->nodes[hive].places[place];

    *ret = (struct worker_facts){ .address = "127.0.0.1", .port = 8080, .slots = 2 };
    (void)snprintf(ret->id, sizeof(ret->id), "w%u-%u-%u", hive, place, p->generation);
    (void)snprintf(ret->model, sizeof(ret->model), "m%u", p->model);
    ret->state = p->ready_ms > w->now_ms ? WORKER_STARTING : WORKER_READY;
    ret->vram_mb = 1000;
    ret->total_vram_mb = 8000;
    ret->tokens_per_s = 20 + p->model;
    ret->has_tokens_per_s = true;
}

static void report_hive(struct world *w, unsigned hive)
{
    struct listed_model models[2] = { { .size_bytes = 1 << 30 }, { .size_bytes = 1 << 29 } };
    struct hive_facts facts = { .address = "127.0.0.1", .port = 7835, .status = HIVE_READY };
    struct worker_facts workers[PLACES];
    size_t len = 0;

    (void)snprintf(facts.id, sizeof(facts.id), "h%u", hive);
    for (unsigned i = 0; i < PLACES; i++) {
        if (w->nodes[hive].places[i].is_taken)
            describe(w, hive, i, &workers[len++]);
    }
    facts.has_capabilities = one_in(w, 20);
    if (facts.has_capabilities) {
        facts.models = models;
        facts.models_len = 2;
        (void)snprintf(models[0].ref, sizeof(models[0].ref), "m%u", hive % MODELS);
        (void)snprintf(models[1].ref, sizeof(models[1].ref), "m%u", (hive + 1) % MODELS);
    }
    handle(w, (struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &facts, .workers = workers, .workers_len = len } });
}

static void play_hives(struct world *w)
{
    for (unsigned i = 0; i < HIVES; i++) {
        struct node *node = &w->nodes[i];

        if (one_in(w, 20000))
            node->silent_until_ms = w->now_ms + below(w, 90000);
        if (one_in(w, 5000))
            node->places[below(w, PLACES)].is_taken = false; /* a worker dies */
        if (w->now_ms % 1000 / STEP_MS == i && w->now_ms >= node->silent_until_ms)
            report_hive(w, i);
    }
}

static bool start(struct world *w, const struct core_action *a)
{
    struct node *node = &w->nodes[a->hive_id[1] - '0'];

    for (unsigned i = 0; i < PLACES; i++) {
        struct place *p = &node->places[i];

        if (p->is_taken)
            continue;
        p->is_taken = true;
        p->generation++;
        p->model = (unsigned)(a->model[1] - '0');
        p->ready_ms = w->now_ms + LOADING_MS;
        return true;
    }
    return false;
}

static bool stop(struct world *w, const struct core_action *a)
{
    w->nodes[a->worker_id[1] - '0'].places[a->worker_id[3] - '0'].is_taken = false;
    return true;
}

static void play_pending(struct world *w)
{
    struct core_event event = { .kind = CORE_START_ENDED,
                                .u.ended = { .number = w->pending.number } };

    if (w->pending.number == 0 || one_in(w, 3))
        return;
    event.u.ended.failed = one_in(w, 3);
    if (w->pending.kind == CORE_EVICT)
        event.kind = CORE_EVICT_ENDED;
    if (!event.u.ended.failed)
        event.u.ended.failed =
            !(w->pending.kind == CORE_EVICT ? stop(w, &w->pending) : start(w, &w->pending));
    if (event.u.ended.failed)
        (void)err_set(&event.u.ended.err, ERR_UPSTREAM, "no room for it");
    w->pending.number = 0;
    handle(w, event);
}

/* --- Clients and runs ---------------------------------------------------------------------------
 */

static void play_arrival(struct world *w)
{
    static const uint32_t tokens[] = { 10, 100, 1000 };
    uint64_t hashes[BLOCKS];
    struct job_spec spec = { .bytes = 100, .temperature = -1, .prefix_hashes = hashes };

    (void)snprintf(spec.id, sizeof(spec.id), "job-%u", w->report.jobs++);
    (void)snprintf(spec.model, sizeof(spec.model), "m%u", below(w, MODELS));
    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%u", below(w, 3));
    (void)snprintf(spec.session_id, sizeof(spec.session_id), "s%u", below(w, 80));
    spec.priority = one_in(w, 3) ? JOB_BATCH : JOB_INTERACTIVE;
    spec.prompt_tokens = tokens[below(w, 3)];
    spec.prefix_len = below(w, BLOCKS + 1);
    for (uint64_t i = 0, beginning = below(w, 20); i < spec.prefix_len; i++)
        hashes[i] = beginning * 1000 + i;
    if (one_in(w, 5))
        spec.deadline_ms = w->now_ms + 100 + below(w, 10000);
    if (one_in(w, 20))
        (void)snprintf(spec.hive_id, sizeof(spec.hive_id), "h%u", below(w, HIVES));
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
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
            event.u.run.failure = below(w, RUN_BROKEN + 1);
            (void)err_set(&event.u.run.err, ERR_UPSTREAM, "cut");
            run->job_id[0] = '\0';
        }
    } else {
        event.kind = CORE_RUN_FINISHED;
        event.u.run.tokens_in = 10 + below(w, 1000);
        event.u.run.tokens_out = below(w, 200);
        run->job_id[0] = '\0';
    }
    handle(w, event);
}

static void play_clients(struct world *w)
{
    for (size_t i = 0; i < RUNS_MAX; i++) {
        struct run *run = &w->runs[i];

        if (*run->job_id && w->now_ms >= (run->is_started ? run->end_ms : run->first_ms))
            play_run(w, run);
    }
    if (one_in(w, 2))
        play_arrival(w);
    if (one_in(w, 50)) { /* somebody gives up: perhaps one who runs, or is gone */
        char id[JOB_ID_SIZE];

        (void)snprintf(id, sizeof(id), "job-%u", w->report.jobs - below(w, 20) % w->report.jobs);
        end_run(w, id);
        handle(w,
               (struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
    }
}

/* --- Policies
 * --------------------------------------------------------------------------------------- */

static void play_policy(struct world *w)
{
    if (one_in(w, 6000))
        handle(w, (struct core_event){ .kind = CORE_POLICY,
                                       .u.policy = { .name = one_in(w, 5) ? NULL : "mine",
                                                     .version = "1",
                                                     .entry = POLICY_ENTRY_SCHEDULE + below(w, 2),
                                                     .hooks = below(w, 8),
                                                     .starts_workers = one_in(w, 2) } });
    if (one_in(w, 3000))
        handle(w, (struct core_event){
                      .kind = CORE_POLICY_STATE,
                      .u.policy_state = { one_in(w, 3) ? POLICY_BREAKER : POLICY_OK } });
}

static void make_decision(struct world *w, struct decision *d)
{
    const struct job *job = core_job(w->core, w->asked.job_id);
    const struct worker *worker = NULL;
    unsigned what = below(w, 10);

    *d = (struct decision){ .action = DECIDE_DISPATCH, .gpu = DECISION_GPU_ANY };
    if (w->asked.kind == ASK_SCHEDULE)
        (void)job_queue_first(core_queue(w->core), &job, 1);
    if (job)
        worker = registry_find_first(
            core_registry(w->core),
            &(struct worker_query){ .model = job->spec.model, .has_room = true });
    if (what == 0) {
        d->action = below(w, DECISION_ACTION_COUNT_ + 1); /* nonsense */
    } else if (what == 1) {
        d->action = DECIDE_REJECT;
        d->status = 429;
        (void)snprintf(d->code, sizeof(d->code), "not_now");
    } else if (!worker || what == 2) {
        d->action = DECIDE_WAIT;
        d->retry_after_ms = below(w, 2000);
    }
    if (worker)
        memcpy(d->worker_id, worker->facts.id, sizeof(d->worker_id));
    if (job)
        memcpy(d->job_id, job->spec.id, sizeof(d->job_id));
}

static void play_answer(struct world *w)
{
    struct core_event event = { .kind = CORE_POLICY_ANSWER,
                                .u.answer = { .ask = w->asked.number } };

    if (w->asked.number == 0 || w->now_ms < w->asked.due_ms)
        return;
    w->asked.number = 0;
    if (one_in(w, 10)) {
        event.kind = CORE_POLICY_FAILED;
        event.u.answer.failure = POLICY_TIMEOUT + below(w, POLICY_FAILURE_COUNT_ - 1);
        event.u.answer.message = "mine.lua:7: it does not work";
        handle(w, event);
        return;
    }
    w->answer.len = below(w, 4) ? 1 : below(w, 4);
    for (size_t i = 0; i < w->answer.len; i++)
        make_decision(w, &w->answer.items[i]);
    event.u.answer.decisions = one_in(w, 20) ? NULL : &w->answer;
    event.u.answer.yes = !one_in(w, 6);
    event.u.answer.delay_ms = one_in(w, 3) ? below(w, 1000) : 0;
    handle(w, event);
}

/* --- All of it
 * ------------------------------------------------------------------------------------------ */

struct world_report world_run(const struct world_options *options)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct world_report report;

    w->options = options;
    w->core = world_core();
    w->now_ms = STEP_MS;
    rng_seed(&w->rng, options->seed);
    for (; w->now_ms < options->duration_ms; w->now_ms += STEP_MS) {
        play_hives(w);
        play_pending(w);
        play_clients(w);
        play_policy(w);
        for (unsigned i = 0; i < 8 && w->asked.number > 0; i++)
            play_answer(w);
        if (core_next_due_ms(w->core) <= w->now_ms)
            handle(w, (struct core_event){ .kind = CORE_TICK });
    }
    report = w->report;
    core_free(w->core);
    free(w);
    return report;
}
