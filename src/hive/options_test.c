#include "hive/options.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* Load and check "rbee-hive ARGS..."; *err says what is wrong. */
static int load(struct hive_options *o, struct err *err, size_t argc, const char *const *args)
{
    char *argv[16] = { mem_copy(str_of("rbee-hive")) };
    struct option_result result;

    for (size_t i = 0; i < argc; i++)
        argv[i + 1] = mem_copy(str_of(args[i]));
    *o = (struct hive_options){ 0 };
    int rc = options_load(&hive_program, (int)argc + 1, argv, NULL, o, &result, err);
    if (rc == 0)
        rc = hive_options_check(o, err);
    for (size_t i = 0; i <= argc; i++)
        free(argv[i]);
    return rc;
}

#define LOAD(o, err, ...)                                                           \
    load((o), (err), sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), \
         (const char *const[]){ __VA_ARGS__ })

static void what_is_not_said_has_a_default(void **state)
{
    struct hive_options o;
    struct err err;
    (void)state;

    assert_int_equal(LOAD(&o, &err, "--models-dir=/m"), 0);
    assert_int_equal(o.common.listen.len, 1);
    assert_string_equal(o.common.listen.items[0], "127.0.0.1:7835");
    assert_string_equal(o.listen_host, "127.0.0.1");
    assert_string_equal(o.address, "127.0.0.1");
    assert_int_equal(o.ports.from, 8080);
    assert_int_equal(o.ports.to, 8999);
    assert_true(strlen(o.id) > 0 && strlen(o.id) <= 64);
    assert_non_null(strstr(o.worker_path, "/llm-worker-rbee"));
    assert_string_equal(o.models_path, "/m");
    hive_options_free(&o);
}

static void port_is_short_for_listen(void **state)
{
    struct hive_options o;
    struct err err;
    (void)state;

    assert_int_equal(LOAD(&o, &err, "--port=9000"), 0);
    assert_int_equal(o.common.listen.len, 1);
    assert_string_equal(o.common.listen.items[0], "127.0.0.1:9000");
    hive_options_free(&o);
}

static void port_and_listen_exclude_each_other(void **state)
{
    struct hive_options o;
    struct err err;
    (void)state;

    assert_int_equal(LOAD(&o, &err, "--port=9000", "--listen=127.0.0.1:9001"), ERR_INVALID);
    assert_string_equal(err.msg,
                        "--port and --listen cannot both be given: say --listen HOST:PORT only");
    hive_options_free(&o);
    assert_int_equal(LOAD(&o, &err, "--listen=[::1]:1", "--listen=[::1]:2", "--port=3"),
                     ERR_INVALID);
    hive_options_free(&o);
}

static void workers_listen_where_the_hive_does(void **state)
{
    static const struct {
        const char *listen, *address, *host, *reported;
    } rows[] = {
        { "--listen=10.0.0.5:7835", NULL, "10.0.0.5", "10.0.0.5" },
        { "--listen=0.0.0.0:7835", NULL, "0.0.0.0", "" },
        { "--listen=0.0.0.0:7835", "--address=gpu1.lan", "0.0.0.0", "gpu1.lan" },
        { "--listen=[::1]:7835", NULL, "127.0.0.1", "127.0.0.1" },
        { "--listen=unix:/run/hive.sock", NULL, "127.0.0.1", "127.0.0.1" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct hive_options o;
        struct err err;
        const char *args[] = { rows[i].listen, rows[i].address };
        assert_int_equal(load(&o, &err, rows[i].address ? 2 : 1, args), 0);
        assert_string_equal(o.listen_host, rows[i].host);
        assert_string_equal(o.address, rows[i].reported);
        hive_options_free(&o);
    }
}

static void a_wrong_value_is_named(void **state)
{
    static const char *const wrong[] = {
        "--worker-ports=9000-8000",
        "--worker-ports=x",
        "--worker-ports=0-5",
        "--hive-id=a b",
        "--hive-id=",
        "--queen-url=https://q:1",
        "--queen-url=nonsense:::",
        "--label=no-equals-sign",
        "--listen=x:y:z",
        "--queen-token-file=/nope",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct hive_options o;
        struct err err = { 0 };
        assert_true(load(&o, &err, 1, &wrong[i]) < 0);
        assert_true(strlen(err.msg) > 0);
        hive_options_free(&o);
    }
}

static void several_queens_and_labels_are_kept_in_order(void **state)
{
    struct hive_options o;
    struct err err;
    (void)state;

    assert_int_equal(LOAD(&o, &err, "--queen-url=http://a:1", "--queen-url=http://b:2",
                          "--label=geo.region=EU", "--hive-id=box_1.x"),
                     0);
    assert_int_equal(o.queens_len, 2);
    assert_int_equal(o.queens[1].port, 2);
    assert_string_equal(labels_get(&o.labels, "geo.region"), "EU");
    assert_string_equal(o.id, "box_1.x");
    hive_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_said_has_a_default),
        cmocka_unit_test(port_is_short_for_listen),
        cmocka_unit_test(port_and_listen_exclude_each_other),
        cmocka_unit_test(workers_listen_where_the_hive_does),
        cmocka_unit_test(a_wrong_value_is_named),
        cmocka_unit_test(several_queens_and_labels_are_kept_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
