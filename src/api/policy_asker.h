/*
 * policy_asker - one decision of a policy over one context, made as the live queue makes it,
 * for those who only want to know: simulations and replays. Live state is never touched.
 *
 * The policy runs in a policy host of its own (sandbox/), without a breaker and with a new
 * host after a kill; or it is the platform policy. A decision is one answer of schedule(), or
 * of schedule_job() asked about job after job, in the queue's order, until one of them is
 * decided about; when all have to wait, the answer about the first. What the policy fails to
 * decide, or decides wrongly, the platform policy decides, over the same context; that runs on
 * a thread beside the loop, because nobody knows how large the context is.
 *
 * A machine too busy to run the policy (POLICY_STARVED) is no failure of the policy's, and
 * nothing is decided instead: whoever asks may start it anew, and ask again.
 */
#pragma once

#include "loop/loop.h"
#include "sandbox/sandbox.h"

struct asker;

/* One decision; views are valid during the callback. */
struct asked {
    enum policy_failure failure;       /* POLICY_OK: the policy's own decision */
    const char *message;               /* of the failure; "" */
    unsigned line;                     /* of the failure; 0: not known */
    const struct decisions *decisions; /* what would act: the policy's, or the platform's; of a
                                          starved one none */
    const char *job_id;                /* that was asked about; "": the whole queue */
    uint64_t time_us;                  /* in the policy: of all its answers */
    struct str log;                    /* of the policy's answer that counts */
    bool log_cut;
};

struct asker_events {
    /* It can be asked; or it never will (but asker_decide_instead() can be used). Once, and
     * once for each restart. */
    void (*on_loaded)(void *data);
    void (*on_refused)(void *data, enum policy_failure failure, const struct diagnostics *d);
    void (*on_decided)(void *data, const struct asked *asked);
};

struct asker_options {
    struct loop *loop;
    struct sandbox *sandbox;
    bool is_platform; /* the platform policy itself is asked; below is not looked at */
    enum script_language language;
    struct str source;                 /* copied */
    const char *name;                  /* for messages: "home.lua" */
    const struct asker_events *events; /* borrowed */
    void *data;
};

/* `context` (sizeof(struct snapshot)) is the asker's from here on. Events come from the loop,
 * never inside a call made on it. */
struct asker *asker_new(const struct asker_options *options, struct region *context);
void asker_free(struct asker *a); /* any time, also in an event; nothing is told any more */

/* A new host, where the script has kept nothing; between decisions only. After a starved one it
 * has more time for each answer. */
void asker_restart(struct asker *a);

/* What the next decision is about: to be changed between decisions only. */
struct region *asker_context(struct asker *a);

/* Decide: about the job of one row, or (SNAP_NONE) the whole queue. on_decided follows, and
 * until then no other decision may be asked for. */
void asker_decide(struct asker *a, uint32_t job, uint64_t seed);
/* The platform policy decides, because of this failure: of a policy that was refused, or
 * starved. */
void asker_decide_instead(struct asker *a, enum policy_failure failure, const char *message,
                          unsigned line, uint64_t seed);
