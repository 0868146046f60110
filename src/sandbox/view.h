/*
 * view - the memory through which the hosts of one policy see the scheduler's state: written
 * by the queen alone, and sealed against all others. What a host puts over it, for a while, is
 * seen by itself only (policyhost/overlay.h).
 *
 * A policy's host, its spare and their successors share one: only one of them is ever asked,
 * and nothing is written while it answers. So a spare that takes over costs no copy.
 */
#pragma once

#include "base/err.h"
#include "snapshot/region.h"

#include <stdbool.h>
#include <stdint.h>

struct view {
    int fd;                 /* -1: not open */
    void *memory;           /* sizeof(struct snapshot) bytes */
    uint64_t version, hash; /* of the region whose content this holds; 0, 0: none */
};

/* Errors: ERR_SYSTEM. */
MUST_CHECK int view_open(struct view *ret, struct err *err);
void view_close(struct view *v);

/* Hold what `region` holds now. `is_same`: it is the region of last time, and only what has
 * changed since is copied; else all of it is. */
void view_update(struct view *v, const struct region *region, bool is_same);
