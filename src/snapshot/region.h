/*
 * region - a block of memory with a history: what it holds, what changed since when, and
 * what it held at a decision some time ago.
 *
 * All writes go through region_put(), which keeps what was there before in a bounded log.
 * Three things live off that log: a copy elsewhere is brought up to date by the ranges
 * that changed since its version (a policy host's mapping, microseconds instead of a whole
 * copy); the content at an older version is rebuilt by undoing (the recorded context of a
 * decision); and a hash of the whole content is kept up to date as it goes.
 *
 * Pure memory: the block is plain bytes without pointers, so it may be mapped elsewhere.
 * Not thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct region;

/* `size` bytes of zeros, a multiple of 8, of which only what is used costs memory; the log
 * keeps at most `log_bytes_max` of old bytes and what tells their places, in whole segments of
 * 256 KiB; 0: no log (region_sync() copies all, no older content).
 * `memory`: to stand on, zeroed and the caller's (a mapping); NULL: the region's own. */
struct region *region_new(size_t size, size_t log_bytes_max, void *memory);
void region_free(struct region *r); /* NULL is fine */

const void *region_bytes(const struct region *r);
size_t region_size(const struct region *r);

/* 0 for the zeros of the beginning, one more with each put that changes something. */
uint64_t region_version(const struct region *r);

/* Of the content alone: equal content gives equal hashes, however it came about and in every
 * run. Sum over its words of hash_word(); 0 for zeros. */
uint64_t region_hash(const struct region *r);

/* Write `len` bytes at `off`. Costs a comparison, and then what changed. */
void region_put(struct region *r, size_t off, const void *bytes, size_t len);

/* Zeros again, and no history: older content is gone, copies copy all. Makes a version. */
void region_reset(struct region *r);

/* Make `copy`, which held this region at version `since` (0: zeros), hold what it holds now.
 * Returns the version that it now has. Copies what changed; all pages that were ever put,
 * when the log does not go back so far or that is less. */
uint64_t region_sync(const struct region *r, void *copy, uint64_t since);

/* Fill `ret` (region_size() bytes of zeros) with what was there at `version`. False: the log
 * does not go back so far, and `ret` is as it was. */
bool region_at(const struct region *r, uint64_t version, void *ret);

/* The same into another region of that size, to be copied on from there: what it held is gone.
 * False: the log does not go back so far, and `ret` is as it was. */
bool region_restore(const struct region *r, uint64_t version, struct region *ret);
