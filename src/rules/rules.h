/*
 * rules - compiles a policy written as YAML rules to Lua 5.4 text that a person could have
 * written, over the public policy API alone.
 *
 * Two dialects, told apart by their top member: `rules:` (seed 003: rules in file order,
 * per job, `select:` strings) and `scheduler:` (seed 004: rules by descending priority,
 * each over the whole queue before the next). No rule matches: the platform policy decides.
 * The schema is policies/rules.schema.json. Read by libyaml's events: no aliases, anchors,
 * tags or merge keys, one document, depth 32, no key twice.
 */
#pragma once

#include "script/script.h"

/* 0, or ERR_INVALID with at least one error in `d`, each with line and column and what was
 * expected ("rules[3].condition: unknown operator 'exits'; did you mean 'exists'?").
 * `ret` is init'ed; `source` passed script_check(). */
MUST_CHECK int rules_compile(struct str source, struct script_lua *ret, struct diagnostics *d);
