/*
 * Policies in YAML: whatever compiles must be Lua that loads, with a line of the source
 * for each of its lines; whatever does not must say why.
 */
#include "rules/rules.h"

#include "expect.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t count_lines(struct str text)
{
    size_t lines = 0;

    for (size_t i = 0; i < text.len; i++)
        lines += text.p[i] == '\n';
    return lines;
}

static void check_lua(const struct script_lua *lua)
{
    struct str text = buf_str(&lua->text);
    lua_State *L = luaL_newstate();

    expect(L != NULL);
    expect(luaL_loadbufferx(L, text.p, text.len, "rules", "t") == LUA_OK);
    lua_close(L);
    expect(lua->line_map_len == count_lines(text));
    for (size_t i = 0; i < lua->line_map_len; i++)
        expect(lua->line_map[i] > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str source = { (const char *)data, size };
    struct diagnostics d = { 0 };
    struct script_lua lua;

    if (!script_check(SCRIPT_YAML, &source, &d))
        return 0;
    script_lua_init(&lua);
    if (rules_compile(source, &lua, &d) == 0) {
        expect(d.errors == 0);
        check_lua(&lua);
    } else {
        expect(d.errors > 0 && d.items[0].message[0] != '\0');
    }
    script_lua_deinit(&lua);
    return 0;
}
