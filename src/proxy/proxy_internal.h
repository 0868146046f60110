/*
 * proxy_internal - what the files of the proxy share; nobody else includes it.
 *
 *   target.c        a worker's address, kind and token
 *   proxy.c         what all runs share
 *   run_fault.c     why a run failed, in words
 *   refusal.c       a worker's error answer, read
 *   worker_call.c   one HTTP call to a worker, watched and judged
 *   completion.c    one frame of an OpenAI stream, read
 *   relay.c         an OpenAI answer, carried
 *   native_run.c    a native job, whatever its worker's kind
 *   native_rbee.c   ... by the dual call
 *   native_openai.c ... by a streamed completion
 *   native_body.c   what a worker is asked
 *   probe.c         is it there (again)?
 *
 * The job_*.c are a noun of their own: job_table.h.
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"
#include "proxy/proxy.h"

enum {
    /* One read, what was held before it, and one event that it completes. */
    PROXY_OUT_BYTES_MAX = 2 * 1024 * 1024,
    PROXY_LINGER_MS = 1000,   /* from a stream's `[DONE]` to the end of its HTTP message */
    PROXY_LEAVING_MS = 10000, /* for a cancellation to arrive */
    PROXY_LEAVING_MAX = 4096, /* cancellations on their way at one time */
};

struct proxy {
    struct loop *loop; /* borrowed, as is the client */
    struct http_client *client;
    struct run_timeouts timeouts;
    struct loop_deadlines first_token, between, linger, leaving; /* worker_call::waiting */
    struct loop_deadlines total;                                 /* worker_call::total */
    struct buf out;           /* what a relay has to write after this read; empty between reads */
    struct list runs_leaving; /* native_run::leaving: cancelled, but their workers not told yet */
    size_t runs_leaving_len;
};
