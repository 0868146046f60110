/*
 * The grammar of strings inside YAML:
 *
 *   select     = "workers" { "." method [ "(" [ argument { "," argument } ] ")" ] }
 *   argument   = predicate | field | number | string
 *   predicate  = and { ( "||" | "or" ) and }
 *   and        = unary { ( "&&" | "and" ) unary }
 *   unary      = ( "!" | "not" ) unary | "(" predicate ")" | comparison
 *   comparison = field [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" | "contains" | "matches" ) literal
 * ] literal    = number | 'string' | "string" | "true" | "false"
 *
 * A field stands for the worker's; alone, it must be true.
 */
#include "rules/read.h"

enum { NESTING_MAX = 32, CALLS_MAX = 64, COMPARISONS_MAX = 256 };

struct parser {
    struct rule_reader *r;
    const struct rule_node *node; /* borrowed; the string and its place */
    struct str text;
    size_t at;
    unsigned depth, comparisons;
};

static void skip_blanks(struct parser *p)
{
    while (p->at < p->text.len && memchr(" \t\r\n", p->text.p[p->at], 4))
        p->at++;
}

static struct str rest(struct parser *p)
{
    skip_blanks(p);
    return (struct str){ p->text.p + p->at, p->text.len - p->at };
}

static void place(const struct parser *p, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    rule_node_place(p->node, offset, ret_line, ret_column);
}

static void *fail(struct parser *p, size_t offset, const char *text)
{
    unsigned line, column;

    place(p, offset, &line, &column);
    rule_error_at(p->r, line, column, "%s", text);
    return NULL;
}

static bool is_name_byte(char c, bool is_first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           (!is_first && c >= '0' && c <= '9');
}

/* The name ahead, dots in it when allowed; empty when there is none. */
static struct str peek_name(struct parser *p, bool with_dots)
{
    struct str s = rest(p);
    size_t len = 0;

    while (len < s.len) {
        bool is_first = len == 0 || s.p[len - 1] == '.';
        bool is_dot = with_dots && !is_first && s.p[len] == '.' && len + 1 < s.len &&
                      is_name_byte(s.p[len + 1], true);
        if (!is_dot && !is_name_byte(s.p[len], is_first))
            break;
        len++;
    }
    return (struct str){ s.p, len };
}

static bool take(struct parser *p, const char *sign)
{
    if (!str_starts(rest(p), sign))
        return false;
    p->at += strlen(sign);
    return true;
}

static bool take_word(struct parser *p, const char *word)
{
    struct str name = peek_name(p, false);

    if (!str_eq(name, word))
        return false;
    p->at += name.len;
    return true;
}

static struct rule_value *new_value(struct parser *p, enum rule_value_kind kind, struct str text)
{
    struct rule_value *value = rule_reader_alloc(p->r, sizeof(*value));

    char *copy = rule_reader_alloc(p->r, text.len + 1);
    if (text.len > 0)
        memcpy(copy, text.p, text.len);
    *value = (struct rule_value){ .kind = kind, .text = { copy, text.len } };
    return value;
}

static struct rule_value *read_string(struct parser *p, char quote)
{
    struct str s = rest(p);
    const char *end = memchr(s.p + 1, quote, s.len - 1);

    if (!end)
        return fail(p, p->at, "this string does not end; its closing quote is missing");
    size_t len = (size_t)(end - s.p) - 1;
    p->at += len + 2;
    return new_value(p, RULE_TEXT, (struct str){ s.p + 1, len });
}

static struct rule_value *read_number(struct parser *p)
{
    struct str s = rest(p);
    size_t len = 0;

    while (len < s.len && (is_name_byte(s.p[len], false) || s.p[len] == '.' ||
                           (s.p[len] == '-' && (len == 0 || (s.p[len - 1] | 0x20) == 'e'))))
        len++;
    struct rule_node number = { .kind = RULE_NODE_TEXT, .text = { s.p, len } };
    rule_node_type(&number);
    if (number.kind != RULE_NODE_NUMBER)
        return fail(p, p->at, "this is no number");
    p->at += len;
    struct rule_value *value = new_value(p, RULE_NUMBER, number.text);
    value->is_integer = number.is_integer;
    value->integer = number.integer;
    value->real = number.real;
    return value;
}

static struct rule_value *read_literal(struct parser *p)
{
    struct str s = rest(p);
    struct str name = peek_name(p, false);
    bool is_true = str_eq(name, "true");

    if (s.len > 0 && (s.p[0] == '\'' || s.p[0] == '"'))
        return read_string(p, s.p[0]);
    if (s.len > 0 && (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')))
        return read_number(p);
    if (!is_true && !str_eq(name, "false"))
        return fail(p, p->at, "expected a number, a 'text', true or false");
    p->at += name.len;
    struct rule_value *value = new_value(p, RULE_BOOL, name);
    value->is_true = is_true;
    return value;
}

/* Longer signs before those that they begin with. */
static const struct {
    const char *sign;
    enum rule_operator op;
} signs[] = {
    { "==", RULE_EQ }, { "!=", RULE_NE }, { "<=", RULE_LE },
    { ">=", RULE_GE }, { "<", RULE_LT },  { ">", RULE_GT },
};

/* False when no comparison follows. */
static bool take_operator(struct parser *p, enum rule_operator *ret)
{
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (take(p, signs[i].sign)) {
            *ret = signs[i].op;
            return true;
        }
    }
    *ret = take_word(p, "contains") ? RULE_CONTAINS : RULE_MATCHES;
    return *ret == RULE_CONTAINS || take_word(p, "matches");
}

static struct rule_expr *read_comparison(struct parser *p)
{
    struct str field = peek_name(p, true);
    struct rule_expr test = { 0 };
    unsigned line, column;
    size_t start = p->at;

    if (++p->comparisons > COMPARISONS_MAX)
        return fail(p, p->at, "too many comparisons; at most 256 are allowed");
    if (field.len == 0 || str_eq(field, "true") || str_eq(field, "false"))
        return fail(p, p->at, "expected the name of a worker's field, such as gpus");
    p->at += field.len;
    place(p, start, &line, &column);
    if (!rule_path_read(p->r, line, column, field, RULE_WORKER, &test))
        return NULL;
    if (take_operator(p, &test.op)) {
        test.values = read_literal(p);
    } else if (str_starts(rest(p), "=")) {
        return fail(p, p->at, "to compare write ==");
    } else {
        test.op = RULE_EQ;
        test.values = new_value(p, RULE_BOOL, str_of("true"));
        test.values->is_true = true;
    }
    return test.values ? rule_test_new(p->r, line, column, &test) : NULL;
}

static struct rule_expr *read_any(struct parser *p);

static struct rule_expr *read_unary(struct parser *p)
{
    struct rule_expr *expr, *inner;

    if (p->depth >= NESTING_MAX)
        return fail(p, p->at, "nested too deep; at most 32 levels are allowed");
    p->depth++;
    if (take(p, "!") || take_word(p, "not")) {
        inner = read_unary(p);
        expr = inner ? rule_expr_new(p->r, RULE_NOT) : NULL;
        if (expr)
            rule_expr_add(expr, &(struct rule_expr *){ NULL }, inner);
    } else if (take(p, "(")) {
        expr = read_any(p);
        if (expr && !take(p, ")"))
            expr = fail(p, p->at, "expected ')'");
    } else {
        expr = read_comparison(p);
    }
    p->depth--;
    return expr;
}

/* `inner { sign inner }`; one alone is itself. */
static struct rule_expr *read_chain(struct parser *p, enum rule_expr_kind kind,
                                    struct rule_expr *(*inner)(struct parser *), const char *sign,
                                    const char *word)
{
    struct rule_expr *first = inner(p), *group = NULL, *last = NULL;

    while (first && (take(p, sign) || take_word(p, word))) {
        if (!group) {
            group = rule_expr_new(p->r, kind);
            rule_expr_add(group, &last, first);
        }
        struct rule_expr *more = inner(p);
        if (!more)
            return NULL;
        rule_expr_add(group, &last, more);
    }
    return group ? group : first;
}

static struct rule_expr *read_all(struct parser *p)
{
    return read_chain(p, RULE_ALL, read_unary, "&&", "and");
}

static struct rule_expr *read_any(struct parser *p)
{
    return read_chain(p, RULE_ANY, read_all, "||", "or");
}

static bool read_field_argument(struct parser *p, struct rule_call *call)
{
    struct str name = peek_name(p, true);
    struct rule_expr test = { 0 };
    unsigned line, column;

    if (name.len == 0) {
        (void)fail(p, p->at, "expected the name of a field, such as min_by(cost_per_token)");
        return false;
    }
    place(p, p->at, &line, &column);
    if (!rule_path_read(p->r, line, column, name, RULE_WORKER, &test))
        return false;
    if (test.subject != RULE_WORKER) {
        (void)fail(p, p->at, "expected a field of the workers");
        return false;
    }
    p->at += name.len;
    call->field = test.path;
    return true;
}

static bool read_literals(struct parser *p, struct rule_call *call, enum rule_value_kind kind,
                          size_t count, const char *wanted)
{
    struct rule_value **link = &call->values;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && !take(p, ",")) {
            (void)fail(p, p->at, wanted);
            return false;
        }
        size_t start = p->at;
        *link = read_literal(p);
        if (!*link)
            return false;
        if ((*link)->kind != kind) {
            (void)fail(p, start, wanted);
            return false;
        }
        link = &(*link)->next;
    }
    return true;
}

static bool read_arguments(struct parser *p, struct rule_call *call)
{
    switch (call->method->args) {
    case RULE_ARGS_NONE:
        return true;
    case RULE_ARGS_FILTER:
        call->filter = read_any(p);
        return call->filter != NULL;
    case RULE_ARGS_FIELD:
        return read_field_argument(p, call);
    case RULE_ARGS_TEXT:
        return read_literals(p, call, RULE_TEXT, 1, "expected a 'text'");
    case RULE_ARGS_TWO_TEXTS:
        return read_literals(p, call, RULE_TEXT, 2, "expected two texts: ('tier', 'fast')");
    case RULE_ARGS_NUMBER:
        return read_literals(p, call, RULE_NUMBER, 1, "expected a number");
    case RULE_ARGS_JOB:
        (void)take_word(p, "job");
        return true;
    }
    return false;
}

static bool needs_argument(const struct rule_method *method)
{
    return method->args != RULE_ARGS_NONE && method->args != RULE_ARGS_JOB;
}

static const struct rule_method *read_method(struct parser *p)
{
    struct str name = peek_name(p, false);
    const struct rule_method *method = rule_method_find(name);
    unsigned line, column;

    place(p, p->at, &line, &column);
    if (!method) {
        struct rule_hint hint;
        rule_hint_init(&hint, name);
        rule_hint_offer_rows(&hint, rule_methods, sizeof(rule_methods[0]));
        rule_error_at(p->r, line, column, "unknown method '%.*s'%s", STR_ARG(name),
                      rule_hint_text(&hint));
    } else if (method->gives == RULE_GIVES_OTHER) {
        rule_error_at(p->r, line, column, "%s() gives no worker; a select ends with one",
                      method->name);
        method = NULL;
    }
    p->at += name.len;
    return method;
}

static struct rule_call *read_call(struct parser *p)
{
    struct rule_call *call = rule_reader_alloc(p->r, sizeof(*call));

    if (!take(p, "."))
        return fail(p, p->at, "expected a method, such as .first()");
    call->method = read_method(p);
    if (!call->method)
        return NULL;
    if (!take(p, "("))
        return needs_argument(call->method) ? fail(p, p->at, "expected '(' and an argument") : call;
    if (!read_arguments(p, call))
        return NULL;
    return take(p, ")") ? call : fail(p, p->at, "expected ')'");
}

static bool begin(struct parser *p, struct rule_reader *r, const struct rule_node *node)
{
    struct str text;

    *p = (struct parser){ .r = r, .node = node };
    if (node->kind != RULE_NODE_TEXT) {
        (void)rule_read_text(r, node, &text);
        if (node->text.p)
            rule_error(r, node, "expected a text such as \"workers.first()\"");
        return false;
    }
    p->text = node->text;
    return true;
}

struct rule_call *rule_select_read(struct rule_reader *r, const struct rule_node *node)
{
    struct rule_call *first = NULL, *last = NULL;
    struct parser p;
    size_t count = 0;

    if (!begin(&p, r, node))
        return NULL;
    if (!take_word(&p, "workers"))
        return fail(&p, p.at, "a select begins with 'workers'");
    do {
        if (last && last->method->gives == RULE_GIVES_WORKER)
            return fail(&p, p.at, "nothing can follow: the method before gave one worker");
        if (++count > CALLS_MAX)
            return fail(&p, p.at, "too many methods; at most 64 are allowed");
        struct rule_call *call = read_call(&p);
        if (!call)
            return NULL;
        if (last)
            last->next = call;
        else
            first = call;
        last = call;
    } while (rest(&p).len > 0);
    if (last->method->gives != RULE_GIVES_WORKER)
        return fail(&p, p.at, "this gives many workers; end with one, such as .first()");
    return first;
}

struct rule_expr *rule_predicate_read(struct rule_reader *r, const struct rule_node *node)
{
    struct parser p;
    struct rule_expr *expr = begin(&p, r, node) ? read_any(&p) : NULL;

    if (expr && rest(&p).len > 0)
        return fail(&p, p.at, "expected && or ||, or the end");
    return expr;
}
