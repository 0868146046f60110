/*
 * registry - what the queen knows of live hives and workers, from reports only.
 *
 * It answers questions ("which workers hold this model and have room?") and never
 * prefers one answer over another: that is the scheduler's job (seed 000). Pure:
 * time comes in as an argument, events of note go out by `on_change`.
 *
 * Liveness by age of the last report (PROTOCOL): up to 3 s online, up to 10 s
 * degraded (schedulable last), beyond offline (not schedulable), 60 s forgotten. A
 * worker that no report mentions any more is removed at once. Static workers
 * (configured endpoints) have no reports: registry_worker_reachable() moves them.
 * A worker id belongs to whoever reports it, until those reports leave it offline.
 *
 * Room is slots minus load. Load is the queen's own ledger of dispatches plus
 * `foreign`: what telemetry shows beyond anything the ledger can explain. A report
 * is a sample of some moment since the last one, so the ledger's peak in between
 * is what it is compared with; telemetry corrects the ledger, never replaces it.
 */
#pragma once

#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "registry/mean.h"
#include "registry/worker.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum liveness { LIVE_ONLINE, LIVE_DEGRADED, LIVE_OFFLINE };
const char *liveness_name(enum liveness live);

struct registry_limits {
    size_t workers_max, hives_max; /* 20,000 and 2,000; reports beyond are refused */
    size_t models_max; /* 20,000 remembered; one beyond is known only while it is held */
    uint64_t degraded_after_ms, offline_after_ms, forgotten_after_ms; /* 3 s, 10 s, 60 s */
};
void registry_limits_init(struct registry_limits *l);

struct model; /* registry-private */

/* A worker in the registry. Read-only for all but the registry and the ledger. */
struct worker {
    struct worker_facts facts; /* as last reported */
    enum liveness live;
    bool is_static;
    uint64_t seen_ms; /* last report, or last proof of life */
    uint64_t first_seen_ms;
    uint64_t last_used_ms;   /* last dispatch, 0: never */
    uint32_t in_flight;      /* our dispatches that have not ended */
    uint32_t in_flight_peak; /* most of them since the last report */
    uint32_t foreign;        /* others' work, as far as a report showed it */
    uint64_t dispatched_total;
    uint64_t in_flight_tokens;      /* prompt and predicted output of our runs */
    uint64_t queued_prefill_tokens; /* prompt tokens of our runs without a first token */
    bool is_leaving;                /* it is about to be stopped: gets nothing new */
    uint64_t load_time_ms;          /* from its first report as starting to ready; 0: unknown */
    double tokens_per_s;            /* decoding: telemetry's unless 0, else measured; 0: unknown */
    double prefill_tokens_per_s;    /* measured; 0: unknown */

    /* A number of its own for as long as it lives, used again after it, and how often the
     * number was given: (slot, generation) names a worker for good. Below workers_max, and
     * up to WORKERS_PER_HIVE_MAX beyond for one that came while the report that brought it
     * had others to go. */
    uint32_t slot, generation; /* generation >= 1 */
    uint32_t described;        /* changes with every report: else `facts` and `hive` stand still */

    /* Registry-private from here. */
    struct rate decode, prefill; /* as measured */
    bool is_loading;
    uint64_t loading_ms; /* since when */
    enum liveness age;   /* `live` by the age of reports alone */
    bool is_unreachable;
    uint64_t full_ms;    /* of a static worker: when registry_worker_full() was said last */
    uint64_t report;     /* number of the hive report that mentioned it last */
    struct hive *hive;   /* that reported it; NULL: none */
    struct model *model; /* that it holds; NULL: none */
    size_t model_place;  /* among that model's workers */
    struct list in_age;  /* workers of one age, oldest first; of a static one: full ones */
    struct list in_hive;
};

struct hive {
    struct hive_facts facts; /* has_capabilities: of some report, not of the last one */
    enum liveness live;
    uint64_t seen_ms;
    uint64_t reserved_mb;      /* by starts under way: registry_reserve() */
    uint32_t slot, generation; /* as a worker's */

    /* Registry-private from here. */
    struct list in_age;
    struct list workers; /* worker.in_hive */
    size_t workers_len;
    struct model **models; /* facts.models, sorted by slot */
};

enum registry_change {
    REGISTRY_WORKER_ROOM,    /* has more room than before: new, ready again, or freed */
    REGISTRY_WORKER_LOST,    /* silent too long, failed or gone: its runs fail over */
    REGISTRY_WORKER_FAILED,  /* is reported as failed, and was not before; comes after LOST */
    REGISTRY_WORKER_MOVED,   /* told before it gets another model or hive: none of this one */
    REGISTRY_WORKER_REMOVED, /* told before its memory goes; comes after LOST */
    REGISTRY_HIVE_REMOVED,
    REGISTRY_MODEL_KNOWN, /* a worker held this model for the first time ever */
};

/* `worker`, `hive` or `model` as `what` says, the others NULL. Must not change the
 * registry. Being unreachable loses no runs: those have connections of their own, and
 * a worker that drains refuses new ones while it finishes what it has. */
typedef void registry_change_fn(void *data, enum registry_change what, const struct worker *worker,
                                const struct hive *hive, const char *model);

struct registry;
struct registry *registry_new(const struct registry_limits *limits, registry_change_fn *on_change,
                              void *data);
void registry_free(struct registry *r);

/* --- Reports. The facts passed their check; they are copied. ------------ */

/* May this report come in? `hive` NULL: a worker that no hive owns. Errors: ERR_LIMIT
 * names the cap; ERR_INVALID for an id twice in one report; ERR_CONFLICT for a worker
 * that somebody else reports, naming both. */
MUST_CHECK int registry_check_room(const struct registry *r, const struct hive_facts *hive,
                                   const struct worker_facts *workers, size_t workers_len,
                                   struct err *err);

/* A hive's report: the whole truth about its workers (absent ones are removed), and
 * about what it could start if `has_capabilities`. */
void registry_hive_report(struct registry *r, const struct hive_facts *facts,
                          const struct worker_facts *workers, size_t workers_len, uint64_t now_ms);
void registry_worker_report(struct registry *r, const struct worker_facts *worker, uint64_t now_ms);

/* A configured endpoint: never forgotten; offline until it is reachable. */
void registry_worker_static(struct registry *r, const struct worker_facts *worker, uint64_t now_ms);

/* A connection to it succeeded, or was refused or cut. Unreachable acts at once
 * and lasts until the next report (static: until it is reachable again). */
void registry_worker_reachable(struct registry *r, const char *worker_id, bool reachable,
                               uint64_t now_ms);

void registry_model_known(struct registry *r, const char *model); /* from the state directory */

/* Apply ages at `now_ms`. */
void registry_tick(struct registry *r, uint64_t now_ms);
uint64_t registry_next_due_ms(const struct registry *r); /* UINT64_MAX: nothing ages */

/* --- The ledger ---------------------------------------------------------- */

/* What a run weighs on its worker until it ends. */
struct run_tokens {
    uint32_t prefill; /* prompt tokens that its cache does not hold, as far as is known */
    uint32_t total;   /* prompt and predicted output */
};

/* Dispatched. */
void registry_charge(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                     uint64_t now_ms);
/* Its first token came: the prefill is done. `prefill_ms` since its dispatch. */
void registry_prefilled(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                        uint64_t prefill_ms);
/* Ended; `is_prefilled`: after a first token. A worker that is gone by now is fine. */
void registry_release(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                      bool is_prefilled);
/* What a finished run showed: its time from dispatch to end; tokens of output (0: not known),
 * and how long they took after the first. Moves the worker's and its model's means. */
struct run_figures {
    uint64_t run_ms, tokens_out, decode_ms;
};
void registry_measured(struct registry *r, const char *worker_id, const struct run_figures *run);

/* It failed or refused a run: until its next report it gets no more than what its other
 * runs free, so that one bad worker does not eat a whole queue in an instant. A static
 * worker, which has no reports, is given a second. */
void registry_worker_full(struct registry *r, const char *worker_id, uint64_t now_ms);

/* It is about to be stopped, or stays after all: not available meanwhile. */
void registry_worker_leaving(struct registry *r, const char *worker_id, bool is_leaving);

/* --- Starts -------------------------------------------------------------- */

/* Hold memory of a hive for a worker that is being started, until it is given back. */
void registry_reserve(struct registry *r, const char *hive_id, int64_t mb);

/* --- Questions ------------------------------------------------------------ */

const struct worker *registry_worker(const struct registry *r, const char *id); /* NULL: none */
const struct hive *registry_hive(const struct registry *r, const char *id);

/* Not offline, state ready or busy, not leaving: may be given work when it has room. */
bool worker_is_available(const struct worker *w);
uint32_t worker_room(const struct worker *w); /* free slots by the ledger; 0 when not available */
/* The seeds' "idle": room, nothing of anybody's running, and a GPU at rest. */
bool worker_is_idle(const struct worker *w);

/* What to look for; zero means any. All conditions must hold. */
struct worker_query {
    const char *model; /* exact reference */
    const char *hive_id;
    uint64_t vram_free_mb_min;
    bool online;    /* online or degraded */
    bool available; /* worker_is_available() */
    bool has_room;  /* worker_room() > 0 */
    bool idle;
};

/* Visit matches in order of first report (with a model: of the first report with it),
 * online ones before degraded ones before offline ones, until `visit` returns false.
 * Returns how many were visited. With a model, costs O(workers of that model); with a
 * model and has_room or idle, a 64th of that and the matches. `visit` must not change
 * the registry. */
typedef bool registry_visit_fn(void *data, const struct worker *worker);
size_t registry_find(const struct registry *r, const struct worker_query *q,
                     registry_visit_fn *visit, void *data);

/* The first match of registry_find(), no preference meant; NULL when none. The
 * seeds' find_best_worker_for_model is {model, has_room}. */
const struct worker *registry_find_first(const struct registry *r, const struct worker_query *q);
size_t registry_count(const struct registry *r, const struct worker_query *q);

typedef bool registry_visit_hive_fn(void *data, const struct hive *hive);
/* `available`: also status ready or busy and health not unhealthy. */
size_t registry_find_hives(const struct registry *r, bool online, bool available,
                           registry_visit_hive_fn *visit, void *data);

/* Could a request for it ever be served here: held by a worker, in a hive's list,
 * or known from before. */
bool registry_knows_model(const struct registry *r, const char *model);

/* Every reference that a worker holds or a hive lists, each once, as first heard of. */
size_t registry_models(const struct registry *r, void (*visit)(void *data, const char *model),
                       void *data);

/* --- What policies see of models -------------------------------------------- */

struct model_facts {
    uint64_t size_bytes;       /* of its file, as a hive lists it; 0: unknown */
    uint64_t vram_required_mb; /* most that a worker of it was seen to hold, else by its size */
    uint64_t context_length;   /* 0: unknown */
    uint64_t wanted;           /* jobs so far */
    uint64_t last_wanted_ms;   /* 0: never */
    uint64_t tokens_out_mean;  /* of finished runs; 0: none yet */
    double run_ms_mean;        /* from dispatch to end; 0: none yet */
    bool has_loads;            /* registry_visit_loads() has something to tell */
    uint32_t slot, generation; /* as a worker's */
};
/* False: never heard of. */
bool registry_model_facts(const struct registry *r, const char *model, struct model_facts *ret);
void registry_model_wanted(struct registry *r, const char *model, uint64_t now_ms); /* a job came */
/* How long loading it took on this hive (mean of the last ones), else on any; 0: unknown. */
uint64_t registry_load_time_ms(const struct registry *r, const char *model, const char *hive_id);
/* Each hive that it is known of, the last one to load the model first: LOADS_PER_MODEL_MAX,
 * others are forgotten. `hive_id` "": workers that no hive owns. */
enum { LOADS_PER_MODEL_MAX = 16 };
void registry_visit_loads(const struct registry *r, const char *model,
                          void (*visit)(void *data, const char *hive_id, uint64_t load_time_ms),
                          void *data);

/* Does this hive list the model? A hive that lists none at all may have any: true. */
bool registry_hive_has_model(const struct registry *r, const char *hive_id, const char *model);

/* --- What changed ------------------------------------------------------------ */

/* Every change of a worker, a hive or a model, of facts, ledger or liveness, numbers its
 * slot anew. Visits each slot that changed after `since` (0: all), most recent first;
 * `ptr` NULL: the slot is empty now. O(changed). Returns the number to ask with next. */
enum registry_kind { REGISTRY_WORKERS, REGISTRY_HIVES, REGISTRY_MODELS };
typedef void registry_slot_fn(void *data, uint32_t slot, uint32_t generation, const void *ptr);
uint64_t registry_changes(const struct registry *r, enum registry_kind kind, uint64_t since,
                          registry_slot_fn *visit, void *data);
/* For REGISTRY_MODELS `ptr` is the model's reference, a const char *. */
