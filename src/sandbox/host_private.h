/*
 * host_private - what the files of one host share: host.c (its start, its end, what is known of
 * it) and host_talk.c (what is said on both sides, and by when). Nobody else includes it.
 */
#pragma once

#include "base/mem.h"
#include "sandbox/internal.h"

/* Its CPU clock costs a system call, so it is not looked at before each question: what it may
 * have used since, by the wall clock, counts for it. */
enum { UNSEEN_US_MAX = 1000 };

enum host_state { HOST_LOADING, HOST_READY, HOST_BUSY, HOST_LATE, HOST_SPENT };

struct host {
    struct sandbox *s;
    const struct host_events *events;
    void *data;
    struct list link; /* in sandbox.dying once ended */
    const char *name; /* borrowed; in messages */
    struct process process;
    clockid_t cpu_clock;
    struct loop_watch *on_socket, *on_pid; /* NULL: it has hung up; it has been reaped */
    int exit_status;
    bool is_ended; /* by its owner */
    struct loop_timer deadline;
    unsigned hard_ms;
    enum host_state state;
    uint64_t started_us;
    struct script_lua *lua; /* NULL: not wanted */
    bool has_all_lua;

    uint64_t seq;                    /* of the question that it answers next */
    unsigned left;                   /* questions it has not answered, with that one */
    uint64_t turn_us;                /* since when it has been at that one, or was told more */
    uint64_t cpu_us_seen, unseen_us; /* `unseen_us`: it was busy since that look */
    unsigned late_rounds;
};

/* host.c: it is lost while nothing is asked; it is gone, or might as well be. */
void host_lose(struct host *h, enum policy_failure failure, const char *words);
void host_crash(struct host *h, const char *words);
void host_hung_up(struct host *h);
bool host_is_guilty(const struct host *h); /* of the time that went by, by its CPU clock */
void host_look_at_cpu(struct host *h);     /* from here on, when the last look is long ago */

/* host_talk.c */
void host_on_readable(void *host);
void host_on_deadline(struct loop_timer *timer);
