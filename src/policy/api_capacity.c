/* Does a model fit, and how long would it load? */
#include "policy/api_private.h"

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

uint64_t api_pool_free_mb(const struct snap_pool *pool)
{
    uint64_t free_mb = pool->gpus_len > 0 ? 0 : pool->ram_free_mb;

    for (size_t i = 0; i < pool->gpus_len && i < SNAP_POOL_GPUS_MAX; i++)
        free_mb += snapshot_gpu_free_mb(&pool->gpus[i]);
    return less(free_mb, pool->reserved_mb);
}

uint64_t api_pool_best_free_mb(const struct snap_pool *pool)
{
    uint64_t best_mb = 0, all_mb = api_pool_free_mb(pool);

    for (size_t i = 0; i < pool->gpus_len && i < SNAP_POOL_GPUS_MAX; i++) {
        uint64_t free_mb = snapshot_gpu_free_mb(&pool->gpus[i]);
        if (free_mb > best_mb)
            best_mb = free_mb;
    }
    return pool->gpus_len > 0 && best_mb < all_mb ? best_mb : all_mb;
}

uint64_t api_model_needs_mb(const struct snap_model *m)
{
    const uint64_t mb = SNAP_MB_BYTES;

    if (m->vram_required_mb > 0)
        return m->vram_required_mb;
    return m->size_bytes / mb + (m->size_bytes % mb > 0);
}

/* Milliseconds per byte of the loads that were measured. */
struct speed {
    double here_ms, here_bytes, all_ms, all_bytes;
};

static void add_loads(struct speed *speed, const struct snap_model *m, uint32_t pool)
{
    for (uint32_t i = 0; i < m->loads_len && i < SNAP_LOADS_MAX && m->size_bytes > 0; i++) {
        speed->all_ms += (double)m->loads[i].load_time_ms;
        speed->all_bytes += (double)m->size_bytes;
        if (m->loads[i].pool != pool)
            continue;
        speed->here_ms += (double)m->loads[i].load_time_ms;
        speed->here_bytes += (double)m->size_bytes;
    }
}

bool api_load_time_ms(const struct snapshot *s, uint32_t model, uint32_t pool, uint64_t *ret)
{
    const struct snap_model *m = snapshot_model(s, model), *other;
    struct speed speed = { 0 };

    for (uint32_t i = 0; m && i < m->loads_len && i < SNAP_LOADS_MAX; i++) {
        if (m->loads[i].pool == pool) {
            *ret = m->loads[i].load_time_ms;
            return true;
        }
    }
    if (!m || m->size_bytes == 0)
        return false;
    for (uint32_t row = 0; row < s->header.models && row < SNAP_MODELS_MAX; row++) {
        if ((other = snapshot_model(s, row)) != NULL)
            add_loads(&speed, other, pool);
    }
    double ms_per_byte = speed.here_bytes > 0  ? speed.here_ms / speed.here_bytes
                         : speed.all_bytes > 0 ? speed.all_ms / speed.all_bytes
                                               : -1;
    *ret = ms_per_byte >= 0 ? (uint64_t)(ms_per_byte * (double)m->size_bytes) : 0;
    return ms_per_byte >= 0;
}

static bool is_used_up(uint64_t limit, uint64_t used)
{
    return limit > 0 && used >= limit;
}

bool api_is_over_quota(const struct snap_tenant *t)
{
    return t->is_over_quota || is_used_up(t->quota_vram_bytes, t->quota_used_bytes) ||
           is_used_up(t->quota_tokens_daily, t->tokens_used_today);
}
