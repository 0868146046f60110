#include "scheduler/affinity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { TOKENS = PREFIX_BLOCK_BYTES / 4, MATCHES = 64 };

/* A prompt of blocks whose hashes are `from`, `from` + 1, ... */
static struct job_spec prompt(uint64_t *hashes, uint64_t from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        hashes[i] = from + i;
    return (struct job_spec){ .prefix_hashes = hashes,
                              .prefix_len = len,
                              .prompt_tokens = (uint32_t)(len * TOKENS) };
}

static void note(struct affinity *a, uint64_t from, size_t len, uint32_t slot, uint32_t generation)
{
    uint64_t hashes[PREFIX_BLOCKS_MAX];
    struct job_spec spec = prompt(hashes, from, len);
    struct worker worker = { .slot = slot, .generation = generation };

    affinity_note(a, &spec, &worker);
}

static size_t find(const struct affinity *a, uint64_t from, size_t len, struct affinity_match *ret)
{
    uint64_t hashes[PREFIX_BLOCKS_MAX];
    struct job_spec spec = prompt(hashes, from, len);

    return affinity_find(a, &spec, ret, MATCHES);
}

static void without_room_or_blocks_nothing_is_remembered(void **state)
{
    struct affinity *none = affinity_new(0), *a = affinity_new(10);
    struct affinity_match matches[MATCHES];
    (void)state;

    note(none, 100, 3, 1, 1);
    assert_int_equal(find(none, 100, 3, matches), 0);
    note(a, 100, 0, 1, 1);
    assert_int_equal(affinity_blocks(a), 0);
    assert_int_equal(find(a, 100, 3, matches), 0);
    note(a, 100, 3, 1, 1);
    assert_int_equal(find(a, 100, 0, matches), 0);
    assert_int_equal(find(a, 200, 3, matches), 0);
    affinity_free(none);
    affinity_free(a);
    affinity_free(NULL);
}

static void the_longest_match_comes_first_and_of_equal_ones_the_last_to_see_it(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES];
    (void)state;

    note(a, 100, 4, 1, 1);
    note(a, 100, 2, 2, 1);
    note(a, 100, 1, 3, 1);
    note(a, 100, 2, 4, 1);
    assert_int_equal(find(a, 100, 6, m), 4);
    assert_int_equal(m[0].slot, 1);
    assert_int_equal(m[0].tokens, 4 * TOKENS);
    assert_int_equal(m[1].slot, 4);
    assert_int_equal(m[1].tokens, 2 * TOKENS);
    assert_int_equal(m[2].slot, 2);
    assert_int_equal(m[3].slot, 3);
    assert_int_equal(m[3].tokens, TOKENS);
    note(a, 100, 2, 2, 1); /* again */
    assert_int_equal(find(a, 100, 2, m), 4);
    assert_int_equal(m[0].slot, 2);
    assert_int_equal(m[1].slot, 4);
    assert_int_equal(m[2].slot, 1);
    affinity_free(a);
}

static void what_one_model_has_cached_is_of_no_use_to_another(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES];
    uint64_t hashes[2];
    struct job_spec spec = prompt(hashes, 100, 2);
    (void)state;

    note(a, 100, 2, 1, 1);
    spec.model[0] = 'n';
    assert_int_equal(affinity_find(a, &spec, m, MATCHES), 0);
    affinity_free(a);
}

static void a_match_is_no_longer_than_the_prompt(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES];
    uint64_t hashes[3];
    struct job_spec spec = prompt(hashes, 100, 3);
    (void)state;

    note(a, 100, 3, 1, 1);
    spec.prompt_tokens = 3 * TOKENS - 10; /* a guess, made otherwise */
    assert_int_equal(affinity_find(a, &spec, m, MATCHES), 1);
    assert_int_equal(m[0].tokens, 3 * TOKENS - 10);
    affinity_free(a);
}

static void no_more_are_given_than_asked_for(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES] = { [2] = { .slot = 77 } };
    uint64_t hashes[4];
    struct job_spec spec = prompt(hashes, 100, 4);
    (void)state;

    for (uint32_t i = 1; i <= 4; i++)
        note(a, 100, i, i, 1);
    assert_int_equal(affinity_find(a, &spec, m, 2), 2);
    assert_int_equal(m[0].slot, 4);
    assert_int_equal(m[1].slot, 3);
    assert_int_equal(m[2].slot, 77);
    assert_int_equal(affinity_find(a, &spec, m, 0), 0);
    affinity_free(a);
}

static void a_block_remembers_the_last_workers_only(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES];
    (void)state;

    for (uint32_t slot = 0; slot < 20; slot++)
        note(a, 100, 1, slot, 1);
    assert_int_equal(find(a, 100, 1, m), AFFINITY_WORKERS_MAX);
    for (uint32_t i = 0; i < AFFINITY_WORKERS_MAX; i++)
        assert_int_equal(m[i].slot, 19 - i);
    affinity_free(a);
}

/* All begin with one system prompt: who has more of this prompt is not lost in the crowd. */
static void a_crowded_beginning_does_not_hide_who_has_the_rest(void **state)
{
    struct affinity *a = affinity_new(1000);
    struct affinity_match m[MATCHES];
    (void)state;

    note(a, 100, 5, 99, 1);
    for (uint32_t slot = 0; slot < 20; slot++)
        note(a, 100, 1, slot, 1);
    assert_int_equal(find(a, 100, 5, m), 1 + AFFINITY_WORKERS_MAX);
    assert_int_equal(m[0].slot, 99);
    assert_int_equal(m[0].tokens, 5 * TOKENS);
    affinity_free(a);
}

static void a_new_worker_in_a_slot_takes_the_place_of_the_one_before(void **state)
{
    struct affinity *a = affinity_new(100);
    struct affinity_match m[MATCHES];
    (void)state;

    note(a, 100, 2, 5, 1);
    note(a, 100, 1, 5, 2);
    assert_int_equal(find(a, 100, 1, m), 1);
    assert_int_equal(m[0].generation, 2);
    assert_int_equal(find(a, 100, 2, m), 2); /* what only the old one saw still names it */
    assert_int_equal(m[0].generation, 1);
    affinity_free(a);
}

static void what_is_unused_longest_goes_first_and_of_a_prompt_its_end(void **state)
{
    struct affinity *a = affinity_new(6);
    struct affinity_match m[MATCHES];
    (void)state;

    note(a, 100, 3, 1, 1);
    note(a, 200, 3, 2, 1);
    assert_int_equal(affinity_blocks(a), 6);
    note(a, 100, 3, 1, 1); /* used again */
    note(a, 300, 2, 3, 1);
    assert_int_equal(affinity_blocks(a), 6);
    assert_int_equal(find(a, 200, 3, m), 1);
    assert_int_equal(m[0].tokens, TOKENS);
    assert_int_equal(find(a, 100, 3, m), 1);
    assert_int_equal(m[0].tokens, 3 * TOKENS);
    note(a, 400, 10, 4, 1); /* longer than all there is */
    assert_int_equal(affinity_blocks(a), 6);
    assert_int_equal(find(a, 400, 10, m), 1);
    assert_int_equal(m[0].tokens, 6 * TOKENS);
    affinity_free(a);
}

static void it_stays_whole_through_many_more_blocks_than_it_keeps(void **state)
{
    enum { KEPT = 5000, PROMPTS = 20000 };
    struct affinity *a = affinity_new(KEPT);
    struct affinity_match m[MATCHES];
    (void)state;

    for (uint64_t i = 0; i < PROMPTS; i++) {
        note(a, i * 3, 4, (uint32_t)i % 50, 1);
        assert_int_equal(find(a, i * 3, 4, m),
                         i == 0 ? 1 : 2); /* the last block before is its first */
        assert_int_equal(m[0].slot, i % 50);
    }
    assert_int_equal(affinity_blocks(a), KEPT);
    assert_int_equal(find(a, 0, 4, m), 0);
    affinity_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_room_or_blocks_nothing_is_remembered),
        cmocka_unit_test(the_longest_match_comes_first_and_of_equal_ones_the_last_to_see_it),
        cmocka_unit_test(what_one_model_has_cached_is_of_no_use_to_another),
        cmocka_unit_test(a_match_is_no_longer_than_the_prompt),
        cmocka_unit_test(no_more_are_given_than_asked_for),
        cmocka_unit_test(a_block_remembers_the_last_workers_only),
        cmocka_unit_test(a_crowded_beginning_does_not_hide_who_has_the_rest),
        cmocka_unit_test(a_new_worker_in_a_slot_takes_the_place_of_the_one_before),
        cmocka_unit_test(what_is_unused_longest_goes_first_and_of_a_prompt_its_end),
        cmocka_unit_test(it_stays_whole_through_many_more_blocks_than_it_keeps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
