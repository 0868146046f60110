/* Functions that estimate, and those about quotas. */
#include "policy/api_functions.h"
#include "policy/api_private.h"

/* --- Times ---------------------------------------------------------------------------------------
 */

int api_estimate_performance(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    uint32_t row = api_arg_row(L, p, 1, API_WORKER);
    const struct snap_worker *w = snapshot_worker(p->snapshot, row);
    const struct snap_job *job = api_arg_job(L, p, 2);
    if (!w) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 4);
    api_push_u64(L, snapshot_estimated_time_ms(p->snapshot, w, job));
    lua_setfield(L, -2, "total_ms");
    api_push_u64(L, snapshot_estimated_ttft_ms(p->snapshot, w, job));
    lua_setfield(L, -2, "ttft_ms");
    if (job) {
        lua_pushinteger(L, snapshot_uncached_tokens(job, row));
        lua_setfield(L, -2, "uncached_tokens");
    }
    if (w->given & SNAP_HAS_SPEED) {
        lua_pushnumber(L, w->tokens_per_s);
        lua_setfield(L, -2, "tokens_per_s");
    }
    return 1;
}

/* The shortest on any worker of the job's model; false: there is none. */
static bool shortest_ms(lua_State *L, struct policy *p, const struct snap_job *job, uint64_t *ret)
{
    static const struct api_set all = { .kind = API_SET, .of = API_WORKER, .is_full = true };
    uint32_t *rows = api_scratch(L, p), len = api_collect_model(L, p, &all, job->model, rows);
    bool found = false;

    *ret = UINT64_MAX;
    for (uint32_t i = 0; i < len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows[i]);
        if (!snapshot_is_available(w))
            continue;
        uint64_t time_ms = snapshot_estimated_time_ms(p->snapshot, w, job);
        if (time_ms < *ret)
            *ret = time_ms;
        found = true;
    }
    return found;
}

int api_estimate_job_duration(lua_State *L)
{
    struct policy *p = policy_of(L);
    uint64_t time_ms = 0;

    api_drop_self(L);
    lua_settop(L, 2);
    const struct snap_job *job = api_arg_job(L, p, 1);
    bool is_there = job != NULL;
    if (!lua_isnil(L, 2)) {
        const struct snap_worker *w =
            snapshot_worker(p->snapshot, api_arg_row(L, p, 2, API_WORKER));
        is_there = is_there && w;
        time_ms = is_there ? snapshot_estimated_time_ms(p->snapshot, w, job) : 0;
    } else if (is_there) {
        is_there = shortest_ms(L, p, job, &time_ms);
    }
    if (is_there)
        api_push_u64(L, time_ms);
    else
        lua_pushnil(L);
    return 1;
}

int api_can_job_fit(lua_State *L)
{
    struct policy *p = policy_of(L);
    uint32_t pool_row;

    api_drop_self(L);
    const struct snap_job *job = api_arg_job(L, p, 1);
    if (api_is(L, 2, API_POOL, &pool_row)) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, pool_row);
        const struct snap_model *m = job ? snapshot_model(p->snapshot, job->model) : NULL;
        lua_pushboolean(L, pool && m && pool->status != SNAP_OFFLINE &&
                               api_pool_free_mb(pool) >= api_model_needs_mb(m));
        return 1;
    }
    const struct snap_worker *w = snapshot_worker(p->snapshot, api_arg_row(L, p, 2, API_WORKER));
    lua_pushboolean(L, job && w && snapshot_can_run(p->snapshot, w, job) == SNAP_OK);
    return 1;
}

/* How much of its time is used up, from 0 to 1: of its deadline, else of the usual wait. */
static double urgency(const struct snapshot *s, const struct snap_job *job)
{
    double waited_ms = (double)snapshot_job_wait_ms(s, job);
    int64_t left_ms = snapshot_job_deadline_ms(s, job);
    double rest_ms = left_ms == SNAP_NO_DEADLINE ? s->header.metrics.avg_wait_ms : (double)left_ms;

    if (rest_ms <= 0)
        return left_ms == SNAP_NO_DEADLINE && waited_ms <= 0 ? 0 : 1;
    return waited_ms / (waited_ms + rest_ms);
}

int api_job_priority_score(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_job *job = api_arg_job(L, p, 1);
    if (job)
        lua_pushnumber(L, (job->is_batch ? 0 : 1) + urgency(p->snapshot, job));
    else
        lua_pushnil(L);
    return 1;
}

/* --- Quotas
 * ---------------------------------------------------------------------------------------- */

/* By id, object, or a job's; nil and unknown ones are nobody, whom no quota binds. */
static const struct snap_tenant *arg_tenant(lua_State *L, struct policy *p)
{
    uint32_t row;

    api_drop_self(L);
    if (lua_isnoneornil(L, 1))
        return NULL;
    if (api_is(L, 1, API_JOB, &row)) {
        const struct snap_job *job = snapshot_job(p->snapshot, row);
        return job ? snapshot_tenant(p->snapshot, job->tenant) : NULL;
    }
    return snapshot_tenant(p->snapshot, api_arg_row(L, p, 1, API_TENANT));
}

struct quota {
    uint64_t limit, used; /* limit 0: none */
};

static struct quota read_quota(lua_State *L, const struct snap_tenant *t)
{
    static const struct snap_tenant nobody = { 0 };
    struct str kind = lua_isnoneornil(L, 2) ? str_of("vram") : api_arg_text(L, 2);

    if (!t)
        t = &nobody;
    if (str_eq(kind, "vram"))
        return (struct quota){ t->quota_vram_bytes, t->quota_used_bytes };
    if (str_eq(kind, "tokens"))
        return (struct quota){ t->quota_tokens_daily, t->tokens_used_today };
    api_bad_argument(L, 2, "\"vram\" or \"tokens\"");
}

int api_tenant_over_quota(lua_State *L)
{
    const struct snap_tenant *t = arg_tenant(L, policy_of(L));

    lua_pushboolean(L, t && api_is_over_quota(t));
    return 1;
}

int api_check_tenant_quota(lua_State *L)
{
    const struct snap_tenant *t = arg_tenant(L, policy_of(L));

    lua_pushboolean(L, !t || !api_is_over_quota(t));
    return 1;
}

int api_tenant_remaining_quota(lua_State *L)
{
    const struct snap_tenant *t = arg_tenant(L, policy_of(L));
    struct quota quota = read_quota(L, t);

    if (quota.limit == 0)
        lua_pushinteger(L, LUA_MAXINTEGER);
    else
        api_push_u64(L, quota.used < quota.limit ? quota.limit - quota.used : 0);
    return 1;
}

int api_tenant_usage(lua_State *L)
{
    const struct snap_tenant *t = arg_tenant(L, policy_of(L));

    api_push_u64(L, read_quota(L, t).used);
    return 1;
}

int api_estimate_quota_impact(lua_State *L)
{
    const struct snap_tenant *t = arg_tenant(L, policy_of(L));
    double needed = (double)api_arg_amount(L, 2);

    if (t && t->quota_vram_bytes > 0)
        lua_pushnumber(L, ((double)t->quota_used_bytes + needed) / (double)t->quota_vram_bytes);
    else
        lua_pushnil(L);
    return 1;
}
