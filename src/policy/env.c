/*
 * The globals of a policy: a whitelist, never a blacklist (CVE-2022-0543 was a name that a
 * blacklist forgot). What is absent, and why: load, loadstring, string.dump (bytecode is not
 * verified), coroutine and xpcall (each a way round a time limit), collectgarbage and debug
 * (ways into the collector), everything of the operating system.
 */
#include "policy/env_private.h"
#include "rhai/rhai.h"

#include <lauxlib.h>
#include <lualib.h>

/* --- Random numbers, from the seed of the call --------------------------- */

static double next_unit(struct rng *rng)
{
    return (double)(rng_next(rng) >> 11) * 0x1p-53;
}

/* As math.random: no argument, an upper bound, or both bounds. */
static int env_random(lua_State *L)
{
    struct rng *rng = &policy_of(L)->rng;
    int arguments = lua_gettop(L);

    if (arguments == 0) {
        lua_pushnumber(L, next_unit(rng));
        return 1;
    }
    lua_Integer low = arguments == 1 ? 1 : luaL_checkinteger(L, 1);
    lua_Integer high = luaL_checkinteger(L, arguments == 1 ? 1 : 2);
    luaL_argcheck(L, low <= high, arguments == 1 ? 1 : 2, "interval is empty");
    uint64_t span = (uint64_t)high - (uint64_t)low;
    uint64_t drawn = span == UINT64_MAX ? rng_next(rng) : rng_below(rng, span + 1);
    lua_pushinteger(L, (lua_Integer)((uint64_t)low + drawn));
    return 1;
}

/* Seeds are the queen's, so that a recorded decision can be run again. */
static int env_randomseed(lua_State *L)
{
    (void)L;
    return 0;
}

/* --- The whitelist ------------------------------------------------------- */

static const char *const base_names[] = {
    "assert",   "error",    "ipairs", "next",     "pairs",  "pcall",  "select",
    "tonumber", "tostring", "type",   "rawequal", "rawget", "rawlen", "_VERSION",
};

struct library {
    const char *name;
    lua_CFunction open;
    const char *without; /* one of its functions; NULL: whole */
};
static const struct library libraries[] = {
    { LUA_STRLIBNAME, luaopen_string, "dump" },
    { LUA_TABLIBNAME, luaopen_table, NULL },
    { LUA_MATHLIBNAME, luaopen_math, NULL },
    { LUA_UTF8LIBNAME, luaopen_utf8, NULL },
};

static const luaL_Reg replacements[] = {
    { "setmetatable", env_setmetatable },
    { "getmetatable", env_getmetatable },
    { "rawset", env_rawset },
    { NULL, NULL },
};

static void open_library(lua_State *L, int globals, const struct library *library)
{
    lua_pushcfunction(L, library->open);
    lua_pushstring(L, library->name);
    lua_call(L, 1, 1);
    if (library->without) {
        lua_pushnil(L);
        lua_setfield(L, -2, library->without);
    }
    lua_setfield(L, globals, library->name);
}

static void copy_base(lua_State *L, int globals)
{
    lua_pushcfunction(L, luaopen_base); /* leaves the old globals on the stack */
    lua_pushliteral(L, LUA_GNAME);
    lua_call(L, 1, 1);
    for (size_t i = 0; i < sizeof(base_names) / sizeof(base_names[0]); i++) {
        lua_getfield(L, -1, base_names[i]);
        lua_setfield(L, globals, base_names[i]);
    }
    lua_pop(L, 1);
    lua_pushvalue(L, globals);
    luaL_setfuncs(L, replacements, 0);
    lua_pop(L, 1);
}

static void adapt_libraries(lua_State *L, int globals)
{
    lua_getfield(L, globals, LUA_MATHLIBNAME);
    lua_pushcfunction(L, env_random);
    lua_setfield(L, -2, "random");
    lua_pushcfunction(L, env_randomseed);
    lua_setfield(L, -2, "randomseed");
    lua_getfield(L, globals, LUA_TABLIBNAME);
    lua_getfield(L, -1, "unpack");
    lua_setfield(L, globals, "unpack"); /* Lua 5.1's name, which many know */
    lua_pop(L, 2);
}

/* ("x"):find and string.find are the same function, but the way to the former is closed. */
static void protect_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    if (lua_getmetatable(L, -1)) {
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

void env_open(lua_State *L)
{
    lua_newtable(L);
    int globals = lua_gettop(L);

    copy_base(L, globals);
    for (size_t i = 0; i < sizeof(libraries) / sizeof(libraries[0]); i++)
        open_library(L, globals, &libraries[i]);
    adapt_libraries(L, globals);
    protect_strings(L);

    lua_pushvalue(L, globals);
    lua_rawseti(L, LUA_REGISTRYINDEX, LUA_RIDX_GLOBALS);
    lua_pushnil(L);
    lua_setfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pop(L, 1);
}

void env_open_rhai(lua_State *L)
{
    if (luaL_loadbufferx(L, rhai_runtime, rhai_runtime_len, "=rhai", "t") != LUA_OK)
        lua_error(L);
    lua_call(L, 0, 1);
    lua_setglobal(L, "rhai");
}
