/*
 * core_drive_private - what the parts of the drive share: core_drive.c (events),
 * core_drive_policy.c (those of policies), core_drive_check.c (promises).
 */
#pragma once

#include "scheduler/core.h"
#include "scheduler/core_drive.h"

enum {
    HIVES = 3,
    WORKERS = 6, /* "w0" ...: any hive may report any of them */
    STATICS = 2, /* "w6", "w7" */
    MODELS = 3,
    JOBS_MAX = 64, /* at a time */
    QUEUE_MAX = 12,
    QUEUE_BYTES_MAX = 1000,
    QUEUE_TIMEOUT_MS = 20000,
    ATTEMPTS_MAX = 3,
    STARTS_MAX = 2,
};

/* What the actions and events so far say about one job. */
struct shadow {
    char id[JOB_ID_SIZE]; /* "" where none lives */
    enum job_state state;
    unsigned attempt;
    char worker_id[WORKER_ID_SIZE]; /* while it runs */
    char tried[ATTEMPTS_MAX][WORKER_ID_SIZE];
    bool is_unanswered; /* since it arrived */
    struct job_spec spec;
};

struct drive {
    const uint8_t *bytes;
    size_t len;
    struct core *core;
    uint64_t now_ms;
    unsigned arrived;
    struct shadow jobs[JOBS_MAX];
    bool has_policy;
    uint64_t asked;   /* the last question's number */
    unsigned out;     /* how many of the last ones are not answered */
    bool asked_all;   /* the last one is about the whole queue */
    uint64_t decided; /* the last decision's number */
    uint64_t numbers; /* of starts and evictions */
    struct buf *log;
};

/* Bytes as choices; zeroes when there are none left. */
unsigned drive_take(struct drive *d);
unsigned drive_below(struct drive *d, unsigned bound);
bool drive_one_in(struct drive *d, unsigned n);
void drive_name(char *out, size_t size, char kind, unsigned number); /* "w3" */

/* Let the core handle it now, and check what it does and what then holds. */
void drive_handle(struct drive *d, struct core_event *event);

void drive_policy(struct drive *d);
void drive_policy_state(struct drive *d);
void drive_answer(struct drive *d);
void drive_ended(struct drive *d);
