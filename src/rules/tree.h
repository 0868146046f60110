/*
 * tree - a YAML document as nodes that know where they stand.
 *
 * Only what rules need of YAML: one document of mappings, sequences and scalars. Anchors,
 * aliases, tags and merge keys are refused, so the tree is never larger than its text; so
 * is what nests deeper than 32, which keeps libyaml's scanner from its quadratic case.
 * Plain true, false, null, nothing at all and decimal numbers are typed; all else is text.
 */
#pragma once

#include "base/arena.h"
#include "script/script.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RULE_TREE_DEPTH_MAX = 32,
    RULE_TREE_NODES_MAX = 32 * 1024,
    RULE_TREE_MEMBERS_MAX = 256, /* of one mapping: each new key is compared with all */
};

enum rule_node_kind {
    RULE_NODE_NULL,
    RULE_NODE_BOOL,
    RULE_NODE_NUMBER,
    RULE_NODE_TEXT,
    RULE_NODE_LIST,
    RULE_NODE_MAPPING,
};

struct rule_node {
    enum rule_node_kind kind;
    unsigned line, column; /* of its first character, from 1 */
    char quote;            /* of a scalar: ', " or 0 */
    bool is_verbatim;      /* its characters stand on one line, one after the other */
    bool looks_typed;      /* a plain text that YAML 1.1 would take for a boolean or null */
    bool is_true;          /* BOOL */
    bool is_integer;       /* NUMBER: `integer` holds it, else `real` */
    int64_t integer;
    double real;
    struct str text;         /* every scalar, as written; in the arena, with a NUL */
    struct rule_node *key;   /* of a mapping's member; NULL elsewhere */
    struct rule_node *first; /* LIST, MAPPING: what is in it, in order */
    struct rule_node *next;  /* the one after this in the same list or mapping */
    size_t len;              /* LIST, MAPPING: how many */
};

const char *rule_node_kind_name(enum rule_node_kind kind); /* "a list", for messages */

/* The member of that name; NULL when it is absent, or `mapping` is none. */
struct rule_node *rule_node_get(const struct rule_node *mapping, const char *name);

/* Where the byte at `offset` of a scalar's text stands; its beginning when not known. */
void rule_node_place(const struct rule_node *node, size_t offset, unsigned *ret_line,
                     unsigned *ret_column);

/* The type of a plain scalar, and its value, into `node`, whose text is set. */
void rule_node_type(struct rule_node *node);

/* The document's root, in the arena; NULL when it could not be read, which was told.
 * A key that stands twice is told too, and its last value is left out. */
struct rule_node *rule_tree_read(struct str source, struct arena *arena, struct diagnostics *d);
