/*
 * worker - what is known of one worker and one hive: plain facts, and the checks
 * that a report must pass before it is believed. Pure; no clock, no socket.
 *
 * Field names follow PROTOCOL.md "Telemetry" (ProcessStats, HiveInfo, WorkerInfo).
 */
#pragma once

#include "base/err.h"
#include "base/labels.h"
#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    WORKER_ID_SIZE = 128, /* all sizes are bytes with the NUL */
    HIVE_ID_SIZE = 128,
    MODEL_REF_SIZE = 256,
    ADDRESS_SIZE = 256,
    WORKER_REASON_SIZE = 320,
    GPUS_MAX = 16, /* per worker */
    WORKERS_PER_HIVE_MAX = 1024,
    MODELS_PER_HIVE_MAX = 4096,
    DEVICES_PER_HIVE_MAX = 64,
};

enum worker_state {
    WORKER_STARTING,
    WORKER_READY,
    WORKER_BUSY,     /* telemetry's word for "all slots taken"; placement counts slots itself */
    WORKER_DRAINING, /* finishes what it has, takes nothing new */
    WORKER_FAILED,
    WORKER_STATE_COUNT_, /* must be last */
};

/* How the queen talks to it: which calls run a job and which cancel one. */
enum worker_kind {
    WORKER_KIND_RBEE,   /* llm-worker-rbee: the dual call, and the OpenAI routes */
    WORKER_KIND_OPENAI, /* any engine with the OpenAI routes; cancelled by hanging up */
    WORKER_KIND_COUNT_, /* must be last */
};

const char *worker_state_name(enum worker_state state); /* "ready" */
bool worker_state_parse(struct str name, enum worker_state *ret);
const char *worker_kind_name(enum worker_kind kind);
bool worker_kind_parse(struct str name, enum worker_kind *ret);

/* One report about one worker. Owns `labels`; see worker_facts_free(). */
struct worker_facts {
    char id[WORKER_ID_SIZE];
    char hive_id[HIVE_ID_SIZE]; /* "" for a worker that no hive owns */
    char model[MODEL_REF_SIZE]; /* the reference that requests use; "" while none is loaded */
    char address[ADDRESS_SIZE]; /* host name or address, or a unix path when `is_unix` */
    bool is_unix;
    uint16_t port;
    enum worker_kind kind;
    enum worker_state state;
    char reason[WORKER_REASON_SIZE]; /* why it failed, in words for people; "" */
    uint32_t slots, active, queued;  /* slots >= 1 */
    uint32_t pid;
    char group[32], instance[32]; /* the seeds' "llm" and port as text */
    double cpu_pct;               /* 100 = one core */
    uint64_t rss_mb;
    double io_r_mb_s, io_w_mb_s;
    uint64_t uptime_s;
    double gpu_util_pct;
    uint64_t vram_mb, total_vram_mb;
    uint32_t gpu_ids[GPUS_MAX];
    size_t gpu_ids_len;
    bool has_kv_used_pct, has_tokens_per_s;
    double kv_used_pct, tokens_per_s;
    struct labels labels;
    struct secret token; /* what this worker wants to be shown; never logged, never listed */
};
void worker_facts_copy(struct worker_facts *dst,
                       const struct worker_facts *src); /* dst valid or zeroed */
void worker_facts_free(struct worker_facts *f);

enum { SLOTS_MAX = 65535, ACTIVE_MAX = 1000000, QUEUED_MAX = 1000000 }; /* per worker */

/* Can this be true? Errors: ERR_INVALID, param = the field, the worker named. What an
 * unsigned field cannot hold (negative numbers) is refused where JSON is read. */
MUST_CHECK int worker_facts_check(const struct worker_facts *f, struct err *err);

struct device {
    char id[64]; /* "cpu", "cuda:0" */
    char name[128];
    char device_type[32];
    double vram_gb; /* 0: not said */
    char compute_capability[16];
};

enum hive_status {
    HIVE_STARTING,
    HIVE_READY,
    HIVE_BUSY,
    HIVE_STOPPING,
    HIVE_STOPPED,
    HIVE_STATUS_COUNT_
};
enum hive_health { HIVE_HEALTHY, HIVE_DEGRADED, HIVE_UNHEALTHY, HIVE_HEALTH_COUNT_ };
const char *hive_status_name(enum hive_status status);
bool hive_status_parse(struct str name, enum hive_status *ret);
const char *hive_health_name(enum hive_health health);
bool hive_health_parse(struct str name, enum hive_health *ret);

/* A model that a hive could start. */
struct listed_model {
    char ref[MODEL_REF_SIZE];
    uint64_t size_bytes;     /* of its files; 0: not said */
    uint64_t context_length; /* that it was trained for; 0: not said */
};

/* One report about one hive. Owns everything it points at; see hive_facts_free(). */
struct hive_facts {
    char id[HIVE_ID_SIZE];
    char hostname[256];
    char address[ADDRESS_SIZE];
    uint16_t port;
    enum hive_status status;
    enum hive_health health;
    char health_reason[256];
    char version[32];
    struct labels labels;
    uint64_t ram_mb, ram_free_mb; /* 0: not said */
    bool has_capabilities;        /* devices and models were in this report */
    struct device *devices;
    size_t devices_len;
    struct listed_model *models; /* that this hive could start */
    size_t models_len;
};
void hive_facts_copy(struct hive_facts *dst,
                     const struct hive_facts *src); /* dst valid or zeroed */
void hive_facts_free(struct hive_facts *f);
MUST_CHECK int hive_facts_check(const struct hive_facts *f, struct err *err);
