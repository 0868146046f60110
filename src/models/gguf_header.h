/*
 * gguf_header - what the first bytes of a GGUF file say of the model, for lists. Pure.
 *
 * Only the head is looked at: writers put the architecture's figures before the tokenizer's
 * long lists, and a list of models must not read gigabytes. What the head does not hold, or
 * what makes no sense, is not known; the engine judges the file when it loads it.
 *
 * Format: "GGUF in ggml", docs/gguf.md of the ggml project, versions 2 and 3, little-endian.
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum { GGUF_HEAD_BYTES = 16 * 1024 };

bool gguf_has_magic(struct str head);

/* Tokens it was trained for ("<architecture>.context_length"); 0: not known. */
uint64_t gguf_context_length(struct str head);
