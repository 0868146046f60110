#include "sandbox/breaker.h"

#include <assert.h>
#include <string.h>

void breaker_init(struct breaker *b, const struct breaker_options *options)
{
    assert(options->strikes_max >= 1 && options->strikes_max <= BREAKER_STRIKES_MAX);
    *b = (struct breaker){ .options = *options, .wait_ms = options->retry_ms };
}

bool breaker_is_open(const struct breaker *b, uint64_t now_ms)
{
    return b->is_tripped && now_ms < b->retry_at_ms;
}

bool breaker_is_probing(const struct breaker *b, uint64_t now_ms)
{
    return b->is_tripped && now_ms >= b->retry_at_ms;
}

static void open_for(struct breaker *b, unsigned wait_ms, uint64_t now_ms)
{
    b->is_tripped = true;
    b->wait_ms = wait_ms < b->options.retry_max_ms ? wait_ms : b->options.retry_max_ms;
    b->retry_at_ms = now_ms + b->wait_ms;
}

static void remember(struct breaker *b, uint64_t now_ms)
{
    if (b->strikes_len == b->options.strikes_max) {
        b->strikes_len--;
        memmove(b->strikes_at_ms, b->strikes_at_ms + 1, b->strikes_len * sizeof(uint64_t));
    }
    b->strikes_at_ms[b->strikes_len++] = now_ms;
}

void breaker_strike(struct breaker *b, uint64_t now_ms)
{
    if (breaker_is_open(b, now_ms))
        return;
    remember(b, now_ms);
    if (b->is_tripped)
        open_for(b, b->wait_ms > UINT32_MAX / 2 ? UINT32_MAX : 2 * b->wait_ms, now_ms);
    else if (breaker_strikes(b, now_ms) == b->options.strikes_max)
        open_for(b, b->options.retry_ms, now_ms);
}

void breaker_success(struct breaker *b, uint64_t now_ms)
{
    if (!breaker_is_probing(b, now_ms))
        return;
    b->is_tripped = false;
    b->strikes_len = 0;
}

unsigned breaker_strikes(const struct breaker *b, uint64_t now_ms)
{
    unsigned count = 0;

    for (unsigned i = 0; i < b->strikes_len; i++)
        count += now_ms - b->strikes_at_ms[i] <= b->options.strikes_ms;
    return count;
}

uint64_t breaker_retry_in_ms(const struct breaker *b, uint64_t now_ms)
{
    return breaker_is_open(b, now_ms) ? b->retry_at_ms - now_ms : 0;
}
