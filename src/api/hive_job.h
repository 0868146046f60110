/*
 * hive_job - one operation carried out by a hive, followed to its end: the body goes there
 * (POST /v1/jobs), the hive accepts or refuses, its events come until the closing marker.
 *
 * Ends exactly once: by on_refused, on_end, on_lost, or hive_job_cancel(), after which nothing is
 * called; the pointer is dead then. Cancelling hangs up: what the hive has begun goes on.
 * No callback runs inside hive_job_start(); it must not be cancelled inside on_event.
 */
#pragma once

#include "base/err.h"
#include "base/random.h"
#include "jobs/job.h"
#include "registry/registry.h"

struct queen;
struct hive_job;

struct hive_job_events {
    /* `status` 0: it was not reached, or answered nonsense (`err`); else the hive's own
     * refusal and its body, JSON. */
    void (*on_refused)(void *data, unsigned status, struct str body, const struct err *err);
    void (*on_accepted)(void *data, const char *hive_job_id);
    void (*on_event)(void *data, const char *name, struct str json);
    /* By its marker: JOB_DONE, JOB_CANCELLED, or JOB_FAILED with `err`. */
    void (*on_end)(void *data, enum job_state state, const struct err *err);
    void (*on_lost)(void *data, const struct err *err); /* the stream broke off */
};

/* Never NULL. `hive` and `body` are used during the call only; `events` is borrowed. */
struct hive_job *hive_job_start(struct queen *q, const struct hive *hive, struct str body,
                                const struct hive_job_events *events, void *data);
void hive_job_cancel(struct hive_job *j); /* NULL is fine */
