#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void one_process_hashes_alike_and_bytes_matter(void **state)
{
    (void)state;

    assert_true(hash_bytes("abc", 3) == hash_bytes("abc", 3));
    assert_false(hash_bytes("abc", 3) == hash_bytes("abd", 3));
    assert_false(hash_bytes("abc", 3) == hash_bytes("abc\0", 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_process_hashes_alike_and_bytes_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
