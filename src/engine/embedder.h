/*
 * embedder - embeddings of one task at a time, in a context of their own: the mean of
 * the last layer's states over an input's tokens, scaled to length 1.
 *
 * The mean is taken here, chunk by chunk, and not by llama.cpp's pooling, which wants a
 * whole input in one batch: that would hold up the running answers for as long.
 */
#pragma once

#include "base/err.h"
#include "engine/model.h"
#include "engine/task.h"

#include <stdbool.h>

struct embedder;

/* Its context is opened with the first task. Never NULL. */
struct embedder *embedder_new(const struct model *m, bool (*should_abort)(void *data), void *data);
void embedder_free(struct embedder *e); /* NULL is fine; the task is dropped */

bool embedder_has_room(const struct embedder *e);
void embedder_start(struct embedder *e, struct task *task); /* only with room */

/* One chunk. False when there was nothing to do, or the task is paused. */
bool embedder_step(struct embedder *e);
