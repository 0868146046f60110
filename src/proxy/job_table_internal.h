/* job_table_internal - shared by job_table.c (records), job_feed.c (followers) and
 * job_replies.c (routes); for nobody else. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "jobs/job_events.h"
#include "loop/loop.h"
#include "proxy/job_table.h"

struct job_table {
    struct loop *loop; /* borrowed */
    struct job_table_options options;
    struct map by_id;
    struct list all;     /* job_record::in_all, oldest first */
    struct list waiting; /* job_record::in_waiting: full, their sources pause */
    size_t running;
    size_t bytes; /* of all records' events */
    struct loop_deadlines expiry, comments;
};

struct job_record {
    struct job_table *table;
    char id[JOB_ID_SIZE];
    const char *operation;                /* borrowed */
    const struct job_record_owner *owner; /* NULL once closed */
    void *owner_data;
    enum job_state state;
    struct job_events events;
    size_t bytes_counted; /* what table->bytes holds of this record */
    uint64_t created_wall_ms, ended_wall_ms;
    char error_code[64]; /* of a failed job */
    char model[MODEL_REF_SIZE], worker_id[WORKER_ID_SIZE]; /* "": not said */
    struct list in_all, in_waiting;
    struct list followers; /* follower::link */
    struct loop_deadline expiry;
};

struct follower {
    struct list link; /* in job_record::followers */
    struct job_record *record;
    struct http_request *req;
    uint64_t at; /* offset of the stream sent so far */
    struct loop_deadline comment;
};

/* job_table.c */
void job_record_make_room(struct job_record *r);

/* job_feed.c */
void job_feed_start(struct job_record *r, struct http_request *req, uint64_t at);
void job_feed_pump_all(struct job_record *r);
void job_feed_cut_all(struct job_record *r);
uint64_t job_feed_furthest(const struct job_record *r); /* 0 without followers */
void job_feed_on_comment(struct loop_deadline *deadline);
