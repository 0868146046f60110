/* Rows of pools, and what stands on their GPUs. */
#include "snapshot/live_private.h"

#include "base/parse.h"
#include "snapshot/reserved.h"

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
void live_remove_pool(struct live *l, uint32_t row)
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

/* What a device is; what stands on it is added up by live_weigh_pool(). */
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

/* Its workers stand where it stands: they are in the same report, and follow. */
void live_put_pool(struct live *l, uint32_t row, const struct hive *hive)
{
    struct snap_pool pool = rows(l)->pools[row];
    bool is_new = pool.generation == 0;

    if (is_new)
        pool.first_worker = pool.last_worker = SNAP_NONE;
    else
        sums_pool(&l->sums, &pool, -1);
    count_members(l, row, -1);
    set_pool(l, &pool, hive);
    rows_put_pool(l->region, row, &pool);
    count_members(l, row, 1);
    sums_pool(&l->sums, &pool, 1);
    live_note_use(l, &l->header.pools, row);
    l->pools_changed |= is_new;
    live_crowd(l, row);
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

void live_crowd(struct live *l, uint32_t pool)
{
    if (pool != SNAP_NONE)
        (void)row_set_add(&l->crowded, pool);
}

void live_weigh_pool(struct live *l, uint32_t row)
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
