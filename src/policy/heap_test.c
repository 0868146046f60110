#include "policy/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void what_is_held_is_counted_and_limited(void **state)
{
    struct heap h;
    (void)state;

    heap_init(&h, 1000);
    char *a = heap_alloc(&h, NULL, 5, 100), *b = heap_alloc(&h, NULL, 5, 800);
    assert_non_null(a);
    assert_non_null(b);
    assert_int_equal(h.held_bytes, 900);
    assert_null(heap_alloc(&h, NULL, 5, 101));
    assert_null(heap_alloc(&h, a, 100, 201));
    assert_null(heap_alloc(&h, b, 800, 0));
    assert_int_equal(h.held_bytes, 100);
    assert_null(heap_alloc(&h, NULL, 0, 0));
    assert_null(heap_alloc(&h, a, 100, 0));
    assert_int_equal(h.held_bytes, 0);
    heap_deinit(&h);
}

static void a_block_keeps_its_bytes_whatever_size_it_gets(void **state)
{
    static const size_t sizes[] = { 8, 16, 17, 256, 257, 5000, 300, 250, 16, 1 };
    struct heap h;
    size_t size = 1;
    (void)state;

    heap_init(&h, 10000);
    char *block = heap_alloc(&h, NULL, 0, size);
    *block = 'x';
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t kept = size < sizes[i] ? size : sizes[i];
        block = heap_alloc(&h, block, size, sizes[i]);
        size = sizes[i];
        for (size_t at = 0; at < kept; at++)
            assert_int_equal(block[at], 'x');
        memset(block, 'x', size);
        assert_int_equal(h.held_bytes, size);
    }
    assert_null(heap_alloc(&h, block, size, 0));
    heap_deinit(&h);
}

static void small_blocks_are_kept_for_the_next_but_not_without_end(void **state)
{
    enum { BYTES = 48, KEPT = HEAP_KEPT_BYTES_MAX / BYTES, BLOCKS = 2 * KEPT };
    static void *blocks[BLOCKS];
    struct heap h;
    (void)state;

    heap_init(&h, SIZE_MAX);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = heap_alloc(&h, NULL, 0, BYTES - 1);
    void *last = blocks[KEPT - 1];
    for (size_t i = 0; i < BLOCKS; i++)
        assert_null(heap_alloc(&h, blocks[i], BYTES - 1, 0));
    assert_int_equal(h.held_bytes, 0);
    assert_int_equal(h.kept_bytes, KEPT * BYTES);
    assert_ptr_equal(heap_alloc(&h, NULL, 0, BYTES - HEAP_STEP_BYTES + 1), last);
    assert_null(heap_alloc(&h, last, BYTES - HEAP_STEP_BYTES + 1, 0));
    heap_deinit(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_is_counted_and_limited),
        cmocka_unit_test(a_block_keeps_its_bytes_whatever_size_it_gets),
        cmocka_unit_test(small_blocks_are_kept_for_the_next_but_not_without_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
