/* `condition:`, and `filter:` where it is a mapping. */
#include "rules/read.h"

/* Words of seed 003 that stand for a test each. */
static const struct short_form {
    const char *name;
    const char *path;
    enum rule_operator op;
} short_forms[] = {
    { "model_contains", "model_ref", RULE_CONTAINS },
    { "task_type", "type", RULE_EQ },
};

static struct rule_expr *read_mapping(struct rule_reader *r, const struct rule_node *node,
                                      enum rule_subject bare);

static struct rule_value *read_value(struct rule_reader *r, const struct rule_node *node)
{
    static const enum rule_value_kind kinds[] = {
        [RULE_NODE_NULL] = RULE_NULL,
        [RULE_NODE_BOOL] = RULE_BOOL,
        [RULE_NODE_NUMBER] = RULE_NUMBER,
        [RULE_NODE_TEXT] = RULE_TEXT,
    };
    struct rule_value *value = rule_reader_alloc(r, sizeof(*value));

    rule_warn_untyped(r, node);
    *value = (struct rule_value){
        .kind = kinds[node->kind],
        .is_true = node->is_true,
        .is_integer = node->is_integer,
        .integer = node->integer,
        .real = node->real,
        .text = node->text,
    };
    return value;
}

static bool is_scalar(const struct rule_node *node)
{
    return node->kind != RULE_NODE_LIST && node->kind != RULE_NODE_MAPPING;
}

static struct rule_value *read_values(struct rule_reader *r, const struct rule_node *list)
{
    struct rule_value *first = NULL, *last = NULL;

    if (list->kind != RULE_NODE_LIST || list->len == 0) {
        rule_error(r, list, "in takes a list: {in: [a, b]}");
        return NULL;
    }
    for (const struct rule_node *node = list->first; node; node = node->next) {
        if (!is_scalar(node)) {
            rule_error(r, node, "in takes texts, numbers, true and false, not %s",
                       rule_node_kind_name(node->kind));
            return NULL;
        }
        struct rule_value *value = read_value(r, node);
        if (last)
            last->next = value;
        else
            first = value;
        last = value;
    }
    return first;
}

/* `test` has subject, path and operator; `node` what it is compared with. */
static struct rule_expr *read_test(struct rule_reader *r, const struct rule_node *node,
                                   struct rule_expr test)
{
    if (test.op != RULE_IN && !is_scalar(node)) {
        rule_error(r, node, "expected a text, a number, true or false, not %s%s",
                   rule_node_kind_name(node->kind),
                   node->kind == RULE_NODE_LIST ? "; for one of several write {in: [a, b]}" : "");
        return NULL;
    }
    test.values = test.op == RULE_IN ? read_values(r, node) : read_value(r, node);
    return test.values ? rule_test_new(r, node->line, node->column, &test) : NULL;
}

/* `{ge: 9, lt: 17}`: all of them. */
static struct rule_expr *read_operators(struct rule_reader *r, const struct rule_node *mapping,
                                        struct rule_expr test)
{
    struct rule_expr *all = rule_expr_new(r, RULE_ALL), *last = NULL;

    if (mapping->len == 0)
        rule_error(r, mapping, "an operator is missing; for example {exists: true}");
    for (const struct rule_node *member = mapping->first; member; member = member->next) {
        const struct rule_word *op = rule_word_find(rule_operators, member->key->text);

        if (op) {
            test.op = (enum rule_operator)op->value;
            rule_expr_add(all, &last, read_test(r, member, test));
            continue;
        }
        struct rule_hint hint;
        rule_hint_init(&hint, member->key->text);
        rule_hint_offer_rows(&hint, rule_operators, sizeof(rule_operators[0]));
        rule_error(r, member->key, "unknown operator '%s'%s", member->key->text.p,
                   rule_hint_text(&hint));
    }
    return all;
}

/* `all: [...]` and `any: [...]`. */
static struct rule_expr *read_group(struct rule_reader *r, const struct rule_node *list,
                                    enum rule_expr_kind kind, enum rule_subject bare)
{
    struct rule_expr *group = rule_expr_new(r, kind), *last = NULL;

    if (list->kind != RULE_NODE_LIST || list->len == 0)
        rule_error(r, list, "%s takes a list of conditions", list->key->text.p);
    for (const struct rule_node *node = list->first; node && list->kind == RULE_NODE_LIST;
         node = node->next)
        rule_expr_add(group, &last, read_mapping(r, node, bare));
    return group;
}

static struct rule_expr *read_not(struct rule_reader *r, const struct rule_node *node,
                                  enum rule_subject bare)
{
    struct rule_expr *not = rule_expr_new(r, RULE_NOT), *last = NULL;

    rule_expr_add(not, &last, read_mapping(r, node, bare));
    return not ;
}

static const struct short_form *short_form_find(struct str name)
{
    for (size_t i = 0; i < sizeof(short_forms) / sizeof(short_forms[0]); i++) {
        if (str_eq(name, short_forms[i].name))
            return &short_forms[i];
    }
    return NULL;
}

static struct rule_expr *read_member(struct rule_reader *r, const struct rule_node *node,
                                     enum rule_subject bare)
{
    const struct rule_node *key = node->key;
    const struct short_form *form = short_form_find(key->text);
    struct rule_expr test = { .op = RULE_EQ };

    if (str_eq(key->text, "all"))
        return read_group(r, node, RULE_ALL, bare);
    if (str_eq(key->text, "any"))
        return read_group(r, node, RULE_ANY, bare);
    if (str_eq(key->text, "not"))
        return read_not(r, node, bare);
    if (form) {
        test.subject = RULE_JOB;
        test.path = str_of(form->path);
        test.op = form->op;
    } else if (!rule_path_read(r, key->line, key->column, key->text, bare, &test)) {
        return NULL;
    }
    return node->kind == RULE_NODE_MAPPING ? read_operators(r, node, test)
                                           : read_test(r, node, test);
}

static struct rule_expr *read_mapping(struct rule_reader *r, const struct rule_node *node,
                                      enum rule_subject bare)
{
    struct rule_expr *all = rule_expr_new(r, RULE_ALL), *last = NULL;

    if (node->kind != RULE_NODE_MAPPING || node->len == 0) {
        rule_error(r, node, "expected a condition such as {job.priority: batch}, not %s",
                   node->kind == RULE_NODE_MAPPING ? "an empty mapping"
                                                   : rule_node_kind_name(node->kind));
        return NULL;
    }
    for (const struct rule_node *member = node->first; member; member = member->next)
        rule_expr_add(all, &last, read_member(r, member, bare));
    return all;
}

/* `{all: [{a: 1}]}` and `{a: {eq: 1}}` are but `a == 1`. */
static struct rule_expr *simplify(struct rule_expr *expr)
{
    struct rule_expr **link = &expr->first;

    for (struct rule_expr *child = expr->first; child; child = child->next) {
        struct rule_expr *simple = simplify(child);

        simple->next = child->next;
        *link = simple;
        link = &simple->next;
        child = simple;
    }
    bool is_group = expr->kind == RULE_ALL || expr->kind == RULE_ANY;
    return is_group && expr->first && !expr->first->next ? expr->first : expr;
}

struct rule_expr *rule_condition_read(struct rule_reader *r, const struct rule_node *node)
{
    struct rule_hint hint;

    if (str_eq(node->text, "always") || (node->kind == RULE_NODE_BOOL && node->is_true))
        return rule_expr_new(r, RULE_ALWAYS);
    if (node->kind == RULE_NODE_BOOL) {
        rule_error(r, node, "this condition never holds; to switch a rule off write mode: off");
        return NULL;
    }
    if (node->kind == RULE_NODE_TEXT) {
        rule_hint_init(&hint, node->text);
        rule_hint_offer(&hint, "always");
        rule_error(r, node, "a condition is 'always', true or a mapping of tests, not '%.64s'%s",
                   node->text.p, rule_hint_text(&hint));
        return NULL;
    }
    struct rule_expr *expr = read_mapping(r, node, RULE_SUBJECT_COUNT_);
    return expr ? simplify(expr) : NULL;
}

struct rule_expr *rule_filter_read(struct rule_reader *r, const struct rule_node *node)
{
    if (node->kind == RULE_NODE_TEXT)
        return rule_predicate_read(r, node);
    struct rule_expr *expr = read_mapping(r, node, RULE_WORKER);
    return expr ? simplify(expr) : NULL;
}
