/*
 * Models in the registry: known while a worker holds them or a hive lists them, remembered
 * once held; and what is known of each.
 */
#include "base/mem.h"
#include "registry/registry_private.h"

enum { RUNS_AVERAGED = 64, RESERVE_MB = 256 };

static struct model *model_named(struct registry *r, const char *name)
{
    struct model *m = map_get(&r->models, str_of(name));

    if (!m) {
        m = model_new(name);
        (void)map_put(&r->models, str_of(name), m);
        m->slot = slots_take(&r->slots[REGISTRY_MODELS], m->name, ++r->changes);
    }
    return m;
}

static void touch(struct registry *r, const struct model *m)
{
    registry_touch(r, REGISTRY_MODELS, m->slot);
}

static void forget_if_unused(struct registry *r, struct model *m)
{
    if (m->workers_len > 0 || m->hives > 0 || m->is_remembered)
        return;
    (void)map_remove(&r->models, str_of(m->name));
    slots_give_back(&r->slots[REGISTRY_MODELS], m->slot, ++r->changes);
    model_free(m);
}

static bool remember(struct registry *r, struct model *m)
{
    if (m->is_remembered || r->remembered >= r->limits.models_max)
        return false;
    m->is_remembered = true;
    r->remembered++;
    return true;
}

void registry_model_known(struct registry *r, const char *model)
{
    struct model *m = model_named(r, model);

    (void)remember(r, m);
    forget_if_unused(r, m);
}

/* --- Workers that hold them -------------------------------------------------- */

void registry_hold_model(struct registry *r, struct worker *w)
{
    if (!*w->facts.model)
        return;
    model_add(model_named(r, w->facts.model), w);
    if (remember(r, w->model))
        r->on_change(r->data, REGISTRY_MODEL_KNOWN, NULL, NULL, w->facts.model);
}

void registry_drop_model(struct registry *r, struct worker *w)
{
    struct model *m = w->model;

    if (!m)
        return;
    model_remove(w);
    forget_if_unused(r, m);
}

/* A worker on a GPU keeps its weights there; its resident memory says nothing of them. */
static uint64_t held_mb(const struct worker_facts *f)
{
    bool has_gpu = f->vram_mb > 0 || f->total_vram_mb > 0 || f->gpu_ids_len > 0;

    return has_gpu ? f->vram_mb : f->rss_mb;
}

void registry_note_model(struct registry *r, const struct worker *w, uint64_t load_time_ms)
{
    uint64_t held = held_mb(&w->facts);

    if (!w->model)
        return;
    if (load_time_ms > 0) {
        model_note_load(w->model, w->facts.hive_id, load_time_ms);
        touch(r, w->model);
    }
    if (held > w->model->held_mb) {
        w->model->held_mb = held;
        touch(r, w->model);
    }
}

/* --- Hives that list them ---------------------------------------------------- */

static int by_slot(const void *a, const void *b)
{
    const struct model *const *x = a, *const *y = b;

    return ((*x)->slot > (*y)->slot) - ((*x)->slot < (*y)->slot);
}

/* What is not said changes nothing that another hive said. */
static void take_sizes(struct registry *r, struct model *m, const struct listed_model *listed)
{
    bool is_news = false;

    if (listed->size_bytes > 0 && listed->size_bytes != m->size_bytes) {
        m->size_bytes = listed->size_bytes;
        is_news = true;
    }
    if (listed->context_length > 0 && listed->context_length != m->context_length) {
        m->context_length = listed->context_length;
        is_news = true;
    }
    if (is_news)
        touch(r, m);
}

void registry_list_models(struct registry *r, struct hive *hive)
{
    size_t len = hive->facts.models_len;

    hive->models = len > 0 ? mem_alloc(len, sizeof(struct model *)) : NULL;
    for (size_t i = 0; i < len; i++) {
        struct model *m = model_named(r, hive->facts.models[i].ref);

        m->hives++;
        take_sizes(r, m, &hive->facts.models[i]);
        hive->models[i] = m;
    }
    if (len > 0)
        qsort(hive->models, len, sizeof(struct model *), by_slot);
}

void registry_unlist_models(struct registry *r, struct model **models, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        models[i]->hives--;
        forget_if_unused(r, models[i]);
    }
    free(models);
}

bool registry_hive_has_model(const struct registry *r, const char *hive_id, const char *model)
{
    const struct hive *hive = registry_hive(r, hive_id);
    const struct model *m = map_get(&r->models, str_of(model));

    if (!hive || hive->facts.models_len == 0)
        return hive != NULL;
    return m && bsearch(&m, hive->models, hive->facts.models_len, sizeof(struct model *), by_slot);
}

/* --- What is known of one ------------------------------------------------------ */

/* Weights, a fifth more for the context and its buffers, and what any engine takes. */
static uint64_t required_mb(const struct model *m)
{
    if (m->held_mb > 0 || m->size_bytes == 0)
        return m->held_mb;
    return (uint64_t)((double)m->size_bytes * 1.2 / (1024 * 1024)) + RESERVE_MB;
}

bool registry_model_facts(const struct registry *r, const char *model, struct model_facts *ret)
{
    const struct model *m = map_get(&r->models, str_of(model));

    if (!m)
        return false;
    *ret = (struct model_facts){
        .size_bytes = m->size_bytes,
        .vram_required_mb = required_mb(m),
        .context_length = m->context_length,
        .wanted = m->wanted,
        .last_wanted_ms = m->last_wanted_ms,
        .tokens_out_mean = (uint64_t)(m->tokens_out.value + 0.5),
        .run_ms_mean = m->run_ms.value,
        .has_loads = m->loads_len > 0,
        .slot = m->slot,
        .generation = slots_generation(&r->slots[REGISTRY_MODELS], m->slot),
    };
    return true;
}

void registry_model_wanted(struct registry *r, const char *model, uint64_t now_ms)
{
    struct model *m = map_get(&r->models, str_of(model));

    if (!m)
        return;
    m->wanted++;
    m->last_wanted_ms = now_ms;
    touch(r, m);
}

uint64_t registry_load_time_ms(const struct registry *r, const char *model, const char *hive_id)
{
    const struct model *m = map_get(&r->models, str_of(model));

    return m ? model_load_time_ms(m, hive_id) : 0;
}

void registry_visit_loads(const struct registry *r, const char *model,
                          void (*visit)(void *data, const char *hive_id, uint64_t load_time_ms),
                          void *data)
{
    const struct model *m = map_get(&r->models, str_of(model));

    for (size_t i = 0; m && i < m->loads_len; i++)
        visit(data, m->loads[i].hive_id, (uint64_t)m->loads[i].ms.value);
}

/* --- What runs of it showed (the ledger's end) --------------------------------- */

void registry_note_run(struct registry *r, struct model *m, const struct run_figures *run)
{
    mean_add(&m->run_ms, run->run_ms > 0 ? (double)run->run_ms : 1, RUNS_AVERAGED); /* 0: none */
    if (run->tokens_out > 0)
        mean_add(&m->tokens_out, (double)run->tokens_out, RUNS_AVERAGED);
    touch(r, m);
}
