/*
 * rhai - compiles a policy written in Rhai to Lua 5.4 text.
 *
 * The language is that of the Rhai book (1.x) as far as schedulers need it; what is left
 * out (import, eval, Fn(expr), curry, timestamp, blobs, typed methods, custom operators,
 * decimals, bit-fields, `global` but for consts) is a compile error with its position.
 * Semantics are Rhai's, not Lua's: conditions are bool, arrays count from 0, integers are
 * 64 bit and checked, arrays and maps have value semantics, blocks have values, strings
 * count in characters, closures share what they capture. The Lua text leans on the
 * runtime library of rhai_runtime (a Lua module that policy states offer as `rhai`).
 *
 * Objects of the host (workers, jobs, sets) are userdata of the policy API: properties and
 * methods reach them by name, lists of them count from 0 here as everything in Rhai.
 *
 * A script's functions named as entry points (POLICY-API "Entry points") become Lua
 * globals of that name, called by position; what they return is turned into plain Lua
 * values (maps to tables, arrays to sequences).
 */
#pragma once

#include "script/script.h"

/* 0, or ERR_INVALID with at least one error in `d`. `ret` is init'ed; its text and map are
 * filled. `source` passed script_check(). Thread-safe; recursion is bounded. */
MUST_CHECK int rhai_compile(struct str source, struct script_lua *ret, struct diagnostics *d);

/* The runtime library, Lua source text: a chunk that returns the table that generated code
 * calls `rhai`. It needs only: error ipairs next pairs pcall select tostring tonumber type
 * rawequal rawget rawlen rawset setmetatable getmetatable string table math utf8. */
extern const char rhai_runtime[];
extern const size_t rhai_runtime_len;
