#include "base/arena.h"

#include "base/mem.h"

#include <stdalign.h>
#include <stdint.h>

enum { CHUNK_MIN = 1024, CHUNK_MAX = 64 * 1024, ALIGNMENT = alignof(max_align_t) };

struct arena_chunk {
    struct arena_chunk *next; /* older */
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){ .max = max };
}

void arena_deinit(struct arena *a)
{
    struct arena_chunk *chunk = a->chunks;

    while (chunk) {
        struct arena_chunk *older = chunk->next;
        free(chunk);
        chunk = older;
    }
    *a = (struct arena){ .max = a->max };
}

/* Each chunk is double the last, so a big job takes few; a piece larger than
 * that gets a chunk of its own size. */
static struct arena_chunk *add_chunk(struct arena *a, size_t wanted)
{
    size_t size = a->chunks ? a->chunks->size * 2 : CHUNK_MIN;

    if (size > CHUNK_MAX)
        size = CHUNK_MAX;
    if (size < wanted)
        size = wanted;

    struct arena_chunk *chunk = mem_alloc(1, sizeof(*chunk) + size);
    chunk->size = size;
    chunk->next = a->chunks;
    a->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *a, size_t size)
{
    struct arena_chunk *chunk = a->chunks;

    if (size == 0)
        size = 1;
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > a->max - a->used)
        return NULL;
    if (!chunk || size > chunk->size - chunk->used)
        chunk = add_chunk(a, size);

    void *p = chunk->bytes + chunk->used;
    chunk->used += size;
    a->used += size;
    return p;
}

char *arena_copy(struct arena *a, struct str s)
{
    char *copy = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

    if (copy && s.len > 0)
        memcpy(copy, s.p, s.len);
    return copy;
}
