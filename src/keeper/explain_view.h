/* explain_view - why it is so with a job, in sentences made of the queen's facts. */
#pragma once

#include "base/str.h"

#include <stdio.h>

/*
 * `explanation` is the queen's answer to GET explain; `workers` the array of the operation
 * `active_worker_list`, which says how busy each is ("" when not at hand); `worker_id` limits
 * what is told of workers to one (NULL: all).
 */
void explain_view_print(struct str explanation, struct str workers, const char *worker_id,
                        FILE *to);
