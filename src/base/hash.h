/*
 * hash - keyed hash for tables whose keys come from outside: without this
 * process's key, which is random, a peer cannot choose keys that collide.
 *
 * SipHash-1-3 (Aumasson & Bernstein 2012, with the rounds that Rust and Python
 * took for their tables). Not for signatures, and not stable between runs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len);

/* With a key of the caller's, for test vectors. */
uint64_t hash_siphash13(const uint64_t key[2], const void *bytes, size_t len);
