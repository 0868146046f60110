/*
 * May a decision act? Against the live state, whoever decided and however long ago the
 * state was that he saw. What is wrong is named: it is what authors of policies read.
 */
#include "scheduler/core_private.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct checking {
    const struct core *core;
    const struct decision *d;
    const char *asked;
    struct subject *ret;
    char *message;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static bool no(const struct checking *k, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(k->message, k->size, fmt, args);
    va_end(args);
    return false;
}

/* --- Jobs -------------------------------------------------------------------- */

static bool find_job(const struct checking *k)
{
    const char *id = *k->d->job_id ? k->d->job_id : k->asked;

    if (!id || !*id)
        return no(k, "%s names no job", decision_action_name(k->d->action));
    struct job *job = map_get(&k->core->jobs, str_of(id));
    if (!job)
        return no(k, "there is no job '%s'", id);
    if (job->state != JOB_QUEUED || (job->question && job->question->kind != ASK_JOB))
        return no(k, "job '%s' does not wait for a worker", id);
    k->ret->job = job;
    return true;
}

static bool check_wait(const struct checking *k)
{
    return (!*k->d->job_id && !*k->asked) || find_job(k);
}

static bool check_reject(const struct checking *k)
{
    static const uint32_t statuses[] = { 403, 429, 503, 504 };
    const struct decision *d = k->d;
    size_t len = strlen(d->code), i = 0;

    if (!find_job(k))
        return false;
    if (len == 0 || strspn(d->code, "abcdefghijklmnopqrstuvwxyz0123456789_") != len)
        return no(k, "the code of a reject must be of a-z, 0-9 and _, not '%s'", d->code);
    while (i < sizeof(statuses) / sizeof(statuses[0]) && statuses[i] != d->status)
        i++;
    if (i == sizeof(statuses) / sizeof(statuses[0]))
        return no(k, "the status of a reject must be 403, 429, 503 or 504, not %u", d->status);
    return true;
}

/* --- Workers ------------------------------------------------------------------- */

static bool find_worker(const struct checking *k)
{
    const char *id = k->d->worker_id;

    if (!*id)
        return no(k, "%s names no worker", decision_action_name(k->d->action));
    k->ret->worker = registry_worker(k->core->registry, id);
    return k->ret->worker || no(k, "there is no worker '%s'", id);
}

static bool check_up(const struct checking *k)
{
    const struct worker *w = k->ret->worker;

    if (w->live == LIVE_OFFLINE)
        return no(k, "worker '%s' is offline", w->facts.id);
    if (w->is_leaving)
        return no(k, "worker '%s' is being stopped", w->facts.id);
    return worker_is_available(w) ||
           no(k, "worker '%s' is %s, not ready", w->facts.id, worker_state_name(w->facts.state));
}

static bool check_dispatch(const struct checking *k)
{
    if (!find_job(k) || !find_worker(k))
        return false;
    const struct job_spec *spec = &k->ret->job->spec;
    const struct worker *w = k->ret->worker;
    const struct worker_facts *f = &w->facts;

    if (strcmp(f->model, spec->model) != 0)
        return no(k, "worker '%s' has model '%s', and job '%s' wants '%s'", f->id, f->model,
                  spec->id, spec->model);
    if (*spec->worker_id && strcmp(spec->worker_id, f->id) != 0)
        return no(k, "job '%s' wants worker '%s' only, not '%s'", spec->id, spec->worker_id, f->id);
    if (*spec->hive_id && strcmp(spec->hive_id, f->hive_id) != 0)
        return no(k, "job '%s' wants hive '%s' only, and worker '%s' is of '%s'", spec->id,
                  spec->hive_id, f->id, f->hive_id);
    if (job_was_tried_on(k->ret->job, f->id))
        return no(k, "worker '%s' has failed job '%s' already", f->id, spec->id);
    if (!check_up(k))
        return false;
    return worker_room(w) > 0 || no(k, "worker '%s' has no free slot", f->id);
}

bool core_is_pinned(const struct worker *worker)
{
    const char *value = labels_get(&worker->facts.labels, "pinned");

    return value && strcmp(value, "true") == 0;
}

static bool check_evict(const struct checking *k)
{
    const struct core *c = k->core;

    if (!find_worker(k))
        return false;
    const struct worker *w = k->ret->worker;
    uint64_t resident_ms = c->now_ms - w->first_seen_ms;

    if (w->is_static || !*w->facts.hive_id)
        return no(k, "worker '%s' has no hive that could stop it", w->facts.id);
    if (core_is_pinned(w))
        return no(k, "worker '%s' is pinned", w->facts.id);
    if (!check_up(k))
        return false;
    if (w->in_flight > 0 || w->foreign > 0 || w->facts.active > 0 || w->facts.gpu_util_pct > 0)
        return no(k, "worker '%s' is busy", w->facts.id);
    if (resident_ms < c->options.min_residency_ms)
        return no(k, "worker '%s' is there for %llu ms, less than %llu", w->facts.id,
                  (unsigned long long)resident_ms, (unsigned long long)c->options.min_residency_ms);
    return true;
}

/* --- Hives ------------------------------------------------------------------------ */

static bool check_hive(const struct checking *k, const struct hive *hive)
{
    const struct core *c = k->core;
    const char *id = hive->facts.id, *model = k->d->model;
    const struct setback *setback = core_setback(c, model, id);

    if (hive->live == LIVE_OFFLINE)
        return no(k, "hive '%s' is offline", id);
    if (!registry_hive_has_model(c->registry, id, model))
        return no(k, "hive '%s' does not list model '%s'", id, model);
    if (core_is_starting(c, model, id))
        return no(k, "a worker of '%s' is being started on hive '%s' already", model, id);
    if (setback && setback->until_ms > c->now_ms)
        return no(k, "starting '%s' on hive '%s' has failed; not again for %llu ms: %.100s", model,
                  id, (unsigned long long)(setback->until_ms - c->now_ms), setback->words);
    return true;
}

/* The first that lists the model; else the first that lists none and so may have it. */
static bool find_hive(void *data, const struct hive *hive)
{
    const struct checking *k = data;

    if (!check_hive(k, hive))
        return true;
    if (!k->ret->hive || hive->facts.models_len > 0)
        k->ret->hive = hive;
    return hive->facts.models_len == 0;
}

static bool check_start(const struct checking *k)
{
    const struct core *c = k->core;
    const struct decision *d = k->d;

    if (!*d->model)
        return no(k, "start_worker names no model");
    if (d->gpu < DECISION_GPU_ANY || d->gpu >= DEVICES_PER_HIVE_MAX)
        return no(k, "there is no GPU %d", d->gpu);
    if (c->is_stopping)
        return no(k, "the queen is stopping, and starts no workers");
    if (c->starting >= c->options.starts_max)
        return no(k, "%zu workers are being started; no more at once", c->starting);
    if (!*d->hive_id) {
        struct checking copy = *k;

        (void)no(k, "no hive is online that could start '%s'", d->model);
        (void)registry_find_hives(c->registry, true, true, find_hive, &copy);
        return k->ret->hive; /* else the last one's reason */
    }
    k->ret->hive = registry_hive(c->registry, d->hive_id);
    if (!k->ret->hive)
        return no(k, "there is no hive '%s'", d->hive_id);
    return check_hive(k, k->ret->hive);
}

bool core_check_decision(const struct core *c, const struct decision *d, const char *asked,
                         struct subject *ret, char *ret_message, size_t size)
{
    /* clang-format off */
    static bool (*const checks[])(const struct checking *k) = {
        [DECIDE_WAIT]     = check_wait,
        [DECIDE_DISPATCH] = check_dispatch,
        [DECIDE_REJECT]   = check_reject,
        [DECIDE_EVICT]    = check_evict,
        [DECIDE_START]    = check_start,
    };
    /* clang-format on */
    static_assert(sizeof(checks) / sizeof(checks[0]) == DECISION_ACTION_COUNT_,
                  "an action has no check");
    const struct checking k = { c, d, asked, ret, ret_message, size };

    *ret = (struct subject){ .job = NULL };
    if ((size_t)d->action >= DECISION_ACTION_COUNT_)
        return no(&k, "there is no action %u", (unsigned)d->action);
    return checks[d->action](&k);
}
