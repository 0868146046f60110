/*
 * live_texts - the texts of live rows in the snapshot's arena: they come and go with jobs and
 * workers without the arena growing. For snapshot/live*.c alone.
 *
 * Chunks of powers of two with free lists in the writer's own memory; a chunk is always put
 * whole, so that nothing stays of what it held before. A text belongs to one member of one row.
 */
#pragma once

#include "snapshot/region.h"
#include "snapshot/snapshot.h"

enum {
    LIVE_TEXT_MAX = 32 * 1024, /* a longer one reads as "" */
    LIVE_TEXT_SHORT = 256,     /* longer ones leave a quarter of the arena to short ones */
    LIVE_TEXT_CLASSES = 12,    /* 16 bytes ... 32 KiB */
};

struct live_texts {
    struct region *r;
    uint32_t used;       /* of the arena, from its start */
    uint32_t held_bytes; /* in chunks that hold a text */
    bool is_full;        /* a text was left out since the last reset */
    struct free_chunks {
        uint32_t *offs; /* owned */
        size_t len, cap;
    } free[LIVE_TEXT_CLASSES];
    char chunk[LIVE_TEXT_MAX];
};

void live_texts_init(struct live_texts *t, struct region *r);
void live_texts_deinit(struct live_texts *t);
void live_texts_reset(struct live_texts *t); /* the region was reset: nothing is held */

/* Make `text` say `value`; keeps its place when it does already. */
void live_text_set(struct live_texts *t, struct snap_text *text, struct str value);
void live_text_clear(struct live_texts *t, struct snap_text *text);

/* Would starting over make room? */
bool live_texts_could_hold_more(const struct live_texts *t);
