/*
 * job - one inference request, from arrival to its end.
 *
 *     queued --> dispatched --> streaming --> done
 *        ^           |
 *        +-- retry --+
 *
 * Each state before `done` may also go to `failed` or `cancelled`. The core owns
 * jobs until they are final; what a client still may read of them afterwards is
 * kept at the edge (jobs/job_events.h).
 */
#pragma once

#include "base/labels.h"
#include "base/list.h"
#include "base/random.h"
#include "jobs/order.h"
#include "registry/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum job_state {
    JOB_QUEUED,     /* waiting for a worker */
    JOB_DISPATCHED, /* sent to a worker, no token yet */
    JOB_STREAMING,  /* the first byte came: no other worker may take over */
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELLED,
    JOB_STATE_COUNT_, /* must be last */
};
const char *job_state_name(enum job_state state);
bool job_state_is_final(enum job_state state);

enum job_priority { JOB_INTERACTIVE, JOB_BATCH, JOB_PRIORITY_COUNT_ };
const char *job_priority_name(enum job_priority priority);
bool job_priority_parse(struct str name, enum job_priority *ret);

enum job_type { JOB_TEXT_GEN, JOB_EMBEDDINGS, JOB_TYPE_COUNT_ };
const char *job_type_name(enum job_type type);

enum {
    SESSION_ID_SIZE = 128,
    TENANT_ID_SIZE = 64,
    JOB_ATTEMPTS_MAX = 8,
    PREFIX_BLOCK_BYTES = 256, /* of prompt text: about 64 tokens */
    PREFIX_BLOCKS_MAX = 256,
};

/* What the scheduler knows of a request; everything in it is decided at the edge
 * (ids, default seeds, estimates), so that a recorded one can be run again. */
struct job_spec {
    char id[JOB_ID_SIZE];
    char model[MODEL_REF_SIZE];
    char session_id[SESSION_ID_SIZE]; /* "" for none */
    char tenant_id[TENANT_ID_SIZE];   /* "" until tenants exist */
    char worker_id[WORKER_ID_SIZE];   /* a pin, "" for none: never falls back silently */
    char hive_id[HIVE_ID_SIZE];       /* a pin, "" for none */
    enum job_type type;
    enum job_priority priority;
    uint64_t deadline_ms;   /* for the first byte, on the core's clock; 0: none */
    uint32_t prompt_tokens; /* an estimate: bytes of text / 4 */
    uint64_t prompt_hash;
    /* Of the prompt's blocks of PREFIX_BLOCK_BYTES from its start, each over all text up to
     * its end: equal hashes, equal prefixes. Owned; NULL for none. */
    uint64_t *prefix_hashes;
    size_t prefix_len;
    uint32_t slo_ttft_ms; /* 0: not said */
    int64_t max_tokens;   /* 0: not said */
    bool has_seed;
    uint64_t seed;
    double temperature;   /* negative: not said */
    uint64_t bytes;       /* memory that the request holds while it waits */
    struct labels labels; /* owned */
};
void job_spec_copy(struct job_spec *dst, const struct job_spec *src);
void job_spec_free(struct job_spec *spec);

struct lane;
struct question;

struct job {
    struct job_spec spec;
    enum job_state state;
    uint64_t arrived_ms, entered_ms; /* core's clock: arrival, and when `state` was entered */
    uint64_t seq;                    /* order of arrival */
    unsigned attempt;                /* 1 for the first dispatch */
    bool worker_died;                /* a worker died under it once: no second time */
    char worker_id[WORKER_ID_SIZE];  /* while dispatched or streaming, else "" */
    char (*tried)[WORKER_ID_SIZE];   /* owned: workers that failed it; NULL for none */
    size_t tried_len;                /* at most JOB_ATTEMPTS_MAX */
    struct lane *lane;               /* queue-private (jobs/queue.h); NULL: not waiting */
    struct job_place {               /* queue-private: whose turn it is within its tenant */
        bool is_returned;            /* from a failed run */
        uint64_t due_ms, seq;
        struct order_node in_lane, in_turn;
    } place;
    struct list in_entries, in_aging; /* queue-private */
    struct list in_run;               /* core-private: the runs of one worker */
    struct run_tokens tokens;         /* core-private: what its run weighs */
    uint64_t asked;                   /* core-private: when a policy was asked about it last */
    uint64_t again_ms;                /* core-private: a policy said wait until then */
    size_t again_index;               /* core-private: its place among those; 0: not one of them */
    struct question *question; /* core-private: what a policy is to be asked; NULL: nothing */
    uint64_t dispatched_ms, started_ms; /* core-private: of its run; 0: not yet */
    size_t heap_index;                  /* jobs/deadlines.h; 0: not in a heap */
};

/* Queued, with a copy of `spec`. */
struct job *job_new(const struct job_spec *spec, uint64_t seq, uint64_t now_ms);
void job_free(struct job *job); /* in no queue and no heap any more */

/* Move to `next`; JOB_DISPATCHED counts as an attempt. A transition that the diagram
 * does not have is a bug in the caller and aborts, in release builds too. */
void job_enter(struct job *job, enum job_state next, uint64_t now_ms);

void job_tried_on(struct job *job, const char *worker_id); /* it failed there */
bool job_was_tried_on(const struct job *job, const char *worker_id);

/* Could this worker ever run this job: right model, pins kept, not tried before?
 * Whether it is up and has room is another question (scheduler/strategy.h). */
bool job_fits(const struct job *job, const struct worker_facts *worker);
