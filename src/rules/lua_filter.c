#include "rules/lua_filter.h"

#include "rules/vocabulary.h"

static const char labels[] = "labels.";

static bool is_label(const struct rule_expr *test)
{
    return str_starts(test->path, labels) && test->op == RULE_EQ && test->values->kind == RULE_TEXT;
}

static bool is_region(const struct rule_expr *test)
{
    return str_eq(test->path, "geo.region") && test->op == RULE_EQ &&
           test->values->kind == RULE_TEXT;
}

static bool is_capacity(const struct rule_expr *test)
{
    return str_eq(test->path, "vram_free_mb") && test->op == RULE_GE &&
           test->values->kind == RULE_NUMBER && test->values->is_integer &&
           test->values->integer >= 0;
}

/* Only methods that say exactly the same: ready() and with_capability() say more. */
static const struct {
    const char *name;
    bool (*says)(const struct rule_expr *test);
} methods[] = {
    { "with_label", is_label },
    { "in_region", is_region },
    { "with_capacity", is_capacity },
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

static size_t method_of(const struct rule_expr *expr)
{
    size_t i = 0;

    if (expr->kind != RULE_TEST || expr->subject != RULE_WORKER)
        return METHODS;
    while (i < METHODS && !methods[i].says(expr))
        i++;
    return i;
}

bool lua_filter_is_method(const struct rule_expr *expr)
{
    return method_of(expr) < METHODS;
}

static void write_methods(struct buf *out, const struct rule_expr *expr)
{
    size_t method = method_of(expr);

    if (expr->kind == RULE_ALL) {
        for (const struct rule_expr *child = expr->first; child; child = child->next)
            write_methods(out, child);
        return;
    }
    if (method == METHODS)
        return;
    (void)buf_printf(out, ".%s(", methods[method].name);
    if (methods[method].says == is_label) {
        const size_t before = sizeof(labels) - 1;
        lua_text_string(out, (struct str){ expr->path.p + before, expr->path.len - before });
        (void)buf_puts(out, ", ");
    }
    lua_text_value(out, expr->values);
    (void)buf_puts(out, ")");
}

void lua_filter_write(struct buf *out, const struct rule_expr *condition, unsigned parts,
                      enum rule_dialect dialect)
{
    write_methods(out, condition);
    if (!lua_expr_has(condition, parts | LUA_PART_CALLED))
        return;
    (void)buf_puts(out, ".filter(function(worker) return ");
    lua_expr_write(out, condition, parts | LUA_PART_CALLED, " and ", dialect);
    (void)buf_puts(out, " end)");
}

/* --- Whatever the job is -------------------------------------------------------- */

/* Calls that look at each worker by itself, so that their order does not matter. */
static bool is_steady_call(const struct rule_call *call)
{
    const unsigned all = LUA_PART_ONCE | LUA_PART_JOB | LUA_PART_WORKER;

    switch (call->method->args) {
    case RULE_ARGS_FILTER:
        return !lua_expr_asks_job(call->filter, all);
    case RULE_ARGS_TEXT:
    case RULE_ARGS_TWO_TEXTS:
        return true;
    case RULE_ARGS_NONE:
    case RULE_ARGS_FIELD:
    case RULE_ARGS_NUMBER:
    case RULE_ARGS_JOB:
        break;
    }
    return false;
}

bool lua_filter_find_steady(const struct rule_policy *policy, const struct rule *rule,
                            struct lua_filter_steady *ret)
{
    *ret = (struct lua_filter_steady){ .end = rule->action.calls };
    if (policy->dialect != RULE_PER_QUEUE || rule->action.kind != RULE_DISPATCH)
        return false;
    ret->has_condition = lua_expr_has(rule->condition, LUA_PART_WORKER) &&
                         !lua_expr_asks_job(rule->condition, LUA_PART_WORKER);
    while (ret->end && is_steady_call(ret->end))
        ret->end = ret->end->next;
    return ret->has_condition || ret->end != rule->action.calls;
}
