/*
 * queen - the running queen: the core, and the effect handlers that carry out what
 * it decides. Routes (api_*.c) turn requests into events; actions come back here and
 * are handed to the flight (api/flight.h) of the job they are about.
 *
 * Nothing here decides. Nothing in the core knows that this exists.
 */
#pragma once

#include "api/policies.h"
#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/metrics.h"
#include "http/client.h"
#include "http/guard.h"
#include "http/server.h"
#include "loop/loop.h"
#include "proxy/probe.h"
#include "proxy/proxy.h"
#include "scheduler/core.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job_table;
struct heartbeat_feed;
struct policies;

enum { QUEEN_WORKER_ADDRESSES_MAX = 64 };

struct queen_config {
    const char *mode; /* "home", "lab", "platform" */
    struct core_options core;
    struct policies_config policies;
    struct run_timeouts timeouts; /* proxy/target.h */
    uint64_t stream_comment_ms;   /* idle comment of job streams: 15 s */
    size_t replay_job_bytes_max;  /* job events kept for replay: 4 MiB a job */
    size_t replay_bytes_max;      /* 256 MiB in all */
    uint64_t replay_after_end_ms; /* 300 s */
    char worker_addresses[QUEEN_WORKER_ADDRESSES_MAX][ADDRESS_SIZE]; /* allowed in heartbeats
                                                                        beside the peer's own */
    size_t worker_addresses_len;
    const struct guard *guard; /* borrowed; its hive token is shown to hives */
    const char *models_file;   /* known references, one a line; NULL: not kept */
};
void queen_config_init(struct queen_config *c);

struct queen {
    struct loop *loop; /* borrowed */
    struct queen_config config;
    struct core *core;
    struct http_client *client;
    struct proxy *proxy;        /* runs on workers */
    struct http_server *server; /* borrowed; for its figures and for draining */
    struct metrics *metrics;
    struct probe *probe;                 /* watches static workers */
    struct job_table *jobs;              /* native jobs and their events */
    struct heartbeat_feed *feed;         /* GET /v1/heartbeats/stream */
    struct map flights;                  /* job id -> struct flight */
    struct loop_timer tick;              /* when the core wants its CORE_TICK */
    struct loop_deadlines queue_updates; /* comments to clients that asked for them */
    uint64_t started_wall_ms, started_ms;
    bool handling; /* inside queen_event(): no second one may begin */
    bool is_draining;
    struct list forwards;              /* op_forward.c: operations that hives carry out now */
    struct list effects;               /* effects.c: starts and evictions under way */
    struct policies *policies;         /* NULL until queen_begin() */
    void (*on_shutdown)(void *daemon); /* POST /v1/shutdown; set by main */
    void (*on_idle)(void *daemon);     /* nothing runs any more, while draining; set by main */
    void *daemon;                      /* what both get */
};

/* Never NULL. `config` is copied, what it points at is borrowed. */
struct queen *queen_new(struct loop *loop, const struct queen_config *config);

/* Open the policies and load the one that shall decide; before any event. Turns the loop
 * until it is loaded. Errors: what is wrong with it, or with the directory of versions. */
MUST_CHECK int queen_begin(struct queen *q, struct err *err);
void queen_free(struct queen *q); /* after queen_end_all() and http_server_free() */

/* Give the core one event (now_ms is filled in here) and carry out its actions.
 * Not from inside a flight's own effect: effects never call back synchronously. */
void queen_event(struct queen *q, struct core_event *event);

/* A configured endpoint becomes a worker and is probed. ERR_CONFLICT for a second
 * one of the same id. */
MUST_CHECK int queen_add_static_worker(struct queen *q, const struct worker_facts *facts,
                                       struct err *err);

/* References known from an earlier run. ERR_SYSTEM but for a file that is not there. */
MUST_CHECK int queen_load_models(struct queen *q, struct err *err);

/* Stopping begins: streams that would never end by themselves end now, and jobs that wait for a
 * worker that is not there are told so. What runs, or waits for a slot, goes on. */
void queen_stop(struct queen *q);

/* Is there a job, read by anybody or not, or an operation at a hive? */
bool queen_is_busy(const struct queen *q);

/* Fail all of them, each in the words of its kind: the drain deadline has passed. */
void queen_end_all(struct queen *q);

/* Something has ended: when it was the last while draining, on_idle is told. */
void queen_look_idle(struct queen *q);

/* The routes of the queen, for http_server_new() with the queen as its app. */
extern const struct route queen_routes[];
