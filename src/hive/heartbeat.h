/*
 * heartbeat - POST /v1/hive-heartbeat to every queen, each second, and at once when
 * something happened that they should know. Each queen has a link of its own: one that
 * hangs or is down delays no other; it is asked again after 1, 2, 4 ... 30 s. Capabilities
 * go along when a queen does not know them yet, or has lost them (409).
 */
#pragma once

#include "hive/machine.h"

#include <stddef.h>

struct heartbeat;

struct heartbeat *heartbeat_new(struct machine *m); /* to the queens of its options */
void heartbeat_free(struct heartbeat *h);           /* NULL is fine */

/* Send in the next turn; the first call begins it all. Queens that are down wait. */
void heartbeat_now(struct heartbeat *h);

/* No more of them once those under way have ended; then `on_done`, in a later turn. The
 * last one says that this hive stops. */
void heartbeat_finish(struct heartbeat *h, void (*on_done)(void *data), void *data);
