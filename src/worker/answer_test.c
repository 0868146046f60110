/* Read back with jansson, so that it is JSON and says what clients look for. */
#include "worker/answer.h"

#include "worker/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <string.h>

static const struct engine_timings timings = { .prompt_tokens = 10,
                                               .cached_tokens = 4,
                                               .output_tokens = 3,
                                               .prompt_us = 2000,
                                               .output_us = 1000 };

static struct answer answer(enum answer_shape shape)
{
    struct answer a;
    answer_init(&a, shape);
    a.model = "m";
    a.fingerprint = "f";
    return a;
}

static json_t *load(struct buf *out)
{
    json_t *root = json_loadb(buf_str(out).p, buf_len(out), JSON_REJECT_DUPLICATES, NULL);
    if (!root)
        fail_msg("not JSON: %s", buf_cstr(out));
    buf_deinit(out);
    return root;
}

static json_t *choice(json_t *root)
{
    return json_array_get(json_object_get(root, "choices"), 0);
}

static const char *text_of(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void a_whole_answer_has_text_usage_and_timings(void **state)
{
    struct answer a = answer(ANSWER_CHAT);
    struct buf out;
    (void)state;

    buf_init(&out, 1 << 20);
    answer_whole(&a, str_of("\"hi\"\n"), (struct str){ 0 }, "stop", &timings, &out);
    json_t *root = load(&out), *usage = json_object_get(root, "usage");
    assert_string_equal(text_of(root, "object"), "chat.completion");
    assert_int_equal(strncmp(text_of(root, "id"), "chatcmpl-", 9), 0);
    assert_string_equal(text_of(json_object_get(choice(root), "message"), "content"), "\"hi\"\n");
    assert_string_equal(text_of(choice(root), "finish_reason"), "stop");
    assert_int_equal(json_integer_value(json_object_get(usage, "total_tokens")), 13);
    json_t *details = json_object_get(usage, "prompt_tokens_details");
    assert_int_equal(json_integer_value(json_object_get(details, "cached_tokens")), 4);
    json_t *t = json_object_get(root, "timings");
    assert_int_equal(json_integer_value(json_object_get(t, "prompt_n")), 6);
    assert_true(json_number_value(json_object_get(t, "predicted_per_second")) == 2000);
    json_decref(root);
}

static void the_first_chunk_has_the_role_and_the_last_the_reason(void **state)
{
    struct answer a = answer(ANSWER_CHAT);
    struct buf out;
    (void)state;

    buf_init(&out, 1 << 20);
    answer_chunk(&a, true, str_of("a"), (struct str){ 0 }, &out);
    json_t *root = load(&out), *delta = json_object_get(choice(root), "delta");
    assert_string_equal(text_of(delta, "role"), "assistant");
    assert_string_equal(text_of(delta, "content"), "a");
    assert_true(json_is_null(json_object_get(choice(root), "finish_reason")));
    assert_null(json_object_get(root, "usage"));
    json_decref(root);

    answer_chunk(&a, false, str_of("b"), (struct str){ 0 }, &out);
    root = load(&out);
    assert_null(json_object_get(json_object_get(choice(root), "delta"), "role"));
    json_decref(root);

    answer_last_chunk(&a, false, "length", &out);
    root = load(&out);
    assert_int_equal(json_object_size(json_object_get(choice(root), "delta")), 0);
    assert_string_equal(text_of(choice(root), "finish_reason"), "length");
    json_decref(root);
}

static void with_include_usage_it_comes_in_a_chunk_without_choices(void **state)
{
    struct answer a = answer(ANSWER_COMPLETION);
    struct buf out;
    (void)state;

    a.include_usage = true;
    buf_init(&out, 1 << 20);
    answer_chunk(&a, true, str_of("a"), (struct str){ 0 }, &out);
    json_t *root = load(&out);
    assert_true(json_is_null(json_object_get(root, "usage")));
    assert_string_equal(text_of(choice(root), "text"), "a");
    json_decref(root);

    answer_usage_chunk(&a, &timings, &out);
    root = load(&out);
    assert_int_equal(json_array_size(json_object_get(root, "choices")), 0);
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(root, "usage"), "completion_tokens")),
        3);
    json_decref(root);
}

static void logprobs_carry_the_bytes_of_half_characters(void **state)
{
    struct engine_logprob logprob = { .text = { "\xE2\x82", 2 },
                                      .logprob = -0.25,
                                      .top_len = 1,
                                      .top = { { str_of("x"), -0.125 } } };
    struct answer a = answer(ANSWER_CHAT);
    struct buf entries, out;
    (void)state;

    a.wants_logprobs = true;
    buf_init(&entries, 1 << 20);
    buf_init(&out, 1 << 20);
    answer_add_logprob(&entries, &logprob);
    answer_add_logprob(&entries, &logprob);
    answer_chunk(&a, false, str_of("a"), buf_str(&entries), &out);
    json_t *root = load(&out);
    json_t *content = json_object_get(json_object_get(choice(root), "logprobs"), "content");
    assert_int_equal(json_array_size(content), 2);
    json_t *bytes = json_object_get(json_array_get(content, 1), "bytes");
    assert_int_equal(json_integer_value(json_array_get(bytes, 0)), 0xE2);
    assert_int_equal(json_array_size(json_object_get(json_array_get(content, 0), "top_logprobs")),
                     1);
    json_decref(root);
    buf_deinit(&entries);
}

static void base64_is_as_rfc_4648_has_it(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = { { "", "" },
                  { "f", "Zg==" },
                  { "fo", "Zm8=" },
                  { "foo", "Zm9v" },
                  { "foob", "Zm9vYg==" },
                  { "fooba", "Zm9vYmE=" },
                  { "foobar", "Zm9vYmFy" },
                  { "\xFF\xFE\xFD", "//79" } };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out;
        buf_init(&out, 64);
        base64_add(&out, cases[i].in, strlen(cases[i].in));
        assert_string_equal(buf_cstr(&out), cases[i].out);
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_answer_has_text_usage_and_timings),
        cmocka_unit_test(the_first_chunk_has_the_role_and_the_last_the_reason),
        cmocka_unit_test(with_include_usage_it_comes_in_a_chunk_without_choices),
        cmocka_unit_test(logprobs_carry_the_bytes_of_half_characters),
        cmocka_unit_test(base64_is_as_rfc_4648_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
