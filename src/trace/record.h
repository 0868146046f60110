/* record - what the files of trace/ share. */
#pragma once

#include "base/map.h"
#include "trace/trace.h"

struct trace_record {
    uint64_t number;
    uint64_t before;                   /* the one before it about the same job; 0: none */
    size_t bytes;                      /* of this block, with its texts */
    char job_id[JOB_ID_SIZE];          /* that was asked about; "": the whole queue */
    const char (*others)[JOB_ID_SIZE]; /* the jobs that the decisions name beside it */
    size_t others_len;
    const char *policy, *version, *asked_policy, *message, *decision /* JSON */;
    struct trace_inputs inputs; /* its log is a text of the record's */
    enum policy_failure failure;
    bool dispatches;

    bool has_outcome; /* and below: what became of the job */
    char state[16], worker_id[WORKER_ID_SIZE], error_code[64];
    uint64_t tokens_in, tokens_out, queue_ms, ttft_ms, total_ms;
};

struct trace {
    struct trace_options options;
    struct trace_record **ring; /* by number % records_max; owned */
    uint64_t oldest, newest;
    size_t len, bytes;
    struct map by_job; /* job id -> its newest record */
    struct buf scratch;
};
