/* Models and tenants. */
#include "policy/api_private.h"

static const struct snap_model *model_at(const struct policy *p, uint32_t row)
{
    return snapshot_model(p->snapshot, row); /* there: whoever pushes a field has looked */
}

static void push_aliases(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_list(L, p, model_at(p, row)->aliases);
}

static void push_workers(lua_State *L, struct policy *p, uint32_t row)
{
    static const struct api_set all = { .kind = API_SET, .of = API_WORKER, .is_full = true };
    uint32_t *rows = api_scratch(L, p);

    api_push_set(L, p, API_WORKER, rows, api_collect_model(L, p, &all, row, rows));
}

/* Ids of the workers that hold it. */
static void push_loaded_on(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_worker *w;
    lua_Integer len = 0;

    lua_newtable(L);
    for (uint32_t at = model_at(p, row)->first_worker;
         len < SNAP_WORKERS_MAX && (w = snapshot_worker(p->snapshot, at)); at = w->next_in_model) {
        api_push_text(L, p, w->id);
        lua_rawseti(L, -2, ++len);
    }
    api_make_view(L);
}

static void push_load_time_ms(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_model *m = model_at(p, row);

    lua_newtable(L);
    for (uint32_t i = 0; i < m->loads_len && i < SNAP_LOADS_MAX; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, m->loads[i].pool);
        if (!pool)
            continue;
        api_push_text(L, p, pool->id);
        api_push_u64(L, m->loads[i].load_time_ms);
        lua_rawset(L, -3);
    }
    api_make_view(L);
}

static int model_load_time_on(lua_State *L)
{
    struct policy *p = policy_of(L);
    uint32_t model = api_self_row(L, p);
    uint32_t pool = api_arg_row(L, p, 1, API_POOL);
    uint64_t time_ms;

    if (pool != SNAP_NONE && api_load_time_ms(p->snapshot, model, pool, &time_ms))
        api_push_u64(L, time_ms);
    else
        lua_pushnil(L);
    return 1;
}

static int model_fits(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct snap_model *m = model_at(p, api_self_row(L, p));
    const struct snap_pool *pool = snapshot_pool(p->snapshot, api_arg_row(L, p, 1, API_POOL));

    lua_pushboolean(L, m && pool && pool->status != SNAP_OFFLINE &&
                           api_pool_free_mb(pool) >= api_model_needs_mb(m));
    return 1;
}

/* clang-format off */
static const struct api_member model_members[] = {
    { .name = "ref", .type = "string", .words = "Its reference, as requests name it.", API_FACT(snap_model, ref) },
    { .name = "aliases", .type = "list of strings", .words = "Other names for it.", .push = push_aliases },
    { .name = "size_bytes", .type = "integer", .unit = "bytes", .words = "Of its file; 0: not known.", API_FACT(snap_model, size_bytes) },
    { .name = "vram_required_mb", .type = "integer", .unit = "MB", .words = "Memory that a worker with it needs; 0: not known.",
      API_FACT(snap_model, vram_required_mb) },
    { .name = "context_length", .type = "integer", .unit = "tokens", .words = "Longest prompt and answer together; 0: not known.",
      API_FACT(snap_model, context_length) },
    { .name = "loaded_on", .type = "list of strings", .cost = "O(matching)", .words = "Ids of the workers that hold it.", .push = push_loaded_on },
    { .name = "load_time_ms", .type = "map", .unit = "ms", .words = "Measured load times by pool id.",
      .example = "model.load_time_ms[pool.id]", .push = push_load_time_ms },
    { .name = "workers", .type = "set of workers", .cost = "O(matching)", .words = "The workers that hold it.", .push = push_workers },
    { .name = "queued", .type = "integer", .words = "Jobs that wait for it.", API_FACT(snap_model, queued) },
    { .name = "starting", .type = "integer", .words = "Starts of it under way.", API_FACT(snap_model, starting) },
    { .name = "wanted", .type = "integer", .words = "Jobs for it so far.", API_FACT(snap_model, wanted) },
    { .name = "last_wanted_ms", .type = "integer", .unit = "ms", .words = "When the last of them came: wall clock, since 1970; 0: never.",
      API_FACT(snap_model, last_wanted_ms) },
    { .name = "tokens_out_mean", .type = "integer", .unit = "tokens", .words = "Mean length of its answers; 0: none yet.",
      API_FACT(snap_model, tokens_out_mean) },
    { .name = "run_ms_mean", .type = "number", .unit = "ms", .words = "Mean time of its runs, from dispatch to end; 0: none has ended.",
      API_FACT(snap_model, run_ms_mean) },
    { .name = "load_time_on", .arguments = "(pool)", .type = "integer?", .unit = "ms", .cost = "O(models)",
      .words = "Its load time there: measured, else by its size and the speed of other loads; nil: nothing is known.",
      .example = "context.pools.min_by(function(pool) return model.load_time_on(pool) end)", .call = model_load_time_on },
    { .name = "fits", .arguments = "(pool)", .type = "boolean", .words = "Has the pool free memory for it?",
      .example = "context.pools.filter(function(pool) return model.fits(pool) end)", .call = model_fits },
};
/* clang-format on */
const struct api_table api_model_table = API_TABLE(model_members);

/* --- Tenants --------------------------------------------------------------------------------- */

static void push_over_quota(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushboolean(L, api_is_over_quota(snapshot_tenant(p->snapshot, row)));
}

/* clang-format off */
static const struct api_member tenant_members[] = {
    { .name = "id", .type = "string", .words = "Its name.", API_FACT(snap_tenant, id) },
    { .name = "weight", .type = "number", .words = "Its share, relative to others.", API_FACT(snap_tenant, weight) },
    { .name = "quota_vram", .type = "integer", .unit = "bytes", .words = "GPU memory that it may use; 0: no limit.", API_FACT(snap_tenant, quota_vram_bytes) },
    { .name = "quota_used", .type = "integer", .unit = "bytes", .words = "GPU memory that it uses.", API_FACT(snap_tenant, quota_used_bytes) },
    { .name = "quota_tokens_daily", .type = "integer", .unit = "tokens", .words = "Tokens that it may use a day; 0: no limit.",
      API_FACT(snap_tenant, quota_tokens_daily) },
    { .name = "tokens_used_today", .type = "integer", .unit = "tokens", .words = "Tokens that it has used today.", API_FACT(snap_tenant, tokens_used_today) },
    { .name = "max_concurrent", .type = "integer", .words = "Jobs that it may run at once; 0: no limit.", API_FACT(snap_tenant, max_concurrent) },
    { .name = "concurrent", .type = "integer", .words = "Jobs that it runs.", API_FACT(snap_tenant, concurrent) },
    { .name = "over_quota", .type = "boolean", .words = "Has it used up what it may?", .push = push_over_quota },
    { .name = "service", .type = "number", .unit = "tokens", .words = "Its virtual counter: what it got, weighted; the smallest is served next.",
      API_FACT(snap_tenant, service) },
};
/* clang-format on */
const struct api_table api_tenant_table = API_TABLE(tenant_members);
