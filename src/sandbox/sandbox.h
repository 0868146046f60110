/*
 * sandbox - the queen's side of policy hosts: starts them, asks them, and ends them.
 *
 * Each user policy runs in a process of its own under seccomp and rlimits
 * (policyhost/main.c), with a warm spare beside it. The event loop never waits for one: a
 * question has a deadline (hard_ms) in the loop; past it the host is killed, the spare
 * takes over, and the asker is told POLICY_TIMEOUT. A host that got less than
 * guilty_cpu_ms of CPU in that time is not to blame: the asker is told POLICY_STARVED, the
 * host lives, its late answer is dropped by its number, and questions until then are
 * answered POLICY_STARVED at once.
 *
 * Breaker: strikes_max failures that cost a host (timeout, memory, crash) within
 * strikes_ms open it; every question is then answered POLICY_BREAKER at once; after
 * retry_ms, doubling to retry_max_ms, one probe is let through. Each lost host of a live policy
 * is one line of the log.
 *
 * Callbacks run from the loop, never inside a call made on the sandbox.
 */
#pragma once

#include "loop/loop.h"
#include "policy/policy.h"
#include "sandbox/wire.h"
#include "snapshot/region.h"

#include <sys/types.h>

struct sandbox_options {
    const char *host_path;      /* NULL: rbee-policy-host beside this program, or in libexec */
    bool allow_without_seccomp; /* run user policies also where the kernel refuses seccomp */
    size_t memory_bytes;        /* of Lua heap; POLICY_MEMORY_BYTES */
    unsigned soft_ms, hard_ms;  /* 40, 50 */
    unsigned load_ms;           /* from spawn to LOADED; 2,000 */
    unsigned guilty_cpu_ms;     /* 25 */
    unsigned strikes_max, strikes_ms;   /* 3, 60,000 */
    unsigned retry_ms, retry_max_ms;    /* 5,000, 300,000 */
    int niceness;                       /* 10 */
    unsigned hosts_max;                 /* processes at once, in all; 64 */
    uint64_t (*host_cpu_us)(pid_t pid); /* NULL: the kernel's clock; tests bring their own */
};
void sandbox_options_init(struct sandbox_options *o);

struct sandbox;
struct sandbox *sandbox_new(struct loop *loop, const struct sandbox_options *options);
void sandbox_free(struct sandbox *s); /* after all of its policies; kills what is left */

/* Can user policies run here? POLICY_OK, or POLICY_SANDBOX_UNAVAILABLE with words (no
 * program, no seccomp): tried once, at sandbox_new(), by starting a host and ending it. */
enum policy_failure sandbox_state(const struct sandbox *s, char *ret_words, size_t size);

/* --- One policy ------------------------------------------------------------- */

struct sandboxed; /* a policy in its host, and its spare */

struct sandboxed_events {
    /* Once: it can be asked, or never will be (then free it). `lua` is there when wanted. */
    void (*on_loaded)(void *data, const struct wire_loaded *loaded, const struct script_lua *lua);
    void (*on_refused)(void *data, enum policy_failure failure, const struct diagnostics *d);
    /* Later: POLICY_OK, or why every question fails at once now, with words. */
    void (*on_state)(void *data, enum policy_failure unavailable, const char *words);
};

struct sandboxed_options {
    enum script_language language;
    struct str source; /* copied */
    const char *name;  /* for messages: "home.lua" */
    bool is_live;      /* with a spare and a breaker; else one host, respawned when killed */
    unsigned patience; /* of trials on a busy machine: its limits of time are so many times
                          longer, its guilt is not; 0: once */
    bool want_lua;
    const struct sandboxed_events *events; /* borrowed */
    void *data;
};
struct sandboxed *sandboxed_new(struct sandbox *s, const struct sandboxed_options *options);
void sandboxed_free(struct sandboxed *p); /* kills; no callback runs any more */

struct sandbox_answer {
    const struct policy_answer *answer; /* valid during the callback; its failure is the outcome */
    uint64_t time_us;                   /* inside the host; 0 when it did not answer */
    uint64_t round_trip_us;
    /* How many of the questions behind it were not asked after all, and get no callback: this
     * one took the host with it, or has changed what they are about. Ask them again. */
    unsigned dropped;
};
typedef void sandbox_answer_fn(void *data, const struct sandbox_answer *answer);

/* Ask 1 to WIRE_CALLS_MAX questions; the next ones when these are answered. One callback for
 * each follows, in their order, but for those that are dropped. The deadline is that of one
 * question: whoever is at one when it passes is to blame for that one only. `region` is what the
 * policy shall see (sizeof(struct snapshot)); the host's copy is brought up to date first. A
 * live policy is asked about one and the same region all its life, of which only what has
 * changed is copied; another is asked about any. */
void sandboxed_ask(struct sandboxed *p, const struct region *region,
                   const struct policy_call *calls, unsigned len, sandbox_answer_fn *on_answer,
                   void *data);

/* POLICY_OK, or why every question fails at once now, with words. */
enum policy_failure sandboxed_state(const struct sandboxed *p, char *ret_words, size_t size);

struct sandbox_stats {
    size_t hosts; /* processes now */
    uint64_t starts_total, strikes_total, starved_total;
    uint64_t kills_total[POLICY_FAILURE_COUNT_]; /* hosts that were lost, by why */
    uint64_t recycled_total;                     /* hosts replaced because their heap stayed high */
    uint64_t kill_us_last, replace_us_last;      /* loop time of a kill; spawn until LOADED */
};
void sandbox_get_stats(const struct sandbox *s, struct sandbox_stats *ret);
struct sandboxed_stats {
    enum policy_failure state;
    unsigned strikes;     /* within the window */
    uint64_t retry_in_ms; /* breaker open */
    size_t memory_bytes;  /* of the Lua heap, after the last answer */
    bool has_spare;
    pid_t pid; /* of the host that is asked; 0: none now */
};
void sandboxed_get_stats(const struct sandboxed *p, struct sandboxed_stats *ret);
