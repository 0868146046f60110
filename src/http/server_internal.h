/*
 * server_internal - what the files of the server share; nobody else includes it.
 *
 *   server.c      listeners, options, drain, statistics, the log of requests
 *   connection.c  one client: bytes in, whose turn it is, deadlines, its end
 *   receive.c     one request on its way in: head, guard, limits, body, handler
 *   request.c     the accessors of a request
 *   reply.c       answers: whole ones and streams
 *   reply_error.c answers made of a struct err
 */
#pragma once

#include "base/buf.h"
#include "base/list.h"
#include "http/http1.h"
#include "http/server.h"
#include "loop/loop.h"
#include "loop/stream.h"

enum {
    REQUEST_ID_SIZE = 65,              /* with the NUL */
    DATE_SIZE = 40,                    /* "Sun, 06 Nov 1994 08:49:37 GMT" and the NUL */
    ANSWER_HEAD_BYTES_MAX = 64 * 1024, /* as much as any peer's parser should take */
    PIPELINED_BYTES_MAX = 16 * 1024,   /* held behind a running exchange, then reading stops */
    PENDING_BYTES_MAX = 256 * 1024,    /* a head or the above, and one read more */
    REFUSED_CONNECTIONS_MAX = 64,      /* being told so at one time */
    LINGER_MS = 2000, /* reading on after our FIN, or a RST would overtake the last answer */
};

/*
 *     IDLE --first byte--> HEAD --> BODY --> BUSY --answered--> IDLE
 *
 * and from each to LINGER when the connection is to close: our FIN is on its way,
 * what still comes in is thrown away.
 */
enum connection_phase {
    CONNECTION_IDLE,
    CONNECTION_HEAD, /* part of a head is in `in` */
    CONNECTION_BODY, /* `request` is there, its body is not whole */
    CONNECTION_BUSY, /* `request` is the handler's */
    CONNECTION_LINGER,
};

struct connection {
    struct stream *stream;  /* NULL once closed; what each write touches stands first */
    uint64_t written_bytes; /* ever, to the stream */
    unsigned depth;         /* callbacks that use us on the stack: free later */
    uint8_t phase;
    bool is_reading, is_stall_armed, is_same_user;
    struct http_server *server;    /* borrowed */
    struct http_request *request;  /* BODY and BUSY */
    struct buf in;                 /* bytes that wait: part of a head, pipelined requests */
    struct list link;              /* in http_server::connections */
    struct list ready;             /* in http_server::ready while `in` waits for a turn, or alone */
    struct loop_deadline deadline; /* of the phase; none while BUSY */
    struct loop_deadline stall;    /* armed while output is queued */
    uint64_t taken_bytes;          /* of the bytes written, at the last look for a stall */
};

enum answer_mode {
    ANSWER_NONE,    /* not begun */
    ANSWER_CHUNKED, /* length unknown */
    ANSWER_LENGTH,
    ANSWER_CLOSE, /* length unknown, HTTP/1.0 */
    ANSWER_EMPTY, /* to HEAD, or a status without a body */
};

/* A field of the kept head, as offsets into its text. */
struct field_place {
    uint16_t name, name_len, value, value_len;
};

struct http_request {
    struct connection *connection; /* what each piece of a stream touches stands first */
    struct buf pending;            /* head of a stream that waits for its first piece */
    uint64_t left;                 /* ANSWER_LENGTH: bytes still to be written */
    uint8_t mode;                  /* enum answer_mode */
    uint8_t minor;                 /* HTTP/1.minor of the request */
    uint16_t status;               /* of the answer; 0 before it */
    bool keep_alive, is_head, is_running, is_gone;
    bool is_openai;             /* errors are told in OpenAI's shape */
    const struct route *route;  /* NULL while none is found, and for errors before that */
    struct field_place *fields; /* one block: the fields, then the head's text */
    size_t fields_len;
    const char *text;
    struct str method, path, query, params[ROUTE_PARAMS_MAX]; /* views of `text` */
    struct str authority;
    char *body;
    size_t body_len, body_cap; /* `body_cap` counts in http_server::bodies_bytes */
    struct http1_body framing; /* of the request's body */
    uint64_t content_length;   /* 0 when not said */
    uint64_t body_began_ms, began_us;
    struct http_watch watch;
    void *watch_data;
    struct buf headers; /* of the answer, by http_reply_header() */
    char id[REQUEST_ID_SIZE];
};

/* Lines of one kind in this second, and not logged since the last. */
struct log_quota {
    uint64_t second;
    unsigned lines, dropped;
};

struct http_server {
    struct loop *loop; /* borrowed */
    struct http_server_options options;
    const struct route *routes; /* borrowed */
    void *app;                  /* borrowed */
    struct list listeners;      /* struct bound, server.c */
    struct list connections;    /* connection::link */
    struct list ready;          /* connection::ready */
    struct loop_timer turn;     /* armed while `ready` is not empty */
    struct loop_deadlines idle, head, body, write, linger;
    struct http_server_stats stats;

    bool is_draining;
    struct loop_timer drain_deadline, drained;
    void (*on_drained)(void *data);
    void *on_drained_data;

    struct http1_head head_scratch; /* of the request being parsed */
    struct buf out;                 /* head of the answer being written */
    char date[DATE_SIZE];
    uint64_t date_s;
    struct log_quota refusals, failures;
};

/* --- server.c */
void server_log_refusal(struct http_server *s, const struct connection *c, const char *request_id,
                        const struct err *err);
/* One line for each exchange that ended, however it did: debug, or info for those that
 * failed here (5xx) or whose client left before the end (499). */
void server_log_exchange(struct http_server *s, const struct http_request *r);
const char *server_date(struct http_server *s);
void server_connection_ended(struct http_server *s); /* one has left `connections` */

/* --- connection.c */
void connection_new(struct http_server *s, struct stream *stream);

/* The end, at once; an exchange that runs is told. `with_reset`: as a RST. */
void connection_close(struct connection *c, bool with_reset);
void connection_linger(struct connection *c); /* FIN behind what is queued, then the end */
void connection_writev(struct connection *c, const struct iovec *iov, size_t iov_len);

/* The answer is out: frees the request and goes on to the next, or lingers. */
void connection_exchange_ended(struct connection *c, bool keep_alive);

void connection_arm(struct connection *c, enum connection_phase phase); /* enter it */
void connection_on_turn(struct loop_timer *timer);

/* The deadlines' callbacks. */
void connection_on_idle(struct loop_deadline *deadline);
void connection_on_head_late(struct loop_deadline *deadline);
void connection_on_body_late(struct loop_deadline *deadline);
void connection_on_write_late(struct loop_deadline *deadline);
void connection_on_linger_end(struct loop_deadline *deadline);

/* --- receive.c */
/* Take the front of `bytes`: returns how much, 0 when more is needed. */
size_t receive_head(struct connection *c, struct str bytes);
size_t receive_body(struct connection *c, struct str bytes);

/* Answer `err` to whatever is being received, log it, and close. */
void receive_refuse(struct connection *c, const struct err *err);

/* --- request.c */
struct http_request *request_new(struct connection *c, const struct http1_head *head,
                                 struct str head_bytes); /* `head` NULL: for an error answer */
void request_free(struct http_request *r);
void request_drop_body(struct http_request *r);
struct guard_facts request_facts(const struct http_request *r);
