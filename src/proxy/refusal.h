/*
 * refusal - what a worker says in the body of an error answer, whatever engine wrote
 * it: OpenAI's `{"error":{...}}`, `{"error":"text"}`, `{"message"}`, `{"detail"}`, or
 * plain text. Pure; fuzzed.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>

enum { REFUSAL_BODY_BYTES_MAX = 16 * 1024 }; /* more of a body is not read */

struct refusal {
    bool is_openai;    /* the body is JSON with error.message: clients understand it */
    bool is_too_long;  /* by its code or type: the prompt and the context do not fit */
    char message[200]; /* one line; "" when there is none */
};

void refusal_read(struct str body, struct refusal *ret);

/*
 * Is a 4xx the client's own fault, hence the final answer? Not when it is about what
 * goes on between queen and worker: keys, proxies, load.
 */
bool refusal_is_final(unsigned status);
