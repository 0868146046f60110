#include "snapshot/live_texts.h"

#include "base/mem.h"
#include "snapshot/rows.h"

enum { CHUNK_MIN = 16 };

void live_texts_init(struct live_texts *t, struct region *r)
{
    memset(t, 0, sizeof(*t));
    t->r = r;
    live_texts_reset(t);
}

void live_texts_deinit(struct live_texts *t)
{
    for (size_t i = 0; i < LIVE_TEXT_CLASSES; i++)
        free(t->free[i].offs);
}

void live_texts_reset(struct live_texts *t)
{
    t->used = CHUNK_MIN; /* arena[0] is the empty text */
    t->held_bytes = 0;
    t->is_full = false;
    for (size_t i = 0; i < LIVE_TEXT_CLASSES; i++)
        t->free[i].len = 0;
}

bool live_texts_could_hold_more(const struct live_texts *t)
{
    return t->held_bytes < SNAP_ARENA_BYTES / 4 * 3;
}

static size_t class_of(size_t len)
{
    size_t class = 0;

    while ((size_t)CHUNK_MIN << class < len)
        class ++;
    return class;
}

static bool take_chunk(struct live_texts *t, size_t class, uint32_t *ret)
{
    uint32_t size = (uint32_t)CHUNK_MIN << class;

    if (t->free[class].len > 0) {
        *ret = t->free[class].offs[--t->free[class].len];
        return true;
    }
    if (size > SNAP_ARENA_BYTES - t->used)
        return false;
    *ret = t->used;
    t->used += size;
    return true;
}

void live_text_clear(struct live_texts *t, struct snap_text *text)
{
    if (text->len == 0)
        return;
    size_t class = class_of(text->len);
    struct free_chunks *free_chunks = &t->free[class];

    if (free_chunks->len == free_chunks->cap) {
        free_chunks->cap = free_chunks->cap ? free_chunks->cap * 2 : 64;
        free_chunks->offs =
            mem_resize(free_chunks->offs, free_chunks->cap * sizeof(*free_chunks->offs));
    }
    free_chunks->offs[free_chunks->len++] = text->off;
    t->held_bytes -= (uint32_t)CHUNK_MIN << class;
    *text = (struct snap_text){ 0, 0 };
}

void live_text_set(struct live_texts *t, struct snap_text *text, struct str value)
{
    size_t class = class_of(value.len);
    uint32_t size = (uint32_t)CHUNK_MIN << class;

    if (text->len == value.len &&
        (value.len == 0 || memcmp(rows_of(t->r)->arena + text->off, value.p, value.len) == 0))
        return;
    live_text_clear(t, text);
    if (value.len == 0 || value.len > LIVE_TEXT_MAX)
        return;
    if ((value.len > LIVE_TEXT_SHORT && !live_texts_could_hold_more(t)) ||
        !take_chunk(t, class, &text->off)) {
        t->is_full = true;
        return;
    }
    text->len = (uint32_t)value.len;
    t->held_bytes += size;
    memcpy(t->chunk, value.p, value.len);
    memset(t->chunk + value.len, 0, size - value.len);
    rows_put_text(t->r, text->off, t->chunk, size);
}
