/*
 * affinity - which worker's KV cache probably holds the beginning of a prompt: what the
 * core itself sent where, in blocks (job_spec.prefix_hashes), with bounded memory.
 *
 * Approximate by design, as SGLang's router (v0.4) does it: nobody asks the engines, the
 * least recently used block goes first, and a worker's blocks go with the worker. Prefix
 * affinity is one term of a score and yields to load; what it says is never a promise.
 * Pure. O(blocks of the prompt).
 */
#pragma once

#include "jobs/job.h"
#include "registry/registry.h"

#include <stddef.h>
#include <stdint.h>

struct affinity;
struct affinity *affinity_new(size_t blocks_max);
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
