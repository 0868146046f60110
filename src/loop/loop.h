/*
 * loop - the one event loop of a process: time, timers, signals, work on other
 * threads. Sockets are in stream.h, children in child.h, files that change in watch.h.
 * The only folder that touches libuv.
 *
 * Single-threaded: every call and callback happens on the loop's thread unless it
 * says otherwise.
 */
#pragma once

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;

/* Never NULL. `clock` gives milliseconds that never go back, NULL for the
 * monotonic clock; tests pass their own and turn it by hand. From the first loop
 * on, SIGPIPE is ignored: a peer that has gone is an error of the write. */
struct loop *loop_new(uint64_t (*clock)(void *data), void *clock_data);

/* Every timer stopped, every stream, listener, bell, watch and child closed before
 * (else abort). Waits for offloaded work and runs libuv's close callbacks. */
void loop_free(struct loop *loop);

uint64_t loop_now_ms(const struct loop *loop); /* cached once per turn */

/* Until loop_stop(), or until nothing is left that could ever happen. May be run
 * again afterwards. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); /* may be called before loop_run(), and twice */

/* One turn without blocking: timers that are due, sockets that are ready.
 * Returns how many timers fired. For tests. */
unsigned loop_turn(struct loop *loop);

/*
 * Timers for things of which there are tens (a start is O(n) in armed timers).
 * Embedded in their owner; find the owner with container_of(). A zeroed timer
 * must be initialised; stopping is idempotent. Fires once; re-arm inside to
 * repeat. A timer of 0 ms fires in the next turn, never inside the call.
 */
struct loop_timer;
typedef void loop_timer_fn(struct loop_timer *timer);
struct loop_timer {
    struct list link; /* in loop::timers by due_ms, or alone when not armed */
    struct loop *loop;
    uint64_t due_ms;
    loop_timer_fn *fire;
};
void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn *fire);
void loop_timer_start(struct loop_timer *timer, uint64_t in_ms); /* restarts when armed */
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_armed(const struct loop_timer *timer);

/*
 * Deadlines of one length, for things of which there are thousands: arming and
 * disarming are O(1), because the order of arming is the order of falling due.
 *
 * A stream re-arms its deadline with every token, and moving it in line touches two
 * neighbours that are nowhere near in memory. So one that is armed keeps its place
 * while it has moved by less than a 64th of its length, which is how much later than
 * due it, or one behind it, may fire. Never earlier.
 */
struct loop_deadline;
typedef void loop_deadline_fn(struct loop_deadline *deadline);
struct loop_deadlines { /* one per kind of deadline, in its owner */
    struct list armed;  /* loop_deadline::link, soonest first */
    struct loop_timer timer;
    uint64_t after_ms; /* 0: these deadlines never fall due */
    loop_deadline_fn *fire;
};
struct loop_deadline { /* embedded; zeroed is a valid disarmed deadline */
    struct list link;
    struct loop_deadlines *queue; /* the one it is armed in */
    uint64_t due_ms;
    uint64_t placed_ms; /* the due_ms by which it stands in line */
};
void loop_deadlines_init(struct loop *loop, struct loop_deadlines *q, uint64_t after_ms,
                         loop_deadline_fn *fire);
void loop_deadlines_deinit(struct loop_deadlines *q); /* disarms what is left */
void loop_deadline_arm(struct loop_deadlines *q, struct loop_deadline *d); /* restarts when armed */
void loop_deadline_disarm(struct loop_deadline *d);

/* Signals: one handler per signal number, the last one given, until loop_free(). */
typedef void loop_signal_fn(void *data, int signum);
void loop_signal(struct loop *loop, int signum, loop_signal_fn *fn, void *data);

/*
 * Blocking work on libuv's thread pool. `work` runs there and may touch only
 * `data`; `done` runs on the loop afterwards, exactly once.
 */
void loop_offload(struct loop *loop, void (*work)(void *data), void (*done)(void *data),
                  void *data);

/*
 * A doorbell for other threads: loop_wake() may be called from any thread, and
 * `fn` then runs on the loop at least once (calls in between are merged).
 */
struct loop_bell;
struct loop_bell *loop_bell_new(struct loop *loop, void (*fn)(void *data), void *data);
void loop_bell_ring(struct loop_bell *bell); /* any thread */
void loop_bell_free(struct loop_bell *bell); /* no ring may come afterwards */

/*
 * A descriptor that is not a socket of ours (inotify, a terminal, pidfd):
 * `fn` runs whenever it is readable or has failed: it reads until EAGAIN, because
 * the descriptor is made non-blocking (a terminal then is so for all who share it).
 * It stays the caller's and is closed only after loop_watch_free(). NULL for one
 * that cannot be waited for: a plain file, which is always readable.
 */
struct loop_watch;
struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*fn)(void *data), void *data);
void loop_watch_free(struct loop_watch *watch);
