/*
 * live - the snapshot of a running core: its registry and queue as rows, brought up to
 * date just before each decision at the price of what changed since the last one.
 *
 * Rows of workers, pools and models follow the registry's own slots, so that a row keeps
 * its number and its generation for as long as its worker lives. Jobs get rows when they
 * come into the window (the first SNAP_WINDOW of the queue's order) or are asked about; one
 * that was asked about leaves its row to the next one that is. Tenants have rows as long as a
 * job of theirs has one. Without a window the queue's list is empty and the rows of the last
 * one are left behind as they were; so are the counts of jobs that wait for other models than
 * the one asked about. What a cache holds of a job's prompt is looked up when it gets its row,
 * and every time for the asked one and the first ones of the window.
 *
 * A worker's status is what the ledger makes of it: busy when all slots are taken, draining
 * when it is about to be stopped. The memory in use of a pool's GPUs is what its workers hold.
 *
 * Text that does not fit any more makes the arena start over: all rows are written again,
 * and contexts recorded before are gone. What does not fit even then reads as "".
 *
 * Link with snapshot_live_dep: the policy host, which has no core, does without.
 */
#pragma once

#include "scheduler/core.h"
#include "snapshot/region.h"
#include "snapshot/snapshot.h"

struct live;

struct live_options {
    size_t log_bytes_max;   /* for recorded contexts; 64 MiB */
    int64_t wall_offset_ms; /* wall clock minus the core's clock */
    int32_t utc_offset_min;
    const struct snap_option *config; /* `context.config`; borrowed */
    size_t config_len;                /* at most SNAP_CONFIG_MAX */
};
struct snap_option {
    const char *key, *value; /* value: JSON text of a scalar */
};

struct live *live_new(const struct core *core, const struct live_options *options);
void live_free(struct live *l);

enum live_window {
    LIVE_NO_WINDOW, /* only `job`'s row: for decisions about one job */
    LIVE_WINDOW,    /* and the queue's order */
};

/* Bring all up to date. `job` NULL: nobody in particular. Returns its row, or SNAP_NONE.
 * `now_ms` on the core's clock. O(what changed) and, with a window, O(SNAP_WINDOW * log). */
uint32_t live_sync(struct live *l, const struct job *job, enum live_window window, uint64_t now_ms);

/* The same for several that will be asked about one after the other, of which the header names
 * the first: at most SNAP_WINDOW. `ret_rows`: theirs. */
void live_sync_jobs(struct live *l, const struct job *const *jobs, size_t len,
                    enum live_window window, uint64_t now_ms, uint32_t *ret_rows);

const struct snapshot *live_snapshot(const struct live *l);
struct region *live_region(struct live *l);
