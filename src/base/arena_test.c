#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdalign.h>
#include <stdlib.h>

static void pieces_are_zeroed_aligned_and_apart(void **state)
{
    struct arena a;
    char *last = NULL;
    (void)state;

    arena_init(&a, 1000000);
    for (size_t size = 0; size < 300; size++) {
        char *p = arena_alloc(&a, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        assert_ptr_not_equal(p, last);
        last = p;
    }
    arena_deinit(&a);
}

static void the_cap_counts_everything_given_out(void **state)
{
    struct arena a;
    (void)state;

    arena_init(&a, 4096);
    assert_non_null(arena_alloc(&a, 4000));
    assert_null(arena_alloc(&a, 1000));
    assert_non_null(arena_alloc(&a, 96));
    assert_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, SIZE_MAX));
    assert_null(arena_alloc(&a, SIZE_MAX - 8));
    arena_deinit(&a);
}

static void after_its_end_an_arena_can_be_used_again(void **state)
{
    struct arena a;
    (void)state;

    arena_init(&a, 100);
    assert_non_null(arena_alloc(&a, 100 - 100 % 16));
    arena_deinit(&a);
    arena_deinit(&a);
    assert_non_null(arena_alloc(&a, 64));
    arena_deinit(&a);
}

static void copies_end_in_a_nul(void **state)
{
    struct arena a;
    (void)state;

    arena_init(&a, 64);
    assert_string_equal(arena_copy(&a, (struct str){ "abcdef", 3 }), "abc");
    assert_string_equal(arena_copy(&a, (struct str){ 0 }), "");
    assert_null(arena_copy(&a, (struct str){ "x", 64 }));
    arena_deinit(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
        cmocka_unit_test(the_cap_counts_everything_given_out),
        cmocka_unit_test(after_its_end_an_arena_can_be_used_again),
        cmocka_unit_test(copies_end_in_a_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
