/*
 * read - from the tree to a checked policy; every mistake is told with its place.
 *
 * A reader goes on after a mistake, so that an author sees all of them at once; whether
 * there were any is in the diagnostics. Messages begin with where they stand
 * ("rules[3].condition: ", counted from 0 as JSON paths are) and carry the rule's name.
 */
#pragma once

#include "rules/rule.h"
#include "rules/tree.h"
#include "rules/vocabulary.h"

/* Told; the rest is counted. Leaves room for errors, which may come later. */
enum { RULE_WARNINGS_MAX = DIAGNOSTICS_MAX / 2 };

struct rule_reader {
    struct arena *arena;
    struct diagnostics *d;
    struct str rule; /* the name of the current one; "" outside of any */
    char where[64];  /* "rules[3].condition" */
};

/* Zeroed. The arena is as large as the most that a tree can become, so this never fails. */
void *rule_reader_alloc(struct rule_reader *r, size_t size);

void rule_error_at(struct rule_reader *r, unsigned line, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void rule_error(struct rule_reader *r, const struct rule_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void rule_warning(struct rule_reader *r, const struct rule_node *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Tell each member of a mapping whose key is none of `known` (ended by NULL). */
void rule_check_keys(struct rule_reader *r, const struct rule_node *mapping,
                     const char *const *known);

/* `yes` and the like are texts: say so once, where one is taken as a value. */
void rule_warn_untyped(struct rule_reader *r, const struct rule_node *node);

/* Members of one type, each told when it is of another. False, `ret` untouched, then. */
bool rule_read_text(struct rule_reader *r, const struct rule_node *node, struct str *ret);
bool rule_read_integer(struct rule_reader *r, const struct rule_node *node, int64_t min,
                       int64_t max, int64_t *ret);

/* NULL only after an error. */
struct rule_policy *rule_policy_read(struct rule_reader *r, const struct rule_node *root);
struct rule_expr *rule_condition_read(struct rule_reader *r, const struct rule_node *node);
void rule_action_read(struct rule_reader *r, const struct rule_node *node, struct rule_action *ret);
const char *rule_action_name(size_t index); /* the keys of `action:`; NULL past the last */

/* `dispatch: {filter: {gpus: {gt: 1}}}`: as a condition, where a bare field is the worker's. */
struct rule_expr *rule_filter_read(struct rule_reader *r, const struct rule_node *node);

/* The small grammar of strings: `workers.filter(gpus > 1).first()` and `gpus > 1`. */
struct rule_call *rule_select_read(struct rule_reader *r, const struct rule_node *node);
struct rule_expr *rule_predicate_read(struct rule_reader *r, const struct rule_node *node);

/* Parts that both ways of writing a condition share. */
struct rule_expr *rule_expr_new(struct rule_reader *r, enum rule_expr_kind kind);
void rule_expr_add(struct rule_expr *parent, struct rule_expr **last, struct rule_expr *child);
/* A copy of `test`, checked: does its operator take such values? What is wrong is told at that
 * place. NULL after an error. */
struct rule_expr *rule_test_new(struct rule_reader *r, unsigned line, unsigned column,
                                const struct rule_expr *test);

/* "worker.geo.region" to its subject and what is below; `bare`, unless it is
 * RULE_SUBJECT_COUNT_, is the subject of a path that begins with none. A field that
 * the API lacks is a warning, as a newer queen may have it. False: told. */
bool rule_path_read(struct rule_reader *r, unsigned line, unsigned column, struct str path,
                    enum rule_subject bare, struct rule_expr *ret);
