#include "engine/logprob.h"

#include <math.h>

/* Softmax, shifted by the largest logit so that nothing overflows. */
struct scale {
    double largest, log_sum;
};

static struct scale scale_of(const float *logits, size_t len)
{
    double largest = -HUGE_VAL, sum = 0;

    for (size_t i = 0; i < len; i++)
        largest = (double)logits[i] > largest ? (double)logits[i] : largest;
    for (size_t i = 0; i < len; i++)
        sum += exp((double)logits[i] - largest);
    return (struct scale){ largest, log(sum) };
}

static double logprob_of(float logit, const struct scale *scale)
{
    return (double)logit - scale->largest - scale->log_sum;
}

static void insert(struct logprob_choice *top, size_t *len, size_t max, struct logprob_choice c)
{
    size_t at = *len;

    while (at > 0 && top[at - 1].logprob < c.logprob)
        at--;
    if (at == max)
        return;
    if (*len < max)
        (*len)++;
    for (size_t i = *len - 1; i > at; i--)
        top[i] = top[i - 1];
    top[at] = c;
}

double logprob_compute(const float *logits, size_t logits_len, int32_t chosen,
                       struct logprob_choice *top, size_t top_len)
{
    struct scale scale = scale_of(logits, logits_len);
    size_t found = 0;

    for (size_t i = 0; i < logits_len && top_len > 0; i++)
        insert(top, &found, top_len,
               (struct logprob_choice){ (int32_t)i, logprob_of(logits[i], &scale) });
    return logprob_of(logits[chosen], &scale);
}
