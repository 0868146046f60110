/* Rows and how they are pushed: as proxies, field by field. */
#include "policy/api_private.h"

/* --- Rows ----------------------------------------------------------------------- */

/* Every row begins with its generation. */
_Static_assert(offsetof(struct snap_job, generation) == 0, "job");
_Static_assert(offsetof(struct snap_worker, generation) == 0, "worker");
_Static_assert(offsetof(struct snap_pool, generation) == 0, "pool");
_Static_assert(offsetof(struct snap_model, generation) == 0, "model");
_Static_assert(offsetof(struct snap_tenant, generation) == 0, "tenant");

static const void *with_generation(const void *row, uint32_t *ret_generation)
{
    *ret_generation = row ? *(const uint32_t *)row : 0;
    return row;
}

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
        return with_generation(snapshot_job(s, row), ret_generation);
    case API_WORKER:
        return with_generation(snapshot_worker(s, row), ret_generation);
    case API_POOL:
        return with_generation(snapshot_pool(s, row), ret_generation);
    case API_MODEL:
        return with_generation(snapshot_model(s, row), ret_generation);
    case API_TENANT:
        return with_generation(snapshot_tenant(s, row), ret_generation);
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

void api_push_fact_at(lua_State *L, struct policy *p, const struct api_member *m, uint32_t kind,
                      uint32_t row, const void *base)
{
    if (m->push)
        m->push(L, p, row);
    else if (m->given && !(given_of(kind, base) & m->given))
        lua_pushnil(L);
    else
        push_at(L, p, m->fact, (const char *)base + m->offset);
}

void api_push_fact(lua_State *L, struct policy *p, const struct api_member *m, uint32_t kind,
                   uint32_t row)
{
    uint32_t generation;
    const void *base = api_row(p, kind, row, &generation);

    if (base)
        api_push_fact_at(L, p, m, kind, row, base);
    else
        lua_pushnil(L);
}

/* --- Pushing objects -------------------------------------------------------------- */

void api_push_new(lua_State *L, struct policy *p, uint32_t kind, uint32_t row, uint32_t generation)
{
    struct api_proxy *proxy = lua_newuserdatauv(L, sizeof(*proxy), 0);

    *proxy = (struct api_proxy){ kind, row, generation };
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->metatables[kind]);
    lua_setmetatable(L, -2);
}

bool api_is_kept(uint32_t kind)
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
    if (!api_is_kept(kind)) {
        api_push_new(L, p, kind, row, generation);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->proxies[kind]);
    if (lua_rawgeti(L, -1, (lua_Integer)row + 1) != LUA_TUSERDATA ||
        ((const struct api_proxy *)lua_touserdata(L, -1))->generation != generation) {
        lua_pop(L, 1);
        api_push_new(L, p, kind, row, generation);
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
