/*
 * Several questions in one message: each has an answer, a deadline and the blame of its own,
 * whatever becomes of the others.
 */
#include "sandbox/test_world.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

/* A world in which whoever is too slow is to blame, whatever else this machine is doing. */
static void setup(struct test_world *w, const char *host)
{
    test_world_init(w, host);
    w->options.host_cpu_us = test_cpu_plenty;
    w->options.load_ms = 10 * 1000; /* a sanitised program takes its time to start */
    w->options.soft_ms = 900;
    w->options.hard_ms = 1000;
    w->options.niceness = 0;
    test_world_open(w);
}

static void teardown(struct test_world *w, struct test_policy *p)
{
    test_policy_close(p);
    test_world_close(w);
}

static void ask(struct test_policy *p, const enum deed *deeds, unsigned len)
{
    struct policy_call calls[WIRE_CALLS_MAX];

    for (unsigned i = 0; i < len; i++)
        calls[i] = test_call(deeds[i]);
    test_policy_ask_all(p, calls, len);
}

static void questions_are_answered_in_their_order(void **state)
{
    enum deed deeds[WIRE_CALLS_MAX];
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w, POLICY_HOST);
    test_home_open(&p, &w);
    for (unsigned i = 0; i < WIRE_CALLS_MAX; i++)
        deeds[i] = COUNT;
    ask(&p, deeds, WIRE_CALLS_MAX);
    assert_int_equal(p.given_len, WIRE_CALLS_MAX);
    for (unsigned i = 0; i < WIRE_CALLS_MAX; i++)
        assert_int_equal(p.given[i].delay_ms, i + 1);
    teardown(&w, &p);
}

/* Somebody else decides instead of it, which those behind it shall see: they are asked again. */
static void an_error_costs_one_question_of_a_message_and_no_host(void **state)
{
    static const enum deed deeds[] = { COUNT, RAISE, COUNT, COUNT };
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w, POLICY_HOST);
    test_home_open(&p, &w);
    ask(&p, deeds, 4);
    assert_int_equal(p.given_len, 2);
    assert_int_equal(p.given[1].failure, POLICY_ERROR);
    assert_int_equal(p.dropped, 2);
    ask(&p, deeds + 2, 2);
    assert_int_equal(p.given[1].delay_ms, 3);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    teardown(&w, &p);
}

/* Those before it have their answers, and those behind it are asked of the spare. */
static void who_breaks_a_limit_is_to_blame_alone(void **state)
{
    static const struct {
        enum deed deed;
        enum policy_failure failure;
    } rows[] = { { LOOP, POLICY_TIMEOUT }, { MATCH, POLICY_TIMEOUT }, { BOMB, POLICY_MEMORY } };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const enum deed deeds[] = { COUNT, COUNT, rows[i].deed, COUNT, COUNT };
        struct test_world w;
        struct test_policy p;

        setup(&w, POLICY_HOST);
        test_home_open(&p, &w);
        pid_t pid = test_policy_stats(&p).pid;
        ask(&p, deeds, 5);
        assert_int_equal(p.given_len, 3);
        assert_int_equal(p.given[1].delay_ms, 2);
        assert_int_equal(p.given[2].failure, rows[i].failure);
        assert_int_equal(p.dropped, 2);
        assert_int_not_equal(test_policy_stats(&p).pid, pid);
        assert_int_equal(test_policy_stats(&p).strikes, 1);
        ask(&p, deeds + 3, 2);
        assert_int_equal(p.given_len, 2);
        assert_int_equal(p.given[1].delay_ms, 2);
        teardown(&w, &p);
    }
}

/* All together take longer than the deadline of one. */
static void many_that_take_their_time_are_not_to_blame_together(void **state)
{
    enum deed deeds[WIRE_CALLS_MAX];
    struct test_world w;
    struct test_policy p;

    (void)state;
    setup(&w, POLICY_HOST);
    test_home_open(&p, &w);
    for (unsigned i = 0; i < WIRE_CALLS_MAX; i++)
        deeds[i] = WORK;
    ask(&p, deeds, WIRE_CALLS_MAX);
    assert_int_equal(p.given_len, WIRE_CALLS_MAX);
    for (unsigned i = 0; i < WIRE_CALLS_MAX; i++)
        assert_int_equal(p.given[i].failure, POLICY_OK);
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    teardown(&w, &p);
}

/* --- What they see of one another ------------------------------------------------------ */

static const char spreading[] = "function schedule_job(job, pools, workers)\n"
                                "  local w = workers.with_model(job.model).idle().least_loaded()\n"
                                "  if not w and job.id == 'job-5' then\n"
                                "    return { action = 'start_worker', model_ref = job.model }\n"
                                "  end\n"
                                "  return w and { action = 'dispatch', worker_id = w.id }\n"
                                "end\n";

/* Four workers of one slot each, six jobs for them, and a policy that looks for an idle one. */
static void open_spreading(struct test_policy *p, struct test_world *w)
{
    static const char context[] =
        "{\"workers\":[{\"id\":\"w1\",\"model\":\"m\",\"slots\":1,\"status\":\"ready\"},"
        "{\"id\":\"w2\",\"model\":\"m\",\"slots\":1,\"status\":\"ready\"},"
        "{\"id\":\"w3\",\"model\":\"m\",\"slots\":1,\"status\":\"ready\"},"
        "{\"id\":\"w4\",\"model\":\"m\",\"slots\":1,\"status\":\"ready\"}],"
        "\"queue\":[{\"id\":\"job-1\",\"model\":\"m\"},{\"id\":\"job-2\",\"model\":\"m\"},"
        "{\"id\":\"job-3\",\"model\":\"m\"},{\"id\":\"job-4\",\"model\":\"m\"},"
        "{\"id\":\"job-5\",\"model\":\"m\"},{\"id\":\"job-6\",\"model\":\"m\"}]}";
    const struct sandboxed_options options = {
        .language = SCRIPT_LUA,
        .source = str_of(spreading),
        .name = "spreading.lua",
        .is_live = true,
    };
    struct err err;

    setup(w, POLICY_HOST);
    region_reset(w->region);
    assert_int_equal(context_read(w->region, str_of(context), 1000, &err), 0);
    test_policy_open(p, w, &options);
}

static void ask_about_jobs(struct test_policy *p, uint32_t first, unsigned len)
{
    struct policy_call calls[WIRE_CALLS_MAX];

    for (unsigned i = 0; i < len; i++)
        calls[i] = (struct policy_call){ .kind = ASK_JOB, .job = first + i };
    test_policy_ask_all(p, calls, len);
}

/* And nothing is left of it for the next message: the queen's word counts. */
static void each_sees_what_the_ones_before_it_decided(void **state)
{
    struct test_world w;
    struct test_policy p;
    char id[8];

    (void)state;
    open_spreading(&p, &w);
    for (int again = 0; again < 3; again++) {
        ask_about_jobs(&p, 0, 4);
        assert_int_equal(p.given_len, 4);
        for (unsigned i = 0; i < 4; i++) {
            (void)snprintf(id, sizeof(id), "w%u", i + 1);
            assert_string_equal(p.given[i].worker_id, id);
        }
    }
    teardown(&w, &p);
}

static void who_decides_more_than_can_be_shown_ends_the_message(void **state)
{
    struct test_world w;
    struct test_policy p;

    (void)state;
    open_spreading(&p, &w);
    ask_about_jobs(&p, 0, 6);
    assert_int_equal(p.given_len, 5); /* the fifth starts a worker */
    assert_int_equal(p.answer.decisions.items[0].action, DECIDE_START);
    assert_int_equal(p.dropped, 1);
    ask_about_jobs(&p, 5, 1);
    assert_string_equal(p.given[0].worker_id, "w1");
    assert_int_equal(test_policy_stats(&p).strikes, 0);
    teardown(&w, &p);
}

/* --- Hosts that lie ------------------------------------------------------------------ */

static void open_named(struct test_policy *p, struct test_world *w, const char *behaviour)
{
    const struct sandboxed_options options = {
        .source = str_of("function schedule() end"),
        .name = behaviour,
    };

    test_policy_open(p, w, &options);
    assert_int_equal(p->loads, 1);
}

static void a_lie_among_the_answers_is_a_crash_from_there_on(void **state)
{
    static const struct {
        const char *behaviour;
        unsigned well; /* answered before it */
        enum policy_failure then;
        unsigned dropped;
    } rows[] = {
        { "too many", 2, POLICY_CRASH, 0 },   { "too few", 2, POLICY_CRASH, 0 },
        { "beyond", 0, POLICY_CRASH, 2 },     { "disordered", 1, POLICY_CRASH, 1 },
        { "cut", 1, POLICY_CRASH, 1 },        { "garbage", 0, POLICY_CRASH, 2 },
        { "another", 0, POLICY_CRASH, 2 },    { "ends", 0, POLICY_CRASH, 2 },
        { "one left", 2, POLICY_TIMEOUT, 0 }, { "singly", 2, POLICY_OK, 0 },
    };
    static const enum deed deeds[] = { GOOD, GOOD, GOOD };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct test_world w;
        struct test_policy p;

        setup(&w, TEST_HOST);
        open_named(&p, &w, rows[i].behaviour);
        ask(&p, deeds, 3);
        if (p.given_len != rows[i].well + 1 || p.answer.failure != rows[i].then ||
            p.dropped != rows[i].dropped)
            fail_msg("%s: %u answered, then %d, %u dropped", rows[i].behaviour, p.given_len,
                     (int)p.answer.failure, p.dropped);
        for (unsigned k = 0; k < rows[i].well; k++)
            assert_int_equal(p.given[k].failure, POLICY_OK);
        teardown(&w, &p);
    }
}

static void all_fail_at_once_while_a_host_is_late(void **state)
{
    static const enum deed deeds[] = { GOOD, GOOD, GOOD };
    struct test_world w;
    struct test_policy p;

    (void)state;
    test_world_init(&w, TEST_HOST);
    w.options.load_ms = 10 * 1000;
    w.options.hard_ms = 20;
    w.options.host_cpu_us = test_cpu_none;
    test_world_open(&w);
    open_named(&p, &w, "silent");
    ask(&p, deeds, 3);
    assert_int_equal(p.given_len, 1);
    assert_int_equal(p.dropped, 2);
    ask(&p, deeds + 1, 2);
    assert_int_equal(p.given_len, 2);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(p.given[i].failure, POLICY_STARVED);
    assert_int_equal(test_world_stats(&w).strikes_total, 0);
    teardown(&w, &p);
}

/* --- Askers --------------------------------------------------------------------------- */

static void free_at_the_second(struct test_policy *p)
{
    if (p->given_len == 2)
        test_policy_close(p);
}

/* Of answers, and of failures that are told one after the other. */
static void who_is_told_of_an_answer_may_free_the_policy(void **state)
{
    static const enum deed deeds[] = { GOOD, GOOD, GOOD };

    (void)state;
    for (int fails = 0; fails < 2; fails++) {
        struct test_world w;
        struct test_policy p;

        test_world_init(&w, TEST_HOST);
        w.options.load_ms = 10 * 1000;
        w.options.hard_ms = fails ? 20 : 10 * 1000;
        w.options.host_cpu_us = test_cpu_none;
        test_world_open(&w);
        open_named(&p, &w, fails ? "silent" : "probe");
        if (fails)
            ask(&p, deeds, 1);
        p.on_answer = free_at_the_second;
        ask(&p, deeds, 3);
        assert_null(p.policy);
        assert_int_equal(p.given_len, 2);
        test_world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_are_answered_in_their_order),
        cmocka_unit_test(an_error_costs_one_question_of_a_message_and_no_host),
        cmocka_unit_test(who_breaks_a_limit_is_to_blame_alone),
        cmocka_unit_test(many_that_take_their_time_are_not_to_blame_together),
        cmocka_unit_test(each_sees_what_the_ones_before_it_decided),
        cmocka_unit_test(who_decides_more_than_can_be_shown_ends_the_message),
        cmocka_unit_test(a_lie_among_the_answers_is_a_crash_from_there_on),
        cmocka_unit_test(all_fail_at_once_while_a_host_is_late),
        cmocka_unit_test(who_is_told_of_an_answer_may_free_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
