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

static void the_built_in_policy_can_come_back_and_stays_after_a_restart(void **state)
{
    struct world *x = *state;
    struct call c = { .done = 0 };

    put(x, "policies.d/home.lua", POLICY("one"));
    begin(x);
    assert_active(x, "home", 1);
    release_builtin(x->release, on_done, &c);
    RUN_UNTIL(&x->w, c.done > 0);
    assert_int_equal(c.result.code, 0);
    assert_builtin(x);
    begin(x);
    assert_builtin(x);
}

static void a_built_in_policy_that_is_asked_for_decides_whatever_was_active(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/home.lua", POLICY("one"));
    begin(x);
    assert_active(x, "home", 1);
    put(x, "policies.d/home.lua", POLICY("two")); /* while the queen is down */
    x->options.begins_built_in = true;
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_builtin(x);
    x->options.begins_built_in = false; /* nothing is asked for: the choice stands */
    begin(x);
    assert_builtin(x);
}

static void a_built_in_policy_that_is_asked_for_can_be_replaced_until_the_next_start(void **state)
{
    struct world *x = *state;

    x->options.begins_built_in = true;
    begin(x);
    assert_int_equal(deploy(x, "home", POLICY("one")).result.code, 0);
    assert_active(x, "home", 1);
    begin(x);
    assert_builtin(x);
}

static void a_built_in_policy_whose_choice_cannot_be_kept_stops_the_start(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    assert_int_equal(remove(test_dir_file(&x->dir, "store/active.json")), 0);
    assert_int_equal(mkdir(test_dir_file(&x->dir, "store/active.json"), 0700), 0);
    x->options.begins_built_in = true;
    begin(x);
    assert_int_equal(x->ready.code, ERR_SYSTEM);
    assert_builtin(x);
}

static void what_was_active_is_so_after_a_restart(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_active(x, "home", 1);
}

static void an_active_version_that_is_broken_after_a_restart_is_told(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    release_free(TAKE(x->release));
    put(x, "store/home/1.lua", POLICY("evil"));
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_builtin(x);
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

/* --- Modes and machines ------------------------------------------------------------------- */

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

static void without_a_sandbox_the_built_in_policy_decides(void **state)
{
    struct world *x = *state;

    begin(x);
    assert_int_equal(x->states, 0); /* nobody wants a policy */
    struct call c = deploy(x, "home", POLICY("one"));
    assert_int_equal(c.result.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(c.result.err.msg, "user policies cannot run here: "));

    put(x, "policies.d/lab.lua", POLICY("two"));
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_int_equal(x->states, 1);
    assert_int_equal(x->state, POLICY_SANDBOX_UNAVAILABLE);
    assert_non_null(strstr(release_last_error(x->release), "cannot run here"));
}

/* As if it had been deployed, by a queen that took it. */
static void put_active(const struct world *x, const char *name, const char *text)
{
    struct policy_store *store;
    struct policy_version v;
    struct script_header header = { 0 };
    struct err err;

    store = policy_store_open(x->store, &err);
    assert_non_null(store);
    (void)str_copy(header.name, sizeof(header.name), str_of(name));
    assert_int_equal(
        policy_store_add(store, name, SCRIPT_LUA, str_of(text), &header, "", 1, &v, &err), 0);
    assert_int_equal(policy_store_set_active(store, &v, &err), 0);
    policy_store_close(store);
}

static void what_was_wrong_at_the_start_is_over_when_another_policy_decides(void **state)
{
    struct world *x = *state;

    put_active(x, "home", BROKEN);
    begin(x);
    assert_builtin(x);
    assert_non_null(strstr(release_last_error(x->release), "home.lua:2: "));
    assert_int_equal(deploy(x, "home", POLICY("good")).result.code, 0);
    assert_string_equal(release_last_error(x->release), "");
}

static void without_a_sandbox_the_active_one_stays_so_in_name(void **state)
{
    struct world *x = *state;

    put_active(x, "home", POLICY("one"));
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_string_equal(x->active.name, "home");
    assert_string_equal(x->info.header.name, "home");
    assert_int_equal(x->state, POLICY_SANDBOX_UNAVAILABLE);
    assert_null(release_sandboxed(x->release));
    assert_non_null(release_active(x->release));
}

static void without_a_sandbox_a_built_in_policy_that_is_asked_for_misses_nothing(void **state)
{
    struct world *x = *state;

    put_active(x, "home", POLICY("one"));
    x->options.begins_built_in = true;
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_builtin(x);
    assert_int_equal(x->states, 0);
    assert_string_equal(release_last_error(x->release), "");
}

static int setup_without_host(void **state)
{
    return setup_with(state, "/nonexistent/rbee-policy-host", NULL);
}

static int setup_with_blame(void **state)
{
    return setup_with(state, NULL, test_cpu_plenty);
}

#define TEST(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)
#define HOSTLESS(name) cmocka_unit_test_setup_teardown(name, setup_without_host, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_anything_the_built_in_policy_decides),
        TEST(a_good_policy_takes_over),
        TEST(a_bad_one_leaves_the_old_one_in_place_and_says_why),
        TEST(one_may_be_stored_without_being_active),
        TEST(an_old_version_can_come_back),
        TEST(the_built_in_policy_can_come_back_and_stays_after_a_restart),
        TEST(a_built_in_policy_that_is_asked_for_decides_whatever_was_active),
        TEST(a_built_in_policy_that_is_asked_for_can_be_replaced_until_the_next_start),
        TEST(a_built_in_policy_whose_choice_cannot_be_kept_stops_the_start),
        TEST(what_was_active_is_so_after_a_restart),
        TEST(an_active_version_that_is_broken_after_a_restart_is_told),
        TEST(what_was_wrong_at_the_start_is_over_when_another_policy_decides),
        TEST(a_store_that_cannot_be_written_changes_nothing),
        TEST(names_are_checked_before_anything_runs),
        cmocka_unit_test_setup_teardown(a_policy_that_fails_too_often_is_told, setup_with_blame,
                                        teardown),
        TEST(what_the_queen_sees_is_tried_too),
        TEST(in_platform_mode_nothing_changes),
        HOSTLESS(without_a_sandbox_the_built_in_policy_decides),
        HOSTLESS(without_a_sandbox_the_active_one_stays_so_in_name),
        HOSTLESS(without_a_sandbox_a_built_in_policy_that_is_asked_for_misses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
