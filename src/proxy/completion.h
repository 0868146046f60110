/*
 * completion - what the proxy reads of a worker's OpenAI answers: one frame of a
 * stream, or a whole answer, of /v1/chat/completions, /v1/completions and
 * /v1/embeddings. The bytes themselves go to the client as they came. Pure; fuzzed.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "proxy/usage.h"

#include <stdbool.h>
#include <stdint.h>

struct completion {
    bool has_content; /* text, a tool call, reasoning: anything a client would miss */
    bool has_usage;
    struct str text;   /* raw JSON string of the first choice's text; .p NULL for none */
    struct str finish; /* finish_reason of the first choice; .p NULL while there is none */
    struct str error;  /* raw JSON of `error`; .p NULL for none */
    struct usage usage;
    uint64_t decode_time_ms; /* llama-server's timings.predicted_ms; 0: not said */
};

/* Views are of `json`. Errors: ERR_JSON, ERR_INVALID (a value that cannot be). */
MUST_CHECK int completion_read(struct str json, struct completion *ret, struct err *err);

/*
 * Does a frame look like one token among many: an object without finish reason,
 * usage or error? A glance, an order of magnitude cheaper than completion_read(),
 * for frames after the first.
 */
bool completion_is_plain(struct str json);

/* The usage object within a part of a whole answer, cut anywhere. False: not there. */
bool completion_find_usage(struct str part, struct usage *ret);
