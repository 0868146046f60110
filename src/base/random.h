/*
 * random - two sources that must not be mixed up.
 *
 * random_*: the operating system's, for ids, tokens and default seeds; only at
 * the edge of a program, never inside the core.
 * struct rng: a seeded generator (xoshiro256**, Blackman & Vigna 2018) for
 * decisions that must come out the same when a log is run again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    UUID_SIZE = 37,   /* with the NUL */
    JOB_ID_SIZE = 41, /* "job-" and a UUID, with the NUL */
};

void random_bytes(void *out, size_t len); /* getrandom(2); aborts when that fails */
uint64_t random_u64(void);
void random_uuid4(char out[UUID_SIZE]);        /* RFC 9562, lower case; buffered, cheap */
void random_hex(char *out, size_t hex_digits); /* writes hex_digits and a NUL */

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
uint64_t rng_below(struct rng *rng, uint64_t bound); /* unbiased, bound > 0 */
