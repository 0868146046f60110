#include "base/hash.h"

#include "base/random.h"

#define XXH_INLINE_ALL
#include <pthread.h>
#include <xxhash.h>

static uint64_t seed;

static void choose_seed(void)
{
    seed = random_u64();
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, choose_seed);
    return XXH3_64bits_withSeed(bytes, len, seed);
}

uint64_t hash_content(const void *bytes, size_t len, uint64_t content_seed)
{
    return XXH3_64bits_withSeed(bytes, len, content_seed);
}
