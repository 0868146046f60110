/*
 * machine - what a hive has in its hands: this machine's workers, GPUs and models, the
 * jobs it was asked to do with them, and the queens that are told.
 *
 * The parts are public to the hive's own files (operations, reports, routes); each
 * changes only through its own functions.
 */
#pragma once

#include "base/err.h"
#include "base/labels.h"
#include "base/list.h"
#include "gpu/gpu.h"
#include "hive/options.h"
#include "models/models.h"
#include "supervisor/supervisor.h"

#include <stdbool.h>
#include <stdint.h>

struct heartbeat;
struct http_client;
struct http_server;
struct job_table;
struct loop;
struct metrics;
struct model_watch;

enum { COMMANDS_KEPT = 64, COMMAND_ID_SIZE = 64 };

struct machine {
    const struct hive_options *options; /* borrowed */
    struct loop *loop;                  /* borrowed */
    struct http_client *client;
    struct http_server *server; /* borrowed, for its figures */
    struct cgroup_tree cgroups;
    struct supervisor_options supervisor_options;
    struct supervisor *supervisor;
    struct gpu_watch *gpu_watch;
    struct gpu_sample gpu; /* the last look */
    bool has_gpu;          /* there was one */
    struct model_watch *model_watch;
    struct model_list models; /* the last scan */
    char models_problem[256]; /* why the directory cannot be read; "" while it can */
    struct job_table *jobs;
    struct list awaited; /* jobs about workers and models: hive/awaited.h */
    struct heartbeat *heartbeat;
    struct metrics *metrics;
    char commands[COMMANDS_KEPT][COMMAND_ID_SIZE]; /* ids of those last run, as a ring */
    size_t commands_next;
    uint64_t capabilities; /* grows when devices or models change */
    uint16_t port;         /* ours, once bound */
    bool is_stopping;
    uint64_t started_ms, started_wall_ms;
    void (*on_shutdown)(void *data); /* POST /v1/shutdown */
    void *on_shutdown_data;
};

/* ERR_SYSTEM when the state directory cannot be used. `options` are borrowed. */
MUST_CHECK int machine_new(struct loop *loop, const struct hive_options *options,
                           struct machine **ret, struct err *err);
void machine_free(struct machine *m); /* kills workers that are left; NULL is fine */

/* The port is known: begin to report. */
void machine_start(struct machine *m, uint16_t port);

/* Stop every worker and tell the queens; `on_done` runs once, in a later turn. */
void machine_stop(struct machine *m, void (*on_done)(void *data), void *data);

enum hive_status machine_status(const struct machine *m);

/* How well it is; the reason goes to `ret`, "" when all is well. */
enum hive_health machine_health(const struct machine *m, char *ret, size_t size);

/* Is `id` "cpu" or a GPU that is there? */
bool machine_has_device(const struct machine *m, const char *id);
