#include "rhai/rhai.h"

#include "rhai/build.h"
#include "rhai/emit.h"
#include "rhai/measure.h"
#include "rhai/parse.h"
#include "rhai/resolve.h"

static bool compile(struct script *script, struct str source, struct script_lua *ret)
{
    parse_script(script, source);
    if (script->diagnostics->errors > 0)
        return false;
    resolve_script(script);
    if (script->diagnostics->errors > 0)
        return false;
    measure_script(script);
    return script->diagnostics->errors == 0 && emit_script(script, ret);
}

int rhai_compile(struct str source, struct script_lua *ret, struct diagnostics *d)
{
    struct script script;

    script_header_read(source, "//", &ret->header);
    script_init(&script, d);
    bool ok = compile(&script, source, ret);
    script_deinit(&script);
    return ok ? 0 : ERR_INVALID;
}
