/*
 * client - HTTP/1.1 calls to other daemons and engines, over kept connections.
 *
 * A call ends exactly once: by on_end (never inside a call made on it), or by
 * http_call_cancel(), after which no callback runs. The pointer is dead after
 * either. Connections are kept per endpoint, newest used first; a kept one that
 * dies before the first byte of the answer is replaced by a fresh one, once and
 * silently. Bytes on an idle kept connection, or after an answer, close it.
 */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "loop/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct http_client;
struct http_call;

struct http_client_options {
    size_t idle_per_endpoint_max; /* kept connections; 256 */
    uint64_t idle_timeout_ms;     /* a kept connection without use; 30 s */
};
void http_client_options_init(struct http_client_options *o);

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options);
void http_client_free(struct http_client *c); /* every call ended before */

/* Drop the kept connections to an endpoint (its worker has gone). */
void http_client_forget(struct http_client *c, const struct endpoint *to);

struct http_call_timeouts { /* 0: none */
    uint64_t connect_ms;
    uint64_t first_byte_ms; /* request sent to the head of the answer */
    uint64_t between_ms;    /* without a byte while the body comes; not counted while paused */
    uint64_t total_ms;
};

enum { HTTP_CALL_HEADERS_MAX = 12 };

struct http_call_options {
    struct endpoint to;
    const char *method;
    struct str target;        /* "/v1/jobs?x=1" */
    const char *host;         /* Host header; NULL: endpoint_text(), "localhost" for unix */
    const char *bearer;       /* NULL or "": none */
    const char *content_type; /* NULL: none */
    struct str body;          /* borrowed until on_head or on_end: kept by the caller */
    struct {
        const char *name;
        struct str value;
    } headers[HTTP_CALL_HEADERS_MAX]; /* NULL name ends early; copied */
    struct http_call_timeouts timeouts;
    bool fresh; /* do not use a kept connection */
};

enum http_call_end {
    HTTP_CALL_DONE,    /* the answer ended properly */
    HTTP_CALL_CONNECT, /* no connection, also not within connect_ms: nothing was sent */
    HTTP_CALL_CUT,     /* reset or closed before the answer's proper end */
    HTTP_CALL_GARBAGE, /* not HTTP, or over the limits */
    HTTP_CALL_TIMEOUT,
};

struct http_call_events {
    /* The head of the final answer (1xx are swallowed). May be NULL. */
    void (*on_head)(void *data, struct http_call *call, unsigned status);
    /* A piece of the body, valid during the call. All pieces of one read come
     * before control returns to the loop. */
    void (*on_body)(void *data, struct http_call *call, struct str piece);
    /* All pieces of one read have been given: write them out now. May be NULL. */
    void (*on_read_end)(void *data, struct http_call *call);
    /* `err` is NULL for HTTP_CALL_DONE, else says what happened and to whom. */
    void (*on_end)(void *data, enum http_call_end how, const struct err *err);
};

struct http_call *http_call_start(struct http_client *c, const struct http_call_options *options,
                                  const struct http_call_events *events, void *data);
void http_call_cancel(struct http_call *call); /* closes its connection at once; NULL is fine */

void http_call_pause(struct http_call *call); /* stop reading; idempotent */
void http_call_resume(struct http_call *call);

/* Only inside on_head: */
struct str http_call_header(const struct http_call *call, const char *name);
int64_t http_call_content_length(const struct http_call *call); /* -1 unknown */

/*
 * The common small call: the whole answer, up to `answer_bytes_max`, in one
 * callback. `how` as above (ERR_LIMIT in `err` when the answer was longer).
 */
typedef void http_fetch_fn(void *data, enum http_call_end how, unsigned status, struct str body,
                           const struct err *err);
struct http_fetch;
struct http_fetch *http_fetch_start(struct http_client *c, const struct http_call_options *options,
                                    size_t answer_bytes_max, http_fetch_fn *on_done, void *data);
void http_fetch_cancel(struct http_fetch *f); /* NULL is fine */
