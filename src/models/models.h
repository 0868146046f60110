/*
 * models - the model files of this machine and the references that name them: DIR/<ref>.gguf,
 * or the first by name of DIR/<ref>/ *.gguf. Requests name references, never paths; what a
 * reference leads to is inside the directory after every link has been followed.
 *
 * A model in parts ("x-00001-of-00003.gguf") is named by its first and as large as all of
 * them. Does not load or judge a model beyond its first bytes: that is the engine's.
 * Blocking: on slow disks for a thread of its own.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "registry/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PATH_SIZE = 4096 };

struct model_list {
    struct listed_model *entries; /* by reference, in the order of strcmp() */
    size_t len;
};
void model_list_free(struct model_list *l); /* leaves it empty */
bool model_list_equal(const struct model_list *a, const struct model_list *b);

/* "a, b, c and 4 more", or "none": for messages. */
void model_list_text(const struct model_list *l, char *ret, size_t size);

/*
 * Every model in `dir` that model_resolve() would find, at most MODELS_PER_HIVE_MAX, three
 * directories deep. What is no GGUF file or cannot be read is left out. ERR_SYSTEM when
 * the directory itself cannot be read.
 */
MUST_CHECK int model_list_scan(const char *dir, struct model_list *ret, struct err *err);

/*
 * The file behind a reference, as an absolute path without links. Errors:
 * ERR_INVALID (param "model"): not a reference (empty, absolute, "..", a control
 * character, too long), leads out of `dir`, or is no GGUF file; ERR_MODEL_NOT_FOUND;
 * ERR_SYSTEM when `dir` cannot be read.
 */
MUST_CHECK int model_resolve(const char *dir, struct str ref, char ret_path[MODEL_PATH_SIZE],
                             struct err *err);

/* The reference by which a request would name `path`; false when it lies outside `dir`. */
bool model_ref_of_path(const char *dir, const char *path, char ret_ref[MODEL_REF_SIZE]);
