/*
 * task - what the engine's thread needs to know of a run, and what it makes of it.
 * Owned by its run; from decoder_start() or embedder_start() until `is_over` it is the
 * engine thread's alone.
 */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct task {
    /* The work; fixed. */
    int32_t *tokens;    /* all inputs, one after the other; at least one token each */
    size_t *input_ends; /* where each input ends in `tokens` */
    size_t inputs_len;  /* 1 when text is generated */
    struct engine_sampling sampling;
    uint64_t max_tokens; /* 0: as many as fit */
    struct str stops[ENGINE_STOPS_MAX];
    size_t stops_len;
    int top_logprobs;

    /* Set before each step. */
    bool is_cancelled, is_paused;

    /* The result of a step. */
    struct buf out; /* records (record.h) that have not been handed on yet */
    bool is_over;   /* nothing more will come; the slot is free */
    struct engine_timings timings;
};

static inline size_t task_tokens_len(const struct task *t)
{
    return t->input_ends[t->inputs_len - 1];
}
