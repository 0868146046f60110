/*
 * core_world_private - what the parts of the small cloud share: core_world.c (clients, runs,
 * time), core_world_hives.c (hives and their workers), core_world_policy.c (policies and
 * their answers).
 */
#pragma once

#include "base/random.h"
#include "scheduler/core.h"
#include "scheduler/core_world.h"

enum {
    STEP_MS = 100,
    HIVES = 4,
    PLACES = 4, /* for workers, per hive */
    MODELS = 4,
    RUNS_MAX = 256,
    LOADING_MS = 3000,
    BLOCKS = 6, /* of a prompt */
};

struct place {
    bool is_taken;
    unsigned generation, model;
    uint64_t ready_ms;
};

struct node {
    struct place places[PLACES];
    uint64_t silent_until_ms;
};

struct run {
    char job_id[JOB_ID_SIZE]; /* "": none */
    unsigned attempt;
    uint64_t first_ms, end_ms; /* first token, end */
    bool is_started, fails;
};

struct world {
    struct core *core;
    const struct world_options *options;
    struct rng rng;
    uint64_t now_ms;
    struct node nodes[HIVES];
    struct run runs[RUNS_MAX];
    struct asked { /* a question that is out */
        uint64_t number, due_ms;
        enum ask_kind kind;
        char job_id[JOB_ID_SIZE];
    } asked[ASKS_OUT_MAX]; /* the first one is answered next */
    size_t asked_len;
    struct core_action pending; /* a start or eviction that its hive has not answered */
    struct world_report report;
    struct decisions answer;
};

static inline unsigned world_below(struct world *w, unsigned bound)
{
    return (unsigned)rng_below(&w->rng, bound);
}

static inline bool world_one_in(struct world *w, unsigned n)
{
    return world_below(w, n) == 0;
}

/* Give the core an event, log it, and take what comes of it. */
void world_handle(struct world *w, struct core_event event);

/* One step of time each. */
void world_play_hives(struct world *w);
void world_play_pending(struct world *w); /* the start or eviction that was ordered last */
void world_play_policy(struct world *w);  /* one comes, goes, or cannot be asked */
void world_play_answer(struct world *w);  /* to the question that is out */
