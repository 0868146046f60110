#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

static int one = 1, two = 2, three = 3;

static void what_is_put_is_found_until_removed(void **state)
{
    struct map m;
    (void)state;

    map_init(&m);
    assert_null(map_get(&m, str_of("a")));
    assert_null(map_put(&m, str_of("a"), &one));
    assert_null(map_put(&m, str_of("b"), &two));
    assert_ptr_equal(map_get(&m, str_of("a")), &one);
    assert_ptr_equal(map_put(&m, str_of("a"), &three), &one);
    assert_ptr_equal(map_get(&m, str_of("a")), &three);
    assert_int_equal(map_count(&m), 2);
    assert_ptr_equal(map_remove(&m, str_of("a")), &three);
    assert_null(map_remove(&m, str_of("a")));
    assert_int_equal(map_count(&m), 1);
    map_deinit(&m);
    assert_int_equal(map_count(&m), 0);
}

static void keys_are_copied_and_may_hold_any_byte(void **state)
{
    char key[] = "k\0x";
    struct map m;
    (void)state;

    map_init(&m);
    (void)map_put(&m, (struct str){ key, 3 }, &one);
    (void)map_put(&m, (struct str){ 0 }, &two);
    key[2] = 'y';
    assert_null(map_get(&m, (struct str){ key, 3 }));
    assert_null(map_get(&m, str_of("k")));
    assert_ptr_equal(map_get(&m, (struct str){ "k\0x", 3 }), &one);
    assert_ptr_equal(map_get(&m, str_of("")), &two);
    map_deinit(&m);
}

static void visits_go_in_order_of_insertion(void **state)
{
    struct map_entry *it, *next;
    char key[16], expected[16];
    struct map m;
    int i = 0;
    (void)state;

    map_init(&m);
    for (int k = 0; k < 1000; k++) {
        (void)snprintf(key, sizeof(key), "key-%d", k);
        (void)map_put(&m, str_of(key), &one);
    }
    (void)map_put(&m, str_of("key-0"), &two); /* keeps its place */
    MAP_FOREACH(it, next, &m) {
        (void)snprintf(expected, sizeof(expected), "key-%d", i++);
        assert_true(str_eq(map_key(it), expected));
        assert_ptr_equal(map_value(it), i == 1 ? &two : &one);
    }
    assert_int_equal(i, 1000);
    map_deinit(&m);
}

static void the_entry_in_hand_may_be_removed(void **state)
{
    struct map_entry *it, *next;
    struct map m;
    int visits = 0;
    (void)state;

    map_init(&m);
    (void)map_put(&m, str_of("a"), &one);
    (void)map_put(&m, str_of("b"), &two);
    (void)map_put(&m, str_of("c"), &three);
    MAP_FOREACH(it, next, &m) {
        visits++;
        assert_non_null(map_remove(&m, map_key(it)));
    }
    assert_int_equal(visits, 3);
    assert_int_equal(map_count(&m), 0);
    assert_null(map_first(&m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_found_until_removed),
        cmocka_unit_test(keys_are_copied_and_may_hold_any_byte),
        cmocka_unit_test(visits_go_in_order_of_insertion),
        cmocka_unit_test(the_entry_in_hand_may_be_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
