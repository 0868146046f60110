/* The names that Rhai policies may use without defining them are those of the table. */
#include "policy/api_private.h"
#include "rhai/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static bool is_library(const struct api_member *m)
{
    return strcmp(m->type, "library") == 0;
}

static void rhai_knows_every_name_of_the_table(void **state)
{
    unsigned missing = 0;
    size_t len;
    const struct api_member *members = api_members(API_GLOBALS, &len);
    (void)state;

    for (size_t i = 0; i < len; i++) {
        struct str name = str_of(members[i].name);
        bool is_known = members[i].call ? name_is_known_function(name) : name_is_known_global(name);
        if (is_known || is_library(&members[i]))
            continue;
        print_error("%s\n", members[i].name);
        missing++;
    }
    assert_int_equal(missing, 0);
}

static void rhai_knows_no_name_that_the_table_does_not_have(void **state)
{
    const struct api_member *m;
    (void)state;

    for (const char *const *name = name_host_functions; *name; name++) {
        m = api_find_member(API_GLOBALS, str_of(*name));
        if (!m || !m->call)
            fail_msg("function %s", *name);
    }
    for (const char *const *name = name_host_objects; *name; name++) {
        m = api_find_member(API_GLOBALS, str_of(*name));
        if (!m || m->call || is_library(m))
            fail_msg("object %s", *name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rhai_knows_every_name_of_the_table),
        cmocka_unit_test(rhai_knows_no_name_that_the_table_does_not_have),
    };

    return cmocka_run_group_tests_name("rhai names", tests, NULL, NULL);
}
