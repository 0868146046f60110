/*
 * affinity - which worker's KV cache probably holds the beginning of a prompt: what the
 * core itself sent where, in blocks (job_spec.prefix_hashes), with bounded memory.
 *
 * Approximate by design, as SGLang's router (v0.4) does it: nobody asks the engines, and the
 * least recently used block goes first, the end of a prompt before its beginning. Prefix
 * affinity is one term of a score and yields to load; what it says is never a promise.
 * Models are kept apart. Each block remembers the last AFFINITY_WORKERS_MAX workers, by slot
 * and generation: those of a worker that is gone name nobody any more, which whoever asks
 * must check. Pure. O(blocks of the prompt).
 */
#pragma once

#include "jobs/job.h"
#include "registry/registry.h"

#include <stddef.h>
#include <stdint.h>

enum { AFFINITY_WORKERS_MAX = 8 };

struct affinity;
struct affinity *affinity_new(size_t blocks_max); /* 0: remembers nothing */
void affinity_free(struct affinity *a);

/* This prompt was sent to this worker. */
void affinity_note(struct affinity *a, const struct job_spec *spec, const struct worker *worker);

struct affinity_match {
    uint32_t slot, generation; /* of the worker */
    uint32_t tokens;           /* of the prompt, at most job_spec.prompt_tokens */
};

/* Workers that saw the beginning of this prompt, the longest match first; of equal ones the
 * one that saw it last. Returns how many, at most `max`. */
size_t affinity_find(const struct affinity *a, const struct job_spec *spec,
                     struct affinity_match *ret, size_t max);
size_t affinity_blocks(const struct affinity *a); /* remembered now */
