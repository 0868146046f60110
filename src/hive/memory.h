/* memory - how much of it this machine has, and how much is left for a new worker. */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* From the text of /proc/meminfo. Free is what can be had without swapping, the page cache
 * included. False, with nothing set, for anything else. */
bool memory_parse(struct str meminfo, uint64_t *ret_mb, uint64_t *ret_free_mb);

/* Of this machine, now; 0 and 0 when the kernel does not say. */
void memory_look(uint64_t *ret_mb, uint64_t *ret_free_mb);
