/* record - what the files of trace/ share. */
#pragma once

#include "trace/trace.h"

#include <assert.h>

struct trace_record {
    uint64_t number;
    uint64_t before;                   /* the one before it about the same job; 0: none */
    size_t bytes;                      /* of this block, with its texts */
    char job_id[JOB_ID_SIZE];          /* that was asked about; "": the whole queue */
    const char (*others)[JOB_ID_SIZE]; /* the jobs that the decisions name beside it */
    size_t others_len;
    uint64_t *links; /* job_index.c's: of its own job, and of each of the others */
    const char *policy, *version, *asked_policy, *message, *decision /* JSON */;
    struct trace_inputs inputs; /* its log is a text of the record's */
    enum policy_failure failure;
    bool dispatches;

    bool has_outcome; /* and below: what became of the job */
    char state[16], worker_id[WORKER_ID_SIZE], error_code[64];
    uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
};

/*
 * Which records are about a job, newest first: a hash table whose chains run through the records
 * themselves. To add one costs a look at one head; a record that goes leaves its chain by itself.
 */
struct job_index {
    uint64_t *heads;
    size_t mask;
};
void job_index_init(struct job_index *x, size_t records_max);
void job_index_deinit(struct job_index *x);

struct trace {
    struct trace_options options;
    struct trace_record **ring; /* by number % records_max; owned */
    uint64_t oldest, newest;
    size_t len, bytes;
    struct job_index by_job;
    struct buf scratch;
};

/* The newest record about this job, or with a decision about it; NULL: none (any more). */
const struct trace_record *job_index_find(const struct trace *t, const char *job_id);
void job_index_add(struct trace *t, struct trace_record *r); /* it is in the ring already */
