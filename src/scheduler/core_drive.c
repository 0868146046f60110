#include "scheduler/core_drive.h"

#include "scheduler/core.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum {
    HIVES = 3,
    WORKERS = 6, /* "w0" ...: any hive may report any of them */
    STATICS = 2, /* "w6", "w7" */
    MODELS = 3,
    JOBS_MAX = 64, /* at a time */
    QUEUE_MAX = 12,
    QUEUE_BYTES_MAX = 1000,
    QUEUE_TIMEOUT_MS = 20000,
    ATTEMPTS_MAX = 3,
};

/* What the actions and events so far say about one job. */
struct shadow {
    char id[JOB_ID_SIZE]; /* "" where none lives */
    enum job_state state;
    unsigned attempt;
    char worker_id[WORKER_ID_SIZE]; /* while it runs */
    char tried[ATTEMPTS_MAX][WORKER_ID_SIZE];
    struct job_spec spec;
};

struct drive {
    const uint8_t *bytes;
    size_t len;
    struct core *core;
    uint64_t now_ms;
    unsigned arrived;
    struct shadow jobs[JOBS_MAX];
    struct shadow *arriving; /* in this event, and not answered yet */
    struct buf *log;
};

static unsigned take(struct drive *d)
{
    if (d->len == 0)
        return 0;
    d->len--;
    return *d->bytes++;
}

static unsigned below(struct drive *d, unsigned bound)
{
    return take(d) % bound;
}

static bool one_in(struct drive *d, unsigned n)
{
    return below(d, n) == n - 1;
}

static void name(char *out, size_t size, char kind, unsigned number)
{
    (void)snprintf(out, size, "%c%u", kind, number);
}

/* --- What the core said ---------------------------------------------------- */

static struct shadow *shadow_of(struct drive *d, const char *id)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (*id && strcmp(d->jobs[i].id, id) == 0)
            return &d->jobs[i];
    }
    return NULL;
}

static void check_dispatch(struct drive *d, struct shadow *s, const struct core_action *a)
{
    const struct worker *w = a->worker;

    assert(w == registry_worker(core_registry(d->core), w->facts.id));
    assert(w->live != LIVE_OFFLINE);
    assert(w->facts.state == WORKER_READY || w->facts.state == WORKER_BUSY);
    assert(w->in_flight + w->foreign <= w->facts.slots);
    assert(strcmp(w->facts.model, s->spec.model) == 0);
    assert(!*s->spec.worker_id || strcmp(s->spec.worker_id, w->facts.id) == 0);
    assert(!*s->spec.hive_id || strcmp(s->spec.hive_id, w->facts.hive_id) == 0);
    assert(s->state == JOB_QUEUED || s->state == JOB_DISPATCHED);
    assert(a->attempt == s->attempt + 1 && a->attempt <= ATTEMPTS_MAX);
    for (unsigned i = 0; i < s->attempt; i++)
        assert(strcmp(s->tried[i], w->facts.id) != 0);

    (void)snprintf(s->tried[s->attempt], sizeof(s->tried[0]), "%s", w->facts.id);
    (void)snprintf(s->worker_id, sizeof(s->worker_id), "%s", w->facts.id);
    s->attempt = a->attempt;
    s->state = JOB_DISPATCHED;
}

static void check_action(struct drive *d, const struct core_action *a)
{
    struct shadow *s = shadow_of(d, a->job_id);

    if (a->kind == CORE_DECIDED)
        return;
    if (a->kind == CORE_NOTE_MODEL) {
        (void)buf_printf(d->log, "model %s\n", a->model);
        return;
    }
    assert(s);
    if (d->arriving == s)
        d->arriving = NULL;
    switch (a->kind) {
    case CORE_DISPATCH:
        check_dispatch(d, s, a);
        (void)buf_printf(d->log, "dispatch %s %s %u\n", s->id, a->worker->facts.id, a->attempt);
        break;
    case CORE_QUEUED:
        assert(s->state == JOB_QUEUED || s->state == JOB_DISPATCHED);
        assert(a->position >= 1);
        s->state = JOB_QUEUED;
        (void)buf_printf(d->log, "queued %s %zu\n", s->id, a->position);
        break;
    case CORE_FAIL:
        assert(a->err.code < 0 && *a->err.msg);
        (void)buf_printf(d->log, "fail %s %s %s\n", s->id, err_name(a->err.code), a->err.msg);
        s->id[0] = '\0';
        break;
    case CORE_NOTE_MODEL:
    case CORE_ASK:
    case CORE_START:
    case CORE_EVICT:
    case CORE_DECIDED:
    case CORE_ACTION_KIND_COUNT_:
        assert(false);
    }
}

/* --- What must hold after each event ---------------------------------------- */

struct sums {
    struct drive *d;
    size_t running, queued;
};

struct hope {
    const struct job *job;
    bool found;
};

static bool check_worker(void *data, const struct worker *w)
{
    struct sums *sums = data;
    size_t running = 0;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct shadow *s = &sums->d->jobs[i];

        running += *s->id && s->state != JOB_QUEUED && strcmp(s->worker_id, w->facts.id) == 0;
    }
    assert(w->in_flight == running);
    assert(w->in_flight <= w->in_flight_peak);
    sums->running -= running;
    return true;
}

static bool check_could_not_run(void *data, const struct worker *w)
{
    assert(!strategy_may_run(w, data));
    return true;
}

static bool check_might_run(void *data, const struct worker *w)
{
    struct hope *hope = data;

    hope->found = job_fits(hope->job, &w->facts);
    return !hope->found;
}

static void check_job(struct drive *d, const struct shadow *s, struct sums *sums)
{
    const struct job *job = core_job(d->core, s->id);

    assert(job && job->state == s->state && job->attempt == s->attempt);
    if (s->state != JOB_STREAMING)
        assert(job->spec.deadline_ms == 0 || job->spec.deadline_ms > d->now_ms);
    if (s->state != JOB_QUEUED) {
        assert(strcmp(job->worker_id, s->worker_id) == 0);
        sums->running++;
        return;
    }
    sums->queued++;
    assert(d->now_ms - job->entered_ms < QUEUE_TIMEOUT_MS);
    assert(core_job_position(d->core, s->id) >= 1);
    struct job copy = *job; /* for a visitor, which takes no const */
    (void)registry_find(core_registry(d->core), &(struct worker_query){ .has_room = true },
                        check_could_not_run, &copy);
    struct hope hope = { .job = job };
    (void)registry_find(core_registry(d->core), &(struct worker_query){ 0 }, check_might_run,
                        &hope);
    assert(hope.found);
}

static void check_world(struct drive *d)
{
    struct sums sums = { .d = d };
    struct core_stats stats;

    assert(!d->arriving);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (*d->jobs[i].id)
            check_job(d, &d->jobs[i], &sums);
    }
    core_get_stats(d->core, &stats);
    assert(stats.running == sums.running);
    assert(stats.queued == sums.queued);
    assert(stats.jobs == sums.running + sums.queued);
    assert(stats.queued_interactive + stats.queued_batch == stats.queued);
    assert(core_next_due_ms(d->core) > d->now_ms);
    (void)registry_find(core_registry(d->core), &(struct worker_query){ 0 }, check_worker, &sums);
    assert(sums.running == 0); /* none on a worker that is not there */
}

static void handle(struct drive *d, struct core_event *event)
{
    const struct core_action *actions;
    size_t len;

    event->now_ms = d->now_ms;
    core_handle(d->core, event);
    actions = core_actions(d->core, &len);
    for (size_t i = 0; i < len; i++)
        check_action(d, &actions[i]);
    check_world(d);
}

/* --- Events ------------------------------------------------------------------ */

static void play_tick(struct drive *d)
{
    handle(d, &(struct core_event){ .kind = CORE_TICK });
}

static void play_arrival(struct drive *d)
{
    struct shadow *s = NULL;

    for (size_t i = 0; i < JOBS_MAX && !s; i++)
        s = *d->jobs[i].id ? NULL : &d->jobs[i];
    if (!s)
        return;
    *s = (struct shadow){ .state = JOB_QUEUED };
    (void)snprintf(s->id, sizeof(s->id), "job-%u", d->arrived++);
    memcpy(s->spec.id, s->id, sizeof(s->id));
    name(s->spec.model, sizeof(s->spec.model), 'm', below(d, MODELS + 1));
    if (one_in(d, 6))
        name(s->spec.worker_id, sizeof(s->spec.worker_id), 'w', below(d, WORKERS + STATICS));
    if (one_in(d, 6))
        name(s->spec.hive_id, sizeof(s->spec.hive_id), 'h', below(d, HIVES));
    if (one_in(d, 3))
        s->spec.deadline_ms = d->now_ms + below(d, 100) * 100ULL;
    s->spec.priority = below(d, JOB_PRIORITY_COUNT_);
    s->spec.bytes = take(d);
    d->arriving = s;
    handle(d, &(struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &s->spec });
}

static void play_cancel(struct drive *d)
{
    struct shadow *s = &d->jobs[below(d, JOBS_MAX)];
    char id[JOB_ID_SIZE];

    memcpy(id, s->id, sizeof(id));
    s->id[0] = '\0';
    handle(d, &(struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
}

/* A run's event; now and then one of an attempt that is over, which must change nothing. */
static void play_run(struct drive *d, enum core_event_kind kind)
{
    struct shadow *s = &d->jobs[below(d, JOBS_MAX)];
    char id[JOB_ID_SIZE];
    bool is_current = *s->id && s->state != JOB_QUEUED;
    struct core_event event = { .kind = kind, .u.run = { .job_id = id, .attempt = s->attempt } };

    memcpy(id, s->id, sizeof(id));
    if (one_in(d, 8)) {
        event.u.run.attempt--;
        is_current = false;
    }
    event.u.run.failure = below(d, RUN_BROKEN + 1);
    if (take(d) % 2)
        (void)err_set(&event.u.run.err, ERR_UPSTREAM, "cut");
    if (is_current && kind == CORE_RUN_STARTED)
        s->state = JOB_STREAMING;
    if (is_current && kind == CORE_RUN_FINISHED)
        s->id[0] = '\0';
    handle(d, &event);
}

static void play_started(struct drive *d)
{
    play_run(d, CORE_RUN_STARTED);
}

static void play_finished(struct drive *d)
{
    play_run(d, CORE_RUN_FINISHED);
}

static void play_failed(struct drive *d)
{
    play_run(d, CORE_RUN_FAILED);
}

static struct worker_facts some_worker(struct drive *d, unsigned number)
{
    static const enum worker_state states[] = { WORKER_READY,    WORKER_READY,    WORKER_READY,
                                                WORKER_BUSY,     WORKER_STARTING, WORKER_READY,
                                                WORKER_DRAINING, WORKER_FAILED };
    struct worker_facts w = { .address = "127.0.0.1", .port = 8080 };
    unsigned traits = take(d), load = take(d);

    name(w.id, sizeof(w.id), 'w', number);
    if (traits % 16 != 15)
        name(w.model, sizeof(w.model), 'm', traits % 16 % MODELS);
    w.state = states[traits / 16 % 8];
    w.slots = 1 + load % 4;
    w.active = load / 4 % 4 % (w.slots + 1);
    w.queued = load / 16 > 13 ? 2 : 0;
    return w;
}

static void play_hive_report(struct drive *d)
{
    struct hive_facts hive = { .address = "127.0.0.1", .port = 7835 };
    struct listed_model models[1] = { { .ref = "" } };
    struct worker_facts workers[WORKERS];
    unsigned number = below(d, HIVES), mask = take(d);
    size_t len = 0;

    name(hive.id, sizeof(hive.id), 'h', number);
    if (mask >> WORKERS == 3) {
        name(models[0].ref, sizeof(models[0].ref), 'm', below(d, MODELS + 1));
        hive.has_capabilities = true;
        hive.models = models;
        hive.models_len = 1;
    }
    /* Mostly its own two, so that not every report is one that collides. */
    if (mask % 4)
        mask = 3U << number * 2;
    for (unsigned i = 0; i < WORKERS; i++) {
        if (mask & 1U << i)
            workers[len++] = some_worker(d, i);
    }
    handle(d, &(struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &hive, .workers = workers, .workers_len = len } });
}

static void play_worker_report(struct drive *d)
{
    struct worker_facts w = some_worker(d, below(d, WORKERS + STATICS));

    handle(d, &(struct core_event){ .kind = CORE_WORKER_REPORT, .u.report = { .workers = &w } });
}

static void play_static(struct drive *d)
{
    struct worker_facts w = some_worker(d, WORKERS + below(d, STATICS));

    w.state = WORKER_READY;
    handle(d, &(struct core_event){ .kind = CORE_WORKER_STATIC, .u.report = { .workers = &w } });
}

static void play_reachable(struct drive *d)
{
    char id[WORKER_ID_SIZE];

    name(id, sizeof(id), 'w', below(d, WORKERS + STATICS));
    handle(d, &(struct core_event){ .kind = CORE_WORKER_REACHABLE,
                                    .u.reach = { .worker_id = id, .reachable = !one_in(d, 4) } });
}

static void play_model(struct drive *d)
{
    char model[MODEL_REF_SIZE];

    name(model, sizeof(model), 'm', below(d, MODELS));
    handle(d, &(struct core_event){ .kind = CORE_MODEL_KNOWN, .u.known = { .model = model } });
}

static void step(struct drive *d)
{
    static const uint64_t later_ms[] = { 0, 0, 0, 1, 100, 700, 1000, 3100 };
    static void (*const plays[])(struct drive * d) = {
        play_tick,          play_arrival, play_arrival,   play_arrival,     play_arrival,
        play_arrival,       play_cancel,  play_started,   play_started,     play_finished,
        play_finished,      play_failed,  play_failed,    play_hive_report, play_hive_report,
        play_hive_report,   play_static,  play_reachable, play_model,       play_hive_report,
        play_worker_report,
    };
    unsigned what = take(d), when = take(d);

    d->now_ms += when == 255 ? 61000 : later_ms[when % 8];
    plays[what % (sizeof(plays) / sizeof(plays[0]))](d);
}

static void end_all(struct drive *d)
{
    struct core_stats stats;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        char id[JOB_ID_SIZE];

        memcpy(id, d->jobs[i].id, sizeof(id));
        d->jobs[i].id[0] = '\0';
        handle(d,
               &(struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
    }
    core_get_stats(d->core, &stats);
    assert(stats.jobs == 0 && stats.queued_bytes == 0);
    assert(stats.arrived_total == d->arrived);
    assert(stats.arrived_total == stats.done_total + stats.failed_total + stats.cancelled_total);
}

void core_drive(const uint8_t *bytes, size_t len, struct buf *log)
{
    struct drive d = { .bytes = bytes, .len = len, .log = log, .now_ms = 1000 };
    struct core_options options;

    core_options_init(&options);
    options.queue_jobs_max = QUEUE_MAX;
    options.queue_bytes_max = QUEUE_BYTES_MAX;
    options.queue_timeout_ms = QUEUE_TIMEOUT_MS;
    options.attempts_max = ATTEMPTS_MAX;
    options.registry.workers_max = WORKERS + STATICS - 1; /* the last one is too many */
    d.core = core_new(&options);
    while (d.len > 0)
        step(&d);
    end_all(&d);
    core_free(d.core);
}
