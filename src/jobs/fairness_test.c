/* The counters alone; whose turn it is by them is tested in queue_fair_test.c. */
#include "jobs/fairness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

static struct fairness *new_fairness(size_t counters_max)
{
    struct fairness_options options;

    fairness_options_init(&options);
    options.counters_max = counters_max;
    return fairness_new(&options);
}

static bool is(double is, double expected)
{
    return fabs(is - expected) < 1e-9;
}

static void nobody_was_served_before_anybody_came(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    assert_true(is(fairness_counter(f, "a", "m"), 0));
    assert_true(is(fairness_service(f, "a"), 0));
    assert_true(is(fairness_weight(f, "a"), 1));
    fairness_deactivate(f, "a", "m");
    fairness_free(f);
    fairness_free(NULL);
}

static void output_weighs_twice_and_what_was_wrong_is_given_back(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    assert_true(is(fairness_cost(f, 10, 5), 20));
    fairness_activate(f, "a", "m");
    fairness_charge(f, "a", "m", 100, 500);
    assert_true(is(fairness_counter(f, "a", "m"), 1100));
    fairness_charge(f, "a", "m", -60, -490);
    assert_true(is(fairness_counter(f, "a", "m"), 60));
    assert_true(is(fairness_service(f, "a"), 60));
    fairness_free(f);
}

static void service_counts_less_for_a_tenant_of_more_weight(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_set_weight(f, "a", 4);
    fairness_activate(f, "a", "m");
    fairness_charge(f, "a", "m", 100, 0);
    assert_true(is(fairness_counter(f, "a", "m"), 25));
    assert_true(is(fairness_service(f, "a"), 25));
    fairness_set_weight(f, "a", 1);
    fairness_charge(f, "a", "m", 100, 0);
    assert_true(is(fairness_counter(f, "a", "m"), 125));
    fairness_free(f);
}

static void idling_earns_no_credit(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "busy", "m");
    fairness_activate(f, "busier", "m");
    fairness_charge(f, "busy", "m", 700, 0);
    fairness_charge(f, "busier", "m", 900, 0);
    assert_true(is(fairness_counter(f, "new", "m"), 700)); /* as if it came now */
    fairness_activate(f, "new", "m");
    assert_true(is(fairness_counter(f, "new", "m"), 700));
    fairness_activate(f, "new", "other model");
    assert_true(is(fairness_counter(f, "new", "other model"), 0));
    fairness_free(f);
}

static void a_debt_outlasts_idling(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "a", "m");
    fairness_activate(f, "b", "m");
    fairness_charge(f, "a", "m", 900, 0);
    fairness_deactivate(f, "a", "m");
    fairness_charge(f, "b", "m", 500, 0);
    fairness_activate(f, "a", "m");
    assert_true(is(fairness_counter(f, "a", "m"), 900));
    fairness_free(f);
}

static void with_nobody_busy_the_last_one_is_the_measure(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "a", "m");
    fairness_charge(f, "a", "m", 300, 0);
    fairness_deactivate(f, "a", "m");
    fairness_activate(f, "b", "m");
    assert_true(is(fairness_counter(f, "b", "m"), 300));
    fairness_deactivate(f, "b", "m");
    fairness_charge(f, "c", "m", 50, 0); /* found room at once: came, served and gone */
    assert_true(is(fairness_counter(f, "c", "m"), 350));
    fairness_activate(f, "a", "m");
    assert_true(is(fairness_counter(f, "a", "m"), 350));
    fairness_free(f);
}

static void what_is_given_back_does_not_undo_a_lift(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "a", "m");
    fairness_activate(f, "b", "m");
    fairness_charge(f, "a", "m", 0, 500); /* foreseen */
    fairness_deactivate(f, "a", "m");
    fairness_charge(f, "b", "m", 5000, 0);
    fairness_activate(f, "a", "m");
    assert_true(is(fairness_counter(f, "a", "m"), 5000));
    fairness_charge(f, "a", "m", 0, -490); /* what it said instead was short */
    assert_true(is(fairness_counter(f, "a", "m"), 5000));
    fairness_free(f);
}

/* The queue says that the last job has gone before or after it is charged. */
static void a_last_job_counts_the_same_before_and_after_it_leaves(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "a", "m");
    fairness_activate(f, "b", "m");
    fairness_activate(f, "c", "m");
    fairness_charge(f, "c", "m", 500, 0);
    fairness_charge(f, "a", "m", 10, 0);
    fairness_deactivate(f, "a", "m");
    fairness_deactivate(f, "b", "m");
    fairness_charge(f, "b", "m", 10, 0);
    fairness_deactivate(f, "c", "m");
    fairness_charge(f, "c", "m", -500, 0);
    assert_true(is(fairness_counter(f, "a", "m"), fairness_counter(f, "b", "m")));
    assert_true(is(fairness_counter(f, "a", "m"), 10));
    fairness_free(f);
}

static void being_busy_twice_is_being_busy(void **state)
{
    struct fairness *f = new_fairness(10);
    (void)state;

    fairness_activate(f, "a", "m");
    fairness_charge(f, "a", "m", 100, 0);
    fairness_activate(f, "b", "m");
    fairness_charge(f, "a", "m", 100, 0);
    fairness_activate(f, "b", "m");
    assert_true(is(fairness_counter(f, "b", "m"), 100));
    fairness_deactivate(f, "b", "m");
    fairness_deactivate(f, "b", "m");
    assert_true(is(fairness_counter(f, "b", "m"), 200)); /* as if it came now */
    fairness_free(f);
}

static void a_model_without_counters_begins_anew(void **state)
{
    struct fairness *f = new_fairness(1);
    (void)state;

    fairness_charge(f, "a", "m", 100, 0);
    fairness_charge(f, "a", "n", 5, 0);
    assert_true(is(fairness_counter(f, "a", "m"), 0));
    assert_true(is(fairness_counter(f, "a", "n"), 5));
    fairness_free(f);
}

struct told {
    unsigned times;
    char tenant_id[64], model[64];
};

static void note(void *data, const char *tenant_id, const char *model)
{
    struct told *told = data;

    told->times++;
    (void)snprintf(told->tenant_id, sizeof(told->tenant_id), "%s", tenant_id);
    (void)snprintf(told->model, sizeof(told->model), "%s", model);
}

static void who_keeps_an_order_is_told_of_busy_tenants_only(void **state)
{
    struct fairness *f = new_fairness(10);
    struct told told = { 0 };
    (void)state;

    fairness_on_moved(f, note, &told);
    fairness_charge(f, "a", "m", 10, 0);
    fairness_activate(f, "b", "m");
    fairness_set_weight(f, "a", 3);
    assert_int_equal(told.times, 0);
    fairness_charge(f, "b", "m", 10, 0);
    assert_int_equal(told.times, 1);
    assert_string_equal(told.tenant_id, "b");
    assert_string_equal(told.model, "m");
    fairness_set_weight(f, "b", 3);
    assert_int_equal(told.times, 2);
    fairness_free(f);
}

/* Busy ones are never forgotten; a weight stays, as it was set. */
static void beyond_the_cap_the_one_idle_longest_is_forgotten(void **state)
{
    struct fairness *f = new_fairness(3);
    char name[16];
    (void)state;

    fairness_activate(f, "busy", "m");
    fairness_set_weight(f, "t0", 2);
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "t%d", i);
        fairness_charge(f, name, "m", 100, 0);
    }
    assert_true(is(fairness_counter(f, "t9", "m"), 100));
    assert_true(is(fairness_service(f, "t9"), 100));
    assert_true(is(fairness_counter(f, "t0", "m"), 0));
    assert_true(is(fairness_service(f, "t1"), 0));
    assert_true(is(fairness_weight(f, "t0"), 2));
    fairness_charge(f, "busy", "m", 5, 0);
    assert_true(is(fairness_counter(f, "busy", "m"), 5));
    fairness_free(f);
}

static void what_the_last_one_had_outlasts_its_counter(void **state)
{
    struct fairness *f = new_fairness(2);
    (void)state;

    fairness_charge(f, "a", "m", 100, 0);
    fairness_charge(f, "b", "m", 0, 0); /* 0 is no service: "a" stays the last */
    fairness_charge(f, "x", "n", 0, 0); /* forgets "a" */
    assert_true(is(fairness_counter(f, "a", "m"), 100));
    fairness_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_was_served_before_anybody_came),
        cmocka_unit_test(output_weighs_twice_and_what_was_wrong_is_given_back),
        cmocka_unit_test(service_counts_less_for_a_tenant_of_more_weight),
        cmocka_unit_test(idling_earns_no_credit),
        cmocka_unit_test(a_debt_outlasts_idling),
        cmocka_unit_test(with_nobody_busy_the_last_one_is_the_measure),
        cmocka_unit_test(what_is_given_back_does_not_undo_a_lift),
        cmocka_unit_test(a_last_job_counts_the_same_before_and_after_it_leaves),
        cmocka_unit_test(being_busy_twice_is_being_busy),
        cmocka_unit_test(a_model_without_counters_begins_anew),
        cmocka_unit_test(who_keeps_an_order_is_told_of_busy_tenants_only),
        cmocka_unit_test(beyond_the_cap_the_one_idle_longest_is_forgotten),
        cmocka_unit_test(what_the_last_one_had_outlasts_its_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
