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

/* One word of a content, by its place: what a sum over all of them is kept up to date with as
 * words change. A word of zeros counts nothing. The finalizer of splitmix64 (Steele, Lea &
 * Flood 2014). */
static inline uint64_t hash_word(uint64_t word, uint64_t place)
{
    uint64_t z = word ^ (place + 1) * UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return word == 0 ? 0 : z ^ z >> 31;
}
