/* The hives of the small cloud: reports, workers that come, load and go. */
#include "scheduler/core_world_private.h"

#include <stdio.h>

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
    facts.has_capabilities = world_one_in(w, 20);
    if (facts.has_capabilities) {
        facts.models = models;
        facts.models_len = 2;
        (void)snprintf(models[0].ref, sizeof(models[0].ref), "m%u", hive % MODELS);
        (void)snprintf(models[1].ref, sizeof(models[1].ref), "m%u", (hive + 1) % MODELS);
    }
    world_handle(w, (struct core_event){
                        .kind = CORE_HIVE_REPORT,
                        .u.report = { .hive = &facts, .workers = workers, .workers_len = len } });
}

void world_play_hives(struct world *w)
{
    for (unsigned i = 0; i < HIVES; i++) {
        struct node *node = &w->nodes[i];

        if (world_one_in(w, 20000))
            node->silent_until_ms = w->now_ms + world_below(w, 90000);
        if (world_one_in(w, 5000))
            node->places[world_below(w, PLACES)].is_taken = false; /* a worker dies */
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

void world_play_pending(struct world *w)
{
    struct core_event event = { .kind = CORE_START_ENDED,
                                .u.ended = { .number = w->pending.number } };

    if (w->pending.number == 0 || world_one_in(w, 3))
        return;
    event.u.ended.failed = world_one_in(w, 3);
    if (w->pending.kind == CORE_EVICT)
        event.kind = CORE_EVICT_ENDED;
    if (!event.u.ended.failed)
        event.u.ended.failed =
            !(w->pending.kind == CORE_EVICT ? stop(w, &w->pending) : start(w, &w->pending));
    if (event.u.ended.failed)
        (void)err_set(&event.u.ended.err, ERR_UPSTREAM, "no room for it");
    w->pending.number = 0;
    world_handle(w, event);
}
