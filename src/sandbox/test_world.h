/*
 * test_world - a loop, a sandbox and policies in it, for the tests of this folder: what each
 * policy is told is kept and counted.
 */
#pragma once

#include "sandbox/sandbox.h"
#include "snapshot/snapshot.h"

#include <stdbool.h>

struct test_policy {
    struct sandboxed *policy; /* NULL: refused, or freed */
    struct test_world *w;
    struct sandboxed_events events;
    unsigned loads, refusals, answers, states;
    enum policy_failure refusal, state; /* the last ones */
    char words[POLICY_MESSAGE_SIZE];    /* of the state */
    struct wire_loaded loaded;
    struct diagnostics diagnostics;
    char *lua;                   /* when wanted */
    struct policy_answer answer; /* the last one */
    struct {
        enum policy_failure failure;
        uint32_t delay_ms;
        char worker_id[WORKER_ID_SIZE]; /* of the first decision; "": none */
    } given[WIRE_CALLS_MAX];            /* since the last questions were asked */
    unsigned given_len, dropped;
    bool is_asking;                           /* inside sandboxed_ask() */
    void (*on_answer)(struct test_policy *p); /* a hook; NULL: none */
};

struct test_world {
    struct loop *loop;
    struct sandbox_options options;
    struct sandbox *sandbox;
    struct region *region;
    struct loop_timer tick;
};

/* `host`: the program. Change the options before test_world_open(). */
void test_world_init(struct test_world *w, const char *host);
/* Whoever is too slow is to blame, whatever else this machine is doing, and has time enough. */
void test_world_init_blaming(struct test_world *w, const char *host);
void test_world_open(struct test_world *w);
void test_world_close(struct test_world *w);

/* Run the loop until `cond`; the test's own timeout ends what never comes. */
#define RUN_UNTIL(w, cond)     \
    do {                       \
        while (!(cond))        \
            test_world_run(w); \
    } while (0)
void test_world_run(struct test_world *w);

/* Load, and wait until it has loaded or is refused. */
void test_policy_open(struct test_policy *p, struct test_world *w,
                      const struct sandboxed_options *options);
void test_policy_close(struct test_policy *p);
void test_world_end(struct test_world *w, struct test_policy *p); /* closes both */

/* CPU clocks: of a machine that gives hosts no time at all, and of one that gives plenty. */
uint64_t test_cpu_none(pid_t pid);
uint64_t test_cpu_plenty(pid_t pid);

void test_policy_start_ask(struct test_policy *p, const struct policy_call *call);
/* Several at once, until all are answered or dropped. */
void test_policy_ask_all(struct test_policy *p, const struct policy_call *calls, unsigned len);
enum policy_failure test_policy_ask(struct test_policy *p, const struct policy_call *call);
struct sandboxed_stats test_policy_stats(const struct test_policy *p);
struct sandbox_stats test_world_stats(const struct test_world *w);

/*
 * A live policy for tests. What it does is chosen by the attempt of ASK_RETRY, which is all
 * that it looks at then; asked to schedule, it waits for context.now_ms.
 */
enum deed {
    GOOD = 1, /* answers yes */
    LOOP,
    SWALLOW, /* loops, and catches errors */
    MATCH,   /* loops where no hook is looked at */
    BOMB,    /* takes all the memory that it gets */
    RAISE,   /* "boom", in line 8 */
    KEEP,    /* 9 MB */
    COUNT,   /* answers how often it was asked to */
    WORK,    /* takes its time, but a small part of a second */
};
extern const struct sandboxed_options test_home;
struct policy_call test_call(enum deed deed);
enum policy_failure test_do(struct test_policy *p, enum deed deed);
void test_home_open(struct test_policy *p, struct test_world *w); /* with its spare */
