/*
 * lua_rule - one rule as Lua statements; private to lua_policy.
 */
#pragma once

#include "rules/lua_expr.h"

/* More helpers, beside enum lua_helper. */
enum {
    LUA_STARTING = 8,  /* is_starting(workers, model) */
    LUA_PLATFORM = 16, /* platform_decision(job) */
    LUA_DECIDED = 32,  /* jobs that a rule kept from the rules after it; platform_rest() */
    LUA_NOW = 64,      /* the local `now` */
    LUA_MODELS = 128,  /* per_model(narrow) */
};

struct lua_rules {
    struct lua_text text;
    const struct rule_policy *policy; /* borrowed */
    unsigned uses;                    /* enum lua_helper and the above, of all rules */
};

/* Does it decide whatever comes, so that no rule after it is reached? */
bool lua_rule_is_last(const struct rule_policy *policy, const struct rule *rule);
unsigned lua_rule_uses(const struct rule_policy *policy, const struct rule *rule);

void lua_rule_write_comment(struct lua_rules *w, const struct rule *rule);
void lua_rule_write_per_queue(struct lua_rules *w, const struct rule *rule);
void lua_rule_write_per_job(struct lua_rules *w, const struct rule *rule);

/* `return platform.schedule(context)`, but for jobs that a rule decided. */
void lua_rule_write_platform(struct lua_rules *w);

/* What both dialects write alike (lua_action.c). */
void lua_action_write_worker(struct lua_rules *w, const struct rule *rule);
/* Before the loop over the queue: what of the workers does not depend on the job. */
void lua_action_write_candidates(struct lua_rules *w, const struct rule *rule);
void lua_action_write_victim(struct lua_rules *w, const struct rule *rule);
void lua_action_write_model(struct lua_rules *w, const struct rule *rule);
void lua_action_write_evict(struct lua_rules *w, const struct rule *rule);
void lua_action_write_start(struct lua_rules *w, const struct rule *rule);
void lua_action_write_reason(struct lua_rules *w, const struct rule *rule);
void lua_action_write_wait(struct lua_rules *w, const struct rule *rule); /* of one job */
void lua_action_write_reject(struct lua_rules *w, const struct rule *rule);
/* log.info() of what a shadow rule would have done; `about_job`: to which job. */
void lua_action_write_shadow(struct lua_rules *w, const struct rule *rule, bool about_job);
