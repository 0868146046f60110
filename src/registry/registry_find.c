/* The registry's questions. Nothing here prefers; orders are those of arrival. */
#include "registry/registry.h"

#include "registry/registry_private.h"

#include <assert.h>

const char *liveness_name(enum liveness live)
{
    static const char *const names[] = {
        [LIVE_ONLINE] = "online",
        [LIVE_DEGRADED] = "degraded",
        [LIVE_OFFLINE] = "offline",
    };

    assert(live <= LIVE_OFFLINE);
    return names[live];
}

const struct worker *registry_worker(const struct registry *r, const char *id)
{
    return map_get(&r->workers, str_of(id));
}

const struct hive *registry_hive(const struct registry *r, const char *id)
{
    return map_get(&r->hives, str_of(id));
}

bool worker_is_available(const struct worker *w)
{
    return w->live != LIVE_OFFLINE && !w->is_leaving &&
           (w->facts.state == WORKER_READY || w->facts.state == WORKER_BUSY);
}

uint32_t worker_room(const struct worker *w)
{
    uint64_t load = (uint64_t)w->in_flight + w->foreign;

    if (!worker_is_available(w) || load >= w->facts.slots)
        return 0;
    return w->facts.slots - (uint32_t)load;
}

bool worker_is_idle(const struct worker *w)
{
    return worker_room(w) > 0 && w->in_flight == 0 && w->foreign == 0 && w->facts.gpu_util_pct <= 0;
}

static bool matches(const struct worker *w, const struct worker_query *q)
{
    const struct worker_facts *f = &w->facts;

    if (q->model && strcmp(f->model, q->model) != 0)
        return false;
    if (q->hive_id && strcmp(f->hive_id, q->hive_id) != 0)
        return false;
    if (q->vram_free_mb_min > 0 &&
        (f->vram_mb > f->total_vram_mb || f->total_vram_mb - f->vram_mb < q->vram_free_mb_min))
        return false;
    if (q->online && w->live == LIVE_OFFLINE)
        return false;
    if (q->available && !worker_is_available(w))
        return false;
    if (q->has_room && worker_room(w) == 0)
        return false;
    return !q->idle || worker_is_idle(w);
}

/* Workers of one liveness, with the query's model or all, in order. */
struct cursor {
    const struct model *model;
    size_t place;
    struct map_entry *entry;
};

static const struct worker *next(struct cursor *c, enum liveness live, bool with_room)
{
    if (c->model)
        return model_next(c->model, live, with_room, &c->place);
    while (c->entry) {
        const struct worker *w = map_value(c->entry);

        c->entry = map_next(c->entry);
        if (w->live == live)
            return w;
    }
    return NULL;
}

size_t registry_find(const struct registry *r, const struct worker_query *q,
                     registry_visit_fn *visit, void *data)
{
    bool with_room = q->has_room || q->idle;
    enum liveness last = with_room || q->online || q->available ? LIVE_DEGRADED : LIVE_OFFLINE;
    const struct model *model = q->model ? map_get(&r->models, str_of(q->model)) : NULL;
    size_t visited = 0;

    if (q->model && !model)
        return 0;
    for (enum liveness live = LIVE_ONLINE; live <= last; live++) {
        struct cursor cursor = { .model = model, .entry = map_first(&r->workers) };
        const struct worker *w;

        while ((w = next(&cursor, live, with_room))) {
            if (!matches(w, q))
                continue;
            visited++;
            if (!visit(data, w))
                return visited;
        }
    }
    return visited;
}

static bool take_first(void *data, const struct worker *worker)
{
    *(const struct worker **)data = worker;
    return false;
}

const struct worker *registry_find_first(const struct registry *r, const struct worker_query *q)
{
    const struct worker *first = NULL;

    (void)registry_find(r, q, take_first, (void *)&first);
    return first;
}

static bool go_on(void *data, const struct worker *worker)
{
    (void)data;
    (void)worker;
    return true;
}

size_t registry_count(const struct registry *r, const struct worker_query *q)
{
    return registry_find(r, q, go_on, NULL);
}

static bool hive_is_available(const struct hive *hive)
{
    return hive->live != LIVE_OFFLINE && hive->facts.health != HIVE_UNHEALTHY &&
           (hive->facts.status == HIVE_READY || hive->facts.status == HIVE_BUSY);
}

size_t registry_find_hives(const struct registry *r, bool online, bool available,
                           registry_visit_hive_fn *visit, void *data)
{
    enum liveness last = online || available ? LIVE_DEGRADED : LIVE_OFFLINE;
    size_t visited = 0;
    struct map_entry *it, *tmp;

    for (enum liveness live = LIVE_ONLINE; live <= last; live++) {
        MAP_FOREACH(it, tmp, &r->hives) {
            const struct hive *hive = map_value(it);

            if (hive->live != live || (available && !hive_is_available(hive)))
                continue;
            visited++;
            if (!visit(data, hive))
                return visited;
        }
    }
    return visited;
}

bool registry_knows_model(const struct registry *r, const char *model)
{
    return map_get(&r->models, str_of(model)) != NULL;
}

size_t registry_models(const struct registry *r, void (*visit)(void *data, const char *model),
                       void *data)
{
    size_t visited = 0;
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, &r->models) {
        const struct model *m = map_value(it);

        if (m->workers_len == 0 && m->hives == 0)
            continue;
        visited++;
        visit(data, m->name);
    }
    return visited;
}

uint64_t registry_changes(const struct registry *r, enum registry_kind kind, uint64_t since,
                          registry_slot_fn *visit, void *data)
{
    slots_since(&r->slots[kind], since, visit, data);
    return r->changes;
}
