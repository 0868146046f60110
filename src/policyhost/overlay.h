/*
 * overlay - the snapshot as a policy host maps it: what the queen writes shows through, but for
 * what the host itself has put over it since the message began.
 *
 * The memory behind it is sealed and nobody's to write but the queen's. Pages that are written
 * here are the kernel's copies for this process alone, until overlay_clear() drops them.
 */
#pragma once

#include "snapshot/snapshot.h"

enum { OVERLAY_PAGES_MAX = 256 };

struct overlay {
    char *bytes; /* sizeof(struct snapshot); the texts cannot be written */
    size_t page_bytes;
    size_t pages[OVERLAY_PAGES_MAX], pages_len; /* that were written, by number */
};

/* Map `fd` for good. False: it is no snapshot's memory. */
bool overlay_open(struct overlay *o, int fd);

const struct snapshot *overlay_snapshot(const struct overlay *o);

/* As struct carry wants it. `overlay` must not be full. */
void overlay_put(void *overlay, size_t off, const void *bytes, size_t len);

/* Can it take what one more decision changes? */
bool overlay_has_room(const struct overlay *o);

/* Show the queen's again, all of it. */
void overlay_clear(struct overlay *o);
