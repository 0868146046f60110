/*
 * text_filter - from the pieces of a model's tokens to text that may be shown.
 *
 * A token may be half a character, and a stop sequence may span tokens. So text
 * is held back while it could still become something else: an unfinished UTF-8
 * sequence, or a proper prefix of a stop sequence. What comes out is always whole,
 * valid UTF-8 (bytes that cannot become any come out as U+FFFD), and no byte of a
 * stop sequence ever does. Pure.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct text_filter {
    const struct str *stops; /* borrowed, none empty */
    size_t stops_len;
    struct buf held;          /* whole characters: first `out_len` given out, then held back */
    size_t out_len;           /* of `held`: the text that the last call returned */
    unsigned char partial[4]; /* an unfinished UTF-8 sequence */
    unsigned partial_len;
};

void text_filter_init(struct text_filter *f, const struct str *stops, size_t stops_len);
void text_filter_deinit(struct text_filter *f); /* idempotent */

/*
 * Take the bytes of one token; returns what may be shown now, valid until the next
 * call. *ret_stopped: a stop sequence is complete; what came before it has now been
 * given out. Feed nothing afterwards.
 */
struct str text_filter_feed(struct text_filter *f, struct str piece, bool *ret_stopped);

/* The generation ended otherwise: the text that was held back for a stop sequence.
 * An unfinished UTF-8 sequence is dropped. */
struct str text_filter_finish(struct text_filter *f);
