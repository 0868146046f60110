/*
 * internal - what the files of loop/ share; nobody else includes it.
 *
 *   loop.c      life and turns of the loop, signals
 *   timer.c     timers and deadlines
 *   thread.c    work on other threads, their doorbell, watched descriptors
 *   watch.c     watched files and directories
 *   address.c   endpoints as the kernel's addresses, and back
 *   outbox.c    bytes that wait for a socket
 *   stream.c    reading, writing, closing
 *   connect.c   a stream's way to its peer
 *   bind.c      sockets that listen
 *   listener.c  accepting
 *   child.c     child processes
 */
#pragma once

#include "loop/loop.h"
#include "loop/outbox.h"
#include "loop/stream.h"

#include <sys/socket.h>
#include <uv.h>

struct loop {
    uv_loop_t uv;                       /* its `data` points here */
    uv_timer_t alarm;                   /* ends the wait of a turn when the first timer is due */
    struct list timers;                 /* loop_timer::link, soonest first */
    struct list signals;                /* signal_handler::link, loop.c */
    struct list orphans;                /* child::link: forgotten and still running */
    struct loop_deadlines *falling_due; /* whose callbacks run now, else NULL */
    uint64_t (*clock)(void *data);      /* NULL: libuv's */
    void *clock_data;
    uint64_t now_ms; /* of `clock` */
    bool is_stopped;
    char read_buffer[STREAM_READ_SIZE]; /* of whichever descriptor is being read */
};

/* What each read and write touches stands first: with thousands of streams it is
 * memory, not instructions, that a token waits for. */
struct stream {
    const struct stream_events *events;
    void *data;
    struct connecting *connecting; /* connect.c; NULL once connected */
    struct outbox out;
    size_t flying_bytes; /* the front of `out` that libuv is writing, 0: nothing */
    int error;           /* errno that ended writing, 0 while it goes */
    bool is_unix : 1;
    bool is_reading : 1;    /* wanted; happens once connected, until the end */
    bool is_read_ended : 1; /* told, or the connection never came */
    bool is_broken : 1;     /* no more writing: `error` is set, or the same */
    bool is_over_low : 1;   /* on_drain is owed */
    bool is_shutdown : 1;
    bool has_lingered : 1;   /* the error waited for one read more */
    bool is_closed : 1;      /* by its owner: no callback any more */
    uv_tcp_t tcp;            /* unix sockets as well: what libuv's pipes add, streams do not need */
    struct loop_timer later; /* tells in a turn of its own what a call found out */
};

/* --- timer.c */
unsigned timers_fire(struct loop *loop); /* those due; returns how many */

/* --- address.c */
struct addrinfo;
struct sockaddr_un;

/* The addresses that a host written as digits stands for; NULL when it is a name,
 * or empty. Freed with freeaddrinfo(). */
struct addrinfo *address_numeric(const struct endpoint *e);
enum { ADDRESS_PORT_SIZE = 6 }; /* "65535" and the NUL */
void address_port_text(const struct endpoint *e, char out[ADDRESS_PORT_SIZE]);
void address_to_endpoint(const struct sockaddr_storage *from, struct endpoint *ret);
socklen_t address_unix(const struct endpoint *e, struct sockaddr_un *ret);

/* --- bind.c */
/* The socket that listens at `at`. Errors: as listener_open(). */
MUST_CHECK int bind_open(const struct endpoint *at, int *ret_fd, struct err *err);
void bind_port(int fd, struct endpoint *at); /* put in the port that the kernel chose */

/* --- stream.c */
struct stream *stream_new(struct loop *loop);
struct stream *stream_adopt(struct loop *loop, int fd, bool is_unix); /* takes `fd` */
void stream_begin(struct stream *s); /* connected: read and write what was asked for */
void stream_free(struct stream *s);

/* --- connect.c */
void connect_finish(struct stream *s);      /* tell the outcome */
void connect_abandon(struct stream *s);     /* its owner has closed the stream */
void connecting_free(struct connecting *c); /* NULL is fine */

/* --- child.c */
void child_close_orphans(struct loop *loop);
