#include "base/json_write.h"

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <float.h>
#include <math.h>

static void commas_and_ends_come_by_themselves(void **state)
{
    struct json_out o;
    struct buf b;
    (void)state;

    buf_init(&b, 1000);
    json_out_init(&o, &b);
    json_begin(&o, NULL, '{');
    json_str(&o, "id", "job-1");
    json_str(&o, "none", NULL);
    json_strn(&o, "n", (struct str){ "abc", 2 });
    json_begin(&o, "data", '[');
    json_int(&o, NULL, INT64_MIN);
    json_uint(&o, NULL, UINT64_MAX);
    json_begin(&o, NULL, '{');
    json_end(&o);
    json_begin(&o, NULL, '[');
    json_end(&o);
    json_bool(&o, NULL, true);
    json_null(&o, NULL);
    json_end(&o);
    json_bool(&o, "f", false);
    json_raw(&o, "raw", str_of("[1]"));
    json_time(&o, "t", 0);
    json_end(&o);
    assert_string_equal(buf_cstr(&b),
                        "{\"id\":\"job-1\",\"none\":null,\"n\":\"ab\",\"data\":["
                        "-9223372036854775808,18446744073709551615,{},[],true,null],"
                        "\"f\":false,\"raw\":[1],\"t\":\"1970-01-01T00:00:00.000Z\"}");
    buf_deinit(&b);
}

static void what_json_forbids_is_escaped_and_bad_utf8_replaced(void **state)
{
    struct buf b;
    (void)state;

    buf_init(&b, 1000);
    json_quote(&b, (struct str){ "\"\\/\b\f\n\r\t\x01\x1f\0\x7f", 12 });
    assert_string_equal(buf_cstr(&b), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7f\"");
    buf_clear(&b);
    json_quote(&b, str_of("a\xc3\xa9\xff\xe2\x82 \xed\xa0\x80."));
    assert_string_equal(buf_cstr(&b), "\"a\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
                                      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.\"");
    buf_clear(&b);
    json_quote(&b, (struct str){ 0 });
    assert_string_equal(buf_cstr(&b), "\"\"");
    buf_deinit(&b);
}

static void doubles_are_short_and_read_back_exactly(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0, "0" },       { -0.0, "-0" },       { 1, "1" },
        { 0.1, "0.1" },   { 1.0 / 3, NULL },    { 1e21, "1e+21" },
        { 5e-324, NULL }, { DBL_MAX, NULL },    { -123.456, "-123.456" },
        { NAN, "null" },  { INFINITY, "null" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct json_out o;
        struct buf b;
        struct json j;
        double back = 0;

        buf_init(&b, 100);
        json_out_init(&o, &b);
        json_double(&o, NULL, cases[i].value);
        if (cases[i].text)
            assert_string_equal(buf_cstr(&b), cases[i].text);
        json_init(&j, buf_str(&b));
        if (isfinite(cases[i].value)) {
            json_read_double(&j, &back);
            assert_memory_equal(&back, &cases[i].value, sizeof(back));
        }
        buf_deinit(&b);
    }
}

static void a_full_buffer_shows_at_the_end(void **state)
{
    struct json_out o;
    struct buf b;
    (void)state;

    buf_init(&b, 10);
    json_out_init(&o, &b);
    json_begin(&o, NULL, '[');
    json_str(&o, NULL, "too long for this");
    json_end(&o);
    assert_true(b.overflowed);
    buf_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_ends_come_by_themselves),
        cmocka_unit_test(what_json_forbids_is_escaped_and_bad_utf8_replaced),
        cmocka_unit_test(doubles_are_short_and_read_back_exactly),
        cmocka_unit_test(a_full_buffer_shows_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
