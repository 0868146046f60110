/* The registry's questions (seeds 000 and 003), the hives', and the helpers of seed 004 that
 * find a worker. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

/* Call a method of lists on all of a table, with the arguments that are there. */
static int call_on_all(lua_State *L, enum api_object of, lua_CFunction method)
{
    api_drop_self(L);
    api_push_full_set(L, policy_of(L), of);
    lua_pushcclosure(L, method, 1);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

static int list_all_workers(lua_State *L)
{
    api_push_full_set(L, policy_of(L), API_WORKER);
    return 1;
}

static int list_online_workers(lua_State *L)
{
    return call_on_all(L, API_WORKER, api_set_online);
}

static int list_available_workers(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows all = api_all_rows(L, p, API_WORKER);
    uint32_t *kept = api_scratch(L, p), len = 0;

    for (uint32_t i = 0; i < all.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, all.at[i]);
        if (w && snapshot_is_available(w))
            kept[len++] = all.at[i];
    }
    api_push_set(L, p, API_WORKER, kept, len);
    return 1;
}

static int find_idle_workers(lua_State *L)
{
    return call_on_all(L, API_WORKER, api_set_idle);
}

static int find_workers_with_model(lua_State *L)
{
    return call_on_all(L, API_WORKER, api_set_with_model);
}

static int find_workers_with_capacity(lua_State *L)
{
    return call_on_all(L, API_WORKER, api_set_with_capacity);
}

/* --- Hives ---------------------------------------------------------------------------------- */

static int list_online_hives(lua_State *L)
{
    return call_on_all(L, API_POOL, api_set_online);
}

static int list_available_hives(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows all = api_all_rows(L, p, API_POOL);
    uint32_t *kept = api_scratch(L, p), len = 0;

    for (uint32_t i = 0; i < all.len; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, all.at[i]);
        if (pool && pool->status == SNAP_ONLINE)
            kept[len++] = all.at[i];
    }
    api_push_set(L, p, API_POOL, kept, len);
    return 1;
}

static int get_hive(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    api_push_row(L, p, API_POOL, api_arg_row(L, p, 1, API_POOL));
    return 1;
}

/* --- One worker for a model --------------------------------------------------------------------
 */

/* Pools that an argument names: nil (all), a pool, its id, or a list of pools. */
struct allowed {
    bool is_all;
    uint64_t bits[SNAP_POOLS_MAX / 64];
};

static void allow(struct allowed *allowed, uint32_t pool)
{
    if (pool < SNAP_POOLS_MAX)
        allowed->bits[pool / 64] |= UINT64_C(1) << pool % 64;
}

static void allow_table(lua_State *L, int index, struct allowed *ret)
{
    size_t len = lua_rawlen(L, index);

    for (size_t i = 1; i <= len && i <= SNAP_POOLS_MAX; i++) {
        uint32_t row;
        lua_rawgeti(L, index, (lua_Integer)i);
        if (!api_is(L, -1, API_POOL, &row))
            api_bad_argument(L, index, "a list of pools");
        allow(ret, row);
        lua_pop(L, 1);
    }
}

static void read_allowed(lua_State *L, struct policy *p, int index, struct allowed *ret)
{
    const struct api_set *set = api_to_set(L, index);

    *ret = (struct allowed){ .is_all = lua_isnoneornil(L, index) };
    if (ret->is_all)
        return;
    if (set && set->of == API_POOL) {
        struct api_rows rows = api_set_rows(L, p, set);
        ret->is_all = set->is_full;
        for (uint32_t i = 0; i < rows.len; i++)
            allow(ret, rows.at[i]);
    } else if (lua_istable(L, index)) {
        allow_table(L, index, ret);
    } else {
        allow(ret, api_arg_row(L, p, index, API_POOL));
    }
}

/* Workers of the model in those pools with room. */
static struct api_rows with_room(lua_State *L, struct policy *p, uint32_t model,
                                 const struct allowed *allowed)
{
    static const struct api_set all = { .kind = API_SET, .of = API_WORKER, .is_full = true };
    uint32_t *rows = api_scratch(L, p), len = 0;
    uint32_t of_model = api_collect_model(L, p, &all, model, rows);

    for (uint32_t i = 0; i < of_model; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows[i]);
        bool is_allowed = allowed->is_all || (w && w->pool < SNAP_POOLS_MAX &&
                                              allowed->bits[w->pool / 64] >> w->pool % 64 & 1);
        if (w && is_allowed && snapshot_room(w) > 0)
            rows[len++] = rows[i];
    }
    return (struct api_rows){ rows, len };
}

/* (model_ref, pools?): the rows to choose from. */
static struct api_rows read_candidates(lua_State *L, struct policy *p, int model, int pools)
{
    struct allowed allowed;

    read_allowed(L, p, pools, &allowed);
    return with_room(L, p, api_arg_row(L, p, model, API_MODEL), &allowed);
}

static int push_worker(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_WORKER, row);
    return 1;
}

static int push_first_idle(lua_State *L, struct policy *p, struct api_rows rows)
{
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w && snapshot_is_idle(w))
            return push_worker(L, p, rows.at[i]);
    }
    lua_pushnil(L);
    return 1;
}

static int find_best_worker_for_model(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 1);
    return push_first_idle(L, p, read_candidates(L, p, 1, 2));
}

static int find_worker(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 2);
    return push_first_idle(L, p, read_candidates(L, p, 1, 2));
}

static int find_worker_least_loaded(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 2);
    return push_worker(L, p, api_least_loaded(p, read_candidates(L, p, 1, 2)));
}

static int find_worker_most_vram_free(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 2);
    struct api_rows rows = read_candidates(L, p, 1, 2);
    api_push_set(L, p, API_WORKER, rows.at, rows.len);
    lua_pushcclosure(L, api_set_most_vram_free, 1);
    lua_call(L, 0, 1);
    return 1;
}

static int find_best_worker(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    lua_settop(L, 2);
    struct api_rows rows = read_candidates(L, p, 2, 1);
    const struct snap_job *job = p->call ? snapshot_job(p->snapshot, p->call->job) : NULL;
    return push_worker(L, p, job ? api_lmetric(p, rows, job) : api_least_loaded(p, rows));
}

static int calculate_wait_time(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_job *job = api_arg_job(L, p, 1);
    uint64_t wait_ms = job ? snapshot_wait_ms(p->snapshot, job) : SNAP_NOBODY_KNOWS;
    if (wait_ms == SNAP_NOBODY_KNOWS)
        lua_pushnil(L);
    else
        api_push_u64(L, wait_ms);
    return 1;
}

static int check_quota(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_tenant *t = snapshot_tenant(p->snapshot, api_arg_row(L, p, 1, API_TENANT));
    uint64_t needed = api_arg_amount(L, 2);
    lua_pushboolean(L, !t || t->quota_vram_bytes == 0 ||
                           (t->quota_used_bytes <= t->quota_vram_bytes &&
                            needed <= t->quota_vram_bytes - t->quota_used_bytes));
    return 1;
}

/* clang-format off */
static const struct api_member registry_members[] = {
    { .name = "list_all_workers", .arguments = "()", .type = "set of workers", .words = "All workers.",
      .example = "registry.list_all_workers().len()", .call = list_all_workers },
    { .name = "list_online_workers", .arguments = "()", .type = "set of workers", .cost = "O(workers)", .words = "Workers that still report.",
      .example = "registry.list_online_workers()", .call = list_online_workers },
    { .name = "list_available_workers", .arguments = "()", .type = "set of workers", .cost = "O(workers)", .words = "Online ones that are ready or busy.",
      .example = "registry.list_available_workers()", .call = list_available_workers },
    { .name = "find_workers_by_model", .arguments = "(ref)", .type = "set of workers", .cost = "O(matching)", .words = "Workers that hold this model.",
      .example = "registry.find_workers_by_model(job.model)", .call = find_workers_with_model },
    { .name = "find_workers_with_model", .arguments = "(ref)", .type = "set of workers", .cost = "O(matching)", .words = "The same as find_workers_by_model.",
      .example = "registry.find_workers_with_model(job.model)", .call = find_workers_with_model },
    { .name = "find_best_worker_for_model", .arguments = "(ref)", .type = "worker?", .cost = "O(matching)", .words = "The first idle worker that holds this model.",
      .example = "return registry.find_best_worker_for_model(job.model)", .call = find_best_worker_for_model },
    { .name = "find_idle_workers", .arguments = "()", .type = "set of workers", .cost = "O(workers)", .words = "Workers with room whose GPUs nobody else uses.",
      .example = "registry.find_idle_workers().first()", .call = find_idle_workers },
    { .name = "find_workers_with_capacity", .arguments = "(vram_mb)", .type = "set of workers", .cost = "O(workers)", .words = "Workers with at least this much free GPU memory (MB).",
      .example = "registry.find_workers_with_capacity(8192)", .call = find_workers_with_capacity },
    { .name = "list_online_hives", .arguments = "()", .type = "set of pools", .cost = "O(pools)", .words = "Hives that are not offline.",
      .example = "registry.list_online_hives()", .call = list_online_hives },
    { .name = "list_available_hives", .arguments = "()", .type = "set of pools", .cost = "O(pools)", .words = "Hives that are healthy.",
      .example = "registry.list_available_hives()", .call = list_available_hives },
    { .name = "get_hive", .arguments = "(id)", .type = "pool?", .cost = "O(pools)", .words = "The hive with this id.",
      .example = "registry.get_hive(\"attic\")", .call = get_hive },
};

static const struct api_member hives_members[] = {
    { .name = "online", .arguments = "()", .type = "set of pools", .cost = "O(pools)", .words = "Hives that are not offline.",
      .example = "hives.online().len()", .call = list_online_hives },
    { .name = "available", .arguments = "()", .type = "set of pools", .cost = "O(pools)", .words = "Hives that are healthy.",
      .example = "hives.available()", .call = list_available_hives },
    { .name = "get", .arguments = "(id)", .type = "pool?", .cost = "O(pools)", .words = "The hive with this id.",
      .example = "hives.get(\"attic\")", .call = get_hive },
};

static const struct api_member helpers_members[] = {
    { .name = "find_worker", .arguments = "(model_ref, pool_id?)", .type = "worker?", .cost = "O(matching)", .words = "The first idle worker that holds the model, in this pool if one is given.",
      .example = "helpers.find_worker(job.model_ref)", .call = find_worker },
    { .name = "find_worker_least_loaded", .arguments = "(model_ref, pool_id?)", .type = "worker?", .cost = "O(matching)", .words = "Of those that hold the model and have room, the least loaded.",
      .example = "helpers.find_worker_least_loaded(job.model_ref)", .call = find_worker_least_loaded },
    { .name = "find_worker_most_vram_free", .arguments = "(model_ref, pool_id?)", .type = "worker?", .cost = "O(matching)", .words = "Of those that hold the model and have room, the one with most free GPU memory.",
      .example = "helpers.find_worker_most_vram_free(job.model_ref)", .call = find_worker_most_vram_free },
    { .name = "find_best_worker", .arguments = "(pools, model_ref)", .type = "worker?", .cost = "O(matching)", .words = "Of those in these pools that hold the model and have room: by lmetric for the job being decided, else the least loaded.",
      .example = "find_best_worker(context.pools, job.model_ref)", .call = find_best_worker },
    { .name = "calculate_wait_time", .arguments = "(job_id)", .type = "integer?", .unit = "ms", .cost = "O(queue)", .words = "Until a slot for this job is likely to be free: tokens ahead of it over the speed of the workers it may use, or runs ahead of it by their mean time while no speed was measured. 0: now; nil: there is none.",
      .example = "helpers.calculate_wait_time(job.id) > 5000", .call = calculate_wait_time },
    { .name = "check_quota", .arguments = "(tenant_id, vram_needed)", .type = "boolean", .cost = "O(tenants)", .words = "May the tenant use so many more bytes of GPU memory? True where there is no quota.",
      .example = "helpers.check_quota(job.tenant_id, 8 * 1024^3)", .call = check_quota },
};
/* clang-format on */
const struct api_table api_registry_table = API_TABLE(registry_members);
const struct api_table api_hives_table = API_TABLE(hives_members);
const struct api_table api_helpers_table = API_TABLE(helpers_members);
