/*
 * native_internal - what the files of native_run share; nobody else includes it.
 *
 * A kind of worker is a row of functions here; what runs of all kinds have in common
 * (counting tokens, ending once, leaving) is native_run.c's.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "proxy/native_run.h"
#include "proxy/worker_call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NATIVE_JOB_ID_SIZE = 129,            /* with the NUL */
    NATIVE_TEXT_BYTES_MAX = 1024 * 1024, /* of one token */
};

struct native_kind {
    void (*start)(struct native_run *run, const struct native_run_options *options);
    /* Begin to tell the worker to stop, and say whether that takes time: the run then
     * lives on without its owner until native_run_free(). */
    bool (*leave)(struct native_run *run);
};
extern const struct native_kind native_rbee, native_openai;

struct native_run {
    const struct native_kind *kind;
    struct proxy *proxy;                    /* borrowed */
    const struct native_run_events *events; /* borrowed; NULL once the owner has left */
    void *data;
    struct list leaving; /* in proxy::runs_leaving, or alone */
    struct worker_call call;
    struct target worker;
    struct buf body; /* what the worker is asked, until it has begun to answer */
    char request_id[72], traceparent[64];

    char job_id[NATIVE_JOB_ID_SIZE]; /* rbee: at the worker; "" while not known */
    struct buf accepted;             /* rbee: answer to the POST */
    bool has_started, has_end;

    uint64_t tokens;         /* given to on_token */
    uint64_t first_token_ms; /* loop time */
    struct native_run_result result;
};

/* --- native_run.c: for the kinds */
void native_run_call(struct native_run *run, const char *method, struct str target,
                     enum worker_call_type type, const char *doing,
                     const struct worker_call_events *events);
void native_run_tell_started(struct native_run *run); /* only the first time */
/* `raw` is a JSON string. False: it is none, `fault` says so. */
bool native_run_tell_token(struct native_run *run, struct str raw, struct run_fault *fault);
void native_run_end(struct native_run *run);
void native_run_fail(struct native_run *run, const struct run_fault *fault);
void native_run_free(struct native_run *run);

/* --- native_body.c */
/* The fields of a job that workers of `kind` know, under their names there. */
void native_body_write(const struct native_run_options *options, enum worker_kind kind,
                       struct buf *out, bool *ret_is_chat);
