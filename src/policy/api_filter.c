/* Filters of lists of workers. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <string.h>

/* --- Filters of workers --------------------------------------------------------------- */

/* What a filter was asked for. */
struct wanted {
    struct policy *p;
    struct str text, value;
    bool has_value;
    uint64_t amount;
    const struct snap_job *job;
};
typedef bool worker_test(const struct wanted *wanted, const struct snap_worker *w);

/* A list that stays whole is its own answer: lists are read-only. */
static void push_kept(lua_State *L, struct policy *p, struct api_rows rows, const uint32_t *kept,
                      uint32_t len)
{
    const struct api_set *self = lua_touserdata(L, lua_upvalueindex(1));

    if (len == rows.len && rows.at == self->rows)
        lua_pushvalue(L, lua_upvalueindex(1));
    else
        api_push_set(L, p, API_WORKER, kept, len);
}

static int keep_workers(lua_State *L, const struct wanted *wanted, struct api_rows rows,
                        worker_test *test)
{
    uint32_t *kept = api_scratch(L, wanted->p), len = 0;

    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(wanted->p->snapshot, rows.at[i]);
        if (w && test(wanted, w))
            kept[len++] = rows.at[i];
    }
    push_kept(L, wanted->p, rows, kept, len);
    return 1;
}

static bool is_idle(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return snapshot_is_idle(w);
}

static bool is_ready(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return w->live != SNAP_OFFLINE && (w->status == SNAP_READY || w->status == SNAP_UNSAID);
}

static bool is_online(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return w->live != SNAP_OFFLINE;
}

static bool has_capacity(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_vram_free_mb(w) >= wanted->amount;
}

/* A worker without a place of its own stands where its pool stands. */
static bool is_in_region(const struct wanted *wanted, const struct snap_worker *w)
{
    const struct snapshot *s = wanted->p->snapshot;
    const struct snap_pool *pool = w->region.len == 0 ? snapshot_pool(s, w->pool) : NULL;

    return api_same_text(snapshot_text(s, pool ? pool->region : w->region), wanted->text);
}

static bool has_label(const struct wanted *wanted, const struct snap_worker *w)
{
    struct str value;

    return snapshot_label(wanted->p->snapshot, w->labels, wanted->text, &value) &&
           (!wanted->has_value || api_same_text(value, wanted->value));
}

static bool has_capability(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_has_capability(wanted->p->snapshot, w, wanted->text);
}

static bool can_run(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_can_run(wanted->p->snapshot, w, wanted->job) == SNAP_OK;
}

static int keep_simple(lua_State *L, worker_test *test)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    return keep_workers(L, &wanted, rows, test);
}

static int keep_by_text(lua_State *L, worker_test *test)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.text = api_arg_text(L, 1);
    wanted.has_value = !lua_isnoneornil(L, 2);
    if (wanted.has_value)
        wanted.value = api_arg_text(L, 2);
    return keep_workers(L, &wanted, rows, test);
}

int api_set_idle(lua_State *L)
{
    return keep_simple(L, is_idle);
}

int api_set_ready(lua_State *L)
{
    return keep_simple(L, is_ready);
}

/* Of pools: those that are not offline. */
static int online_pools(lua_State *L, struct policy *p)
{
    struct api_rows rows;
    uint32_t *kept = api_scratch(L, p), len = 0;

    (void)api_self_set(L, p, API_POOL, &rows);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, rows.at[i]);
        if (pool && pool->status != SNAP_OFFLINE)
            kept[len++] = rows.at[i];
    }
    api_push_set(L, p, API_POOL, kept, len);
    return 1;
}

int api_set_online(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, lua_upvalueindex(1));

    if (set->of == API_POOL)
        return online_pools(L, policy_of(L));
    return keep_simple(L, is_online);
}

int api_set_with_capacity(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.amount = api_arg_amount(L, 1);
    return keep_workers(L, &wanted, rows, has_capacity);
}

int api_set_in_region(lua_State *L)
{
    return keep_by_text(L, is_in_region);
}

int api_set_with_label(lua_State *L)
{
    return keep_by_text(L, has_label);
}

int api_set_with_capability(lua_State *L)
{
    return keep_by_text(L, has_capability);
}

/* The list that a method belongs to, without listing a full one. */
static const struct api_set *self_workers(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, lua_upvalueindex(1));

    api_drop_self(L);
    if (set->of != API_WORKER)
        api_fail(L, "is for lists of workers; this is a list of %ss", api_object_name(set->of));
    return set;
}

int api_set_with_model(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct api_set *set = self_workers(L);
    uint32_t model = api_arg_row(L, p, 1, API_MODEL);
    uint32_t *rows = api_scratch(L, p);

    api_push_set(L, p, API_WORKER, rows, api_collect_model(L, p, set, model, rows));
    return 1;
}

int api_set_eligible(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    const struct api_set *set = self_workers(L);
    struct api_rows rows;

    wanted.job = api_arg_job(L, wanted.p, 1);
    if (!wanted.job)
        api_fail(L, "needs a job: none is being decided");
    if (set->is_full && wanted.job->model_ref.len > 0) {
        uint32_t *of_model = api_scratch(L, wanted.p);
        rows.at = of_model; /* kept ones overwrite those that were looked at before */
        rows.len = api_collect_model(L, wanted.p, set, wanted.job->model, of_model);
    } else {
        rows = api_set_rows(L, wanted.p, set);
    }
    return keep_workers(L, &wanted, rows, can_run);
}

/* --- By build ----------------------------------------------------------------------------- */

/* Count workers by build in a new table at the top; the one that most have, of equals the
 * first by its bytes. One that is not known counts only where none is. */
static struct str commonest_build(lua_State *L, const struct policy *p, struct api_rows rows)
{
    struct str best = { "", 0 };
    lua_Integer most = 0;

    lua_newtable(L);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        struct str build = w ? snapshot_text(p->snapshot, w->build) : best;
        if (build.len == 0)
            continue;
        lua_pushlstring(L, build.p, build.len);
        lua_pushvalue(L, -1);
        (void)lua_rawget(L, -3);
        lua_Integer count = lua_tointeger(L, -1) + 1;
        lua_pop(L, 1);
        lua_pushinteger(L, count);
        lua_rawset(L, -3);
        size_t common = build.len < best.len ? build.len : best.len;
        int order = memcmp(build.p, best.p, common);
        bool is_before = order != 0 ? order < 0 : build.len < best.len;
        if (count > most || (count == most && is_before)) {
            most = count;
            best = build;
        }
    }
    return best;
}

static bool is_of_build(const struct wanted *wanted, const struct snap_worker *w)
{
    return api_same_text(snapshot_text(wanted->p->snapshot, w->build), wanted->text);
}

int api_set_one_build(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.text = commonest_build(L, wanted.p, rows);
    return keep_workers(L, &wanted, rows, is_of_build);
}

/* --- By health ----------------------------------------------------------------------------- */

static bool is_healthy(const struct wanted *wanted, const struct snap_worker *w)
{
    bool is_full = w->given & SNAP_HAS_KV && w->kv_used_pct > (double)wanted->amount;

    return w->live == SNAP_ONLINE && !is_full;
}

int api_set_prefer_healthy(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.amount = lua_isnoneornil(L, 1) ? 100 : api_arg_amount(L, 1);
    (void)keep_workers(L, &wanted, rows, is_healthy);
    if (api_to_set(L, -1)->len == 0)
        push_kept(L, wanted.p, rows, rows.at, rows.len);
    return 1;
}
