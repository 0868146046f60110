/*
 * record - what a run says, as bytes in a buffer: written on the engine's thread, read
 * on the loop's. Only for memory of this process: plain structs, no byte order.
 */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

#include <stdbool.h>

enum record_kind {
    RECORD_STARTED,
    RECORD_LOGPROB,
    RECORD_TEXT,
    RECORD_EMBEDDING,
    RECORD_END, /* the last one of a run */
};

struct record {
    enum record_kind kind;
    union {
        uint64_t cached_tokens; /* RECORD_STARTED */
        struct engine_logprob logprob;
        struct engine_text text;
        struct {
            size_t index;
            const float *values;
            size_t values_len;
        } embedding;
        struct {
            enum engine_stop stop;
            struct engine_timings timings;
            struct err err; /* code 0: an orderly end */
        } end;
    };
};

/* A write beyond the buffer's cap is a bug of ours (assert): the writer stops in time. */
void record_started(struct buf *out, uint64_t cached_tokens);
void record_logprob(struct buf *out, const struct engine_logprob *logprob);
void record_text(struct buf *out, struct str text, uint64_t tokens_len);
void record_embedding(struct buf *out, size_t index, const float *values, size_t values_len);
void record_end(struct buf *out, enum engine_stop stop, const struct engine_timings *timings,
                const struct err *err); /* err NULL: an orderly end */

/* Read the record at the front of `rest`, which must start where a buffer's content
 * did. False at the end. Views in `ret` point into the buffer. */
bool record_next(struct str *rest, struct record *ret);
