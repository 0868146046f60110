/* What a core promises, checked against a table of what its actions so far mean. */
#include "scheduler/core_drive_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* --- What the core said ---------------------------------------------------- */

static struct shadow *shadow_of(struct drive *d, const char *id)
{
    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (*id && strcmp(d->jobs[i].id, id) == 0)
            return &d->jobs[i];
    }
    return NULL;
}

static void check_dispatch(struct drive *d, const struct core_action *a)
{
    struct shadow *s = shadow_of(d, a->job_id);
    const struct worker *w = a->worker;

    assert(s);
    assert(w == registry_worker(core_registry(d->core), w->facts.id));
    assert(w->live != LIVE_OFFLINE && !w->is_leaving);
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
    s->is_unanswered = false;
    (void)buf_printf(d->log, "dispatch %s %s %u\n", s->id, w->facts.id, a->attempt);
}

/* Said once to each that arrives, and once to each that comes back from a run. */
static void check_queued(struct drive *d, const struct core_action *a)
{
    struct shadow *s = shadow_of(d, a->job_id);

    assert(s);
    assert(s->is_unanswered || s->state == JOB_DISPATCHED);
    assert(a->position >= 1);
    s->state = JOB_QUEUED;
    s->is_unanswered = false;
    (void)buf_printf(d->log, "queued %s %zu\n", s->id, a->position);
}

static void check_fail(struct drive *d, const struct core_action *a)
{
    struct shadow *s = shadow_of(d, a->job_id);

    assert(s);
    assert(a->err.code < 0 && *a->err.msg);
    (void)buf_printf(d->log, "fail %s %s %s\n", s->id, err_name(a->err.code), a->err.msg);
    s->id[0] = '\0';
}

static void check_note_model(struct drive *d, const struct core_action *a)
{
    (void)buf_printf(d->log, "model %s\n", a->model);
}

static void check_ask(struct drive *d, const struct core_action *a)
{
    static const char *const kinds[] = { "schedule", "job", "admit", "retry", "outcome" };

    assert(d->has_policy && d->out < ASKS_OUT_MAX && a->number == d->asked + 1);
    assert(d->out == 0 || (a->ask.kind != ASK_SCHEDULE && !d->asked_all));
    assert(a->ask.kind == ASK_OUTCOME || a->ask.kind == ASK_SCHEDULE || shadow_of(d, a->job_id));
    assert((a->ask.kind == ASK_SCHEDULE) == !a->ask.job);
    assert(!a->ask.job || strcmp(a->ask.job->spec.id, a->job_id) == 0);
    assert(job_state_is_final(a->ask.job ? a->ask.job->state : JOB_QUEUED) ==
           (a->ask.kind == ASK_OUTCOME));
    assert(core_asked_job(d->core, a->number) == a->ask.job);
    d->asked = a->number;
    d->asked_all = a->ask.kind == ASK_SCHEDULE;
    d->out++;
    (void)buf_printf(d->log, "ask %s %s\n", kinds[a->ask.kind], a->job_id);
}

static void check_start(struct drive *d, const struct core_action *a)
{
    assert(a->number == ++d->numbers);
    assert(registry_hive_has_model(core_registry(d->core), a->hive_id, a->model));
    assert(core_starting(d->core, a->model) >= 1);
    (void)buf_printf(d->log, "start %s %s\n", a->model, a->hive_id);
}

static void check_evict(struct drive *d, const struct core_action *a)
{
    const struct worker *w = registry_worker(core_registry(d->core), a->worker_id);

    assert(a->number == ++d->numbers);
    assert(w && w->is_leaving && w->in_flight == 0 && !w->is_static);
    (void)buf_printf(d->log, "evict %s\n", a->worker_id);
}

static void check_decided(struct drive *d, const struct core_action *a)
{
    assert(a->decided.number == ++d->decided);
    assert(a->decided.decisions_len <= DECISIONS_MAX);
    assert((a->decided.failure == POLICY_OK) || *a->decided.asked_policy ||
           a->decided.failure == POLICY_INVALID);
    if (a->decided.failure != POLICY_OK)
        (void)buf_printf(d->log, "%s %s\n", policy_failure_name(a->decided.failure),
                         a->decided.message);
}

static void check_action(struct drive *d, const struct core_action *a)
{
    static void (*const checks[])(struct drive * d, const struct core_action *a) = {
        [CORE_DISPATCH] = check_dispatch, [CORE_QUEUED] = check_queued,
        [CORE_FAIL] = check_fail,         [CORE_NOTE_MODEL] = check_note_model,
        [CORE_ASK] = check_ask,           [CORE_START] = check_start,
        [CORE_EVICT] = check_evict,       [CORE_DECIDED] = check_decided,
    };

    checks[a->kind](d, a);
}

/* --- What must hold after each event ---------------------------------------- */

struct sums {
    struct drive *d;
    size_t running, queued, parked;
};

struct hope {
    const struct job *job;
    bool found;
};

static bool is_running(const struct job *job)
{
    return job->state == JOB_DISPATCHED || job->state == JOB_STREAMING;
}

static bool check_worker(void *data, const struct worker *w)
{
    struct sums *sums = data;
    size_t running = 0;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        const struct job *job = core_job(sums->d->core, sums->d->jobs[i].id);

        running += job && is_running(job) && strcmp(job->worker_id, w->facts.id) == 0;
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

/* Nobody but `simple` has a say: it lets no job wait that could run. */
static bool is_simple(const struct drive *d)
{
    return d->out == 0 && strcmp(core_policy_name(d->core), "simple") == 0;
}

static void check_waiting(struct drive *d, const struct shadow *s, const struct job *job)
{
    struct job copy = *job; /* for a visitor, which takes no const */
    struct hope hope = { .job = job };
    struct core_stats stats;

    assert(core_job_position(d->core, s->id) >= 1);
    if (!is_simple(d))
        return;
    assert(!s->is_unanswered && s->state == JOB_QUEUED);
    core_get_stats(d->core, &stats);
    (void)registry_find(core_registry(d->core), &(struct worker_query){ .has_room = true },
                        check_could_not_run, &copy);
    (void)registry_find(core_registry(d->core), &(struct worker_query){ 0 }, check_might_run,
                        &hope);
    assert(hope.found || stats.starting > 0);
}

static void check_job(struct drive *d, const struct shadow *s, struct sums *sums)
{
    const struct job *job = core_job(d->core, s->id);

    assert(job && job->attempt == s->attempt);
    if (job->state != JOB_STREAMING)
        assert(job->spec.deadline_ms == 0 || job->spec.deadline_ms > d->now_ms);
    if (is_running(job)) {
        assert(job->state == s->state && strcmp(job->worker_id, s->worker_id) == 0);
        sums->running++;
        return;
    }
    /* It waits, whatever its client was told last: a policy may still be asked about it. */
    assert(s->state == JOB_QUEUED || s->state == JOB_DISPATCHED);
    assert(d->now_ms - job->entered_ms < QUEUE_TIMEOUT_MS);
    if (!job->lane) {
        assert(!is_simple(d));
        sums->parked++;
        return;
    }
    sums->queued++;
    check_waiting(d, s, job);
}

static bool check_nothing_reserved(void *data, const struct hive *hive)
{
    (void)data;
    assert(hive->reserved_mb == 0);
    return true;
}

static void check_world(struct drive *d)
{
    struct sums sums = { .d = d };
    struct core_stats stats;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        if (*d->jobs[i].id)
            check_job(d, &d->jobs[i], &sums);
    }
    core_get_stats(d->core, &stats);
    assert(stats.running == sums.running);
    assert(stats.queued == sums.queued);
    assert(stats.jobs == sums.running + sums.queued + sums.parked);
    assert(stats.queued_interactive + stats.queued_batch == stats.queued);
    assert(stats.starting <= STARTS_MAX);
    assert(core_next_due_ms(d->core) > d->now_ms);
    assert(core_jobs_of_tenant(d->core, "") == stats.running);
    (void)registry_find(core_registry(d->core), &(struct worker_query){ 0 }, check_worker, &sums);
    assert(sums.running == 0); /* none on a worker that is not there */
    if (stats.starting == 0)
        (void)registry_find_hives(core_registry(d->core), false, false, check_nothing_reserved,
                                  NULL);
}

void drive_handle(struct drive *d, struct core_event *event)
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
