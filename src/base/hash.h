/*
 * hash - XXH3 (Collet), because a request is looked up some two dozen times. Not for
 * signatures.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* For tables whose keys come from outside: keyed with a seed that is this process's own and
 * random, so that a peer cannot look for keys that collide. Not stable between runs. */
uint64_t hash_bytes(const void *bytes, size_t len);

/* The same in every run, for fingerprints of content. Never as the hash of a table. */
uint64_t hash_content(const void *bytes, size_t len, uint64_t seed);
