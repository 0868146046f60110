/*
 * emit - writes a resolved and measured tree as Lua text.
 *
 * The text leans on the runtime library, as R; G are the globals that the host offers, F the
 * script's functions by name and number of parameters, C its constants. A name that begins
 * with one underscore is the emitter's own, one with two a table of variables beyond the
 * number that Lua allows.
 */
#pragma once

#include "rhai/ast.h"

/* False: an error was told. `ret` is init'ed. */
bool emit_script(struct script *script, struct script_lua *ret);
