#include "rhai/host_test.h"

#include "base/mem.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

extern const char test_host_lua[];
extern const size_t test_host_lua_len;

static const char *const withheld[] = {
    "collectgarbage", "coroutine", "debug",   "dofile", "io",   "load", "loadfile", "os",
    "print",          "require",   "package", "xpcall", "warn",
};

/* fake(name, members): userdata that reads its members, as the host's objects do. */
static int fake_index(lua_State *lua)
{
    lua_getiuservalue(lua, 1, 1);
    lua_pushvalue(lua, 2);
    lua_gettable(lua, -2);
    return 1;
}

static int fake_newindex(lua_State *lua)
{
    return luaL_error(lua, "field '%s' is read-only", luaL_tolstring(lua, 2, NULL));
}

static int fake_len(lua_State *lua)
{
    lua_getiuservalue(lua, 1, 1);
    lua_len(lua, -1);
    return 1;
}

static int fake_new(lua_State *lua)
{
    static const luaL_Reg methods[] = {
        { "__index", fake_index },
        { "__newindex", fake_newindex },
        { "__len", fake_len },
        { NULL, NULL },
    };
    const char *name = luaL_checkstring(lua, 1);

    lua_newuserdatauv(lua, 0, 1);
    lua_pushvalue(lua, 2);
    lua_setiuservalue(lua, -2, 1);
    if (luaL_newmetatable(lua, name))
        luaL_setfuncs(lua, methods, 0);
    lua_setmetatable(lua, -2);
    return 1;
}

static bool fail(struct test_host *host)
{
    const char *text = lua_tostring(host->lua, -1);
    unsigned line = 0;
    int skip = 0;

    if (text && sscanf(text, "policy:%u: %n", &line, &skip) == 1 && skip > 0)
        (void)snprintf(host->message, sizeof(host->message), "%u: %s",
                       script_lua_line(&host->script, line), text + skip);
    else
        (void)snprintf(host->message, sizeof(host->message), "%s", text ? text : "no text");
    return false;
}

static bool run_chunk(struct test_host *host, const char *text, size_t len, const char *name,
                      int results)
{
    return luaL_loadbufferx(host->lua, text, len, name, "t") == LUA_OK &&
           lua_pcall(host->lua, 0, results, 0) == LUA_OK;
}

struct test_host *test_host_new(void)
{
    struct test_host *host = mem_alloc(1, sizeof(*host));
    lua_State *lua = host->lua = luaL_newstate();

    script_lua_init(&host->script);
    luaL_openlibs(lua);
    for (size_t i = 0; i < sizeof(withheld) / sizeof(withheld[0]); i++) {
        lua_pushnil(lua);
        lua_setglobal(lua, withheld[i]);
    }
    lua_register(lua, "fake", fake_new);
    if (!run_chunk(host, rhai_runtime, rhai_runtime_len, "=rhai", 1)) {
        (void)fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        abort();
    }
    lua_setglobal(lua, "rhai");
    /* By the runtime's name: the true host is C, and no error is of a line of it. */
    if (!run_chunk(host, test_host_lua, test_host_lua_len, "=rhai", 0)) {
        (void)fprintf(stderr, "%s\n", lua_tostring(lua, -1));
        abort();
    }
    return host;
}

void test_host_free(struct test_host *host)
{
    lua_close(host->lua);
    script_lua_deinit(&host->script);
    free(host);
}

bool test_host_load(struct test_host *host, struct str source)
{
    if (!script_check(SCRIPT_RHAI, &source, &host->diagnostics) ||
        rhai_compile(source, &host->script, &host->diagnostics) != 0)
        return false;
    return run_chunk(host, buf_cstr(&host->script.text), buf_len(&host->script.text), "=policy",
                     0) ||
           fail(host);
}

const char *test_host_call(struct test_host *host, const char *entry)
{
    lua_State *lua = host->lua;

    lua_getglobal(lua, "call_entry");
    lua_pushstring(lua, entry);
    if (lua_pcall(lua, 1, 1, 0) != LUA_OK) {
        (void)fail(host);
        return NULL;
    }
    return lua_tostring(lua, -1);
}
