#include "rules/read.h"

#include <assert.h>
#include <stdio.h>

static void __attribute__((format(printf, 5, 0)))
tell(struct rule_reader *r, bool is_warning, unsigned line, unsigned column, const char *fmt,
     va_list args)
{
    char message[DIAGNOSTIC_MESSAGE_SIZE];

    if (is_warning && r->d->warnings >= RULE_WARNINGS_MAX) {
        r->d->warnings++;
        return;
    }
    (void)vsnprintf(message, sizeof(message), fmt, args);
    struct diagnostic *item = diagnostics_add(r->d, is_warning, line, column, "%s%s%s", r->where,
                                              r->where[0] != '\0' ? ": " : "", message);
    if (!item)
        return;
    struct str name = r->rule;
    while (name.len >= sizeof(item->rule) ||
           (name.len > 0 && name.len < r->rule.len && (name.p[name.len] & 0xc0) == 0x80))
        name.len--;
    (void)str_copy(item->rule, sizeof(item->rule), name);
}

void rule_error_at(struct rule_reader *r, unsigned line, unsigned column, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(r, false, line, column, fmt, args);
    va_end(args);
}

void rule_error(struct rule_reader *r, const struct rule_node *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(r, false, at->line, at->column, fmt, args);
    va_end(args);
}

void rule_warning(struct rule_reader *r, const struct rule_node *at, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    tell(r, true, at->line, at->column, fmt, args);
    va_end(args);
}

void *rule_reader_alloc(struct rule_reader *r, size_t size)
{
    void *p = arena_alloc(r->arena, size);

    assert(p);
    return p;
}

static bool is_one_of(struct str word, const char *const *known)
{
    for (; *known; known++) {
        if (str_eq(word, *known))
            return true;
    }
    return false;
}

void rule_check_keys(struct rule_reader *r, const struct rule_node *mapping,
                     const char *const *known)
{
    for (const struct rule_node *member = mapping->first; member; member = member->next) {
        struct rule_hint hint;

        if (is_one_of(member->key->text, known))
            continue;
        rule_hint_init(&hint, member->key->text);
        for (const char *const *name = known; *name; name++)
            rule_hint_offer(&hint, *name);
        rule_error(r, member->key, "unknown key '%s'%s", member->key->text.p,
                   rule_hint_text(&hint));
    }
}

void rule_warn_untyped(struct rule_reader *r, const struct rule_node *node)
{
    if (node->looks_typed)
        rule_warning(r, node, "'%s' is a text here; write true, false or null, or quote it",
                     node->text.p);
}

bool rule_read_text(struct rule_reader *r, const struct rule_node *node, struct str *ret)
{
    const char *key = node->key ? node->key->text.p : "a value";

    if (node->kind == RULE_NODE_LIST || node->kind == RULE_NODE_MAPPING ||
        node->kind == RULE_NODE_NULL) {
        rule_error(r, node, "%s must be a text, not %s", key, rule_node_kind_name(node->kind));
        return false;
    }
    if (node->text.len == 0) {
        rule_error(r, node, "%s must not be empty", key);
        return false;
    }
    rule_warn_untyped(r, node);
    *ret = node->text;
    return true;
}

bool rule_read_integer(struct rule_reader *r, const struct rule_node *node, int64_t min,
                       int64_t max, int64_t *ret)
{
    const char *key = node->key ? node->key->text.p : "a value";

    if (node->kind != RULE_NODE_NUMBER || !node->is_integer || node->integer < min ||
        node->integer > max) {
        rule_error(r, node, "%s must be a whole number from %lld to %lld", key, (long long)min,
                   (long long)max);
        return false;
    }
    *ret = node->integer;
    return true;
}
