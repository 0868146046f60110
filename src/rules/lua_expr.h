/*
 * lua_expr - conditions and chains of set methods as Lua expressions that can raise no
 * error: a field that is missing or of another type just does not match.
 */
#pragma once

#include "rules/lua_text.h"

/* Local functions that expressions call, written once at the top of the Lua. */
enum lua_helper {
    LUA_FIELD = 1,  /* field(value, "a", "b") */
    LUA_HAS = 2,    /* has(value, item) */
    LUA_TENANT = 4, /* tenant_of(job) */
};

/* Which parts of a condition are written: they are joined by `and`, each one belongs to
 * the widest of these that it fits. */
enum lua_part {
    LUA_PART_ONCE = 1,   /* metrics, time: the same for all jobs */
    LUA_PART_JOB = 2,    /* and the job and its tenant */
    LUA_PART_WORKER = 4, /* and a worker and its pool */
};

/* enum lua_part bits that a condition has. */
unsigned lua_expr_parts(const struct rule_expr *condition);

/* `between` joins what stands under `all`: " and ", with a line break in it or not. */
void lua_expr_write(struct buf *out, const struct rule_expr *condition, unsigned parts,
                    const char *between, enum rule_dialect dialect);

/* `.filter(function(worker) return … end)`, with the worker part of a condition. */
void lua_expr_write_filter(struct buf *out, const struct rule_expr *condition, unsigned parts,
                           enum rule_dialect dialect);
void lua_expr_write_call(struct buf *out, const struct rule_call *call, enum rule_dialect dialect);

/* enum lua_helper bits of what they call. */
unsigned lua_expr_helpers(const struct rule_expr *expr);
unsigned lua_call_helpers(const struct rule_call *call);
