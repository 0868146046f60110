#include "release/test_store.h"

#include <unistd.h>

static void assert_same(const struct policy_version *a, const struct policy_version *b)
{
    assert_non_null(a);
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->version, b->version);
    assert_string_equal(a->hash, b->hash);
    assert_int_equal(a->bytes, b->bytes);
}

static void overwrite(const struct world *w, const char *name, const char *text)
{
    struct err err;

    assert_int_equal(file_write_atomic(test_dir_file(&w->dir, name), str_of(text), 0600, &err), 0);
}

static void names_that_could_be_paths_or_files_of_the_store_are_refused(void **state)
{
    static const struct {
        const char *name;
        bool is_valid;
    } rows[] = {
        { "home", true },       { "A-b_c.1", true },      { "10-eu", true },
        { "", false },          { ".", false },           { "..", false },
        { ".hidden", false },   { "a/b", false },         { "a b", false },
        { "na\nme", false },    { "caf\xc3\xa9", false }, { "active.json", false },
        { "../../etc", false },
    };
    char longest[SCRIPT_NAME_SIZE + 1];
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(policy_name_is_valid(str_of(rows[i].name)), rows[i].is_valid);
    memset(longest, 'n', sizeof(longest));
    assert_true(policy_name_is_valid((struct str){ longest, SCRIPT_NAME_SIZE - 1 }));
    assert_false(policy_name_is_valid((struct str){ longest, SCRIPT_NAME_SIZE }));
}

static void a_version_comes_back_as_it_went_in(void **state)
{
    struct world *w = *state;
    const struct script_header header = { "Home", "1.2.0", "for \"us\"" };
    struct policy_version v, again;
    AUTO(buf_deinit) struct buf text;
    struct err err;

    buf_init(&text, STORE_SOURCE_BYTES_MAX);
    assert_int_equal(policy_store_add(w->store, "home", SCRIPT_YAML, str_of("rules: []\r\n"),
                                      &header, "first\n\"one\"", 1234, &v, &err),
                     0);
    assert_int_equal(v.version, 1);
    reopen(w);
    assert_int_equal(policy_store_get(w->store, "home", 0, &again, &err), 0);
    assert_same(&again, &v);
    assert_int_equal(again.language, SCRIPT_YAML);
    assert_int_equal(again.created_ms, 1234);
    assert_string_equal(again.message, "first\n\"one\"");
    assert_string_equal(again.header.version, "1.2.0");
    assert_int_equal(policy_store_source(w->store, &again, &text, &err), 0);
    assert_string_equal(buf_cstr(&text), "rules: []\r\n");
}

static void equal_text_is_the_same_version(void **state)
{
    struct world *w = *state;
    struct policy_version v;

    assert_int_equal(add(w, "home", "-- a").version, 1);
    assert_int_equal(add(w, "home", "-- b").version, 2);
    assert_int_equal(add(w, "home", "-- a").version, 1);
    assert_int_equal(add(w, "other", "-- a").version, 1);
    assert_true(policy_store_find(w->store, "home", SCRIPT_LUA, str_of("-- b"), &v));
    assert_int_equal(v.version, 2);
    assert_true(policy_store_find(w->store, NULL, SCRIPT_LUA, str_of("-- b"), &v));
    assert_false(policy_store_find(w->store, "other", SCRIPT_LUA, str_of("-- b"), &v));
    assert_false(policy_store_find(w->store, "home", SCRIPT_RHAI, str_of("-- b"), &v));
}

struct seen {
    char text[256];
};

static void note(void *data, const struct policy_version *v)
{
    struct seen *seen = data;
    size_t len = strlen(seen->text);

    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s@%u ", v->name, v->version);
}

static void names_come_in_order_and_versions_newest_first(void **state)
{
    struct world *w = *state;
    struct seen names = { "" }, versions = { "" };

    add(w, "zebra", "-- 1");
    add(w, "ant", "-- 1");
    add(w, "ant", "-- 2");
    reopen(w);
    assert_int_equal(policy_store_names(w->store, note, &names), 2);
    assert_string_equal(names.text, "ant@2 zebra@1 ");
    assert_int_equal(policy_store_versions(w->store, "ant", note, &versions), 2);
    assert_string_equal(versions.text, "ant@2 ant@1 ");
    assert_int_equal(policy_store_versions(w->store, "bee", note, &versions), 0);
}

static void what_is_not_there_is_told_with_what_is(void **state)
{
    struct world *w = *state;
    struct policy_version v;
    struct err err;

    assert_int_equal(policy_store_get(w->store, "home", 0, &v, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "there is no policy 'home'; stored are: none");
    add(w, "home", "-- 1");
    add(w, "lab", "-- 1");
    assert_int_equal(policy_store_get(w->store, "hoem", 0, &v, &err), ERR_NOT_FOUND);
    assert_string_equal(err.msg, "there is no policy 'hoem'; stored are: home lab");
    assert_int_equal(policy_store_get(w->store, "home", 7, &v, &err), ERR_NOT_FOUND);
    assert_string_equal(err.param, "version");
    assert_string_equal(err.msg, "policy 'home' has no version 7; it has 1, from 1 to 1");
}

static void a_broken_version_is_passed_over_and_its_number_not_used_again(void **state)
{
    static const struct {
        const char *ending, *content;
    } rows[] = {
        { "json", "{\"hash\":" },
        { "json", "" },
        { "json", "{\"hash\":\"00\",\"language\":\"cobol\"}" },
        { "json", "{\"hash\":\"00\",\"language\":\"lua\",\"bytes\":-1}" },
        { "lua", "-- somebody else's" },
        { "lua", "" },
    };
    struct world *w = *state;
    char file[32], text[32];

    add(w, "home", "-- first");
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t version = i + 2;
        (void)snprintf(text, sizeof(text), "-- %u", version);
        assert_int_equal(add(w, "home", text).version, version);
        (void)snprintf(file, sizeof(file), "home/%u.%s", version, rows[i].ending);
        overwrite(w, file, rows[i].content);
        reopen(w);
        assert_true(has(w, "home", 1));
        assert_false(has(w, "home", version));
    }
}

static void a_missing_text_is_passed_over(void **state)
{
    struct world *w = *state;

    add(w, "home", "-- 1");
    add(w, "home", "-- 2");
    assert_int_equal(remove(test_dir_file(&w->dir, "home/1.lua")), 0);
    reopen(w);
    assert_false(has(w, "home", 1));
    assert_true(has(w, "home", 2));
}

static void a_text_that_changed_under_us_is_not_given_out(void **state)
{
    struct world *w = *state;
    struct policy_version v = add(w, "home", "-- 1");
    AUTO(buf_deinit) struct buf text;
    struct err err;

    buf_init(&text, STORE_SOURCE_BYTES_MAX);
    overwrite(w, "home/1.lua", "-- evil");
    assert_int_equal(policy_store_source(w->store, &v, &text, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "is not the text that was deployed"));
}

static void strange_files_do_no_harm(void **state)
{
    struct world *w = *state;

    add(w, "home", "-- 1");
    overwrite(w, "home/notes.txt", "mine");
    overwrite(w, "home/01.json", "{}");
    overwrite(w, "home/99999999999999999999.json", "{}");
    overwrite(w, "readme", "mine");
    assert_int_equal(mkdir(test_dir_file(&w->dir, ".git"), 0700), 0);
    assert_int_equal(mkdir(test_dir_file(&w->dir, "empty"), 0700), 0);
    reopen(w);
    struct seen names = { "" };
    assert_int_equal(policy_store_names(w->store, note, &names), 1);
    assert_string_equal(names.text, "home@1 ");
    assert_int_equal(add(w, "home", "-- 2").version, 2);
    assert_int_equal(add(w, "empty", "-- 1").version, 1);
}

static void a_write_can_happen_on_another_thread(void **state)
{
    struct world *w = *state;
    struct policy_write *write;
    struct policy_version v;
    struct err err;

    assert_int_equal(policy_store_prepare_add(w->store, "home", SCRIPT_LUA, str_of("--"),
                                              &no_header, "", 0, &write, &err),
                     0);
    assert_false(has(w, "home", 1));
    policy_write_run(write);
    assert_false(has(w, "home", 1)); /* not before it is taken note of */
    assert_int_equal(policy_store_commit(w->store, write, &v, &err), 0);
    assert_int_equal(v.version, 1);
    assert_true(has(w, "home", 1));
    write = policy_store_prepare_choice(w->store, &v);
    policy_write_run(write);
    assert_null(policy_store_active(w->store));
    assert_int_equal(policy_store_commit(w->store, write, &v, &err), 0);
    assert_same(policy_store_active(w->store), &v);
}

static void which_one_is_active_survives_a_restart(void **state)
{
    struct world *w = *state;
    struct policy_version v = add(w, "home", "-- 1");
    struct err err;

    assert_null(policy_store_active(w->store));
    assert_false(policy_store_has_choice(w->store));
    assert_int_equal(policy_store_set_active(w->store, &v, &err), 0);
    reopen(w);
    assert_same(policy_store_active(w->store), &v);
    assert_true(policy_store_has_choice(w->store));

    assert_int_equal(policy_store_set_active(w->store, NULL, &err), 0);
    reopen(w);
    assert_null(policy_store_active(w->store));
    assert_true(policy_store_has_choice(w->store));
}

static int remove_from(struct world *w, const char *name, uint32_t version, struct err *err)
{
    struct policy_version newest;
    struct policy_write *write;

    if (policy_store_prepare_removal(w->store, name, version, &write, err) < 0)
        return err->code;
    policy_write_run(write);
    return policy_store_commit(w->store, write, &newest, err);
}

static void what_is_deleted_is_gone_after_a_restart_too(void **state)
{
    struct world *w = *state;
    struct err err;

    add(w, "home", "-- 1");
    add(w, "home", "-- 2");
    add(w, "home", "-- 3");
    add(w, "lab", "-- 1");
    assert_int_equal(remove_from(w, "home", 2, &err), 0);
    assert_int_equal(add(w, "home", "-- 4").version, 4);
    for (unsigned i = 0; i < 2; i++, reopen(w)) {
        assert_false(has(w, "home", 2));
        assert_true(has(w, "home", 1) && has(w, "home", 3) && has(w, "home", 4));
    }
    assert_int_equal(remove_from(w, "home", 0, &err), 0);
    assert_int_equal(access(test_dir_file(&w->dir, "home"), F_OK), -1);
    for (unsigned i = 0; i < 2; i++, reopen(w)) {
        assert_false(has(w, "home", 0));
        assert_true(has(w, "lab", 1));
    }
    assert_int_equal(add(w, "home", "-- 5").version, 1);
}

static void the_active_version_is_not_deleted_nor_what_is_not_there(void **state)
{
    struct world *w = *state;
    struct err err;

    add(w, "home", "-- 1");
    struct policy_version v = add(w, "home", "-- 2");
    assert_int_equal(policy_store_set_active(w->store, &v, &err), 0);
    assert_int_equal(remove_from(w, "home", 2, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, "version 2 of 'home' decides now"));
    assert_int_equal(remove_from(w, "home", 0, &err), ERR_CONFLICT);
    assert_int_equal(remove_from(w, "home", 7, &err), ERR_NOT_FOUND);
    assert_int_equal(remove_from(w, "nobody", 0, &err), ERR_NOT_FOUND);
    assert_int_equal(remove_from(w, "home", 1, &err), 0);
    assert_true(has(w, "home", 2));
}

static void a_choice_that_cannot_be_read_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "{",
        "{\"name\":\"home\",\"version\":9}",
        "{\"name\":\"../home\",\"version\":1}",
        "{\"version\":-1}",
    };
    struct world *w = *state;

    add(w, "home", "-- 1");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        overwrite(w, "active.json", texts[i]);
        reopen(w);
        assert_null(policy_store_active(w->store));
        assert_false(policy_store_has_choice(w->store));
    }
}

static void a_place_that_cannot_be_written_is_an_error_and_changes_nothing(void **state)
{
    struct world *w = *state;
    struct policy_version v;
    struct err err;

    overwrite(w, "home", "a file where a folder should be");
    assert_int_equal(
        policy_store_add(w->store, "home", SCRIPT_LUA, str_of("--"), &no_header, "", 0, &v, &err),
        ERR_SYSTEM);
    assert_int_equal(policy_store_get(w->store, "home", 0, &v, &err), ERR_NOT_FOUND);
    assert_int_equal(mkdir(test_dir_file(&w->dir, "active.json"), 0700), 0);
    v = add(w, "lab", "-- 1");
    assert_int_equal(policy_store_set_active(w->store, &v, &err), ERR_SYSTEM);
    assert_null(policy_store_active(w->store));
    assert_null(policy_store_open(test_dir_file(&w->dir, "home"), &err));
    assert_int_equal(err.code, ERR_SYSTEM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_could_be_paths_or_files_of_the_store_are_refused),
        TEST(a_version_comes_back_as_it_went_in),
        TEST(equal_text_is_the_same_version),
        TEST(names_come_in_order_and_versions_newest_first),
        TEST(what_is_not_there_is_told_with_what_is),
        TEST(a_broken_version_is_passed_over_and_its_number_not_used_again),
        TEST(a_missing_text_is_passed_over),
        TEST(a_text_that_changed_under_us_is_not_given_out),
        TEST(strange_files_do_no_harm),
        TEST(a_write_can_happen_on_another_thread),
        TEST(which_one_is_active_survives_a_restart),
        TEST(what_is_deleted_is_gone_after_a_restart_too),
        TEST(the_active_version_is_not_deleted_nor_what_is_not_there),
        TEST(a_choice_that_cannot_be_read_is_none),
        TEST(a_place_that_cannot_be_written_is_an_error_and_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
