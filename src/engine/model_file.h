/* model_file - a first look at a GGUF file, before llama.cpp is given it. Pure I/O. */
#pragma once

#include "base/err.h"

#include <stdint.h>

struct model_file {
    uint64_t bytes;
    char fingerprint[17]; /* hex; of samples of the content: another file, another value */
};

/*
 * Errors: ERR_INVALID with param "model": unreadable, not a regular file, not GGUF, of
 * another version or byte order, or too short to hold what its header counts.
 * (Whether each tensor lies inside the file is found out by loading it.)
 */
MUST_CHECK int model_file_check(const char *path, struct model_file *ret, struct err *err);
