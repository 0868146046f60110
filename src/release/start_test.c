/* Who decides after a start, and what is said when it is not the one that should. */
#include "release/test_release.h"

#include <sys/stat.h>

/* --- The choice ------------------------------------------------------------------------- */

static void what_was_active_is_so_after_a_restart(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_active(x, "home", 1);
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

/* --- What cannot be found again --------------------------------------------------------- */

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

/* A file of the store, as it is found: `text` NULL for a file that is not there. */
static void harm(const struct world *x, const char *file, const char *text)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "store/%s", file);
    if (text)
        put(x, path, text);
    else
        assert_int_equal(remove(test_dir_file(&x->dir, path)), 0);
}

static void an_active_policy_that_is_lost_is_told_until_another_decides(void **state)
{
    static const struct {
        const char *name, *file, *text, *words;
    } rows[] = {
        { "a", "active.json", "{\"name\":", "active.json'" },
        { "b", "b/1.lua", NULL, "b/1.lua': No such file" },
        { "c", "c/1.lua", POLICY("evil"), "c/1.lua' is not the text that was deployed" },
        { "d", "d/1.json", NULL, "d/1.json': No such file" },
        { "e", "e/1.json", "[]", "e/1.json'" },
        { "f", "active.json", "{\"name\":\"../f\",\"version\":1}", "there is no policy '../f'" },
    };
    struct world *x = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_active(x, rows[i].name, POLICY("one"));
        harm(x, rows[i].file, rows[i].text);
        begin(x);
        assert_int_equal(x->ready.code, 0);
        assert_builtin(x);
        if (!strstr(release_last_error(x->release), rows[i].words))
            fail_msg("'%s' does not say '%s'", release_last_error(x->release), rows[i].words);
        assert_int_equal(deploy(x, "other", POLICY("other")).result.code, 0);
        assert_string_equal(release_last_error(x->release), "");
        release_free(TAKE(x->release));
    }
}

static void a_lost_policy_is_not_missed_when_the_built_in_one_is_asked_for(void **state)
{
    struct world *x = *state;

    put_active(x, "home", POLICY("one"));
    harm(x, "home/1.lua", NULL);
    x->options.begins_built_in = true;
    begin(x);
    assert_builtin(x);
    assert_string_equal(release_last_error(x->release), "");
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

/* --- Without a sandbox ------------------------------------------------------------------ */

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

#define TEST(name)     cmocka_unit_test_setup_teardown(name, setup, teardown)
#define HOSTLESS(name) cmocka_unit_test_setup_teardown(name, setup_without_host, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_active_is_so_after_a_restart),
        TEST(the_built_in_policy_can_come_back_and_stays_after_a_restart),
        TEST(a_built_in_policy_that_is_asked_for_decides_whatever_was_active),
        TEST(a_built_in_policy_that_is_asked_for_can_be_replaced_until_the_next_start),
        TEST(a_built_in_policy_whose_choice_cannot_be_kept_stops_the_start),
        TEST(an_active_policy_that_is_lost_is_told_until_another_decides),
        TEST(a_lost_policy_is_not_missed_when_the_built_in_one_is_asked_for),
        TEST(what_was_wrong_at_the_start_is_over_when_another_policy_decides),
        HOSTLESS(without_a_sandbox_the_built_in_policy_decides),
        HOSTLESS(without_a_sandbox_the_active_one_stays_so_in_name),
        HOSTLESS(without_a_sandbox_a_built_in_policy_that_is_asked_for_misses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
