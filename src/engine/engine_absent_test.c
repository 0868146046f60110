/* Linked with engine_absent.c, whatever this build has. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void a_build_without_the_engine_says_how_to_get_it(void **state)
{
    struct engine_options options = { .model_path = "m.gguf", .slots = 1, .threads = 1 };
    struct engine *engine = NULL;
    struct err err = { 0 };
    char dir[256];
    (void)state;

    assert_int_equal(engine_lib_find(NULL, dir, sizeof(dir), &err), ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "make engine"));
    assert_int_equal(engine_open(NULL, &options, &engine, &err), ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "make engine"));
    engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_build_without_the_engine_says_how_to_get_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
