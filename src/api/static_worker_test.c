#include "api/static_worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

static void an_endpoint_becomes_a_worker(void **state)
{
    struct worker_facts w;
    struct err err;
    (void)state;

    assert_int_equal(
        static_worker_parse(
            str_of("http://127.0.0.1:9001/v1,model=fake-7b,slots=8,label.geo.region=EU"), &w, &err),
        0);
    assert_string_equal(w.address, "127.0.0.1");
    assert_int_equal(w.port, 9001);
    assert_string_equal(w.model, "fake-7b");
    assert_int_equal(w.slots, 8);
    assert_int_equal(w.kind, WORKER_KIND_OPENAI);
    assert_string_equal(w.id, "127.0.0.1:9001/fake-7b");
    assert_string_equal(labels_get(&w.labels, "geo.region"), "EU");
    worker_facts_free(&w);
}

static void bad_parts_are_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "http://127.0.0.1:9001", "model=NAME is missing" },
        { "http://127.0.0.1:9001,model=", "model=" },
        { "http://127.0.0.1:9001,model=m,slots=0", "slots=" },
        { "http://127.0.0.1:9001,model=m,slots=x", "slots=" },
        { "http://127.0.0.1:9001,model=m,kind=magic", "kind=" },
        { "http://127.0.0.1:9001,model=m,colour=red", "colour=red" },
        { "http://127.0.0.1:9001,model=m,key-file=/nonexistent/key", "/nonexistent/key" },
        { "https://example.test,model=m", "https" },
        { "nonsense,model=m", "nonsense" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct worker_facts w;
        struct err err = { 0 };
        assert_true(static_worker_parse(str_of(cases[i].text), &w, &err) < 0);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("'%s': '%s' does not say '%s'", cases[i].text, err.msg, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endpoint_becomes_a_worker),
        cmocka_unit_test(bad_parts_are_named),
    };

    return cmocka_run_group_tests_name("static_worker", tests, NULL, NULL);
}
