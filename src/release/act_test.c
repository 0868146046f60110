/* Changes under way: several at once, their order, and who does not wait for them. */
#include "release/test_release.h"

static void two_at_once_both_end_and_the_later_one_stays(void **state)
{
    struct world *x = *state;
    struct call a, b;

    begin(x);
    start_deploy(x, &a, "a", POLICY("a"));
    start_deploy(x, &b, "b", POLICY("b"));
    RUN_UNTIL(&x->w, a.done && b.done);
    assert_int_equal(a.result.code, 0);
    assert_int_equal(b.result.code, 0);
    assert_int_equal(x->policies, 2);
    assert_string_equal(release_active(x->release)->name, x->active.name);
    assert_true(a.done == 1 && b.done == 1);
}

static void deploys_wait_for_one_another_up_to_a_number(void **state)
{
    enum { AT_ONCE = 12 };
    struct world *x = *state;
    struct call calls[AT_ONCE + 1];
    char name[8];

    x->options.deploys_max = AT_ONCE;
    begin(x);
    for (unsigned i = 0; i <= AT_ONCE; i++) {
        (void)snprintf(name, sizeof(name), "p%u", i);
        start_deploy(x, &calls[i], name, POLICY("one"));
    }
    for (unsigned i = 0; i < AT_ONCE; i++) {
        RUN_UNTIL(&x->w, calls[i].done);
        assert_int_equal(calls[i].result.code, 0);
    }
    assert_int_equal(calls[AT_ONCE].result.code, ERR_LIMIT);
    assert_true(calls[AT_ONCE].result.err.retry_after_ms > 0);
    assert_int_equal(x->policies, AT_ONCE);
    assert_int_equal(deploy(x, "home", POLICY("two")).result.code, 0);
}

static void deploys_of_one_name_are_versions_in_the_order_of_their_coming(void **state)
{
    /* The first is by far the longest to validate, and the last but one is not valid. */
    static const char *const texts[] = {
        "function schedule(context)\n"
        "  for i = 1, 300000 do local n = i * i end\n"
        "end",
        POLICY("two"),
        POLICY("three"),
        BROKEN,
        POLICY("four"),
    };
    enum { LEN = sizeof(texts) / sizeof(texts[0]) };
    struct world *x = *state;
    struct call calls[LEN];
    uint32_t version = 0;

    begin(x);
    for (unsigned i = 0; i < LEN; i++)
        start_deploy(x, &calls[i], "home", texts[i]);
    for (unsigned i = 0; i < LEN; i++) {
        RUN_UNTIL(&x->w, calls[i].done);
        if (strcmp(texts[i], BROKEN) == 0)
            assert_int_equal(calls[i].result.code, ERR_INVALID);
        else
            assert_int_equal(calls[i].result.version.version, ++version);
    }
    assert_active(x, "home", version);
    assert_int_equal(versions_of(x, "home"), version);
}

static void a_machine_without_time_is_not_the_policys_fault(void **state)
{
    struct world *x = *state;

    begin(x);
    struct call c = deploy(x, "home", "function schedule() while true do end end");
    assert_int_equal(c.result.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(c.result.err.msg, "too busy"));
    assert_true(c.result.err.retry_after_ms > 0);
    assert_null(c.result.validation);
    assert_builtin(x);
}

static void who_has_gone_is_not_told(void **state)
{
    struct world *x = *state;
    struct call c;

    begin(x);
    start_deploy(x, &c, "home", POLICY("one"));
    release_forget(x->release, &c);
    RUN_UNTIL(&x->w, x->policies == 1);
    test_world_run(&x->w);
    assert_int_equal(c.done, 0);
    assert_active(x, "home", 1);
}

static void it_can_end_at_any_time(void **state)
{
    struct world *x = *state;
    struct call c;
    char text[64];

    for (unsigned turns = 0; turns < 40; turns++) {
        begin(x);
        (void)snprintf(text, sizeof(text), POLICY("%u"), turns);
        start_deploy(x, &c, "home", text);
        for (unsigned i = 0; i < turns; i++)
            test_world_run(&x->w);
        release_free(TAKE(x->release));
    }
}

static int setup_without_time(void **state)
{
    return setup_with(state, NULL, test_cpu_none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_at_once_both_end_and_the_later_one_stays),
        TEST(deploys_wait_for_one_another_up_to_a_number),
        TEST(deploys_of_one_name_are_versions_in_the_order_of_their_coming),
        cmocka_unit_test_setup_teardown(a_machine_without_time_is_not_the_policys_fault,
                                        setup_without_time, teardown),
        TEST(who_has_gone_is_not_told),
        TEST(it_can_end_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
