/*
 * lua_part - what a condition depends on: it is asked as seldom as that allows.
 */
#pragma once

#include "rules/rule.h"

/* Which parts of a condition are written: they are joined by `and`, each one belongs to
 * the widest of these that it fits. */
enum lua_part {
    LUA_PART_ONCE = 1,   /* metrics, time: the same for all jobs */
    LUA_PART_JOB = 2,    /* and the job and its tenant */
    LUA_PART_WORKER = 4, /* and a worker and its pool */
    LUA_PART_CALLED = 8, /* of these, only what no method of sets can say (lua_filter.h) */
};

/* Is this one, which is not taken apart, written for these parts? */
bool lua_part_has(const struct rule_expr *expr, unsigned parts);

/* enum lua_part bits that a condition has. */
unsigned lua_expr_parts(const struct rule_expr *condition);
/* Is anything written for these parts? */
bool lua_expr_has(const struct rule_expr *condition, unsigned parts);
/* Does what is written for these parts of a worker's look at the job, too? */
bool lua_expr_asks_job(const struct rule_expr *condition, unsigned parts);
