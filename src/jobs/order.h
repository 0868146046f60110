/*
 * order - a set kept in order, which also knows how many of it, and how much, come before
 * any place: an intrusive weight-balanced tree (Nievergelt and Reingold 1973, with the
 * parameters that Hirai and Yamamoto proved right, "Balancing weight-balanced trees", 2011).
 *
 * Each node has a weight of its owner's. The same calls give the same tree, and no choice
 * of keys makes it deep. Pure; O(log n) where not said otherwise. What decides a node's
 * place must not change while it is in.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order_node {
    struct order_node *left, *right;
    size_t count;     /* of it and all below */
    uint64_t weight;  /* its own */
    uint64_t weights; /* of it and all below */
};

/* container_of() for a node that is only looked at. */
#define ORDER_OWNER(node, type, member) \
    ((const type *)(const void *)((const char *)(node)-offsetof(type, member)))

/* Less than, equal to or greater than 0; equal only for a node and itself. */
typedef int order_compare_fn(const struct order_node *a, const struct order_node *b);

struct order {
    struct order_node *root;
    order_compare_fn *compare;
};

void order_init(struct order *o, order_compare_fn *compare);

void order_add(struct order *o, struct order_node *node, uint64_t weight); /* not in yet */
void order_remove(struct order *o, struct order_node *node);               /* is in */

size_t order_count(const struct order *o); /* O(1) */
struct order_node *order_first(const struct order *o);

/* The first one at or behind the place of `key`, or the first one behind it; NULL: none.
 * `key` need not be in it. */
struct order_node *order_from(const struct order *o, const struct order_node *key);
struct order_node *order_after(const struct order *o, const struct order_node *key);

/* How many stand before the place of `key`, and their weights. */
size_t order_before(const struct order *o, const struct order_node *key, uint64_t *ret_weights);

/* The first one of which `is_past` is true, told the weights before it; NULL: none. It must
 * be true for all behind, too. `ret_before`: how many stand before it. */
typedef bool order_past_fn(const void *data, const struct order_node *node,
                           uint64_t weights_before);
struct order_node *order_search(const struct order *o, order_past_fn *is_past, const void *data,
                                size_t *ret_before);
