/* Maps whose names are the user's: labels, config, and views of Lua tables. */
#include "policy/api_private.h"

#include <string.h>

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

int api_on_labels_index(lua_State *L)
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

int api_on_labels_pairs(lua_State *L)
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
    return api_give_pairs(L);
}

static const struct snap_config *config_at(const struct snapshot *s, uint32_t i)
{
    return i < s->header.configs && i < SNAP_CONFIG_MAX ? &s->configs[i] : NULL;
}

int api_on_config_index(lua_State *L)
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

int api_on_config_pairs(lua_State *L)
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
    return api_give_pairs(L);
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

int api_on_view_index(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TTABLE)
        api_make_view(L);
    return 1;
}

int api_on_view_len(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    api_push_u64(L, lua_rawlen(L, -1));
    return 1;
}

static int on_view_next(lua_State *L)
{
    int values = api_on_next(L);

    if (values == 2 && lua_istable(L, -1))
        api_make_view(L);
    return values;
}

int api_on_view_pairs(lua_State *L)
{
    (void)lua_getiuservalue(L, 1, 1);
    lua_pushcclosure(L, on_view_next, 1);
    return 1;
}
