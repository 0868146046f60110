/*
 * Policies in real hosts. What a call does is chosen by the attempt of ASK_RETRY, which is all
 * that the policy below looks at.
 */
#include "sandbox/sandbox.h"

#include "base/mem.h"
#include "sandbox/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

enum deed { GOOD = 1, LOOP, SWALLOW, MATCH, BOMB, RAISE, KEEP, COUNT };

static const char source[] =
    "local n, kept = 0\n"
    "local deeds = {\n"
    "  function() return true end,\n"
    "  function() while true do end end,\n"
    "  function() while true do pcall(function() while true do end end) end end,\n"
    "  function() return ('a'):rep(200000):find(('.-'):rep(9) .. 'b') end,\n"
    "  function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end,\n"
    "  function() error('boom') end,\n"
    "  function() kept = {} for i = 1, 9 do kept[i] = ('x'):rep(1000000) .. i end return true "
    "end,\n"
    "  function() n = n + 1 return n end,\n"
    "}\n"
    "function schedule(context)\n"
    "  return { action = 'wait', retry_after_ms = context.now_ms }\n"
    "end\n"
    "function should_retry(job, attempt) return deeds[attempt]() end\n";

static const struct sandboxed_options home = {
    .language = SCRIPT_LUA,
    .source = { source, sizeof(source) - 1 },
    .name = "home.lua",
    .is_live = true,
};

static struct policy_call call_of(enum deed deed)
{
    return (struct policy_call){ .kind = ASK_RETRY, .job = SNAP_NONE, .attempt = deed };
}

static enum policy_failure ask(struct test_policy *p, enum deed deed)
{
    struct policy_call call = call_of(deed);

    return test_policy_ask(p, &call);
}

static void open_home(struct test_policy *p, struct test_world *w)
{
    test_policy_open(p, w, &home);
    if (p->loads == 0)
        fail_msg("refused: %s", p->diagnostics.items[0].message);
    RUN_UNTIL(w, test_policy_stats(p).has_spare);
}

/* A world in which whoever is too slow is to blame, whatever else this machine is doing. */
static void setup(struct test_world *w)
{
    test_world_init(w, POLICY_HOST);
    w->options.host_cpu_us = test_cpu_plenty;
}

static void teardown(struct test_world *w, struct test_policy *p)
{
    test_policy_close(p);
    test_world_close(w);
}

/* --- What goes well ---------------------------------------------------------------- */

static void a_policy_loads_and_answers(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
    assert_true(p.loaded.has_seccomp);
    assert_int_equal(p.loaded.info.entry, POLICY_ENTRY_SCHEDULE);
    assert_int_equal(p.loaded.info.hooks, POLICY_HOOK_RETRY);
    assert_int_equal(ask(&p, GOOD), POLICY_OK);
    assert_true(p.answer.yes);
    assert_int_equal(ask(&p, COUNT), POLICY_OK);
    assert_int_equal(ask(&p, COUNT), POLICY_OK);
    assert_int_equal(p.answer.delay_ms, 2); /* what a script keeps stays */
    assert_int_equal(test_world_stats(&w).hosts, 2);
    assert_int_equal(test_policy_stats(&p).state, POLICY_OK);
    teardown(&w, &p);
}

static void the_lua_text_comes_along_when_wanted(void **state)
{
    struct sandboxed_options wanted = home;
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    wanted.want_lua = true;
    test_policy_open(&p, &w, &wanted);
    assert_int_equal(p.loads, 1);
    assert_string_equal(p.lua, source);
    teardown(&w, &p);
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
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
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
    teardown(&w, &p);
}

static void ask_again_once(struct test_policy *p)
{
    struct policy_call call = call_of(COUNT);

    if (p->answers == 1)
        test_policy_start_ask(p, &call);
}

static void the_next_question_may_be_asked_inside_an_answer(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
    p.on_answer = ask_again_once;
    struct policy_call call = call_of(COUNT);
    test_policy_start_ask(&p, &call);
    RUN_UNTIL(&w, p.answers == 2);
    assert_int_equal(p.answer.delay_ms, 2);
    teardown(&w, &p);
}

/* --- What policies do wrong -------------------------------------------------------- */

static void an_error_costs_a_question_and_no_host(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    for (int i = 0; i < 5; i++)
        assert_int_equal(ask(&p, RAISE), POLICY_ERROR);
    assert_non_null(strstr(p.answer.message, "boom"));
    assert_int_equal(p.answer.line, 8);
    assert_int_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    teardown(&w, &p);
}

/* The spare has state of its own: COUNT starts at one again. */
static void expect_replaced(struct test_policy *p, pid_t before)
{
    struct test_world *w = p->w;

    assert_int_not_equal(test_policy_stats(p).pid, before);
    assert_int_equal(test_policy_stats(p).strikes, 1);
    assert_int_equal(ask(p, COUNT), POLICY_OK);
    assert_int_equal(p->answer.delay_ms, 1);
    RUN_UNTIL(w, test_policy_stats(p).has_spare);
    RUN_UNTIL(w, test_world_stats(w).hosts == 2);
    assert_int_equal(test_world_stats(w).kills_total, 1);
    assert_int_equal(test_world_stats(w).starts_total, 3);
}

static void who_breaks_a_limit_is_replaced_by_the_spare(void **state)
{
    static const struct {
        enum deed deed;
        enum policy_failure failure;
    } rows[] = {
        { LOOP, POLICY_TIMEOUT },
        { SWALLOW, POLICY_TIMEOUT },
        { MATCH, POLICY_TIMEOUT },
        { BOMB, POLICY_MEMORY },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct test_world w;
        struct test_policy p;
        setup(&w);
        w.options.hard_ms = rows[i].deed == BOMB ? 2000 : 50; /* on a slow machine, too */
        w.options.soft_ms = rows[i].deed == BOMB ? 1900 : 40;
        test_world_open(&w);
        open_home(&p, &w);
        pid_t pid = test_policy_stats(&p).pid;
        assert_int_equal(ask(&p, COUNT), POLICY_OK);
        assert_int_equal(ask(&p, rows[i].deed), rows[i].failure);
        expect_replaced(&p, pid);
        teardown(&w, &p);
    }
}

static void a_loop_is_told_by_its_line(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    w.options.soft_ms = 5;
    w.options.hard_ms = 60 * 1000;
    test_world_open(&w);
    open_home(&p, &w);
    assert_int_equal(ask(&p, LOOP), POLICY_TIMEOUT);
    assert_int_equal(p.answer.line, 4);
    teardown(&w, &p);
}

static void a_heap_that_stays_high_is_replaced_without_blame(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    w.options.hard_ms = 2000;
    w.options.soft_ms = 1900;
    test_world_open(&w);
    open_home(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(ask(&p, KEEP), POLICY_OK);
    assert_int_not_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    assert_int_equal(test_world_stats(&w).recycled_total, 1);
    assert_int_equal(ask(&p, GOOD), POLICY_OK);
    teardown(&w, &p);
}

static void a_trial_gets_a_new_host_when_it_is_asked_again(void **state)
{
    struct sandboxed_options trial = home;
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    trial.is_live = false;
    test_policy_open(&p, &w, &trial);
    for (int i = 0; i < 5; i++) { /* more than a breaker would bear */
        assert_int_equal(ask(&p, LOOP), POLICY_TIMEOUT);
        assert_int_equal(test_world_stats(&w).hosts, 0);
        assert_int_equal(ask(&p, COUNT), POLICY_OK);
        assert_int_equal(p.answer.delay_ms, 1);
    }
    teardown(&w, &p);
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

    setup(&w);
    w.options.load_ms = 300;
    test_world_open(&w);
    test_policy_open(&p, &w, &options);
    assert_int_equal(p.refusals, 1);
    assert_int_equal(p.refusal, failure);
    assert_true(p.diagnostics.errors > 0);
    if (!strstr(p.diagnostics.items[0].message, words))
        fail_msg("said: %s", p.diagnostics.items[0].message);
    assert_int_equal(test_world_stats(&w).hosts, 0);
    teardown(&w, &p);
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

/* --- Hosts that die ---------------------------------------------------------------- */

static void a_host_that_is_killed_under_a_question_is_a_crash(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
    struct sandboxed_stats stats = test_policy_stats(&p);
    struct policy_call call = call_of(LOOP);
    test_policy_start_ask(&p, &call);
    assert_int_equal(kill(stats.pid, SIGKILL), 0);
    RUN_UNTIL(&w, p.answers == 1);
    assert_int_equal(p.answer.failure, POLICY_CRASH);
    assert_non_null(strstr(p.answer.message, "signal 9 (KILL)"));
    expect_replaced(&p, stats.pid);
    teardown(&w, &p);
}

static void a_host_that_is_killed_at_rest_is_replaced_unnoticed(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    test_world_open(&w);
    open_home(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(kill(pid, SIGKILL), 0);
    RUN_UNTIL(&w, test_policy_stats(&p).pid != pid);
    expect_replaced(&p, pid);
    assert_int_equal(p.states, 0);
    teardown(&w, &p);
}

/* --- Starvation -------------------------------------------------------------------- */

static void a_soft_limit_without_time_used_is_starvation_too(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    w.options.host_cpu_us = test_cpu_none;
    w.options.soft_ms = 5;
    w.options.hard_ms = 60 * 1000;
    test_world_open(&w);
    open_home(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(ask(&p, LOOP), POLICY_STARVED);
    assert_int_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(ask(&p, COUNT), POLICY_OK);
    teardown(&w, &p);
}

static void who_never_comes_round_is_replaced_without_blame(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    w.options.host_cpu_us = test_cpu_none;
    w.options.hard_ms = 5;
    test_world_open(&w);
    open_home(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(ask(&p, MATCH), POLICY_STARVED);
    RUN_UNTIL(&w, test_policy_stats(&p).pid != pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    w.options.host_cpu_us = NULL;
    RUN_UNTIL(&w, ask(&p, COUNT) == POLICY_OK);
    assert_int_equal(p.answer.delay_ms, 1);
    teardown(&w, &p);
}

/* --- The breaker ------------------------------------------------------------------- */

static void the_breaker_opens_and_a_probe_heals_it(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w);
    w.options.retry_ms = 200;
    test_world_open(&w);
    open_home(&p, &w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(&p, LOOP), POLICY_TIMEOUT);
    assert_int_equal(test_policy_stats(&p).state, POLICY_BREAKER);
    assert_true(test_policy_stats(&p).retry_in_ms <= 200);
    assert_int_equal(ask(&p, GOOD), POLICY_BREAKER);
    RUN_UNTIL(&w, p.states == 1);
    assert_int_equal(p.state, POLICY_BREAKER);
    RUN_UNTIL(&w, p.states == 2);
    assert_int_equal(p.state, POLICY_OK); /* a probe is welcome */

    assert_int_equal(ask(&p, LOOP), POLICY_TIMEOUT);
    RUN_UNTIL(&w, p.states == 3);
    assert_int_equal(p.state, POLICY_BREAKER);
    assert_true(test_policy_stats(&p).retry_in_ms > 200); /* twice as long */
    RUN_UNTIL(&w, p.states == 4);

    assert_int_equal(ask(&p, GOOD), POLICY_OK);
    assert_int_equal(ask(&p, LOOP), POLICY_TIMEOUT); /* the first strike of a new count */
    assert_int_equal(test_policy_stats(&p).state, POLICY_OK);
    assert_int_equal(p.states, 4);
    teardown(&w, &p);
}

/* --- Several, and none ------------------------------------------------------------- */

static void policies_do_not_wait_for_one_another(void **state)
{
    struct test_world w;
    struct test_policy slow, quick;

    (void)state;
    setup(&w);
    w.options.hard_ms = 60 * 1000;
    w.options.soft_ms = 50 * 1000;
    test_world_open(&w);
    open_home(&slow, &w);
    open_home(&quick, &w);
    struct policy_call call = call_of(LOOP);
    test_policy_start_ask(&slow, &call);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ask(&quick, COUNT), POLICY_OK);
    assert_int_equal(quick.answer.delay_ms, 10);
    assert_int_equal(slow.answers, 0);
    test_policy_close(&slow); /* with its question still out */
    assert_int_equal(ask(&quick, GOOD), POLICY_OK);
    assert_int_equal(slow.answers, 0);
    teardown(&w, &quick);
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
        setup(&w);
        test_world_open(&w);
        open_home(&p, &w);
        p.on_answer = free_it;
        (void)ask(&p, deeds[i]);
        assert_int_equal(test_world_stats(&w).hosts, 0);
        teardown(&w, &p);
    }
}

static void no_more_processes_than_allowed(void **state)
{
    struct test_world w;
    struct test_policy one, another;

    (void)state;
    setup(&w);
    w.options.hosts_max = 1;
    test_world_open(&w);
    test_policy_open(&one, &w, &home);
    assert_int_equal(one.loads, 1);
    test_policy_open(&another, &w, &home);
    assert_int_equal(another.refusal, POLICY_SANDBOX_UNAVAILABLE);
    assert_non_null(strstr(another.diagnostics.items[0].message, "hosts_max"));
    assert_false(test_policy_stats(&one).has_spare);
    assert_int_equal(ask(&one, GOOD), POLICY_OK);
    test_policy_close(&another);
    teardown(&w, &one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_loads_and_answers),
        cmocka_unit_test(the_lua_text_comes_along_when_wanted),
        cmocka_unit_test(each_question_is_about_the_state_as_it_is_then),
        cmocka_unit_test(the_next_question_may_be_asked_inside_an_answer),
        cmocka_unit_test(an_error_costs_a_question_and_no_host),
        cmocka_unit_test(who_breaks_a_limit_is_replaced_by_the_spare),
        cmocka_unit_test(a_loop_is_told_by_its_line),
        cmocka_unit_test(a_heap_that_stays_high_is_replaced_without_blame),
        cmocka_unit_test(a_trial_gets_a_new_host_when_it_is_asked_again),
        cmocka_unit_test(a_text_that_does_not_load_is_refused_with_words),
        cmocka_unit_test(a_text_that_is_too_long_is_refused_by_the_host),
        cmocka_unit_test(a_host_that_is_killed_under_a_question_is_a_crash),
        cmocka_unit_test(a_host_that_is_killed_at_rest_is_replaced_unnoticed),
        cmocka_unit_test(a_soft_limit_without_time_used_is_starvation_too),
        cmocka_unit_test(who_never_comes_round_is_replaced_without_blame),
        cmocka_unit_test(the_breaker_opens_and_a_probe_heals_it),
        cmocka_unit_test(policies_do_not_wait_for_one_another),
        cmocka_unit_test(a_policy_may_be_freed_inside_its_answer),
        cmocka_unit_test(no_more_processes_than_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
