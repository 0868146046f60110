/* Functions that look something up. */
#include "policy/api_functions.h"
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <strings.h>

int api_setting(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 2);
    (void)api_arg_text(L, 1);
    api_push_row(L, p, API_CONFIG, 0);
    lua_pushvalue(L, 1);
    lua_gettable(L, -2);
    if (lua_isnil(L, -1) || (!lua_isnil(L, 2) && lua_type(L, 2) != lua_type(L, -1)))
        lua_settop(L, 2);
    return 1;
}

int api_call_metrics(lua_State *L)
{
    api_push_single(L, policy_of(L), API_METRICS);
    return 1;
}

static int push_named(lua_State *L, enum api_object object)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    api_push_row(L, p, object, api_arg_row(L, p, 1, object));
    return 1;
}

int api_get_job(lua_State *L)
{
    return push_named(L, API_JOB);
}

int api_get_pool(lua_State *L)
{
    return push_named(L, API_POOL);
}

int api_get_model(lua_State *L)
{
    return push_named(L, API_MODEL);
}

int api_get_all_workers(lua_State *L)
{
    api_push_full_set(L, policy_of(L), API_WORKER);
    return 1;
}

static int filter_all(lua_State *L, enum api_object of)
{
    api_drop_self(L);
    lua_settop(L, 1);
    api_push_full_set(L, policy_of(L), of);
    lua_pushcclosure(L, api_set_filter, 1);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

int api_filter_jobs(lua_State *L)
{
    return filter_all(L, API_JOB);
}

int api_filter_pools(lua_State *L)
{
    return filter_all(L, API_POOL);
}

/* --- Pools and GPUs --------------------------------------------------------------------------- */

static const struct snap_pool *arg_pool(lua_State *L, struct policy *p, int index)
{
    return snapshot_pool(p->snapshot, api_arg_row(L, p, index, API_POOL));
}

int api_find_pools_with_capacity(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    uint64_t vram_mb = api_arg_amount(L, 1);
    struct api_rows all = api_all_rows(L, p, API_POOL);
    uint32_t *kept = api_scratch(L, p), len = 0;
    for (uint32_t i = 0; i < all.len; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, all.at[i]);
        if (pool && pool->status != SNAP_OFFLINE && api_pool_best_free_mb(pool) >= vram_mb)
            kept[len++] = all.at[i];
    }
    api_push_set(L, p, API_POOL, kept, len);
    return 1;
}

int api_is_pool_healthy(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_pool *pool = arg_pool(L, p, 1);
    lua_pushboolean(L, pool && pool->status == SNAP_ONLINE);
    return 1;
}

int api_get_pool_utilization(lua_State *L)
{
    struct policy *p = policy_of(L);
    double slots = 0, active = 0;

    api_drop_self(L);
    uint32_t pool = api_arg_row(L, p, 1, API_POOL);
    uint32_t *rows = api_scratch(L, p), len = api_collect_pool(p, pool, rows);
    for (uint32_t i = 0; i < len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows[i]);
        slots += w->slots;
        active += w->active < w->slots ? w->active : w->slots;
    }
    if (slots > 0)
        lua_pushnumber(L, active / slots);
    else
        lua_pushnil(L);
    return 1;
}

static uint32_t find_gpu(const struct policy *p, uint32_t pool, lua_Integer id)
{
    const struct snap_pool *at = snapshot_pool(p->snapshot, pool);

    for (uint32_t i = 0; at && i < at->gpus_len && i < SNAP_POOL_GPUS_MAX; i++) {
        if (at->gpus[i].id == id)
            return pool * SNAP_POOL_GPUS_MAX + i;
    }
    return SNAP_NONE;
}

/* A gpu, or a pool and a number at the next index. */
static uint32_t arg_gpu(lua_State *L, struct policy *p, int index)
{
    uint32_t row;
    int is_whole;

    if (api_is(L, index, API_GPU, &row))
        return row;
    uint32_t pool = api_arg_row(L, p, index, API_POOL);
    lua_Integer id = lua_tointegerx(L, index + 1, &is_whole);
    if (!is_whole)
        api_bad_argument(L, index + 1, "the number of a gpu");
    return find_gpu(p, pool, id);
}

static void push_gpu(lua_State *L, struct policy *p, uint32_t row)
{
    if (row == SNAP_NONE)
        lua_pushnil(L);
    else
        api_push_row(L, p, API_GPU, row);
}

int api_get_gpu(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    push_gpu(L, p, arg_gpu(L, p, 1));
    return 1;
}

int api_find_gpus_with_vram(lua_State *L)
{
    struct policy *p = policy_of(L);
    uint32_t len = 0;

    api_drop_self(L);
    uint64_t vram_mb = api_arg_amount(L, 1);
    struct api_rows pools = api_all_rows(L, p, API_POOL);
    uint32_t *kept = api_scratch(L, p);
    for (uint32_t i = 0; i < pools.len; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, pools.at[i]);
        for (uint32_t g = 0; pool && g < pool->gpus_len && g < SNAP_POOL_GPUS_MAX; g++) {
            if (len < SNAP_WORKERS_MAX && snapshot_gpu_free_mb(&pool->gpus[g]) >= vram_mb)
                kept[len++] = pools.at[i] * SNAP_POOL_GPUS_MAX + g;
        }
    }
    api_push_set(L, p, API_GPU, kept, len);
    return 1;
}

int api_check_gpu_compatibility(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_model *m = snapshot_model(p->snapshot, api_arg_row(L, p, 1, API_MODEL));
    uint32_t row = arg_gpu(L, p, 2);
    const struct snap_gpu *gpu = row == SNAP_NONE ? NULL : api_gpu(p, row);
    lua_pushboolean(L, m && gpu && gpu->vram_total_mb >= api_model_needs_mb(m));
    return 1;
}

/* --- Models ------------------------------------------------------------------------------------
 */

static const struct snap_model *arg_model(lua_State *L, struct policy *p)
{
    api_drop_self(L);
    return snapshot_model(p->snapshot, api_arg_row(L, p, 1, API_MODEL));
}

int api_resolve_model(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct snap_model *m = arg_model(L, p);

    if (m)
        api_push_text(L, p, m->ref);
    else
        lua_pushnil(L);
    return 1;
}

static int push_known(lua_State *L, uint64_t value)
{
    if (value > 0)
        api_push_u64(L, value);
    else
        lua_pushnil(L);
    return 1;
}

int api_model_size_bytes(lua_State *L)
{
    const struct snap_model *m = arg_model(L, policy_of(L));

    return push_known(L, m ? m->size_bytes : 0);
}

int api_model_vram_required(lua_State *L)
{
    const struct snap_model *m = arg_model(L, policy_of(L));

    return push_known(L, m ? api_model_needs_mb(m) : 0);
}

int api_model_exists(lua_State *L)
{
    lua_pushboolean(L, arg_model(L, policy_of(L)) != NULL);
    return 1;
}

static bool has_within(struct str text, struct str part)
{
    for (size_t i = 0; part.len <= text.len && i <= text.len - part.len; i++) {
        if (strncasecmp(text.p + i, part.p, part.len) == 0)
            return true;
    }
    return false;
}

int api_find_models_by_family(lua_State *L)
{
    enum { FAMILY_BYTES_MAX = 128 }; /* bounds the work for each model */
    struct policy *p = policy_of(L);
    uint32_t len = 0;

    api_drop_self(L);
    struct str family = api_arg_text(L, 1);
    if (family.len == 0 || family.len > FAMILY_BYTES_MAX)
        api_bad_argument(L, 1, "a text of 1 to 128 bytes");
    struct api_rows all = api_all_rows(L, p, API_MODEL);
    uint32_t *kept = api_scratch(L, p);
    for (uint32_t i = 0; i < all.len; i++) {
        const struct snap_model *m = snapshot_model(p->snapshot, all.at[i]);
        if (m && has_within(snapshot_text(p->snapshot, m->ref), family))
            kept[len++] = all.at[i];
    }
    api_push_set(L, p, API_MODEL, kept, len);
    return 1;
}
