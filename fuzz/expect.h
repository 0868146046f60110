/* expect - an assertion that no build leaves out: what a fuzz target promises. */
#pragma once

#include <stdbool.h>
#include <stdlib.h>

static inline void expect(bool holds)
{
    if (!holds)
        abort();
}
