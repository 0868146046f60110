/*
 * Metatables without finalizers and weak tables. A script could abuse their order of events,
 * and Lua 5.4 before 5.4.8 uses freed memory when a weak metatable meets an emergency
 * collection, which the memory limit provokes.
 *
 * __gc counts only when a metatable is set, so a look at it then is enough. __mode counts
 * whenever a collection looks: so each metatable gets one of its own, the guard, which refuses
 * that key and otherwise does what the script's own metatable for it does. Scripts never see a
 * guard.
 */
#include "policy/env_private.h"

#include <lauxlib.h>

/* Key of a guard: the metatable that the script set, or false. Its address is the key. */
static const char own_key;

static const char refusal[] = "setmetatable: '%s' is not available to policies";

static void refuse_key(lua_State *L, const char *key)
{
    lua_pushstring(L, key);
    if (lua_rawget(L, 2) != LUA_TNIL)
        luaL_error(L, refusal, key);
    lua_pop(L, 1);
}

static void refuse_weakness(lua_State *L, int key)
{
    if (lua_type(L, key) == LUA_TSTRING && strcmp(lua_tostring(L, key), "__mode") == 0)
        luaL_error(L, refusal, "__mode");
}

/* The guard of the table at `index` is pushed; false, and nothing, when it has none. */
static bool push_guard(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index))
        return false;
    int type = lua_rawgetp(L, -1, &own_key);
    lua_pop(L, type == LUA_TNIL ? 2 : 1);
    return type != LUA_TNIL;
}

/* Of a guard, with the script's own metatable, or false, as upvalue. */
static int on_newindex(lua_State *L)
{
    int type = LUA_TNIL;

    refuse_weakness(L, 2);
    if (lua_istable(L, lua_upvalueindex(1))) {
        lua_pushliteral(L, "__newindex");
        type = lua_rawget(L, lua_upvalueindex(1));
    }
    if (type == LUA_TNIL) {
        lua_settop(L, 3);
        lua_rawset(L, 1);
    } else if (type == LUA_TFUNCTION) {
        lua_insert(L, 1);
        lua_call(L, 3, 0);
    } else {
        lua_replace(L, 1);
        lua_settable(L, 1);
    }
    return 0;
}

/* But __gc, which was set too late to count. */
static void copy_fields(lua_State *L, int from, int to)
{
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, to);
    }
    lua_pushnil(L);
    lua_setfield(L, to, "__gc");
}

/* Give the table at `index` a guard with what the metatable at `own` (a table or false) says. */
static void set_guard(lua_State *L, int index, int own)
{
    lua_newtable(L);
    int guard = lua_gettop(L);
    if (lua_istable(L, own))
        copy_fields(L, own, guard);
    lua_pushvalue(L, own);
    lua_rawsetp(L, guard, &own_key);
    lua_pushvalue(L, own);
    lua_pushcclosure(L, on_newindex, 1);
    lua_setfield(L, guard, "__newindex");
    lua_setmetatable(L, index);
}

/* The table at 2 becomes somebody's metatable. */
static void guard_metatable(lua_State *L)
{
    if (push_guard(L, 2)) {
        lua_pop(L, 1);
        return;
    }
    if (!lua_getmetatable(L, 2))
        lua_pushboolean(L, 0);
    set_guard(L, 2, lua_gettop(L));
    lua_pop(L, 1);
}

int env_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2)) {
        luaL_checktype(L, 2, LUA_TTABLE);
        refuse_key(L, "__gc");
        refuse_key(L, "__mode");
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "setmetatable: this metatable is protected");
    if (!lua_isnil(L, 2))
        guard_metatable(L);
    if (push_guard(L, 1)) { /* it is a metatable itself */
        if (lua_isnil(L, 2))
            lua_pushboolean(L, 0);
        else
            lua_pushvalue(L, 2);
        set_guard(L, 1, lua_gettop(L));
    } else {
        lua_pushvalue(L, 2);
        lua_setmetatable(L, 1);
    }
    lua_settop(L, 1);
    return 1;
}

int env_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    lua_settop(L, 1);
    if (!lua_istable(L, 1) || !lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return 1;
    if (lua_rawgetp(L, 2, &own_key) == LUA_TNIL)
        lua_settop(L, 2);
    else if (!lua_toboolean(L, -1))
        lua_pushnil(L);
    return 1;
}

int env_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    refuse_weakness(L, 2);
    lua_rawset(L, 1);
    return 1;
}
