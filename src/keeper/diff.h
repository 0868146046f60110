/*
 * diff - what changed between two texts, as a unified diff.
 *
 * The shortest script of Myers, "An O(ND) Difference Algorithm and Its Variations" (1986),
 * greedy form. Texts that have little in common cost too much to compare exactly: beyond
 * DIFF_EDITS_MAX changed lines everything between the common ends is told as replaced,
 * which is still a right diff.
 */
#pragma once

#include "base/buf.h"

#include <stdbool.h>

enum { DIFF_EDITS_MAX = 2000, DIFF_CONTEXT_LINES = 3 };

struct diff_side {
    const char *label; /* "home@2" */
    struct str text;
};

/* The diff, appended to `out`; false, and nothing, when the texts are the same. */
bool diff_unified(struct diff_side from, struct diff_side to, struct buf *out);
