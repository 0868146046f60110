/* The document and its rules. */
#include "rules/read.h"

#include <stdio.h>

enum { RULE_NAME_BYTES_MAX = 100 };

static const char *const per_job_keys[] = { "rules", "name", "version", "description", NULL };
static const char *const per_queue_keys[] = { "scheduler", NULL };
static const char *const scheduler_keys[] = { "name", "version", "description", "rules", NULL };
static const char *const rule_keys[] = { "name",     "description", "condition", "action",
                                         "priority", "mode",        NULL };

/* Cut to what the header has room for, at a whole character. */
static void read_header_text(struct rule_reader *r, const struct rule_node *mapping,
                             const char *key, char *dst, size_t size)
{
    const struct rule_node *node = rule_node_get(mapping, key);
    struct str text;

    if (!node || !rule_read_text(r, node, &text))
        return;
    if (text.len >= size)
        rule_error(r, node, "%s is too long; at most %zu bytes are kept", key, size - 1);
    else
        (void)str_copy(dst, size, text);
}

static void read_header(struct rule_reader *r, const struct rule_node *mapping,
                        struct script_header *ret)
{
    read_header_text(r, mapping, "name", ret->name, sizeof(ret->name));
    read_header_text(r, mapping, "version", ret->version, sizeof(ret->version));
    read_header_text(r, mapping, "description", ret->description, sizeof(ret->description));
}

static void read_mode(struct rule_reader *r, const struct rule_node *node, enum rule_mode *ret)
{
    /* `off` is what YAML 1.1 calls false; here it is the text that it looks like. */
    const struct rule_word *mode = rule_word_find(rule_modes, node->text);
    struct rule_hint hint;

    if (mode) {
        *ret = (enum rule_mode)mode->value;
        return;
    }
    rule_hint_init(&hint, node->text);
    rule_hint_offer_rows(&hint, rule_modes, sizeof(rule_modes[0]));
    rule_error(r, node, "mode must be enforce, shadow or off%s", rule_hint_text(&hint));
}

static const struct rule_node *need(struct rule_reader *r, const struct rule_node *mapping,
                                    const char *key, const char *example)
{
    const struct rule_node *node = rule_node_get(mapping, key);

    if (!node)
        rule_error(r, mapping, "%s is missing; for example %s", key, example);
    return node;
}

static void set_where(struct rule_reader *r, size_t index, const char *section)
{
    (void)snprintf(r->where, sizeof(r->where), "rules[%zu]%s", index, section);
}

/* It goes into reasons of decisions, which have a bound. */
static void read_rule_name(struct rule_reader *r, const struct rule_node *node, struct str *ret)
{
    if (rule_read_text(r, node, ret) && ret->len > RULE_NAME_BYTES_MAX)
        rule_error(r, node, "name is too long; at most %d bytes are allowed", RULE_NAME_BYTES_MAX);
}

static void read_rule(struct rule_reader *r, const struct rule_node *node, size_t index,
                      struct rule *ret)
{
    const struct rule_node *name, *condition, *action, *other;

    set_where(r, index, "");
    ret->line = node->line;
    ret->column = node->column;
    if (node->kind != RULE_NODE_MAPPING) {
        rule_error(r, node, "a rule must be a mapping with name, condition and action");
        return;
    }
    name = rule_node_get(node, "name");
    if (name && name->text.len > 0)
        r->rule = name->text;
    rule_check_keys(r, node, rule_keys);
    if (need(r, node, "name", "name: large models"))
        read_rule_name(r, name, &ret->name);
    condition = need(r, node, "condition", "condition: always");
    action = need(r, node, "action", "action: {use: platform-scheduler}");
    if ((other = rule_node_get(node, "priority")) != NULL)
        (void)rule_read_integer(r, other, -1000000, 1000000, &ret->priority);
    if ((other = rule_node_get(node, "mode")) != NULL)
        read_mode(r, other, &ret->mode);
    if (condition) {
        set_where(r, index, ".condition");
        ret->condition = rule_condition_read(r, condition);
    }
    if (action) {
        set_where(r, index, ".action");
        rule_action_read(r, action, &ret->action);
    }
}

static void read_rules(struct rule_reader *r, const struct rule_node *list,
                       struct rule_policy *policy)
{
    size_t index = 0;

    policy->line = list->line;
    if (list->kind != RULE_NODE_LIST || list->len == 0) {
        rule_error(r, list, "rules must be a list of at least one rule");
        return;
    }
    if (list->len > RULES_MAX) {
        rule_error(r, list, "%zu rules; at most %d are allowed", list->len, RULES_MAX);
        return;
    }
    policy->rules = rule_reader_alloc(r, list->len * sizeof(*policy->rules));
    policy->len = list->len;
    for (const struct rule_node *node = list->first; node; node = node->next, index++) {
        r->rule = (struct str){ 0 };
        read_rule(r, node, index, &policy->rules[index]);
    }
    r->rule = (struct str){ 0 };
    r->where[0] = '\0';
}

/* By descending priority, in file order where that is equal. */
static void sort_rules(struct rule_policy *policy)
{
    for (size_t i = 1; i < policy->len; i++) {
        struct rule rule = policy->rules[i];
        size_t to = i;

        for (; to > 0 && policy->rules[to - 1].priority < rule.priority; to--)
            policy->rules[to] = policy->rules[to - 1];
        policy->rules[to] = rule;
    }
}

static void warn_about_priorities(struct rule_reader *r, const struct rule_node *rules)
{
    for (const struct rule_node *rule = rules->first; rule; rule = rule->next) {
        const struct rule_node *priority = rule_node_get(rule, "priority");

        if (priority)
            rule_warning(r, priority,
                         "priority counts under 'scheduler:' only; here rules are in file order");
    }
}

static const struct rule_node *rules_of(struct rule_reader *r, const struct rule_node *mapping)
{
    return mapping->kind == RULE_NODE_MAPPING
               ? need(r, mapping, "rules", "rules: [{name: ..., condition: ..., action: ...}]")
               : NULL;
}

static void read_scheduler(struct rule_reader *r, const struct rule_node *root,
                           struct rule_policy *policy)
{
    const struct rule_node *scheduler = rule_node_get(root, "scheduler");

    policy->dialect = RULE_PER_QUEUE;
    policy->line = scheduler->line;
    rule_check_keys(r, root, per_queue_keys);
    if (scheduler->kind != RULE_NODE_MAPPING) {
        rule_error(r, scheduler, "scheduler must be a mapping with name and rules");
        return;
    }
    rule_check_keys(r, scheduler, scheduler_keys);
    read_header(r, scheduler, &policy->header);
    const struct rule_node *rules = rules_of(r, scheduler);
    if (!rules)
        return;
    read_rules(r, rules, policy);
    sort_rules(policy);
}

struct rule_policy *rule_policy_read(struct rule_reader *r, const struct rule_node *root)
{
    struct rule_policy *policy = rule_reader_alloc(r, sizeof(*policy));

    if (rule_node_get(root, "scheduler")) {
        read_scheduler(r, root, policy);
    } else if (rule_node_get(root, "rules")) {
        const struct rule_node *rules = rule_node_get(root, "rules");
        policy->dialect = RULE_PER_JOB;
        rule_check_keys(r, root, per_job_keys);
        read_header(r, root, &policy->header);
        read_rules(r, rules, policy);
        warn_about_priorities(r, rules);
    } else {
        rule_error(r, root, "a policy begins with 'rules:' or 'scheduler:'");
        if (root->kind == RULE_NODE_MAPPING)
            rule_check_keys(r, root, (const char *const[]){ "rules", "scheduler", NULL });
    }
    return r->d->errors == 0 ? policy : NULL;
}
