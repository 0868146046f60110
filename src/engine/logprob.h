/* logprob - how likely the model found a token, and which it would have liked better. */
#pragma once

#include "engine/engine.h"

#include <stddef.h>
#include <stdint.h>

struct logprob_choice {
    int32_t token;
    double logprob;
};

/*
 * Of the model's own distribution (softmax of the logits at temperature 1, before any
 * sampler): the chosen token's logprob, and the `top_len` likeliest into `top`,
 * likeliest first (of equals, the lower token first).
 */
double logprob_compute(const float *logits, size_t logits_len, int32_t chosen,
                       struct logprob_choice *top, size_t top_len);
