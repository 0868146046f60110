/*
 * lua_expr - conditions and chains of set methods as Lua expressions that can raise no
 * error: a field that is missing or of another type just does not match.
 */
#pragma once

#include "rules/lua_part.h"
#include "rules/lua_text.h"

/* Local functions that expressions call, written once at the top of the Lua. */
enum lua_helper {
    LUA_FIELD = 1,  /* field(value, "a", "b") */
    LUA_HAS = 2,    /* has(value, item) */
    LUA_TENANT = 4, /* tenant_of(job) */
};

/* `between` joins what stands under `all`: " and ", with a line break in it or not. */
void lua_expr_write(struct buf *out, const struct rule_expr *condition, unsigned parts,
                    const char *between, enum rule_dialect dialect);

void lua_expr_write_call(struct buf *out, const struct rule_call *call, enum rule_dialect dialect);

/* enum lua_helper bits of what they call. */
unsigned lua_expr_helpers(const struct rule_expr *expr);
unsigned lua_call_helpers(const struct rule_call *call);
