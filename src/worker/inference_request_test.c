#include "worker/inference_request.h"

#include "base/buf.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static int parse(enum inference_form form, const char *text, struct inference_request **ret,
                 struct err *err)
{
    return inference_request_parse(form, mem_copy(str_of(text)), strlen(text), ret, err);
}

static struct inference_request *must_parse(enum inference_form form, const char *text)
{
    struct inference_request *r = NULL;
    struct err err = { 0 };

    if (parse(form, text, &r, &err) < 0)
        fail_msg("%s: %s", text, err.msg);
    return r;
}

static void a_chat_comes_out_as_it_was_written(void **state)
{
    struct inference_request *r = must_parse(
        FORM_CHAT,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"be\\nbrief\"},"
        "{\"role\":\"user\",\"name\":\"x\",\"content\":[{\"type\":\"text\",\"text\":\"a\\u00e9\"},"
        "{\"type\":\"text\",\"text\":\"b\"}]},{\"role\":\"assistant\",\"content\":null}],"
        "\"max_completion_tokens\":7,\"temperature\":0,\"top_p\":0.5,\"top_k\":-1,\"min_p\":0.1,"
        "\"seed\":-5,\"stop\":[\"x\",\"yy\"],\"stream\":true,\"frequency_penalty\":-1.5,"
        "\"stream_options\":{\"include_usage\":true},\"logprobs\":true,\"top_logprobs\":2}");
    (void)state;

    assert_string_equal(r->model, "m");
    assert_int_equal(r->messages_len, 3);
    assert_true(str_eq(r->messages[0].role, "system"));
    assert_true(str_eq(r->messages[0].content, "be\nbrief"));
    assert_true(str_eq(r->messages[1].content, "a\xC3\xA9"
                                               "b"));
    assert_int_equal(r->messages[2].content.len, 0);
    assert_int_equal(r->max_tokens, 7);
    assert_true(r->sampling.temperature == 0 && r->sampling.top_p == 0.5);
    assert_true(r->sampling.min_p == 0.1 && r->sampling.frequency_penalty == -1.5);
    assert_int_equal(r->sampling.top_k, 0);
    assert_true(r->has_seed);
    assert_int_equal(r->stops_len, 2);
    assert_true(str_eq(r->stops[1], "yy"));
    assert_true(r->stream && r->include_usage && r->wants_logprobs);
    assert_int_equal(r->top_logprobs, 2);
    inference_request_free(r);
}

static void what_is_not_said_is_as_llama_cpp_has_it(void **state)
{
    struct engine_sampling sampling = engine_sampling_default();
    struct inference_request *r = must_parse(FORM_COMPLETION, "{\"prompt\":\"a\"}");
    struct engine_run_options run;
    (void)state;

    assert_memory_equal(&r->sampling, &sampling, sizeof(sampling));
    inference_request_to_run(r, &run);
    assert_int_equal(run.max_tokens, 0);
    assert_int_equal(run.top_logprobs, -1);
    assert_false(run.embed);
    run.prompt.release(run.prompt.owner);
}

static void null_is_as_good_as_absent(void **state)
{
    struct inference_request *r = must_parse(
        FORM_CHAT, "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"temperature\":null,"
                   "\"stop\":null,\"max_tokens\":null,\"tools\":null,\"n\":null,\"seed\":null,"
                   "\"stream_options\":null,\"response_format\":null,\"model\":null}");
    (void)state;

    assert_false(r->has_seed);
    assert_int_equal(r->max_tokens, 0);
    inference_request_free(r);
}

static void prompts_and_inputs_come_in_four_shapes(void **state)
{
    static const struct {
        const char *text;
        size_t inputs;
        size_t last_tokens; /* 0: the last input is text */
    } cases[] = {
        { "{\"input\":\"a\"}", 1, 0 },
        { "{\"input\":[\"a\",\"b\",\"c\"]}", 3, 0 },
        { "{\"input\":[1,2,3]}", 1, 3 },
        { "{\"input\":[[1],[2,3]]}", 2, 2 },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct inference_request *r = must_parse(FORM_EMBEDDING, cases[i].text);
        assert_int_equal(r->inputs_len, cases[i].inputs);
        const struct engine_input *last = &r->inputs[r->inputs_len - 1];
        assert_int_equal(last->tokens_len, cases[i].last_tokens);
        if (last->tokens)
            assert_int_equal(last->tokens[last->tokens_len - 1], 3);
        inference_request_free(r);
    }
}

static void bad_requests_are_refused_by_the_name_of_the_field(void **state)
{
#define CHAT(more) "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]," more "}"
    static const struct {
        enum inference_form form;
        int code;
        const char *text, *param;
    } cases[] = {
        { FORM_CHAT, ERR_JSON, "", "" },
        { FORM_CHAT, ERR_JSON, "{\"messages\":", "" },
        { FORM_CHAT, ERR_INVALID, "[]", "" },
        { FORM_CHAT, ERR_MISSING, "{}", "messages" },
        { FORM_CHAT, ERR_MISSING, "{\"prompt\":\"a\"}", "messages" },
        { FORM_CHAT, ERR_INVALID, "{\"messages\":{}}", "messages" },
        { FORM_CHAT, ERR_INVALID, "{\"messages\":[]}", "messages" },
        { FORM_CHAT, ERR_INVALID, "{\"messages\":[5]}", "messages[0]" },
        { FORM_CHAT, ERR_INVALID, "{\"messages\":[{\"content\":\"a\"}]}", "messages[0]" },
        { FORM_CHAT, ERR_INVALID,
          "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"boss\"}]}",
          "messages[1].role" },
        { FORM_CHAT, ERR_INVALID, "{\"messages\":[{\"role\":\"user\",\"content\":7}]}",
          "messages[0].content" },
        { FORM_CHAT, ERR_INVALID,
          "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]}",
          "messages[0].content" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"max_tokens\":0"), "max_tokens" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"max_tokens\":2147483648"), "max_tokens" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"max_tokens\":\"7\""), "max_tokens" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"temperature\":-0.1"), "temperature" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"temperature\":1e999"), "temperature" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"top_p\":1.1"), "top_p" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"top_k\":0.5"), "top_k" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"repeat_penalty\":0"), "repeat_penalty" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"presence_penalty\":3"), "presence_penalty" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"seed\":1.5"), "seed" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"seed\":18446744073709551616"), "seed" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"stop\":\"\""), "stop" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"stop\":5"), "stop" },
        { FORM_CHAT, ERR_INVALID,
          CHAT("\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\","
               "\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]"),
          "stop" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"stream\":1"), "stream" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"n\":2"), "n" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"tools\":[{}]"), "tools" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"logit_bias\":{\"5\":1}"), "logit_bias" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"response_format\":{\"type\":\"json_object\"}"),
          "response_format" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"top_logprobs\":1"), "top_logprobs" },
        { FORM_CHAT, ERR_INVALID, CHAT("\"logprobs\":true,\"top_logprobs\":21"), "top_logprobs" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":[]}", "prompt" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":[\"a\",\"b\"]}", "prompt" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":[1,-1]}", "prompt" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":[1,\"a\"]}", "prompt" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":\"a\",\"best_of\":2}", "best_of" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":\"a\",\"echo\":true}", "echo" },
        { FORM_COMPLETION, ERR_INVALID, "{\"prompt\":\"a\",\"logprobs\":2}", "logprobs" },
        { FORM_EMBEDDING, ERR_INVALID, "{\"input\":[]}", "input" },
        { FORM_EMBEDDING, ERR_INVALID, "{\"input\":\"a\",\"encoding_format\":\"int8\"}",
          "encoding_format" },
        { FORM_NATIVE, ERR_MISSING, "{\"max_tokens\":5}", "prompt" },
        { FORM_NATIVE, ERR_INVALID, "{\"prompt\":\"a\",\"messages\":[{\"role\":\"user\"}]}",
          "prompt" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct inference_request *r = NULL;
        struct err err = { 0 };
        int rc = parse(cases[i].form, cases[i].text, &r, &err);
        if (rc != cases[i].code || strcmp(err.param, cases[i].param) != 0)
            fail_msg("%s: %s, param '%s' (%s)", cases[i].text, err_name(rc), err.param, err.msg);
        assert_null(r);
    }
#undef CHAT
}

static void a_field_of_another_route_is_ignored(void **state)
{
    struct inference_request *r =
        must_parse(FORM_EMBEDDING,
                   "{\"input\":\"a\",\"temperature\":\"hot\",\"tools\":[1],\"new\":{\"a\":[]}}");
    (void)state;
    inference_request_free(r);
}

static void too_many_messages_are_refused_and_many_are_not(void **state)
{
    struct inference_request *r = NULL;
    struct buf text;
    struct err err;
    size_t len;
    (void)state;

    for (size_t n = REQUEST_MESSAGES_MAX; n <= REQUEST_MESSAGES_MAX + 1; n++) {
        buf_init(&text, 1 << 24);
        (void)buf_puts(&text, "{\"messages\":[");
        for (size_t i = 0; i < n; i++)
            (void)buf_printf(&text,
                             "%s{\"role\":\"user\",\"content\":[{\"type\":\"text\","
                             "\"text\":\"\\u0061\"}]}",
                             i ? "," : "");
        (void)buf_puts(&text, "]}");
        char *body = buf_take(&text, &len);
        int rc = inference_request_parse(FORM_CHAT, body, len, &r, &err);
        assert_int_equal(rc, n > REQUEST_MESSAGES_MAX ? ERR_INVALID : 0);
        if (rc == 0) {
            assert_true(str_eq(r->messages[n - 1].content, "a"));
            inference_request_free(r);
        }
    }
}

static void a_native_prompt_becomes_a_users_message_and_tokens_do_not(void **state)
{
    struct inference_request *r = must_parse(FORM_NATIVE, "{\"prompt\":\"hi\"}");
    (void)state;

    inference_request_make_chat(r);
    assert_int_equal(r->messages_len, 1);
    assert_int_equal(r->inputs_len, 0);
    assert_true(str_eq(r->messages[0].role, "user") && str_eq(r->messages[0].content, "hi"));
    inference_request_free(r);

    r = must_parse(FORM_NATIVE, "{\"prompt\":[1,2]}");
    inference_request_make_chat(r);
    assert_int_equal(r->messages_len, 0);
    assert_int_equal(r->inputs_len, 1);
    inference_request_free(r);
}

static void a_seed_is_kept_and_a_missing_one_is_chosen(void **state)
{
    struct inference_request *r = must_parse(FORM_NATIVE, "{\"prompt\":\"a\",\"seed\":42}");
    (void)state;

    inference_request_choose_seed(r, 7);
    assert_int_equal(r->seed, 42);
    assert_int_equal(r->sampling.seed, 42);
    inference_request_free(r);

    r = must_parse(FORM_NATIVE, "{\"prompt\":\"a\",\"seed\":18446744073709551615}");
    inference_request_choose_seed(r, 7);
    assert_int_equal((uint64_t)r->seed, UINT64_MAX);
    inference_request_free(r);

    r = must_parse(FORM_NATIVE, "{\"prompt\":\"a\"}");
    inference_request_choose_seed(r, 7);
    assert_int_equal(r->seed, 7);
    inference_request_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_comes_out_as_it_was_written),
        cmocka_unit_test(what_is_not_said_is_as_llama_cpp_has_it),
        cmocka_unit_test(null_is_as_good_as_absent),
        cmocka_unit_test(prompts_and_inputs_come_in_four_shapes),
        cmocka_unit_test(bad_requests_are_refused_by_the_name_of_the_field),
        cmocka_unit_test(a_field_of_another_route_is_ignored),
        cmocka_unit_test(too_many_messages_are_refused_and_many_are_not),
        cmocka_unit_test(a_native_prompt_becomes_a_users_message_and_tokens_do_not),
        cmocka_unit_test(a_seed_is_kept_and_a_missing_one_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
