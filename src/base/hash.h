/*
 * hash - keyed hash for tables whose keys come from outside: the seed is this
 * process's own and random, so that a peer cannot look for keys that collide.
 *
 * XXH3 (Collet), because a request is looked up some two dozen times. Not for
 * signatures, and not stable between runs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len);
