/*
 * context_reader - what the parts of context_read share: context_read.c (the whole),
 * context_rows.c (which rows there are, how they hang together), context_queue.c (the jobs and
 * their order), context_object.c (the members of one) and context_value.c (the values of those).
 * For them alone.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/map.h"
#include "snapshot/context_fields.h"
#include "snapshot/rows.h"

enum { CONTEXT_PATH_SIZE = 64 };

/* Parts of rows that are read when other rows are there: a list, in order. */
struct later {
    struct later_part {
        struct str raw;
        uint32_t row;
        char path[CONTEXT_PATH_SIZE];
    } * parts; /* owned */
    size_t len, cap;
};

struct reader {
    struct region *r;
    struct snap_header header; /* put when all is read */
    uint32_t arena_used;
    struct arena scratch;                       /* texts without their escapes */
    struct buf items;                           /* a list or map that is being read */
    struct map workers, pools, models, tenants; /* id -> row + 1 */
    struct later members, loads;                /* pools' workers; models' load times */
    int64_t gpu_free_mb;                        /* of the GPU being read; negative: not said */
    struct err err;                             /* the first one; code 0: none */
};

/* What is being read into. */
struct context_target {
    const struct context_field *field;
    const struct context_table *table;
    char *row;
    const char *path;
};

/* Read the value of a member, which context_value.c knows by its kind. True: it is to be kept
 * as it was given, too. */
bool context_read_value(struct reader *x, struct json *j, const struct context_target *t);

/* Read an object into `row` by its table, over what the row holds. What the table does not
 * know, or the row cannot hold exactly, goes to its extras; `ret_is_kept`, for tables whose row
 * has none: there was such a member. `path` names the object in errors. */
void context_read_members(struct reader *x, struct str raw, const struct context_table *table,
                          void *row, const char *path, bool *ret_is_kept);

/* Say what went wrong with an object, in the reader's words. */
void context_fail(struct reader *x, const char *path, const struct err *err);

/* Into the arena. */
struct snap_text context_put_text(struct reader *x, struct str text);
void context_fail_for_room(struct reader *x); /* the arena is full */

/* The row of a model, made when it is not there yet; SNAP_NONE for "", or beyond the limit. */
uint32_t context_model_row(struct reader *x, struct str ref);

/* The row of an id, SNAP_NONE for an unknown one. */
uint32_t context_row(const struct map *rows, struct str id);

/* The next free row of a table; SNAP_NONE, and the error said, when it is full. */
uint32_t context_next_row(struct reader *x, uint32_t *used, uint32_t max, const char *what);

/* Each element of the array `raw` (.p NULL: none is read), with its path. `owner`: what the
 * function is to know of where they stand. */
typedef void context_element_fn(struct reader *x, struct str raw, const char *path, uint32_t owner);
void context_read_elements(struct reader *x, struct str raw, const char *name, uint32_t owner,
                           context_element_fn *element);

/* "workers[3]" */
void context_path(char out[CONTEXT_PATH_SIZE], const char *name, size_t i);

/* The raw parts of a context; .p NULL: not given. */
struct context_parts {
    struct str queue, pools, workers, tenants, models, metrics, config;
};

/* Read all rows, those first that others point at. */
void context_read_rows(struct reader *x, const struct context_parts *parts);

/* Read the jobs, when models, workers and tenants are there, and put them in order. */
void context_read_queue(struct reader *x, struct str raw);
