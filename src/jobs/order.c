#include "jobs/order.h"

#include <assert.h>

enum {
    DELTA = 3, /* one side may be this much heavier than the other */
    GAMMA = 2, /* an inner grandchild that is this much heavier needs two rotations */
};

static size_t count(const struct order_node *node)
{
    return node ? node->count : 0;
}

static uint64_t weights(const struct order_node *node)
{
    return node ? node->weights : 0;
}

static void sum_up(struct order_node *node)
{
    node->count = 1 + count(node->left) + count(node->right);
    node->weights = node->weight + weights(node->left) + weights(node->right);
}

static struct order_node *rotate_left(struct order_node *node)
{
    struct order_node *top = node->right;

    node->right = top->left;
    top->left = node;
    sum_up(node);
    sum_up(top);
    return top;
}

static struct order_node *rotate_right(struct order_node *node)
{
    struct order_node *top = node->left;

    node->left = top->right;
    top->right = node;
    sum_up(node);
    sum_up(top);
    return top;
}

/* An empty side counts as one, so that the ratio is always one. */
static bool is_heavier(const struct order_node *a, const struct order_node *b, size_t factor)
{
    return count(a) + 1 > factor * (count(b) + 1);
}

static struct order_node *balance(struct order_node *node)
{
    sum_up(node);
    if (is_heavier(node->right, node->left, DELTA)) {
        if (count(node->right->left) + 1 >= GAMMA * (count(node->right->right) + 1))
            node->right = rotate_right(node->right);
        return rotate_left(node);
    }
    if (is_heavier(node->left, node->right, DELTA)) {
        if (count(node->left->right) + 1 >= GAMMA * (count(node->left->left) + 1))
            node->left = rotate_left(node->left);
        return rotate_right(node);
    }
    return node;
}

void order_init(struct order *o, order_compare_fn *compare)
{
    *o = (struct order){ .compare = compare };
}

/* The recursions below are as deep as the tree, which is balanced. */

static struct order_node *add(const struct order *o, struct order_node *at, struct order_node *node)
{
    if (!at)
        return node;
    if (o->compare(node, at) < 0)
        at->left = add(o, at->left, node);
    else
        at->right = add(o, at->right, node);
    return balance(at);
}

static struct order_node *take_first(struct order_node *at, struct order_node **ret)
{
    if (!at->left) {
        *ret = at;
        return at->right;
    }
    at->left = take_first(at->left, ret);
    return balance(at);
}

static struct order_node *join(struct order_node *left, struct order_node *right)
{
    struct order_node *top;

    if (!left || !right)
        return left ? left : right;
    right = take_first(right, &top);
    top->left = left;
    top->right = right;
    return balance(top);
}

static struct order_node *drop(const struct order *o, struct order_node *at,
                               const struct order_node *node)
{
    assert(at);
    if (at == node)
        return join(at->left, at->right);
    if (o->compare(node, at) < 0)
        at->left = drop(o, at->left, node);
    else
        at->right = drop(o, at->right, node);
    return balance(at);
}

void order_add(struct order *o, struct order_node *node, uint64_t weight)
{
    *node = (struct order_node){ .count = 1, .weight = weight, .weights = weight };
    o->root = add(o, o->root, node);
}

void order_remove(struct order *o, struct order_node *node)
{
    o->root = drop(o, o->root, node);
}

size_t order_count(const struct order *o)
{
    return count(o->root);
}

struct order_node *order_first(const struct order *o)
{
    struct order_node *at = o->root;

    while (at && at->left)
        at = at->left;
    return at;
}

struct order_node *order_from(const struct order *o, const struct order_node *key)
{
    struct order_node *at = o->root, *best = NULL;

    while (at) {
        bool is_behind = o->compare(at, key) >= 0;

        best = is_behind ? at : best;
        at = is_behind ? at->left : at->right;
    }
    return best;
}

struct order_node *order_after(const struct order *o, const struct order_node *key)
{
    struct order_node *at = o->root, *best = NULL;

    while (at) {
        bool is_behind = o->compare(at, key) > 0;

        best = is_behind ? at : best;
        at = is_behind ? at->left : at->right;
    }
    return best;
}

size_t order_before(const struct order *o, const struct order_node *key, uint64_t *ret_weights)
{
    const struct order_node *at = o->root;
    uint64_t sum = 0;
    size_t before = 0;

    while (at) {
        if (o->compare(at, key) >= 0) {
            at = at->left;
            continue;
        }
        before += 1 + count(at->left);
        sum += at->weight + weights(at->left);
        at = at->right;
    }
    *ret_weights = sum;
    return before;
}

struct order_node *order_search(const struct order *o, order_past_fn *is_past, const void *data,
                                size_t *ret_before)
{
    struct order_node *at = o->root, *best = NULL;
    uint64_t sum = 0;

    *ret_before = 0;
    while (at) {
        if (is_past(data, at, sum + weights(at->left))) {
            best = at;
            at = at->left;
            continue;
        }
        *ret_before += 1 + count(at->left);
        sum += at->weight + weights(at->left);
        at = at->right;
    }
    return best;
}
