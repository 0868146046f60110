/*
 * When a waiting job will start: the tokens ahead of it over what the workers of its model
 * produce together (the drain estimate of Patke et al., "Queue management for SLO-oriented
 * large language model serving", SoCC 2024). A guess for people and deadlines, no promise.
 */
#include "scheduler/core_private.h"

enum {
    FRESH_MS = 1000,
    OUTPUT_TOKENS = 256, /* of a job, until its model has shown its own */
};

/* The workers of one model, as they were lately. */
struct outlook {
    uint64_t seen_ms;
    double tokens_per_s; /* of all their slots; 0: nobody knows */
    uint64_t running;
};

static bool add_worker(void *data, const struct worker *w)
{
    struct outlook *outlook = data;

    outlook->tokens_per_s += w->tokens_per_s * w->facts.slots;
    outlook->running += w->in_flight + w->foreign;
    return true;
}

static struct outlook look(const struct core *c, const char *model)
{
    struct outlook outlook = { .seen_ms = c->now_ms };

    (void)registry_find(c->registry, &(struct worker_query){ .model = model, .available = true },
                        add_worker, &outlook);
    return outlook;
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
    *outlook = look(c, model);
}

/* Asking leaves no trace: what the core does must not depend on who asked it what. */
static struct outlook outlook_of(const struct core *c, const char *model)
{
    const struct outlook *known = map_get(&c->outlooks, str_of(model));

    return is_fresh(c, known) ? *known : look(c, model);
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

uint64_t core_predicted_start_ms(const struct core *c, const char *job_id)
{
    const struct job *job = core_job(c, job_id);
    struct model_facts facts = { .tokens_out_mean = 0 };

    if (!job || core_is_running(job))
        return 0;
    if (!job->lane)
        return UINT64_MAX;
    struct outlook outlook = outlook_of(c, job->spec.model);
    if (outlook.tokens_per_s <= 0)
        return until_ready_ms(c, job->spec.model);
    (void)registry_model_facts(c->registry, job->spec.model, &facts);
    double tokens = facts.tokens_out_mean > 0 ? (double)facts.tokens_out_mean : OUTPUT_TOKENS;
    double ahead = (double)(job_queue_position(c->queue, job) - 1);
    /* Those that run are half done, on average. */
    double ms = (ahead + (double)outlook.running / 2) * tokens * 1e3 / outlook.tokens_per_s;
    return ms < 1e15 ? (uint64_t)ms : UINT64_MAX;
}
