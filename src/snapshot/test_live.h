/* test_live - a core, a live snapshot of it, and a clock turned by hand: for the tests of live. */
#pragma once

#include "base/mem.h"
#include "base/random.h"
#include "snapshot/live.h"

#include <stdio.h>

enum { RUNS_MAX = 256, WALL_MS = 1700000000 };

static const struct snap_option config[] = { { "shed", "true" }, { "headroom", "0.1" } };

struct world {
    struct core *core;
    struct live *live;
    struct rng rng;
    uint64_t now_ms;
    unsigned arrived;
    struct run {
        char job_id[JOB_ID_SIZE];
        unsigned attempt;
    } runs[RUNS_MAX];
    size_t runs_len;
};

static inline struct live *make_live(const struct core *core, size_t log_bytes)
{
    const struct live_options options = {
        .log_bytes_max = log_bytes, .wall_offset_ms = WALL_MS, .config = config, .config_len = 2
    };

    return live_new(core, &options);
}

static inline struct world *make_world(uint64_t seed)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct core_options options;

    core_options_init(&options);
    options.strategy = &strategy_simple;
    w->core = core_new(&options);
    w->live = make_live(w->core, 1024UL * 1024);
    w->now_ms = 1000;
    rng_seed(&w->rng, seed);
    return w;
}

static inline void free_world(struct world *w)
{
    live_free(w->live);
    core_free(w->core);
    free(w);
}

static inline unsigned below(struct world *w, unsigned bound)
{
    return (unsigned)rng_below(&w->rng, bound);
}

static inline void handle(struct world *w, struct core_event event)
{
    const struct core_action *actions;
    size_t len;

    event.now_ms = w->now_ms;
    core_handle(w->core, &event);
    actions = core_actions(w->core, &len);
    for (size_t i = 0; i < len; i++) {
        if (actions[i].kind != CORE_DISPATCH)
            continue;
        struct run *run = &w->runs[w->runs_len++ % RUNS_MAX];
        memcpy(run->job_id, actions[i].job_id, sizeof(run->job_id));
        run->attempt = actions[i].attempt;
    }
}
