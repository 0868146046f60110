#include "base/mem.h"
#include "release/validation.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { NOW_MS = 1700000000 };

static void the_same_number_gives_the_same_context(void **state)
{
    struct region *a = region_new(sizeof(struct snapshot), 0, NULL);
    struct region *b = region_new(sizeof(struct snapshot), 0, NULL);
    uint64_t seen[GENERATED_CONTEXTS];

    (void)state;
    for (unsigned i = 0; i < GENERATED_CONTEXTS; i++) {
        region_reset(a);
        region_reset(b);
        validation_generate(a, i, NOW_MS);
        validation_generate(b, i, NOW_MS);
        assert_int_equal(region_hash(a), region_hash(b));
        seen[i] = region_hash(a);
        for (unsigned j = 16; j < i; j++)
            assert_true(i % 16 == 0 || seen[i] != seen[j]);
    }
    region_free(a);
    region_free(b);
}

static void the_large_context_has_what_was_asked_for(void **state)
{
    struct region *r = region_new(sizeof(struct snapshot), 0, NULL);

    (void)state;
    validation_generate_large(r, 1000, 1000, NOW_MS);
    const struct snapshot *s = region_bytes(r);
    assert_int_equal(s->header.workers, 1000);
    assert_int_equal(s->header.jobs, 1000);
    assert_int_equal(s->header.metrics.queue_depth, 1000);
    region_free(r);
}

static void contexts_can_be_written_and_read_again(void **state)
{
    struct region *r = region_new(sizeof(struct snapshot), 0, NULL);
    struct region *again = region_new(sizeof(struct snapshot), 0, NULL);
    AUTO(buf_deinit) struct buf json;
    struct json_out out;
    struct err err;

    (void)state;
    buf_init(&json, CONTEXT_BYTES_MAX);
    for (unsigned i = 0; i < GENERATED_CONTEXTS; i++) {
        region_reset(r);
        region_reset(again);
        buf_clear(&json);
        validation_generate(r, i, NOW_MS);
        json_out_init(&out, &json);
        json_begin(&out, NULL, '{');
        context_write(&out, region_bytes(r));
        json_end(&out);
        if (context_read(again, buf_str(&json), 1, &err) < 0)
            fail_msg("context %u: %s", i, err.msg);
    }
    region_free(r);
    region_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_number_gives_the_same_context),
        cmocka_unit_test(the_large_context_has_what_was_asked_for),
        cmocka_unit_test(contexts_can_be_written_and_read_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
