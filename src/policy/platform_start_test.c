/* The built-in policy: what it starts and evicts, for a job and ahead of any. */
#include "policy/platform_desk.h"

/* --- Contexts ------------------------------------------------------------------------- */

#define JOB              "\"id\":\"j\",\"model_ref\":\"m\",\"priority\":\"interactive\",\"prompt_tokens\":1000"
#define CONFIG           ",\"config\":"
#define WANTS(job, rest) "\"queue\":[{" job "}]," rest
#define POOLS(list)      "\"pools\":[" list "]"
/* 8,000 MB of which so many are free */
#define POOL(id, free, more) "{\"id\":\"" id "\",\"ram_free_mb\":" free more "}"
#define LISTS                ",\"cached_models\":[\"m\"]"
#define NEEDS                ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":4000,\"size_bytes\":4000000000}]"
#define WORKER(id, pool, model, more)                                    \
    "{\"id\":\"" id "\",\"pool_id\":\"" pool "\",\"model_ref\":\"" model \
    "\",\"status\":\"ready\","                                           \
    "\"slots\":2,\"rss_mb\":5000,\"load_time_ms\":10000,\"residency_ms\":40000" more "}"

/* --- Starting ---------------------------------------------------------------------------- */

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

/* --- Evicting ------------------------------------------------------------------------------ */

/* One pool with 500 MB left and these workers, of 5000 MB each. */
#define CROWDED(job, workers, config) \
    WANTS(job, POOLS(POOL("p", "500", LISTS)) ",\"workers\":[" workers "]" NEEDS) CONFIG config

static void who_rests_and_is_not_wanted_makes_room(void **state)
{
    static const struct desk_case cases[] = {
        { CROWDED(JOB, WORKER("w", "p", "n", ""), "{}"), "evict w (room for m)" },
        { CROWDED(JOB, WORKER("w", "p", "n", ""), "{\"evict\":false}"), "" },
        { CROWDED(JOB, WORKER("w", "p", "n", ",\"active\":1"), "{}"), "" },
        { CROWDED(JOB, WORKER("w", "p", "n", ",\"pinned\":true"), "{}"), "" },
        { CROWDED(JOB, WORKER("w", "p", "n", ",\"static\":true"), "{}"), "" },
        { CROWDED(JOB, WORKER("w", "p", "n", ",\"residency_ms\":29000"), "{}"), "" },
        { CROWDED(JOB, WORKER("w", "p", "n", ",\"residency_ms\":29000"),
                  "{\"min_residency_ms\":20000}"),
          "evict w (room for m)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void who_goes_first_is_a_matter_of_taste(void **state)
{
    /* a was used last long ago but often, b lately and once, c in between, and is cheap */
#define THREE                                                                           \
    WORKER("a", "p", "n", ",\"last_used_ms\":1699999000000,\"uses\":90")                \
    "," WORKER("b", "p", "n", ",\"last_used_ms\":1699999990000,\"uses\":1") "," WORKER( \
        "c", "p", "n", ",\"last_used_ms\":1699999800000,\"uses\":2,\"load_time_ms\":100")
    static const struct desk_case cases[] = {
        { CROWDED(JOB, THREE, "{\"eviction\":\"lru\"}"), "evict a (room for m)" },
        { CROWDED(JOB, THREE, "{\"eviction\":\"lfu\"}"), "evict b (room for m)" },
        { CROWDED(JOB, THREE, "{\"eviction\":\"gdsf\"}"), "evict c (room for m)" },
        { CROWDED(JOB, THREE, "{}"), "evict c (room for m)" },
        { CROWDED(JOB, THREE, "{\"eviction\":\"ttl\"}"), "evict a (room for m)" },
        { CROWDED(JOB, THREE, "{\"eviction\":\"ttl\",\"evict_ttl_ms\":2000000}"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void a_model_that_is_wanted_stays_until_another_is_overdue(void **state)
{
#define TURNS(wait_ms, residency, config)                                                        \
    WANTS(JOB ",\"wait_ms\":" wait_ms,                                                           \
          POOLS(POOL("p", "500", LISTS)) ",\"workers\":[" WORKER(                                \
              "w", "p", "n",                                                                     \
              ",\"residency_ms\":" residency) "],"                                               \
                                              "\"models\":[{\"ref\":\"m\",\"vram_required_mb\":" \
                                              "4000},{\"ref\":\"n\",\"queued\":2}]")             \
    CONFIG config
    static const struct desk_case cases[] = {
        { TURNS("59000", "40000", "{}"), "" },
        { TURNS("60000", "40000", "{}"), "evict w (room for m)" },
        { TURNS("60000", "29000", "{\"min_residency_ms\":0}"), "" }, /* 3 loads are 30 s */
        { TURNS("60000", "29000", "{\"min_residency_ms\":0,\"residency_loads\":2}"),
          "evict w (room for m)" },
        { TURNS("6000", "40000", "{\"overdue_ms\":5000}"), "evict w (room for m)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void as_many_go_as_are_needed_or_none(void **state)
{
#define BIG(workers)                                            \
    WANTS(JOB, POOLS(POOL("p", "500",                           \
                          LISTS)) ",\"workers\":[" workers "]," \
                                  "\"models\":[{\"ref\":\"m\",\"vram_required_mb\":10000}]")
    static const struct desk_case cases[] = {
        { BIG(WORKER("a", "p", "n", "") "," WORKER("b", "p", "n", "")),
          "evict a (room for m); evict b (room for m)" },
        { BIG(WORKER("a", "p", "n", "")), "" },
        { BIG(WORKER("a", "p", "n", "") "," WORKER("b", "p", "n", ",\"active\":1")), "" },
        /* what leaves already is waited for */
        { BIG(WORKER("a", "p", "n", "") ","
                                        "{\"id\":\"b\",\"pool_id\":\"p\",\"status\":\"draining\","
                                        "\"rss_mb\":5000}"),
          "evict a (room for m)" },
        { BIG("{\"id\":\"b\",\"pool_id\":\"p\",\"status\":\"draining\",\"rss_mb\":9900}"),
          "wait (room is being made for it)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void no_more_than_some_go_at_once(void **state)
{
    static const struct desk_case cases[] = {
        { BIG(WORKER("a", "p", "n", "") "," WORKER("b", "p", "n", "")) CONFIG
          "{\"evictions_max\":1}",
          "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

/* Thinking of who could go first, then deciding it. */
static void an_overdue_model_is_seen_in_the_whole_queue_too(void **state)
{
    static const struct desk_case cases[] = {
        { TURNS("60000", "40000", "{}"), "evict w (room for m)" },
        { TURNS("59000", "40000", "{}"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, desk_queue);
    DESK_EXPECT(cases, desk_look);
}

static void room_is_made_where_it_costs_least(void **state)
{
#define EITHER(config)                                                                             \
    WANTS(JOB,                                                                                     \
          POOLS(POOL("a", "500", LISTS) "," POOL("b", "500", LISTS)) ",\"workers\":[" WORKER(      \
              "wa", "a", "n", ",\"load_time_ms\":60000") "," WORKER("wb", "b", "n", "") "]" NEEDS) \
    CONFIG config
    static const struct desk_case cases[] = {
        { EITHER("{}"), "evict wb (room for m)" },
        { EITHER("{\"pools_weighed_max\":1}"), "evict wa (room for m)" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void a_backlog_evicts_only_what_is_back_sooner_than_it_would_wait(void **state)
{
#define FULL_HOUSE(load_ms)                                             \
    WANTS(JOB, POOLS(POOL("p", "500", LISTS)) ",\"workers\":[" WORKER(  \
                   "w", "p", "m",                                       \
                   ",\"active\":2,\"in_flight_tokens\":2000,\"tokens_"  \
                   "per_s\":10") "," WORKER("o", "p", "n",              \
                                            ",\"load_time_"             \
                                            "ms\":" load_ms) "],"       \
                                                             "\"models" \
                                                             "\":[{"    \
                                                             "\"ref\":" \
                                                             "\"m\","   \
                                                             "\"vram_"  \
                                                             "required" \
                                                             "_mb\":"   \
                                                             "4000,"    \
                                                             "\"queued" \
                                                             "\":8,"    \
                                                             "\"load_"  \
                                                             "time_"    \
                                                             "ms\":{"   \
                                                             "\"p\":"   \
                                                             "5000}}]")
    static const struct desk_case cases[] = {
        { FULL_HOUSE("10000"), "evict o (room for m)" },
        { FULL_HOUSE("900000"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

/* --- The whole queue, and a look around ------------------------------------------------------ */

static void the_whole_queue_gives_one_decision_by_name(void **state)
{
#define OTHER(id, model, more) \
    "{\"id\":\"" id "\",\"model_ref\":\"" model "\",\"priority\":\"interactive\"" more "}"
#define HAVE WORKER("w", "p", "n", "")
    static const struct desk_case cases[] = {
        { "\"queue\":[" OTHER("1", "m", "") "," OTHER("2", "n", "") "],\"workers\":[" HAVE "]",
          "dispatch 2 w" },
        { "\"queue\":[" OTHER("1", "m", ",\"deadline_ms\":0") "],\"workers\":[" HAVE "]",
          "reject 1 deadline_exceeded 504" },
        { "\"queue\":[" OTHER("1", "m", "") "," OTHER("2", "m", "") "]," POOLS(
              POOL("p", "8000", LISTS)) NEEDS,
          "start m p (nobody has m)" },
        { "\"queue\":[" OTHER("1", "x", "") "," OTHER("2", "y", "") "," OTHER(
              "3", "z", "") "]," POOLS(POOL("p", "8000", "")),
          "start x p (nobody has x); start y p (nobody has y)" },
        { "\"queue\":[" OTHER("1", "n", "") "," OTHER(
              "2", "n", ",\"pinned_worker_id\":\"v\"") "],"
                                                       "\"workers\":[" WORKER(
                                                           "w", "p", "n",
                                                           ",\"active\":2") "," WORKER("v", "p",
                                                                                       "n", "") "]",
          "dispatch 1 v" },
        /* what one of them takes is gone for the next */
        { "\"queue\":[" OTHER("1", "m", "") "," OTHER("2", "y", "") "]," POOLS(
              POOL("p", "6000", "")) ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":4000},{"
                                     "\"ref\":\"y\",\"vram_required_mb\":4000}]",
          "start m p (nobody has m)" },
        { "\"queue\":[" OTHER("1", "m", "") "," OTHER("2", "y", "") "]," POOLS(POOL(
              "p", "500",
              "")) ",\"workers\":[" WORKER("w", "p", "n",
                                           "") "]"
                                               ",\"models\":[{\"ref\":\"m\",\"vram_required_mb\":"
                                               "4000},{\"ref\":\"y\",\"vram_required_mb\":4000}]",
          "evict w (room for m)" },
        { "\"queue\":[]", "" },
    };
    (void)state;
    DESK_EXPECT(cases, desk_queue);
}

static void models_that_are_waited_for_are_loaded_ahead(void **state)
{
#define THREE_MODELS(config)                                                                      \
    "\"queue\":[" OTHER("1", "x", "") "," OTHER("2", "y", "") "," OTHER("3", "z", "") "]," POOLS( \
        POOL("p", "8000", "")) CONFIG config
    static const struct desk_case cases[] = {
        { THREE_MODELS("{}"), "start x p (nobody has x); start y p (nobody has y)" },
        { THREE_MODELS("{\"starts_per_look\":1}"), "start x p (nobody has x)" },
        { THREE_MODELS("{\"start\":false}"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, desk_look);
}

static void who_is_idle_for_long_goes_where_that_is_wanted(void **state)
{
#define IDLE(more, config)                                               \
    "\"queue\":[]," POOLS(POOL("p", "500", "")) ",\"workers\":[" WORKER( \
        "w", "p", "n", ",\"last_used_ms\":1699999950000" more) "]" CONFIG config
    static const struct desk_case cases[] = {
        { IDLE("", "{}"), "" },
        { IDLE("", "{\"idle_ttl_ms\":40000}"), "evict w (idle)" },
        { IDLE("", "{\"idle_ttl_ms\":60000}"), "" },
        { IDLE(",\"residency_ms\":35000", "{\"idle_ttl_ms\":40000}"), "" }, /* never used yet */
        { IDLE("", "{\"idle_ttl_ms\":40000}") ",\"models\":[{\"ref\":\"n\",\"queued\":1}]", "" },
        { IDLE(",\"pinned\":true", "{\"idle_ttl_ms\":40000}"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, desk_look);
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
        cmocka_unit_test(who_rests_and_is_not_wanted_makes_room),
        cmocka_unit_test(who_goes_first_is_a_matter_of_taste),
        cmocka_unit_test(a_model_that_is_wanted_stays_until_another_is_overdue),
        cmocka_unit_test(as_many_go_as_are_needed_or_none),
        cmocka_unit_test(no_more_than_some_go_at_once),
        cmocka_unit_test(an_overdue_model_is_seen_in_the_whole_queue_too),
        cmocka_unit_test(room_is_made_where_it_costs_least),
        cmocka_unit_test(a_backlog_evicts_only_what_is_back_sooner_than_it_would_wait),
        cmocka_unit_test(the_whole_queue_gives_one_decision_by_name),
        cmocka_unit_test(models_that_are_waited_for_are_loaded_ahead),
        cmocka_unit_test(who_is_idle_for_long_goes_where_that_is_wanted),
    };

    return cmocka_run_group_tests_name("platform policy: starts", tests, NULL, NULL);
}
