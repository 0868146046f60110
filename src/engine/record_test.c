#include "engine/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void records_come_back_as_they_were_written(void **state)
{
    static const float values[] = { 0.25F, -1.0F, 0.5F };
    struct engine_logprob logprob = {
        .text = str_of("the"),
        .logprob = -0.5,
        .top_len = 2,
        .top = { { str_of("a"), -0.1 }, { str_of(""), -0.5 } },
    };
    struct engine_timings timings = { .prompt_tokens = 7, .output_tokens = 3, .output_us = 99 };
    struct err err;
    struct record r;
    struct buf out;
    (void)state;

    buf_init(&out, 1 << 20);
    record_started(&out, 5);
    record_logprob(&out, &logprob);
    record_text(&out, str_of("odd"), 1);
    record_embedding(&out, 2, values, 3);
    (void)err_set(&err, ERR_LIMIT, "no memory");
    record_end(&out, ENGINE_STOP_SEQUENCE, &timings, &err);

    struct str rest = buf_str(&out);
    assert_true(record_next(&rest, &r));
    assert_int_equal(r.kind, RECORD_STARTED);
    assert_int_equal(r.cached_tokens, 5);

    assert_true(record_next(&rest, &r));
    assert_int_equal(r.kind, RECORD_LOGPROB);
    assert_true(str_eq(r.logprob.text, "the"));
    assert_int_equal(r.logprob.top_len, 2);
    assert_true(str_eq(r.logprob.top[0].text, "a"));
    assert_int_equal(r.logprob.top[1].text.len, 0);
    assert_true(r.logprob.logprob == -0.5 && r.logprob.top[0].logprob == -0.1);

    assert_true(record_next(&rest, &r));
    assert_int_equal(r.kind, RECORD_TEXT);
    assert_true(str_eq(r.text.text, "odd"));
    assert_int_equal(r.text.tokens_len, 1);

    assert_true(record_next(&rest, &r));
    assert_int_equal(r.kind, RECORD_EMBEDDING);
    assert_int_equal(r.embedding.index, 2);
    assert_int_equal(r.embedding.values_len, 3);
    assert_memory_equal(r.embedding.values, values, sizeof(values));

    assert_true(record_next(&rest, &r));
    assert_int_equal(r.kind, RECORD_END);
    assert_int_equal(r.end.stop, ENGINE_STOP_SEQUENCE);
    assert_int_equal(r.end.timings.output_us, 99);
    assert_string_equal(r.end.err.msg, "no memory");
    assert_false(record_next(&rest, &r));
    buf_deinit(&out);
}

static void an_orderly_end_has_no_error(void **state)
{
    struct engine_timings timings = { 0 };
    struct record r;
    struct buf out;
    (void)state;

    buf_init(&out, 4096);
    record_end(&out, ENGINE_STOP_EOS, &timings, NULL);
    struct str rest = buf_str(&out);
    assert_true(record_next(&rest, &r));
    assert_int_equal(r.end.err.code, 0);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_come_back_as_they_were_written),
        cmocka_unit_test(an_orderly_end_has_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
