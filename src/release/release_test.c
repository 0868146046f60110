#include "release/test_release.h"
#include "snapshot/context.h"

#include <sys/stat.h>

/* --- The admin's ------------------------------------------------------------------------ */

static void without_anything_the_built_in_policy_decides(void **state)
{
    struct world *x = *state;

    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_int_equal(x->policies, 0);
    assert_builtin(x);
    assert_string_equal(release_last_error(x->release), "");
}

static void a_good_policy_takes_over(void **state)
{
    struct world *x = *state;

    begin(x);
    struct call c = deploy(x, "home", POLICY("one"));
    assert_int_equal(c.result.code, 0);
    assert_true(c.result.is_active);
    assert_int_equal(c.result.version.version, 1);
    assert_true(c.validation.is_valid);
    assert_active(x, "home", 1);
    assert_int_equal(x->info.entry, POLICY_ENTRY_SCHEDULE);
    assert_int_equal(x->policies, 1);

    c = deploy(x, "home", POLICY("two"));
    assert_active(x, "home", 2);
    assert_int_equal(x->policies, 2);
}

static void a_bad_one_leaves_the_old_one_in_place_and_says_why(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { BROKEN, "home.lua:2: " },
        { "function schedule() return 42 end", "home.lua: an answer that cannot be" },
        { "function schedule() while true do end end", ": too slow" },
        { "", "home.lua: the policy is empty" },
    };
    struct world *x = *state;
    struct sandboxed *before;

    begin(x);
    deploy(x, "home", POLICY("one"));
    before = release_sandboxed(x->release);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct call c = deploy(x, "home", rows[i].text);
        assert_int_equal(c.result.code, ERR_INVALID);
        assert_non_null(strstr(c.result.err.msg, rows[i].words));
        assert_non_null(c.result.validation);
        assert_true(c.validation.diagnostics.errors > 0);
        assert_active(x, "home", 1);
        assert_ptr_equal(release_sandboxed(x->release), before);
        assert_int_equal(versions_of(x, "home"), 1);
    }
    assert_int_equal(x->policies, 1);
}

static void one_may_be_stored_without_being_active(void **state)
{
    struct world *x = *state;
    struct call c = { .done = 0 };

    begin(x);
    release_deploy(x->release,
                   &(struct deploy_request){
                       .name = "later", .language = SCRIPT_LUA, .source = str_of(POLICY("later")) },
                   on_done, &c);
    RUN_UNTIL(&x->w, c.done > 0);
    assert_int_equal(c.result.code, 0);
    assert_false(c.result.is_active);
    assert_int_equal(c.result.version.version, 1);
    assert_builtin(x);
    assert_int_equal(rollback(x, "later", 1).result.code, 0);
    assert_active(x, "later", 1);
}

static void an_old_version_can_come_back(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    deploy(x, "home", POLICY("two"));
    assert_int_equal(rollback(x, "home", 1).result.code, 0);
    assert_active(x, "home", 1);
    assert_int_equal(rollback(x, "home", 7).result.code, ERR_NOT_FOUND);
    assert_int_equal(rollback(x, "lab", 1).result.code, ERR_NOT_FOUND);
    assert_active(x, "home", 1);
    unsigned policies = x->policies;
    assert_int_equal(rollback(x, "home", 1).result.code, 0); /* nothing to do */
    assert_int_equal(x->policies, policies);
}

static void a_store_that_cannot_be_written_changes_nothing(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    put(x, "store/lab", "a file in the way");
    struct call c = deploy(x, "lab", POLICY("two"));
    assert_int_equal(c.result.code, ERR_SYSTEM);
    assert_active(x, "home", 1);
    assert_int_equal(remove(test_dir_file(&x->dir, "store/active.json")), 0);
    assert_int_equal(mkdir(test_dir_file(&x->dir, "store/active.json"), 0700), 0);
    c = deploy(x, "home", POLICY("two"));
    assert_int_equal(c.result.code, ERR_SYSTEM);
    assert_active(x, "home", 1);
}

static void names_are_checked_before_anything_runs(void **state)
{
    struct world *x = *state;

    begin(x);
    struct call c = deploy(x, "../etc", POLICY("one"));
    assert_int_equal(c.result.code, ERR_INVALID);
    assert_string_equal(c.result.err.param, "name");
    assert_null(c.result.validation);
}

static void note_answer(void *data, const struct sandbox_answer *answer)
{
    *(enum policy_failure *)data = answer->answer->failure;
}

static void a_policy_that_fails_too_often_is_told(void **state)
{
    struct world *x = *state;
    struct region *region = region_new(sizeof(struct snapshot), 0, NULL);
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
    struct err err;

    begin(x);
    deploy(x, "home",
           "function schedule(context)\n"
           "  while context.config.hang do end\n"
           "end");
    assert_active(x, "home", 1);
    assert_int_equal(context_read(region, str_of("{\"config\":{\"hang\":true}}"), 1, &err), 0);
    for (unsigned i = 0; i < 3; i++) {
        enum policy_failure failure = POLICY_OK;
        sandboxed_ask(release_sandboxed(x->release), region, &call, 1, note_answer, &failure);
        RUN_UNTIL(&x->w, failure != POLICY_OK);
        assert_int_equal(failure, POLICY_TIMEOUT);
    }
    RUN_UNTIL(&x->w, x->states > 0);
    assert_int_equal(x->state, POLICY_BREAKER);
    assert_int_equal(deploy(x, "home", POLICY("better")).result.code, 0);
    assert_active(x, "home", 2);
    assert_int_equal(x->state, POLICY_OK);
    region_free(region);
}

static void what_the_queen_sees_is_tried_too(void **state)
{
    struct world *x = *state;
    struct region *region = region_new(sizeof(struct snapshot), 0, NULL);
    struct err err;

    assert_int_equal(context_read(region, str_of("{\"config\":{\"hang\":true}}"), 1, &err), 0);
    x->options.live = region;
    begin(x);
    struct call c = deploy(x, "home",
                           "function schedule(context)\n"
                           "  while context.config.hang do end\n"
                           "end");
    assert_int_equal(c.result.code, ERR_INVALID);
    assert_non_null(strstr(c.result.err.msg, ": too slow"));
    release_free(TAKE(x->release));
    region_free(region);
}

/* --- Modes --------------------------------------------------------------------------------- */

static void in_platform_mode_nothing_changes(void **state)
{
    struct world *x = *state;
    struct call c = { .done = 0 };

    begin(x);
    deploy(x, "home", POLICY("one"));
    put(x, "policies.d/lab.lua", POLICY("two"));
    x->options.is_immutable = true;
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_builtin(x);
    assert_int_equal(deploy(x, "home", POLICY("three")).result.code, ERR_PLATFORM_IMMUTABLE);
    assert_int_equal(rollback(x, "home", 1).result.code, ERR_PLATFORM_IMMUTABLE);
    release_builtin(x->release, on_done, &c);
    RUN_UNTIL(&x->w, c.done > 0);
    assert_int_equal(c.result.code, ERR_PLATFORM_IMMUTABLE);
    assert_string_equal(err_name(c.result.code), "platform_scheduler_immutable");
    assert_int_equal(err_http_status(c.result.code), 403);
    assert_builtin(x);

    put(x, "home.lua", POLICY("four"));
    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, ERR_PLATFORM_IMMUTABLE);
}

static int setup_with_blame(void **state)
{
    return setup_with(state, NULL, test_cpu_plenty);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_anything_the_built_in_policy_decides),
        TEST(a_good_policy_takes_over),
        TEST(a_bad_one_leaves_the_old_one_in_place_and_says_why),
        TEST(one_may_be_stored_without_being_active),
        TEST(an_old_version_can_come_back),
        TEST(a_store_that_cannot_be_written_changes_nothing),
        TEST(names_are_checked_before_anything_runs),
        cmocka_unit_test_setup_teardown(a_policy_that_fails_too_often_is_told, setup_with_blame,
                                        teardown),
        TEST(what_the_queen_sees_is_tried_too),
        TEST(in_platform_mode_nothing_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
