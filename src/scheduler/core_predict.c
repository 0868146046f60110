/*
 * When a waiting job will start: jobs/forecast.h over the registry and the queue. A guess for
 * people, no promise. Of what is ahead only the number is known, so each counts as the mean of
 * those that wait for the model.
 */
#include "jobs/forecast.h"
#include "scheduler/core_private.h"

enum { FRESH_MS = 1000 };

/* The workers of one model, as they were lately. */
struct outlook {
    uint64_t seen_ms;
    struct forecast workers;
};

struct look {
    const struct job *job; /* only those that it may run on; NULL: all */
    struct forecast workers;
};

static bool add_worker(void *data, const struct worker *w)
{
    struct look *look = data;
    double run_tokens = w->in_flight > 0 ? (double)w->in_flight_tokens / w->in_flight : 0;

    if (look->job && !job_fits(look->job, &w->facts))
        return true;
    forecast_add_worker(&look->workers,
                        &(struct forecast_worker){ .slots = w->facts.slots,
                                                   .room = worker_room(w),
                                                   .running = w->in_flight + w->foreign,
                                                   .run_tokens = run_tokens,
                                                   .tokens_per_s = w->tokens_per_s,
                                                   .prefill_per_s = w->prefill_tokens_per_s });
    return true;
}

static struct forecast look_at(const struct core *c, const char *model, const struct job *job)
{
    struct look look = { .job = job };

    (void)registry_find(c->registry, &(struct worker_query){ .model = model, .available = true },
                        add_worker, &look);
    return look.workers;
}

static bool is_fresh(const struct core *c, const struct outlook *outlook)
{
    return outlook && c->now_ms - outlook->seen_ms < FRESH_MS;
}

void core_refresh_outlook(struct core *c, const char *model)
{
    struct outlook *outlook = map_get(&c->outlooks, str_of(model));

    if (is_fresh(c, outlook))
        return;
    if (!outlook) {
        if (map_count(&c->outlooks) >= OUTLOOKS_MAX)
            free(map_remove(&c->outlooks, map_key(map_first(&c->outlooks))));
        outlook = mem_alloc(1, sizeof(*outlook));
        (void)map_put(&c->outlooks, str_of(model), outlook);
    }
    outlook->seen_ms = c->now_ms;
    outlook->workers = look_at(c, model, NULL);
}

static bool may_run_anywhere(const struct job *job)
{
    return !*job->spec.worker_id && !*job->spec.hive_id && job->tried_len == 0;
}

/* Asking leaves no trace: what the core does must not depend on who asked it what. */
static struct forecast workers_for(const struct core *c, const struct job *job)
{
    const char *model = job->spec.model;
    const struct outlook *known = map_get(&c->outlooks, str_of(model));

    if (!may_run_anywhere(job))
        return look_at(c, model, job);
    return is_fresh(c, known) ? known->workers : look_at(c, model, NULL);
}

/* Until a worker that is being started will be ready; UINT64_MAX: none, or nobody knows. */
static uint64_t until_ready_ms(const struct core *c, const char *model)
{
    uint64_t soonest_ms = UINT64_MAX;
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->starts) {
        const struct start *start = container_of(it, struct start, in_starts);
        uint64_t load_ms = registry_load_time_ms(c->registry, model, start->hive_id);
        uint64_t gone_ms = c->now_ms - start->begun_ms;

        if (strcmp(start->model, model) != 0 || load_ms == 0)
            continue;
        uint64_t left_ms = load_ms > gone_ms ? load_ms - gone_ms : 0;
        soonest_ms = left_ms < soonest_ms ? left_ms : soonest_ms;
    }
    return soonest_ms;
}

/* Those that wait for its model and go before it. */
static void add_line(const struct core *c, const struct job *job, struct forecast *f)
{
    struct model_facts facts = { .tokens_out_mean = 0 };

    (void)registry_model_facts(c->registry, job->spec.model, &facts);
    const struct job_queue_load all =
        job_queue_load(c->queue, job->spec.model, forecast_answer_tokens(facts.tokens_out_mean, 0));
    f->run_ms = facts.run_ms_mean;
    f->before = job_queue_position(c->queue, job) - 1;
    f->ahead = f->before > f->room ? f->before - f->room : 0;
    f->prompt_tokens = all.prompt_tokens * (double)f->ahead / (double)all.jobs;
    f->answer_tokens = all.answer_tokens * (double)f->ahead / (double)all.jobs;
}

uint64_t core_predicted_start_ms(const struct core *c, const char *job_id)
{
    const struct job *job = core_job(c, job_id);

    if (!job || core_is_running(job))
        return 0;
    if (!job->lane)
        return UINT64_MAX;
    struct forecast f = workers_for(c, job);
    if (f.slots == 0)
        return until_ready_ms(c, job->spec.model);
    add_line(c, job, &f);
    return forecast_wait_ms(&f);
}
