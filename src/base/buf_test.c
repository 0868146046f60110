#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

static void content_grows_by_every_kind_of_write(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 1000);
    assert_true(buf_add(&b, "ab", 2));
    assert_true(buf_puts(&b, "cd"));
    assert_true(buf_putc(&b, 'e'));
    assert_true(buf_printf(&b, "-%d", 42));
    assert_string_equal(buf_cstr(&b), "abcde-42");
    assert_int_equal(buf_len(&b), 8);
    buf_deinit(&b);
}

static void an_empty_buffer_is_the_empty_string(void **state)
{
    struct buf b;
    size_t len;
    (void)state;

    buf_init(&b, 10);
    assert_string_equal(buf_cstr(&b), "");
    assert_int_equal(buf_str(&b).len, 0);
    assert_true(buf_add(&b, NULL, 0));
    assert_null(buf_take(&b, &len));
    assert_int_equal(len, 0);
    buf_deinit(&b);
    buf_deinit(&b);
}

static void a_write_past_the_cap_changes_nothing_and_is_remembered(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 4);
    assert_true(buf_puts(&b, "abc"));
    assert_false(buf_puts(&b, "de"));
    assert_true(b.overflowed);
    assert_string_equal(buf_cstr(&b), "abc");
    assert_false(buf_printf(&b, "%s", "xyz"));
    assert_null(buf_reserve(&b, 2));
    assert_true(buf_putc(&b, 'd'));
    assert_string_equal(buf_cstr(&b), "abcd");
    assert_true(b.overflowed);
    buf_clear(&b);
    assert_false(b.overflowed);
    assert_int_equal(buf_len(&b), 0);
    buf_deinit(&b);
}

static void consuming_makes_room_under_the_cap(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 8);
    assert_true(buf_puts(&b, "12345678"));
    buf_consume(&b, 3);
    assert_true(buf_puts(&b, "abc"));
    assert_false(buf_putc(&b, 'x'));
    assert_string_equal(buf_cstr(&b), "45678abc");
    buf_consume(&b, 8);
    assert_int_equal(buf_len(&b), 0);
    buf_deinit(&b);
}

static void a_stream_through_the_buffer_keeps_its_order(void **state)
{
    struct buf b;
    unsigned char next_in = 0, next_out = 0;
    (void)state;

    buf_init(&b, 1000);
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < round % 37 && buf_len(&b) < 1000; i++)
            assert_true(buf_putc(&b, (char)next_in++));
        size_t taken = (size_t)(round % 31);
        for (size_t i = 0; i < taken && buf_len(&b) > 0; i++) {
            assert_int_equal((unsigned char)buf_cstr(&b)[0], next_out++);
            buf_consume(&b, 1);
        }
    }
    assert_true(b.cap <= 1000);
    buf_deinit(&b);
}

static void reserved_room_is_written_by_the_caller(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 100);
    char *p = buf_reserve(&b, 50);
    assert_non_null(p);
    memset(p, 'x', 50);
    buf_commit(&b, 3);
    assert_string_equal(buf_cstr(&b), "xxx");
    assert_non_null(buf_reserve(&b, 97));
    assert_null(buf_reserve(&b, 98));
    buf_deinit(&b);
}

static void taking_hands_over_the_content_alone(void **state)
{
    struct buf b;
    size_t len;
    (void)state;

    buf_init(&b, 100);
    assert_true(buf_puts(&b, "dropped kept"));
    buf_consume(&b, 8);
    char *p = buf_take(&b, &len);
    assert_int_equal(len, 4);
    assert_memory_equal(p, "kept", 4);
    free(p);
    assert_int_equal(buf_len(&b), 0);
    assert_true(buf_puts(&b, "again"));
    buf_deinit(&b);
}

static void a_fixed_buffer_ends_with_its_memory(void **state)
{
    char memory[6];
    struct buf b;
    (void)state;

    buf_init_fixed(&b, memory, sizeof(memory));
    assert_true(buf_puts(&b, "12345"));
    assert_false(buf_putc(&b, '6'));
    assert_ptr_equal(buf_cstr(&b), memory);
    assert_string_equal(memory, "12345");
    buf_clear(&b);
    assert_false(buf_printf(&b, "%s", "too long"));
    assert_true(buf_printf(&b, "%d", 7));
    assert_string_equal(buf_cstr(&b), "7");
}

static void long_formats_are_not_cut(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 10000);
    assert_true(buf_printf(&b, "%5000d|", 1));
    assert_true(buf_printf(&b, "%s", ""));
    assert_int_equal(buf_len(&b), 5001);
    assert_int_equal(buf_cstr(&b)[5000], '|');
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_grows_by_every_kind_of_write),
        cmocka_unit_test(an_empty_buffer_is_the_empty_string),
        cmocka_unit_test(a_write_past_the_cap_changes_nothing_and_is_remembered),
        cmocka_unit_test(consuming_makes_room_under_the_cap),
        cmocka_unit_test(a_stream_through_the_buffer_keeps_its_order),
        cmocka_unit_test(reserved_room_is_written_by_the_caller),
        cmocka_unit_test(taking_hands_over_the_content_alone),
        cmocka_unit_test(a_fixed_buffer_ends_with_its_memory),
        cmocka_unit_test(long_formats_are_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
