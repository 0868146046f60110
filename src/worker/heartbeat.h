/*
 * heartbeat - tells a queen each second that this worker is there: for a worker that no
 * hive has started. When the queen does not answer it asks less and less often, down to
 * every HEARTBEAT_MAX_MS.
 */
#pragma once

#include "base/err.h"

enum { HEARTBEAT_EVERY_MS = 1000, HEARTBEAT_MAX_MS = 30 * 1000 };

struct heartbeat;
struct worker;

/* The first one leaves in the next turn. Errors: secret_read()'s, of --queen-token-file. */
MUST_CHECK int heartbeat_new(struct worker *w, struct heartbeat **ret, struct err *err);
void heartbeat_free(struct heartbeat *h); /* NULL is fine */
