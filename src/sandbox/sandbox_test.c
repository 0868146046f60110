/* Policies in real hosts: what goes well, what does not load, and several at once. */
#include "sandbox/sandbox.h"

#include "base/mem.h"
#include "sandbox/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

/* --- What goes well ---------------------------------------------------------------- */

static void a_policy_loads_and_answers(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    assert_true(p.loaded.has_seccomp);
    assert_int_equal(p.loaded.info.entry, POLICY_ENTRY_SCHEDULE);
    assert_int_equal(p.loaded.info.hooks, POLICY_HOOK_RETRY);
    assert_int_equal(test_do(&p, GOOD), POLICY_OK);
    assert_true(p.answer.yes);
    assert_int_equal(test_do(&p, COUNT), POLICY_OK);
    assert_int_equal(test_do(&p, COUNT), POLICY_OK);
    assert_int_equal(p.answer.delay_ms, 2); /* what a script keeps stays */
    assert_int_equal(test_world_stats(&w).hosts, 2);
    assert_int_equal(test_policy_stats(&p).state, POLICY_OK);
    test_world_end(&w, &p);
}

static void the_lua_text_comes_along_when_wanted(void **state)
{
    struct sandboxed_options wanted = test_home;
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    wanted.want_lua = true;
    test_policy_open(&p, &w, &wanted);
    assert_int_equal(p.loads, 1);
    assert_string_equal(p.lua, test_home.source.p);
    test_world_end(&w, &p);
}

static void put_now(struct test_world *w, uint64_t now_ms)
{
    const struct snap_header header = {
        .layout = SNAP_LAYOUT,
        .first_job = SNAP_NONE,
        .now_ms = now_ms,
    };

    region_put(w->region, 0, &header, sizeof(header));
}

static void each_question_is_about_the_state_as_it_is_then(void **state)
{
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    for (uint64_t now_ms = 1000; now_ms < 1003; now_ms++) {
        put_now(&w, now_ms);
        assert_int_equal(test_policy_ask(&p, &call), POLICY_OK);
        assert_int_equal(p.answer.decisions.items[0].retry_after_ms, now_ms);
    }
    assert_int_equal(kill(test_policy_stats(&p).pid, SIGKILL), 0);
    put_now(&w, 2000);
    while (test_policy_ask(&p, &call) == POLICY_CRASH) /* a spare sees it, too */
        ;
    assert_int_equal(p.answer.decisions.items[0].retry_after_ms, 2000);
    test_world_end(&w, &p);
}

static void ask_again_once(struct test_policy *p)
{
    struct policy_call call = test_call(COUNT);

    if (p->answers == 1)
        test_policy_start_ask(p, &call);
}

static void the_next_question_may_be_asked_inside_an_answer(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    p.on_answer = ask_again_once;
    struct policy_call call = test_call(COUNT);
    test_policy_start_ask(&p, &call);
    RUN_UNTIL(&w, p.answers == 2);
    assert_int_equal(p.answer.delay_ms, 2);
    test_world_end(&w, &p);
}

/* --- Texts that do not load -------------------------------------------------------- */

static void expect_refused(const char *text, enum policy_failure failure, const char *words)
{
    const struct sandboxed_options options = {
        .language = SCRIPT_LUA,
        .source = str_of(text),
        .name = "bad.lua",
        .is_live = true,
    };
    struct test_world w;
    struct test_policy p;

    test_world_init_blaming(&w, POLICY_HOST);
    w.options.load_ms = 300;
    test_world_open(&w);
    test_policy_open(&p, &w, &options);
    assert_int_equal(p.refusals, 1);
    assert_int_equal(p.refusal, failure);
    assert_true(p.diagnostics.errors > 0);
    if (!strstr(p.diagnostics.items[0].message, words))
        fail_msg("said: %s", p.diagnostics.items[0].message);
    assert_int_equal(test_world_stats(&w).hosts, 0);
    test_world_end(&w, &p);
}

static void a_text_that_does_not_load_is_refused_with_words(void **state)
{
    (void)state;
    expect_refused("function schedule( end", POLICY_LOAD, "");
    expect_refused("x = 1", POLICY_LOAD, "");
    expect_refused("", POLICY_LOAD, "empty");
    expect_refused("while true do end", POLICY_LOAD, "did not load within 300 ms");
    expect_refused("local s = 'x' while true do s = s .. s end", POLICY_LOAD, "");
}

static void a_text_that_is_too_long_is_refused_by_the_host(void **state)
{
    AUTO(free_ptr) char *text = mem_alloc(1, 300 * 1024 + 1);

    (void)state;
    memset(text, ' ', 300 * 1024);
    expect_refused(text, POLICY_LOAD, "has 307200 bytes");
}

/* --- Several, and none ------------------------------------------------------------- */

static void policies_do_not_wait_for_one_another(void **state)
{
    struct test_world w;
    struct test_policy slow, quick;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.hard_ms = 60 * 1000;
    w.options.soft_ms = 50 * 1000;
    test_world_open(&w);
    test_home_open(&slow, &w);
    test_home_open(&quick, &w);
    struct policy_call call = test_call(LOOP);
    test_policy_start_ask(&slow, &call);
    for (int i = 0; i < 10; i++)
        assert_int_equal(test_do(&quick, COUNT), POLICY_OK);
    assert_int_equal(quick.answer.delay_ms, 10);
    assert_int_equal(slow.answers, 0);
    test_policy_close(&slow); /* with its question still out */
    assert_int_equal(test_do(&quick, GOOD), POLICY_OK);
    assert_int_equal(slow.answers, 0);
    test_world_end(&w, &quick);
}

static void free_it(struct test_policy *p)
{
    sandboxed_free(TAKE(p->policy));
}

static void a_policy_may_be_freed_inside_its_answer(void **state)
{
    static const enum deed deeds[] = { GOOD, RAISE, LOOP, KEEP };

    (void)state;
    for (size_t i = 0; i < sizeof(deeds) / sizeof(*deeds); i++) {
        struct test_world w;
        struct test_policy p;
        test_world_init_blaming(&w, POLICY_HOST);
        test_world_open(&w);
        test_home_open(&p, &w);
        p.on_answer = free_it;
        (void)test_do(&p, deeds[i]);
        assert_int_equal(test_world_stats(&w).hosts, 0);
        test_world_end(&w, &p);
    }
}

static void no_more_processes_than_allowed(void **state)
{
    struct test_world w;
    struct test_policy one, another;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.hosts_max = 1;
    test_world_open(&w);
    test_policy_open(&one, &w, &test_home);
    assert_int_equal(one.loads, 1);
    test_policy_open(&another, &w, &test_home);
    assert_int_equal(another.refusal, POLICY_SANDBOX_UNAVAILABLE);
    assert_non_null(strstr(another.diagnostics.items[0].message, "hosts_max"));
    assert_false(test_policy_stats(&one).has_spare);
    assert_int_equal(test_do(&one, GOOD), POLICY_OK);
    test_policy_close(&another);
    test_world_end(&w, &one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_loads_and_answers),
        cmocka_unit_test(the_lua_text_comes_along_when_wanted),
        cmocka_unit_test(each_question_is_about_the_state_as_it_is_then),
        cmocka_unit_test(the_next_question_may_be_asked_inside_an_answer),
        cmocka_unit_test(a_text_that_does_not_load_is_refused_with_words),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_by_the_host),
        cmocka_unit_test(policies_do_not_wait_for_one_another),
        cmocka_unit_test(a_policy_may_be_freed_inside_its_answer),
        cmocka_unit_test(no_more_processes_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
