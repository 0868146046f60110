/* The kinds of objects, and how a state is made to know them. */
#include "policy/api_private.h"

static const struct {
    const char *name;
    const struct api_table *table;
} objects[API_OBJECT_COUNT_] = {
    [API_GLOBALS] = { "globals", &api_globals_table },
    [API_CONTEXT] = { "context", &api_context_table },
    [API_JOB] = { "job", &api_job_table },
    [API_USER] = { "user", &api_user_table },
    [API_GEO] = { "geo", &api_geo_table },
    [API_WORKER] = { "worker", &api_worker_table },
    [API_POOL] = { "pool", &api_pool_table },
    [API_GPU] = { "gpu", &api_gpu_table },
    [API_TENANT] = { "tenant", &api_tenant_table },
    [API_MODEL] = { "model", &api_model_table },
    [API_METRICS] = { "metrics", &api_metrics_table },
    [API_SET] = { "set", &api_set_table },
    [API_QUEUE] = { "queue", &api_queue_table },
    [API_REGISTRY] = { "registry", &api_registry_table },
    [API_HIVES] = { "hives", &api_hives_table },
    [API_HELPERS] = { "helpers", &api_helpers_table },
    [API_PLATFORM] = { "platform", &api_platform_table },
    [API_LOG] = { "log", &api_log_table },
    [API_RNG] = { "rng", &api_rng_table },
    [API_OUTCOME] = { "outcome", &api_outcome_table },
};

const struct api_member *api_members(enum api_object object, size_t *ret_len)
{
    *ret_len = objects[object].table->len;
    return objects[object].table->members;
}

const char *api_object_name(enum api_object object)
{
    return objects[object].name;
}

/* What a kind has beyond its own members. */
static uint32_t base_of(uint32_t kind)
{
    switch (kind) {
    case API_QUEUE:
    case API_REGISTRY:
        return API_SET;
    case API_HELPERS:
        return API_GLOBALS; /* each function is also a helper */
    default:
        return kind;
    }
}

const struct api_member *api_find_member(enum api_object object, struct str name)
{
    const struct api_table *table = objects[object].table;

    for (size_t i = 0; i < table->len; i++) {
        if (str_eq(name, table->members[i].name))
            return &table->members[i];
    }
    return NULL;
}

/* --- Opening ---------------------------------------------------------------------- */

static const struct {
    lua_CFunction index, pairs, len;
} special[API_KIND_COUNT_] = {
    [API_SET] = { api_on_set_index, api_list_pairs, api_list_len },
    [API_QUEUE] = { api_on_set_index, api_list_pairs, api_list_len },
    [API_REGISTRY] = { api_on_set_index, api_list_pairs, api_list_len },
    [API_LABELS] = { api_on_labels_index, api_on_labels_pairs, NULL },
    [API_CONFIG] = { api_on_config_index, api_on_config_pairs, NULL },
    [API_VIEW] = { api_on_view_index, api_on_view_pairs, api_on_view_len },
};

static void add_members(lua_State *L, uint32_t object)
{
    const struct api_table *table = objects[object].table;

    for (size_t i = 0; i < table->len; i++) {
        lua_pushinteger(L, (lua_Integer)object << 16 | (lua_Integer)i);
        lua_setfield(L, -2, table->members[i].name);
    }
}

/* The table that __index looks in: name -> which object's members, and which of them. */
static void push_members(lua_State *L, uint32_t kind)
{
    lua_newtable(L);
    if (kind >= API_OBJECT_COUNT_)
        return;
    if (base_of(kind) != kind)
        add_members(L, base_of(kind));
    add_members(L, kind);
}

static void open_kind(lua_State *L, struct policy *p, uint32_t kind)
{
    lua_createtable(L, 0, 8);
    push_members(L, kind);
    lua_pushcclosure(L, special[kind].index ? special[kind].index : api_on_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, api_on_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, special[kind].pairs ? special[kind].pairs : api_on_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, api_on_tostring);
    lua_setfield(L, -2, "__tostring");
    if (special[kind].len) {
        lua_pushcfunction(L, special[kind].len);
        lua_setfield(L, -2, "__len");
    }
    lua_pushstring(L, kind < API_OBJECT_COUNT_ ? api_object_name(kind) : "map");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    p->api->metatables[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
}

static void open_full_set(lua_State *L, struct policy *p, enum api_object of, enum api_object kind)
{
    struct api_set *set = lua_newuserdatauv(L, sizeof(*set), 0);

    *set = (struct api_set){ .kind = kind, .of = of, .is_full = true };
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->metatables[kind]);
    lua_setmetatable(L, -2);
    p->api->full_sets[of] = luaL_ref(L, LUA_REGISTRYINDEX);
}

static int new_table_ref(lua_State *L)
{
    lua_newtable(L);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Where the proxies of a table's rows are kept, or the one object of a kind that has no rows. */
static void open_keeping(lua_State *L, struct policy *p, uint32_t kind)
{
    if (api_is_kept(kind)) {
        p->api->proxies[kind] = new_table_ref(L);
        return;
    }
    api_push_new(L, p, kind, 0, 0);
    p->api->singles[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* Functions get the helpers as their own, so that all are called alike. */
static void open_globals(lua_State *L, struct policy *p, enum api_object object)
{
    const struct api_table *table = objects[object].table;

    for (size_t i = 0; i < table->len; i++) {
        const struct api_member *m = &table->members[i];
        if (m->call) {
            api_push_single(L, p, API_HELPERS);
            lua_pushcclosure(L, m->call, 1);
        } else if (m->push) {
            m->push(L, p, 0);
        } else {
            continue; /* Lua's own */
        }
        lua_setglobal(L, m->name);
    }
}

void api_open(lua_State *L, struct policy *p)
{
    struct api_state *api = lua_newuserdatauv(L, sizeof(*api), 0);

    *api = (struct api_state){ .call = 1 };
    (void)luaL_ref(L, LUA_REGISTRYINDEX); /* lives as long as the state */
    p->api = api;
    for (uint32_t kind = 0; kind < API_KIND_COUNT_; kind++)
        open_kind(L, p, kind);
    for (uint32_t kind = 0; kind < API_OBJECT_COUNT_; kind++)
        open_keeping(L, p, kind);
    open_full_set(L, p, API_WORKER, API_SET);
    open_full_set(L, p, API_POOL, API_REGISTRY);
    open_full_set(L, p, API_MODEL, API_SET);
    open_full_set(L, p, API_TENANT, API_SET);
    open_full_set(L, p, API_JOB, API_QUEUE);
    api->extras = new_table_ref(L);
    api->model_rows = new_table_ref(L);
    open_globals(L, p, API_GLOBALS);
    open_globals(L, p, API_HELPERS);
}

void api_begin_call(lua_State *L, struct policy *p, const struct policy_call *call)
{
    struct api_state *api = p->api;

    (void)call;
    api->call++;
    api->choices = 0;
    if (api->has_extras) {
        lua_newtable(L);
        lua_rawseti(L, LUA_REGISTRYINDEX, api->extras);
        api->has_extras = false;
    }
}
