/* view_test - what a view printed, for its tests. Include first in a test. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a view prints to in a test; finish_view() gives the text, to be freed. */
struct view_output {
    FILE *to;
    char *text;
    size_t len;
};

static inline FILE *begin_view(struct view_output *o)
{
    o->to = open_memstream(&o->text, &o->len);
    assert_non_null(o->to);
    return o->to;
}

static inline char *finish_view(struct view_output *o)
{
    if (fclose(o->to) != 0 || !o->text)
        abort();
    return o->text;
}

/* Words that must, and must not, stand there. */
static inline void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in:\n%.*s", part, STR_ARG(str_of(text)));
}

static inline void assert_has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in:\n%.*s", part, STR_ARG(str_of(text)));
}
