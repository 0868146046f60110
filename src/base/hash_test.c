#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

/* The answers are CPython 3.11's, which hashes bytes with SipHash-1-3 too; the key
 * is 0, 0 with PYTHONHASHSEED=0. */
static void known_answers_are_met(void **state)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } cases[] = {
        { "a", UINT64_C(4644417185603328019) },
        { "hello", UINT64_C(16350172494705860510) },
        { "12345678", UINT64_C(3785724242978802311) },
        { "the quick brown fox jumps", UINT64_C(56729954816557122) },
    };
    static const uint64_t key[2] = { 0, 0 };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_true(hash_siphash13(key, cases[i].text, strlen(cases[i].text)) == cases[i].hash);
}

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
        cmocka_unit_test(known_answers_are_met),
        cmocka_unit_test(one_process_hashes_alike_and_bytes_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
