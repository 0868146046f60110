#include "proxy/refusal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_engines_words_are_found(void **state)
{
    static const struct {
        const char *body, *message;
        bool is_openai, is_too_long;
    } cases[] = {
        { "{\"error\":{\"message\":\"Model not loaded\",\"type\":\"server_error\"}}",
          "Model not loaded", true, false },
        { "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\"}}",
          "m", true, true },
        { "{\"error\":{\"message\":\"m\",\"code\":\"context_length_exceeded\"}}", "m", true, true },
        { "{\"error\":\"no\"}", "no", false, false },
        { "{\"object\":\"error\",\"message\":\"old vLLM\",\"code\":40303}", "old vLLM", false,
          false },
        { "{\"detail\":\"FastAPI\"}", "FastAPI", false, false },
        { "{\"detail\":[{\"loc\":[\"body\"]}]}", "", false, false },
        { "{\"error\":{\"message\":null}}", "", false, false },
        { "<h1>Bad\r\n\tGateway</h1>\n", "<h1>Bad   Gateway</h1>", false, false },
        { "{\"error\":{\"message\":\"cut", "{\"error\":{\"message\":\"cut", false, false },
        { "{\"error\":{\"message\":\"a\\u0007\\nb\"}}", "a  b", true, false },
        { "\xff\xfe junk \x01", "junk", false, false },
        { "", "", false, false },
    };
    struct refusal r;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        refusal_read(str_of(cases[i].body), &r);
        assert_string_equal(r.message, cases[i].message);
        assert_int_equal(r.is_openai, cases[i].is_openai);
        assert_int_equal(r.is_too_long, cases[i].is_too_long);
    }
}

static void a_long_message_is_cut_between_characters(void **state)
{
    char body[400];
    struct refusal r;
    (void)state;

    for (size_t i = 0; i + 2 < sizeof(body); i += 2)
        memcpy(body + i, "\xc3\xa9", 3);
    refusal_read(str_of(body), &r);
    assert_int_equal(strlen(r.message), 198);
    assert_string_equal(r.message + 196, "\xc3\xa9");
}

static void only_what_is_the_clients_fault_is_final(void **state)
{
    static const unsigned finals[] = { 400, 404, 409, 413, 415, 422 };
    static const unsigned others[] = { 200, 302, 401, 403, 407, 408, 425, 429, 500, 503 };
    (void)state;

    for (size_t i = 0; i < sizeof(finals) / sizeof(finals[0]); i++)
        assert_true(refusal_is_final(finals[i]));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(refusal_is_final(others[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_engines_words_are_found),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(only_what_is_the_clients_fault_is_final),
    };

    return cmocka_run_group_tests_name("refusal", tests, NULL, NULL);
}
