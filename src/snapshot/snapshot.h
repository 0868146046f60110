/*
 * snapshot - the state that policies see, as one block of plain memory (POLICY-API
 * "Context"): rows of fixed size that name each other by index, and one text arena.
 *
 * The same layout serves the platform policy in the queen, user policies in their host
 * (which maps it), simulated contexts made from JSON, and recorded ones. So one
 * binding (policy/) and one set of helpers reads them all. Rows hold facts; what follows
 * from facts (vram_free, gpus, estimated_time) is computed by those who read.
 *
 * Everything here is data from another process or another time: readers check every index
 * against its table (snapshot_*() below do), and never follow one unchecked.
 *
 * Of workers without `slots` or `status` (contexts given by hand may leave them out):
 * absent facts bind nobody. See snapshot_can_run().
 */
#pragma once

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SNAP_WORKERS_MAX = 21504, /* every slot that a registry gives: 20,000 and one report more */
    SNAP_POOLS_MAX = 2048,
    SNAP_MODELS_MAX = 20480,
    SNAP_TENANTS_MAX = 4096,
    SNAP_JOBS_MAX = 4096, /* rows; a live queue shows its first SNAP_WINDOW jobs */
    SNAP_WINDOW = 1024,
    SNAP_CONFIG_MAX = 256,
    SNAP_POOL_GPUS_MAX = 64,
    SNAP_WORKER_GPUS_MAX = 16,
    SNAP_WARM_MAX = 16,      /* workers per job whose cache is known to help */
    SNAP_TRIED_MAX = 8,      /* workers per job that failed it */
    SNAP_LOADS_MAX = 16,     /* hives per model whose load time is known */
    SNAP_NONE = 0xffffffffU, /* no row */
};
#define SNAP_LAYOUT       4U /* of the whole; a host refuses another */
#define SNAP_NO_DEADLINE  INT64_MAX
#define SNAP_NOBODY_KNOWS UINT64_MAX      /* snapshot_wait_ms(): no worker that could run it */
#define SNAP_MB_BYTES     (1024U * 1024U) /* what "_mb" counts in */
#define SNAP_SLOTS_UNSAID 65535U          /* room of a worker that does not say its slots */

/* Text in the arena: off 0, len 0 is "". Lists and maps are texts too: each item, or key
 * and value in turn, ends in a NUL (snapshot_item()).
 *
 * `extras` of a row is "" or a JSON object. A name in it wins over what the row says: it
 * holds fields that POLICY-API does not have, and given values of derived ones that no
 * member of the row can hold as they were given. */
struct snap_text {
    uint32_t off, len;
};

enum snap_status { /* worker status; the order of worker_state, and one more */
                   SNAP_STARTING,
                   SNAP_READY,
                   SNAP_BUSY,
                   SNAP_DRAINING,
                   SNAP_FAILED,
                   SNAP_UNSAID, /* hand-made contexts only; reads as "" */
};

enum snap_live { SNAP_ONLINE, SNAP_DEGRADED, SNAP_OFFLINE };

/* Bits of `given`: facts that may be absent and then read as nil. */
enum {
    SNAP_HAS_KV = 1 << 0,       /* worker.kv_used_pct */
    SNAP_HAS_SPEED = 1 << 1,    /* worker.tokens_per_s */
    SNAP_HAS_LOAD = 1 << 2,     /* worker.load_time_ms */
    SNAP_HAS_LATITUDE = 1 << 3, /* geo.latitude, of worker, pool, job.user */
    SNAP_HAS_LONGITUDE = 1 << 4,
    SNAP_HAS_SEED = 1 << 5,       /* job */
    SNAP_HAS_DEADLINE = 1 << 6,   /* job */
    SNAP_HAS_PREDICTED = 1 << 7,  /* job.predicted_tokens */
    SNAP_HAS_TENANT = 1 << 8,     /* job.tenant_id */
    SNAP_HAS_SESSION = 1 << 9,    /* job.session_id */
    SNAP_HAS_SLO = 1 << 10,       /* job.slo_ttft_ms */
    SNAP_HAS_ESTIMATE = 1 << 11,  /* worker.estimated_time_ms was given by hand */
    SNAP_HAS_VRAM_FREE = 1 << 12, /* worker.vram_free_mb was given by hand */
    SNAP_HAS_GPUS = 1 << 13,      /* worker.gpus was given by hand */
    SNAP_HAS_HEARTBEAT = 1 << 14, /* pool.heartbeat_age_ms */
    SNAP_HAS_RESIDENCY = 1 << 15, /* worker.residency_ms was given by hand */
    SNAP_HAS_WAIT = 1 << 16,      /* job.wait_ms was given by hand */
    SNAP_HAS_BEFORE = 1 << 17,    /* job.before: of one that was asked about */
};

struct snap_worker {
    uint32_t generation; /* 0: the row is empty; else changes when it gets another worker */
    uint32_t pool;       /* row, or SNAP_NONE */
    uint32_t model;      /* row, or SNAP_NONE: none loaded, or not said */
    uint32_t next_in_model, prev_in_model, next_in_pool, prev_in_pool; /* rows, SNAP_NONE: end */
    uint32_t given;
    uint8_t status, live; /* snap_status, snap_live */
    uint8_t is_pinned, is_static;
    uint8_t gpu_ids_len;
    uint32_t gpu_ids[SNAP_WORKER_GPUS_MAX];
    uint32_t slots, active, queued; /* active: with the queen's own, not shown yet */
    uint32_t in_flight, foreign;    /* the queen's own runs; others': `active` in all */
    uint32_t active_reported;       /* by itself, up to a heartbeat ago */
    uint32_t gpus;                  /* by hand */
    uint32_t pid;
    uint64_t in_flight_tokens, queued_prefill_tokens;
    uint64_t vram_mb, total_vram_mb, vram_free_mb /* by hand */, rss_mb;
    uint64_t uptime_s, residency_ms /* by hand */, load_time_ms, estimated_time_ms /* by hand */;
    uint64_t last_used_ms;  /* wall clock, 0: never */
    uint64_t first_seen_ms; /* wall clock; residency_ms of a live row is counted from it */
    uint64_t uses;          /* dispatches so far: LFU, GDSF */
    double cpu_pct, gpu_util_pct, kv_used_pct, tokens_per_s, prefill_tokens_per_s;
    double cost_per_token, latitude, longitude;
    struct snap_text id, pool_id, backend, capability, capabilities /* list */, group, instance,
        region, build /* engine, its version and model: same text, same answers */,
        labels /* map */, extras /* JSON object of fields beyond these; by hand */;
};

struct snap_gpu {
    uint32_t id;
    uint32_t given;
    uint64_t vram_total_mb, vram_allocated_mb;
    double util_pct, temperature_c; /* temperature below -273: not known */
    struct snap_text name, extras;
};

struct snap_pool {
    uint32_t generation;
    uint32_t first_worker, last_worker; /* rows by next_in_pool */
    uint32_t workers;
    uint32_t given;
    uint8_t status; /* 0 healthy, 1 degraded, 2 offline */
    uint8_t gpus_len;
    uint64_t heartbeat_age_ms; /* at `seen_ms` of a live row: 0 */
    uint64_t seen_ms;          /* wall clock of the last report; 0: heartbeat_age_ms is the age */
    uint64_t ram_free_mb;      /* 0: not known */
    uint64_t reserved_mb;      /* by starts that are under way */
    double latitude, longitude;
    struct snap_text id, hostname, address, region, cached_models /* list */, labels, extras;
    struct snap_gpu gpus[SNAP_POOL_GPUS_MAX];
};

struct snap_model {
    uint32_t generation;
    uint32_t first_worker, last_worker; /* rows by next_in_model, as first seen */
    uint32_t workers;
    uint32_t queued;                                       /* jobs that wait for it */
    uint32_t starting;                                     /* starts under way */
    uint64_t size_bytes, vram_required_mb, context_length; /* 0: not known */
    uint64_t last_wanted_ms;  /* wall clock of the last job for it; 0: never */
    uint64_t wanted;          /* jobs so far */
    uint64_t tokens_out_mean; /* of its finished jobs; 0: none yet */
    double run_ms_mean;       /* from dispatch to end; 0: none yet */
    uint32_t loads_len;
    struct snap_load {
        uint32_t pool; /* row */
        uint32_t pad;
        uint64_t load_time_ms;
    } loads[SNAP_LOADS_MAX];
    struct snap_text ref, aliases /* list */, extras;
};

struct snap_tenant {
    uint32_t generation;
    uint32_t concurrent, max_concurrent;
    uint8_t is_over_quota;
    double weight, service;
    uint64_t quota_vram_bytes, quota_used_bytes, quota_tokens_daily, tokens_used_today;
    struct snap_text id, extras;
};

struct snap_warm {
    uint32_t worker, generation; /* row */
    uint32_t cached_tokens;
};

struct snap_job {
    uint32_t generation;
    uint32_t next;  /* the job behind it in the queue's order; SNAP_NONE: last */
    uint32_t model; /* row; SNAP_NONE: a model that nobody holds or lists */
    uint32_t tenant;
    uint32_t given;
    uint8_t is_batch;
    uint8_t warm_len, tried_len;
    uint32_t prompt_tokens, predicted_tokens, retry_count, slo_ttft_ms;
    uint32_t before;    /* jobs of its model that go before it */
    int64_t max_tokens; /* 0: not said */
    uint64_t prompt_hash, seed, bytes;
    uint64_t created_at_ms; /* wall clock */
    uint64_t wait_ms;       /* by hand; else now - created_at_ms */
    int64_t deadline_at_ms; /* wall clock; by hand: now + the given rest */
    double temperature;     /* negative: not said; reads as 0 */
    double latitude, longitude;
    struct snap_text id, tenant_id, session_id, session_worker_id, model_ref, type, region,
        pinned_worker_id, pinned_pool_id, labels, extras;
    struct snap_warm warm[SNAP_WARM_MAX];
    struct {
        uint32_t worker, generation;
    } tried[SNAP_TRIED_MAX];
};

struct snap_config {
    struct snap_text key, value; /* value: JSON text; by hand also of arrays and objects */
};

struct snap_metrics {
    uint64_t queue_depth, queue_depth_interactive, queue_depth_batch;
    uint64_t total_workers, ready_workers, busy_workers, total_pools, healthy_pools;
    uint64_t free_vram_mb;
    double avg_wait_ms, avg_tokens_per_s;
    double saturation; /* mean over workers of max(queued/slots, kv/0.8), 0..; SCHEDULING "shed" */
};

struct snap_header {
    uint32_t layout;                                         /* SNAP_LAYOUT */
    uint32_t workers, pools, models, tenants, jobs, configs; /* rows in use reach up to here */
    uint32_t first_job;  /* of the queue's order; SNAP_NONE: empty, or not shown */
    uint32_t jobs_shown; /* length of that list */
    uint32_t asked_job;  /* the job being decided; SNAP_NONE: nobody in particular */
    int32_t utc_offset_min;
    uint32_t by_hand; /* partial: what is not said binds nobody; context.queue as it was given */
    uint64_t now_ms;  /* wall clock, ms since 1970 */
    uint64_t seed;    /* of context.rng, by hand; 0: whoever asks brings one */
    struct snap_metrics metrics;
    struct snap_text extras; /* of the context itself and of metrics: {"metrics":{...}}; by hand */
};

/* Where each table stands in the block; the arena reaches to its end. */
enum {
    SNAP_ARENA_BYTES = 24 * 1024 * 1024,
};
struct snapshot {
    struct snap_header header;
    struct snap_config configs[SNAP_CONFIG_MAX];
    struct snap_pool pools[SNAP_POOLS_MAX];
    struct snap_model models[SNAP_MODELS_MAX];
    struct snap_tenant tenants[SNAP_TENANTS_MAX];
    struct snap_job jobs[SNAP_JOBS_MAX];
    struct snap_worker workers[SNAP_WORKERS_MAX];
    char arena[SNAP_ARENA_BYTES]; /* arena[0] is a NUL: the empty text */
};

/* --- Reading; every index checked, NULL for an empty or wrong one ------------- */

const struct snap_worker *snapshot_worker(const struct snapshot *s, uint32_t row);
const struct snap_pool *snapshot_pool(const struct snapshot *s, uint32_t row);
const struct snap_model *snapshot_model(const struct snapshot *s, uint32_t row);
const struct snap_tenant *snapshot_tenant(const struct snapshot *s, uint32_t row);
const struct snap_job *snapshot_job(const struct snapshot *s, uint32_t row);
struct str snapshot_text(const struct snapshot *s, struct snap_text t); /* "" when out of bounds */
/* Take the next item off the front of a list text; of a map, key and value in turn. False: no
 * more. */
bool snapshot_item(struct str *rest, struct str *ret);
bool snapshot_has_item(const struct snapshot *s, struct snap_text list, struct str item);
/* The value of a key in a map text; false: absent. */
bool snapshot_label(const struct snapshot *s, struct snap_text map, struct str key,
                    struct str *ret);

/* context.queue, from its first row on; a row without a job ends it. A live queue is listed in
 * its order, one by hand as it was given. */
uint32_t snapshot_first_listed(const struct snapshot *s);
uint32_t snapshot_next_listed(const struct snapshot *s, uint32_t row); /* of a job */

/* Rows by name; SNAP_NONE: none. O(rows): for hand-made contexts and admin calls, and for
 * scripts that look by id. Models also by alias, where no reference fits. Jobs: the asked one
 * and those of the queue's list; a live table keeps rows of others, which may be gone. */
uint32_t snapshot_find_worker(const struct snapshot *s, struct str id);
uint32_t snapshot_find_pool(const struct snapshot *s, struct str id);
uint32_t snapshot_find_model(const struct snapshot *s, struct str ref);
uint32_t snapshot_find_tenant(const struct snapshot *s, struct str id);
uint32_t snapshot_find_job(const struct snapshot *s, struct str id);

/* --- What follows from facts: the one place for each rule --------------------- */

bool snapshot_is_available(const struct snap_worker *w); /* not offline; ready, busy or unsaid */
uint32_t snapshot_room(const struct snap_worker *w);     /* free slots; 0 when not available */
/* POLICY-API's idle(): room by the queen's own ledger, and no GPU activity that the ledger
 * does not explain. A worker that does not say its slots must have nothing running. */
bool snapshot_is_idle(const struct snap_worker *w);
/* Available and not called busy, nothing runs, not by its own last report either, and its GPU is
 * at rest. */
bool snapshot_is_at_rest(const struct snap_worker *w);
/* As policies read it: "failed" also for those that are offline, "" where nobody said. */
const char *snapshot_status_name(const struct snap_worker *w);
uint32_t snapshot_gpus(const struct snap_worker *w); /* how many it stands on */
/* Is it its `capability`, or one of its `capabilities`? */
bool snapshot_has_capability(const struct snapshot *s, const struct snap_worker *w,
                             struct str capability);

/* Why can this worker not run this job now? SNAP_OK: it can. The order of the checks is the
 * order of the enum; its names are what decision traces show. */
enum snap_verdict {
    SNAP_OK,
    SNAP_WRONG_MODEL,
    SNAP_WRONG_WORKER, /* the job is pinned to another */
    SNAP_WRONG_POOL,   /* pinned to another hive */
    SNAP_TRIED,        /* it failed this job already */
    SNAP_OFFLINE_NOW,
    SNAP_NOT_READY, /* starting, draining, failed */
    SNAP_NO_ROOM,
    SNAP_VERDICT_COUNT_,
};
const char *snap_verdict_name(enum snap_verdict v); /* "no_room" */
enum snap_verdict snapshot_can_run(const struct snapshot *s, const struct snap_worker *w,
                                   const struct snap_job *job);

/* May it be evicted: at rest, not pinned, not static, resident for `min_residency_ms`? */
bool snapshot_can_evict(const struct snapshot *s, const struct snap_worker *w,
                        uint64_t min_residency_ms);

uint32_t snapshot_uncached_tokens(const struct snap_job *job, uint32_t worker_row);
uint64_t snapshot_vram_free_mb(const struct snap_worker *w); /* of its GPUs, by its own figures */
uint64_t snapshot_gpu_free_mb(const struct snap_gpu *gpu);
/* Milliseconds until this worker would have answered this job whole: what is ahead of it,
 * its prefill, its decode (SCHEDULING "Worker model"); by measured speeds, else defaults
 * that the head of estimate.c gives. `job` NULL: what is ahead alone. */
uint64_t snapshot_estimated_time_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job);
/* The first token alone: without the decode. Never given by hand. */
uint64_t snapshot_estimated_ttft_ms(const struct snapshot *s, const struct snap_worker *w,
                                    const struct snap_job *job);
/* Tokens that its answer will have: predicted, else its model's mean, never above max_tokens. */
uint64_t snapshot_predicted_tokens(const struct snapshot *s, const struct snap_job *job);
/* How long until a slot for this job is likely to be free (jobs/forecast.h), by a guessed speed
 * while nothing was measured. 0: now; SNAP_NOBODY_KNOWS: there is no worker that it may run
 * on. */
uint64_t snapshot_wait_ms(const struct snapshot *s, const struct snap_job *job);
uint64_t snapshot_residency_ms(const struct snapshot *s, const struct snap_worker *w);
uint64_t snapshot_job_wait_ms(const struct snapshot *s, const struct snap_job *job);
/* Milliseconds left; SNAP_NO_DEADLINE for none. */
int64_t snapshot_job_deadline_ms(const struct snapshot *s, const struct snap_job *job);

/* All of context.metrics, counted anew from the rows (avg_wait_ms: of the jobs listed). O(rows):
 * for hand-made contexts; a live snapshot keeps them in its header. */
void snapshot_measure(const struct snapshot *s, struct snap_metrics *ret);
