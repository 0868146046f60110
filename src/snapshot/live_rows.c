/* Rows of workers, pools and models: a registry's slots. */
#include "snapshot/live_private.h"

#include "base/mem.h"
#include "base/parse.h"
#include "snapshot/reserved.h"

#include <stdio.h>

bool row_set_add(struct row_set *set, uint32_t row)
{
    if (set->is_in[row])
        return false;
    set->is_in[row] = 1;
    set->rows[set->len++] = row;
    return true;
}

static void add_change(void *data, uint32_t slot, uint32_t generation, const void *ptr)
{
    struct changes *c = data;

    if (c->len == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 64;
        c->items = mem_resize(c->items, c->cap * sizeof(*c->items));
    }
    c->items[c->len++] = (struct change){ slot, generation, ptr };
}

void live_collect_changes(struct live *l)
{
    for (enum registry_kind kind = REGISTRY_WORKERS; kind <= REGISTRY_MODELS; kind++) {
        l->changes[kind].len = 0;
        l->seen[kind] =
            registry_changes(live_registry(l), kind, l->seen[kind], add_change, &l->changes[kind]);
    }
}

static const struct snapshot *rows(const struct live *l)
{
    return rows_of(l->region);
}

struct str live_map_text(struct live *l, const struct labels *labels, size_t max)
{
    buf_clear(&l->scratch);
    for (size_t i = 0; i < labels->count; i++) {
        const char *key, *value;

        labels_at(labels, i, &key, &value);
        if (buf_len(&l->scratch) + strlen(key) + strlen(value) + 2 > max)
            break;
        (void)buf_add(&l->scratch, key, strlen(key) + 1);
        (void)buf_add(&l->scratch, value, strlen(value) + 1);
    }
    return buf_str(&l->scratch);
}

/* --- Models ------------------------------------------------------------------------- */

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

static void remove_model(struct live *l, uint32_t row)
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

static void put_model(struct live *l, uint32_t row, uint32_t generation, const char *ref)
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
    set_loads(l, row, &model, ref);
    live_text_set(&l->texts, &model.ref, str_of(ref));
    rows_put_model(l->region, row, &model);
    live_note_use(l, &l->header.models, row);
}

void live_count_model(struct live *l, uint32_t row)
{
    struct snap_model model = rows(l)->models[row];
    char ref[MODEL_REF_SIZE];

    if (model.generation == 0 || !str_copy(ref, sizeof(ref), snapshot_text(rows(l), model.ref)))
        return;
    model.queued = (uint32_t)job_queue_waiting(core_queue(l->core), ref);
    model.starting = core_starting(l->core, ref);
    rows_put_model(l->region, row, &model);
    if (model.queued > 0 || model.starting > 0)
        (void)row_set_add(&l->counted, row);
}

/* A pool's number may be another's by now. */
static void renew_loads(struct live *l)
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

/* --- Workers -------------------------------------------------------------------------- */

static void clear_worker_texts(struct live *l, struct snap_worker *w)
{
    struct snap_text *const own[] = { &w->id,       &w->pool_id, &w->capabilities, &w->group,
                                      &w->instance, &w->build,   &w->labels };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        live_text_clear(&l->texts, own[i]);
}

static void crowd(struct live *l, uint32_t pool)
{
    if (pool != SNAP_NONE)
        (void)row_set_add(&l->crowded, pool);
}

static void remove_worker(struct live *l, uint32_t row)
{
    struct snap_worker w = rows(l)->workers[row];

    crowd(l, w.pool);
    sums_worker(&l->sums, rows(l), &w, -1);
    rows_unlink_model(l->region, row);
    rows_unlink_pool(l->region, row);
    clear_worker_texts(l, &w);
    memset(&w, 0, sizeof(w));
    rows_put_worker(l->region, row, &w);
}

/* What the ledger knows is newer than what the worker said last. */
static uint8_t status_of(const struct worker *w)
{
    static const uint8_t statuses[WORKER_STATE_COUNT_] = {
        [WORKER_STARTING] = SNAP_STARTING, [WORKER_READY] = SNAP_READY,   [WORKER_BUSY] = SNAP_BUSY,
        [WORKER_DRAINING] = SNAP_DRAINING, [WORKER_FAILED] = SNAP_FAILED,
    };

    if (w->facts.state != WORKER_READY && w->facts.state != WORKER_BUSY)
        return statuses[w->facts.state];
    if (w->is_leaving)
        return SNAP_DRAINING;
    return (uint64_t)w->in_flight + w->foreign >= w->facts.slots ? SNAP_BUSY : SNAP_READY;
}

static void set_load_of_worker(struct snap_worker *row, const struct worker *w)
{
    row->slots = w->facts.slots;
    row->active = w->in_flight + w->foreign;
    row->queued = w->facts.queued;
    row->in_flight = w->in_flight;
    row->foreign = w->foreign;
    row->in_flight_tokens = w->in_flight_tokens;
    row->queued_prefill_tokens = w->queued_prefill_tokens;
    row->uses = w->dispatched_total;
    row->prefill_tokens_per_s = w->prefill_tokens_per_s;
    if (w->tokens_per_s > 0) {
        row->tokens_per_s = w->tokens_per_s;
        row->given |= SNAP_HAS_SPEED;
    }
    if (w->load_time_ms > 0) {
        row->load_time_ms = w->load_time_ms;
        row->given |= SNAP_HAS_LOAD;
    }
}

static void set_facts_of_worker(struct snap_worker *row, const struct worker_facts *f)
{
    row->active_reported = f->active;
    row->pid = f->pid;
    row->vram_mb = f->vram_mb;
    row->total_vram_mb = f->total_vram_mb;
    row->rss_mb = f->rss_mb;
    row->uptime_s = f->uptime_s;
    row->cpu_pct = f->cpu_pct;
    row->gpu_util_pct = f->gpu_util_pct;
    if (f->has_kv_used_pct) {
        row->kv_used_pct = f->kv_used_pct;
        row->given |= SNAP_HAS_KV;
    }
    row->gpu_ids_len = (uint8_t)f->gpu_ids_len;
    memcpy(row->gpu_ids, f->gpu_ids, f->gpu_ids_len * sizeof(f->gpu_ids[0]));
}

/* The label's comma list. */
static struct str list_text(struct live *l, struct str commas)
{
    buf_clear(&l->scratch);
    for (size_t i = 0; i < commas.len; i++)
        (void)buf_putc(&l->scratch, commas.p[i] == ',' ? '\0' : commas.p[i]);
    if (commas.len > 0)
        (void)buf_putc(&l->scratch, '\0');
    return buf_str(&l->scratch);
}

static void set_texts_of_worker(struct live *l, struct snap_worker *row,
                                const struct worker_facts *f)
{
    char build[MODEL_REF_SIZE + 32];
    struct str capabilities;

    live_text_set(&l->texts, &row->id, str_of(f->id));
    live_text_set(&l->texts, &row->pool_id, str_of(f->hive_id));
    live_text_set(&l->texts, &row->group, str_of(f->group));
    live_text_set(&l->texts, &row->instance, str_of(f->instance));
    (void)snprintf(build, sizeof(build), "%s %s", worker_kind_name(f->kind), f->model);
    live_text_set(&l->texts, &row->build, str_of(build));
    live_text_set(&l->texts, &row->labels, live_map_text(l, &f->labels, LIVE_TEXT_MAX));

    struct snap_text own = row->capabilities;
    row->capabilities.len = 0;
    reserved_worker(rows(l), row, &capabilities);
    row->capabilities = own;
    live_text_set(&l->texts, &row->capabilities, list_text(l, capabilities));
}

/* Members that stay a row's own when its facts are filled in anew. */
static struct snap_worker begin_worker(const struct snap_worker *old)
{
    struct snap_worker row;

    memset(&row, 0, sizeof(row));
    rows_clear_links(&row);
    row.model = row.pool = SNAP_NONE;
    if (old->generation == 0)
        return row;
    row.id = old->id;
    row.pool_id = old->pool_id;
    row.capabilities = old->capabilities;
    row.group = old->group;
    row.instance = old->instance;
    row.build = old->build;
    row.labels = old->labels;
    return row;
}

static struct snap_worker make_worker(struct live *l, const struct snap_worker *old,
                                      const struct worker *w)
{
    struct snap_worker row = begin_worker(old);
    const struct hive *hive = registry_hive(live_registry(l), w->facts.hive_id);

    row.generation = w->generation;
    row.model = live_model_row(l, w->facts.model);
    row.pool = hive && hive->slot < SNAP_POOLS_MAX ? hive->slot : SNAP_NONE;
    row.status = status_of(w);
    row.live = (uint8_t)w->live;
    row.is_static = w->is_static;
    row.last_used_ms = live_wall_ms(l, w->last_used_ms);
    row.first_seen_ms = live_wall_ms(l, w->first_seen_ms);
    set_load_of_worker(&row, w);
    set_facts_of_worker(&row, &w->facts);
    set_texts_of_worker(l, &row, &w->facts);
    row.is_pinned = core_is_pinned(w);
    reserved_place(&row, snapshot_pool(rows(l), row.pool));
    return row;
}

/* Do both weigh the same on their GPUs? */
static bool weigh_alike(const struct snap_worker *a, const struct snap_worker *b)
{
    return a->pool == b->pool && a->vram_mb == b->vram_mb && a->gpu_util_pct == b->gpu_util_pct &&
           a->gpu_ids_len == b->gpu_ids_len &&
           memcmp(a->gpu_ids, b->gpu_ids, sizeof(a->gpu_ids)) == 0;
}

static void put_worker(struct live *l, uint32_t row, const struct worker *w)
{
    struct snap_worker old = rows(l)->workers[row];
    bool is_new = old.generation == 0;

    if (is_new)
        old.model = old.pool = SNAP_NONE;
    struct snap_worker worker = make_worker(l, &old, w);
    bool moves_model = old.model != worker.model, moves_pool = old.pool != worker.pool;
    if (!is_new) {
        sums_worker(&l->sums, rows(l), &old, -1);
        if (moves_model)
            rows_unlink_model(l->region, row);
        if (moves_pool)
            rows_unlink_pool(l->region, row);
        if (!moves_model) {
            worker.next_in_model = old.next_in_model;
            worker.prev_in_model = old.prev_in_model;
        }
        if (!moves_pool) {
            worker.next_in_pool = old.next_in_pool;
            worker.prev_in_pool = old.prev_in_pool;
        }
    }
    if (is_new || !weigh_alike(&old, &worker)) {
        crowd(l, old.pool);
        crowd(l, worker.pool);
    }
    rows_put_worker(l->region, row, &worker);
    if (moves_model)
        rows_link_model(l->region, row);
    if (moves_pool)
        rows_link_pool(l->region, row);
    sums_worker(&l->sums, rows(l), &worker, 1);
    live_note_use(l, &l->header.workers, row);
}

/* --- Pools ------------------------------------------------------------------------------ */

/* Take away, or add, what the members of a pool count for: it depends on the pool's GPUs. */
static void count_members(struct live *l, uint32_t row, int sign)
{
    const struct snap_pool *pool = &rows(l)->pools[row];

    if (pool->generation == 0)
        return;
    for (uint32_t w = pool->first_worker; w != SNAP_NONE; w = rows(l)->workers[w].next_in_pool)
        sums_worker(&l->sums, rows(l), &rows(l)->workers[w], sign);
}

static void clear_pool_texts(struct live *l, struct snap_pool *pool)
{
    live_text_clear(&l->texts, &pool->id);
    live_text_clear(&l->texts, &pool->hostname);
    live_text_clear(&l->texts, &pool->address);
    live_text_clear(&l->texts, &pool->cached_models);
    live_text_clear(&l->texts, &pool->labels);
    for (size_t i = 0; i < SNAP_POOL_GPUS_MAX; i++)
        live_text_clear(&l->texts, &pool->gpus[i].name);
}

/* Its workers are gone with it, or have moved: then they follow in this sync. */
static void remove_pool(struct live *l, uint32_t row)
{
    struct snap_pool pool;

    while (rows(l)->pools[row].first_worker != SNAP_NONE) {
        uint32_t w = rows(l)->pools[row].first_worker;
        struct snap_worker worker;

        sums_worker(&l->sums, rows(l), &rows(l)->workers[w], -1);
        rows_unlink_pool(l->region, w);
        worker = rows(l)->workers[w];
        worker.pool = worker.next_in_pool = worker.prev_in_pool = SNAP_NONE;
        rows_put_worker(l->region, w, &worker);
        sums_worker(&l->sums, rows(l), &worker, 1);
    }
    pool = rows(l)->pools[row];
    sums_pool(&l->sums, &pool, -1);
    clear_pool_texts(l, &pool);
    memset(&pool, 0, sizeof(pool));
    rows_put_pool(l->region, row, &pool);
    l->pools_changed = true;
}

/* "cuda:1" is GPU 1; a CPU is none. */
static bool gpu_number(const char *device_id, uint32_t *ret)
{
    const char *colon = strrchr(device_id, ':');
    uint64_t number;

    if (!colon || !parse_u64_str(str_of(colon + 1), &number) || number > UINT32_MAX)
        return false;
    *ret = (uint32_t)number;
    return true;
}

/* What a device is; what stands on it is added up by set_crowd(). */
static void set_gpus(struct live *l, struct snap_pool *pool, const struct hive_facts *f)
{
    size_t len = 0;

    for (size_t i = 0; i < f->devices_len && len < SNAP_POOL_GPUS_MAX; i++) {
        struct snap_gpu *gpu = &pool->gpus[len];

        if (!gpu_number(f->devices[i].id, &gpu->id))
            continue;
        live_text_set(&l->texts, &gpu->name, str_of(f->devices[i].name));
        gpu->vram_total_mb = (uint64_t)(f->devices[i].vram_gb * 1024);
        gpu->temperature_c = -1000;
        len++;
    }
    for (size_t i = len; i < pool->gpus_len; i++) {
        live_text_clear(&l->texts, &pool->gpus[i].name);
        memset(&pool->gpus[i], 0, sizeof(pool->gpus[i]));
    }
    pool->gpus_len = (uint8_t)len;
}

static struct str cached_models_text(struct live *l, const struct hive_facts *f)
{
    buf_clear(&l->scratch);
    for (size_t i = 0; i < f->models_len; i++) {
        size_t len = strlen(f->models[i].ref) + 1;

        if (buf_len(&l->scratch) + len > LIVE_TEXT_MAX)
            break;
        (void)buf_add(&l->scratch, f->models[i].ref, len);
    }
    return buf_str(&l->scratch);
}

static uint8_t health_of(const struct hive *hive)
{
    if (hive->live == LIVE_OFFLINE)
        return SNAP_OFFLINE;
    return hive->live == LIVE_ONLINE && hive->facts.health == HIVE_HEALTHY ? SNAP_ONLINE
                                                                           : SNAP_DEGRADED;
}

static void set_pool(struct live *l, struct snap_pool *pool, const struct hive *hive)
{
    const struct hive_facts *f = &hive->facts;

    pool->generation = hive->generation;
    pool->status = health_of(hive);
    pool->given = SNAP_HAS_HEARTBEAT;
    pool->seen_ms = live_wall_ms(l, hive->seen_ms);
    pool->ram_free_mb = f->ram_free_mb;
    pool->reserved_mb = hive->reserved_mb;
    live_text_set(&l->texts, &pool->id, str_of(f->id));
    live_text_set(&l->texts, &pool->hostname, str_of(f->hostname));
    live_text_set(&l->texts, &pool->address, str_of(f->address));
    live_text_set(&l->texts, &pool->cached_models, cached_models_text(l, f));
    live_text_set(&l->texts, &pool->labels, live_map_text(l, &f->labels, LIVE_TEXT_MAX));
    set_gpus(l, pool, f);
    pool->region = (struct snap_text){ 0, 0 };
    pool->latitude = pool->longitude = 0;
    reserved_pool(rows(l), pool);
}

/* Its workers stand where it stands. */
static void move_members(struct live *l, uint32_t row)
{
    char id[WORKER_ID_SIZE];

    for (uint32_t w = rows(l)->pools[row].first_worker; w != SNAP_NONE;
         w = rows(l)->workers[w].next_in_pool) {
        const struct snap_worker *worker = &rows(l)->workers[w];
        const struct worker *now;

        if (!str_copy(id, sizeof(id), snapshot_text(rows(l), worker->id)))
            continue;
        now = registry_worker(live_registry(l), id);
        if (now && now->slot == w && now->generation == worker->generation)
            add_change(&l->changes[REGISTRY_WORKERS], w, now->generation, now);
    }
}

static bool stand_alike(const struct snap_pool *a, const struct snap_pool *b)
{
    return memcmp(&a->region, &b->region, sizeof(a->region)) == 0 && a->given == b->given &&
           a->latitude == b->latitude && a->longitude == b->longitude &&
           a->labels.off == b->labels.off;
}

static void put_pool(struct live *l, uint32_t row, const struct hive *hive)
{
    struct snap_pool pool = rows(l)->pools[row], old = pool;
    bool is_new = pool.generation == 0;

    if (is_new)
        pool.first_worker = pool.last_worker = SNAP_NONE;
    else
        sums_pool(&l->sums, &old, -1);
    count_members(l, row, -1);
    set_pool(l, &pool, hive);
    rows_put_pool(l->region, row, &pool);
    count_members(l, row, 1);
    sums_pool(&l->sums, &pool, 1);
    live_note_use(l, &l->header.pools, row);
    l->pools_changed |= is_new;
    crowd(l, row);
    if (!is_new && !stand_alike(&old, &pool))
        move_members(l, row);
}

/* A worker's memory is on its GPUs in equal parts: it says no more. */
static void weigh(struct snap_pool *pool, const struct snap_worker *w)
{
    for (size_t i = 0; i < w->gpu_ids_len && i < SNAP_WORKER_GPUS_MAX; i++) {
        for (size_t g = 0; g < pool->gpus_len; g++) {
            struct snap_gpu *gpu = &pool->gpus[g];

            if (gpu->id != w->gpu_ids[i])
                continue;
            gpu->vram_allocated_mb += w->vram_mb / w->gpu_ids_len;
            if (w->gpu_util_pct > gpu->util_pct)
                gpu->util_pct = w->gpu_util_pct;
        }
    }
}

static void set_crowd(struct live *l, uint32_t row)
{
    struct snap_pool pool = rows(l)->pools[row];

    if (pool.generation == 0 || pool.gpus_len == 0)
        return;
    sums_pool(&l->sums, &pool, -1);
    for (size_t g = 0; g < pool.gpus_len; g++) {
        pool.gpus[g].vram_allocated_mb = 0;
        pool.gpus[g].util_pct = 0;
    }
    for (uint32_t w = pool.first_worker; w != SNAP_NONE; w = rows(l)->workers[w].next_in_pool)
        weigh(&pool, &rows(l)->workers[w]);
    rows_put_pool(l->region, row, &pool);
    sums_pool(&l->sums, &pool, 1);
}

/* --- All that changed ---------------------------------------------------------------------- */

/* Who left, or left their slot to another. */
static void remove_gone(struct live *l)
{
    const struct changes *c = l->changes;

    for (size_t i = 0; i < c[REGISTRY_WORKERS].len; i++) {
        const struct change *it = &c[REGISTRY_WORKERS].items[i];
        const struct snap_worker *old = snapshot_worker(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            remove_worker(l, it->slot);
    }
    for (size_t i = 0; i < c[REGISTRY_HIVES].len; i++) {
        const struct change *it = &c[REGISTRY_HIVES].items[i];
        const struct snap_pool *old = snapshot_pool(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            remove_pool(l, it->slot);
    }
    for (size_t i = 0; i < c[REGISTRY_MODELS].len; i++) {
        const struct change *it = &c[REGISTRY_MODELS].items[i];
        const struct snap_model *old = snapshot_model(rows(l), it->slot);

        if (old && (!it->ptr || old->generation != it->generation))
            remove_model(l, it->slot);
    }
}

/* Backwards: in the order in which they changed, so that lists are in order of coming. */
static void put_changed(struct live *l)
{
    struct changes *c = l->changes;

    for (size_t i = c[REGISTRY_HIVES].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_HIVES].items[i];
        if (it->ptr && it->slot < SNAP_POOLS_MAX)
            put_pool(l, it->slot, it->ptr);
    }
    for (size_t i = c[REGISTRY_MODELS].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_MODELS].items[i];
        if (it->ptr && it->slot < SNAP_MODELS_MAX)
            put_model(l, it->slot, it->generation, it->ptr);
    }
    for (size_t i = c[REGISTRY_WORKERS].len; i-- > 0;) {
        const struct change *it = &c[REGISTRY_WORKERS].items[i];
        if (it->ptr && it->slot < SNAP_WORKERS_MAX)
            put_worker(l, it->slot, it->ptr);
    }
}

void live_sync_rows(struct live *l)
{
    l->pools_changed = false;
    remove_gone(l);
    put_changed(l);
    for (size_t i = 0; i < l->crowded.len; i++) {
        set_crowd(l, l->crowded.rows[i]);
        l->crowded.is_in[l->crowded.rows[i]] = 0;
    }
    l->crowded.len = 0;
    if (l->pools_changed)
        renew_loads(l);
}
