#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void an_id_has_the_form_of_a_random_uuid(void **state)
{
    char id[UUID_SIZE];
    (void)state;

    for (int i = 0; i < 1000; i++) {
        random_uuid4(id);
        assert_int_equal(strlen(id), 36);
        assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
        for (size_t k = 0; k < 36; k++)
            assert_int_equal(id[k] == '-', k == 8 || k == 13 || k == 18 || k == 23);
        assert_int_equal(id[14], '4');
        assert_non_null(strchr("89ab", id[19]));
    }
}

static int compare_ids(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void ids_do_not_repeat(void **state)
{
    enum { COUNT = 10000 };
    static char ids[COUNT][UUID_SIZE];
    (void)state;

    for (size_t i = 0; i < COUNT; i++)
        random_uuid4(ids[i]);
    qsort(ids, COUNT, sizeof(ids[0]), compare_ids);
    for (size_t i = 1; i < COUNT; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void a_forked_child_draws_other_ids(void **state)
{
    char ours[UUID_SIZE], theirs[UUID_SIZE] = "";
    int ends[2], status;
    (void)state;

    random_uuid4(ours);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        random_uuid4(theirs);
        _exit(write(ends[1], theirs, sizeof(theirs)) == sizeof(theirs) ? 0 : 1);
    }
    random_uuid4(ours);
    assert_int_equal(read(ends[0], theirs, sizeof(theirs)), sizeof(theirs));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_string_not_equal(ours, theirs);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void hex_has_the_length_asked_for(void **state)
{
    char text[102], again[102];
    (void)state;

    for (size_t len = 0; len <= 100; len++) {
        memset(text, '!', sizeof(text));
        random_hex(text, len);
        assert_int_equal(strlen(text), len);
        assert_int_equal(strspn(text, "0123456789abcdef"), len);
        assert_int_equal(text[len + 1], '!');
    }
    random_hex(again, 100);
    assert_string_not_equal(text, again);
    assert_true(random_u64() != random_u64());
}

/* From the authors' C code (prng.di.unimi.it), seeded with splitmix64 from 0. */
static void the_seeded_generator_gives_the_known_sequence(void **state)
{
    static const uint64_t expected[] = {
        UINT64_C(0x99ec5f36cb75f2b4),
        UINT64_C(0xbf6e1f784956452a),
        UINT64_C(0x1a5f849d4933e6e0),
        UINT64_C(0x6aa594f1262d2d2c),
    };
    struct rng rng;
    (void)state;

    rng_seed(&rng, 0);
    for (size_t i = 0; i < 4; i++)
        assert_true(rng_next(&rng) == expected[i]);
}

static void a_bound_is_kept_and_every_value_comes_up(void **state)
{
    unsigned seen[7] = { 0 };
    struct rng rng;
    (void)state;

    rng_seed(&rng, 42);
    for (int i = 0; i < 7000; i++) {
        uint64_t x = rng_below(&rng, 7);
        assert_in_range(x, 0, 6);
        seen[x]++;
    }
    for (size_t i = 0; i < 7; i++)
        assert_in_range(seen[i], 800, 1200);
    assert_int_equal(rng_below(&rng, 1), 0);
    assert_true(rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_has_the_form_of_a_random_uuid),
        cmocka_unit_test(ids_do_not_repeat),
        cmocka_unit_test(a_forked_child_draws_other_ids),
        cmocka_unit_test(hex_has_the_length_asked_for),
        cmocka_unit_test(the_seeded_generator_gives_the_known_sequence),
        cmocka_unit_test(a_bound_is_kept_and_every_value_comes_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
