#include "policy/heap.h"

#include <stdlib.h>
#include <string.h>

struct heap_block {
    struct heap_block *next;
};

void heap_init(struct heap *h, size_t held_bytes_max)
{
    memset(h, 0, sizeof(*h));
    h->held_bytes_max = held_bytes_max;
}

void heap_deinit(struct heap *h)
{
    for (size_t i = 0; i < HEAP_SIZES; i++) {
        while (h->kept[i]) {
            struct heap_block *block = h->kept[i];
            h->kept[i] = block->next;
            free(block);
        }
    }
}

/* HEAP_SIZES and more: too large to be kept. */
static size_t size_of(size_t bytes)
{
    return (bytes - 1) / HEAP_STEP_BYTES;
}

/* What a block of a size that is kept takes. */
static size_t bytes_of(size_t size)
{
    return (size + 1) * HEAP_STEP_BYTES;
}

static void *take(struct heap *h, size_t bytes)
{
    size_t size = size_of(bytes);

    if (size >= HEAP_SIZES)
        return malloc(bytes);
    struct heap_block *block = h->kept[size];
    if (!block)
        return malloc(bytes_of(size));
    h->kept[size] = block->next;
    h->kept_bytes -= bytes_of(size);
    return block;
}

static void give_back(struct heap *h, void *memory, size_t bytes)
{
    size_t size = size_of(bytes);
    struct heap_block *block = memory;

    if (size >= HEAP_SIZES || h->kept_bytes + bytes_of(size) > HEAP_KEPT_BYTES_MAX) {
        free(memory);
        return;
    }
    block->next = h->kept[size];
    h->kept[size] = block;
    h->kept_bytes += bytes_of(size);
}

static void *resize(struct heap *h, void *block, size_t old_bytes, size_t new_bytes)
{
    size_t old_size = size_of(old_bytes), new_size = size_of(new_bytes);

    if (old_size == new_size && new_size < HEAP_SIZES)
        return block;
    if (old_size >= HEAP_SIZES && new_size >= HEAP_SIZES)
        return realloc(block, new_bytes);
    void *moved = take(h, new_bytes);
    if (!moved)
        return NULL;
    memcpy(moved, block, old_bytes < new_bytes ? old_bytes : new_bytes);
    give_back(h, block, old_bytes);
    return moved;
}

void *heap_alloc(void *heap, void *block, size_t old_bytes, size_t new_bytes)
{
    struct heap *h = heap;
    size_t held = block ? old_bytes : 0; /* else old_bytes is a type */

    if (new_bytes == 0) {
        if (held > 0)
            give_back(h, block, held);
        h->held_bytes -= held;
        return NULL;
    }
    if (new_bytes > held && new_bytes - held > h->held_bytes_max - h->held_bytes)
        return NULL;
    void *moved = held > 0 ? resize(h, block, held, new_bytes) : take(h, new_bytes);
    if (moved)
        h->held_bytes += new_bytes - held;
    return moved;
}
