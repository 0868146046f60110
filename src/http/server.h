/*
 * server - an HTTP/1.1 server: listeners, connections, one exchange at a time per
 * connection (pipelined requests wait their turn), whole request bodies up to a
 * cap, answers at once, later, or as a stream.
 *
 * An exchange (struct http_request) is born when its body is complete and the
 * guard has let it in, and handed to its route's function. It ends exactly once:
 *   - by the handler: http_reply*(), http_stream_end() or http_stream_abort(): the
 *     pointer is dead for the handler after that call, no callback follows; or
 *   - by the world (client gone, stalled, drain deadline): `on_gone` of
 *     http_request_watch() runs, never inside a call made on the request; the
 *     pointer is dead after it returns; until then it can be read, and what is
 *     written goes nowhere. A handler that answers later must watch (asserted).
 * A half-close of the client counts as leaving while its answer has not ended.
 * Each end is one line in the log: at info for a 5xx and for a client that left (499),
 * ten a second at most; else at debug.
 *
 * Everything about the request (method, path, headers, body) is borrowed and stays
 * valid until the exchange ends, or until http_request_release() gives its memory
 * back early (a long stream should).
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "http/guard.h"
#include "http/route.h"
#include "loop/endpoint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct loop;
struct http_server;
struct http_request;

struct http_server_options {
    size_t body_bytes_max;    /* default per route: 32 MiB */
    size_t bodies_bytes_max;  /* all bodies being held at once; beyond: 503 limit_reached; 1 GiB */
    size_t connections_max;   /* accepted beyond it: answered 503 and closed; 16,384 */
    uint64_t head_timeout_ms; /* first byte of a request to the end of its head: 408; 10 s */
    uint64_t idle_timeout_ms; /* keep-alive without a request; 75 s */
    uint64_t body_stall_ms;   /* no progress of a request body: 408; 10 s (and body_rate_min) */
    size_t body_bytes_per_s_min; /* average over the whole body, after 10 s: slower is 408; 256 */
    uint64_t write_stall_ms;     /* a client that takes nothing this long is cut; 60 s */
    const struct guard *guard;   /* borrowed */
    const char *server_name;     /* "queen-rbee", for the log */
};

/* The defaults named above. */
void http_server_options_init(struct http_server_options *o);

/* `routes` (http/route.h) and `app` are borrowed; `app` is what handlers get. */
struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    const struct route *routes, void *app);
void http_server_free(struct http_server *s); /* cuts what is left; NULL is fine */

/* May be called several times. `ret_bound` may be NULL. Errors: listener_open()'s. */
MUST_CHECK int http_server_listen(struct http_server *s, const struct endpoint *at,
                                  struct endpoint *ret_bound, struct err *err);

/*
 * Stop accepting, answer with "Connection: close", wait for running exchanges up
 * to `deadline_ms`, then cut the rest; `on_done` runs once, in a later turn.
 */
void http_server_drain(struct http_server *s, uint64_t deadline_ms, void (*on_done)(void *data),
                       void *data);

struct http_server_stats {
    size_t connections, exchanges;
    size_t bodies_bytes; /* held now */
    uint64_t accepted_total, requests_total, refused_total;
    uint64_t aborted_total; /* clients gone before their answer ended */
};
void http_server_get_stats(const struct http_server *s, struct http_server_stats *ret);

/* --- The request ------------------------------------------------------- */

void *http_request_app(const struct http_request *r);
struct loop *http_request_loop(const struct http_request *r);
struct str http_request_method(const struct http_request *r);
struct str http_request_path(const struct http_request *r);                /* without the query */
struct str http_request_query(const struct http_request *r);               /* raw, without '?' */
struct str http_request_param(const struct http_request *r, size_t index); /* of the pattern */

/* The same, percent-decoded into `dst`; false when it is broken or too long. */
bool http_request_param_text(const struct http_request *r, size_t index, char *dst, size_t size);

/* The first header of that name (case does not matter); empty when absent. */
struct str http_request_header(const struct http_request *r, const char *name);

/* Visit every header whose name begins with `prefix` (X-Rbee-Label-). */
void http_request_headers_each(const struct http_request *r, const char *prefix,
                               void (*visit)(void *data, struct str name, struct str value),
                               void *data);

/* A query parameter, percent-decoded into `dst`; false when absent or too long. */
bool http_request_query_param(const struct http_request *r, const char *name, char *dst,
                              size_t size);

struct str http_request_body(const struct http_request *r);

/* Move the body out (then http_request_body() is empty): a heap block that the
 * caller frees; it no longer counts towards bodies_bytes_max. */
char *http_request_take_body(struct http_request *r, size_t *ret_len);

/* X-Request-Id or X-Correlation-Id when it is [A-Za-z0-9-]{1,64}, else made. It is
 * answered as x-request-id by itself. NUL-terminated. */
const char *http_request_id(const struct http_request *r);

void http_request_peer(const struct http_request *r, struct endpoint *ret);
uint64_t http_request_began_us(const struct http_request *r); /* monotonic: head complete */

/* May the caller act in `role`? For operations with a role of their own. */
MUST_CHECK int http_request_check_role(const struct http_request *r, enum route_role role,
                                       struct err *err);

/* Give back the memory of head and body; accessors answer "" afterwards, but the
 * request id stays. */
void http_request_release(struct http_request *r);

struct http_watch {
    void (*on_gone)(void *data);  /* the exchange has ended without the handler; see above */
    void (*on_drain)(void *data); /* the queue fell to STREAM_LOW_WATER; may be NULL */
};
void http_request_watch(struct http_request *r, const struct http_watch *watch, void *data);

/* --- The answer -------------------------------------------------------- */

/* A header of the answer, before its head goes out. A value with CR or LF is
 * dropped and logged (our bug, or a worker's). */
void http_reply_header(struct http_request *r, const char *name, struct str value);

/* The whole answer. `body` is copied as far as the socket does not take it. */
void http_reply(struct http_request *r, unsigned status, const char *content_type, struct str body);

/* The whole answer from `err`: status, Retry-After, and a body in the shape of the
 * route (OpenAI or native). `err->code` of 0 is a bug (assert). */
void http_reply_error(struct http_request *r, const struct err *err);

enum { HTTP_LENGTH_UNKNOWN = -1 };

/*
 * Begin an answer that comes in pieces: chunked (close-delimited for HTTP/1.0
 * clients) or, with a length, exactly that long. The head waits for the first
 * piece, to leave in the same packet; http_stream_flush() sends it at once.
 */
void http_stream_begin(struct http_request *r, unsigned status, const char *content_type,
                       int64_t content_length);
void http_stream_flush(struct http_request *r);
void http_stream_writev(struct http_request *r, const struct iovec *iov, size_t iov_len);
void http_stream_write(struct http_request *r, const void *bytes, size_t len);
size_t
http_stream_queued(const struct http_request *r); /* pause the source above STREAM_HIGH_WATER */
bool http_stream_begun(const struct http_request *r);
void http_stream_end(struct http_request *r);

/* Cut the connection without a proper end, so that no client takes it for whole.
 * What is queued is sent first (an in-band error event). */
void http_stream_abort(struct http_request *r);

/* "{"error":{...}}" in either shape, as http_reply_error() writes it. */
void http_error_body(const struct err *err, bool openai, const char *request_id, struct buf *out);
