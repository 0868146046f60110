/*
 * Which worker to evict, and whether to. GDSF: greedy-dual by size and frequency (Cherkasova
 * 1998; for keeping functions warm: FaasCache, ASPLOS 2021), priority = clock + uses * cost /
 * size. The clock of a worker is the time of its last use and the cost its load time, so that
 * both are milliseconds; sizes count relative to the mean. Thus each use is worth one load,
 * and what nobody uses ages whatever it was worth.
 */
#include "policy/api_functions.h"
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <string.h>

/* Means over those that may be evicted, for the ones whose own figures are not known. */
struct means {
    double load_time_ms, vram_mb;
};

typedef double eviction_order(const struct means *means, const struct snap_worker *w);

static double by_last_use(const struct means *means, const struct snap_worker *w)
{
    (void)means;
    return (double)w->last_used_ms;
}

static double by_uses(const struct means *means, const struct snap_worker *w)
{
    (void)means;
    return (double)w->uses;
}

static double by_worth(const struct means *means, const struct snap_worker *w)
{
    double cost_ms = w->given & SNAP_HAS_LOAD ? (double)w->load_time_ms : means->load_time_ms;
    double size = w->vram_mb > 0 && means->vram_mb > 0 ? (double)w->vram_mb / means->vram_mb : 1;

    return (double)w->last_used_ms + (double)w->uses * cost_ms / size;
}

static const struct {
    const char *name;
    eviction_order *order; /* the smallest goes first */
} kinds[] = {
    { "lru", by_last_use },
    { "lfu", by_uses },
    { "gdsf", by_worth },
    { "ttl", by_last_use },
};

/* A number of the operator's settings; 0 where there is none. */
static uint64_t config_amount(lua_State *L, struct policy *p, const char *key)
{
    uint64_t value = 0;

    api_push_row(L, p, API_CONFIG, 0);
    lua_getfield(L, -1, key);
    if (lua_isnumber(L, -1) && lua_tonumber(L, -1) > 0)
        value = api_arg_amount(L, lua_gettop(L));
    lua_pop(L, 2);
    return value;
}

struct search {
    struct policy *p;
    uint64_t min_residency_ms, min_rest_ms;
    uint32_t *rows, len;
};

static bool may_go(const struct search *search, const struct snap_worker *w)
{
    uint64_t now_ms = search->p->snapshot->header.now_ms;

    return snapshot_can_evict(search->p->snapshot, w, search->min_residency_ms) &&
           (w->last_used_ms > now_ms ? 0 : now_ms - w->last_used_ms) >= search->min_rest_ms;
}

/* Of the rows that were collected, those that may go. */
static struct means keep_evictable(struct search *search)
{
    struct means means = { 0 };
    uint32_t loads = 0, sizes = 0, len = 0;

    for (uint32_t i = 0; i < search->len; i++) {
        const struct snap_worker *w = snapshot_worker(search->p->snapshot, search->rows[i]);
        if (!w || !may_go(search, w))
            continue;
        search->rows[len++] = search->rows[i];
        if (w->given & SNAP_HAS_LOAD) {
            means.load_time_ms += (double)w->load_time_ms;
            loads++;
        }
        if (w->vram_mb > 0) {
            means.vram_mb += (double)w->vram_mb;
            sizes++;
        }
    }
    search->len = len;
    means.load_time_ms /= loads > 0 ? loads : 1;
    means.vram_mb /= sizes > 0 ? sizes : 1;
    return means;
}

/* Rows into memory that the search may write. */
static void take_rows(lua_State *L, struct search *search, struct api_rows rows)
{
    search->rows = api_scratch(L, search->p);
    search->len = rows.len;
    memcpy(search->rows, rows.at, rows.len * sizeof(rows.at[0]));
}

/* Workers of one pool, or all. */
static void collect(lua_State *L, struct search *search, int pool_index)
{
    struct policy *p = search->p;

    if (!lua_isnoneornil(L, pool_index)) {
        uint32_t pool = api_arg_row(L, p, pool_index, API_POOL);
        search->rows = api_scratch(L, p);
        search->len = api_collect_pool(p, pool, search->rows);
        return;
    }
    take_rows(L, search, api_all_rows(L, p, API_WORKER));
}

static eviction_order *arg_kind(lua_State *L, bool *ret_is_ttl)
{
    struct str name = lua_isnoneornil(L, 1) ? str_of("gdsf") : api_arg_text(L, 1);

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (str_eq(name, kinds[i].name)) {
            *ret_is_ttl = strcmp(kinds[i].name, "ttl") == 0;
            return kinds[i].order;
        }
    }
    api_bad_argument(L, 1, "\"lru\", \"lfu\", \"gdsf\" or \"ttl\"");
}

/* Of the rows that were collected; kind at index 1, rest at `rest`. */
static int push_evicted(lua_State *L, struct search *search, int rest)
{
    uint32_t chosen = SNAP_NONE;
    double best = 0;
    bool is_ttl;
    eviction_order *order = arg_kind(L, &is_ttl);

    search->min_residency_ms = config_amount(L, search->p, "min_residency_ms");
    if (!lua_isnil(L, rest))
        search->min_rest_ms = api_arg_amount(L, rest);
    else if (is_ttl)
        search->min_rest_ms = config_amount(L, search->p, "evict_ttl_ms");
    struct means means = keep_evictable(search);
    for (uint32_t i = 0; i < search->len; i++) {
        const struct snap_worker *w = snapshot_worker(search->p->snapshot, search->rows[i]);
        double key = order(&means, w);
        if (chosen == SNAP_NONE || key < best) {
            chosen = search->rows[i];
            best = key;
        }
    }
    api_push_row(L, search->p, API_WORKER, chosen);
    return 1;
}

int api_find_worker_to_evict(lua_State *L)
{
    struct search search = { .p = policy_of(L) };

    api_drop_self(L);
    lua_settop(L, 3);
    collect(L, &search, 2);
    return push_evicted(L, &search, 3);
}

int api_set_to_evict(lua_State *L)
{
    struct search search = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, search.p, API_WORKER, &rows);
    lua_settop(L, 2);
    take_rows(L, &search, rows);
    return push_evicted(L, &search, 2);
}

/* Does somebody wait for a model that nobody holds or starts, and that does not fit there? */
static bool is_room_wanted(lua_State *L, struct policy *p, const struct snap_pool *pool)
{
    uint64_t free_mb = api_pool_free_mb(pool);
    struct api_rows models = api_all_rows(L, p, API_MODEL);

    for (uint32_t i = 0; i < models.len; i++) {
        const struct snap_model *m = snapshot_model(p->snapshot, models.at[i]);
        if (m && m->queued > 0 && m->workers == 0 && m->starting == 0 &&
            api_model_needs_mb(m) > free_mb)
            return true;
    }
    return false;
}

int api_should_evict(lua_State *L)
{
    struct search search = { .p = policy_of(L) };

    api_drop_self(L);
    lua_settop(L, 1);
    const struct snap_pool *pool =
        snapshot_pool(search.p->snapshot, api_arg_row(L, search.p, 1, API_POOL));
    if (!pool || pool->status == SNAP_OFFLINE || !is_room_wanted(L, search.p, pool)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    search.min_residency_ms = config_amount(L, search.p, "min_residency_ms");
    collect(L, &search, 1);
    (void)keep_evictable(&search);
    lua_pushboolean(L, search.len > 0);
    return 1;
}
