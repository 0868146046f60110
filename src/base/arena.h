/*
 * arena - memory with one end: many small allocations, one release.
 *
 * For work with a clear end (one request's parsed body, one configuration
 * load). Capped: arena_alloc() returns NULL beyond `max` bytes, so sizes that
 * come from outside cannot exhaust the machine. Nothing is freed singly.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used;                /* bytes given out */
    size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_deinit(struct arena *a); /* idempotent */

/* Zeroed, aligned for any type; NULL beyond the cap. */
void *arena_alloc(struct arena *a, size_t size);

/* A NUL-terminated copy; NULL beyond the cap. */
char *arena_copy(struct arena *a, struct str s);
