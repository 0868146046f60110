/*
 * breaker - when to stop asking a policy that keeps costing hosts, and when to try it again.
 *
 *     closed --(strikes_max strikes within strikes_ms)--> open --(retry_ms)--> probing
 *     probing --(success)--> closed      probing --(strike)--> open, for twice as long
 *
 * Pure: time comes in. Whoever asks sees to it that a probe is one question.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_STRIKES_MAX = 16 };

struct breaker_options {
    unsigned strikes_max, strikes_ms; /* strikes_max: 1 to BREAKER_STRIKES_MAX */
    unsigned retry_ms, retry_max_ms;
};

struct breaker {
    struct breaker_options options;
    uint64_t strikes_at_ms[BREAKER_STRIKES_MAX]; /* oldest first */
    unsigned strikes_len;
    bool is_tripped;      /* open or probing */
    uint64_t retry_at_ms; /* open until then */
    unsigned wait_ms;     /* how long it was, or will be, open */
};

void breaker_init(struct breaker *b, const struct breaker_options *options);
bool breaker_is_open(const struct breaker *b, uint64_t now_ms);
bool breaker_is_probing(const struct breaker *b, uint64_t now_ms);
void breaker_strike(struct breaker *b, uint64_t now_ms); /* while open: nothing */
void breaker_success(struct breaker *b, uint64_t now_ms);
unsigned breaker_strikes(const struct breaker *b, uint64_t now_ms);     /* within the window */
uint64_t breaker_retry_in_ms(const struct breaker *b, uint64_t now_ms); /* 0: not open */
