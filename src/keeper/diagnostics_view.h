/* diagnostics_view - what is wrong with a policy, told the way compilers do. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

struct diagnostics_view {
    const char *file;  /* as the user named it */
    struct str source; /* "": no lines are shown */
    bool color;
    FILE *to;
};

/*
 * "home.lua:12:5: error: ..." for each of `diagnostics`, the queen's array of them, with the
 * line and a mark under the place. Returns how many errors there were among them.
 */
unsigned diagnostics_view_print(const struct diagnostics_view *v, struct str diagnostics);
