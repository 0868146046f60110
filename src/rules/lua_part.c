#include "rules/lua_part.h"

#include "rules/lua_filter.h"

static enum lua_part part_of(const struct rule_expr *expr)
{
    const unsigned once = RULE_SUBJECT_BIT(RULE_METRICS) | RULE_SUBJECT_BIT(RULE_TIME);
    const unsigned workers = RULE_SUBJECT_BIT(RULE_WORKER) | RULE_SUBJECT_BIT(RULE_POOL);

    if (expr->subjects & workers)
        return LUA_PART_WORKER;
    return expr->subjects & ~once ? LUA_PART_JOB : LUA_PART_ONCE;
}

unsigned lua_expr_parts(const struct rule_expr *condition)
{
    unsigned parts = 0;

    if (condition->kind == RULE_ALWAYS)
        return 0;
    if (condition->kind != RULE_ALL)
        return part_of(condition);
    for (const struct rule_expr *child = condition->first; child; child = child->next)
        parts |= lua_expr_parts(child);
    return parts;
}

bool lua_part_has(const struct rule_expr *expr, unsigned parts)
{
    return (part_of(expr) & parts) && !((parts & LUA_PART_CALLED) && lua_filter_is_method(expr));
}

bool lua_expr_has(const struct rule_expr *condition, unsigned parts)
{
    if (condition->kind == RULE_ALWAYS)
        return false;
    if (condition->kind != RULE_ALL)
        return lua_part_has(condition, parts);
    for (const struct rule_expr *child = condition->first; child; child = child->next) {
        if (lua_expr_has(child, parts))
            return true;
    }
    return false;
}

/* A worker's estimate is one for a job. */
static bool looks_at_job(const struct rule_expr *expr)
{
    const unsigned jobs = RULE_SUBJECT_BIT(RULE_JOB) | RULE_SUBJECT_BIT(RULE_TENANT);

    if ((expr->subjects & jobs) || (expr->kind == RULE_TEST && expr->subject == RULE_WORKER &&
                                    str_eq(expr->path, "estimated_time")))
        return true;
    for (const struct rule_expr *child = expr->first; child; child = child->next) {
        if (looks_at_job(child))
            return true;
    }
    return false;
}

bool lua_expr_asks_job(const struct rule_expr *condition, unsigned parts)
{
    if (condition->kind != RULE_ALL)
        return lua_part_has(condition, parts) && looks_at_job(condition);
    for (const struct rule_expr *child = condition->first; child; child = child->next) {
        if (lua_expr_asks_job(child, parts))
            return true;
    }
    return false;
}
