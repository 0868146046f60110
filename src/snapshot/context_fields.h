/*
 * context_fields - the names that rows have in JSON: one table per kind of row, which the
 * reader and the writer of contexts share. For snapshot/context_*.c alone.
 */
#pragma once

#include "snapshot/snapshot.h"

enum context_kind {
    /* Members of the row as they are. */
    CONTEXT_TEXT,
    CONTEXT_LIST, /* of strings */
    CONTEXT_MAP,  /* of strings */
    CONTEXT_BOOL, /* uint8_t */
    CONTEXT_U32,
    CONTEXT_U64,
    CONTEXT_BITS,     /* uint64_t that scripts see as a signed integer */
    CONTEXT_NUMBER,   /* double */
    CONTEXT_POSITIVE, /* double; negative: not said */
    CONTEXT_NESTED,   /* an object with a table of its own over the same row */

    /* Others: each has its own reading, and writing unless it is an alias. */
    CONTEXT_BYTES, /* a count of bytes; the member counts MB */
    CONTEXT_STATUS,
    CONTEXT_LIVENESS,
    CONTEXT_HEALTH, /* a pool's status */
    CONTEXT_PRIORITY,
    CONTEXT_DEADLINE,
    CONTEXT_MODEL, /* a worker's */
    CONTEXT_GPU_IDS,
    CONTEXT_GPUS,    /* of a pool, objects */
    CONTEXT_COUNT,   /* of GPUs; a list counts its items */
    CONTEXT_MEMBERS, /* a pool's workers: objects or ids */
    CONTEXT_GPU_FREE,
    CONTEXT_LOADS,
    CONTEXT_WARM,
    CONTEXT_TRIED,
    CONTEXT_KIND_COUNT_,
};

enum {
    CONTEXT_ALIAS = 1, /* read, never written */
    CONTEXT_KEEP = 2,  /* readable under its own name, too */
};

struct context_table;
struct context_field {
    const char *name;
    enum context_kind kind;
    uint16_t offset;
    uint32_t given; /* bit of the row's `given` that its presence sets; 0: none */
    unsigned flags;
    const struct context_table *nested;
};
struct context_table {
    const struct context_field *fields;
    size_t len;
    uint16_t given, extras; /* offsets; CONTEXT_NO_MEMBER: the row has none */
};
#define CONTEXT_NO_MEMBER UINT16_MAX

extern const struct context_table context_workers, context_pools, context_gpus, context_models,
    context_tenants, context_jobs, context_metrics;

/* Words of enums, NULL-terminated, in the enum's order. */
extern const char *const context_statuses[],
    *const context_livenesses[], *const context_healths[], *const context_priorities[];
