/* What a policy answered: as it is read, as it is checked, and what it wrote on the way. */
#include "policy/api_test_world.h"

/* --- The log -------------------------------------------------------------------------------- */

/* Runs a body of schedule_job(); the length of its log. */
static size_t log_of(struct world *w, const char *body)
{
    char lua[512];

    (void)snprintf(lua, sizeof(lua), "function schedule_job() %s end", body);
    world_load(w, lua);
    world_ask(w, 0, false);
    assert_int_equal(w->answer.failure, POLICY_OK);
    return w->answer.log_len;
}

static void a_line_that_is_too_long_is_cut_not_dropped(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    assert_int_equal(log_of(&w, "log.info(('x'):rep(100000))"), POLICY_LOG_BYTES_MAX);
    assert_true(w.answer.log_cut);
    assert_memory_equal(w.answer.log, "info xxx", 8);
    assert_memory_equal(w.answer.log + POLICY_LOG_BYTES_MAX - 2, "x\n", 2);

    (void)log_of(&w, "log.info('short') log.warn(('y'):rep(3000)) log.info('late')");
    assert_true(w.answer.log_cut);
    assert_memory_equal(w.answer.log, "info short\nwarn yyy", 19);
    assert_int_equal(w.answer.log_len, POLICY_LOG_BYTES_MAX);
    assert_false(world_logged(&w, "late"));

    assert_int_equal(log_of(&w, "log.info(('z'):rep(2042))"), POLICY_LOG_BYTES_MAX);
    assert_false(w.answer.log_cut);
    assert_int_equal(log_of(&w, "log.info(('z'):rep(2041)) log.info('')"),
                     POLICY_LOG_BYTES_MAX - 1);
    assert_true(w.answer.log_cut);
    world_close(&w);
}

static void a_cut_line_ends_in_a_whole_character(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    assert_int_equal(log_of(&w, "log.info(('\\xC3\\xA4'):rep(2000))"), POLICY_LOG_BYTES_MAX);
    assert_int_equal(log_of(&w, "log.warn('x' .. ('\\xC3\\xA4'):rep(2000))"),
                     POLICY_LOG_BYTES_MAX - 1);
    assert_memory_equal(w.answer.log + w.answer.log_len - 3, "\xC3\xA4\n", 3);
    world_close(&w);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void numbers_that_are_no_good_are_told(void **state)
{
    static const struct {
        const char *answer, *message;
    } cases[] = {
        { "wait('x', -1)", "wait: argument 2 must be a number that is not negative, not -1" },
        { "{ action = 'wait', retry_after_ms = 0/0 }",
          "'retry_after_ms' must be a number from 0 to 4294967295, not NaN" },
        { "{ action = 'wait', retry_after_ms = 1/0 }",
          "'retry_after_ms' must be a number from 0 to 4294967295, not infinity" },
        { "{ action = 'wait', retry_after_ms = 'soon' }",
          "'retry_after_ms' must be a number from 0 to 4294967295, not a string" },
        { "{ action = 'reject', code = 'x', status = 1000 }",
          "'status' must be a whole number from 0 to 999, not 1000" },
        { "{ action = 'start_worker', model_ref = 'tiny', gpu_id = -1 }",
          "'gpu_id' must be a whole number from 0 to 255, not -1" },
        { "{ action = 'start_worker', model_ref = 'tiny', gpu_id = 0.5 }",
          "'gpu_id' must be a whole number from 0 to 255, not 0.5" },
        { "{ action = 'start_worker', model_ref = 'tiny', gpu_id = '0' }",
          "'gpu_id' must be a whole number from 0 to 255, not a string" },
    };
    char lua[256];
    struct world w;
    (void)state;

    world_open(&w, world_json);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(lua, sizeof(lua), "function schedule_job() return %s end", cases[i].answer);
        world_load(&w, lua);
        world_ask(&w, 0, false);
        if (!strstr(w.answer.message, cases[i].message))
            fail_msg("%s: %s", cases[i].answer, w.answer.message);
    }
    world_close(&w);
}

/* --- Checking -------------------------------------------------------------------------------- */

/* What is wrong with the answer `start_worker = MEMBERS`; "": nothing. */
static const char *start(struct world *w, const char *members)
{
    static char message[POLICY_MESSAGE_SIZE];
    char lua[256];

    (void)snprintf(lua, sizeof(lua),
                   "function schedule_job() return { action = 'start_worker', start_worker = { %s "
                   "} } end",
                   members);
    world_load(w, lua);
    world_ask(w, 0, false);
    message[0] = '\0';
    if (w->answer.failure != POLICY_OK)
        return w->answer.message;
    (void)policy_check_answer(world_snapshot(w), 0, &w->answer.decisions, message, sizeof(message));
    return message;
}

struct start_case {
    const char *members, *message;
};

static void check_starts(const char *json, const struct start_case *cases, size_t len)
{
    struct world w;

    world_open(&w, json);
    for (size_t i = 0; i < len; i++) {
        const char *is = start(&w, cases[i].members);
        if (strcmp(is, cases[i].message) != 0)
            fail_msg("%s: '%s'", cases[i].members, is);
    }
    world_close(&w);
}

static void a_start_is_of_a_model_and_on_a_gpu_that_the_pool_lists(void **state)
{
    static const struct start_case cases[] = {
        { "model_ref = 'tiny', pool_id = 'attic', gpu_id = 1", "" },
        { "model_ref = 'big', pool_id = 'attic'", "" }, /* an alias */
        { "model_ref = 'anything', pool_id = 'cellar'", "" },
        { "model_ref = 'tiny', pool_id = 'cellar', gpu_id = 3", "" },
        { "model_ref = 'tiny', pool_id = 'attic', gpu_id = 2", "pool 'attic' has no GPU 2" },
        { "model_ref = 'unheard-of', pool_id = 'attic'",
          "pool 'attic' does not list model 'unheard-of'" },
        { "model_ref = 'tiny', pool_id = 'shed'", "pool 'shed' is offline" },
        { "model_ref = 'tiny', pool_id = 'loft'", "there is no pool 'loft'" },
        { "model_ref = 'unheard-of'", "" }, /* cellar lists none, so it may have it */
    };
    (void)state;

    check_starts(world_json, cases, sizeof(cases) / sizeof(cases[0]));
}

static void a_start_anywhere_needs_one_pool_that_can(void **state)
{
    static const struct start_case cases[] = {
        { "model_ref = 'a'", "" },
        { "model_ref = 'b', gpu_id = 1", "" },
        { "model_ref = 'a', gpu_id = 1",
          "no pool can start it: pool 'two' does not list model 'a'" },
        { "model_ref = 'c'", "no pool can start it: pool 'off' is offline" },
    };
    static const struct start_case without_pools[] = { { "model_ref = 'c', gpu_id = 1", "" } };
    (void)state;

    check_starts("{\"queue\":[{\"id\":\"j\"}],\"pools\":["
                 "{\"id\":\"one\",\"cached_models\":[\"a\"],\"gpus\":[{\"id\":0}]},"
                 "{\"id\":\"two\",\"cached_models\":[\"b\"],\"gpus\":[{\"id\":1}]}]}",
                 cases, 3);
    check_starts("{\"queue\":[{\"id\":\"j\"}],\"pools\":[{\"id\":\"off\",\"status\":\"offline\"}]}",
                 &cases[3], 1);
    check_starts("{\"queue\":[{\"id\":\"j\"}]}", without_pools, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_that_is_too_long_is_cut_not_dropped),
        cmocka_unit_test(a_cut_line_ends_in_a_whole_character),
        cmocka_unit_test(numbers_that_are_no_good_are_told),
        cmocka_unit_test(a_start_is_of_a_model_and_on_a_gpu_that_the_pool_lists),
        cmocka_unit_test(a_start_anywhere_needs_one_pool_that_can),
    };

    return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
