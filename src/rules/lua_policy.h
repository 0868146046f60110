/*
 * lua_policy - a whole policy as Lua that a person could have written: the helpers it
 * needs, then schedule(context) or schedule_job(job, pools, workers), rule by rule.
 *
 * It speaks the public policy API alone, so it may be taken and deployed as Lua.
 */
#pragma once

#include "rules/read.h"

/* Warns about rules that no job can reach. */
void lua_policy_write(struct rule_reader *r, const struct rule_policy *policy,
                      struct script_lua *ret);
