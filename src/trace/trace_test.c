#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "trace/trace.h"

#include <stdio.h>

/* One decision with nothing special about it, for a test to change. */
struct fixture {
    struct trace *trace;
    struct decision decision;
    struct decided decided;
    struct trace_inputs inputs;
    struct buf text;
};

static void set_up(struct fixture *f, size_t records_max, size_t bytes_max)
{
    struct trace_options options;

    memset(f, 0, sizeof(*f));
    trace_options_init(&options);
    options.records_max = records_max;
    options.bytes_max = bytes_max;
    f->trace = trace_new(&options);
    f->decided = (struct decided){
        .job_id = "job-1",
        .policy = "home",
        .version = "3",
        .asked_policy = "",
    };
    f->decided.decisions = &f->decision;
    f->inputs.job_row = SNAP_NONE;
    buf_init(&f->text, 1 << 20);
}

static void tear_down(struct fixture *f)
{
    buf_deinit(&f->text);
    trace_free(f->trace);
}

static void add(struct fixture *f, const char *job_id)
{
    f->decided.number++;
    f->decided.job_id = job_id;
    trace_add(f->trace, &f->decided, &f->inputs);
}

static void dispatch_to(struct fixture *f, const char *worker_id)
{
    f->decided.decisions_len = 1;
    f->decision.action = DECIDE_DISPATCH;
    (void)str_copy(f->decision.worker_id, WORKER_ID_SIZE, str_of(worker_id));
}

static const char *written(struct fixture *f, uint64_t number)
{
    const struct trace_record *r = trace_record(f->trace, number);
    struct json_out out;

    assert_non_null(r);
    buf_clear(&f->text);
    json_out_init(&out, &f->text);
    json_begin(&out, NULL, '{');
    trace_write(&out, f->trace, r, NULL, NULL);
    json_end(&out);
    return buf_cstr(&f->text);
}

static void an_empty_trace_finds_nothing(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 10, 1 << 20);
    assert_null(trace_newest(f.trace, NULL));
    assert_null(trace_newest(f.trace, "job-1"));
    assert_null(trace_record(f.trace, 0));
    assert_null(trace_record(f.trace, 1));
    tear_down(&f);
}

static void the_oldest_records_go_first_when_there_are_too_many(void **state)
{
    struct trace_stats stats;
    struct fixture f;

    (void)state;
    set_up(&f, 3, 1 << 20);
    for (int i = 0; i < 5; i++)
        add(&f, i == 0 ? "job-old" : "job-new");
    trace_get_stats(f.trace, &stats);
    assert_int_equal(stats.records, 3);
    assert_int_equal(stats.oldest, 3);
    assert_int_equal(stats.newest, 5);
    assert_null(trace_record(f.trace, 2));
    assert_null(trace_newest(f.trace, "job-old"));
    assert_int_equal(trace_number(trace_newest(f.trace, "job-new")), 5);
    tear_down(&f);
}

static void each_of_many_jobs_is_found_as_long_as_its_record_is_there(void **state)
{
    enum { RECORDS = 50, JOBS = 1000 };
    char job_id[JOB_ID_SIZE];
    struct fixture f;

    (void)state;
    set_up(&f, RECORDS, 1 << 20);
    for (int i = 1; i <= JOBS; i++) {
        (void)snprintf(job_id, sizeof(job_id), "job-%d", i);
        add(&f, job_id);
    }
    for (int i = 1; i <= JOBS; i++) {
        (void)snprintf(job_id, sizeof(job_id), "job-%d", i);
        const struct trace_record *r = trace_newest(f.trace, job_id);
        if (i <= JOBS - RECORDS)
            assert_null(r);
        else
            assert_int_equal(trace_number(r), i);
    }
    tear_down(&f);
}

static void the_oldest_records_go_first_when_they_are_too_long(void **state)
{
    char message[DECIDED_MESSAGE_SIZE];
    struct trace_stats stats;
    struct fixture f;

    (void)state;
    set_up(&f, 1000, 8000);
    memset(message, 'x', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    (void)str_copy(f.decided.message, sizeof(f.decided.message), str_of(message));
    for (int i = 0; i < 100; i++)
        add(&f, "job-1");
    trace_get_stats(f.trace, &stats);
    assert_in_range(stats.bytes, 1000, 10000);
    assert_int_equal(stats.newest, 100);
    tear_down(&f);
}

static void the_records_of_one_job_are_found_newest_first(void **state)
{
    const struct trace_record *r;
    struct fixture f;

    (void)state;
    set_up(&f, 10, 1 << 20);
    add(&f, "job-1");
    add(&f, "job-2");
    add(&f, "job-1");
    r = trace_newest(f.trace, "job-1");
    assert_int_equal(trace_number(r), 3);
    r = trace_before(f.trace, r, true);
    assert_int_equal(trace_number(r), 1);
    assert_null(trace_before(f.trace, r, true));
    assert_int_equal(trace_number(trace_before(f.trace, trace_newest(f.trace, NULL), false)), 2);
    tear_down(&f);
}

static void what_became_of_a_job_stands_with_its_dispatch(void **state)
{
    const struct trace_outcome outcome = {
        .state = "done",
        .worker_id = "w1",
        .error_code = "",
        .tokens_out = 7,
    };
    struct fixture f;

    (void)state;
    set_up(&f, 10, 1 << 20);
    dispatch_to(&f, "w1");
    add(&f, "job-1");
    f.decided.decisions_len = 0;
    add(&f, "job-1");
    trace_job_ended(f.trace, "job-1", &outcome);
    trace_job_ended(f.trace, "job-unheard-of", &outcome);
    assert_non_null(strstr(written(&f, 1), "\"job_outcome\":{\"state\":\"done\""));
    assert_non_null(strstr(written(&f, 2), "\"job_outcome\":null"));
    tear_down(&f);
}

static void a_decision_about_the_queue_is_found_by_the_job_that_it_names(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 2, 1 << 20);
    dispatch_to(&f, "w1");
    (void)str_copy(f.decision.job_id, JOB_ID_SIZE, str_of("job-7"));
    add(&f, "");
    assert_int_equal(trace_number(trace_newest(f.trace, "job-7")), 1);
    assert_null(trace_before(f.trace, trace_newest(f.trace, "job-7"), true));
    f.decided.decisions_len = 0;
    add(&f, "");
    add(&f, "");
    assert_null(trace_newest(f.trace, "job-7"));
    tear_down(&f);
}

static void a_fallback_names_who_was_asked_and_why_it_failed(void **state)
{
    struct fixture f;
    const char *json;

    (void)state;
    set_up(&f, 10, 1 << 20);
    dispatch_to(&f, "w1");
    f.decided.policy = "platform";
    f.decided.asked_policy = "home";
    f.decided.failure = POLICY_ERROR;
    (void)str_copy(f.decided.message, sizeof(f.decided.message), str_of("home.lua:12: boom"));
    f.inputs.line = 12;
    f.inputs.log = str_of("info one\nwarn two\n");
    add(&f, "job-1");
    json = written(&f, 1);
    assert_non_null(strstr(json, "\"outcome\":\"fallback\",\"reason\":\"error\""));
    assert_non_null(strstr(json, "\"asked_policy\":\"home\""));
    assert_non_null(strstr(json, "\"line\":12"));
    assert_non_null(strstr(json, "\"log\":[\"info one\",\"warn two\"]"));
    assert_non_null(strstr(json, "\"decision\":{\"action\":\"dispatch\",\"job_id\":\"job-1\","
                                 "\"worker_id\":\"w1\"}"));
    tear_down(&f);
}

static void without_history_the_candidates_are_null_and_it_says_so(void **state)
{
    struct fixture f;

    (void)state;
    set_up(&f, 10, 1 << 20);
    add(&f, "job-1");
    assert_non_null(strstr(written(&f, 1), "\"candidates\":null,\"note\":"));
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_trace_finds_nothing),
        cmocka_unit_test(the_oldest_records_go_first_when_there_are_too_many),
        cmocka_unit_test(each_of_many_jobs_is_found_as_long_as_its_record_is_there),
        cmocka_unit_test(the_oldest_records_go_first_when_they_are_too_long),
        cmocka_unit_test(the_records_of_one_job_are_found_newest_first),
        cmocka_unit_test(what_became_of_a_job_stands_with_its_dispatch),
        cmocka_unit_test(a_decision_about_the_queue_is_found_by_the_job_that_it_names),
        cmocka_unit_test(a_fallback_names_who_was_asked_and_why_it_failed),
        cmocka_unit_test(without_history_the_candidates_are_null_and_it_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
