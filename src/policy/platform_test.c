/* The built-in policy: who may run at all, and where. Stage by stage, knob by knob. */
#include "policy/platform_desk.h"

/* --- Contexts ------------------------------------------------------------------------- */

#define BATCH "\"id\":\"j\",\"model_ref\":\"m\",\"priority\":\"batch\",\"prompt_tokens\":1000"
#define READY "\"model_ref\":\"m\",\"status\":\"ready\",\"slots\":8"
#define TWO(job, a, b) \
    "\"queue\":[{" job "}],\"workers\":[{\"id\":\"a\"," READY a "},{\"id\":\"b\"," READY b "}]"
#define FULL(job)                                             \
    "\"queue\":[{" job "}],\"workers\":[{\"id\":\"a\"," READY \
    ",\"active\":8,\"in_flight_tokens\":8000}]"

/* --- Placing ---------------------------------------------------------------------------- */

static void the_least_work_ahead_times_the_batch_wins(void **state)
{
    static const struct desk_case cases[] = {
        { TWO(JOB, ",\"active\":1", ""), "dispatch b" },
        { TWO(JOB, "", ",\"queued_prefill_tokens\":500"), "dispatch a" },
        { TWO(JOB, ",\"active\":1", ",\"queued_prefill_tokens\":1500"), "dispatch a" },
        { TWO(JOB, ",\"active\":1", ",\"queued_prefill_tokens\":500"), "dispatch b" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void a_cached_prompt_draws_a_job_until_the_worker_is_loaded(void **state)
{
#define WARM JOB ",\"cached_tokens\":{\"a\":900}"
    static const struct desk_case cases[] = {
        { TWO(WARM, ",\"active\":3", ""), "dispatch a" },
        { TWO(WARM, ",\"slots\":20,\"active\":11", ""), "dispatch b" },
        { TWO(WARM, ",\"queued_prefill_tokens\":1000", ""), "dispatch b" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void a_fast_worker_gets_more_than_a_slow_one(void **state)
{
    static const struct desk_case cases[] = {
        { TWO(JOB, ",\"tokens_per_s\":90,\"active\":1", ",\"tokens_per_s\":30"), "dispatch a" },
        { TWO(JOB, ",\"tokens_per_s\":50,\"active\":1", ",\"tokens_per_s\":30"), "dispatch b" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

/* Of `calls` seeds, how many choose a worker. */
static unsigned count(const char *context, const char *decided, unsigned calls)
{
    struct desk d;
    unsigned hits = 0;

    desk_open(&d, context);
    for (uint64_t seed = 1; seed <= calls; seed++)
        hits += strcmp(desk_job(&d, seed), decided) == 0;
    desk_close(&d);
    return hits;
}

static void a_small_share_of_jobs_explores(void **state)
{
    (void)state;
    assert_in_range(count(TWO(JOB, ",\"active\":1", ""), "dispatch a", 4000), 5, 60);
    assert_int_equal(
        count(TWO(JOB, ",\"active\":1", "") CONFIG "{\"explore_pct\":0}", "dispatch a", 1000), 0);
    assert_in_range(
        count(TWO(JOB, ",\"active\":1", "") CONFIG "{\"explore_pct\":100}", "dispatch a", 400), 140,
        260);
}

static void ties_are_shared(void **state)
{
    (void)state;
    assert_in_range(count(TWO(JOB, "", ""), "dispatch a", 400), 140, 260);
}

static void the_choice_can_be_another_one(void **state)
{
    /* a is warm and cheap, b has less to do. */
#define CHOICE(name)                                                                \
    TWO(JOB ",\"cached_tokens\":{\"a\":500}", ",\"active\":2,\"cost_per_token\":1", \
        ",\"active\":1,\"queued_prefill_tokens\":1,\"cost_per_token\":2")           \
    CONFIG "{\"choice\":\"" name "\"}"
    static const struct desk_case cases[] = {
        { CHOICE("lmetric"), "dispatch a" },      { CHOICE("least_loaded"), "dispatch b" },
        { CHOICE("power_of_two"), "dispatch b" }, { CHOICE("warmest"), "dispatch a" },
        { CHOICE("cheapest"), "dispatch a" },     { CHOICE("nonsense"), "dispatch a" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
    assert_in_range(count(CHOICE("random"), "dispatch a", 400), 140, 260);
}

static void batch_jobs_may_have_a_choice_of_their_own(void **state)
{
#define PRICES(job, config) \
    TWO(job, ",\"active\":1,\"cost_per_token\":1", ",\"cost_per_token\":2") CONFIG config
    static const struct desk_case cases[] = {
        { PRICES(BATCH, "{\"choice_batch\":\"cheapest\"}"), "dispatch a" },
        { PRICES(JOB, "{\"choice_batch\":\"cheapest\"}"), "dispatch b" },
        { PRICES(BATCH, "{}"), "dispatch b" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void seeded_jobs_stay_on_the_build_that_most_have(void **state)
{
#define BUILDS(job, config)                                                          \
    "\"queue\":[{" job "}],\"workers\":[{\"id\":\"a\"," READY ",\"build\":\"new\"}," \
    "{\"id\":\"b\"," READY ",\"build\":\"old\",\"active\":4},"                       \
    "{\"id\":\"c\"," READY ",\"build\":\"old\",\"active\":5}]" CONFIG config
    static const struct desk_case cases[] = {
        { BUILDS(JOB ",\"seed\":7", "{}"), "dispatch b" },
        { BUILDS(JOB, "{}"), "dispatch a" },
        { BUILDS(JOB ",\"seed\":7", "{\"keep_seeded_on_one_build\":false}"), "dispatch a" },
        /* rather another build than none */
        { BUILDS(JOB ",\"seed\":7,\"tried_workers\":[\"b\",\"c\"]", "{}"), "dispatch a" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void late_and_full_workers_come_last(void **state)
{
    static const struct desk_case cases[] = {
        { TWO(JOB, ",\"liveness\":\"degraded\"", ",\"active\":5"), "dispatch b" },
        { TWO(JOB, ",\"liveness\":\"degraded\"", ",\"active\":8"), "dispatch a" },
        { TWO(JOB, ",\"liveness\":\"offline\"", ",\"active\":8"), "" },
        { TWO(JOB, ",\"kv_used_pct\":97", ",\"active\":5"), "dispatch b" },
        { TWO(JOB, ",\"kv_used_pct\":97", ",\"active\":8"), "dispatch a" },
        { TWO(JOB, ",\"kv_used_pct\":97", ",\"active\":5") CONFIG "{\"kv_full_pct\":100}",
          "dispatch a" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void batch_jobs_leave_a_reserve_where_one_is_wanted(void **state)
{
#define RESERVE CONFIG "{\"reserve_slots_pct\":25}"
    static const struct desk_case cases[] = {
        /* 16 slots */
        { TWO(BATCH, ",\"active\":8", ",\"active\":4") RESERVE, "" },
        { TWO(BATCH, ",\"active\":8", ",\"active\":3") RESERVE, "dispatch b" },
        { TWO(JOB, ",\"active\":8", ",\"active\":7") RESERVE, "dispatch b" },
        { TWO(BATCH, ",\"active\":8", ",\"active\":7"), "dispatch b" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void pins_and_failures_are_kept_to(void **state)
{
    static const struct desk_case cases[] = {
        { TWO(JOB ",\"pinned_worker_id\":\"a\"", ",\"active\":5", ""), "dispatch a" },
        { TWO(JOB ",\"tried_workers\":[\"b\"]", ",\"active\":5", ""), "dispatch a" },
        { TWO(JOB ",\"pinned_pool_id\":\"p\"", ",\"active\":5,\"pool_id\":\"p\"", ""),
          "dispatch a" },
        { TWO(JOB ",\"pinned_worker_id\":\"c\"", "", ""), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

/* --- Admission ----------------------------------------------------------------------------- */

static void what_cannot_be_in_time_is_refused_at_once(void **state)
{
    static const struct desk_case cases[] = {
        { FULL(JOB ",\"deadline_ms\":100"), "reject deadline_exceeded 504 (It would wait for about "
                                            "3704 ms; its deadline is in 100 ms.)" },
        { FULL(JOB ",\"deadline_ms\":600000"), "" },
        { FULL(JOB), "" },
        { FULL(JOB ",\"deadline_ms\":0"),
          "reject deadline_exceeded 504 (Its deadline has passed.)" },
        { TWO(JOB ",\"deadline_ms\":100", "", ",\"active\":1"), "dispatch a" },
        { FULL(JOB ",\"deadline_ms\":100") CONFIG "{\"admit_deadlines\":false}", "" },
        /* once it was let in it may hope */
        { FULL(JOB ",\"deadline_ms\":100,\"wait_ms\":1500"), "" },
        { FULL(JOB ",\"deadline_ms\":100,\"wait_ms\":1500") CONFIG "{\"admit_within_ms\":2000}",
          "reject deadline_exceeded 504 (It would wait for about 3704 ms; its deadline is in 100 "
          "ms.)" },
        { FULL(JOB ",\"deadline_ms\":100,\"retry_count\":1"), "" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void budgets_refuse_and_what_comes_back_is_waited_for(void **state)
{
#define OF(tenant)                                       \
    TWO(JOB ",\"tenant_id\":\"t\"", "", ",\"active\":1") \
    ",\"tenants\":[{\"id\":\"t\"," tenant "}"            \
    "]"
    static const struct desk_case cases[] = {
        { OF("\"quota_tokens_daily\":10,\"tokens_used_today\":9"), "dispatch a" },
        { OF("\"quota_tokens_daily\":10,\"tokens_used_today\":10"), "reject quota_exceeded 429" },
        { OF("\"max_concurrent\":2,\"concurrent\":2"),
          "wait (its tenant runs as many jobs as it may)" },
        { OF("\"quota_vram\":100,\"quota_used\":100"),
          "wait (its tenant has used up its memory quota)" },
        { OF("\"over_quota\":true"), "reject quota_exceeded 429" },
        { OF("\"over_quota\":true") CONFIG "{\"enforce_quotas\":false}", "dispatch a" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void nothing_is_shed_unless_it_is_asked_for(void **state)
{
#define JAM(job, config) \
    FULL(job)            \
    ",\"metrics\":{\"queue_depth\":100,\"busy_workers\":1,\"ready_workers\":0}" CONFIG config
    static const struct desk_case cases[] = {
        { JAM(BATCH, "{}"), "" },
        { JAM(BATCH, "{\"shed_factor\":1}"), "reject overloaded 503" },
        { JAM(JOB, "{\"shed_factor\":1}"), "" },
        { JAM(BATCH ",\"wait_ms\":2000", "{\"shed_factor\":1}"), "" },
        { JAM(BATCH, "{\"shed_factor\":1,\"shed_queue_per_worker\":200}"), "" },
        { JAM(BATCH, "{\"shed_factor\":1,\"shed_queue_per_worker\":200,\"shed_saturation\":0.4}"
                     ",\"explore\":0"),
          "" },
        { FULL(BATCH) ",\"metrics\":{\"saturation\":1.5}" CONFIG "{\"shed_factor\":1}",
          "reject overloaded 503" },
    };
    (void)state;
    DESK_EXPECT(cases, NULL);
}

static void sheds_the_more_the_fuller_it_is(void **state)
{
#define HALF "\"shed_factor\":1,\"shed_saturation\":0.4,\"shed_queue_per_worker\":200"
    unsigned steep = count(JAM(BATCH, "{" HALF ",\"shed_power\":3}"), "reject overloaded 503", 800);
    unsigned flat = count(JAM(BATCH, "{" HALF ",\"shed_power\":1}"), "reject overloaded 503", 800);
    (void)state;
    assert_in_range(steep, 60, 140); /* 0.5 ^ 3 */
    assert_in_range(flat, 340, 460);
}

/* --- Whatever it is asked --------------------------------------------------------------------- */

static void contexts_with_next_to_nothing_in_them_are_no_trouble(void **state)
{
    static const char *const contexts[] = {
        "\"queue\":[{}]",
        "\"queue\":[{}],\"workers\":[{}],\"pools\":[{}],\"models\":[{}],\"tenants\":[{}]",
        "\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\"}],\"pools\":[{\"id\":\"p\"}]",
        "\"queue\":[{\"model_ref\":\"m\",\"tenant_id\":\"t\"}],\"models\":[{\"ref\":\"m\"}],"
        "\"pools\":[{}]",
        "\"queue\":[{\"model_ref\":\"m\",\"wait_ms\":1e9,\"priority\":\"urgent\",\"deadline_ms\":"
        "1e300}],"
        "\"pools\":[{\"status\":\"odd\",\"workers\":[{\"model_ref\":\"n\",\"residency_ms\":1e12}]}"
        "]",
        "\"queue\":[{\"model_ref\":\"m\",\"wait_ms\":100000}],\"pools\":[{\"id\":\"p\",\"gpus\":[{}"
        "],"
        "\"workers\":[{\"id\":\"w\",\"model_ref\":\"n\"}]}],\"models\":[{\"ref\":\"n\",\"queued\":"
        "3}]",
        "\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\",\"seed\":0,\"max_tokens\":0}],"
        "\"workers\":[{\"model_ref\":\"m\",\"slots\":0,\"tokens_per_s\":0}]",
        "\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\"}],\"config\":{\"choice\":7,\"start\":\"no\","
        "\"explore_pct\":\"\",\"load_mb_per_s\":0,\"start_wait_factor\":0,\"idle_ttl_ms\":1}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        struct desk d;
        desk_open(&d, contexts[i]);
        for (int round = 0; round < 2; round++) {
            (void)desk_job(&d, 1);
            (void)desk_queue(&d);
            (void)desk_look(&d);
        }
        desk_close(&d);
    }
}

static void the_same_question_at_the_same_time_has_the_same_answer(void **state)
{
    struct desk d;
    (void)state;

    desk_open(&d, "\"queue\":[{" JOB "}],\"pools\":[{\"id\":\"p\",\"status\":\"healthy\"}]");
    for (int i = 0; i < 3; i++)
        assert_string_equal(desk_job(&d, 1), "start m p (nobody has m)");
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_work_ahead_times_the_batch_wins),
        cmocka_unit_test(a_cached_prompt_draws_a_job_until_the_worker_is_loaded),
        cmocka_unit_test(a_fast_worker_gets_more_than_a_slow_one),
        cmocka_unit_test(a_small_share_of_jobs_explores),
        cmocka_unit_test(ties_are_shared),
        cmocka_unit_test(the_choice_can_be_another_one),
        cmocka_unit_test(batch_jobs_may_have_a_choice_of_their_own),
        cmocka_unit_test(seeded_jobs_stay_on_the_build_that_most_have),
        cmocka_unit_test(late_and_full_workers_come_last),
        cmocka_unit_test(batch_jobs_leave_a_reserve_where_one_is_wanted),
        cmocka_unit_test(pins_and_failures_are_kept_to),
        cmocka_unit_test(what_cannot_be_in_time_is_refused_at_once),
        cmocka_unit_test(budgets_refuse_and_what_comes_back_is_waited_for),
        cmocka_unit_test(nothing_is_shed_unless_it_is_asked_for),
        cmocka_unit_test(sheds_the_more_the_fuller_it_is),
        cmocka_unit_test(contexts_with_next_to_nothing_in_them_are_no_trouble),
        cmocka_unit_test(the_same_question_at_the_same_time_has_the_same_answer),
    };

    return cmocka_run_group_tests_name("platform policy", tests, NULL, NULL);
}
