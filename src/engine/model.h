/*
 * model - one loaded model and what can be asked of it: tokens of a text, bytes of a
 * token, the chat template. Made and used on the engine's thread; the queries are
 * safe from any thread once it is loaded (llama.cpp: "The API is thread-safe").
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "engine/engine.h"
#include "engine/llama_api.h"

#include <stdbool.h>
#include <stddef.h>

struct model {
    struct llama_api api;
    struct llama_model *llama;
    const struct llama_vocab *vocab;
    struct engine_facts facts;
    /* A longer text cannot have fewer tokens than a slot's context; SIZE_MAX: not known. */
    size_t text_bytes_max;
};

enum { MODEL_PIECE_SIZE = 4096 };

/* Called again and again while the file is read; false stops the loading. */
typedef bool model_progress_fn(float progress, void *data);

/*
 * Errors: ERR_INVALID with param "model" or "device", ERR_UNAVAILABLE (no backend for
 * this machine in lib_dir).
 */
MUST_CHECK int model_load(struct model *m, const struct engine_options *options,
                          model_progress_fn *on_progress, void *data, struct err *err);
void model_unload(struct model *m); /* also when half loaded */

/* The calling thread is about to abort a batch: what llama.cpp says of that is no news. */
void model_hush(void);

/*
 * Tokens of `text` into `ret`, which holds facts.ctx of them. Returns how many, or
 * ERR_CONTEXT_LENGTH when they are not fewer than facts.ctx.
 */
MUST_CHECK int model_tokenize(const struct model *m, struct str text, int32_t *ret, size_t *ret_len,
                              struct err *err);

/* The messages as one text, ready for the assistant's answer. ERR_INVALID, ERR_CONTEXT_LENGTH. */
MUST_CHECK int model_render(const struct model *m, const struct engine_message *messages,
                            size_t messages_len, struct buf *out, struct err *err);

/* The bytes that a token stands for (maybe none, maybe half a character). Control
 * tokens ("<|im_end|>") stand for nothing unless `show_control`. */
struct str model_piece(const struct model *m, int32_t token, bool show_control,
                       char piece[MODEL_PIECE_SIZE]);

static inline bool model_has_token(const struct model *m, int32_t token)
{
    return token >= 0 && (unsigned)token < m->facts.vocab_len;
}
