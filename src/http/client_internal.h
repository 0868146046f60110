/*
 * client_internal - what the files of the client share; nobody else includes it.
 *
 *   client.c      the client, and the heads of its requests
 *   call.c        a call: attempts, sending, deadlines, its end
 *   call_answer.c what comes back
 *   pool.c        connections: opened, lent to a call, kept idle, closed
 *   timeouts.c    deadlines of whatever lengths the calls ask for
 *   fetch.c       a call whose whole answer comes in one piece
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "http/client.h"
#include "http/http1.h"
#include "loop/loop.h"
#include "loop/stream.h"

/* --- timeouts.c */

/* Deadlines of one length. Never freed before the client: their lengths are few. */
struct timeout_queue {
    struct list link; /* in timeouts::queues */
    struct loop_deadlines deadlines;
};

struct timeouts {
    struct loop *loop;
    struct list queues; /* the last asked for first */
    size_t queues_len;
    loop_deadline_fn *fire;
};

void timeouts_init(struct timeouts *t, struct loop *loop, loop_deadline_fn *fire);
void timeouts_deinit(struct timeouts *t);

/* The queue for that length, NULL for 0. Exact for the first lengths asked for,
 * later ones are rounded up by at most a sixteenth. */
struct loop_deadlines *timeouts_get(struct timeouts *t, uint64_t after_ms);

/* --- pool.c */

/* The connections to one endpoint. Exists while there is one, or a call wants one. */
struct pool {
    struct http_client *client; /* borrowed */
    struct endpoint to;
    char name[ENDPOINT_TEXT_SIZE];
    struct list idle; /* client_connection::link, newest last */
    size_t idle_len;
    size_t users; /* connections, and calls between two of them */
};

struct client_connection {
    struct list link;              /* in pool::idle, or alone */
    struct loop_deadline deadline; /* armed while idle */
    struct pool *pool;
    struct stream *stream;
    struct http_call *call; /* NULL while idle */
    bool is_reading;
};

struct pool *pool_ref(struct http_client *c, const struct endpoint *to);
void pool_unref(struct pool *p);

/* The newest idle connection, lent to `call`; NULL when there is none. */
struct client_connection *pool_take(struct pool *p, struct http_call *call);

/* A new one: call_on_connect() follows, in a later turn. */
struct client_connection *pool_open(struct pool *p, struct http_call *call);
void pool_keep(struct client_connection *c); /* idle from now on */
void pool_close(struct client_connection *c, bool with_reset);
void pool_read(struct client_connection *c, bool on);
void pool_on_idle_end(struct loop_deadline *deadline);

/* --- client.c */

struct http_client {
    struct loop *loop; /* borrowed */
    struct http_client_options options;
    struct map pools; /* endpoint_text() -> struct pool */
    struct loop_deadlines idle;
    struct timeouts phases, totals;
    struct http1_head head_scratch; /* of the answer being parsed */
    struct buf out;                 /* head of the request being written */
    size_t calls;
};

/* The head of a request, in the client's scratch. `endpoint` is the default Host. */
struct str client_write_head(struct http_client *c, const struct http_call_options *o,
                             const char *endpoint);

/* --- call.c */

/*
 *     CONNECTING --> SENDING --> WAITING --> BODY --> end
 *          ^                        |
 *          +-- once, when a kept connection was dead --+
 *
 * A kept connection begins with SENDING. An answer may come while SENDING.
 */
enum call_phase { CALL_CONNECTING, CALL_SENDING, CALL_WAITING, CALL_BODY };

struct http_call {
    struct http_call_events events; /* what each read touches stands first */
    void *data;
    struct http1_body framing; /* of the answer */
    unsigned depth;            /* our callbacks on the stack: free later */
    uint8_t phase;
    bool is_head; /* the request is HEAD */
    bool is_reused, has_answer_bytes, is_paused, keep_alive, is_ended;
    struct buf in; /* a part of the answer's head */
    struct loop_deadline phase_deadline;
    struct loop_deadlines *between, *connect, *first_byte; /* NULL: none */
    struct loop_deadline total_deadline;

    struct http_client *client;
    struct pool *pool;
    struct client_connection *connection;
    const struct http1_head *answer; /* inside on_head */
    char *head; /* of the request; until the answer's head, for a second attempt */
    size_t head_len;
    struct str body; /* borrowed as long as `head` is there */
    size_t sent;     /* bytes of head and body given to the stream */
};

void call_arm(struct http_call *call, struct loop_deadlines *queue); /* NULL: disarm */
void call_arm_between(struct http_call *call);

/* The end, told by on_end. The memory stays until the last call_leave(). */
void call_end(struct http_call *call, enum http_call_end how, const struct err *err);
void call_leave(struct http_call *call); /* undoes a `depth++` */

void call_on_phase_late(struct loop_deadline *deadline);
void call_on_total_late(struct loop_deadline *deadline);

/* What the connection tells. */
void call_on_connect(struct http_call *call, const struct err *err);
void call_on_drain(struct http_call *call);
void call_on_closed(struct http_call *call, int sys_errno);
void call_on_read(struct http_call *call, struct str bytes); /* call_answer.c */
