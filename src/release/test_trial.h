/* test_trial - one validation in a world of its own, for tests. */
#pragma once

#include "base/mem.h"
#include "release/test_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct trial {
    struct test_world w;
    unsigned done;
    struct validation_result result;
};

static inline void on_done(void *data, const struct validation_result *result)
{
    struct trial *t = data;

    t->done++;
    t->result = *result;
    loop_stop(t->w.loop);
}

static inline int setup(void **state)
{
    struct trial *t = mem_alloc(1, sizeof(*t));

    test_world_open(&t->w, NULL, NULL);
    *state = t;
    return 0;
}

static inline int teardown(void **state)
{
    struct trial *t = *state;

    test_world_close(&t->w);
    free(t);
    return 0;
}

static inline struct validation *start(struct trial *t, enum script_language language,
                                       struct str source)
{
    const struct validation_options options = {
        .language = language,
        .source = source,
        .name = "home.lua",
        .on_done = on_done,
        .data = t,
    };

    t->done = 0;
    return validation_start(t->w.loop, t->w.sandbox, &options);
}

static inline const struct validation_result *
try_text(struct trial *t, enum script_language language, struct str source)
{
    (void)start(t, language, source);
    assert_int_equal(t->done, 0); /* never inside the call */
    RUN_UNTIL(&t->w, t->done > 0);
    assert_int_equal(t->done, 1);
    return &t->result;
}

static inline const struct validation_result *try_lua(struct trial *t, const char *source)
{
    return try_text(t, SCRIPT_LUA, str_of(source));
}
