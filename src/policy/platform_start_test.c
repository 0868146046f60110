/* The built-in policy: which workers it starts for a job, and where. */
#include "policy/platform_desk.h"

static void a_model_that_nobody_has_is_started_where_it_fits(void **state)
{
    static const struct desk_case cases[] = {
        { WANTS(JOB, POOLS(POOL("p", "8000", LISTS)) NEEDS), "start m p (nobody has m)" },
        { WANTS(JOB, POOLS(POOL("p", "3000", LISTS)) NEEDS), "" },
        { WANTS(JOB, POOLS(POOL("p", "8000", LISTS ",\"reserved_mb\":5000")) NEEDS), "" },
        { WANTS(JOB, POOLS(POOL("p", "0", LISTS)) NEEDS), "start m p (nobody has m)" },
        { WANTS(JOB, POOLS("{\"id\":\"p\",\"ram_free_mb\":9000,\"gpus\":[{\"vram_total_mb\":8000,"
                           "\"vram_allocated_mb\":6000}]}") NEEDS),
          "" },
        { WANTS(JOB, POOLS("{\"id\":\"p\",\"gpus\":[{\"vram_total_mb\":3000},"
                           "{\"vram_total_mb\":3000}]}") NEEDS),
          "start m p (nobody has m)" },
        { WANTS(JOB, POOLS(POOL("p", "8000", ",\"status\":\"degraded\"")) NEEDS), "" },
        { WANTS(JOB, POOLS(POOL("p", "8000", ",\"cached_models\":[\"n\"]")) NEEDS), "" },
        { WANTS(JOB, POOLS(POOL("p", "8000", LISTS)) NEEDS) CONFIG "{\"start\":false}", "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void it_is_started_where_it_is_ready_first(void **state)
{
#define BOTH(a, b, model, config)                                                            \
    WANTS(JOB, POOLS(POOL("a", "8000", a) "," POOL(                                          \
                   "b", "8000", b)) ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":4000," \
                                    "\"size_bytes\":4000000000" model "}]")                  \
    CONFIG config
    static const struct desk_case cases[] = {
        /* measured here and there; unmeasured ones by the speed of other loads */
        { BOTH(LISTS, LISTS, ",\"load_time_ms\":{\"a\":9000,\"b\":4000}", "{}"),
          "start m b (nobody has m)" },
        /* behind a load that is under way there */
        { BOTH(LISTS, LISTS ",\"reserved_mb\":1000", "", "{}"), "start m a (nobody has m)" },
        { BOTH(LISTS ",\"reserved_mb\":3000", LISTS ",\"reserved_mb\":1000", "", "{}"),
          "start m b (nobody has m)" },
        { BOTH(LISTS ",\"reserved_mb\":1000", LISTS, ",\"load_time_ms\":{\"a\":4000,\"b\":6000}",
               "{\"load_mb_per_s\":100}"),
          "start m b (nobody has m)" },
        { BOTH(LISTS ",\"reserved_mb\":1000", LISTS, ",\"load_time_ms\":{\"a\":4000,\"b\":6000}",
               "{}"),
          "start m a (nobody has m)" },
        /* a pool that does not say what it has may have to fetch it */
        { BOTH("", LISTS, ",\"load_time_ms\":{\"a\":4000,\"b\":6000}", "{}"),
          "start m b (nobody has m)" },
        { BOTH("", LISTS, ",\"load_time_ms\":{\"a\":4000,\"b\":6000}", "{\"fetch_ms\":1000}"),
          "start m a (nobody has m)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void one_start_of_a_model_is_enough(void **state)
{
#define UNDER_WAY(config)                                                                       \
    WANTS(JOB,                                                                                  \
          POOLS(POOL(                                                                           \
              "p", "8000",                                                                      \
              LISTS)) ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":4000,\"starting\":1}]") \
    CONFIG config
    static const struct desk_case cases[] = {
        { UNDER_WAY("{}"), "wait (its model is being loaded)" },
        { UNDER_WAY("{\"starts_per_model\":2}"), "start m p (nobody has m)" },
        { WANTS(JOB, POOLS(POOL("p", "8000",
                                LISTS)) ",\"workers\":[{\"id\":\"w\",\"pool_id\":\"p\","
                                        "\"model_ref\":\"m\",\"status\":\"starting\"}]" NEEDS),
          "wait (its model is being loaded)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void pins_hold_for_starts_too(void **state)
{
#define HERE_AND_THERE POOLS(POOL("a", "8000", LISTS) "," POOL("b", "8000", LISTS)) NEEDS
    static const struct desk_case cases[] = {
        { WANTS(JOB ",\"pinned_pool_id\":\"b\"", HERE_AND_THERE), "start m b (nobody has m)" },
        { WANTS(JOB ",\"pinned_worker_id\":\"w\"", HERE_AND_THERE), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

/* Two slots, both taken; a backlog behind them. */
#define BACKLOG(queued, load_ms, config)                                     \
    WANTS(JOB, POOLS(POOL("p", "8000", LISTS)) ",\"workers\":[" WORKER(      \
                   "w", "p", "m",                                            \
                   ",\"active\":2,\"in_flight_tokens\":2000,\"tokens_"       \
                   "per_s\":10") "],"                                        \
                                 "\"models\":[{\"ref\":\"m\",\"vram_"        \
                                 "required_mb\":4000,\"queued\":" queued "," \
                                 "\"load_time_ms\":{\"p\":" load_ms "}}]")   \
    CONFIG config

static void one_more_is_started_when_waiting_costs_more_than_loading(void **state)
{
    static const struct desk_case cases[] = {
        { BACKLOG("8", "5000", "{}"), "start m p (a backlog of 8 jobs)" },
        { BACKLOG("7", "5000", "{}"), "" },
        { BACKLOG("7", "5000", "{\"scale_out_jobs_per_slot\":3}"),
          "start m p (a backlog of 7 jobs)" },
        { BACKLOG("8", "5000000", "{}"), "" },
        { BACKLOG("8", "20000", "{}"), "start m p (a backlog of 8 jobs)" },
        { BACKLOG("8", "20000", "{\"start_wait_factor\":3}"), "" },
        { BACKLOG("8", "5000", "{\"workers_per_model_max\":1}"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void later(struct desk *d, uint64_t ms)
{
    desk_snapshot(d)->header.now_ms += ms;
}

static void the_next_start_of_a_model_goes_elsewhere_or_later(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, WANTS(JOB, POOLS(POOL("a", "8000", LISTS) "," POOL("b", "8000", LISTS)) NEEDS));
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    later(&d, 1000);
    assert_string_equal(desk_job(&d, 1), "start m b (nobody has m)");
    later(&d, 1000);
    assert_string_equal(desk_job(&d, 1), "");
    later(&d, 13500);
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    desk_close(&d);

    desk_open(&d,
              WANTS(JOB, POOLS(POOL("a", "8000", LISTS)) NEEDS) CONFIG "{\"start_again_ms\":500}");
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    later(&d, 600);
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    desk_close(&d);
}

static void only_so_much_is_remembered(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, WANTS(JOB, POOLS(POOL("a", "8000", LISTS) "," POOL("b", "8000", LISTS)) NEEDS)
                      CONFIG "{\"remembered_max\":1}");
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    later(&d, 1000);
    assert_string_equal(desk_job(&d, 1), "start m b (nobody has m)");
    later(&d, 1000);
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    desk_close(&d);
}

static void what_could_not_be_helped_is_left_alone_for_a_while(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, WANTS(JOB, POOLS(POOL("a", "1000", LISTS)) NEEDS));
    assert_string_equal(desk_job(&d, 1), "");
    desk_snapshot(&d)->pools[0].ram_free_mb = 8000;
    later(&d, 500);
    assert_string_equal(desk_job(&d, 1), "");
    later(&d, 500);
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    desk_close(&d);

    desk_open(&d,
              WANTS(JOB, POOLS(POOL("a", "1000", LISTS)) NEEDS) CONFIG "{\"think_again_ms\":100}");
    assert_string_equal(desk_job(&d, 1), "");
    desk_snapshot(&d)->pools[0].ram_free_mb = 8000;
    later(&d, 200);
    assert_string_equal(desk_job(&d, 1), "start m a (nobody has m)");
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_nobody_has_is_started_where_it_fits),
        cmocka_unit_test(it_is_started_where_it_is_ready_first),
        cmocka_unit_test(one_start_of_a_model_is_enough),
        cmocka_unit_test(pins_hold_for_starts_too),
        cmocka_unit_test(one_more_is_started_when_waiting_costs_more_than_loading),
        cmocka_unit_test(the_next_start_of_a_model_goes_elsewhere_or_later),
        cmocka_unit_test(only_so_much_is_remembered),
        cmocka_unit_test(what_could_not_be_helped_is_left_alone_for_a_while),
    };

    return cmocka_run_group_tests_name("platform policy: starts", tests, NULL, NULL);
}
