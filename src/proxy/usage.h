/* usage - the tokens of one answer, as its worker counts them; 0: not said. */
#pragma once

#include <stdint.h>

struct usage {
    uint64_t tokens_in;     /* of the prompt */
    uint64_t tokens_out;    /* of the answer */
    uint64_t cached_tokens; /* of tokens_in, found in the worker's KV cache */
};
