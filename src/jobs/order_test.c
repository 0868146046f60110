#include "jobs/order.h"

#include "base/mem.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { ITEMS = 200, STEPS = 20000, MANY = 100000 };

struct item {
    struct order_node node;
    uint64_t key, weight;
    bool is_in;
};

static size_t compared;

static int compare(const struct order_node *left, const struct order_node *right)
{
    const struct item *a = ORDER_OWNER(left, struct item, node);
    const struct item *b = ORDER_OWNER(right, struct item, node);

    compared++;
    return (a->key > b->key) - (a->key < b->key);
}

static void an_empty_order_has_nothing_anywhere(void **state)
{
    struct order o;
    struct item key = { .key = 1 };
    uint64_t weights = 1;
    (void)state;

    order_init(&o, compare);
    assert_int_equal(order_count(&o), 0);
    assert_null(order_first(&o));
    assert_null(order_from(&o, &key.node));
    assert_null(order_after(&o, &key.node));
    assert_int_equal(order_before(&o, &key.node, &weights), 0);
    assert_int_equal(weights, 0);
}

/* What the naive way says: one look at every item. */
struct expected {
    const struct item *from, *after;
    size_t before;
    uint64_t weights;
};

static struct expected expect(const struct item *items, uint64_t key)
{
    struct expected e = { 0 };

    for (size_t i = 0; i < ITEMS; i++) {
        const struct item *it = &items[i];

        if (!it->is_in)
            continue;
        if (it->key < key) {
            e.before++;
            e.weights += it->weight;
        }
        if (it->key >= key && (!e.from || it->key < e.from->key))
            e.from = it;
        if (it->key > key && (!e.after || it->key < e.after->key))
            e.after = it;
    }
    return e;
}

static bool is_past(const void *data, const struct order_node *node, uint64_t weights_before)
{
    (void)node;
    return weights_before >= *(const uint64_t *)data;
}

static const struct item *item_of(const struct order_node *node)
{
    return node ? ORDER_OWNER(node, struct item, node) : NULL;
}

static void check(const struct order *o, const struct item *items, uint64_t key)
{
    struct item at = { .key = key };
    struct expected e = expect(items, key);
    uint64_t weights;
    size_t before;

    assert_ptr_equal(item_of(order_from(o, &at.node)), e.from);
    assert_ptr_equal(item_of(order_after(o, &at.node)), e.after);
    assert_int_equal(order_before(o, &at.node, &weights), e.before);
    assert_int_equal(weights, e.weights);
    /* Weights are at least 1, so the first that has as much before it is that one. */
    assert_ptr_equal(item_of(order_search(o, is_past, &weights, &before)), e.from);
    assert_int_equal(before, e.before);
    assert_ptr_equal(item_of(order_first(o)), expect(items, 0).from);
}

static void it_agrees_with_a_look_at_everything(void **state)
{
    struct item items[ITEMS];
    struct order o;
    struct rng rng;
    size_t count = 0;
    (void)state;

    rng_seed(&rng, 7);
    order_init(&o, compare);
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = (struct item){ .key = 1 + (i * 7919) % 1000 };
    for (unsigned step = 0; step < STEPS; step++) {
        struct item *it = &items[rng_below(&rng, ITEMS)];

        it->weight = it->is_in ? it->weight : 1 + rng_below(&rng, 100);
        if (it->is_in)
            order_remove(&o, &it->node);
        else
            order_add(&o, &it->node, it->weight);
        it->is_in = !it->is_in;
        count = it->is_in ? count + 1 : count - 1;
        assert_int_equal(order_count(&o), count);
        check(&o, items, rng_below(&rng, 1002));
    }
}

static size_t depth(const struct order_node *node)
{
    size_t left, right;

    if (!node)
        return 0;
    left = depth(node->left);
    right = depth(node->right);
    assert_true(left + right == 0 || node->count > 1);
    return 1 + (left > right ? left : right);
}

/* One side holds at most 3/4 of a tree: log(100,000) / log(4/3) = 40. */
static void no_choice_of_keys_makes_it_deep(void **state)
{
    AUTO(free_ptr) void *memory = mem_alloc(MANY, sizeof(struct item));
    struct item *items = memory;
    struct order o;
    (void)state;

    order_init(&o, compare);
    compared = 0;
    for (size_t i = 0; i < MANY; i++) {
        items[i].key = i;
        order_add(&o, &items[i].node, 1);
    }
    assert_true(depth(o.root) <= 40);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 16 != 0)
            order_remove(&o, &items[i].node);
    }
    assert_true(depth(o.root) <= 31);
    assert_int_equal(order_count(&o), MANY / 16);
    assert_true(compared <= (size_t)MANY * 2 * 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_order_has_nothing_anywhere),
        cmocka_unit_test(it_agrees_with_a_look_at_everything),
        cmocka_unit_test(no_choice_of_keys_makes_it_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
