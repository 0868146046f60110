/*
 * mean - what was measured lately, in two numbers. For registry/ alone.
 *
 * Each new sample outweighs the ones before it by a little, so that a mean follows a
 * machine that got slower and one odd run does not turn it over.
 */
#pragma once

/* Mean of single values: of all until `n` reaches its `window`, then exponential. */
struct mean {
    double value;
    unsigned n; /* samples, at most the window; 0: none yet */
};

static inline void mean_add(struct mean *m, double sample, unsigned window)
{
    if (m->n < window)
        m->n++;
    m->value += (sample - m->value) / m->n;
}

/* Tokens per second: both sums decay alike, so that long runs, which measure better, weigh
 * more than short ones. */
struct rate {
    double tokens, ms;
};

static inline void rate_add(struct rate *r, double tokens, double ms)
{
    const double keep = 0.875; /* half of it is the last five runs */

    r->tokens = r->tokens * keep + tokens;
    r->ms = r->ms * keep + ms;
}

static inline double rate_per_s(const struct rate *r) /* 0: nothing measured */
{
    return r->ms > 0 ? r->tokens * 1e3 / r->ms : 0;
}
