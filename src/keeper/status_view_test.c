/* What `rbee status` shows of the queen's answer. */
#include "keeper/status_view.h"

#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

/* The text printed for `result`, to be freed; the code in *rc. */
static char *show(const char *result, const char *part, int *rc)
{
    char *text = NULL;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    struct err err;

    assert_non_null(to);
    *rc = part ? status_view_print_part(str_of(result), part, to, &err)
               : status_view_print(str_of(result), to, &err);
    (void)fclose(to);
    return text;
}

static void columns_line_up_and_unknown_members_are_left_out(void **state)
{
    static const char result[] =
        "{\"workers\":[{\"worker_id\":\"w1\",\"model\":\"a-long-name\",\"state\":\"ready\","
        "\"liveness\":\"online\",\"in_flight\":2,\"slots\":4,\"cpu_pct\":12.5,\"rss_mb\":24,"
        "\"hive_id\":null,\"token\":\"secret\"},"
        "{\"worker_id\":\"worker-2\",\"model\":null,\"state\":\"failed\"}]}";
    int rc;
    (void)state;

    char *text = show(result, "workers", &rc);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(text, "WORKER    MODEL        STATE   LIVENESS  BUSY"));
    assert_non_null(strstr(text, "w1        a-long-name  ready   online    2"));
    assert_non_null(strstr(text, "worker-2               failed"));
    assert_null(strstr(text, "secret"));
    free(text);
}

static void nothing_there_is_said_in_words(void **state)
{
    int rc;
    (void)state;

    char *text = show("{\"hives\":[],\"workers\":[],\"models\":[]}", NULL, &rc);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(text, "Hives: none"));
    assert_non_null(strstr(text, "Workers: none"));
    assert_non_null(strstr(text, "Models: none"));
    free(text);
}

static void a_policy_that_is_not_asked_is_named_beside_the_one_that_decides(void **state)
{
    int rc;
    (void)state;

    char *text =
        show("{\"queen\":{\"version\":\"1.0\",\"mode\":\"home\",\"scheduler\":\"platform\","
             "\"policy\":\"sj\",\"policy_state\":\"breaker\",\"uptime_s\":7}}",
             NULL, &rc);
    assert_int_equal(rc, 0);
    assert_string_equal(text, "Queen 1.0, home mode, policy sj (not asked now: breaker; platform "
                              "decides meanwhile): 0 running, 0 waiting\n\n");
    free(text);
    text = show("{\"queen\":{\"scheduler\":\"sj\",\"policy\":\"sj\",\"policy_state\":\"ok\"}}",
                NULL, &rc);
    assert_non_null(strstr(text, "policy sj: 0 running"));
    free(text);
    text = show("{\"queen\":{\"scheduler\":\"platform\",\"running\":3}}", NULL, &rc);
    assert_non_null(strstr(text, "policy platform: 3 running"));
    free(text);
}

static void control_characters_of_others_do_not_reach_the_terminal(void **state)
{
    int rc;
    (void)state;

    char *text =
        show("{\"models\":[{\"id\":\"\\u001b[31mred\",\"workers_ready\":1}]}", "models", &rc);
    assert_int_equal(rc, 0);
    assert_null(strchr(text, '\033'));
    assert_non_null(strstr(text, "?[31mred"));
    free(text);
}

static void an_answer_that_is_none_is_an_error(void **state)
{
    int rc;
    (void)state;

    free(show("{\"workers\":7}", NULL, &rc));
    assert_int_equal(rc, ERR_INVALID);
    free(show("{\"workers\":[", NULL, &rc));
    assert_int_equal(rc, ERR_JSON);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up_and_unknown_members_are_left_out),
        cmocka_unit_test(nothing_there_is_said_in_words),
        cmocka_unit_test(a_policy_that_is_not_asked_is_named_beside_the_one_that_decides),
        cmocka_unit_test(control_characters_of_others_do_not_reach_the_terminal),
        cmocka_unit_test(an_answer_that_is_none_is_an_error),
    };

    return cmocka_run_group_tests_name("status_view", tests, NULL, NULL);
}
