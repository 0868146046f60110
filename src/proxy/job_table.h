/*
 * job_table - jobs of the dual call whose events are kept, and the clients who follow
 * them: late, twice, and from where they were cut off (Last-Event-ID).
 *
 * Used by queen and hive alike. A record is made when a job is accepted, takes events
 * (jobs/job_events.h), is closed once with a final state, and is forgotten
 * `keep_after_end_ms` later. Events are kept whole up to `job_bytes_max`; beyond it, what
 * some follower has already been sent is dropped from the front, and where nobody reads
 * the record is full: its source must pause until `on_room`. When all records
 * together exceed `total_bytes_max`, ended ones are forgotten early, oldest first, and
 * running ones count as full.
 */
#pragma once

#include "base/err.h"
#include "base/json_write.h"
#include "base/str.h"
#include "jobs/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;
struct job_record;
struct job_table;
struct loop;

struct job_table_options {
    size_t jobs_max;            /* records at once, running ones included; 100,000 */
    size_t job_bytes_max;       /* 4 MiB */
    size_t total_bytes_max;     /* 256 MiB */
    uint64_t keep_after_end_ms; /* 300 s */
    uint64_t comment_every_ms;  /* SSE comment to a follower of a silent job; 15 s */
};
void job_table_options_init(struct job_table_options *o);

/* What the owner of a job is asked and told. Each may be NULL. None may be called
 * again from inside itself. */
struct job_record_owner {
    /* DELETE came: end the work; the owner closes the record with JOB_CANCELLED. */
    void (*cancel)(void *data);
    /* The record was full and has room again. */
    void (*on_room)(void *data);
    /* Text of an idle comment (": queued position=3"), without newline. */
    void (*comment)(void *data, char *text, size_t size);
    /* Members for the state object of a job that has not ended, beside the record's own. */
    void (*describe)(void *data, struct json_out *o);
};

struct job_table *job_table_new(struct loop *loop, const struct job_table_options *options);
void job_table_free(struct job_table *t); /* followers are cut; NULL is fine */
size_t job_table_bytes(const struct job_table *t);

/* A new record in state queued. `operation` and `owner` are borrowed for its life.
 * ERR_LIMIT when jobs_max are running. */
MUST_CHECK int job_table_add(struct job_table *t, const char *job_id, const char *operation,
                             const struct job_record_owner *owner, void *data,
                             struct job_record **ret, struct err *err);

const char *job_record_id(const struct job_record *r);
void job_record_set_state(struct job_record *r, enum job_state state);

/* Told in the job's state, also after its end; "" takes it back. */
void job_record_set_model(struct job_record *r, const char *model);
void job_record_set_worker(struct job_record *r, const char *worker_id);

/* Append an event and send it to the followers. `json` is one object. Returns false
 * when the record is full now: pause the source until on_room (the event is kept). */
bool job_record_event(struct job_record *r, const char *name, struct str json);

/* A `narration` event: progress told to people. */
void job_record_narrate(struct job_record *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The end: events of the final kind go before it. `state` is final; the marker is
 * `[DONE]`, `[CANCELLED]` or `[ERROR] message` by state and `err` (for
 * JOB_FAILED). The owner is not called any more; the pointer is dead for it. */
void job_record_close(struct job_record *r, enum job_state state, const struct err *err);

/* `event: error` with the code in capitals as PROTOCOL has it, then close. */
void job_record_fail(struct job_record *r, const struct err *err);

/* The job was refused after all, before anybody knew its id: forget it at once. */
void job_record_drop(struct job_record *r);

/* --- Routes: GET /v1/jobs, GET and DELETE /v1/jobs/{id}, GET /v1/jobs/{id}/stream.
 * Each answers `req`, errors included (404 not_found, 410 stream_expired). */
void job_table_reply_list(struct job_table *t, struct http_request *req);
void job_table_reply_state(struct job_table *t, struct http_request *req);
void job_table_reply_stream(struct job_table *t, struct http_request *req);
void job_table_reply_delete(struct job_table *t, struct http_request *req);

/* `200 {"job_id","sse_url"}` */
void job_table_reply_accepted(struct http_request *req, const char *job_id);
/* The same for an operation that is over when its id is told: its job has one `end` event, with
 * `result` (one JSON value) in it. */
void job_table_reply_result(struct job_table *t, struct http_request *req, const char *operation,
                            struct str result);
