#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void random_bytes(void *out, size_t len)
{
    unsigned char *p = out;

    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            perror("getrandom");
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

/* A system call costs more than an id does, so ids draw from a stock. */
static _Thread_local struct {
    unsigned char bytes[1024];
    size_t left;
} stock;

/* Parent and child must not draw the same ids. */
static void drop_stock(void)
{
    stock.left = 0;
}

static void watch_fork(void)
{
    (void)pthread_atfork(NULL, NULL, drop_stock);
}

static void draw(void *out, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    if (stock.left < len) {
        (void)pthread_once(&once, watch_fork);
        random_bytes(stock.bytes, sizeof(stock.bytes));
        stock.left = sizeof(stock.bytes);
    }
    stock.left -= len;
    memcpy(out, stock.bytes + stock.left, len);
}

uint64_t random_u64(void)
{
    uint64_t x;

    draw(&x, sizeof(x));
    return x;
}

static const char hex_digit[] = "0123456789abcdef";

void random_uuid4(char out[UUID_SIZE])
{
    unsigned char b[16];
    char *p = out;

    draw(b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* variant of RFC 9562 */
    for (size_t i = 0; i < sizeof(b); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex_digit[b[i] >> 4];
        *p++ = hex_digit[b[i] & 15];
    }
    *p = '\0';
}

/* Not from the stock: these become tokens, which should lie nowhere else. */
void random_hex(char *out, size_t hex_digits)
{
    unsigned char b[32];

    for (size_t i = 0; i < hex_digits; i++) {
        size_t at = i % (2 * sizeof(b));
        if (at == 0)
            random_bytes(b, sizeof(b));
        out[i] = hex_digit[at % 2 ? b[at / 2] & 15 : b[at / 2] >> 4];
    }
    out[hex_digits] = '\0';
    explicit_bzero(b, sizeof(b));
}

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

/* splitmix64 (Steele, Lea & Flood 2014), which xoshiro's authors name for this:
 * it never leaves the all-zero state that xoshiro could not leave. */
void rng_seed(struct rng *rng, uint64_t seed)
{
    for (size_t i = 0; i < 4; i++) {
        uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        rng->s[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next(struct rng *rng)
{
    uint64_t *s = rng->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t rng_below(struct rng *rng, uint64_t bound)
{
    assert(bound > 0);

    /* 2^64 mod bound numbers too many at the low end would come up more often. */
    uint64_t surplus = (0 - bound) % bound;
    uint64_t x;
    do {
        x = rng_next(rng);
    } while (x < surplus);
    return x % bound;
}
