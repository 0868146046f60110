/* Why a job is where it is, in words. */
#include "keeper/view_test.h"

#include "keeper/explain_view.h"

static const char busy_workers[] =
    "[{\"worker_id\":\"w1\",\"in_flight\":4,\"slots\":4},{\"worker_id\":\"w2\",\"in_flight\":1,"
    "\"slots\":1}]";

static const char candidates_then[] =
    "\"candidates\":[{\"worker_id\":\"w1\",\"verdict\":\"no_room\"},"
    "{\"worker_id\":\"w2\",\"verdict\":\"ok\",\"score\":2.5},"
    "{\"worker_id\":\"w4\",\"verdict\":\"ok\",\"score\":7},"
    "{\"worker_id\":\"w3\",\"verdict\":\"wrong_model\"}],\"omitted\":0";

static char *show(const char *json, const char *worker_id)
{
    struct view_output o;

    explain_view_print(str_of(json), str_of(busy_workers), worker_id, begin_view(&o));
    return finish_view(&o);
}

static void where_it_went_and_why_not_elsewhere(void **state)
{
    char json[2048];
    (void)state;

    (void)snprintf(json, sizeof(json),
                   "{\"job_id\":\"job-1\",\"state\":\"streaming\",\"worker_id\":\"w2\","
                   "\"model\":\"m\",\"decisions\":[{\"id\":7,\"policy\":\"home\",\"version\":\"3\","
                   "\"reason\":null,\"decision\":{\"action\":\"dispatch\",\"job_id\":\"job-1\","
                   "\"worker_id\":\"w2\",\"reason\":\"warm\"},%s}]}",
                   candidates_then);
    char *text = show(json, NULL);
    assert_string_equal(text, "Job job-1 is streaming on worker w2.\n"
                              "It went to w2 because home@3 chose it: warm (decision 7).\n"
                              "w1 was not taken: no_room, all of its slots were taken.\n"
                              "w2 was taken (score 2.5).\n"
                              "w4 could have run it, and was not chosen (score 7).\n"
                              "w3 was not taken: wrong_model, it served another model.\n");
    free(text);
    text = show(json, "w3");
    assert_has(text, "w3 was not taken: wrong_model");
    assert_has_not(text, "w4");
    free(text);
    text = show(json, "w9");
    assert_has(text, "w9 was not there");
    free(text);
}

static void a_policy_that_failed_is_named_beside_the_one_that_decided(void **state)
{
    (void)state;
    char *text = show("{\"job_id\":\"job-1\",\"state\":\"ended\",\"decisions\":[{\"id\":8,"
                      "\"policy\":\"platform\",\"version\":null,\"asked_policy\":\"home\","
                      "\"reason\":\"timeout\",\"message\":\"too slow\","
                      "\"decision\":{\"action\":\"batch\",\"actions\":["
                      "{\"action\":\"evict\",\"worker_id\":\"w9\"},"
                      "{\"action\":\"dispatch\",\"job_id\":\"job-0\",\"worker_id\":\"w1\"},"
                      "{\"action\":\"dispatch\",\"job_id\":\"job-1\",\"worker_id\":\"w2\"}]},"
                      "\"job_outcome\":{\"state\":\"failed\",\"worker_id\":\"w2\",\"queue_ms\":3,"
                      "\"total_ms\":1500,\"error_code\":\"worker_error\"}}]}",
                      NULL);

    assert_has(text, "Job job-1 is over (failed): it waited 3 ms and was on worker w2; 1.5 s in "
                     "all; it failed with worker_error.\n");
    assert_has(text, "It went to w2 because platform chose it in place of home, which failed "
                     "(timeout: too slow) (decision 8).\n");
    free(text);
}

static void why_it_waits_worker_by_worker(void **state)
{
    static const char json[] =
        "{\"job_id\":\"job-3\",\"state\":\"queued\",\"policy\":\"home\",\"model\":\"m\","
        "\"position\":3,\"predicted_start_ms\":4200,\"waited_ms\":900,"
        "\"verdicts\":{\"no_room\":1,\"offline\":1,\"wrong_model\":1},"
        "\"candidates\":[{\"worker_id\":\"w1\",\"verdict\":\"no_room\",\"why\":\"all of its "
        "slots are taken\"},{\"worker_id\":\"w5\",\"verdict\":\"offline\",\"why\":\"nothing was "
        "heard of it\"},{\"worker_id\":\"w3\",\"verdict\":\"wrong_model\",\"why\":\"it serves "
        "another model\"}],\"omitted\":0,\"decisions\":[{\"id\":9,\"policy\":\"home\","
        "\"version\":\"3\",\"decision\":{\"action\":\"wait\",\"job_id\":\"job-3\","
        "\"reason\":\"later\",\"retry_after_ms\":50}}]}";
    (void)state;

    char *text = show(json, NULL);
    assert_string_equal(
        text, "Job job-3 is waiting: position 3 of those for model m, for 900 ms so far; it should "
              "start in about 4.2 s.\n"
              "home@3 decided last: wait, again in 50 ms: later (decision 9).\n"
              "No worker of model m has room for it:\n"
              "  w1: no_room, busy (4 of 4 slots)\n"
              "  w5: offline, nothing was heard of it\n");
    free(text);
    text = show(json, "w3");
    assert_has(text, "  w3: wrong_model, it serves another model\n");
    free(text);
}

static void a_model_that_nobody_serves_gets_the_command_that_would_mend_it(void **state)
{
    (void)state;
    char *text =
        show("{\"job_id\":\"job-4\",\"state\":\"queued\",\"model\":\"m\",\"position\":1,"
             "\"predicted_start_ms\":null,\"waited_ms\":5,\"verdicts\":{\"wrong_model\":2},"
             "\"summary\":\"no worker serves it; none is being started\",\"starting\":0,"
             "\"candidates\":[],\"omitted\":0,\"decisions\":[]}",
             NULL);

    assert_has(text, "nobody can tell yet when it starts.\n");
    assert_has(text, "no worker serves it; none is being started.\n"
                     "Start one with: rbee worker spawn --model m\n");
    free(text);
}

static void what_the_queen_is_starting_need_not_be_started(void **state)
{
    (void)state;
    char *text = show("{\"job_id\":\"job-4\",\"state\":\"queued\",\"model\":\"m\",\"position\":1,"
                      "\"predicted_start_ms\":null,\"waited_ms\":5,\"verdicts\":{},\"starting\":1,"
                      "\"summary\":\"no worker serves it; 1 is being started\","
                      "\"candidates\":[],\"omitted\":0,\"decisions\":[]}",
                      NULL);

    assert_has(text, "no worker serves it; 1 is being started.\n");
    assert_has_not(text, "rbee worker spawn");
    free(text);
}

static void what_the_queen_leaves_out_is_no_crash(void **state)
{
    static const char *const answers[] = {
        "{}",
        "{\"state\":\"queued\"}",
        "{\"state\":\"ended\",\"decisions\":[{}]}",
        "{\"state\":\"ended\",\"decisions\":[{\"decision\":{\"action\":\"dispatch\"}}]}",
        "{\"state\":7,\"decisions\":{},\"candidates\":[1,null,\"x\"]}",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        char *text = show(answers[i], NULL);
        assert_true(strlen(text) > 0);
        free(text);
        free(show(answers[i], "w1"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_it_went_and_why_not_elsewhere),
        cmocka_unit_test(a_policy_that_failed_is_named_beside_the_one_that_decided),
        cmocka_unit_test(why_it_waits_worker_by_worker),
        cmocka_unit_test(a_model_that_nobody_serves_gets_the_command_that_would_mend_it),
        cmocka_unit_test(what_the_queen_is_starting_need_not_be_started),
        cmocka_unit_test(what_the_queen_leaves_out_is_no_crash),
    };

    return cmocka_run_group_tests_name("explain_view", tests, NULL, NULL);
}
