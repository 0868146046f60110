/* The knobs of the built-in policy: each stands on its page, and none can be turned too far. */
#include "base/file.h"
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
    unsigned knobs = 0, missing = 0;
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
        knobs++;
        if (strstr(buf_cstr(&page), row))
            continue;
        print_error("no row '| `%s` | `%s` |' in %s\n", name, value, path);
        missing++;
    }
    buf_deinit(&page);
    assert_int_equal(missing, 0);
    assert_true(knobs > 20);
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
        cmocka_unit_test(no_knob_can_be_turned_too_far),
    };

    folder = argc > 1 ? argv[1] : ".";
    return cmocka_run_group_tests_name("platform policy: knobs", tests, NULL, NULL);
}
