/*
 * Lists of rows: how they are made and walked. A full list is listed once per call, and only
 * when somebody asks for all of it; what goes by a model follows the model's own chain, so
 * that it costs what matches and not what there is.
 */
#include "policy/api_private.h"

#include <string.h>

const struct api_set *api_to_set(lua_State *L, int index)
{
    const struct api_set *set =
        lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;

    if (set && (set->kind == API_SET || set->kind == API_QUEUE || set->kind == API_REGISTRY) &&
        lua_rawlen(L, index) >= sizeof(*set))
        return set;
    return NULL;
}

void api_push_full_set(lua_State *L, struct policy *p, enum api_object of)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->full_sets[of]);
}

static struct api_set *new_list(lua_State *L, struct policy *p, enum api_object kind,
                                enum api_object of, uint32_t len_max)
{
    struct api_set *set = lua_newuserdatauv(L, sizeof(*set) + len_max * sizeof(set->rows[0]), 0);

    *set = (struct api_set){ .kind = kind, .of = of, .call = p->api->call };
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->metatables[kind]);
    lua_setmetatable(L, -2);
    return set;
}

struct api_set *api_new_set(lua_State *L, struct policy *p, enum api_object of, uint32_t len_max)
{
    return new_list(L, p, API_SET, of, len_max);
}

struct api_set *api_new_queue(lua_State *L, struct policy *p, uint32_t len_max)
{
    return new_list(L, p, API_QUEUE, API_JOB, len_max);
}

void api_push_set(lua_State *L, struct policy *p, enum api_object of, const uint32_t *rows,
                  uint32_t len)
{
    struct api_set *set = api_new_set(L, p, of, len);

    if (len > 0)
        memcpy(set->rows, rows, len * sizeof(rows[0]));
    set->len = len;
}

/* --- All rows of a table ------------------------------------------------------------ */

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Rows in use reach up to here. */
static uint32_t reach(const struct snapshot *s, enum api_object of)
{
    const struct snap_header *h = &s->header;

    switch ((int)of) {
    case API_WORKER:
        return least(h->workers, SNAP_WORKERS_MAX);
    case API_POOL:
        return least(h->pools, SNAP_POOLS_MAX);
    case API_MODEL:
        return least(h->models, SNAP_MODELS_MAX);
    case API_TENANT:
        return least(h->tenants, SNAP_TENANTS_MAX);
    default:
        return SNAP_JOBS_MAX;
    }
}

static uint32_t most(enum api_object of)
{
    switch ((int)of) {
    case API_WORKER:
        return SNAP_WORKERS_MAX;
    case API_POOL:
        return SNAP_POOLS_MAX;
    case API_MODEL:
        return SNAP_MODELS_MAX;
    case API_TENANT:
        return SNAP_TENANTS_MAX;
    default:
        return SNAP_JOBS_MAX;
    }
}

static uint32_t list_queue(const struct policy *p, uint32_t *ret_rows)
{
    uint32_t len = 0;

    for (uint32_t row = snapshot_first_listed(p->snapshot);
         len < SNAP_JOBS_MAX && snapshot_job(p->snapshot, row);
         row = snapshot_next_listed(p->snapshot, row))
        ret_rows[len++] = row;
    return len;
}

static uint32_t list_table(const struct policy *p, enum api_object of, uint32_t *ret_rows)
{
    uint32_t len = 0, generation;

    for (uint32_t row = 0; row < reach(p->snapshot, of); row++) {
        if (api_row(p, of, row, &generation))
            ret_rows[len++] = row;
    }
    return len;
}

static uint32_t *keep_rows(lua_State *L, uint32_t rows)
{
    uint32_t *memory = lua_newuserdatauv(L, rows * sizeof(*memory), 0);

    (void)luaL_ref(L, LUA_REGISTRYINDEX); /* lives as long as the state */
    return memory;
}

struct api_rows api_all_rows(lua_State *L, struct policy *p, enum api_object of)
{
    struct api_state *api = p->api;

    if (!api->all[of].rows)
        api->all[of].rows = keep_rows(L, most(of));
    if (api->all[of].call != api->call) {
        api->all[of].len =
            of == API_JOB ? list_queue(p, api->all[of].rows) : list_table(p, of, api->all[of].rows);
        api->all[of].call = api->call;
        api->rows_visited += of == API_JOB ? api->all[of].len : reach(p->snapshot, of);
    }
    return (struct api_rows){ api->all[of].rows, api->all[of].len };
}

uint32_t *api_scratch(lua_State *L, struct policy *p)
{
    if (!p->api->scratch)
        p->api->scratch = keep_rows(L, SNAP_WORKERS_MAX);
    return p->api->scratch;
}

struct api_rows api_set_rows(lua_State *L, struct policy *p, const struct api_set *set)
{
    if (set->is_full)
        return api_all_rows(L, p, set->of);
    if (set->call != p->api->call)
        luaL_error(L, "this list of %ss is from an earlier call; ask for it anew",
                   api_object_name(set->of));
    p->api->rows_visited += set->len;
    return (struct api_rows){ set->rows, set->len };
}

/* --- By model and by pool ------------------------------------------------------------ */

static bool text_is(const struct snapshot *s, struct snap_text text, struct str wanted)
{
    return api_same_text(snapshot_text(s, text), wanted);
}

static bool is_ref_of(const struct snapshot *s, uint32_t row, struct str ref)
{
    const struct snap_model *m = snapshot_model(s, row);

    return m && (text_is(s, m->ref, ref) || snapshot_has_item(s, m->aliases, ref));
}

static void remember_model(lua_State *L, struct policy *p, struct str ref, uint32_t row)
{
    struct api_state *api = p->api;

    if (api->model_rows_len++ >= API_MODEL_REFS_MAX) {
        lua_newtable(L);
        lua_rawseti(L, LUA_REGISTRYINDEX, api->model_rows);
        api->model_rows_len = 1;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, api->model_rows);
    lua_pushlstring(L, ref.p, ref.len);
    /* What nobody has is remembered for this call: negative, so that it is no row. */
    lua_pushinteger(L, row == SNAP_NONE ? -(lua_Integer)api->call : (lua_Integer)row + 1);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

uint32_t api_find_model(lua_State *L, struct policy *p, struct str ref)
{
    const struct snap_job *job = p->call ? snapshot_job(p->snapshot, p->call->job) : NULL;

    if (job && job->model != SNAP_NONE && text_is(p->snapshot, job->model_ref, ref))
        return job->model;
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->model_rows);
    lua_pushlstring(L, ref.p, ref.len);
    (void)lua_rawget(L, -2);
    lua_Integer known = lua_tointeger(L, -1);
    lua_pop(L, 2);
    if (known == -(lua_Integer)p->api->call)
        return SNAP_NONE;
    if (known > 0 && is_ref_of(p->snapshot, (uint32_t)(known - 1), ref))
        return (uint32_t)(known - 1);
    uint32_t row = snapshot_find_model(p->snapshot, ref);
    p->api->rows_visited += reach(p->snapshot, API_MODEL);
    remember_model(L, p, ref, row);
    return row;
}

static uint32_t collect_chain(struct policy *p, uint32_t model, uint32_t *ret_rows)
{
    const struct snap_model *m = snapshot_model(p->snapshot, model);
    const struct snap_worker *w;
    uint32_t len = 0;

    for (uint32_t row = m ? m->first_worker : SNAP_NONE;
         len < SNAP_WORKERS_MAX && (w = snapshot_worker(p->snapshot, row)); row = w->next_in_model)
        ret_rows[len++] = row;
    p->api->rows_visited += len;
    return len;
}

uint32_t api_collect_model(lua_State *L, struct policy *p, const struct api_set *set,
                           uint32_t model, uint32_t *ret_rows)
{
    uint32_t len = 0;

    if (set->is_full)
        return collect_chain(p, model, ret_rows);
    struct api_rows rows = api_set_rows(L, p, set);
    for (uint32_t i = 0; i < rows.len && model != SNAP_NONE; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, rows.at[i]);
        if (w && w->model == model)
            ret_rows[len++] = rows.at[i];
    }
    return len;
}

uint32_t api_collect_pool(struct policy *p, uint32_t pool, uint32_t *ret_rows)
{
    const struct snap_pool *at = snapshot_pool(p->snapshot, pool);
    const struct snap_worker *w;
    uint32_t len = 0;

    for (uint32_t row = at ? at->first_worker : SNAP_NONE;
         len < SNAP_WORKERS_MAX && (w = snapshot_worker(p->snapshot, row)); row = w->next_in_pool)
        ret_rows[len++] = row;
    p->api->rows_visited += len;
    return len;
}

/* --- As Lua sees them ----------------------------------------------------------------- */

/* Not counted as a visit: one element at a time. */
static struct api_rows rows_for_access(lua_State *L, struct policy *p, const struct api_set *set)
{
    uint64_t visited = p->api->rows_visited;
    struct api_rows rows = api_set_rows(L, p, set);

    if (!set->is_full)
        p->api->rows_visited = visited;
    return rows;
}

int api_list_len(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, 1);

    lua_pushinteger(L, rows_for_access(L, policy_of(L), set).len);
    return 1;
}

int api_list_index(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    struct api_rows rows = rows_for_access(L, p, set);
    int is_whole;
    lua_Integer i = lua_tointegerx(L, 2, &is_whole);

    if (is_whole && i >= 1 && i <= rows.len) {
        p->api->rows_visited++;
        api_push_row(L, p, set->of, rows.at[i - 1]);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

static int on_next_row(lua_State *L)
{
    const struct api_set *set = api_to_set(L, 1);
    struct policy *p = policy_of(L);
    lua_Integer i = lua_tointeger(L, 2);

    if (!set)
        luaL_error(L, "this iterator belongs to a list of the scheduler's");
    struct api_rows rows = rows_for_access(L, p, set);
    if (i < 0 || i >= rows.len) {
        lua_pushnil(L);
        return 1;
    }
    p->api->rows_visited++;
    lua_pushinteger(L, i + 1);
    api_push_row(L, p, set->of, rows.at[i]);
    return 2;
}

int api_list_pairs(lua_State *L)
{
    lua_pushcfunction(L, on_next_row);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}
