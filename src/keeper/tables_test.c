/* Tables: how they line up, and those of policies, templates and waiting jobs. */
#include "base/buf.h"
#include "keeper/view_test.h"

#include "keeper/policy_view.h"
#include "keeper/queue_view.h"
#include "keeper/terminal.h"

static char *print_table(const struct table *t)
{
    struct view_output o;

    table_print(t, begin_view(&o));
    return finish_view(&o);
}

static void columns_line_up_by_characters_and_lines_end_without_blanks(void **state)
{
    static const char *const headings[] = { "A", "B", "C" };
    struct table t;
    (void)state;

    table_init(&t, headings, 3);
    table_next_row(&t);
    table_cell(&t, 0, "%s", "für");
    table_cell(&t, 1, "%d", 7);
    table_next_row(&t);
    table_cell(&t, 0, "%s", "a\tb\177\033[2J");
    table_cell(&t, 2, "%s", "c");
    char *text = print_table(&t);
    assert_string_equal(text, "A         B  C\n"
                              "für       7\n"
                              "a?b??[2J     c\n");
    free(text);
    table_free(&t);
}

static void a_cell_that_is_too_long_is_cut_between_characters(void **state)
{
    static const char *const headings[] = { "A" };
    char long_text[2 * TABLE_CELL_SIZE + 2] = "x";
    struct table t;
    (void)state;

    for (size_t i = 1; i + 2 < sizeof(long_text); i += 2)
        memcpy(long_text + i, "ü", 3);
    table_init(&t, headings, 1);
    table_next_row(&t);
    table_cell(&t, 0, "%s", long_text);
    char *text = print_table(&t);
    assert_int_equal(strlen(text), strlen("A\n") + TABLE_CELL_SIZE - 1 + strlen("\n"));
    assert_has(text, "ü\n");
    free(text);
    table_free(&t);
}

static void policies_say_which_version_decides(void **state)
{
    static const char answer[] =
        "{\"policies\":[{\"name\":\"platform\",\"version\":1,\"language\":\"lua\",\"message\":\"\","
        "\"created_at\":\"1970-01-01T00:00:00.000Z\",\"bytes\":9,\"active\":false,"
        "\"builtin\":true,\"header\":{\"description\":\"Comes with it.\"}},"
        "{\"name\":\"home\",\"version\":3,\"language\":\"yaml\",\"message\":\"why\","
        "\"created_at\":\"2026-01-31T12:00:00.250Z\",\"bytes\":9,\"active\":true,"
        "\"active_version\":2,\"builtin\":false},"
        "{\"name\":\"old\",\"version\":1,\"language\":\"rhai\",\"message\":\"\","
        "\"created_at\":\"2026-01-30T12:00:00.000Z\",\"bytes\":9,\"active\":false,"
        "\"builtin\":false}]}";
    struct view_output o;
    (void)state;

    setenv("TZ", "UTC", 1);
    policy_view_print_all(str_of(answer), begin_view(&o));
    char *text = finish_view(&o);
    assert_string_equal(
        text, "NAME      VERSION  LANGUAGE  ACTIVE     WHEN                 MESSAGE\n"
              "platform  1        lua       no         built in             Comes with it.\n"
              "home      3        yaml      version 2  2026-01-31 12:00:00  why\n"
              "old       1        rhai      no         2026-01-30 12:00:00\n");
    free(text);
}

static void versions_and_templates_are_tables_too(void **state)
{
    struct view_output o;
    (void)state;

    policy_view_print_versions(
        str_of("{\"name\":\"home\",\"versions\":[{\"name\":\"home\",\"version\":2,"
               "\"language\":\"lua\",\"active\":true,\"bytes\":1,\"created_at\":\"x\"}]}"),
        begin_view(&o));
    char *text = finish_view(&o);
    assert_has(text, "home  2        lua       yes\n");
    free(text);
    policy_view_print_templates(str_of("{\"templates\":[{\"name\":\"eu.lua\",\"language\":\"lua\","
                                       "\"description\":\"Only the EU.\"}]}"),
                                begin_view(&o));
    text = finish_view(&o);
    assert_has(text, "eu.lua  lua       Only the EU.\n");
    free(text);
}

/* --- Who waits ------------------------------------------------------------------------ */

static void waiting_jobs_stand_in_the_order_of_the_queue(void **state)
{
    static const char waiting[] =
        "[{\"job_id\":\"job-2\",\"model\":\"m\",\"priority\":\"interactive\","
        "\"position\":1,\"predicted_start_ms\":4200,\"queue_ms\":1500},"
        "{\"job_id\":\"job-3\",\"model\":\"m\",\"position\":2,\"queue_ms\":20}]";
    struct view_output o;
    (void)state;

    queue_view_print(str_of(waiting), 2, begin_view(&o));
    char *text = finish_view(&o);
    assert_string_equal(text, "POSITION  WAITING JOB  MODEL  PRIORITY     STARTS IN  WAITED\n"
                              "1         job-2        m      interactive  4.2 s      1.5 s\n"
                              "2         job-3        m                   ?          20 ms\n");
    free(text);
}

static void a_long_queue_is_counted_after_its_head(void **state)
{
    struct view_output o;
    struct buf waiting;
    (void)state;

    buf_init(&waiting, 65536);
    (void)buf_putc(&waiting, '[');
    for (int i = 1; i <= 30; i++)
        (void)buf_printf(&waiting, "%s{\"job_id\":\"job-%d\",\"position\":%d}", i > 1 ? "," : "", i,
                         i);
    (void)buf_putc(&waiting, ']');
    queue_view_print(buf_str(&waiting), 40, begin_view(&o));
    char *text = finish_view(&o);
    assert_has(text, "\n20        job-20");
    assert_has_not(text, "job-21");
    assert_has(text, "\n20 more jobs\n");
    free(text);
    queue_view_print(str_of("[]"), 0, begin_view(&o));
    text = finish_view(&o);
    assert_string_equal(text, "Queue: nobody waits\n");
    free(text);
    buf_deinit(&waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_by_characters_and_lines_end_without_blanks),
        cmocka_unit_test(a_cell_that_is_too_long_is_cut_between_characters),
        cmocka_unit_test(policies_say_which_version_decides),
        cmocka_unit_test(versions_and_templates_are_tables_too),
        cmocka_unit_test(waiting_jobs_stand_in_the_order_of_the_queue),
        cmocka_unit_test(a_long_queue_is_counted_after_its_head),
    };

    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
