#include "registry/registry.h"

#include "base/mem.h"
#include "registry/registry_private.h"

#include <assert.h>

static bool is_failed(const struct worker *w)
{
    return w->facts.state == WORKER_FAILED;
}

static bool is_lost(const struct worker *w)
{
    return w->age == LIVE_OFFLINE || is_failed(w);
}

struct standing registry_standing(const struct worker *w)
{
    return (struct standing){ worker_room(w), is_lost(w), is_failed(w) };
}

static void tell(const struct registry *r, enum registry_change what, const struct worker *w)
{
    r->on_change(r->data, what, w, NULL, NULL);
}

void registry_touch(struct registry *r, enum registry_kind kind, uint32_t slot)
{
    slots_touch(&r->slots[kind], slot, ++r->changes);
}

void registry_settle(struct registry *r, struct worker *w, const struct standing *before)
{
    w->live = w->is_unreachable ? LIVE_OFFLINE : w->age;
    model_note_room(w);
    registry_touch(r, REGISTRY_WORKERS, w->slot);
    if (is_lost(w) && !before->is_lost)
        tell(r, REGISTRY_WORKER_LOST, w);
    if (is_failed(w) && !before->is_failed)
        tell(r, REGISTRY_WORKER_FAILED, w);
    if (worker_room(w) > before->room)
        tell(r, REGISTRY_WORKER_ROOM, w);
}

/* --- Workers ------------------------------------------------------------- */

struct worker *registry_find_worker(const struct registry *r, const char *id)
{
    return map_get(&r->workers, (struct str){ id, strlen(id) });
}

static struct worker *worker_new(struct registry *r, const char *id, uint64_t now_ms)
{
    struct worker *w = mem_alloc(1, sizeof(*w));

    w->first_seen_ms = now_ms;
    list_init(&w->in_age);
    list_init(&w->in_hive);
    (void)map_put(&r->workers, str_of(id), w);
    w->slot = slots_take(&r->slots[REGISTRY_WORKERS], w, ++r->changes);
    w->generation = slots_generation(&r->slots[REGISTRY_WORKERS], w->slot);
    return w;
}

static void worker_free(struct worker *w)
{
    model_remove(w);
    list_remove(&w->in_age);
    list_remove(&w->in_hive);
    worker_facts_free(&w->facts);
    free(w);
}

static void set_hive(struct worker *w, struct hive *hive)
{
    if (w->hive == hive)
        return;
    if (w->hive)
        w->hive->workers_len--;
    list_remove(&w->in_hive);
    w->hive = hive;
    if (!hive)
        return;
    hive->workers_len++;
    list_push_back(&hive->workers, &w->in_hive);
}

void registry_remove_worker(struct registry *r, struct worker *w)
{
    bool was_lost = is_lost(w);

    (void)map_remove(&r->workers, str_of(w->facts.id));
    registry_drop_model(r, w);
    set_hive(w, NULL);
    if (!was_lost)
        tell(r, REGISTRY_WORKER_LOST, w);
    tell(r, REGISTRY_WORKER_REMOVED, w);
    slots_give_back(&r->slots[REGISTRY_WORKERS], w->slot, ++r->changes);
    worker_free(w);
}

static void set_facts(struct registry *r, struct worker *w, const struct worker_facts *facts,
                      struct hive *hive)
{
    bool same_model = w->model && strcmp(w->model->name, facts->model) == 0;

    if (!same_model)
        registry_drop_model(r, w);
    w->described++;
    worker_facts_copy(&w->facts, facts);
    set_hive(w, hive);
    (void)str_copy(w->facts.hive_id, sizeof(w->facts.hive_id), str_of(hive ? hive->facts.id : ""));
    if (!same_model)
        registry_hold_model(r, w);
}

/* What is there beyond the most that we had running since the last report. */
static uint32_t foreign_load(const struct worker *w)
{
    uint32_t shown = w->facts.active + w->facts.queued; /* their caps leave room for a sum */

    return shown > w->in_flight_peak ? shown - w->in_flight_peak : 0;
}

void registry_derive_speed(struct worker *w)
{
    /* A worker at rest says 0, which is no speed. */
    bool is_said = w->facts.has_tokens_per_s && w->facts.tokens_per_s > 0;

    w->tokens_per_s = is_said ? w->facts.tokens_per_s : rate_per_s(&w->decode);
}

/* Another machine or another model: nothing measured holds. */
static void forget_measured(struct worker *w, const struct hive *hive)
{
    if (w->hive != hive)
        w->is_loading = false;
    w->decode = w->prefill = (struct rate){ 0 };
    w->prefill_tokens_per_s = 0;
    w->load_time_ms = 0;
}

/* Loading lasts from the first report as starting to the first as ready. Returns how long
 * it took when it is over now, else 0. */
static uint64_t note_loading(struct worker *w, uint64_t now_ms)
{
    bool was_loading = w->is_loading;

    w->is_loading = w->facts.state == WORKER_STARTING;
    if (w->is_loading && !was_loading)
        w->loading_ms = now_ms;
    if (!was_loading || (w->facts.state != WORKER_READY && w->facts.state != WORKER_BUSY))
        return 0;
    w->load_time_ms = now_ms > w->loading_ms ? now_ms - w->loading_ms : 1; /* 0: unknown */
    return w->load_time_ms;
}

static struct worker *take_report(struct registry *r, const struct worker_facts *facts,
                                  struct hive *hive, uint64_t now_ms)
{
    struct worker *w = registry_find_worker(r, facts->id);
    struct standing before = { .room = 0, .is_lost = true };

    if (!w) {
        w = worker_new(r, facts->id, now_ms);
    } else {
        before = registry_standing(w);
        if (w->hive != hive || strcmp(w->facts.model, facts->model) != 0) {
            before.room = 0; /* its room is for others now */
            tell(r, REGISTRY_WORKER_MOVED, w);
            forget_measured(w, hive);
        }
    }

    set_facts(r, w, facts, hive);
    registry_note_model(r, w, note_loading(w, now_ms));
    registry_derive_speed(w);
    w->age = LIVE_ONLINE;
    w->is_unreachable = false;
    w->seen_ms = now_ms;
    list_remove(&w->in_age);
    list_push_back(&r->workers_by_age[LIVE_ONLINE], &w->in_age);
    w->foreign = foreign_load(w);
    w->in_flight_peak = w->in_flight;
    registry_settle(r, w, &before);
    return w;
}

void registry_worker_report(struct registry *r, const struct worker_facts *worker, uint64_t now_ms)
{
    (void)take_report(r, worker, NULL, now_ms);
}

void registry_worker_static(struct registry *r, const struct worker_facts *worker, uint64_t now_ms)
{
    assert(!registry_find_worker(r, worker->id));

    struct worker *w = worker_new(r, worker->id, now_ms);
    w->is_static = true;
    w->is_unreachable = true;
    w->seen_ms = now_ms;
    w->live = LIVE_OFFLINE;
    set_facts(r, w, worker, NULL);
}

void registry_worker_reachable(struct registry *r, const char *worker_id, bool reachable,
                               uint64_t now_ms)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w || (reachable && !w->is_static))
        return;
    struct standing before = registry_standing(w);
    w->is_unreachable = !reachable;
    if (reachable)
        w->seen_ms = now_ms;
    registry_settle(r, w, &before);
}

/* --- Hives --------------------------------------------------------------- */

static struct hive *hive_new(struct registry *r, const char *id)
{
    struct hive *hive = mem_alloc(1, sizeof(*hive));

    list_init(&hive->in_age);
    list_init(&hive->workers);
    (void)map_put(&r->hives, str_of(id), hive);
    hive->slot = slots_take(&r->slots[REGISTRY_HIVES], hive, ++r->changes);
    hive->generation = slots_generation(&r->slots[REGISTRY_HIVES], hive->slot);
    return hive;
}

static void hive_free(struct hive *hive)
{
    list_remove(&hive->in_age);
    hive_facts_free(&hive->facts);
    free(hive->models);
    free(hive);
}

/* Capabilities come in few reports and hold until the next that has them. */
static void set_hive_facts(struct registry *r, struct hive *hive, const struct hive_facts *facts)
{
    struct hive_facts old = hive->facts;
    struct model **old_models = hive->models;

    hive->facts = (struct hive_facts){ 0 };
    hive_facts_copy(&hive->facts, facts);
    if (facts->has_capabilities) {
        registry_list_models(r, hive);
        registry_unlist_models(r, old_models, old.models_len);
    } else {
        struct hive_facts *f = &hive->facts;

        free(f->devices);
        free(f->models);
        f->has_capabilities = old.has_capabilities;
        f->devices_len = old.devices_len;
        f->devices = TAKE(old.devices);
        f->models_len = old.models_len;
        f->models = TAKE(old.models);
    }
    hive_facts_free(&old);
}

void registry_remove_hive(struct registry *r, struct hive *hive)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &hive->workers)
        registry_remove_worker(r, container_of(it, struct worker, in_hive));
    registry_unlist_models(r, TAKE(hive->models), hive->facts.models_len);
    (void)map_remove(&r->hives, str_of(hive->facts.id));
    r->on_change(r->data, REGISTRY_HIVE_REMOVED, NULL, hive, NULL);
    slots_give_back(&r->slots[REGISTRY_HIVES], hive->slot, ++r->changes);
    hive_free(hive);
}

void registry_hive_report(struct registry *r, const struct hive_facts *facts,
                          const struct worker_facts *workers, size_t workers_len, uint64_t now_ms)
{
    struct hive *hive = map_get(&r->hives, str_of(facts->id));
    struct list *it, *tmp;

    if (!hive)
        hive = hive_new(r, facts->id);
    set_hive_facts(r, hive, facts);
    hive->seen_ms = now_ms;
    hive->live = LIVE_ONLINE;
    registry_touch(r, REGISTRY_HIVES, hive->slot);
    list_remove(&hive->in_age);
    list_push_back(&r->hives_by_age[LIVE_ONLINE], &hive->in_age);

    r->reports++;
    for (size_t i = 0; i < workers_len; i++)
        take_report(r, &workers[i], hive, now_ms)->report = r->reports;
    LIST_FOREACH(it, tmp, &hive->workers) {
        struct worker *w = container_of(it, struct worker, in_hive);

        if (w->report != r->reports)
            registry_remove_worker(r, w);
    }
}

/* --- Life ---------------------------------------------------------------- */

void registry_limits_init(struct registry_limits *l)
{
    *l = (struct registry_limits){
        .workers_max = 20000,
        .hives_max = 2000,
        .models_max = 20000,
        .degraded_after_ms = 3000,
        .offline_after_ms = 10000,
        .forgotten_after_ms = 60000,
    };
}

struct registry *registry_new(const struct registry_limits *limits, registry_change_fn *on_change,
                              void *data)
{
    struct registry *r = mem_alloc(1, sizeof(*r));

    assert(limits->degraded_after_ms <= limits->offline_after_ms);
    assert(limits->offline_after_ms <= limits->forgotten_after_ms);
    r->limits = *limits;
    r->on_change = on_change;
    r->data = data;
    map_init(&r->workers);
    map_init(&r->hives);
    map_init(&r->models);
    for (enum liveness age = LIVE_ONLINE; age <= LIVE_OFFLINE; age++) {
        list_init(&r->workers_by_age[age]);
        list_init(&r->hives_by_age[age]);
    }
    list_init(&r->full_statics);
    for (enum registry_kind kind = REGISTRY_WORKERS; kind <= REGISTRY_MODELS; kind++)
        slots_init(&r->slots[kind]);
    return r;
}

void registry_free(struct registry *r)
{
    struct map_entry *it, *tmp;

    if (!r)
        return;
    MAP_FOREACH(it, tmp, &r->workers)
        worker_free(map_value(it));
    MAP_FOREACH(it, tmp, &r->hives)
        hive_free(map_value(it));
    MAP_FOREACH(it, tmp, &r->models)
        model_free(map_value(it));
    map_deinit(&r->workers);
    map_deinit(&r->hives);
    map_deinit(&r->models);
    for (enum registry_kind kind = REGISTRY_WORKERS; kind <= REGISTRY_MODELS; kind++)
        slots_deinit(&r->slots[kind]);
    free(r);
}
