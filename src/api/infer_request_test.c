/* What the queen accepts of an inference request, and how it says no. */
#include "api/infer_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void what_scheduling_needs_is_read(void **state)
{
    static const char body[] =
        "{\"model\":\"rbee-tiny\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
        "\"stream\":true,\"max_completion_tokens\":7,\"temperature\":0.5,\"seed\":-1,"
        "\"priority\":\"batch\",\"session_id\":\"s1\",\"labels\":{\"type\":\"chat\"},"
        "\"deadline_ms\":500,\"anything\":{\"else\":[1,2]}}";
    struct infer_request r;
    struct err err;
    (void)state;

    assert_int_equal(infer_request_parse(INFER_CHAT, str_of(body), &r, &err), 0);
    assert_string_equal(r.spec.model, "rbee-tiny");
    assert_true(r.stream);
    assert_int_equal(r.spec.max_tokens, 7);
    assert_true(r.spec.has_seed);
    assert_int_equal(r.spec.seed, UINT64_MAX);
    assert_int_equal(r.spec.priority, JOB_BATCH);
    assert_string_equal(r.spec.session_id, "s1");
    assert_string_equal(labels_get(&r.spec.labels, "type"), "chat");
    assert_true(r.has_deadline);
    assert_int_equal(r.deadline_in_ms, 500);
    assert_int_equal(r.spec.bytes, sizeof(body) - 1);
    assert_int_equal(r.messages.p[0], '[');
    infer_request_free(&r);
}

static void null_means_not_given(void **state)
{
    static const char body[] =
        "{\"model\":\"m\",\"prompt\":\"p\",\"max_tokens\":null,\"stop\":null,"
        "\"temperature\":null,\"seed\":null,\"priority\":null}";
    struct infer_request r;
    struct err err;
    (void)state;

    assert_int_equal(infer_request_parse(INFER_COMPLETIONS, str_of(body), &r, &err), 0);
    assert_int_equal(r.spec.max_tokens, 0);
    assert_false(r.spec.has_seed);
    assert_true(r.spec.temperature < 0);
    infer_request_free(&r);
}

static void wrong_values_are_refused_by_name(void **state)
{
    static const struct {
        const char *what, *body, *param;
        int code;
        enum infer_route route;
    } cases[] = {
        { "not JSON", "{", "", ERR_JSON, INFER_CHAT },
        { "no messages at all", "{\"model\":\"m\",\"messages\":[]}", "messages", ERR_INVALID,
          INFER_CHAT },
        { "empty stop", "{\"model\":\"m\",\"prompt\":\"x\",\"stop\":[\"\"]}", "stop", ERR_INVALID,
          INFER_NATIVE },
        { "an image, natively",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]"
          "}]}",
          "messages", ERR_INVALID, INFER_NATIVE },
        { "hot", "{\"model\":\"m\",\"prompt\":\"x\",\"temperature\":2.5}", "temperature",
          ERR_INVALID, INFER_NATIVE },
        { "not an object", "[]", "", ERR_INVALID, INFER_CHAT },
        { "no model", "{\"messages\":[5]}", "model", ERR_MISSING, INFER_CHAT },
        { "model is a number", "{\"model\":5,\"messages\":[]}", "model", ERR_INVALID, INFER_CHAT },
        { "no messages", "{\"model\":\"m\"}", "messages", ERR_MISSING, INFER_CHAT },
        { "no prompt", "{\"model\":\"m\"}", "prompt", ERR_MISSING, INFER_COMPLETIONS },
        { "no input", "{\"model\":\"m\"}", "input", ERR_MISSING, INFER_EMBEDDINGS },
        { "max_tokens 0",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":0}",
          "max_tokens", ERR_INVALID, INFER_CHAT },
        { "max_tokens 2^31",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":"
          "2147483648}",
          "max_tokens", ERR_INVALID, INFER_CHAT },
        { "max_tokens half",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":1."
          "5}",
          "max_tokens", ERR_INVALID, INFER_CHAT },
        { "cold",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":-"
          "1}",
          "temperature", ERR_INVALID, INFER_CHAT },
        { "top_p",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"top_p\":1.1}",
          "top_p", ERR_INVALID, INFER_CHAT },
        { "stream is text",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":"
          "\"yes\"}",
          "stream", ERR_INVALID, INFER_CHAT },
        { "priority",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"priority\":"
          "\"urgent\"}",
          "priority", ERR_INVALID, INFER_CHAT },
        { "both",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"prompt\":\"x\"}",
          "prompt", ERR_INVALID, INFER_NATIVE },
        { "stop of numbers",
          "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stop\":[1]}",
          "stop", ERR_INVALID, INFER_CHAT },
        { "bad UTF-8", "{\"model\":\"\xff\",\"messages\":[]}", NULL, ERR_JSON, INFER_CHAT },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct infer_request r;
        struct err err = { 0 };
        int rc = infer_request_parse(cases[i].route, str_of(cases[i].body), &r, &err);
        if (rc != cases[i].code)
            fail_msg("%s: %s (%s), expected %s", cases[i].what, err_name(rc), err.msg,
                     err_name(cases[i].code));
        if (cases[i].param)
            assert_string_equal(err.param, cases[i].param);
        assert_true(strlen(err.msg) > 10);
    }
}

static void equal_openings_have_equal_hashes(void **state)
{
    struct infer_request a, b;
    struct err err;
    (void)state;

    assert_int_equal(infer_request_parse(INFER_COMPLETIONS,
                                         str_of("{\"prompt\":\"abc\",\"model\":\"m\"}"), &a, &err),
                     0);
    assert_int_equal(infer_request_parse(INFER_COMPLETIONS,
                                         str_of("{\"model\":\"n\", \"prompt\":\"abc\"}"), &b, &err),
                     0);
    assert_true(a.spec.prompt_hash == b.spec.prompt_hash);
    infer_request_free(&a);
    infer_request_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_scheduling_needs_is_read),
        cmocka_unit_test(null_means_not_given),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test(equal_openings_have_equal_hashes),
    };

    return cmocka_run_group_tests_name("infer_request", tests, NULL, NULL);
}
