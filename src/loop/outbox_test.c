#include "loop/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

enum { PIECES = 64 };

static char at(size_t i)
{
    return (char)('a' + i % 23);
}

static void add(struct outbox *o, size_t *written, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = at((*written)++);
        outbox_add(o, &c, 1);
    }
}

/* The front holds what comes after `read` bytes. */
static void check(const struct outbox *o, size_t read)
{
    struct iovec iov[PIECES];
    size_t n = outbox_peek(o, iov, PIECES), seen = 0;

    for (size_t i = 0; i < n; i++) {
        const char *p = iov[i].iov_base;
        for (size_t j = 0; j < iov[i].iov_len; j++)
            assert_int_equal(p[j], at(read + seen++));
    }
    assert_int_equal(seen, o->bytes);
}

static void bytes_come_out_in_the_order_of_going_in(void **state)
{
    struct outbox o = { 0 };
    size_t written = 0, read = 0;

    (void)state;
    for (size_t step = 1; step < 4000; step += 97) {
        add(&o, &written, step);
        check(&o, read);
        size_t take = o.bytes / 3;
        outbox_consume(&o, take);
        read += take;
        check(&o, read);
    }
    outbox_consume(&o, o.bytes);
    assert_null(o.first);
    outbox_deinit(&o);
}

static void the_front_stays_where_it_is_while_more_is_added(void **state)
{
    struct outbox o = { 0 };
    struct iovec before, after;
    static const char big[100000];

    (void)state;
    outbox_add(&o, "front", 5);
    assert_int_equal(outbox_peek(&o, &before, 1), 1);
    outbox_add(&o, big, sizeof(big));
    assert_int_equal(outbox_peek(&o, &after, 1), 1);
    assert_ptr_equal(before.iov_base, after.iov_base);
    assert_memory_equal(before.iov_base, "front", 5);
    outbox_deinit(&o);
    assert_int_equal(o.bytes, 0);
}

static void nothing_is_allocated_for_nothing(void **state)
{
    struct outbox o = { 0 };
    struct iovec iov;

    (void)state;
    outbox_add(&o, NULL, 0);
    assert_null(o.first);
    assert_int_equal(outbox_peek(&o, &iov, 1), 0);
    outbox_deinit(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_in_the_order_of_going_in),
        cmocka_unit_test(the_front_stays_where_it_is_while_more_is_added),
        cmocka_unit_test(nothing_is_allocated_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
