/*
 * heap - the memory of one Lua state: counted, limited, and with small blocks kept for the
 * next that asks for their size. A decision makes a handful of lists and closures and a sweep
 * frees as many; with these at hand neither goes through malloc(), whose caches are too short
 * for what a sweep frees at once.
 *
 * What is kept is bounded and no part of what the state holds: the limit is one of live data.
 */
#pragma once

#include <stddef.h>

enum {
    HEAP_STEP_BYTES = 16,
    HEAP_SIZES = 16, /* blocks of up to 256 bytes are kept */
    HEAP_KEPT_BYTES_MAX = 1024 * 1024,
};

struct heap {
    size_t held_bytes, held_bytes_max;
    struct heap_block *kept[HEAP_SIZES];
    size_t kept_bytes;
};

void heap_init(struct heap *h, size_t held_bytes_max);
void heap_deinit(struct heap *h); /* the state is closed: nothing is held */

/* A lua_Alloc; `heap` is the struct heap. NULL beyond the limit: Lua then collects all garbage
 * and tries once more, and raises LUA_ERRMEM if that does not help. */
void *heap_alloc(void *heap, void *block, size_t old_bytes, size_t new_bytes);
