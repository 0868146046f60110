/* What the store does not keep: too many, too much, too long. */
#include "release/test_store.h"

static void plant_file(const struct world *w, const char *name, uint32_t version,
                       const char *ending, const char *content)
{
    char file[SCRIPT_NAME_SIZE + 16];

    (void)snprintf(file, sizeof(file), "%s/%u.%s", name, version, ending);
    FILE *f = fopen(test_dir_file(&w->dir, file), "w");
    assert_non_null(f);
    assert_true(fputs(content, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* As if added, but without waiting for a disk: there are many. */
static void plant(const struct world *w, const char *name, uint32_t version)
{
    char description[160], hash[STORE_HASH_SIZE];

    crypto_sha256_hex(str_of("--"), hash);
    (void)snprintf(description, sizeof(description), "{\"hash\":\"%s\",\"language\":\"lua\"}",
                   hash);
    (void)mkdir(test_dir_file(&w->dir, name), 0700);
    plant_file(w, name, version, "lua", "--");
    plant_file(w, name, version, "json", description);
}

static void beyond_the_cap_the_oldest_goes_that_is_not_active(void **state)
{
    struct world *w = *state;
    struct policy_version first;
    struct err err;

    for (uint32_t i = 1; i <= STORE_VERSIONS_MAX; i++)
        plant(w, "home", i);
    reopen(w);
    assert_int_equal(policy_store_get(w->store, "home", 1, &first, &err), 0);
    assert_int_equal(policy_store_set_active(w->store, &first, &err), 0);
    assert_int_equal(add(w, "home", "-- one more").version, STORE_VERSIONS_MAX + 1);
    assert_true(has(w, "home", 1));
    assert_false(has(w, "home", 2));
    assert_true(has(w, "home", 3));
    assert_int_not_equal(access(test_dir_file(&w->dir, "home/2.lua"), F_OK), 0);
    reopen(w);
    assert_true(has(w, "home", 1));
    assert_false(has(w, "home", 2));
    assert_int_equal(add(w, "home", "-- more").version, STORE_VERSIONS_MAX + 2);
}

static void beyond_the_cap_of_bytes_the_oldest_of_all_versions_goes(void **state)
{
    struct world *w = *state;
    struct policy_version active;
    struct err err;
    char text[128];

    for (unsigned i = 1; i <= 9; i++) { /* 1, 4, 7 of "a"; 2, 5, 8 of "b"; 3, 6, 9 of "c" */
        (void)snprintf(text, sizeof(text), "-- %0100u", i);
        (void)add_at(w, i, i % 3 == 1 ? "a" : i % 3 == 2 ? "b" : "c", text);
    }
    assert_int_equal(policy_store_get(w->store, "a", 1, &active, &err), 0);
    assert_int_equal(policy_store_set_active(w->store, &active, &err), 0);
    reopen(w);
    w->store->bytes_max = (7 * strlen(text));
    assert_int_equal(add(w, "d", text).version, 1); /* the tenth */
    assert_true(has(w, "a", 1));                    /* it is active */
    assert_false(has(w, "b", 1));
    assert_false(has(w, "c", 1));
    assert_false(has(w, "a", 2));
    assert_true(has(w, "b", 2));
    assert_int_not_equal(access(test_dir_file(&w->dir, "b/1.lua"), F_OK), 0);

    w->store->bytes_max = 1; /* what never goes stays */
    assert_int_equal(add(w, "d", "-- more").version, 2);
    assert_true(has(w, "a", 1) && has(w, "a", 3) && has(w, "b", 3) && has(w, "c", 3));
    assert_true(has(w, "d", 2));
    assert_false(has(w, "d", 1));
}

static void names_are_capped_too(void **state)
{
    struct world *w = *state;
    struct policy_version v;
    struct err err;
    char name[32];

    for (int i = 0; i < STORE_NAMES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        plant(w, name, 1);
    }
    reopen(w);
    assert_int_equal(policy_store_add(w->store, "another", SCRIPT_LUA, str_of("--"), &no_header, "",
                                      0, &v, &err),
                     ERR_LIMIT);
    assert_int_equal(add(w, "p7", "-- 2").version, 2);
}

static void what_cannot_be_stored_is_refused_with_the_field(void **state)
{
    struct world *w = *state;
    char *large = mem_alloc(STORE_SOURCE_BYTES_MAX + 1, 1);
    struct policy_version v;
    struct err err;

    memset(large, '-', STORE_SOURCE_BYTES_MAX + 1);
    assert_int_equal(
        policy_store_add(w->store, "../x", SCRIPT_LUA, str_of("--"), &no_header, "", 0, &v, &err),
        ERR_INVALID);
    assert_string_equal(err.param, "name");
    assert_int_equal(policy_store_add(w->store, "x", SCRIPT_LUA,
                                      (struct str){ large, STORE_SOURCE_BYTES_MAX + 1 }, &no_header,
                                      "", 0, &v, &err),
                     ERR_LIMIT);
    assert_string_equal(err.param, "source");
    free(large);
}

static void too_long_a_message_is_cut_at_a_character(void **state)
{
    struct world *w = *state;
    char message[STORE_MESSAGE_SIZE + 8];
    struct policy_version v;
    struct err err;

    for (size_t i = 0; i + 2 < sizeof(message); i += 2)
        memcpy(message + i, "\xc3\xa9", 3);
    assert_int_equal(policy_store_add(w->store, "home", SCRIPT_LUA, str_of("--"), &no_header,
                                      message, 0, &v, &err),
                     0);
    assert_int_equal(strlen(v.message), STORE_MESSAGE_SIZE - 2);
    reopen(w);
    assert_true(has(w, "home", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(beyond_the_cap_the_oldest_goes_that_is_not_active),
        TEST(beyond_the_cap_of_bytes_the_oldest_of_all_versions_goes),
        TEST(names_are_capped_too),
        TEST(what_cannot_be_stored_is_refused_with_the_field),
        TEST(too_long_a_message_is_cut_at_a_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
