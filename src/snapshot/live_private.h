/*
 * live_private - what the parts of live share: live.c (order, header), live_rows.c (workers,
 * pools, models), live_jobs.c (jobs, tenants). Nobody else includes it.
 */
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "snapshot/live.h"
#include "snapshot/live_texts.h"
#include "snapshot/measure.h"
#include "snapshot/rows.h"

enum {
    LIVE_WARM_FRESH = 32,       /* jobs of the window whose caches are looked up every time */
    LIVE_JOB_LABELS_MAX = 2048, /* bytes; labels beyond are left out */
    LIVE_JOB_CHAINS = 4096,     /* by sequence number; a power of two */
    LIVE_GUESTS = 32,           /* rows that jobs beyond the window take in turn */
};

/* Slots that changed, as registry_changes() told them: the last one first. */
struct changes {
    struct change {
        uint32_t slot, generation;
        const void *ptr; /* borrowed from the registry, for this sync; NULL: empty now */
    } * items;           /* owned */
    size_t len, cap;
};

/* A set of rows, in order of being added. */
struct row_set {
    uint32_t *rows;       /* owned */
    unsigned char *is_in; /* owned, by row */
    size_t len;
};

struct live {
    const struct core *core; /* borrowed */
    struct live_options options;
    struct region *region;
    struct live_texts texts;
    struct buf scratch; /* a list or map that is being put together */
    struct snap_header header;
    struct sums sums;
    uint64_t now_ms; /* the core's clock */

    uint64_t seen[3]; /* by registry_kind: what registry_changes() is asked with */
    struct changes changes[3];
    bool pools_changed;       /* one came or went: load times name others now */
    struct row_set crowded;   /* pools whose GPUs' figures must be added up anew */
    struct row_set counted;   /* models with jobs that wait, or starts under way */
    uint64_t started, starts; /* core_stats when starts were counted last */
    unsigned char *has_loads; /* by model row */
    uint32_t *described;      /* by worker row: which report its facts are from */

    /* Jobs by sequence number, which is unique in a core. */
    uint32_t chains[LIVE_JOB_CHAINS];
    struct job_row {
        uint64_t seq;
        uint64_t pass; /* the sync that used it last */
        uint32_t generation, next_in_chain;
        bool is_used;
    } job_rows[SNAP_JOBS_MAX];
    uint32_t free_jobs[SNAP_JOBS_MAX], free_jobs_len;
    uint32_t guests[LIVE_GUESTS]; /* rows; SNAP_NONE: none yet */
    unsigned guests_seen;         /* by this sync, from the front */
    uint64_t pass;
    const struct job *window[SNAP_WINDOW]; /* of this sync */
    struct snap_text type_texts[JOB_TYPE_COUNT_];

    struct map tenants; /* id -> row + 1 */
    uint32_t tenant_uses[SNAP_TENANTS_MAX], tenant_generations[SNAP_TENANTS_MAX];
    uint32_t free_tenants[SNAP_TENANTS_MAX], free_tenants_len;
};

static inline const struct registry *live_registry(const struct live *l)
{
    return core_registry(l->core);
}

static inline const struct snapshot *rows(const struct live *l)
{
    return rows_of(l->region);
}

static inline uint64_t live_wall_ms(const struct live *l, uint64_t ms)
{
    return ms == 0 ? 0 : (uint64_t)((int64_t)ms + l->options.wall_offset_ms);
}

/* As the text of a map: whole pairs, as many as `max` bytes take. Valid until the next. */
struct str live_map_text(struct live *l, const struct labels *labels, size_t max);

bool row_set_add(struct row_set *set, uint32_t row);

/* Rows in use reach up to this one, which readers of the region must see at once. `used`: of
 * l->header. */
void live_note_use(struct live *l, uint32_t *used, uint32_t row);

/* live_rows.c: what the registry says changed. */
void live_collect_changes(struct live *l);
void live_sync_rows(struct live *l);

/* live_models.c */
void live_put_model(struct live *l, uint32_t row, uint32_t generation, const char *ref);
void live_remove_model(struct live *l, uint32_t row);
uint32_t live_model_row(const struct live *l, const char *ref); /* SNAP_NONE: not shown */
void live_count_model(struct live *l, uint32_t row); /* its waiting jobs and starts, anew */
void live_renew_loads(struct live *l);               /* a pool came or went */

/* live_workers.c */
void live_put_worker(struct live *l, uint32_t row, const struct worker *w);
void live_remove_worker(struct live *l, uint32_t row);

/* live_pools.c */
void live_put_pool(struct live *l, uint32_t row, const struct hive *hive);
void live_remove_pool(struct live *l, uint32_t row);
void live_crowd(struct live *l, uint32_t pool); /* to be weighed at the end of this sync */
void live_weigh_pool(struct live *l, uint32_t row);

/* live_jobs.c */
void live_reset_jobs(struct live *l);
uint32_t live_sync_job(struct live *l, const struct job *job); /* the one that is asked about */
void live_sync_window(struct live *l);
