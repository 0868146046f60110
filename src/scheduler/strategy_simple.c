/*
 * The seeds' SimpleScheduler: the first worker with the model and room. "First" is the
 * registry's order, so degraded workers come last.
 */
#include "scheduler/core.h"

#include <string.h>

struct search {
    const struct job *job;
    const struct worker *found;
};

static bool on_worker(void *data, const struct worker *worker)
{
    struct search *search = data;

    if (!strategy_may_run(worker, search->job))
        return true;
    search->found = worker;
    return false;
}

static const struct worker *find(const struct registry *registry, const struct job *job)
{
    const struct job_spec *spec = &job->spec;
    struct worker_query query = { .model = spec->model, .has_room = true };
    struct search search = { .job = job };

    if (*spec->worker_id) {
        const struct worker *worker = registry_worker(registry, spec->worker_id);

        return worker && strategy_may_run(worker, job) ? worker : NULL;
    }
    (void)registry_find(registry, &query, on_worker, &search);
    return search.found;
}

static void decide(const struct strategy *self, const struct core *core, const struct job *job,
                   uint64_t now_ms, struct decisions *ret)
{
    const struct worker *worker = find(core_registry(core), job);

    (void)self;
    (void)now_ms;
    if (!worker)
        return;
    struct decision *d = &ret->items[ret->len++];
    *d = (struct decision){ .action = DECIDE_DISPATCH };
    memcpy(d->worker_id, worker->facts.id, sizeof(d->worker_id));
}

const struct strategy strategy_simple = { .name = "simple", .decide = decide };
