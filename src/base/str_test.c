#include "base/str.h"

#include "base/list.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void views_compare_by_length_and_bytes(void **state)
{
    struct str s = { "model-x", 5 };
    (void)state;

    assert_true(str_eq(s, "model"));
    assert_false(str_eq(s, "model-x"));
    assert_false(str_eq(s, "mode"));
    assert_true(str_ieq(s, "MoDeL"));
    assert_true(str_starts(s, "mod"));
    assert_true(str_starts(s, ""));
    assert_false(str_starts(s, "model-"));
    assert_true(str_eq((struct str){ 0 }, ""));
    assert_int_equal(str_of(NULL).len, 0);
}

static void copies_fit_whole_or_are_empty(void **state)
{
    char dst[4] = "abc";
    (void)state;

    assert_true(str_copy(dst, sizeof(dst), str_of("xyz")));
    assert_string_equal(dst, "xyz");
    assert_false(str_copy(dst, sizeof(dst), str_of("wxyz")));
    assert_string_equal(dst, "");
    assert_false(str_copy(dst, sizeof(dst), (struct str){ "a\0b", 3 }));
    assert_true(str_copy(dst, sizeof(dst), (struct str){ 0 }));
    assert_string_equal(dst, "");
}

static void trimming_takes_blanks_off_both_ends(void **state)
{
    (void)state;

    assert_true(str_eq(str_trim(str_of(" \t a b\t ")), "a b"));
    assert_true(str_eq(str_trim(str_of(" \t")), ""));
    assert_int_equal(str_trim((struct str){ 0 }).len, 0);
}

static void memory_comes_zeroed_and_copies_end_in_a_nul(void **state)
{
    char *zeroes = mem_alloc(3, 5), *text = mem_copy((struct str){ "abcd", 3 });
    (void)state;

    for (int i = 0; i < 15; i++)
        assert_int_equal(zeroes[i], 0);
    assert_string_equal(text, "abc");
    text = mem_resize(text, 100);
    assert_string_equal(text, "abc");
    free(zeroes);
    free(text);
    free(mem_alloc(0, 0));
}

struct item {
    int id;
    struct list link;
};

static void a_list_keeps_order_and_lets_go_inside_a_loop(void **state)
{
    struct item items[3] = { { .id = 0 }, { .id = 1 }, { .id = 2 } };
    struct list head, *it, *next;
    int seen = 0;
    (void)state;

    list_init(&head);
    assert_true(list_is_empty(&head));
    for (int i = 0; i < 3; i++)
        list_push_back(&head, &items[i].link);
    LIST_FOREACH(it, next, &head) {
        assert_int_equal(container_of(it, struct item, link)->id, seen++);
        list_remove(it);
        list_remove(it);
    }
    assert_int_equal(seen, 3);
    assert_true(list_is_empty(&head));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_compare_by_length_and_bytes),
        cmocka_unit_test(copies_fit_whole_or_are_empty),
        cmocka_unit_test(trimming_takes_blanks_off_both_ends),
        cmocka_unit_test(memory_comes_zeroed_and_copies_end_in_a_nul),
        cmocka_unit_test(a_list_keeps_order_and_lets_go_inside_a_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
