/* internal - shared by supervisor.c (the set), launch.c (start of one), probe.c (questions
 * to one) and lifecycle.c (its states); for nobody else. */
#pragma once

#include "http/client.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "supervisor/sampler.h"
#include "supervisor/supervisor.h"

enum {
    STATE_PATH_SIZE = 4096,
    TICK_MS = 100,        /* while a worker starts or stops */
    QUIET_TICK_MS = 1000, /* otherwise */
    PROBE_START_MS = 200, /* between questions to a worker that loads */
    PROBE_DRAIN_MS = 200,
    PROBE_MS = 1000,
    PROBE_TIMEOUT_MS = 2000,
    SETTLE_MS = 1000, /* after draining began, jobs that were under way to it have come */
    KILL_AGAIN_MS = 2000,
};

struct supervisor {
    struct loop *loop;
    struct http_client *client;
    struct supervisor_options options;
    supervised_fn *on_event;
    void *data;
    struct list workers; /* supervised::link, oldest first */
    size_t count;
    struct loop_timer tick;
    struct sampler *sampler;
    uint64_t sampled_ms;
    uint32_t ports_tried; /* where in the range the next search begins; at first anywhere, so that
                             hives of one machine do not meet */
    char logs_dir[STATE_PATH_SIZE], tokens_dir[STATE_PATH_SIZE];
    void (*on_stopped)(void *data); /* NULL: not stopping */
    void *on_stopped_data;
};

void supervisor_emit(struct supervised *w, enum supervised_event what);
void supervisor_tick_soon(struct supervisor *s);

/* launch.c */
MUST_CHECK int launch(struct supervised *w, const char *model_path, struct err *err);
void launch_clean_up(struct supervised *w); /* its token file and cgroup */

/* probe.c: ask when it is time; the answer goes to lifecycle_answered() or _missed(). */
void probe_when_due(struct supervised *w, uint64_t now_ms);
struct endpoint probe_endpoint(const struct supervised *w);

/* lifecycle.c */
struct worker_info;
void lifecycle_step(struct supervised *w, uint64_t now_ms); /* may end in SUPERVISED_GONE */
void lifecycle_loading(struct supervised *w, int progress_pct);
void lifecycle_ready(struct supervised *w);
void lifecycle_answered(struct supervised *w, const struct worker_info *info);
void lifecycle_missed(struct supervised *w);
void lifecycle_stop(struct supervised *w, bool now);
void lifecycle_on_exit(void *data, int exit_code, int signal_number); /* a child_exit_fn */
