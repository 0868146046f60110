/*
 * answer - what the OpenAI routes say, as JSON: whole answers and stream chunks of both
 * shapes (chat, completion), embeddings, the list of models. Pure writers.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stdint.h>

enum answer_shape { ANSWER_CHAT, ANSWER_COMPLETION };

enum { ANSWER_ID_SIZE = 48 };

struct answer {
    enum answer_shape shape;
    char id[ANSWER_ID_SIZE];
    int64_t created_s;
    const char *model;       /* borrowed */
    const char *fingerprint; /* borrowed */
    bool wants_logprobs;
    bool include_usage; /* chunks say "usage": null until the last */
};

void answer_init(struct answer *a, enum answer_shape shape);

/* "stop" or "length". */
const char *answer_finish_reason(enum engine_stop stop);

/* Add one token's entry to `entries`, a list of such as chat answers carry them. */
void answer_add_logprob(struct buf *entries, const struct engine_logprob *logprob);

/* A piece of the answer. `logprobs` is a list of entries, maybe empty. */
void answer_chunk(const struct answer *a, bool is_first, struct str text, struct str logprobs,
                  struct buf *out);
/* The chunk that ends it; `is_first` when there was no text at all. */
void answer_last_chunk(const struct answer *a, bool is_first, const char *finish_reason,
                       struct buf *out);
/* With stream_options.include_usage, after the last chunk. */
void answer_usage_chunk(const struct answer *a, const struct engine_timings *t, struct buf *out);

void answer_whole(const struct answer *a, struct str text, struct str logprobs,
                  const char *finish_reason, const struct engine_timings *t, struct buf *out);

/* For the native stream too: {"prompt_n":…,"prompt_ms":…,"predicted_n":…, …}. */
struct json_out;
void answer_timings(struct json_out *o, const char *key, const struct engine_timings *t);
