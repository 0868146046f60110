/* model_watch - the list of models, looked through again every few seconds on the thread
 * pool: disks may be slow or far away. */
#pragma once

#include "base/err.h"
#include "models/models.h"

#include <stdint.h>

struct loop;
struct model_watch;

/* Scan number `scan` has ended. `found` is NULL when `err` says why; else the callee may
 * take it over by copying and zeroing it. */
typedef void model_watch_fn(void *data, uint64_t scan, struct model_list *found,
                            const struct err *err);

/* `dir` is borrowed. The first scan begins at once. */
struct model_watch *model_watch_new(struct loop *loop, const char *dir, uint64_t every_ms,
                                    model_watch_fn *on_scan, void *data);
void model_watch_free(struct model_watch *w); /* no callback follows; NULL is fine */

/* Scan again as soon as can be. Returns the number of the first scan that begins after
 * this call. */
uint64_t model_watch_now(struct model_watch *w);
