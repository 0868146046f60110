/*
 * lua_filter - what a rule says of its workers, as calls on sets of them: by methods of sets
 * where there is one that says the same, else by a function that is called with each worker.
 */
#pragma once

#include "rules/lua_expr.h"

/* `.with_label("tier", "gold").filter(function(worker) return … end)`, with these parts of a
 * condition. */
void lua_filter_write(struct buf *out, const struct rule_expr *condition, unsigned parts,
                      enum rule_dialect dialect);

/* Is this a test that a method of sets makes? */
bool lua_filter_is_method(const struct rule_expr *expr);

/* What a dispatch says of workers whatever the job is: the worker part of its condition, and
 * the calls before this one. Where there is any, it is looked up once per model. */
struct lua_filter_steady {
    bool has_condition;
    const struct rule_call *end; /* the first call that is not part of it; NULL: none is left */
};
/* False: there is none, and `end` is the first call. */
bool lua_filter_find_steady(const struct rule_policy *policy, const struct rule *rule,
                            struct lua_filter_steady *ret);
