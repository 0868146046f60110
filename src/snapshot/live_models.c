/* Rows of models. */
#include "snapshot/live_private.h"

uint32_t live_model_row(const struct live *l, const char *ref)
{
    struct model_facts facts;

    if (*ref == '\0' || !registry_model_facts(live_registry(l), ref, &facts) ||
        facts.slot >= SNAP_MODELS_MAX)
        return SNAP_NONE;
    return facts.slot;
}

struct loads {
    const struct live *l;
    struct snap_model *model;
};

static void add_load(void *data, const char *hive_id, uint64_t load_time_ms)
{
    struct loads *loads = data;
    const struct hive *hive = registry_hive(live_registry(loads->l), hive_id);

    if (!hive || hive->slot >= SNAP_POOLS_MAX || loads->model->loads_len == SNAP_LOADS_MAX)
        return;
    loads->model->loads[loads->model->loads_len++] =
        (struct snap_load){ .pool = hive->slot, .load_time_ms = load_time_ms };
}

static void set_loads(struct live *l, uint32_t row, struct snap_model *model, const char *ref)
{
    struct loads loads = { l, model };

    memset(model->loads, 0, sizeof(model->loads));
    model->loads_len = 0;
    registry_visit_loads(live_registry(l), ref, add_load, &loads);
    l->has_loads[row] |= model->loads_len > 0;
}

void live_remove_model(struct live *l, uint32_t row)
{
    struct snap_model model = rows(l)->models[row];

    for (uint32_t w = model.first_worker; w != SNAP_NONE; w = rows(l)->models[row].first_worker) {
        struct snap_worker worker;

        rows_unlink_model(l->region, w);
        worker = rows(l)->workers[w];
        worker.model = SNAP_NONE;
        rows_put_worker(l->region, w, &worker);
    }
    live_text_clear(&l->texts, &model.ref);
    memset(&model, 0, sizeof(model));
    rows_put_model(l->region, row, &model);
    l->has_loads[row] = 0;
}

void live_put_model(struct live *l, uint32_t row, uint32_t generation, const char *ref)
{
    struct snap_model model = rows(l)->models[row];
    struct model_facts facts;

    if (!registry_model_facts(live_registry(l), ref, &facts))
        return;
    if (model.generation == 0)
        model.first_worker = model.last_worker = SNAP_NONE;
    model.generation = generation;
    model.size_bytes = facts.size_bytes;
    model.vram_required_mb = facts.vram_required_mb;
    model.context_length = facts.context_length;
    model.wanted = facts.wanted;
    model.last_wanted_ms = live_wall_ms(l, facts.last_wanted_ms);
    model.tokens_out_mean = facts.tokens_out_mean;
    model.run_ms_mean = facts.run_ms_mean;
    if (facts.has_loads || model.loads_len > 0)
        set_loads(l, row, &model, ref);
    live_text_set(&l->texts, &model.ref, str_of(ref));
    rows_put_model(l->region, row, &model);
    live_note_use(l, &l->header.models, row);
}

void live_count_model(struct live *l, uint32_t row)
{
    const struct snap_model *old = &rows(l)->models[row];
    char ref[MODEL_REF_SIZE];

    if (old->generation == 0 || !str_copy(ref, sizeof(ref), snapshot_text(rows(l), old->ref)))
        return;
    uint32_t queued = (uint32_t)job_queue_waiting(core_queue(l->core), ref);
    uint32_t starting = core_starting(l->core, ref);
    if (queued > 0 || starting > 0)
        (void)row_set_add(&l->counted, row);
    if (queued == old->queued && starting == old->starting)
        return;
    struct snap_model model = *old;
    model.queued = queued;
    model.starting = starting;
    rows_put_model(l->region, row, &model);
}

/* A pool's number may be another's by now. */
void live_renew_loads(struct live *l)
{
    for (uint32_t row = 0; row < l->header.models; row++) {
        struct snap_model model = rows(l)->models[row];
        char ref[MODEL_REF_SIZE];

        if (!l->has_loads[row] || model.generation == 0 ||
            !str_copy(ref, sizeof(ref), snapshot_text(rows(l), model.ref)))
            continue;
        set_loads(l, row, &model, ref);
        rows_put_model(l->region, row, &model);
    }
}
