#include "scheduler/core_drive_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

unsigned drive_take(struct drive *d)
{
    if (d->len == 0)
        return 0;
    d->len--;
    return *d->bytes++;
}

unsigned drive_below(struct drive *d, unsigned bound)
{
    return drive_take(d) % bound;
}

bool drive_one_in(struct drive *d, unsigned n)
{
    return drive_below(d, n) == n - 1;
}

void drive_name(char *out, size_t size, char kind, unsigned number)
{
    (void)snprintf(out, size, "%c%u", kind, number);
}

/* --- Events ------------------------------------------------------------------ */

static void play_tick(struct drive *d)
{
    drive_handle(d, &(struct core_event){ .kind = CORE_TICK });
}

static void play_arrival(struct drive *d)
{
    struct shadow *s = NULL;

    for (size_t i = 0; i < JOBS_MAX && !s; i++)
        s = *d->jobs[i].id ? NULL : &d->jobs[i];
    if (!s)
        return;
    *s = (struct shadow){ .state = JOB_QUEUED, .is_unanswered = true };
    (void)snprintf(s->id, sizeof(s->id), "job-%u", d->arrived++);
    memcpy(s->spec.id, s->id, sizeof(s->id));
    drive_name(s->spec.model, sizeof(s->spec.model), 'm', drive_below(d, MODELS + 1));
    if (drive_one_in(d, 6))
        drive_name(s->spec.worker_id, sizeof(s->spec.worker_id), 'w',
                   drive_below(d, WORKERS + STATICS));
    if (drive_one_in(d, 6))
        drive_name(s->spec.hive_id, sizeof(s->spec.hive_id), 'h', drive_below(d, HIVES));
    if (drive_one_in(d, 3))
        s->spec.deadline_ms = d->now_ms + drive_below(d, 100) * 100ULL;
    s->spec.priority = drive_below(d, JOB_PRIORITY_COUNT_);
    s->spec.bytes = drive_take(d);
    drive_handle(d, &(struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &s->spec });
}

static void play_cancel(struct drive *d)
{
    struct shadow *s = &d->jobs[drive_below(d, JOBS_MAX)];
    char id[JOB_ID_SIZE];

    memcpy(id, s->id, sizeof(id));
    s->id[0] = '\0';
    drive_handle(
        d, &(struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
}

/* A run's event; now and then one of an attempt that is over, which must change nothing. */
static void play_run(struct drive *d, enum core_event_kind kind)
{
    struct shadow *s = &d->jobs[drive_below(d, JOBS_MAX)];
    char id[JOB_ID_SIZE];
    const struct job *job = core_job(d->core, s->id);
    bool is_current = job && s->state != JOB_QUEUED && job->state != JOB_QUEUED;
    struct core_event event = { .kind = kind, .u.run = { .job_id = id, .attempt = s->attempt } };

    memcpy(id, s->id, sizeof(id));
    if (drive_one_in(d, 8)) {
        event.u.run.attempt--;
        is_current = false;
    }
    event.u.run.failure = drive_below(d, RUN_BROKEN + 1);
    if (drive_take(d) % 2)
        (void)err_set(&event.u.run.err, ERR_UPSTREAM, "cut");
    if (is_current && kind == CORE_RUN_STARTED)
        s->state = JOB_STREAMING;
    if (is_current && kind == CORE_RUN_FINISHED)
        s->id[0] = '\0';
    drive_handle(d, &event);
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
    unsigned traits = drive_take(d), load = drive_take(d);

    drive_name(w.id, sizeof(w.id), 'w', number);
    if (traits % 16 != 15)
        drive_name(w.model, sizeof(w.model), 'm', traits % 16 % MODELS);
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
    unsigned number = drive_below(d, HIVES), mask = drive_take(d);
    size_t len = 0;

    drive_name(hive.id, sizeof(hive.id), 'h', number);
    if (mask >> WORKERS == 3) {
        drive_name(models[0].ref, sizeof(models[0].ref), 'm', drive_below(d, MODELS + 1));
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
    drive_handle(d, &(struct core_event){
                        .kind = CORE_HIVE_REPORT,
                        .u.report = { .hive = &hive, .workers = workers, .workers_len = len } });
}

static void play_worker_report(struct drive *d)
{
    struct worker_facts w = some_worker(d, drive_below(d, WORKERS + STATICS));

    drive_handle(d,
                 &(struct core_event){ .kind = CORE_WORKER_REPORT, .u.report = { .workers = &w } });
}

static void play_static(struct drive *d)
{
    struct worker_facts w = some_worker(d, WORKERS + drive_below(d, STATICS));

    w.state = WORKER_READY;
    drive_handle(d,
                 &(struct core_event){ .kind = CORE_WORKER_STATIC, .u.report = { .workers = &w } });
}

static void play_reachable(struct drive *d)
{
    char id[WORKER_ID_SIZE];

    drive_name(id, sizeof(id), 'w', drive_below(d, WORKERS + STATICS));
    drive_handle(d, &(struct core_event){
                        .kind = CORE_WORKER_REACHABLE,
                        .u.reach = { .worker_id = id, .reachable = !drive_one_in(d, 4) } });
}

static void play_model(struct drive *d)
{
    char model[MODEL_REF_SIZE];

    drive_name(model, sizeof(model), 'm', drive_below(d, MODELS));
    drive_handle(d,
                 &(struct core_event){ .kind = CORE_MODEL_KNOWN, .u.known = { .model = model } });
}

static void step(struct drive *d)
{
    static const uint64_t later_ms[] = { 0, 0, 0, 1, 100, 700, 1000, 3100 };
    static void (*const plays[])(struct drive * d) = {
        play_tick,          play_arrival, play_arrival,   play_arrival,       play_arrival,
        play_arrival,       play_cancel,  play_started,   play_started,       play_finished,
        play_finished,      play_failed,  play_failed,    play_hive_report,   play_hive_report,
        play_hive_report,   play_static,  play_reachable, play_model,         play_hive_report,
        play_worker_report, drive_answer, drive_answer,   drive_answer,       drive_answer,
        drive_ended,        drive_ended,  drive_policy,   drive_policy_state,
    };
    unsigned what = drive_take(d), when = drive_take(d);

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
        drive_handle(
            d, &(struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
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
    options.starts_max = STARTS_MAX;
    options.start_timeout_ms = 5000;
    options.min_residency_ms = 300;
    options.sessions_max = 4;
    options.registry.workers_max = WORKERS + STATICS - 1; /* the last one is too many */
    d.core = core_new(&options);
    while (d.len > 0)
        step(&d);
    end_all(&d);
    core_free(d.core);
}
