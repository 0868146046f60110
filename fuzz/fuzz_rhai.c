/*
 * The Rhai compiler: whatever it takes, Lua must take, with a line of the script for every
 * line; whatever it refuses, it says why.
 */
#include "base/mem.h"
#include "rhai/rhai.h"

#include "expect.h"

#include <lauxlib.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_loads(struct script_lua *lua)
{
    lua_State *state = luaL_newstate();
    size_t lines = 0;

    expect(state != NULL);
    expect(luaL_loadbufferx(state, buf_cstr(&lua->text), buf_len(&lua->text), "=policy", "t") ==
           LUA_OK);
    lua_close(state);
    for (size_t i = 0; i < buf_len(&lua->text); i++)
        lines += buf_cstr(&lua->text)[i] == '\n';
    expect(lines == lua->line_map_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str source = { (const char *)data, size };
    struct diagnostics *d = mem_alloc(1, sizeof(*d));
    struct script_lua lua;

    script_lua_init(&lua);
    if (script_check(SCRIPT_RHAI, &source, d)) {
        int rc = rhai_compile(source, &lua, d);
        expect((rc == 0) == (d->errors == 0));
        if (rc == 0)
            check_loads(&lua);
    } else {
        expect(d->errors == 1);
    }
    script_lua_deinit(&lua);
    free(d);
    return 0;
}
