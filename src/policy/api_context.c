/* The context, its figures, and chance. */
#include "policy/api_private.h"

/* --- The context --------------------------------------------------------------------------- */

static void push_queue(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_JOB);
}

static void push_pools(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_POOL);
}

static void push_workers(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_WORKER);
}

static void push_tenants(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_TENANT);
}

static void push_models(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_MODEL);
}

static void push_metrics(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_METRICS);
}

static void push_config(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_row(L, p, API_CONFIG, 0);
}

static void push_helpers(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_HELPERS);
}

static void push_rng(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_RNG);
}

static void push_job(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_row(L, p, API_JOB, p->call ? p->call->job : SNAP_NONE);
}

/* clang-format off */
static const struct api_member context_members[] = {
    { .name = "queue", .type = "queue", .words = "The jobs that wait, in the order in which they are served (simulate: in the order given); the first 1,024 of a long queue.",
      .example = "for _, job in ipairs(context.queue) do … end", .push = push_queue },
    { .name = "pools", .type = "set of pools", .words = "All pools (hives).", .push = push_pools },
    { .name = "workers", .type = "set of workers", .words = "All workers.", .push = push_workers },
    { .name = "tenants", .type = "set of tenants", .words = "All tenants; empty where there are none.", .push = push_tenants },
    { .name = "models", .type = "set of models", .words = "All models that some worker holds, some pool has or some job wants.", .push = push_models },
    { .name = "metrics", .type = "metrics", .words = "Figures of the whole.", .push = push_metrics },
    { .name = "config", .type = "map", .words = "The operator's settings for policies.", .example = "context.config.max_wait_ms or 5000", .push = push_config },
    { .name = "now_ms", .type = "integer", .unit = "ms", .words = "The time: wall clock, since 1970.", API_FACT(snap_header, now_ms) },
    { .name = "helpers", .type = "helpers", .words = "Functions; all are global, too.", .push = push_helpers },
    { .name = "rng", .type = "rng", .words = "Chance, seeded and recorded: a decision that is run again draws the same.", .push = push_rng },
    { .name = "job", .type = "job?", .words = "The job being decided; nil in schedule().", .push = push_job },
};
/* clang-format on */
const struct api_table api_context_table = API_TABLE(context_members);

/* clang-format off */
static const struct api_member metrics_members[] = {
    { .name = "queue_depth", .type = "integer", .words = "Jobs that wait.", API_FACT(snap_metrics, queue_depth) },
    { .name = "queue_depth_interactive", .type = "integer", .words = "Of them, interactive ones.", API_FACT(snap_metrics, queue_depth_interactive) },
    { .name = "queue_depth_batch", .type = "integer", .words = "Of them, batch ones.", API_FACT(snap_metrics, queue_depth_batch) },
    { .name = "total_workers", .type = "integer", .words = "Workers.", API_FACT(snap_metrics, total_workers) },
    { .name = "ready_workers", .type = "integer", .words = "Workers that are ready.", API_FACT(snap_metrics, ready_workers) },
    { .name = "busy_workers", .type = "integer", .words = "Workers without room.", API_FACT(snap_metrics, busy_workers) },
    { .name = "total_pools", .type = "integer", .words = "Pools.", API_FACT(snap_metrics, total_pools) },
    { .name = "healthy_pools", .type = "integer", .words = "Pools that are healthy.", API_FACT(snap_metrics, healthy_pools) },
    { .name = "free_vram_mb", .type = "integer", .unit = "MB", .words = "Free memory of all GPUs.", API_FACT(snap_metrics, free_vram_mb) },
    { .name = "avg_wait_ms", .type = "number", .unit = "ms", .words = "Mean wait of the jobs in the queue.", API_FACT(snap_metrics, avg_wait_ms) },
    { .name = "avg_tokens_per_s", .type = "number", .unit = "tokens/s", .words = "Mean speed of the workers that told theirs.",
      API_FACT(snap_metrics, avg_tokens_per_s) },
    { .name = "saturation", .type = "number", .words = "Mean over workers of how full they are; 1: full.", API_FACT(snap_metrics, saturation) },
};
/* clang-format on */
const struct api_table api_metrics_table = API_TABLE(metrics_members);

/* --- Chance ---------------------------------------------------------------------------------- */

static int rng_random(lua_State *L)
{
    api_drop_self(L);
    lua_pushnumber(L, (double)(rng_next(&policy_of(L)->rng) >> 11) * 0x1p-53);
    return 1;
}

static int rng_int(lua_State *L)
{
    struct rng *rng = &policy_of(L)->rng;
    int is_low_whole, is_high_whole;

    api_drop_self(L);
    lua_Integer low = lua_tointegerx(L, 1, &is_low_whole);
    lua_Integer high = lua_tointegerx(L, 2, &is_high_whole);
    if (!is_low_whole)
        api_bad_argument(L, 1, "a whole number");
    if (!is_high_whole || high < low)
        api_bad_argument(L, 2, "a whole number that is not below the first");
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t drawn = span == UINT64_MAX ? rng_next(rng) : rng_below(rng, span + 1);
    lua_pushinteger(L, (lua_Integer)((uint64_t)low + drawn));
    return 1;
}

static int rng_pick(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct api_set *set = api_to_set(L, 1);
    if (set) {
        struct api_rows rows = api_set_rows(L, p, set);
        api_push_row(L, p, set->of,
                     rows.len > 0 ? rows.at[rng_below(&p->rng, rows.len)] : SNAP_NONE);
        return 1;
    }
    lua_settop(L, 1);
    if (api_push_viewed(L, 1))
        lua_replace(L, 1);
    if (!lua_istable(L, 1))
        api_bad_argument(L, 1, "a list");
    size_t len = lua_rawlen(L, 1);
    if (len == 0)
        lua_pushnil(L);
    else
        lua_rawgeti(L, 1, (lua_Integer)rng_below(&p->rng, len) + 1);
    return 1;
}

/* clang-format off */
static const struct api_member rng_members[] = {
    { .name = "random", .arguments = "()", .type = "number", .words = "From 0 to below 1. math.random draws from the same source.",
      .example = "context.rng.random() < 0.01", .call = rng_random },
    { .name = "int", .arguments = "(low, high)", .type = "integer", .words = "A whole number; both bounds belong to it.",
      .example = "context.rng.int(1, 6)", .call = rng_int },
    { .name = "pick", .arguments = "(list)", .type = "any", .words = "One of a list; nil of an empty one.",
      .example = "context.rng.pick(context.workers.idle())", .call = rng_pick },
};
/* clang-format on */
const struct api_table api_rng_table = API_TABLE(rng_members);
