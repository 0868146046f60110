/*
 * stream - a two-way byte stream over the loop: TCP or unix socket today; TLS is
 * another implementation behind the same calls. Also listeners.
 *
 * Lifetime: stream_close() is the end: no callback runs afterwards and the
 * pointer is dead for the caller at once (memory goes in libuv's close callback,
 * because one batch of events may still point at it). It may be called inside
 * any callback of the same stream.
 *
 * Backpressure: a write is tried at once; what the socket refuses is copied into
 * the stream's queue. stream_queued() tells how much waits; `on_drain` comes when
 * it has fallen to STREAM_LOW_WATER after having been above it. The writer stops
 * its source above STREAM_HIGH_WATER; the stream itself refuses nothing.
 * The kernel's share is bounded too: SO_RCVBUF of connections that we make,
 * TCP_NOTSENT_LOWAT of those that we accept.
 *
 * A peer that leaves is seen at once while we read. While reading is stopped it is
 * seen at the next write that fails (the first one after a peer's close() is often
 * still taken by the kernel) or when reading starts again, after the bytes that
 * came before. So keep reading where leaving matters.
 */
#pragma once

#include "base/err.h"
#include "loop/endpoint.h"

#include <stddef.h>
#include <sys/uio.h>

enum {
    STREAM_HIGH_WATER = 64 * 1024, /* bytes queued above which the source should pause */
    STREAM_LOW_WATER = 16 * 1024,  /* and resume */
    STREAM_READ_SIZE = 64 * 1024,  /* at most this much in one on_read */
};

struct loop;
struct stream;

/* Each may be NULL but on_read and on_end. */
struct stream_events {
    /* `bytes` is the loop's one buffer: valid, and writable, only during the call. */
    void (*on_read)(void *data, char *bytes, size_t len);
    void (*on_drain)(void *data);
    /* No more bytes will come: sys_errno 0 for an orderly end, else the error
     * (ECONNRESET for a cut). A half-closed stream can still be written; should
     * that fail, on_end comes once more, with the error. Nothing follows an error.
     * The owner calls stream_close(). */
    void (*on_end)(void *data, int sys_errno);
};

/* Who is told. May be changed at any time (a connection handed to a new owner). */
void stream_set_events(struct stream *s, const struct stream_events *events, void *data);

/* Reading starts stopped. Pausing takes effect at once: no on_read follows. */
void stream_read_start(struct stream *s);
void stream_read_stop(struct stream *s);

/* Write all of `iov`: as much as goes now, the rest queued. Errors are told by
 * on_end, in a later turn. Nothing is written after stream_shutdown(). */
void stream_writev(struct stream *s, const struct iovec *iov, size_t iov_len);
void stream_write(struct stream *s, const void *bytes, size_t len);
size_t stream_queued(const struct stream *s);

/* Send FIN once the queue is empty. Idempotent. */
void stream_shutdown(struct stream *s);

void stream_close(struct stream *s); /* NULL is fine; unsent bytes are dropped */
void stream_reset(struct stream *s); /* the same with RST, so that the peer sees a cut (TCP) */

/* The other side's address; for a unix socket is_unix with an empty host. */
void stream_peer(const struct stream *s, struct endpoint *ret);

/* The uid of a unix socket's peer (SO_PEERCRED), -1 for TCP. */
long stream_peer_uid(const struct stream *s);

/*
 * Connect: `on_connect` runs exactly once, in a later turn, unless stream_close()
 * came before: NULL err for success, else ERR_UNAVAILABLE with sys_errno; then
 * nothing more is told, and stream_close() is still due. Names are resolved on the
 * thread pool and their addresses tried in turn, numeric addresses at once; an
 * empty host is this machine. Reads and writes before success are allowed and
 * wait. There is no timeout: the owner closes what takes too long.
 */
typedef void stream_connect_fn(void *data, const struct err *err);
struct stream *stream_connect(struct loop *loop, const struct endpoint *to,
                              stream_connect_fn *on_connect, const struct stream_events *events,
                              void *data);

struct listener;

/* A new connection, to be adopted with stream_set_events(), or closed, inside the call. */
typedef void listener_accept_fn(void *data, struct stream *stream);

/*
 * Bind and listen; `ret_bound` (may be NULL) gets the endpoint with the real
 * port. An empty host is every address of both families, "::" only IPv6's; a name
 * is looked up here and now (a start can wait), and stands for its first address
 * that is ours, IPv4 before IPv6. A unix path that no one listens on any more is
 * replaced; its mode is 0600. When descriptors run out (EMFILE) accepting pauses
 * and resumes by a timer: it never spins.
 * Errors: ERR_CONFLICT when the address is in use (says how to find by whom),
 * ERR_SYSTEM, ERR_INVALID for a name that does not resolve to an address of ours.
 */
MUST_CHECK int listener_open(struct loop *loop, const struct endpoint *at,
                             listener_accept_fn *on_accept, void *data, struct listener **ret,
                             struct endpoint *ret_bound, struct err *err);
void listener_close(struct listener *l); /* NULL is fine; unlinks its unix path */
