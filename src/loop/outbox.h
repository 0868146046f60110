/*
 * outbox - bytes that wait for a socket, in the order of writing: a queue of
 * blocks that never move, so that a write may be under way from its front.
 * Nothing is allocated while it is empty.
 */
#pragma once

#include <stddef.h>
#include <sys/uio.h>

struct outbox_block;

struct outbox { /* zeroed is empty */
    struct outbox_block *first, *last;
    size_t bytes; /* queued in all */
};

void outbox_add(struct outbox *o, const void *bytes, size_t len); /* copies */

/* The front as up to `iov_max` pieces; returns how many. They stay where they are
 * until they are consumed, also when more is added. */
size_t outbox_peek(const struct outbox *o, struct iovec *iov, size_t iov_max);

void outbox_consume(struct outbox *o, size_t len); /* drop `len` <= bytes at the front */
void outbox_deinit(struct outbox *o);              /* drop all */
