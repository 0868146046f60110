/*
 * internal - what engine.c (the engine's thread) and run.c (the loop's side) share.
 *
 * `lock` guards everything marked so. A run is the loop's; its task is whosever turn it
 * is: the pool's while RUN_PREPARING, the engine thread's while RUN_ACTIVE.
 */
#pragma once

#include "base/list.h"
#include "engine/engine.h"
#include "engine/model.h"
#include "engine/task.h"
#include "loop/loop.h"

#include <pthread.h>

struct decoder;
struct embedder;

/* A step says little beside ENGINE_UNREAD_BYTES_MAX: a few tokens, or an embedding. */
enum { RUN_RECORDS_BYTES_MAX = 4 * 1024 * 1024 };

enum run_state {
    RUN_PREPARING, /* on the thread pool */
    RUN_WAITING,   /* in engine::waiting */
    RUN_ACTIVE,    /* in engine::active */
    RUN_OVER,      /* its last record is in `unread` */
};

struct engine_run {
    struct engine *engine;  /* NULL: closed while this was being prepared */
    struct list link;       /* engine::runs; the loop's */
    struct list queue_link; /* lock: engine::waiting or engine::active */
    struct list ready_link; /* lock: engine::ready */
    enum run_state state;   /* lock */
    bool is_cancelled;      /* lock: no callback may follow */
    bool is_paused;         /* lock */
    struct buf unread;      /* lock: records for the loop */

    struct task task;
    struct engine_prompt prompt;
    bool embed;
    char *stop_text; /* what task.stops point into */
    const struct engine_run_events *events;
    void *data;
    uint64_t submitted_us;
    struct err prepare_err; /* code 0: prepared */
};

struct engine {
    struct loop *loop;
    struct loop_bell *bell;
    struct list runs; /* the loop's: all that have not been freed */
    size_t runs_len;
    struct engine_options options; /* its strings are the three below */
    char *lib_dir, *model_path, *device;
    struct model model; /* read by all once is_loaded */

    pthread_mutex_t lock;
    pthread_cond_t wake;                /* the engine's thread has something to look at */
    pthread_cond_t quiet;               /* `preparing` fell */
    struct list waiting, active, ready; /* lock */
    size_t preparing;                   /* lock: runs on the pool */
    bool is_stopping;                   /* lock; also read without it, atomically */
    bool is_loaded, load_told;          /* lock */
    struct err load_err;                /* lock: code 0 until loading failed */
    struct engine_stats stats;          /* lock */

    pthread_t thread;
    struct decoder *decoder;   /* the engine thread's */
    struct embedder *embedder; /* likewise */
};

/* The engine's thread. */
void *engine_thread(void *engine);

/* The loop's side of the bell: hand out what the engine has said. */
void run_deliver_all(struct engine *e);

void run_free(struct engine_run *run);
