/* The built-in policy as the strategy of a core: models take turns in a house with one machine. */
#include "policy/platform.h"
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A hive with 8,000 MB for models of 5,000 MB each, "a", "b" and "c". */
enum { MODEL_MB = 5000, HIVE_MB = 8000 };

struct house {
    struct story *story;
    struct platform *platform;
    struct worker_facts worker; /* the one that is there; no id: none */
    unsigned workers_total;
};

static void open_house(struct house *h, void **state, const struct snap_option *config, size_t len)
{
    const struct live_options options = { .wall_offset_ms = 1700000000000,
                                          .config = config,
                                          .config_len = len };
    struct err err = { 0 };

    h->story = *state;
    h->platform = platform_new(h->story->core, &options, &err);
    if (!h->platform)
        fail_msg("%s", err.msg);
    core_set_strategy(h->story->core, platform_strategy(h->platform));
    h->worker.id[0] = '\0';
    h->workers_total = 0;
}

static void close_house(struct house *h)
{
    struct platform_stats stats;

    platform_get_stats(h->platform, &stats);
    assert_string_equal(stats.last_error, "");
    assert_true(stats.calls_total > 0);
    platform_free(h->platform);
}

/* The hive's report, as every second. */
static void report(struct house *h)
{
    struct listed_model listed[3] = { 0 };
    struct hive_facts hive = { .id = "hive",
                               .address = "127.0.0.1",
                               .port = 7835,
                               .status = HIVE_READY,
                               .has_capabilities = true,
                               .models = listed,
                               .models_len = 3,
                               .ram_mb = HIVE_MB };

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(listed[i].ref, sizeof(listed[i].ref), "%c", (int)('a' + i));
        listed[i].size_bytes = (uint64_t)MODEL_MB * SNAP_MB_BYTES;
    }
    hive.ram_free_mb = h->worker.id[0] ? HIVE_MB - MODEL_MB : HIVE_MB;
    story_handle(h->story,
                 (struct core_event){ .kind = CORE_HIVE_REPORT,
                                      .u.report = { .hive = &hive,
                                                    .workers = &h->worker,
                                                    .workers_len = h->worker.id[0] != '\0' } });
}

/* A worker of one slot that holds this model. */
static void is_loaded(struct house *h, const char *model)
{
    char id[16];

    (void)snprintf(id, sizeof(id), "w%u", ++h->workers_total);
    h->worker = story_worker(id, model, 1);
    h->worker.rss_mb = MODEL_MB;
    report(h);
}

static void is_gone(struct house *h)
{
    h->worker.id[0] = '\0';
    report(h);
}

static void arrive(struct house *h, const char *id, const char *model)
{
    struct job_spec spec = story_spec(id, model);

    story_arrive_spec(h->story, &spec);
}

/* Seconds go by, with a report each. */
static void live_on(struct house *h, unsigned seconds)
{
    while (seconds-- > 0) {
        story_tick(h->story, 1000);
        report(h);
    }
}

static void jobs_of_one_model_are_served_before_another_is_loaded(void **state)
{
    struct house h;

    open_house(&h, state, NULL, 0);
    report(&h);
    arrive(&h, "a1", "a");
    story_did(h.story, "start a hive; queued a1 1; ");
    arrive(&h, "b1", "b");
    arrive(&h, "a2", "a");
    story_did(h.story, "queued b1 1; queued a2 2; ");
    story_ended(h.story, CORE_START_ENDED, NULL);
    story_forget(h.story);
    is_loaded(&h, "a");
    story_did(h.story, "model a; dispatch a1 w1; ");

    live_on(&h, 40); /* past the minimum residency */
    story_finished(h.story, "a1");
    story_did(h.story, "dispatch a2 w1; "); /* before b1, which came first */
    live_on(&h, 5);
    story_did(h.story, "");
    story_finished(h.story, "a2");
    live_on(&h, 1);
    story_did(h.story, "evict w1 hive; ");
    live_on(&h, 3); /* its memory comes; nothing more is evicted */
    story_did(h.story, "");
    is_gone(&h);
    live_on(&h, 1);
    story_did(h.story, "start b hive; ");
    story_ended(h.story, CORE_START_ENDED, NULL);
    is_loaded(&h, "b");
    story_did(h.story, "model b; dispatch b1 w2; ");
    story_finished(h.story, "b1");
    close_house(&h);
}

/* Each job of a is followed by another one before it ends. */
static void a_model_that_is_never_idle_gives_way_to_one_that_is_overdue(void **state)
{
    struct house h;
    char id[16];
    unsigned job = 1;

    open_house(&h, state, NULL, 0);
    report(&h);
    arrive(&h, "x1", "a");
    is_loaded(&h, "a");
    arrive(&h, "c1", "c");
    story_forget(h.story);
    while (strstr(h.story->did, "evict") == NULL && job < 100) {
        (void)snprintf(id, sizeof(id), "x%u", job + 1);
        arrive(&h, id, "a");
        live_on(&h, 2);
        (void)snprintf(id, sizeof(id), "x%u", job);
        if (core_job(h.story->core, id)->state != JOB_QUEUED)
            story_finished(h.story, id), job++;
        else
            live_on(&h, 1);
    }
    assert_in_range(job, 28, 36); /* after a minute */
    assert_non_null(strstr(h.story->did, "evict w1 hive; "));
    story_forget(h.story);
    is_gone(&h);
    live_on(&h, 1);
    story_did(h.story, "start c hive; ");
    story_ended(h.story, CORE_START_ENDED, NULL);
    is_loaded(&h, "c");
    story_did(h.story, "model c; dispatch c1 w2; ");
    story_finished(h.story, "c1");
    live_on(&h, 35); /* c is not wanted any more */
    story_did(h.story, "evict w2 hive; ");
    close_house(&h);
}

static void a_start_that_fails_goes_to_another_hive(void **state)
{
    struct house h;

    open_house(&h, state, NULL, 0);
    story_lists(h.story, "one", "a");
    story_lists(h.story, "two", "a");
    arrive(&h, "1", "a");
    story_did(h.story, "start a one; queued 1 1; ");
    story_ended(h.story, CORE_START_ENDED, "no such file");
    story_tick(h.story, 1000);
    story_did(h.story, "start a two; ");
    close_house(&h);
}

static void settings_of_the_operator_count(void **state)
{
    static const struct snap_option no_starts[] = { { "start", "false" } };
    struct house h;

    open_house(&h, state, no_starts, 1);
    report(&h);
    arrive(&h, "a1", "a");
    live_on(&h, 5);
    story_did(h.story, "queued a1 1; ");
    close_house(&h);
}

static int teardown(void **state)
{
    return story_teardown(state);
}

#define HOUSE_TEST(f) cmocka_unit_test_setup_teardown(f, story_setup, teardown)

/* A worker of "a" that writes 256 tokens/s, so that a job takes a second. */
static void is_loaded_with_speed(struct house *h)
{
    is_loaded(h, "a");
    h->worker.has_tokens_per_s = true;
    h->worker.tokens_per_s = 256;
    report(h);
}

static void arrive_until(struct house *h, const char *id, enum job_priority priority,
                         uint64_t left_ms)
{
    struct job_spec spec = story_spec(id, "a");

    spec.priority = priority;
    spec.deadline_ms = left_ms > 0 ? h->story->now_ms + left_ms : 0;
    story_arrive_spec(h->story, &spec);
}

static void who_stands_behind_others_is_told_at_once_that_it_is_too_late(void **state)
{
    struct house h;

    open_house(&h, state, NULL, 0);
    is_loaded_with_speed(&h);
    arrive(&h, "running", "a");
    arrive(&h, "first", "a");
    arrive(&h, "second", "a");
    story_forget(h.story);
    /* Half a run, and two whole ones: 2.5 s. */
    arrive_until(&h, "late", JOB_INTERACTIVE, 2400);
    story_did(h.story, "queued late 1; "); /* its deadline puts it before them */
    arrive_until(&h, "later", JOB_BATCH, 2400);
    story_did(h.story, "fail later deadline_exceeded; ");
    arrive_until(&h, "in time", JOB_BATCH, 10000);
    story_did(h.story, "queued in time 4; ");
    close_house(&h);
}

static void batch_jobs_that_wait_make_no_interactive_one_late(void **state)
{
    struct house h;
    char id[16];

    open_house(&h, state, NULL, 0);
    is_loaded_with_speed(&h);
    arrive(&h, "running", "a");
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        arrive_until(&h, id, JOB_BATCH, 0);
    }
    story_forget(h.story);
    arrive_until(&h, "quick", JOB_INTERACTIVE, 1000);
    story_did(h.story, "queued quick 1; ");
    close_house(&h);
}

static void batch_jobs_behind_others_are_shed_too(void **state)
{
    static const struct snap_option config[] = { { "shed_factor", "1" },
                                                 { "shed_queue_per_worker", "2" } };
    struct house h;

    open_house(&h, state, config, 2);
    is_loaded_with_speed(&h);
    arrive(&h, "running", "a");
    arrive_until(&h, "1", JOB_BATCH, 0);
    arrive_until(&h, "2", JOB_BATCH, 0);
    story_forget(h.story);
    arrive_until(&h, "3", JOB_BATCH, 0);
    story_did(h.story, "fail 3 policy_rejected; ");
    assert_string_equal(h.story->last_fail.policy_code, "overloaded");
    arrive(&h, "4", "a");
    story_did(h.story, "queued 4 1; ");
    close_house(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        HOUSE_TEST(jobs_of_one_model_are_served_before_another_is_loaded),
        HOUSE_TEST(a_model_that_is_never_idle_gives_way_to_one_that_is_overdue),
        HOUSE_TEST(a_start_that_fails_goes_to_another_hive),
        HOUSE_TEST(settings_of_the_operator_count),
        HOUSE_TEST(who_stands_behind_others_is_told_at_once_that_it_is_too_late),
        HOUSE_TEST(batch_jobs_that_wait_make_no_interactive_one_late),
        HOUSE_TEST(batch_jobs_behind_others_are_shed_too),
    };

    return cmocka_run_group_tests_name("platform policy: live", tests, NULL, NULL);
}
