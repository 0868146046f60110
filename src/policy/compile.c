/* What each language needs to become Lua. */
#include "policy/policy.h"
#include "rhai/rhai.h"
#include "rules/rules.h"

static int lua_compile(struct str source, struct script_lua *ret, struct diagnostics *d)
{
    unsigned line = 1;

    (void)d; /* Lua itself checks, when it loads the text */
    script_header_read(source, "--", &ret->header);
    (void)buf_add(&ret->text, source.p, source.len);
    for (size_t i = 0; i < source.len; i++) {
        if (source.p[i] == '\n')
            script_lua_map_line(ret, line++);
    }
    script_lua_map_line(ret, line);
    return 0;
}

static int (*const compilers[SCRIPT_LANGUAGE_COUNT_])(struct str source, struct script_lua *ret,
                                                      struct diagnostics *d) = {
    [SCRIPT_LUA] = lua_compile,
    [SCRIPT_YAML] = rules_compile,
    [SCRIPT_RHAI] = rhai_compile,
};

int policy_compile(enum script_language language, struct str source, struct script_lua *ret,
                   struct diagnostics *d)
{
    if (!script_check(language, &source, d))
        return ERR_INVALID;
    return compilers[language](source, ret, d);
}
