#include "loop/outbox.h"
#include "base/mem.h"

#include <assert.h>
#include <string.h>

enum {
    BLOCK_MIN_BYTES = 1024,      /* the first block of a queue: a few tokens */
    BLOCK_GROW_BYTES = 16 * 1024 /* as far as blocks grow with the queue */
};

struct outbox_block {
    struct outbox_block *next;
    size_t off, len, cap; /* the content is [off, len) */
    char bytes[];
};

/* As long as the queue is, within bounds: few blocks for a long queue, and little
 * memory for a short one. */
static struct outbox_block *add_block(struct outbox *o, size_t need)
{
    size_t cap = o->bytes;

    if (cap < BLOCK_MIN_BYTES)
        cap = BLOCK_MIN_BYTES;
    if (cap > BLOCK_GROW_BYTES)
        cap = BLOCK_GROW_BYTES;
    if (cap < need)
        cap = need;
    struct outbox_block *block = mem_resize(NULL, sizeof(*block) + cap);
    *block = (struct outbox_block){ .cap = cap };
    if (o->last)
        o->last->next = block;
    else
        o->first = block;
    o->last = block;
    return block;
}

static size_t fill(struct outbox_block *block, const char *bytes, size_t len)
{
    size_t room = block->cap - block->len;
    size_t n = len < room ? len : room;

    memcpy(block->bytes + block->len, bytes, n);
    block->len += n;
    return n;
}

void outbox_add(struct outbox *o, const void *bytes, size_t len)
{
    size_t done = 0;

    if (len == 0)
        return;
    if (o->last)
        done = fill(o->last, bytes, len);
    if (done < len)
        (void)fill(add_block(o, len - done), (const char *)bytes + done, len - done);
    o->bytes += len;
}

size_t outbox_peek(const struct outbox *o, struct iovec *iov, size_t iov_max)
{
    size_t n = 0;

    for (struct outbox_block *b = o->first; b && n < iov_max; b = b->next)
        iov[n++] = (struct iovec){ b->bytes + b->off, b->len - b->off };
    return n;
}

static void drop_first(struct outbox *o)
{
    struct outbox_block *block = o->first;

    o->first = block->next;
    if (!o->first)
        o->last = NULL;
    free(block);
}

void outbox_consume(struct outbox *o, size_t len)
{
    assert(len <= o->bytes);
    o->bytes -= len;
    while (len > 0) {
        size_t held = o->first->len - o->first->off;
        if (len < held) {
            o->first->off += len;
            return;
        }
        len -= held;
        drop_first(o);
    }
}

void outbox_deinit(struct outbox *o)
{
    while (o->first)
        drop_first(o);
    o->bytes = 0;
}
