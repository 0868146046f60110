/* Decisions as a table, one as a page, and their words. */
#include "keeper/view_test.h"

#include "keeper/decision_view.h"

static void every_action_has_words(void **state)
{
    static const struct {
        const char *decision, *wanted;
    } cases[] = {
        { "{\"action\":\"wait\",\"job_id\":\"j\"}", "wait" },
        { "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"w2\"}", "dispatch to w2" },
        { "{\"action\":\"dispatch\",\"worker_id\":\"w2\",\"reason\":\"warm\"}",
          "dispatch to w2: warm" },
        { "{\"action\":\"reject\",\"code\":\"too_big\",\"status\":403,\"reason\":\"no\"}",
          "reject with too_big: no" },
        { "{\"action\":\"evict\",\"worker_id\":\"w1\"}", "evict w1" },
        { "{\"action\":\"start_worker\",\"start_worker\":{\"model_ref\":\"m\",\"pool_id\":\"h1\","
          "\"gpu_id\":0}}",
          "start_worker for m on hive h1 on GPU 0" },
        { "{\"action\":\"batch\",\"actions\":[{\"action\":\"evict\",\"worker_id\":\"w1\"},"
          "{\"action\":\"dispatch\",\"job_id\":\"j\",\"worker_id\":\"w2\"}]}",
          "evict w1; dispatch j to w2" },
    };
    char text[256];
    struct buf out;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_init_fixed(&out, text, sizeof(text));
        decision_put_words(&out, str_of(cases[i].decision));
        assert_string_equal(buf_cstr(&out), cases[i].wanted);
    }
}

static void durations_are_as_exact_as_people_need_them(void **state)
{
    static const struct {
        uint64_t ms;
        const char *wanted;
    } cases[] = {
        { 0, "0 ms" },         { 999, "999 ms" },   { 1000, "1.0 s" },
        { 119900, "119.9 s" }, { 120000, "2 min" }, { 3600000, "60 min" },
    };
    char text[64];
    struct buf out;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        buf_init_fixed(&out, text, sizeof(text));
        decision_put_ms(&out, cases[i].ms);
        assert_string_equal(buf_cstr(&out), cases[i].wanted);
    }
}

static void the_list_is_a_table_that_tells_who_failed(void **state)
{
    static const char records[] =
        "[{\"id\":2,\"time\":\"2026-01-31T12:00:00.250Z\",\"job_id\":\"job-1\","
        "\"policy\":\"home\",\"version\":\"3\",\"outcome\":\"decision\",\"reason\":null,"
        "\"decision\":{\"action\":\"dispatch\",\"job_id\":\"job-1\",\"worker_id\":\"w2\"},"
        "\"time_us\":18},"
        "{\"id\":1,\"time\":\"2026-01-31T12:00:00.000Z\",\"job_id\":null,\"policy\":\"platform\","
        "\"version\":null,\"outcome\":\"fallback\",\"reason\":\"timeout\",\"asked_policy\":"
        "\"home\","
        "\"decision\":{\"action\":\"wait\"},\"time_us\":50123}]";
    struct view_output o;
    (void)state;

    setenv("TZ", "UTC", 1);
    decision_view_print_list(str_of(records), begin_view(&o));
    char *text = finish_view(&o);
    assert_string_equal(
        text, "ID  TIME                     JOB    POLICY    DECISION  WORKER  µS     FAILURE\n"
              "2   2026-01-31 12:00:00.250  job-1  home@3    dispatch  w2      18\n"
              "1   2026-01-31 12:00:00.000         platform  wait              50123  home: "
              "timeout\n");
    free(text);
    decision_view_print_list(str_of("[]"), begin_view(&o));
    text = finish_view(&o);
    assert_string_equal(text, "no decisions are kept\n");
    free(text);
}

static void one_decision_shows_each_candidate_and_marks_the_chosen_one(void **state)
{
    static const char record[] =
        "{\"id\":2,\"time\":\"2026-01-31T12:00:00.250Z\",\"job_id\":null,"
        "\"policy\":\"home\",\"version\":\"3\",\"reason\":null,"
        "\"decision\":{\"action\":\"dispatch\",\"job_id\":\"job-1\",\"worker_id\":\"w2\"},"
        "\"time_us\":18,\"inputs_hash\":\"00ff\",\"log\":[\"info picked w2\"],"
        "\"job_outcome\":{\"state\":\"done\",\"worker_id\":\"w2\",\"tokens_in\":3,"
        "\"tokens_out\":12,\"queue_ms\":1,\"ttft_ms\":80,\"total_ms\":1200},"
        "\"candidates\":[{\"worker_id\":\"w1\",\"verdict\":\"no_room\"},"
        "{\"worker_id\":\"w2\",\"verdict\":\"ok\",\"score\":2.5}],\"omitted\":4}";
    struct view_output o;
    (void)state;

    setenv("TZ", "UTC", 1);
    decision_view_print_one(str_of(record), begin_view(&o));
    char *text = finish_view(&o);
    assert_string_equal(text, "Decision 2, 2026-01-31 12:00:00.250\n"
                              "  job       job-1\n"
                              "  policy    home@3\n"
                              "  decision  dispatch to w2\n"
                              "  took      18 µs\n"
                              "  outcome   done on w2: waited 1 ms, first token after 80 ms, 1.2 s "
                              "in all; 3 tokens in, 12 out\n"
                              "  inputs    00ff\n"
                              "\n"
                              "CANDIDATE  VERDICT  SCORE\n"
                              "w1         no_room\n"
                              "w2         ok       2.5    <- chosen\n"
                              "4 more are not shown\n"
                              "\n"
                              "Log\n"
                              "  info picked w2\n");
    free(text);
}

static void a_decision_whose_state_is_gone_says_so(void **state)
{
    struct view_output o;
    (void)state;

    decision_view_print_one(str_of("{\"id\":1,\"policy\":\"home\",\"reason\":\"error\","
                                   "\"asked_policy\":\"home\",\"message\":\"home.lua:3: nil\","
                                   "\"decision\":{\"action\":\"wait\"},\"candidates\":null,"
                                   "\"note\":\"not kept any more\"}"),
                            begin_view(&o));
    char *text = finish_view(&o);
    assert_has(text, "  failure   home could not decide (error): home.lua:3: nil\n");
    assert_has(text, "\nCandidates: none; not kept any more\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_has_words),
        cmocka_unit_test(durations_are_as_exact_as_people_need_them),
        cmocka_unit_test(the_list_is_a_table_that_tells_who_failed),
        cmocka_unit_test(one_decision_shows_each_candidate_and_marks_the_chosen_one),
        cmocka_unit_test(a_decision_whose_state_is_gone_says_so),
    };

    return cmocka_run_group_tests_name("decision_view", tests, NULL, NULL);
}
