#include "rules/lua_expr.h"

#include "rules/lua_filter.h"
#include "rules/vocabulary.h"

/* How tightly what is written binds; an operand that binds less gets parentheses. */
enum binding { BINDS_OR, BINDS_AND, BINDS_COMPARISON, BINDS_UNARY };

struct writer {
    struct buf *out;
    enum rule_dialect dialect;
    const char *between; /* of the parts of a condition */
};

static void put(const struct writer *w, const char *text)
{
    (void)buf_puts(w->out, text);
}

/* What holds the field of a test. One that may be absent is read through field(). */
static const char *root_of(enum rule_subject subject, bool *ret_is_sure)
{
    static const char *const roots[RULE_SUBJECT_COUNT_] = {
        [RULE_JOB] = "job",       [RULE_WORKER] = "worker",
        [RULE_TENANT] = "tenant", [RULE_POOL] = "get_pool(worker.pool_id)",
        [RULE_TIME] = "now",      [RULE_METRICS] = "context.metrics",
    };

    *ret_is_sure = subject != RULE_TENANT && subject != RULE_POOL;
    return roots[subject];
}

/* The length of a path's first part. All that follows "labels." is one key. */
static size_t head_len(struct str path, bool is_label)
{
    const char *dot = is_label || path.len == 0 ? NULL : memchr(path.p, '.', path.len);

    return dot ? (size_t)(dot - path.p) : path.len;
}

static void write_field_call(const struct writer *w, const char *root, struct str path)
{
    bool is_label = false;

    (void)buf_printf(w->out, "field(%s", root);
    while (path.len > 0) {
        size_t len = head_len(path, is_label);
        struct str part = { path.p, len };

        put(w, ", ");
        lua_text_string(w->out, part);
        is_label = str_eq(part, "labels");
        size_t eaten = len < path.len ? len + 1 : len;
        path = (struct str){ path.p + eaten, path.len - eaten };
    }
    put(w, ")");
}

/* Only schedule_job() decides about one job, for which a worker has an estimate. */
static bool needs_estimate(const struct writer *w, enum rule_subject subject, struct str path)
{
    return w->dialect == RULE_PER_QUEUE && subject == RULE_WORKER && str_eq(path, "estimated_time");
}

static void write_estimate(const struct writer *w)
{
    put(w, "(worker.estimated_time or estimate_job_duration(job, worker))");
}

static void write_path(const struct writer *w, const struct rule_expr *test)
{
    bool is_sure;
    const char *root = root_of(test->subject, &is_sure);

    if (needs_estimate(w, test->subject, test->path)) {
        write_estimate(w);
        return;
    }
    if (!is_sure || head_len(test->path, false) < test->path.len) {
        write_field_call(w, root, test->path);
        return;
    }
    put(w, root);
    lua_text_member(w->out, test->path);
}

static void write_comparison(const struct writer *w, const struct rule_expr *test, const char *sign,
                             const struct rule_value *value)
{
    write_path(w, test);
    (void)buf_printf(w->out, " %s ", sign);
    lua_text_value(w->out, value);
}

/* `type(x) == "number" and x > 1`: only what is of the value's type can match. */
static void write_typed(const struct writer *w, const struct rule_expr *test, const char *sign)
{
    static const char *const types[] = {
        [RULE_NULL] = "nil",
        [RULE_BOOL] = "boolean",
        [RULE_NUMBER] = "number",
        [RULE_TEXT] = "string",
    };

    if (test->values->kind != RULE_NULL && test->subject != RULE_TIME) {
        put(w, "type(");
        write_path(w, test);
        (void)buf_printf(w->out, ") == \"%s\" and ", types[test->values->kind]);
    }
    write_comparison(w, test, sign, test->values);
}

static void write_in(const struct writer *w, const struct rule_expr *test)
{
    for (const struct rule_value *v = test->values; v; v = v->next) {
        write_comparison(w, test, "==", v);
        put(w, v->next ? " or " : "");
    }
}

static void write_contains(const struct writer *w, const struct rule_expr *test)
{
    put(w, "has(");
    write_path(w, test);
    put(w, ", ");
    lua_text_value(w->out, test->values);
    put(w, ")");
}

static void write_matches(const struct writer *w, const struct rule_expr *test)
{
    put(w, "type(");
    write_path(w, test);
    put(w, ") == \"string\" and string.find(");
    write_path(w, test);
    put(w, ", ");
    lua_text_glob(w->out, test->values->text);
    put(w, ") ~= nil");
}

static void write_test(const struct writer *w, const struct rule_expr *test)
{
    static const char *const signs[] = {
        [RULE_EQ] = "==", [RULE_NE] = "~=", [RULE_LT] = "<",
        [RULE_LE] = "<=", [RULE_GT] = ">",  [RULE_GE] = ">=",
    };

    switch (test->op) {
    case RULE_EXISTS:
        write_path(w, test);
        put(w, test->values->is_true ? " ~= nil" : " == nil");
        break;
    case RULE_EQ:
        write_comparison(w, test, "==", test->values);
        break;
    case RULE_NE:
    case RULE_LT:
    case RULE_LE:
    case RULE_GT:
    case RULE_GE:
        write_typed(w, test, signs[test->op]);
        break;
    case RULE_IN:
        write_in(w, test);
        break;
    case RULE_CONTAINS:
        write_contains(w, test);
        break;
    case RULE_MATCHES:
        write_matches(w, test);
        break;
    case RULE_OPERATOR_COUNT_:
        break;
    }
}

static enum binding binding_of_test(const struct rule_expr *test)
{
    switch (test->op) {
    case RULE_IN:
        return test->values->next ? BINDS_OR : BINDS_COMPARISON;
    case RULE_NE:
    case RULE_LT:
    case RULE_LE:
    case RULE_GT:
    case RULE_GE:
    case RULE_MATCHES:
        return BINDS_AND;
    case RULE_CONTAINS:
        return BINDS_UNARY;
    case RULE_EXISTS:
    case RULE_EQ:
    case RULE_OPERATOR_COUNT_:
        break;
    }
    return BINDS_COMPARISON;
}

/* `x ~= 1` reads better than `not (x == 1)`, and is the same. */
static bool is_plain_opposite(const struct rule_expr * not )
{
    const struct rule_expr *test = not ->first;

    return test->kind == RULE_TEST && (test->op == RULE_EQ || test->op == RULE_EXISTS);
}

static void write_not(const struct writer *w, const struct rule_expr * not );

static enum binding binding_of(const struct rule_expr *expr)
{
    switch (expr->kind) {
    case RULE_ANY:
        return BINDS_OR;
    case RULE_ALL:
        return BINDS_AND;
    case RULE_TEST:
        return binding_of_test(expr);
    case RULE_NOT:
        return is_plain_opposite(expr) ? BINDS_COMPARISON : BINDS_UNARY;
    case RULE_ALWAYS:
        break;
    }
    return BINDS_UNARY;
}

static void write_expr(const struct writer *w, const struct rule_expr *expr, enum binding context)
{
    bool wrap = binding_of(expr) < context;

    put(w, wrap ? "(" : "");
    switch (expr->kind) {
    case RULE_ALWAYS:
        put(w, "true");
        break;
    case RULE_NOT:
        write_not(w, expr);
        break;
    case RULE_TEST:
        write_test(w, expr);
        break;
    case RULE_ALL:
    case RULE_ANY:
        for (const struct rule_expr *child = expr->first; child; child = child->next) {
            write_expr(w, child, binding_of(expr));
            if (child->next)
                put(w, expr->kind == RULE_ALL ? " and " : " or ");
        }
        break;
    }
    put(w, wrap ? ")" : "");
}

static void write_not(const struct writer *w, const struct rule_expr * not )
{
    const struct rule_expr *test = not ->first;

    if (!is_plain_opposite(not )) {
        put(w, "not ");
        write_expr(w, test, BINDS_UNARY);
    } else if (test->op == RULE_EQ) {
        write_comparison(w, test, "~=", test->values);
    } else {
        write_path(w, test);
        put(w, test->values->is_true ? " == nil" : " ~= nil");
    }
}

/* Only what stands under `all` can be taken apart. */
static void write_parts(const struct writer *w, const struct rule_expr *expr, unsigned parts,
                        bool *is_first)
{
    if (expr->kind == RULE_ALL) {
        for (const struct rule_expr *child = expr->first; child; child = child->next)
            write_parts(w, child, parts, is_first);
        return;
    }
    if (!lua_part_has(expr, parts))
        return;
    put(w, *is_first ? "" : w->between);
    *is_first = false;
    write_expr(w, expr, BINDS_AND);
}

void lua_expr_write(struct buf *out, const struct rule_expr *condition, unsigned parts,
                    const char *between, enum rule_dialect dialect)
{
    const struct writer w = { .out = out, .dialect = dialect, .between = between };
    bool is_first = true;

    write_parts(&w, condition, parts, &is_first);
}

static void write_field_argument(const struct writer *w, struct str field)
{
    bool is_estimate = needs_estimate(w, RULE_WORKER, field);

    if (head_len(field, false) == field.len && !is_estimate) {
        lua_text_string(w->out, field);
        return;
    }
    put(w, "function(worker) return ");
    if (is_estimate)
        write_estimate(w);
    else
        write_field_call(w, "worker", field);
    put(w, " end");
}

void lua_expr_write_call(struct buf *out, const struct rule_call *call, enum rule_dialect dialect)
{
    const struct writer w = { .out = out, .dialect = dialect };
    const unsigned all = LUA_PART_ONCE | LUA_PART_JOB | LUA_PART_WORKER;

    if (call->filter) {
        lua_filter_write(out, call->filter, all, dialect);
        return;
    }
    (void)buf_printf(out, ".%s(", call->method->name);
    if (call->field.len > 0)
        write_field_argument(&w, call->field);
    if (call->method->args == RULE_ARGS_JOB)
        put(&w, "job");
    for (const struct rule_value *v = call->values; v; v = v->next) {
        lua_text_value(out, v);
        put(&w, v->next ? ", " : "");
    }
    put(&w, ")");
}

unsigned lua_expr_helpers(const struct rule_expr *expr)
{
    unsigned helpers = 0;
    bool is_sure;

    if (expr->kind == RULE_TEST) {
        (void)root_of(expr->subject, &is_sure);
        helpers |= expr->subject == RULE_TENANT ? LUA_TENANT | LUA_FIELD : 0U;
        helpers |= !is_sure || head_len(expr->path, false) < expr->path.len ? LUA_FIELD : 0U;
        helpers |= expr->op == RULE_CONTAINS ? LUA_HAS : 0U;
    }
    for (const struct rule_expr *child = expr->first; child; child = child->next)
        helpers |= lua_expr_helpers(child);
    return helpers;
}

unsigned lua_call_helpers(const struct rule_call *call)
{
    unsigned helpers = 0;

    for (; call; call = call->next) {
        if (call->filter)
            helpers |= lua_expr_helpers(call->filter);
        helpers |= head_len(call->field, false) < call->field.len ? LUA_FIELD : 0U;
    }
    return helpers;
}
