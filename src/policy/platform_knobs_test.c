/* The knobs of the built-in policy: each stands on its page, and none can be turned too far. */
#include "base/file.h"
#include "policy/knobs.h"
#include "policy/platform_desk.h"

enum { PAGE_BYTES_MAX = 1024 * 1024 };

static const char *folder; /* of docs/policies */

/* "  name = value," of the table of defaults: false for any other line. */
static bool read_knob(const char *line, char name[64], char value[64])
{
    return sscanf(line, "  %63[a-z_] = %63[^,],", name, value) == 2;
}

static void every_knob_stands_on_the_page_with_its_default(void **state)
{
    char path[4096], name[64], value[64], row[160];
    unsigned seen = 0, missing = 0;
    struct buf page;
    struct err err = { 0 };
    (void)state;

    (void)snprintf(path, sizeof(path), "%s/platform.md", folder);
    buf_init(&page, PAGE_BYTES_MAX);
    if (file_read(path, &page, &err) < 0)
        fail_msg("%s", err.msg);
    const char *line = strstr(platform_source, "local defaults = {");
    for (; strncmp(line, "}", 1) != 0; line = strchr(line, '\n') + 1) {
        if (!read_knob(line, name, value))
            continue;
        (void)snprintf(row, sizeof(row), "\n| `%s` | `%s` | ", name, value);
        seen++;
        if (strstr(buf_cstr(&page), row))
            continue;
        print_error("no row '| `%s` | `%s` |' in %s\n", name, value, path);
        missing++;
    }
    buf_deinit(&page);
    assert_int_equal(missing, 0);
    assert_true(seen > 20);
}

/* What stands in Lua is JSON, too. */
static void every_knob_is_known_with_a_default_that_it_may_have(void **state)
{
    const char *line = strstr(platform_source, "local defaults = {");
    const struct knob *knob = knobs;
    char name[64], value[64];
    struct err err;
    (void)state;

    for (; strncmp(line, "}", 1) != 0; line = strchr(line, '\n') + 1) {
        if (!read_knob(line, name, value))
            continue;
        assert_string_equal(knob->name, name);
        if (knob_check(knob, value, &err) < 0)
            fail_msg("%s: %s", name, err.msg);
        knob++;
    }
    assert_null(knob->name);
}

static void what_a_knob_may_not_be_is_told_with_what_it_may(void **state)
{
    static const struct {
        const char *name, *json, *words; /* NULL: it may */
    } rows[] = {
        { "min_residency_ms", "0", NULL },
        { "min_residency_ms", "\"abc\"", "a whole number from 0 to 31536000000, not \"abc\"" },
        { "min_residency_ms", "1.5", "a whole number" },
        { "min_residency_ms", "1e4", "a whole number" },
        { "min_residency_ms", "-1", "a whole number" },
        { "min_residency_ms", "true", "a whole number" },
        { "min_residency_ms", "99999999999999999999", "a whole number" },
        { "explore_pct", "0.5", NULL },
        { "explore_pct", "1e2", NULL },
        { "explore_pct", "101", "a number from 0 to 100, not 101" },
        { "explore_pct", "-0.1", "a number" },
        { "explore_pct", "\"\"", "a number" },
        { "evictions_max", "15", NULL },
        { "evictions_max", "16", "from 0 to 15" },
        { "start", "false", NULL },
        { "start", "0", "must be true or false, not 0" },
        { "start", "\"no\"", "true or false" },
        { "eviction", "\"lru\"", NULL },
        { "eviction", "\"LRU\"", "must be gdsf|lru|lfu|ttl, not \"LRU\"" },
        { "eviction", "\"\"", "gdsf|lru" },
        { "eviction", "\"gdsf|lru\"", "gdsf|lru" },
        { "eviction", "1", "gdsf|lru" },
        { "choice_batch", "\"\"", NULL },
        { "choice_batch", "\"cheapest\"", NULL },
    };
    struct err err;
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc = knob_check(knob_find(str_of(rows[i].name)), rows[i].json, &err);
        if ((rc == 0) != !rows[i].words || (rc < 0 && !strstr(err.msg, rows[i].words)))
            fail_msg("%s=%s: %s", rows[i].name, rows[i].json, rc < 0 ? err.msg : "fine");
    }
    assert_null(knob_find(str_of("evicition")));
}

/* One of everything that a stage looks at. */
static const char busy[] =
    "\"queue\":[{\"id\":\"j\",\"model_ref\":\"m\",\"priority\":\"batch\",\"wait_ms\":90000},"
    "{\"id\":\"k\",\"model_ref\":\"n\",\"priority\":\"batch\",\"seed\":1},"
    "{\"id\":\"l\",\"model_ref\":\"x\",\"priority\":\"batch\",\"tenant_id\":\"t\"}],"
    "\"tenants\":[{\"id\":\"t\",\"max_concurrent\":2}],"
    "\"pools\":[{\"id\":\"p\",\"ram_free_mb\":500},{\"id\":\"q\",\"ram_free_mb\":9000,"
    "\"cached_models\":[\"x\"]}],"
    "\"workers\":[{\"id\":\"v\",\"pool_id\":\"p\",\"model_ref\":\"n\",\"status\":\"ready\","
    "\"slots\":1,"
    "\"active\":1,\"residency_ms\":90000,\"rss_mb\":4000,\"kv_used_pct\":99},"
    "{\"id\":\"w\",\"pool_id\":\"p\",\"model_ref\":\"o\",\"status\":\"ready\",\"slots\":1,"
    "\"residency_ms\":90000,\"rss_mb\":4000}],"
    "\"models\":[{\"ref\":\"m\",\"vram_required_mb\":3000,\"queued\":1},"
    "{\"ref\":\"n\",\"vram_required_mb\":3000,\"queued\":90}]";

static void try_knob(const char *name, const char *value)
{
    char context[sizeof(busy) + 128];
    struct desk d;

    (void)snprintf(context, sizeof(context), "%s,\"config\":{\"%s\":%s}", busy, name, value);
    desk_open(&d, context);
    for (uint32_t job = 0; job < 3; job++)
        (void)desk_ask(&d, &(struct policy_call){ .kind = ASK_JOB, .job = job, .seed = 1 });
    (void)desk_queue(&d);
    (void)desk_look(&d);
    desk_close(&d);
}

static void no_knob_can_be_turned_too_far(void **state)
{
    static const char *const values[] = { "-1", "0", "0.5", "1e300", "\"x\"", "false" };
    char name[64], value[64];
    (void)state;

    const char *line = strstr(platform_source, "local defaults = {");
    for (; strncmp(line, "}", 1) != 0; line = strchr(line, '\n') + 1) {
        if (!read_knob(line, name, value))
            continue;
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
            try_knob(name, values[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_knob_stands_on_the_page_with_its_default),
        cmocka_unit_test(every_knob_is_known_with_a_default_that_it_may_have),
        cmocka_unit_test(what_a_knob_may_not_be_is_told_with_what_it_may),
        cmocka_unit_test(no_knob_can_be_turned_too_far),
    };

    folder = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests_name("platform policy: knobs", tests, NULL, NULL);
}
