/* queue_view - the jobs that wait, out of the queen's status. */
#pragma once

#include "base/str.h"

#include <stdint.h>
#include <stdio.h>

/* `waiting`: the array of the first ones, in the queue's order. `queue_depth` counts all. */
void queue_view_print(struct str waiting, uint64_t queue_depth, FILE *to);
