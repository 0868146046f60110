/* The built-in policy: who makes room for whom, and what it does ahead of any job. */
#include "policy/platform_desk.h"

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
          "reject 1 deadline_exceeded 504 (Its deadline has passed.)" },
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

    return cmocka_run_group_tests_name("platform policy: evictions", tests, NULL, NULL);
}
