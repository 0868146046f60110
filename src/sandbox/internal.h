/*
 * internal - what the files of sandbox/ share; nobody else includes it.
 *
 *   process.c    a process, and the memory it is handed
 *   view.c       the snapshot's mapping
 *   host*.c      one host: loading, questions, their deadline, its end
 *   breaker.c    when to stop asking
 *   sandboxed*.c one policy: its host, its spare, its questions
 *   sandbox.c    options, what all of them share, the first try
 *   wire*.c      messages
 */
#pragma once

#include "sandbox/sandbox.h"
#include "sandbox/process.h"
#include "sandbox/view.h"

#include <limits.h>

struct sandbox {
    struct loop *loop;
    struct sandbox_options options;
    char host_path[PATH_MAX];
    enum policy_failure state;
    char words[320];   /* why it is not POLICY_OK */
    struct list dying; /* host.link: killed, not reaped yet */
    size_t hosts_len, dying_len;
    uint64_t seq; /* of the last question to any host */
    struct sandbox_stats stats;
    struct policy_answer answer;     /* the one being told */
    const struct host *speaking;     /* whose answers are being told; NULL: none, or it is ended */
    const struct sandboxed *failing; /* the same of one whose questions all fail */
    struct buf out;
    char message[WIRE_MESSAGE_BYTES_MAX];
};

/* --- host.c */

struct host;

/* What a host tells its policy. Each may end the host, and free the policy. */
struct host_events {
    void (*on_loaded)(void *data, struct host *h, const struct wire_loaded *loaded);
    /* Of the questions of a message, in their order. The others are still to come while it is
     * busy (host_is_busy()), else none will. It is of no use any more after POLICY_TIMEOUT and
     * POLICY_CRASH; after POLICY_STARVED it may be still at it, until on_rested. */
    void (*on_answer)(void *data, struct host *h, const struct policy_answer *answer,
                      uint64_t time_us);
    void (*on_rested)(void *data, struct host *h); /* the late answer came, and was dropped */
    /* It did not load, or broke while nobody asked: POLICY_LOAD with the diagnostics of its
     * text; POLICY_CRASH, _TIMEOUT, _STARVED, _SANDBOX_UNAVAILABLE with one. */
    void (*on_lost)(void *data, struct host *h, enum policy_failure failure,
                    const struct diagnostics *d);
};

/* One more process. Errors: ERR_LIMIT, ERR_SYSTEM. `options`: what it differs in. */
MUST_CHECK int host_start(struct sandbox *s, const struct process_options *options,
                          const struct host_events *events, void *data, struct host **ret,
                          struct err *err);
void host_end(struct host *h); /* kills; no event comes any more; NULL is fine */

bool host_is_ready(const struct host *h); /* loaded, and nothing is asked */
bool host_is_busy(const struct host *h);  /* at questions that it is waited for with */
bool host_is_late(const struct host *h);  /* at questions that were given up */
pid_t host_pid(const struct host *h);
const struct script_lua *host_lua(const struct host *h); /* NULL: not wanted */
/* At most WIRE_CALLS_MAX. */
void host_ask(struct host *h, const struct policy_call *calls, unsigned len);
void host_reap(struct list *dying); /* of sandbox.dying; waits for it a little */

/* --- sandbox.c */

/* Spawn options that all hosts have in common. */
struct process_options sandbox_process_options(const struct sandbox *s);
/* The shared answer as a failure without more. Returns it. */
struct policy_answer *sandbox_fail(struct sandbox *s, enum policy_failure failure, const char *fmt,
                                   ...) __attribute__((format(printf, 3, 4)));
