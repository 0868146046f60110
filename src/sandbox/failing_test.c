/* Policies in real hosts that break their limits, die, starve, or do so too often. */
#include "base/random.h"
#include "sandbox/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>

/* --- What policies do wrong -------------------------------------------------------- */

static void an_error_costs_a_question_and_no_host(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    for (int i = 0; i < 5; i++)
        assert_int_equal(test_do(&p, RAISE), POLICY_ERROR);
    assert_non_null(strstr(p.answer.message, "boom"));
    assert_int_equal(p.answer.line, 8);
    assert_int_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    test_world_end(&w, &p);
}

static uint64_t kills(const struct test_world *w)
{
    struct sandbox_stats stats = test_world_stats(w);
    uint64_t sum = 0;

    for (size_t why = 0; why < POLICY_FAILURE_COUNT_; why++)
        sum += stats.kills_total[why];
    return sum;
}

/* The spare has state of its own: COUNT starts at one again. */
static void expect_replaced(struct test_policy *p, pid_t before)
{
    struct test_world *w = p->w;

    assert_int_not_equal(test_policy_stats(p).pid, before);
    assert_int_equal(test_policy_stats(p).strikes, 1);
    assert_int_equal(test_do(p, COUNT), POLICY_OK);
    assert_int_equal(p->answer.delay_ms, 1);
    RUN_UNTIL(w, test_policy_stats(p).has_spare);
    RUN_UNTIL(w, test_world_stats(w).hosts == 2);
    assert_int_equal(kills(w), 1);
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
        test_world_init_blaming(&w, POLICY_HOST);
        w.options.soft_ms = rows[i].deed == BOMB ? 900 : 100; /* on a slow machine, too */
        test_world_open(&w);
        test_home_open(&p, &w);
        pid_t pid = test_policy_stats(&p).pid;
        assert_int_equal(test_do(&p, COUNT), POLICY_OK);
        assert_int_equal(test_do(&p, rows[i].deed), rows[i].failure);
        expect_replaced(&p, pid);
        test_world_end(&w, &p);
    }
}

static void a_loop_is_told_by_its_line(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.soft_ms = 5;
    w.options.hard_ms = 60 * 1000;
    test_world_open(&w);
    test_home_open(&p, &w);
    assert_int_equal(test_do(&p, LOOP), POLICY_TIMEOUT);
    assert_int_equal(p.answer.line, 4);
    test_world_end(&w, &p);
}

static void a_heap_that_stays_high_is_replaced_without_blame(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.soft_ms = 900;
    test_world_open(&w);
    test_home_open(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(test_do(&p, KEEP), POLICY_OK);
    assert_int_not_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    assert_int_equal(test_world_stats(&w).recycled_total, 1);
    assert_int_equal(test_do(&p, GOOD), POLICY_OK);
    test_world_end(&w, &p);
}

static void a_trial_gets_a_new_host_when_it_is_asked_again(void **state)
{
    struct sandboxed_options trial = test_home;
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    trial.is_live = false;
    test_policy_open(&p, &w, &trial);
    for (int i = 0; i < 5; i++) { /* more than a breaker would bear */
        assert_int_equal(test_do(&p, LOOP), POLICY_TIMEOUT);
        assert_int_equal(test_world_stats(&w).hosts, 0);
        assert_int_equal(test_do(&p, COUNT), POLICY_OK);
        assert_int_equal(p.answer.delay_ms, 1);
    }
    test_world_end(&w, &p);
}

/* --- Hosts that die ---------------------------------------------------------------- */

static void a_host_that_is_killed_under_a_question_is_a_crash(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    struct sandboxed_stats stats = test_policy_stats(&p);
    struct policy_call call = test_call(LOOP);
    test_policy_start_ask(&p, &call);
    assert_int_equal(kill(stats.pid, SIGKILL), 0);
    RUN_UNTIL(&w, p.answers == 1);
    assert_int_equal(p.answer.failure, POLICY_CRASH);
    assert_non_null(strstr(p.answer.message, "signal 9 (KILL)"));
    expect_replaced(&p, stats.pid);
    test_world_end(&w, &p);
}

static void a_host_that_is_killed_at_rest_is_replaced_unnoticed(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    test_world_open(&w);
    test_home_open(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(kill(pid, SIGKILL), 0);
    RUN_UNTIL(&w, test_policy_stats(&p).pid != pid);
    expect_replaced(&p, pid);
    assert_int_equal(p.states, 0);
    assert_int_equal(test_world_stats(&w).kills_total[POLICY_CRASH], 1);
    test_world_end(&w, &p);
}

static size_t open_descriptors(void)
{
    size_t count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void churn(struct test_world *w, struct test_policy *p, struct rng *rng)
{
    static const enum deed deeds[] = { GOOD, COUNT, RAISE, KEEP, LOOP };
    pid_t pid = test_policy_stats(p).pid;
    unsigned before = p->answers;
    struct policy_call call = test_call(deeds[rng_below(rng, sizeof(deeds) / sizeof(*deeds))]);
    uint64_t moment = rng_below(rng, 4);

    if (moment == 0 && pid > 0)
        (void)kill(pid, SIGKILL);
    test_policy_start_ask(p, &call);
    if (moment == 1 && pid > 0)
        (void)kill(pid, SIGKILL);
    for (uint64_t turns = rng_below(rng, 4); turns > 0; turns--)
        (void)loop_turn(w->loop);
    if (moment == 2 && pid > 0)
        (void)kill(pid, SIGKILL);
    RUN_UNTIL(w, p->answers > before);
    assert_int_equal(p->answers, before + 1);
}

static void whoever_is_killed_whenever_each_question_is_answered_once(void **state)
{
    struct test_world w;
    struct test_policy p;
    struct rng rng;

    (void)state;
    rng_seed(&rng, 7);
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.soft_ms = 5;
    w.options.hard_ms = 10;
    w.options.strikes_max = 16;
    w.options.retry_ms = 1;
    w.options.retry_max_ms = 1;
    test_world_open(&w);
    size_t descriptors = open_descriptors();
    test_home_open(&p, &w);
    for (int i = 0; i < 200; i++)
        churn(&w, &p, &rng);
    RUN_UNTIL(&w, test_do(&p, GOOD) == POLICY_OK);
    RUN_UNTIL(&w, test_policy_stats(&p).has_spare);
    assert_int_equal(test_world_stats(&w).hosts, 2);
    test_policy_close(&p);
    RUN_UNTIL(&w, open_descriptors() == descriptors); /* once all are reaped */
    test_world_close(&w);
}

/* --- Starvation -------------------------------------------------------------------- */

static void a_soft_limit_without_time_used_is_starvation_too(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.host_cpu_us = test_cpu_none;
    w.options.soft_ms = 5;
    w.options.hard_ms = 60 * 1000;
    test_world_open(&w);
    test_home_open(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(test_do(&p, LOOP), POLICY_STARVED);
    assert_int_equal(test_policy_stats(&p).pid, pid);
    assert_int_equal(test_do(&p, COUNT), POLICY_OK);
    test_world_end(&w, &p);
}

static void who_never_comes_round_is_replaced_without_blame(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.host_cpu_us = test_cpu_none;
    w.options.hard_ms = 5;
    test_world_open(&w);
    test_home_open(&p, &w);
    pid_t pid = test_policy_stats(&p).pid;
    assert_int_equal(test_do(&p, MATCH), POLICY_STARVED);
    RUN_UNTIL(&w, test_policy_stats(&p).pid != pid);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    w.options.host_cpu_us = NULL;
    RUN_UNTIL(&w, test_do(&p, COUNT) == POLICY_OK);
    assert_int_equal(p.answer.delay_ms, 1);
    test_world_end(&w, &p);
}

/* --- The breaker ------------------------------------------------------------------- */

static void the_breaker_opens_and_a_probe_heals_it(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.retry_ms = 200;
    test_world_open(&w);
    test_home_open(&p, &w);
    for (int i = 0; i < 3; i++)
        assert_int_equal(test_do(&p, LOOP), POLICY_TIMEOUT);
    assert_int_equal(test_policy_stats(&p).state, POLICY_BREAKER);
    assert_true(test_policy_stats(&p).retry_in_ms <= 200);
    assert_int_equal(test_do(&p, GOOD), POLICY_BREAKER);
    RUN_UNTIL(&w, p.states == 1);
    assert_int_equal(p.state, POLICY_BREAKER);
    RUN_UNTIL(&w, p.states == 2);
    assert_int_equal(p.state, POLICY_OK); /* a probe is welcome */

    assert_int_equal(test_do(&p, LOOP), POLICY_TIMEOUT);
    RUN_UNTIL(&w, p.states == 3);
    assert_int_equal(p.state, POLICY_BREAKER);
    assert_true(test_policy_stats(&p).retry_in_ms > 200); /* twice as long */
    RUN_UNTIL(&w, p.states == 4);

    assert_int_equal(test_do(&p, GOOD), POLICY_OK);
    assert_int_equal(test_do(&p, LOOP), POLICY_TIMEOUT); /* the first strike of a new count */
    assert_int_equal(test_policy_stats(&p).state, POLICY_OK);
    assert_int_equal(p.states, 4);
    test_world_end(&w, &p);
}

static void hosts_that_die_at_rest_open_it_and_the_words_say_of_what(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init_blaming(&w, POLICY_HOST);
    w.options.retry_ms = w.options.retry_max_ms = 60 * 1000;
    test_world_open(&w);
    test_home_open(&p, &w);
    while (p.states == 0) {
        if (test_policy_stats(&p).pid > 0)
            (void)kill(test_policy_stats(&p).pid, SIGKILL);
        test_world_run(&w);
    }
    assert_int_equal(p.state, POLICY_BREAKER);
    assert_string_equal(p.words, "home.lua: rests for 60 s after 3 failures; the last one: the "
                                 "policy's process was ended by signal 9 (KILL)");
    assert_int_equal(test_do(&p, GOOD), POLICY_BREAKER);
    assert_string_equal(p.answer.message, p.words);
    test_world_end(&w, &p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_costs_a_question_and_no_host),
        cmocka_unit_test(who_breaks_a_limit_is_replaced_by_the_spare),
        cmocka_unit_test(a_loop_is_told_by_its_line),
        cmocka_unit_test(a_heap_that_stays_high_is_replaced_without_blame),
        cmocka_unit_test(a_trial_gets_a_new_host_when_it_is_asked_again),
        cmocka_unit_test(a_host_that_is_killed_under_a_question_is_a_crash),
        cmocka_unit_test(a_host_that_is_killed_at_rest_is_replaced_unnoticed),
        cmocka_unit_test(whoever_is_killed_whenever_each_question_is_answered_once),
        cmocka_unit_test(a_soft_limit_without_time_used_is_starvation_too),
        cmocka_unit_test(who_never_comes_round_is_replaced_without_blame),
        cmocka_unit_test(the_breaker_opens_and_a_probe_heals_it),
        cmocka_unit_test(hosts_that_die_at_rest_open_it_and_the_words_say_of_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
