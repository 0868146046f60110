/* Objects: their kinds, how they are pushed, and what indexing them does. */
#include "policy/api_private.h"

#include <string.h>

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

/* --- Rows ----------------------------------------------------------------------- */

#define ROW(pointer)                                   \
    ({                                                 \
        __auto_type row_ = (pointer);                  \
        *ret_generation = row_ ? row_->generation : 0; \
        (const void *)row_;                            \
    })

const struct snap_gpu *api_gpu(const struct policy *p, uint32_t row)
{
    const struct snap_pool *pool = snapshot_pool(p->snapshot, row / SNAP_POOL_GPUS_MAX);
    uint32_t i = row % SNAP_POOL_GPUS_MAX;

    return pool && i < pool->gpus_len ? &pool->gpus[i] : NULL;
}

const void *api_row(const struct policy *p, uint32_t kind, uint32_t row, uint32_t *ret_generation)
{
    const struct snapshot *s = p->snapshot;

    *ret_generation = 0;
    switch (kind) {
    case API_JOB:
    case API_USER:
        return ROW(snapshot_job(s, row));
    case API_WORKER:
        return ROW(snapshot_worker(s, row));
    case API_POOL:
        return ROW(snapshot_pool(s, row));
    case API_MODEL:
        return ROW(snapshot_model(s, row));
    case API_TENANT:
        return ROW(snapshot_tenant(s, row));
    case API_GPU:
        if (!api_row(p, API_POOL, row / SNAP_POOL_GPUS_MAX, ret_generation))
            return NULL;
        return api_gpu(p, row);
    case API_GEO:
    case API_LABELS:
        return api_row(p, api_owner(row), api_owner_row(row), ret_generation);
    case API_METRICS:
        return &s->header.metrics;
    case API_OUTCOME:
        *ret_generation = (uint32_t)p->api->call;
        return p->call && p->call->kind == ASK_OUTCOME ? &p->call->outcome : NULL;
    default:
        return &s->header;
    }
}

static uint32_t given_of(uint32_t kind, const void *row)
{
    switch (kind) {
    case API_JOB:
        return ((const struct snap_job *)row)->given;
    case API_WORKER:
        return ((const struct snap_worker *)row)->given;
    case API_POOL:
        return ((const struct snap_pool *)row)->given;
    case API_GPU:
        return ((const struct snap_gpu *)row)->given;
    default:
        return 0;
    }
}

/* --- Values --------------------------------------------------------------------- */

void api_push_u64(lua_State *L, uint64_t value)
{
    lua_pushinteger(L, value > LUA_MAXINTEGER ? LUA_MAXINTEGER : (lua_Integer)value);
}

void api_push_text(lua_State *L, const struct policy *p, struct snap_text text)
{
    struct str s = snapshot_text(p->snapshot, text);

    lua_pushlstring(L, s.p ? s.p : "", s.len);
}

void api_push_list(lua_State *L, const struct policy *p, struct snap_text list)
{
    struct str rest = snapshot_text(p->snapshot, list), item;

    lua_newtable(L);
    for (lua_Integer i = 1; snapshot_item(&rest, &item); i++) {
        lua_pushlstring(L, item.p, item.len);
        lua_rawseti(L, -2, i);
    }
    api_make_view(L);
}

static void push_at(lua_State *L, const struct policy *p, enum api_fact fact, const void *at)
{
    switch (fact) {
    case API_BOOL:
        lua_pushboolean(L, *(const uint8_t *)at);
        break;
    case API_U32:
        lua_pushinteger(L, *(const uint32_t *)at);
        break;
    case API_U64:
        api_push_u64(L, *(const uint64_t *)at);
        break;
    case API_BITS:
        lua_pushinteger(L, (lua_Integer) * (const uint64_t *)at);
        break;
    case API_I64:
        lua_pushinteger(L, *(const int64_t *)at);
        break;
    case API_NUMBER:
        lua_pushnumber(L, *(const double *)at);
        break;
    case API_TEXT:
        api_push_text(L, p, *(const struct snap_text *)at);
        break;
    case API_LIST:
        api_push_list(L, p, *(const struct snap_text *)at);
        break;
    case API_CHARS:
        lua_pushstring(L, at);
        break;
    case API_NO_FACT:
        lua_pushnil(L);
        break;
    }
}

void api_push_fact(lua_State *L, struct policy *p, const struct api_member *m, uint32_t kind,
                   uint32_t row)
{
    uint32_t generation;
    const char *base = api_row(p, kind, row, &generation);

    if (m->push)
        m->push(L, p, row);
    else if (!base || (m->given && !(given_of(kind, base) & m->given)))
        lua_pushnil(L);
    else
        push_at(L, p, m->fact, base + m->offset);
}

/* --- Pushing objects -------------------------------------------------------------- */

static void push_new_proxy(lua_State *L, struct policy *p, uint32_t kind, uint32_t row,
                           uint32_t generation)
{
    struct api_proxy *proxy = lua_newuserdatauv(L, sizeof(*proxy), 0);

    *proxy = (struct api_proxy){ kind, row, generation };
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->metatables[kind]);
    lua_setmetatable(L, -2);
}

/* Rows that are tables of their own have one proxy each, so that the same worker is the same
 * value; what stands within them comes fresh. */
static bool is_kept(uint32_t kind)
{
    return kind == API_JOB || kind == API_WORKER || kind == API_POOL || kind == API_TENANT ||
           kind == API_MODEL || kind == API_GPU;
}

void api_push_row(lua_State *L, struct policy *p, uint32_t kind, uint32_t row)
{
    uint32_t generation;

    if (!api_row(p, kind, row, &generation)) {
        lua_pushnil(L);
        return;
    }
    if (!is_kept(kind)) {
        push_new_proxy(L, p, kind, row, generation);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->proxies[kind]);
    if (lua_rawgeti(L, -1, (lua_Integer)row + 1) != LUA_TUSERDATA ||
        ((const struct api_proxy *)lua_touserdata(L, -1))->generation != generation) {
        lua_pop(L, 1);
        push_new_proxy(L, p, kind, row, generation);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, (lua_Integer)row + 1);
    }
    lua_remove(L, -2);
}

void api_push_single(lua_State *L, struct policy *p, enum api_object object)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->singles[object]);
}

void api_push_context(lua_State *L, struct policy *p)
{
    api_push_single(L, p, API_CONTEXT);
}

void api_push_job(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_JOB, row);
}

void api_push_worker(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_WORKER, row);
}

void api_push_pools(lua_State *L, struct policy *p)
{
    api_push_full_set(L, p, API_POOL);
}

void api_push_workers(lua_State *L, struct policy *p)
{
    api_push_full_set(L, p, API_WORKER);
}

void api_push_outcome(lua_State *L, struct policy *p, const struct policy_call *call)
{
    (void)call; /* the running one: api_row() looks there */
    api_push_row(L, p, API_OUTCOME, 0);
}

bool api_is(lua_State *L, int index, enum api_object object, uint32_t *ret_row)
{
    const struct api_proxy *proxy =
        lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;
    uint32_t generation;

    *ret_row = SNAP_NONE;
    if (!proxy)
        return false;
    if (object == API_SET)
        return api_to_set(L, index) != NULL;
    if (proxy->kind != (uint32_t)object || api_to_set(L, index))
        return false;
    if (api_row(policy_of(L), object, proxy->row, &generation) && generation == proxy->generation)
        *ret_row = proxy->row;
    return true;
}

/* --- Indexing --------------------------------------------------------------------- */

/* Upvalue 1: name -> struct api_member. */
static const struct api_member *member_of(lua_State *L, int name)
{
    const struct api_member *m = NULL;

    lua_pushvalue(L, name);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TLIGHTUSERDATA)
        m = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return m;
}

static void push_bound(lua_State *L, const struct api_member *m, int self)
{
    lua_pushvalue(L, self);
    lua_pushcclosure(L, m->call, 1);
}

/* object[name]: nil for what it does not have, and for all of a row that is gone. */
static int on_index(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    uint32_t generation;

    lua_settop(L, 2);
    if (!api_row(p, proxy->kind, proxy->row, &generation) || generation != proxy->generation) {
        lua_pushnil(L);
        return 1;
    }
    if (api_find_extra(L, p, proxy->kind, proxy->row))
        return 1;
    const struct api_member *m = member_of(L, 2);
    if (!m)
        lua_pushnil(L);
    else if (m->call)
        push_bound(L, m, 1);
    else
        api_push_fact(L, p, m, proxy->kind, proxy->row);
    return 1;
}

void api_push_field(lua_State *L, struct policy *p, uint32_t kind, uint32_t row)
{
    size_t len;
    const char *name = lua_tolstring(L, -1, &len);

    if (api_find_extra(L, p, kind, row))
        return;
    const struct api_member *m = api_find_member(kind, (struct str){ name, len });
    lua_pop(L, 1);
    if (m && !m->call)
        api_push_fact(L, p, m, kind, row);
    else
        lua_pushnil(L);
}

static int on_set_index(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TNUMBER)
        return api_list_index(L);
    const struct api_member *m = member_of(L, 2);
    if (m && m->call)
        push_bound(L, m, 1);
    else
        lua_pushnil(L);
    return 1;
}

static int on_newindex(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    static const char *const plural[API_KIND_COUNT_] = {
        [API_JOB] = "jobs",
        [API_USER] = "users",
        [API_GEO] = "places",
        [API_WORKER] = "workers",
        [API_POOL] = "pools",
        [API_GPU] = "gpus",
        [API_TENANT] = "tenants",
        [API_MODEL] = "models",
        [API_OUTCOME] = "outcomes",
        [API_SET] = "lists",
        [API_REGISTRY] = "lists",
        [API_QUEUE] = "lists",
        [API_VIEW] = "lists and maps",
        [API_LABELS] = "labels",
    };
    const char *what = plural[proxy->kind];

    if (lua_type(L, 2) == LUA_TSTRING)
        return luaL_error(L, "%s read-only: '%s' cannot be set",
                          what ? lua_pushfstring(L, "%s are", what)
                          : proxy->kind == API_CONFIG
                              ? "config is"
                              : lua_pushfstring(L, "%s is", api_object_name(proxy->kind)),
                          lua_tostring(L, 2));
    return luaL_error(L, "%s are read-only: [%s] cannot be set", what ? what : "objects",
                      luaL_tolstring(L, 2, NULL));
}

/* Calls next() on upvalue 1, which scripts cannot reach. */
static int on_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

/* The table at the top becomes what pairs() answers. */
static int give_pairs(lua_State *L)
{
    lua_pushcclosure(L, on_next, 1);
    return 1;
}

static void add_fields(lua_State *L, struct policy *p, uint32_t kind, uint32_t row, int table)
{
    const struct api_table *members = objects[kind].table;

    for (size_t i = 0; i < members->len; i++) {
        if (members->members[i].call)
            continue;
        api_push_fact(L, p, &members->members[i], kind, row);
        lua_setfield(L, table, members->members[i].name);
    }
}

/* pairs(worker): its fields, and the extras of one made by hand. */
static int on_pairs(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    uint32_t generation;

    lua_newtable(L);
    int table = lua_gettop(L);
    if (!api_row(p, proxy->kind, proxy->row, &generation) || generation != proxy->generation)
        return give_pairs(L);
    add_fields(L, p, proxy->kind, proxy->row, table);
    if (api_push_extras(L, p, proxy->kind, proxy->row)) {
        for (lua_pushnil(L); lua_next(L, table + 1); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            if (api_find_extra(L, p, proxy->kind, proxy->row)) {
                lua_pushvalue(L, -3);
                lua_insert(L, -2);
                lua_rawset(L, table);
            } else {
                lua_pop(L, 1);
            }
        }
        lua_settop(L, table);
    }
    return give_pairs(L);
}

/* Names without addresses: those would tell where memory is. */
static int on_tostring(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    const struct api_set *set = api_to_set(L, 1);

    if (set) {
        (void)api_list_len(L);
        lua_pushfstring(L, "list of %I %ss", (LUAI_UACINT)lua_tointeger(L, -1),
                        api_object_name(set->of));
        return 1;
    }
    if (proxy->kind >= API_OBJECT_COUNT_) {
        lua_pushliteral(L, "map");
        return 1;
    }
    lua_pushstring(L, proxy->kind == API_MODEL ? "ref" : "id");
    api_push_field(L, policy_of(L), proxy->kind, proxy->row);
    if (lua_isstring(L, -1))
        lua_pushfstring(L, "%s %s", api_object_name(proxy->kind), lua_tostring(L, -1));
    else
        lua_pushstring(L, api_object_name(proxy->kind));
    return 1;
}

/* --- Labels and config: maps whose names are the user's ---------------------------- */

static struct snap_text labels_of(const struct policy *p, uint32_t within)
{
    uint32_t generation;
    const void *row = api_row(p, API_LABELS, within, &generation);

    switch (row ? api_owner(within) : API_OBJECT_COUNT_) {
    case API_JOB:
        return ((const struct snap_job *)row)->labels;
    case API_WORKER:
        return ((const struct snap_worker *)row)->labels;
    case API_POOL:
        return ((const struct snap_pool *)row)->labels;
    default:
        return (struct snap_text){ 0 };
    }
}

static int on_labels_index(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    struct str value, key = { 0 };
    uint32_t generation;

    if (lua_type(L, 2) == LUA_TSTRING)
        key.p = lua_tolstring(L, 2, &key.len);
    if (key.p && api_row(p, API_LABELS, proxy->row, &generation) &&
        generation == proxy->generation &&
        snapshot_label(p->snapshot, labels_of(p, proxy->row), key, &value))
        lua_pushlstring(L, value.p, value.len);
    else
        lua_pushnil(L);
    return 1;
}

static int on_labels_pairs(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    struct str rest = snapshot_text(p->snapshot, labels_of(p, proxy->row)), key, value;

    lua_newtable(L);
    while (snapshot_item(&rest, &key) && snapshot_item(&rest, &value)) {
        lua_pushlstring(L, key.p, key.len);
        lua_pushlstring(L, value.p, value.len);
        lua_rawset(L, -3);
    }
    return give_pairs(L);
}

static const struct snap_config *config_at(const struct snapshot *s, uint32_t i)
{
    return i < s->header.configs && i < SNAP_CONFIG_MAX ? &s->configs[i] : NULL;
}

static int on_config_index(lua_State *L)
{
    const struct snapshot *s = policy_of(L)->snapshot;
    const struct snap_config *config;
    struct str key = { 0 };

    if (lua_type(L, 2) == LUA_TSTRING)
        key.p = lua_tolstring(L, 2, &key.len);
    for (uint32_t i = 0; key.p && (config = config_at(s, i)); i++) {
        struct str name = snapshot_text(s, config->key);
        if (name.len != key.len || memcmp(name.p, key.p, key.len) != 0)
            continue;
        api_push_json(L, snapshot_text(s, config->value));
        if (lua_istable(L, -1))
            api_make_view(L);
        return 1;
    }
    lua_pushnil(L);
    return 1;
}

static int on_config_pairs(lua_State *L)
{
    const struct policy *p = policy_of(L);
    const struct snap_config *config;

    lua_newtable(L);
    for (uint32_t i = 0; (config = config_at(p->snapshot, i)); i++) {
        api_push_text(L, p, config->key);
        api_push_json(L, snapshot_text(p->snapshot, config->value));
        if (lua_istable(L, -1))
            api_make_view(L);
        lua_rawset(L, -3);
    }
    return give_pairs(L);
}

/* --- Views ------------------------------------------------------------------------ */

void api_make_view(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_proxy *view = lua_newuserdatauv(L, sizeof(*view), 1);

    *view = (struct api_proxy){ .kind = API_VIEW };
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->metatables[API_VIEW]);
    lua_setmetatable(L, -2);
    lua_insert(L, -2);
    (void)lua_setiuservalue(L, -2, 1);
}

bool api_push_viewed(lua_State *L, int index)
{
    const struct api_proxy *view =
        lua_type(L, index) == LUA_TUSERDATA ? lua_touserdata(L, index) : NULL;

    if (!view || view->kind != API_VIEW)
        return false;
    (void)lua_getiuservalue(L, index, 1);
    return true;
}

static int on_view_index(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TTABLE)
        api_make_view(L);
    return 1;
}

static int on_view_len(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    api_push_u64(L, lua_rawlen(L, -1));
    return 1;
}

static int on_view_next(lua_State *L)
{
    int values = on_next(L);

    if (values == 2 && lua_istable(L, -1))
        api_make_view(L);
    return values;
}

static int on_view_pairs(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    lua_pushcclosure(L, on_view_next, 1);
    return 1;
}

/* --- Opening ---------------------------------------------------------------------- */

static const struct {
    lua_CFunction index, pairs, len;
} special[API_KIND_COUNT_] = {
    [API_SET] = { on_set_index, api_list_pairs, api_list_len },
    [API_QUEUE] = { on_set_index, api_list_pairs, api_list_len },
    [API_REGISTRY] = { on_set_index, api_list_pairs, api_list_len },
    [API_LABELS] = { on_labels_index, on_labels_pairs, NULL },
    [API_CONFIG] = { on_config_index, on_config_pairs, NULL },
    [API_VIEW] = { on_view_index, on_view_pairs, on_view_len },
};

static void add_members(lua_State *L, uint32_t object)
{
    const struct api_table *table = objects[object].table;

    for (size_t i = 0; i < table->len; i++) {
        const struct api_member *m = &table->members[i];
        lua_pushlightuserdata(L, (void *)(uintptr_t)m);
        lua_setfield(L, -2, m->name);
    }
}

/* The table of members that __index looks in. */
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
    lua_pushcclosure(L, special[kind].index ? special[kind].index : on_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, on_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushcfunction(L, special[kind].pairs ? special[kind].pairs : on_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushcfunction(L, on_tostring);
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
    for (uint32_t kind = 0; kind < API_OBJECT_COUNT_; kind++) {
        push_new_proxy(L, p, kind, 0, 0);
        api->singles[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
        if (is_kept(kind))
            api->proxies[kind] = new_table_ref(L);
    }
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
        luaL_unref(L, LUA_REGISTRYINDEX, api->extras);
        api->extras = new_table_ref(L);
        api->has_extras = false;
    }
}
