#include "release/test_release.h"

#include <sys/stat.h>
#include <unistd.h>

static void assert_last_error(const struct world *x, const char *words)
{
    if (!strstr(release_last_error(x->release), words))
        fail_msg("'%s' does not say '%s'", release_last_error(x->release), words);
}

/* Let the loop take up what happened to files. */
static void settle(struct world *x)
{
    for (unsigned i = 0; i < 10 * x->options.debounce_ms; i++)
        test_world_run(&x->w);
}

/* --- --scheduler FILE ---------------------------------------------------------------------- */

static void the_file_is_active_from_the_start(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    put(x, "policies.d/a.lua", POLICY("a"));
    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_active(x, "home", 1);
    assert_int_equal(x->policies, 1);
}

static void the_name_in_a_file_goes_before_the_files(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", NAMED("cellar", "one"));
    x->options.file = x->file;
    begin(x);
    assert_active(x, "cellar", 1);
    put(x, "home.lua", "-- @name cel lar/../x\n" POLICY("two"));
    RUN_UNTIL(&x->w, x->policies == 2);
    assert_true(policy_name_is_valid(str_of(release_active(x->release)->name)));
}

static void a_file_that_is_broken_stops_the_start_with_its_line(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        { BROKEN, "home.lua:2: " },
        { "", "home.lua: the policy is empty" },
        { "\x1bLua", "home.lua:1:1: this is bytecode" },
        { "function schedule() error('never') end", "home.lua:1: never" },
    };
    struct world *x = *state;

    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, ERR_SYSTEM);
    assert_non_null(strstr(x->ready.msg, "No such file"));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(x, "home.lua", rows[i].text);
        begin(x);
        assert_int_equal(x->ready.code, ERR_INVALID);
        if (!strstr(x->ready.msg, rows[i].words))
            fail_msg("'%s' does not say '%s'", x->ready.msg, rows[i].words);
        assert_builtin(x);
    }
}

static void a_file_of_no_language_stops_the_start(void **state)
{
    struct world *x = *state;

    put(x, "home.txt", POLICY("one"));
    (void)snprintf(x->file, sizeof(x->file), "%s/home.txt", x->dir.path);
    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, ERR_INVALID);
    assert_non_null(strstr(x->ready.msg, "ends in .lua, .yaml, .yml or .rhai"));
}

static void a_file_that_is_too_large_stops_the_start(void **state)
{
    enum { LARGE = 300 * 1024 };
    struct world *x = *state;
    char *text = mem_alloc(LARGE + 1, 1);

    memset(text, '-', LARGE);
    put(x, "home.lua", text);
    free(text);
    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, ERR_LIMIT);
}

static void a_change_is_taken_and_a_broken_one_is_not(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    begin(x);
    put(x, "home.lua", POLICY("two"));
    RUN_UNTIL(&x->w, x->policies == 2);
    assert_active(x, "home", 2);

    put(x, "home.lua", BROKEN);
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] != '\0');
    assert_last_error(x, "home.lua:2: ");
    assert_active(x, "home", 2);

    put(x, "home.lua", POLICY("one")); /* known already */
    RUN_UNTIL(&x->w, x->policies == 3);
    assert_active(x, "home", 1);
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] == '\0');
}

static void a_file_that_vanishes_leaves_its_last_version(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    begin(x);
    assert_int_equal(remove(x->file), 0);
    settle(x);
    assert_active(x, "home", 1);
    put(x, "home.lua", POLICY("two"));
    RUN_UNTIL(&x->w, x->policies == 2);
    assert_active(x, "home", 2);
}

static void a_restart_takes_the_file_again_whatever_was_active(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    begin(x);
    deploy(x, "other", POLICY("other"));
    assert_active(x, "other", 1);
    begin(x);
    assert_active(x, "home", 1);
}

static void a_file_is_not_watched_when_nobody_wants_it(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    x->options.watches_files = false;
    begin(x);
    put(x, "home.lua", POLICY("two"));
    settle(x);
    assert_active(x, "home", 1);
}

/* --- Drop-ins -------------------------------------------------------------------------------- */

static bool is_stored(struct world *x, const char *name)
{
    struct policy_version v;
    struct err err;

    return policy_store_get(release_store(x->release), name, 0, &v, &err) == 0;
}

static void the_first_drop_in_is_active_and_the_others_are_stored(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/20-b.lua", POLICY("b"));
    put(x, "policies.d/10-a.lua", BROKEN);
    put(x, "policies.d/15-a.yaml",
        "scheduler:\n  name: eu-first\n  rules:\n"
        "    - name: all\n      condition: always\n"
        "      action: { use: platform-scheduler }\n");
    put(x, "policies.d/30-c.rhai", "fn schedule_job(job, pools, workers) { () }\n");
    put(x, "policies.d/.hidden.lua", POLICY("hidden"));
    put(x, "policies.d/notes.txt", "mine");
    begin(x);
    assert_int_equal(x->ready.code, 0);
    assert_active(x, "eu-first", 1);
    assert_int_equal(x->policies, 1);
    assert_true(is_stored(x, "20-b"));
    assert_true(is_stored(x, "30-c"));
    assert_false(is_stored(x, "10-a"));
    assert_false(is_stored(x, "hidden"));
    assert_last_error(x, "10-a.lua:2: ");
}

static void what_was_active_goes_before_drop_ins(void **state)
{
    struct world *x = *state;

    begin(x);
    deploy(x, "home", POLICY("one"));
    put(x, "policies.d/a.lua", POLICY("a"));
    begin(x);
    assert_active(x, "home", 1);
    assert_true(is_stored(x, "a"));
}

static void a_drop_in_of_the_active_name_takes_over_when_it_changes(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/a.lua", POLICY("a1"));
    put(x, "policies.d/b.lua", POLICY("b1"));
    begin(x);
    assert_active(x, "a", 1);
    put(x, "policies.d/b.lua", POLICY("b2"));
    put(x, "policies.d/a.lua", POLICY("a2"));
    RUN_UNTIL(&x->w, x->policies == 2);
    assert_active(x, "a", 2);
    settle(x);
    assert_active(x, "a", 2);

    put(x, "policies.d/a.lua", POLICY("a3")); /* while the queen is down */
    begin(x);
    assert_active(x, "a", 3);
}

static void what_an_admin_chose_is_not_undone_by_a_restart(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/a.lua", POLICY("a1"));
    begin(x);
    deploy(x, "a", POLICY("by hand"));
    assert_active(x, "a", 2);
    begin(x);
    assert_active(x, "a", 2);
}

static void the_first_policy_of_all_may_be_dropped_in_later(void **state)
{
    struct world *x = *state;

    begin(x);
    assert_builtin(x);
    put(x, "policies.d/a.lua", POLICY("a"));
    RUN_UNTIL(&x->w, x->policies == 1);
    assert_active(x, "a", 1);
    assert_int_equal(remove(test_dir_file(&x->dir, "policies.d/a.lua")), 0);
    settle(x);
    assert_active(x, "a", 1);
}

static void a_pipe_in_a_files_place_is_told_and_waited_for_by_nobody(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/a.lua", POLICY("a"));
    assert_int_equal(mkfifo(test_dir_file(&x->dir, "policies.d/b.lua"), 0600), 0);
    begin(x);
    assert_active(x, "a", 1);
    assert_last_error(x, "not a regular file");
}

static void what_was_wrong_with_a_file_goes_with_it(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    begin(x);
    put(x, "home.lua", BROKEN);
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] != '\0');
    assert_int_equal(unlink(x->file), 0);
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] == '\0');
    assert_active(x, "home", 1);
}

static void a_file_that_is_what_it_was_before_it_could_not_be_read_is_well(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", POLICY("one"));
    x->options.file = x->file;
    begin(x);
    assert_int_equal(unlink(x->file), 0);
    assert_int_equal(mkfifo(x->file, 0600), 0);
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] != '\0');
    put(x, "home.lua", POLICY("one"));
    RUN_UNTIL(&x->w, release_last_error(x->release)[0] == '\0');
}

static void two_files_may_not_share_a_name(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/a.lua", NAMED("same", "a"));
    put(x, "policies.d/b.lua", NAMED("same", "b"));
    begin(x);
    assert_active(x, "same", 1);
    assert_last_error(x, "its policy is called 'same' as that of ");
}

/* `rbee policy show platform > mine.lua` says "@name platform" in its first line. */
static void a_built_in_policys_name_is_refused_in_a_file_and_as_its_name(void **state)
{
    static const struct {
        const char *file, *text, *words;
    } rows[] = {
        { "policies.d/simple.lua", POLICY("a"), "simple.lua: 'simple' is the name of a built-in" },
        { "policies.d/mine.lua", NAMED("platform", "b"),
          "mine.lua: 'platform' is the name of a built-in" },
        { "policies.d/eu.yaml",
          "scheduler:\n  name: simple\n  rules:\n    - name: all\n      condition: always\n"
          "      action: { use: platform-scheduler }\n",
          "eu.yaml: 'simple' is the name of a built-in" },
    };
    struct world *x = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(x, rows[i].file, rows[i].text);
        begin(x);
        assert_builtin(x);
        assert_last_error(x, rows[i].words);
        assert_int_equal(remove(test_dir_file(&x->dir, rows[i].file)), 0);
    }
    put(x, "policies.d/simple.lua", NAMED("mine", "a"));
    begin(x);
    assert_active(x, "mine", 1);
}

static void the_file_may_not_be_named_as_a_built_in_policy_either(void **state)
{
    struct world *x = *state;

    put(x, "home.lua", NAMED("platform", "a"));
    x->options.file = x->file;
    begin(x);
    assert_int_equal(x->ready.code, ERR_INVALID);
    assert_non_null(strstr(x->ready.msg, "'platform' is the name of a built-in policy"));
}

static void a_file_whose_name_names_no_policy_is_told(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/my policy.lua", POLICY("a"));
    begin(x);
    assert_builtin(x);
    assert_last_error(x, "write @name into it");
    put(x, "policies.d/my policy.lua", NAMED("mine", "a"));
    RUN_UNTIL(&x->w, x->policies == 1);
    assert_active(x, "mine", 1);
}

static void windows_lines_and_a_bom_do_no_harm(void **state)
{
    struct world *x = *state;

    put(x, "policies.d/a.lua", "\xef\xbb\xbf-- @name bom\r\nfunction schedule()\r\nend\r\n");
    begin(x);
    assert_active(x, "bom", 1);
    begin(x);
    assert_active(x, "bom", 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_file_is_active_from_the_start),
        TEST(the_name_in_a_file_goes_before_the_files),
        TEST(a_file_that_is_broken_stops_the_start_with_its_line),
        TEST(a_file_of_no_language_stops_the_start),
        TEST(a_file_that_is_too_large_stops_the_start),
        TEST(a_change_is_taken_and_a_broken_one_is_not),
        TEST(a_file_that_vanishes_leaves_its_last_version),
        TEST(a_restart_takes_the_file_again_whatever_was_active),
        TEST(a_file_is_not_watched_when_nobody_wants_it),
        TEST(the_first_drop_in_is_active_and_the_others_are_stored),
        TEST(what_was_active_goes_before_drop_ins),
        TEST(a_drop_in_of_the_active_name_takes_over_when_it_changes),
        TEST(what_an_admin_chose_is_not_undone_by_a_restart),
        TEST(the_first_policy_of_all_may_be_dropped_in_later),
        TEST(a_pipe_in_a_files_place_is_told_and_waited_for_by_nobody),
        TEST(what_was_wrong_with_a_file_goes_with_it),
        TEST(a_file_that_is_what_it_was_before_it_could_not_be_read_is_well),
        TEST(two_files_may_not_share_a_name),
        TEST(a_built_in_policys_name_is_refused_in_a_file_and_as_its_name),
        TEST(the_file_may_not_be_named_as_a_built_in_policy_either),
        TEST(a_file_whose_name_names_no_policy_is_told),
        TEST(windows_lines_and_a_bom_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
