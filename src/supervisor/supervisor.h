/*
 * supervisor - the workers of one machine: starts each in a process group (and cgroup) of
 * its own, watches it come up, answer and end, and stops it in steps.
 *
 *     starting --> ready <-> busy --> draining --> gone
 *         |          |
 *         +----------+--> failed --> gone, after a while
 *
 * It decides nothing: a worker that died stays dead until somebody asks for another.
 * A worker is ready when GET /health says 200; GET /info tells its load each second.
 * Stopping is: draining (nothing new is offered, until it is idle or the deadline), then
 * SIGTERM, then SIGKILL for its whole group.
 */
#pragma once

#include "base/err.h"
#include "base/labels.h"
#include "base/list.h"
#include "models/models.h"
#include "registry/worker.h"
#include "supervisor/cgroup.h"
#include "supervisor/leftover.h"
#include "supervisor/port_range.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;
struct loop;
struct supervisor;

enum { DEVICE_ID_SIZE = 64 };

struct supervisor_options {
    const char *program;               /* the worker's executable */
    const char *state_dir;             /* logs/ and tokens/ are made in it */
    const char *models_dir;            /* to name the models of leftovers */
    leftover_fn *on_leftover;          /* told by supervisor_new(); with its `data` */
    const char *id_prefix;             /* worker ids are PREFIX-xxxxxx */
    const char *listen_host;           /* where workers listen */
    const char *address;               /* where others reach them */
    const char *proc_root;             /* "/proc" */
    const struct cgroup_tree *cgroups; /* NULL: process groups only */
    struct port_range ports;
    unsigned cores;        /* to share out */
    uint64_t start_ms;     /* from start to ready, at most */
    uint64_t drain_ms;     /* from draining to SIGTERM, at most */
    uint64_t terminate_ms; /* from SIGTERM to SIGKILL */
    uint64_t silent_ms;    /* without an answer: failed until it answers again */
    uint64_t keep_failed_ms;
};
void supervisor_options_init(struct supervisor_options *o); /* times and "/proc"; no paths */

/* What to start. Zero or "" is the default. */
struct worker_spec {
    char model[MODEL_REF_SIZE];       /* the reference */
    char model_path[MODEL_PATH_SIZE]; /* the file behind it */
    char device[DEVICE_ID_SIZE];      /* "cpu" */
    uint32_t slots, threads, ctx;
    struct labels labels; /* copied */
};

enum supervised_phase {
    SUPERVISED_RUNNING,
    SUPERVISED_DRAINING,
    SUPERVISED_TERMINATING,
    SUPERVISED_KILLING,
    SUPERVISED_DEAD, /* failed, and kept to be seen */
};

/* A worker. Read-only for all but the supervisor. */
struct supervised {
    struct worker_facts facts; /* as telemetry tells them; without GPU figures */
    char device[DEVICE_ID_SIZE];
    uint32_t threads, ctx;
    int progress_pct; /* of loading; -1: not said */
    int failure;      /* once it has ended by itself: which error that is to a caller */
    unsigned missed;  /* questions in a row that it did not answer */
    enum supervised_phase phase;

    /* supervisor-private */
    struct supervisor *owner;
    struct child *child; /* NULL once it has ended */
    struct http_fetch *probe;
    struct list link;
    char cgroup[CGROUP_PATH_SIZE];
    uint64_t started_ms, probed_ms, answered_ms;
    uint64_t stop_began_ms, phase_ends_ms;
    bool gave_up; /* it is killed because it did not get ready */
};

enum supervised_event {
    SUPERVISED_PROGRESS, /* loading: progress_pct changed */
    SUPERVISED_READY,    /* for the first time */
    SUPERVISED_CHANGED,  /* another state, or silent, or answering again */
    SUPERVISED_FAILED,   /* it ended by itself, or never got ready: facts.reason */
    SUPERVISED_GONE,     /* out of the list; the pointer is dead afterwards */
};

/* Never called inside a call made on the supervisor, but for supervisor_free(). */
typedef void supervised_fn(void *data, const struct supervised *w, enum supervised_event what);

/* `options` and what it points at are borrowed. ERR_SYSTEM when the state directory cannot
 * be used, which must be locked. Leftovers of a hive that crashed are cleared away. */
MUST_CHECK int supervisor_new(struct loop *loop, struct http_client *client,
                              const struct supervisor_options *options, supervised_fn *on_event,
                              void *data, struct supervisor **ret, struct err *err);
void supervisor_free(struct supervisor *s); /* kills what is left; NULL is fine */

/*
 * Start a worker. Errors: ERR_UNAVAILABLE (no free port, or stopping), ERR_LIMIT (too many
 * workers), ERR_SYSTEM (cannot execute it, or write its files).
 */
MUST_CHECK int supervisor_spawn(struct supervisor *s, const struct worker_spec *spec,
                                const struct supervised **ret, struct err *err);

/* Stop one, in steps; `now` skips draining. Idempotent. */
void supervisor_stop_worker(struct supervisor *s, const struct supervised *w, bool now);

/* Stop all and refuse new ones; `on_done` runs once, in a later turn. */
void supervisor_stop(struct supervisor *s, void (*on_done)(void *data), void *data);

const struct supervised *supervisor_find(const struct supervisor *s, const char *worker_id);

/* In order of starting: first and next, NULL at the end. */
const struct supervised *supervisor_first(const struct supervisor *s);
const struct supervised *supervisor_next(const struct supervisor *s, const struct supervised *w);
size_t supervisor_count(const struct supervisor *s);

/* What a worker would get that asks for no number: max(1, cores - 1 - given). */
uint32_t supervisor_threads_left(const struct supervisor *s);
