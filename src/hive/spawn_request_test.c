#include "hive/spawn_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void all_of_it_is_read(void **state)
{
    struct spawn_request r;
    struct err err;
    (void)state;

    assert_int_equal(spawn_request_parse(
                         str_of("{\"operation\":\"worker_spawn\",\"hive_id\":\"h\",\"model\":\"m\","
                                "\"device\":\"cuda:1\",\"slots\":8,\"ctx\":4096,\"threads\":3,"
                                "\"labels\":{\"a\":\"b\"}}"),
                         &r, &err),
                     0);
    assert_string_equal(r.hive_id, "h");
    assert_string_equal(r.spec.model, "m");
    assert_string_equal(r.spec.device, "cuda:1");
    assert_int_equal(r.spec.slots, 8);
    assert_int_equal(r.spec.ctx, 4096);
    assert_int_equal(r.spec.threads, 3);
    assert_string_equal(labels_get(&r.spec.labels, "a"), "b");
    spawn_request_free(&r);
}

static void null_is_the_same_as_not_said(void **state)
{
    struct spawn_request r;
    struct err err;
    (void)state;

    assert_int_equal(
        spawn_request_parse(str_of("{\"model\":\"m\",\"slots\":null,\"device\":null}"), &r, &err),
        0);
    assert_int_equal(r.spec.slots, 0);
    assert_string_equal(r.spec.device, "");
    spawn_request_free(&r);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *body;
        int code;
        const char *param;
    } rows[] = {
        { "{}", ERR_MISSING, "model" },
        { "{\"model\":\"\"}", ERR_MISSING, "model" },
        { "{\"model\":7}", ERR_INVALID, "model" },
        { "{\"model\":\"a\\u0000b\"}", ERR_INVALID, "model" },
        { "{\"model\":\"m\",\"slots\":0}", ERR_INVALID, "slots" },
        { "{\"model\":\"m\",\"slots\":100000}", ERR_INVALID, "slots" },
        { "{\"model\":\"m\",\"threads\":-1}", ERR_INVALID, "threads" },
        { "{\"model\":\"m\",\"ctx\":1.5}", ERR_INVALID, "ctx" },
        { "{\"model\":\"m\",\"labels\":[]}", ERR_INVALID, "labels" },
        { "{\"model\":\"m\",\"labels\":{\"a\":\"b\"},\"args\":[\"--x\"]}", ERR_INVALID, "args" },
        { "[]", ERR_INVALID, "" },
        { "{\"model\":\"m\"", ERR_JSON, "" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct spawn_request r;
        struct err err = { 0 };
        assert_int_equal(spawn_request_parse(str_of(rows[i].body), &r, &err), rows[i].code);
        assert_string_equal(err.param, rows[i].param);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_read),
        cmocka_unit_test(null_is_the_same_as_not_said),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
