#include "base/hash.h"

#include "base/random.h"

#include <pthread.h>
#include <string.h>

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

/* Little-endian: the algorithm is defined so on every machine. */
static uint64_t read_word(const unsigned char *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? x : __builtin_bswap64(x);
}

static uint64_t read_rest(const unsigned char *p, size_t len)
{
    uint64_t x = 0;

    for (size_t i = 0; i < len; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t hash_siphash13(const uint64_t key[2], const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    uint64_t v[4] = {
        key[0] ^ UINT64_C(0x736f6d6570736575), /* the algorithm's initial state: */
        key[1] ^ UINT64_C(0x646f72616e646f6d), /* "somepseudorandomlygeneratedbytes" */
        key[0] ^ UINT64_C(0x6c7967656e657261),
        key[1] ^ UINT64_C(0x7465646279746573),
    };

    size_t left = len;
    for (; left >= 8; left -= 8, p += 8)
        absorb(v, read_word(p));
    absorb(v, read_rest(p, left) | (uint64_t)len << 56);

    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t process_key[2];

static void choose_key(void)
{
    random_bytes(process_key, sizeof(process_key));
}

uint64_t hash_bytes(const void *bytes, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, choose_key);
    return hash_siphash13(process_key, bytes, len);
}
