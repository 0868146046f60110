/*
 * map - string keys to pointers. Keys are copied, values are borrowed.
 *
 * Iteration is in order of insertion, so that a program with the same inputs
 * visits in the same order (the core depends on it). Hashing is seeded per
 * process: a peer cannot choose colliding keys. The only user of uthash.
 */
#pragma once

#include "base/str.h"

#include <stddef.h>

struct map_entry;

struct map {
    struct map_entry *entries;
};

void map_init(struct map *m);
void map_deinit(struct map *m); /* the values stay the caller's */

size_t map_count(const struct map *m);
void *map_get(const struct map *m, struct str key); /* NULL when absent */

/* Returns the value that was there before, or NULL. `value` is not NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_remove(struct map *m, struct str key); /* the value, or NULL when absent */

/* Visit in order of insertion; removing the current entry inside the body is
 * safe. `it` is a struct map_entry *. */
struct map_entry *map_first(const struct map *m);
struct map_entry *map_next(const struct map_entry *entry);
struct str map_key(const struct map_entry *entry);
void *map_value(const struct map_entry *entry);

#define MAP_FOREACH(it, tmp, m)                                                 \
    for ((it) = map_first(m), (tmp) = (it) ? map_next(it) : NULL; (it) != NULL; \
         (it) = (tmp), (tmp) = (it) ? map_next(it) : NULL)
