/* Pools (a pool is a hive) and their GPUs. */
#include "policy/api_private.h"

static const struct snap_pool *pool_at(const struct policy *p, uint32_t row)
{
    return snapshot_pool(p->snapshot, row); /* there: whoever pushes a field has looked */
}

static void push_status(lua_State *L, struct policy *p, uint32_t row)
{
    static const char *const names[] = { "healthy", "degraded", "offline" };
    uint8_t status = pool_at(p, row)->status;

    lua_pushstring(L, status <= SNAP_OFFLINE ? names[status] : "");
}

static void push_heartbeat_age_ms(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_pool *pool = pool_at(p, row);
    uint64_t now_ms = p->snapshot->header.now_ms;

    if (pool->seen_ms > 0)
        api_push_u64(L, now_ms > pool->seen_ms ? now_ms - pool->seen_ms : 0);
    else
        api_push_u64(L, pool->heartbeat_age_ms);
}

static void push_gpus(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_pool *pool = pool_at(p, row);
    uint32_t rows[SNAP_POOL_GPUS_MAX], len = 0;

    while (len < pool->gpus_len && len < SNAP_POOL_GPUS_MAX) {
        rows[len] = row * SNAP_POOL_GPUS_MAX + len;
        len++;
    }
    api_push_set(L, p, API_GPU, rows, len);
}

static void push_workers(lua_State *L, struct policy *p, uint32_t row)
{
    uint32_t *rows = api_scratch(L, p);

    api_push_set(L, p, API_WORKER, rows, api_collect_pool(p, row, rows));
}

static void push_cached_models(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_list(L, p, pool_at(p, row)->cached_models);
}

static void push_labels(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_LABELS, api_within(API_POOL, row));
}

static void push_geo(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_GEO, api_within(API_POOL, row));
}

static void push_free_mb(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_u64(L, api_pool_free_mb(pool_at(p, row)));
}

/* Does the list name the model, by reference or any alias? */
static bool is_listed(const struct snapshot *s, struct snap_text list, const struct snap_model *m)
{
    struct str aliases = snapshot_text(s, m->aliases), alias;

    if (snapshot_has_item(s, list, snapshot_text(s, m->ref)))
        return true;
    while (snapshot_item(&aliases, &alias)) {
        if (snapshot_has_item(s, list, alias))
            return true;
    }
    return false;
}

static int pool_has_model(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct snap_pool *pool = pool_at(p, api_self_row(L, p));
    const struct snap_model *m = snapshot_model(p->snapshot, api_arg_row(L, p, 1, API_MODEL));

    lua_pushboolean(L, pool && (pool->cached_models.len == 0 ||
                                (m && is_listed(p->snapshot, pool->cached_models, m))));
    return 1;
}

/* clang-format off */
static const struct api_member pool_members[] = {
    { .name = "id", .type = "string", .words = "Its name.", API_FACT(snap_pool, id) },
    { .name = "hostname", .type = "string", .words = "The machine's.", API_FACT(snap_pool, hostname) },
    { .name = "address", .type = "string", .words = "Where the queen reaches it.", API_FACT(snap_pool, address) },
    { .name = "status", .type = "string", .words = "\"healthy\", \"degraded\" or \"offline\". A context by hand may leave it out: healthy.", .push = push_status },
    { .name = "heartbeat_age_ms", .type = "integer", .unit = "ms", .words = "Since its last report.", .push = push_heartbeat_age_ms },
    { .name = "seen_ms", .type = "integer", .unit = "ms", .words = "When it last reported: wall clock, since 1970; 0: not known.",
      API_FACT(snap_pool, seen_ms) },
    { .name = "gpus", .type = "set of gpus", .words = "Its GPUs.", .example = "pool.gpus.max_by(\"vram_free_mb\")", .push = push_gpus },
    { .name = "workers", .type = "set of workers", .cost = "O(matching)", .words = "Its workers.", .push = push_workers },
    { .name = "cached_models", .type = "list of strings", .words = "Models on its disk: they start without a download.",
      .example = "contains(pool.cached_models, job.model)", .push = push_cached_models },
    { .name = "labels", .type = "map", .words = "Free labels of its configuration.", .push = push_labels },
    { .name = "geo", .type = "geo", .words = "Where it stands.", .push = push_geo },
    { .name = "free_mb", .type = "integer", .unit = "MB",
      .words = "Memory for another model: free on its GPUs, of main memory where it has none, less what starts under way have reserved.",
      .push = push_free_mb },
    { .name = "vram_free_mb", .type = "integer", .unit = "MB", .words = "The same as `free_mb`.", .push = push_free_mb },
    { .name = "reserved_mb", .type = "integer", .unit = "MB", .words = "Memory that starts under way have reserved.",
      API_FACT(snap_pool, reserved_mb) },
    { .name = "ram_free_mb", .type = "integer", .unit = "MB", .words = "Free main memory; 0: not known.", API_FACT(snap_pool, ram_free_mb) },
    { .name = "has_model", .arguments = "(model)", .type = "boolean", .cost = "O(list)", .words = "Is the model on its disk? True of a pool that does not say what is.",
      .example = "pools.filter(function(pool) return pool.has_model(job.model) end)", .call = pool_has_model },
};
/* clang-format on */
const struct api_table api_pool_table = API_TABLE(pool_members);

/* --- GPUs -------------------------------------------------------------------------------- */

static void push_mb_as_bytes(lua_State *L, uint64_t mb)
{
    api_push_u64(L, mb > UINT64_MAX / SNAP_MB_BYTES ? UINT64_MAX : mb * SNAP_MB_BYTES);
}

static void push_vram_total(lua_State *L, struct policy *p, uint32_t row)
{
    push_mb_as_bytes(L, api_gpu(p, row)->vram_total_mb);
}

static void push_vram_allocated(lua_State *L, struct policy *p, uint32_t row)
{
    push_mb_as_bytes(L, api_gpu(p, row)->vram_allocated_mb);
}

static void push_gpu_vram_free(lua_State *L, struct policy *p, uint32_t row)
{
    push_mb_as_bytes(L, snapshot_gpu_free_mb(api_gpu(p, row)));
}

static void push_gpu_vram_free_mb(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_u64(L, snapshot_gpu_free_mb(api_gpu(p, row)));
}

static void push_temperature(lua_State *L, struct policy *p, uint32_t row)
{
    static const double absolute_zero_c = -273;
    double temperature_c = api_gpu(p, row)->temperature_c;

    if (temperature_c < absolute_zero_c)
        lua_pushnil(L);
    else
        lua_pushnumber(L, temperature_c);
}

static void push_pool_id(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_text(L, p, pool_at(p, row / SNAP_POOL_GPUS_MAX)->id);
}

/* clang-format off */
static const struct api_member gpu_members[] = {
    { .name = "id", .type = "integer", .words = "Its number in its pool, from 0.", API_FACT(snap_gpu, id) },
    { .name = "name", .type = "string", .words = "The maker's.", API_FACT(snap_gpu, name) },
    { .name = "vram_total", .type = "integer", .unit = "bytes", .words = "Its memory.", .push = push_vram_total },
    { .name = "vram_allocated", .type = "integer", .unit = "bytes", .words = "Of it, what is used.", .push = push_vram_allocated },
    { .name = "vram_free", .type = "integer", .unit = "bytes", .words = "Of it, what is free.", .push = push_gpu_vram_free },
    { .name = "vram_total_mb", .type = "integer", .unit = "MB", .words = "Its memory.", API_FACT(snap_gpu, vram_total_mb) },
    { .name = "vram_allocated_mb", .type = "integer", .unit = "MB", .words = "Of it, what is used.", API_FACT(snap_gpu, vram_allocated_mb) },
    { .name = "vram_free_mb", .type = "integer", .unit = "MB", .words = "Of it, what is free.", .push = push_gpu_vram_free_mb },
    { .name = "util_pct", .type = "number", .unit = "%", .words = "How busy it is.", API_FACT(snap_gpu, util_pct) },
    { .name = "temperature_c", .type = "number?", .unit = "°C", .words = "How hot it is; nil: not known.", .push = push_temperature },
    { .name = "pool_id", .type = "string", .words = "The pool that it is in.", .push = push_pool_id },
};
/* clang-format on */
const struct api_table api_gpu_table = API_TABLE(gpu_members);
