/* Several questions that are out at once: which, how many, and in what order answers count. */
#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
    struct story *story;

    (void)story_setup(state);
    story = *state;
    story_have(story, "w1", 1);
    story_have(story, "w2", 1);
    story_forget(story);
    return 0;
}

static unsigned count_asks(struct story *story)
{
    unsigned count = 0;

    for (const char *at = story->did; (at = strstr(at, "ask ")); at++)
        count++;
    story_forget(story);
    return count;
}

static void arrive_many(struct story *story, int from, int to)
{
    char id[16];

    for (int i = from; i < to; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        story_arrive(story, id);
    }
}

static void answers_count_in_the_order_of_asking(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    arrive_many(story, 1, 4);
    story_did(story, "ask job 1; ask job 2; ask job 3; ");
    story->answered = 1; /* the second one first: nobody may say that */
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "");
    story->answered = 0;
    story_answer_one(story, story_dispatch("", "w1"));
    story_answer_one(story, story_dispatch("", "w1")); /* it has no room any more */
    story_answer(story, NULL, 0);
    story_did(story, "dispatch 1 w1; dispatch 2 w2; queued 3 1; ");
    assert_int_equal(story_stats(story).fallbacks_total[POLICY_INVALID], 1);
}

static void so_many_are_out_and_no_more(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    arrive_many(story, 0, ASKS_OUT_MAX + 8);
    assert_int_equal(count_asks(story), ASKS_OUT_MAX);
    story_answer(story, NULL, 0);
    story_did(story, "queued 0 1; ask job 32; ");
}

static void what_is_out_is_known_by_its_number_until_its_job_is_gone(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_OUTCOME, false);
    arrive_many(story, 1, 4);
    assert_ptr_equal(core_asked_job(story->core, 2), core_job(story->core, "2"));
    assert_null(core_asked_job(story->core, 0));
    assert_null(core_asked_job(story->core, 4));
    story_cancel(story, "2");
    assert_null(core_asked_job(story->core, 2));
    assert_int_equal(core_asked_job(story->core, 4)->state, JOB_CANCELLED); /* its outcome */
    story_forget(story);
    story_answer_one(story, story_dispatch("", "w1"));
    story_answer_one(story, story_dispatch("", "w2")); /* about one that is gone */
    story_answer_one(story, story_dispatch("", "w2"));
    story_did(story, "dispatch 1 w1; dispatch 3 w2; ");
    assert_int_equal(story->decided.count, 2);
    assert_null(core_asked_job(story->core, 3));
}

static void the_whole_queue_is_asked_about_alone(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_SCHEDULE, POLICY_HOOK_ADMIT, false);
    arrive_many(story, 1, 4);
    story_did(story, "ask admit 1; ask admit 2; ask admit 3; ");
    story_answer_yes(story, true, 0);
    arrive_many(story, 4, 5); /* once there is something to schedule, others come after it */
    story_did(story, "");
    story_answer_yes(story, true, 0);
    story_did(story, "");
    story_answer_yes(story, true, 0);
    story_did(story, "ask schedule; ");
    arrive_many(story, 5, 6);
    story_did(story, "");
    story_answer(story, NULL, 0);
    story_did(story, "queued 1 1; queued 2 2; queued 3 3; ask admit 4; ");
}

static void a_turn_has_no_more_questions_out_than_there_is_room(void **state)
{
    struct story *story = *state;

    story_restart(story);
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_have(story, "w3", 1);
    arrive_many(story, 1, 7);
    story_answer_one(story, story_dispatch("", "w3"));
    for (int i = 0; i < 5; i++)
        story_answer(story, NULL, 0);
    story_forget(story);
    story_have(story, "w3", 3);
    story_did(story, "ask job 2; ask job 3; ");
    story_answer_one(story, story_dispatch("", "w3"));
    story_did(story, "dispatch 2 w3; ");
    story_answer(story, NULL, 0); /* it will not go: the next one may */
    story_did(story, "ask job 4; ");
    story_answer_one(story, story_dispatch("", "w3"));
    story_did(story, "dispatch 4 w3; ");
}

static void whose_turn_it_is_is_not_passed_over_while_he_is_asked_about(void **state)
{
    struct story *story = *state;

    story_arrive(story, "1");
    story_arrive(story, "2");
    story_policy(story, POLICY_ENTRY_JOB, 0, false);
    story_arrive(story, "3");
    story_forget(story);
    story_finished(story, "1"); /* after he was asked about */
    story_did(story, "");
    story_answer(story, NULL, 0);
    story_did(story, "queued 3 1; ask job 3; ");
    story_answer_one(story, story_dispatch("", "w1"));
    story_did(story, "dispatch 3 w1; ");
}

static void all_that_are_out_are_forgotten_with_their_policy(void **state)
{
    struct story *story = *state;

    story_policy(story, POLICY_ENTRY_JOB, POLICY_HOOK_ADMIT, false);
    arrive_many(story, 1, 4);
    story_answer_yes(story, true, 0);
    story_forget(story);
    story_handle(story, (struct core_event){ .kind = CORE_POLICY });
    story_did(story, "queued 2 2; queued 3 3; dispatch 1 w1; dispatch 2 w2; ");
    assert_null(core_asked_job(story->core, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, story_teardown)
        TEST(answers_count_in_the_order_of_asking),
        TEST(so_many_are_out_and_no_more),
        TEST(what_is_out_is_known_by_its_number_until_its_job_is_gone),
        TEST(the_whole_queue_is_asked_about_alone),
        TEST(a_turn_has_no_more_questions_out_than_there_is_room),
        TEST(whose_turn_it_is_is_not_passed_over_while_he_is_asked_about),
        TEST(all_that_are_out_are_forgotten_with_their_policy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
