#include "snapshot/region.h"

#include "base/mem.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

/* Rows of one length, then rows of another, across page borders. */
enum {
    SMALL = 40,
    LARGE = 5000,
    SMALLS = 300,
    LARGES = 10,
    SIZE = SMALL * SMALLS + LARGE * LARGES + 80,
    LOG = 2 * 1024 * 1024,
    SEGMENT = 256 * 1024,
};

static void put_random(struct region *r, struct rng *rng)
{
    unsigned char bytes[LARGE];
    bool is_small = rng_below(rng, 10) > 0;
    size_t len = is_small ? SMALL : LARGE;
    size_t off =
        is_small ? rng_below(rng, SMALLS) * SMALL : SMALL * SMALLS + rng_below(rng, LARGES) * LARGE;

    memcpy(bytes, (const unsigned char *)region_bytes(r) + off, len);
    for (uint64_t i = rng_below(rng, 4); i > 0; i--)
        bytes[rng_below(rng, len)] = (unsigned char)rng_below(rng, 3);
    region_put(r, off, bytes, len);
}

static void copies_synced_at_random_times_equal_the_region(void **state)
{
    enum { COPIES = 4 };
    AUTO(free_ptr) unsigned char *copies = mem_alloc(COPIES, SIZE);
    uint64_t versions[COPIES] = { 0 };
    struct rng rng;
    (void)state;

    rng_seed(&rng, 1);
    for (size_t log = 0; log <= LOG; log += LOG / 2) {
        struct region *r = region_new(SIZE, log, NULL);

        memset(copies, 0, (size_t)COPIES * SIZE);
        memset(versions, 0, sizeof(versions));
        for (int i = 0; i < 20000; i++) {
            size_t which = rng_below(&rng, 1000);

            put_random(r, &rng);
            if (which >= COPIES)
                continue;
            versions[which] = region_sync(r, copies + which * SIZE, versions[which]);
            assert_true(versions[which] == region_version(r));
            assert_memory_equal(copies + which * SIZE, region_bytes(r), SIZE);
        }
        region_free(r);
    }
}

static void what_was_recorded_is_there_at_its_version(void **state)
{
    enum { RECORDS = 40, STEPS = 50 };
    AUTO(free_ptr) unsigned char *records = mem_alloc(RECORDS, SIZE);
    uint64_t versions[RECORDS];
    struct region *r = region_new(SIZE, LOG, NULL);
    struct rng rng;
    (void)state;

    rng_seed(&rng, 2);
    for (size_t i = 0; i < RECORDS; i++) {
        memcpy(records + i * SIZE, region_bytes(r), SIZE);
        versions[i] = region_version(r);
        for (int j = 0; j < STEPS; j++)
            put_random(r, &rng);
    }
    for (size_t i = 0; i < RECORDS; i++) {
        AUTO(free_ptr) unsigned char *back = mem_alloc(SIZE, 1);

        assert_true(region_at(r, versions[i], back));
        assert_memory_equal(back, records + i * SIZE, SIZE);
    }
    region_free(r);
}

static void a_full_log_forgets_the_oldest_and_says_so(void **state)
{
    AUTO(free_ptr) unsigned char *back = mem_alloc(SIZE, 1);
    struct region *r = region_new(SIZE, SEGMENT, NULL);
    unsigned char bytes[LARGE];
    (void)state;

    for (unsigned i = 1; i <= 200; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        region_put(r, SMALL * SMALLS, bytes, sizeof(bytes));
    }
    assert_true(region_version(r) == 200);
    assert_true(region_at(r, 199, back));
    assert_int_equal(back[SMALL * SMALLS], 199);
    assert_false(region_at(r, 1, back));
    assert_false(region_at(r, 201, back));
    memset(back, 0, SIZE);
    assert_true(region_sync(r, back, 0) == 200);
    assert_memory_equal(back, region_bytes(r), SIZE);
    region_free(r);
}

static void a_put_that_changes_nothing_makes_no_version(void **state)
{
    struct region *r = region_new(SIZE, LOG, NULL);
    (void)state;

    region_put(r, 0, "\0\0\0", 3);
    assert_true(region_version(r) == 0);
    region_put(r, 0, "abc", 3);
    region_put(r, 0, "abc", 3);
    assert_true(region_version(r) == 1);
    region_free(r);
}

static void equal_content_has_equal_hashes_however_it_came_about(void **state)
{
    struct region *a = region_new(SIZE, LOG, NULL), *b = region_new(SIZE, 0, NULL);
    struct rng rng;
    (void)state;

    rng_seed(&rng, 3);
    assert_true(region_hash(a) == region_hash(b));
    for (int i = 0; i < 1000; i++)
        put_random(a, &rng);
    assert_false(region_hash(a) == region_hash(b));
    for (size_t i = LARGES; i-- > 0;) {
        size_t off = SMALL * SMALLS + i * LARGE;
        region_put(b, off, (const char *)region_bytes(a) + off, LARGE);
    }
    for (size_t i = 0; i < SMALLS; i++)
        region_put(b, i * SMALL, (const char *)region_bytes(a) + i * SMALL, SMALL);
    assert_true(region_hash(a) == region_hash(b));

    /* In other pieces, too, whose ends are within words. */
    region_put(a, SIZE - 3, "end", 3);
    for (size_t i = 3; i-- > 0;)
        region_put(b, SIZE - 3 + i, &"end"[i], 1);
    assert_true(region_hash(a) == region_hash(b));

    /* The same bytes at another place are other content. */
    char row[SMALL] = "x";
    uint64_t before = region_hash(a);
    region_put(a, 0, row, SMALL);
    region_put(b, SMALL, row, SMALL);
    assert_false(region_hash(a) == region_hash(b));
    memset(row, 0, sizeof(row));
    region_put(a, 0, row, SMALL);
    assert_false(region_hash(a) == before && region_hash(b) == before);
    region_free(a);
    region_free(b);
}

static void a_reset_is_zeros_without_history_that_copies_follow(void **state)
{
    AUTO(free_ptr) unsigned char *copy = mem_alloc(SIZE, 1);
    AUTO(free_ptr) unsigned char *zeros = mem_alloc(SIZE, 1);
    struct region *r = region_new(SIZE, LOG, NULL);
    (void)state;

    region_put(r, 0, "abc", 3);
    uint64_t version = region_sync(r, copy, 0);
    region_reset(r);
    assert_true(region_hash(r) == 0);
    assert_false(region_at(r, version, copy));
    region_put(r, 1, "xy", 2);
    (void)region_sync(r, copy, version);
    assert_memory_equal(copy, region_bytes(r), SIZE);
    region_put(r, 1, "\0\0", 2);
    assert_memory_equal(zeros, region_bytes(r), SIZE);
    region_free(r);
}

static void a_region_may_stand_on_memory_of_its_callers(void **state)
{
    unsigned char memory[64] = { 0 };
    struct region *r = region_new(sizeof(memory), 0, memory);
    (void)state;

    region_put(r, 60, "abcd", 4);
    assert_ptr_equal(region_bytes(r), memory);
    assert_memory_equal(memory + 60, "abcd", 4);
    assert_false(region_at(r, 0, memory));
    region_free(r);
}

static void a_restored_region_is_copied_on_like_any_other(void **state)
{
    struct region *r = region_new(SIZE, LOG, NULL), *past = region_new(SIZE, 0, NULL);
    AUTO(free_ptr) unsigned char *copy = mem_alloc(SIZE, 1);
    (void)state;

    region_put(r, 5000, "old", 3);
    uint64_t hash_of_old = region_hash(r);
    region_put(r, 5000, "new", 3);
    assert_true(region_restore(r, 1, past));
    uint64_t version = region_sync(past, copy, 0), hash = region_hash(past);
    assert_true(hash == hash_of_old);
    assert_memory_equal(copy + 5000, "old", 3);
    assert_true(region_restore(r, 2, past) && region_hash(past) != hash);
    (void)region_sync(past, copy, version);
    assert_memory_equal(copy, region_bytes(r), SIZE);
    assert_true(region_restore(r, 1, past) && region_hash(past) == hash);
    assert_false(region_restore(r, 3, past));
    region_free(past);
    region_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_synced_at_random_times_equal_the_region),
        cmocka_unit_test(what_was_recorded_is_there_at_its_version),
        cmocka_unit_test(a_full_log_forgets_the_oldest_and_says_so),
        cmocka_unit_test(a_put_that_changes_nothing_makes_no_version),
        cmocka_unit_test(equal_content_has_equal_hashes_however_it_came_about),
        cmocka_unit_test(a_reset_is_zeros_without_history_that_copies_follow),
        cmocka_unit_test(a_region_may_stand_on_memory_of_its_callers),
        cmocka_unit_test(a_restored_region_is_copied_on_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
