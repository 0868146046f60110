/* What runs weigh, what tenants are charged, what is remembered, when a job will start. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct worker *worker(const struct story *story, const char *id)
{
    return registry_worker(core_registry(story->core), id);
}

static void arrive(struct story *story, const char *id, const char *tenant_id, uint32_t tokens)
{
    struct job_spec spec = story_spec(id, "m");

    (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "%s", tenant_id);
    spec.prompt_tokens = tokens;
    story_arrive_spec(story, &spec);
}

static void finish(struct story *story, const char *id, uint64_t in, uint64_t out, uint64_t cached)
{
    story_handle(story, (struct core_event){ .kind = CORE_RUN_FINISHED,
                                             .u.run = { .job_id = id,
                                                        .attempt = 1,
                                                        .tokens_in = in,
                                                        .tokens_out = out,
                                                        .cached_tokens = cached } });
}

/* Input counts once and output twice (jobs/fairness.h). */
static void a_run_is_charged_as_predicted_and_settled_as_it_was(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    arrive(story, "1", "t", 100);
    assert_float_equal(core_tenant_service(story->core, "t"), 100 + 2 * 256, 1e-6);
    assert_int_equal(worker(story, "w1")->in_flight_tokens, 100 + 256);
    assert_int_equal(worker(story, "w1")->queued_prefill_tokens, 100);
    assert_int_equal(core_jobs_of_tenant(story->core, "t"), 1);
    story_started(story, "1");
    assert_int_equal(worker(story, "w1")->queued_prefill_tokens, 0);
    finish(story, "1", 120, 10, 40); /* what was cached is not charged */
    assert_float_equal(core_tenant_service(story->core, "t"), 80 + 2 * 10, 1e-6);
    assert_int_equal(worker(story, "w1")->in_flight_tokens, 0);
    assert_int_equal(core_jobs_of_tenant(story->core, "t"), 0);
    arrive(story, "2", "t", 100); /* the model has shown what it says on average */
    assert_int_equal(worker(story, "w1")->in_flight_tokens, 100 + 10);
}

static void what_came_to_nothing_is_given_back(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    arrive(story, "1", "t", 100);
    story_cancel(story, "1");
    assert_float_equal(core_tenant_service(story->core, "t"), 0, 1e-6);

    story_have(story, "w2", 1);
    arrive(story, "2", "t", 100);
    story_failed(story, "2", RUN_SILENT, ERR_TIMEOUT, "silence"); /* and goes elsewhere */
    assert_float_equal(core_tenant_service(story->core, "t"), 100 + 2 * 256, 1e-6);
    assert_int_equal(core_jobs_of_tenant(story->core, "t"), 1);
    story_run_event(story, CORE_RUN_STARTED, "2", 2);
    story_cancel(story, "2"); /* it was served by then */
    assert_float_equal(core_tenant_service(story->core, "t"), 100 + 2 * 256, 1e-6);
    story_is_at_rest(story);
}

static void no_more_output_is_predicted_than_was_asked_for(void **state)
{
    struct job_spec spec = story_spec("1", "m"), embeddings = story_spec("2", "m");
    struct story *story = *state;

    story_have(story, "w1", 2);
    spec.max_tokens = 7;
    spec.prompt_tokens = 1;
    story_arrive_spec(story, &spec);
    assert_int_equal(worker(story, "w1")->in_flight_tokens, 8);
    embeddings.type = JOB_EMBEDDINGS;
    embeddings.prompt_tokens = UINT32_MAX;
    story_arrive_spec(story, &embeddings);
    assert_int_equal(worker(story, "w1")->in_flight_tokens, 8 + (uint64_t)UINT32_MAX);
}

static void the_tenant_that_got_least_is_next(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    arrive(story, "0", "greedy", 1000);
    arrive(story, "1", "modest", 10);
    arrive(story, "2", "greedy", 1000);
    arrive(story, "3", "greedy", 1000);
    arrive(story, "4", "modest", 10);
    story_forget(story);
    story_finished(story, "0");
    story_finished(story, "1");
    story_finished(story, "2");
    story_did(story, "dispatch 1 w1; dispatch 2 w1; dispatch 4 w1; ");
}

/* --- Sessions and prompts ------------------------------------------------------------ */

static struct job session_of(const char *tenant_id, const char *session_id)
{
    struct job job = { .spec = story_spec("q", "m") };

    (void)snprintf(job.spec.tenant_id, sizeof(job.spec.tenant_id), "%s", tenant_id);
    (void)snprintf(job.spec.session_id, sizeof(job.spec.session_id), "%s", session_id);
    return job;
}

static void run_in_session(struct story *story, const char *id, const char *session_id)
{
    struct job_spec spec = story_spec(id, "m");

    (void)snprintf(spec.session_id, sizeof(spec.session_id), "%s", session_id);
    story_arrive_spec(story, &spec);
    story_finished(story, id);
}

static void the_last_worker_of_a_session_is_remembered_while_it_lives(void **state)
{
    struct job s = session_of("", "s"), other = session_of("t", "s"), none = session_of("", "");
    struct story *story = *state;

    story_have(story, "w1", 1);
    run_in_session(story, "1", "s");
    assert_ptr_equal(core_session_worker(story->core, &s), worker(story, "w1"));
    assert_null(core_session_worker(story->core, &other)); /* another tenant's */
    assert_null(core_session_worker(story->core, &none));
    story_tick(story, 10001);
    assert_null(core_session_worker(story->core, &s));
    story_have(story, "w1", 1);
    assert_non_null(core_session_worker(story->core, &s));
    story_report(story, "hive-w1", NULL, 0);
    assert_null(core_session_worker(story->core, &s));
}

static void the_session_used_longest_ago_is_forgotten_first(void **state)
{
    struct job a = session_of("", "a"), b = session_of("", "b"), c = session_of("", "c");
    struct story *story = *state;

    story->options.sessions_max = 2;
    story_restart(story);
    story_have(story, "w1", 1);
    run_in_session(story, "1", "a");
    run_in_session(story, "2", "b");
    run_in_session(story, "3", "a");
    run_in_session(story, "4", "c");
    assert_non_null(core_session_worker(story->core, &a));
    assert_null(core_session_worker(story->core, &b));
    assert_non_null(core_session_worker(story->core, &c));
}

static void a_prompt_that_was_sent_somewhere_is_cheaper_there(void **state)
{
    uint64_t hashes[4] = { 11, 12, 13, 14 };
    struct job_spec spec = story_spec("1", "m");
    struct warm_worker warm[4];
    struct story *story = *state;

    spec.prefix_hashes = hashes;
    spec.prefix_len = 4;
    spec.prompt_tokens = 256;
    story_have(story, "w1", 2);
    story_have(story, "w2", 2);
    story_arrive_spec(story, &spec);
    const struct job *job = core_job(story->core, "1");
    assert_int_equal(core_warm_workers(story->core, job, warm, 4), 1);
    assert_ptr_equal(warm[0].worker, worker(story, "w1"));
    assert_true(warm[0].cached_tokens > 0 && warm[0].cached_tokens <= 256);
    uint32_t cached = warm[0].cached_tokens;
    assert_int_equal(core_warm_workers(story->core, job, warm, 0), 0);

    (void)snprintf(spec.id, sizeof(spec.id), "2");
    story_arrive_spec(story, &spec);
    assert_int_equal(worker(story, "w1")->queued_prefill_tokens, 256 + 256 - cached);
    story_finished(story, "2");
    story_finished(story, "1");
    story_report(story, "hive-w1", NULL, 0); /* what it knew goes with it */
    (void)snprintf(spec.id, sizeof(spec.id), "3");
    story_arrive_spec(story, &spec);
    job = core_job(story->core, "3");
    assert_int_equal(core_warm_workers(story->core, job, warm, 4), 1);
    assert_ptr_equal(warm[0].worker, worker(story, "w2"));
}

/* --- When --------------------------------------------------------------------------------- */

static void a_start_is_predicted_from_what_is_ahead(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 2);
    struct story *story = *state;

    story_report(story, "h", &w, 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    assert_true(core_predicted_start_ms(story->core, "3") == UINT64_MAX); /* speed unknown */
    w.has_tokens_per_s = true;
    w.tokens_per_s = 64;
    story->now_ms += 1000;
    story_report(story, "h", &w, 1);
    story_arrive(story, "4");
    /* Two run for 4 s, 256 tokens at 64 a second: the first ends in a third of that; one more
     * is ahead of 4, for both slots. */
    assert_int_equal(core_predicted_start_ms(story->core, "3"), 4000 / 3);
    assert_int_equal(core_predicted_start_ms(story->core, "4"), 4000 / 3 + 2000);
    assert_int_equal(core_predicted_start_ms(story->core, "1"), 0);
    assert_int_equal(core_predicted_start_ms(story->core, "nobody"), 0);
}

static void answers_that_are_limited_are_predicted_no_longer(void **state)
{
    struct worker_facts w = story_worker("w1", "m", 1);
    struct story *story = *state;

    w.has_tokens_per_s = true;
    w.tokens_per_s = 64;
    story_report(story, "h", &w, 1);
    for (int i = 0; i < 6; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "%d", i);
        struct job_spec spec = story_spec(id, "m");
        spec.max_tokens = 16; /* a quarter of a second */
        story_arrive_spec(story, &spec);
    }
    assert_int_equal(core_predicted_start_ms(story->core, "1"), 125);
    assert_int_equal(core_predicted_start_ms(story->core, "5"), 125 + 4 * 250);
}

static void where_no_speed_shows_the_time_of_runs_counts(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive(story, "3");
    story->now_ms += 400;
    story_started(story, "1");
    story_handle(story,
                 (struct core_event){ .kind = CORE_RUN_FINISHED,
                                      .u.run = { .job_id = "1", .attempt = 1, .tokens_out = 1 } });
    story_arrive(story, "4");
    assert_int_equal(core_predicted_start_ms(story->core, "3"), 200);
    assert_int_equal(core_predicted_start_ms(story->core, "4"), 200 + 400);
}

static void a_pinned_job_is_predicted_by_its_worker_alone(void **state)
{
    struct worker_facts slow = story_worker("w1", "m", 1), fast = story_worker("w2", "m", 1);
    struct story *story = *state;

    slow.has_tokens_per_s = fast.has_tokens_per_s = true;
    slow.tokens_per_s = 64;
    fast.tokens_per_s = 6400;
    story_report(story, "h1", &slow, 1);
    story_report(story, "h2", &fast, 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story_arrive_pinned(story, "3", "w1", "");
    assert_int_equal(core_predicted_start_ms(story->core, "3"), 2000);
}

static void waiting_is_averaged(void **state)
{
    struct story *story = *state;

    story_have(story, "w1", 1);
    story_arrive(story, "1");
    story_arrive(story, "2");
    story->now_ms += 100;
    story_finished(story, "1");
    assert_float_equal(story_stats(story).wait_ms_mean, 50, 1e-6);
}

/* --- Bands ----------------------------------------------------------------------------------- */

static void who_is_promoted_by_age_goes_in_his_new_band(void **state)
{
    struct job_spec batch = story_spec("old", "m");
    struct story *story = *state;

    story->options.queue.promote_after_ms = 2000;
    story->options.queue.batch_share_pct = 0;
    story_restart(story);
    story_have(story, "w1", 1);
    story_arrive(story, "runs");
    batch.priority = JOB_BATCH;
    story_arrive_spec(story, &batch);
    assert_int_equal(core_next_due_ms(story->core) <= story->now_ms + 3001, 1);
    story_tick(story, 2000);
    story_arrive(story, "young");
    story_forget(story);
    story_finished(story, "runs");
    story_did(story, "dispatch old w1; ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)
        TEST(a_run_is_charged_as_predicted_and_settled_as_it_was),
        TEST(what_came_to_nothing_is_given_back),
        TEST(no_more_output_is_predicted_than_was_asked_for),
        TEST(the_tenant_that_got_least_is_next),
        TEST(the_last_worker_of_a_session_is_remembered_while_it_lives),
        TEST(the_session_used_longest_ago_is_forgotten_first),
        TEST(a_prompt_that_was_sent_somewhere_is_cheaper_there),
        TEST(a_start_is_predicted_from_what_is_ahead),
        TEST(answers_that_are_limited_are_predicted_no_longer),
        TEST(where_no_speed_shows_the_time_of_runs_counts),
        TEST(a_pinned_job_is_predicted_by_its_worker_alone),
        TEST(waiting_is_averaged),
        TEST(who_is_promoted_by_age_goes_in_his_new_band),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
