/*
 * event_coder - one walk over a record's fields for both ways: it writes them, or reads
 * them. Private to the event log.
 *
 * While it reads, the first thing that is wrong sets `is_broken`; from then on fields stay
 * zero and lengths are none, so that a walk ends by itself and is looked at once, after it.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/labels.h"
#include "scheduler/decision.h"

enum { POLICY_TEXT_SIZE = 1024 }; /* of a policy's name, version and messages */

struct coder {
    struct buf *out; /* NULL: it reads */
    struct str in;
    struct arena *arena; /* for what is read */
    bool is_broken;
};

static inline bool coder_reads(const struct coder *k)
{
    return !k->out;
}

void code_u64(struct coder *k, uint64_t *value);
void code_i64(struct coder *k, int64_t *value);
void code_u32(struct coder *k, uint32_t *value);
void code_i32(struct coder *k, int32_t *value);
void code_u16(struct coder *k, uint16_t *value);
void code_bool(struct coder *k, bool *value);
void code_double(struct coder *k, double *value);
void code_text(struct coder *k, char *text, size_t size);        /* a fixed array */
void code_view(struct coder *k, const char **text, size_t size); /* NULL comes back as NULL */
void code_labels(struct coder *k, struct labels *labels);
void code_err(struct coder *k, struct err *err);
void code_decision(struct coder *k, struct decision *d);

/* Below `end`, for enums; at most `max`, for lengths. */
unsigned code_enum(struct coder *k, unsigned value, unsigned end);
size_t code_len(struct coder *k, size_t len, size_t max);

/* Zeroed memory for what is read; NULL for none. */
void *coder_alloc(struct coder *k, size_t count, size_t size);
