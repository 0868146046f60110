/* queue_view - the jobs that wait, out of the queen's list of jobs. */
#pragma once

#include "base/json_write.h"

#include <stdio.h>

/* Add those of one page (an answer to GET /v1/jobs) to an array; how many there were. */
size_t queue_view_collect(struct str page, struct json_out *array);

/* The array of all that were collected, first to start first. `queue_depth` counts also those
 * that are in no list: requests of the OpenAI routes. */
void queue_view_print(struct str waiting, uint64_t queue_depth, FILE *to);
