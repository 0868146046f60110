/* What indexing, setting, walking and naming an object do. */
#include "policy/api_private.h"

/* --- Indexing --------------------------------------------------------------------- */

/* Upvalue 1: what push_members() made. */
static const struct api_member *member_of(lua_State *L, int name)
{
    size_t len;

    lua_pushvalue(L, name);
    int type = lua_rawget(L, lua_upvalueindex(1));
    lua_Integer place = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return type == LUA_TNUMBER ? &api_members((enum api_object)(place >> 16), &len)[place & 0xffff]
                               : NULL;
}

static void push_bound(lua_State *L, const struct api_member *m, int self)
{
    lua_pushvalue(L, self);
    lua_pushcclosure(L, m->call, 1);
}

/* object[name]: nil for what it does not have, and for all of a row that is gone. */
int api_on_index(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    uint32_t generation;

    lua_settop(L, 2);
    const void *base = api_row(p, proxy->kind, proxy->row, &generation);
    if (!base || generation != proxy->generation) {
        lua_pushnil(L);
        return 1;
    }
    if (api_may_have_extras(proxy->kind, base) && api_find_extra(L, p, proxy->kind, proxy->row))
        return 1;
    const struct api_member *m = member_of(L, 2);
    if (!m)
        lua_pushnil(L);
    else if (m->call)
        push_bound(L, m, 1);
    else
        api_push_fact_at(L, p, m, proxy->kind, proxy->row, base);
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

int api_on_set_index(lua_State *L)
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

/* "workers are", as the words of a refusal begin. */
static const char *const subjects[API_KIND_COUNT_] = {
    [API_CONTEXT] = "context is",   [API_JOB] = "jobs are",
    [API_USER] = "users are",       [API_GEO] = "places are",
    [API_WORKER] = "workers are",   [API_POOL] = "pools are",
    [API_GPU] = "gpus are",         [API_TENANT] = "tenants are",
    [API_MODEL] = "models are",     [API_METRICS] = "metrics are",
    [API_SET] = "lists are",        [API_QUEUE] = "lists are",
    [API_REGISTRY] = "lists are",   [API_HIVES] = "hives are",
    [API_HELPERS] = "helpers are",  [API_PLATFORM] = "platform is",
    [API_LOG] = "log is",           [API_RNG] = "rng is",
    [API_OUTCOME] = "outcomes are", [API_VIEW] = "lists and maps are",
    [API_LABELS] = "labels are",    [API_CONFIG] = "config is",
};

int api_on_newindex(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);

    if (lua_type(L, 2) == LUA_TSTRING)
        return luaL_error(L, "%s read-only: '%s' cannot be set", subjects[proxy->kind],
                          lua_tostring(L, 2));
    return luaL_error(L, "%s read-only: [%s] cannot be set", subjects[proxy->kind],
                      luaL_tolstring(L, 2, NULL));
}

int api_on_next(lua_State *L)
{
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1)))
        return 2;
    lua_pushnil(L);
    return 1;
}

int api_give_pairs(lua_State *L)
{
    lua_pushcclosure(L, api_on_next, 1);
    return 1;
}

static void add_fields(lua_State *L, struct policy *p, uint32_t kind, uint32_t row, int table)
{
    size_t len;
    const struct api_member *members = api_members(kind, &len);

    for (size_t i = 0; i < len; i++) {
        if (members[i].call)
            continue;
        api_push_fact(L, p, &members[i], kind, row);
        lua_setfield(L, table, members[i].name);
    }
}

/* pairs(worker): its fields, and the extras of one made by hand. */
int api_on_pairs(lua_State *L)
{
    const struct api_proxy *proxy = lua_touserdata(L, 1);
    struct policy *p = policy_of(L);
    uint32_t generation;

    lua_newtable(L);
    int table = lua_gettop(L);
    if (!api_row(p, proxy->kind, proxy->row, &generation) || generation != proxy->generation)
        return api_give_pairs(L);
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
    return api_give_pairs(L);
}

int api_on_tostring(lua_State *L)
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
