/*
 * deadlines - jobs by deadline, the next one first: a binary heap that knows each
 * job's place, so that one which ends early leaves in O(log n). Pure.
 */
#pragma once

#include "jobs/job.h"

#include <stddef.h>

struct deadlines {
    struct job **jobs; /* borrowed; job.heap_index - 1 is its place */
    size_t len, cap;
};

void deadlines_init(struct deadlines *d);
void deadlines_deinit(struct deadlines *d); /* empty by then */

void deadlines_add(struct deadlines *d, struct job *job);    /* not in it yet */
void deadlines_remove(struct deadlines *d, struct job *job); /* idempotent */

/* The job whose deadline comes first, of equal ones the older job; NULL: none. */
struct job *deadlines_first(const struct deadlines *d);
