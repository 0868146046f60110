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

static void the_hash_of_content_is_the_same_in_every_run(void **state)
{
    (void)state;

    assert_true(hash_content("", 0, 0) == 0x2d06800538d394c2U); /* XXH3's own test vector */
    assert_false(hash_content("abc", 3, 1) == hash_content("abc", 3, 2));
}

static void a_word_counts_by_its_place_and_zeros_count_nothing(void **state)
{
    (void)state;
    /* Place -1 leaves the word as it is: splitmix64's first number from seed 0. */
    assert_true(hash_word(UINT64_C(0x9e3779b97f4a7c15), UINT64_MAX) == 0xe220a8397b1dcdafU);
    assert_false(hash_word(1, 0) == hash_word(1, 1));
    assert_false(hash_word(1, 0) == hash_word(2, 0));
    assert_true(hash_word(0, 0) == 0 && hash_word(0, 7) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_of_content_is_the_same_in_every_run),
        cmocka_unit_test(one_process_hashes_alike_and_bytes_matter),
        cmocka_unit_test(a_word_counts_by_its_place_and_zeros_count_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
