/*
 * decoder - continuous batching: each step is one batch with the next token of every
 * running sequence and a chunk of the prompts that are still being read. One sequence
 * per slot; a slot keeps what it has decoded, so that a prompt which begins alike is
 * read from there on only.
 *
 * No threads and no clocks but for timings: the owner calls decoder_step().
 */
#pragma once

#include "base/err.h"
#include "engine/model.h"
#include "engine/task.h"

#include <stdbool.h>

enum {
    /* Prompt tokens in one step. Bounds how long a prompt holds up the others' next
     * token, and how long its own cancel takes. */
    DECODER_PROMPT_CHUNK = 256,
};

struct decoder;

/* `should_abort` is asked from inside a batch; when it says true the decoder is of no
 * use afterwards. Errors: ERR_LIMIT (no memory for slots x context). */
MUST_CHECK int decoder_new(const struct model *m, bool (*should_abort)(void *data), void *data,
                           struct decoder **ret, struct err *err);
void decoder_free(struct decoder *d); /* NULL is fine; tasks are dropped */

bool decoder_has_room(const struct decoder *d);
void decoder_start(struct decoder *d, struct task *task); /* only with room */

/*
 * One step for every task that is not paused. Afterwards their `out` holds what they
 * have to say. False when there was nothing to do.
 */
bool decoder_step(struct decoder *d);

struct decoder_stats {
    unsigned active;  /* slots in use */
    uint64_t kv_used; /* cells of running sequences */
    uint64_t output_tokens_total, steps_total;
};
void decoder_get_stats(const struct decoder *d, struct decoder_stats *ret);
