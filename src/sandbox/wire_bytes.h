/*
 * wire_bytes - the pieces that messages of wire.h are made of: numbers as this machine
 * holds them, texts with their length in front. For wire*.c alone.
 *
 * A reader that has met one piece too short or too long stays bad and gives zeros, so a
 * message is read in one go and judged once, at its end.
 */
#pragma once

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_reader {
    struct str rest;
    bool is_bad;
};

struct str wire_take(struct wire_reader *r, size_t len); /* bytes as they stand there */
void wire_get(struct wire_reader *r, void *ret, size_t size);
bool wire_get_bool(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
double wire_get_double(struct wire_reader *r);
uint32_t wire_get_below(struct wire_reader *r, uint32_t bound); /* a u32, bad from `bound` on */

/* Into an array of `size` bytes, with a NUL; bad when it does not fit or holds one. Whatever
 * is no UTF-8, and every control character, becomes '?': people will read it. */
void wire_get_string(struct wire_reader *r, char *ret, size_t size);
/* The same for many lines, without a NUL behind them; returns their length. */
size_t wire_get_lines(struct wire_reader *r, char *ret, size_t size);

/* The whole message has been read, and all of it was good. */
bool wire_is_whole(const struct wire_reader *r);

void wire_put(struct buf *b, const void *bytes, size_t size);
void wire_put_bool(struct buf *b, bool value);
void wire_put_u32(struct buf *b, size_t value); /* lengths, rows, codes */
void wire_put_u64(struct buf *b, uint64_t value);
void wire_put_double(struct buf *b, double value);
void wire_put_bytes(struct buf *b, struct str text); /* length and bytes */
void wire_put_string(struct buf *b, const char *text);
