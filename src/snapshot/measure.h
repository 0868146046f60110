/*
 * measure - context.metrics as sums over rows, in whole numbers, so that taking a row out and
 * putting another in gives exactly what counting anew does. For snapshot/ alone.
 */
#pragma once

#include "snapshot/snapshot.h"

enum sum {
    SUM_WORKERS,
    SUM_READY,
    SUM_BUSY,
    SUM_POOLS,
    SUM_HEALTHY,
    SUM_FREE_MB,
    SUM_SPEEDS, /* workers with a speed, */
    SUM_MILLITOKENS_PER_S,
    SUM_AVAILABLE, /* and those that count for saturation */
    SUM_SATURATION_PPM,
    SUM_COUNT_,
};
struct sums {
    uint64_t of[SUM_COUNT_];
};

/* Add what one row counts for, or (`sign` -1) take it away. A worker of a pool that tells its
 * GPUs has no free memory of its own: add and take it with the same pool. */
void sums_worker(struct sums *sums, const struct snapshot *s, const struct snap_worker *w,
                 int sign);
void sums_pool(struct sums *sums, const struct snap_pool *pool, int sign);

/* All of `ret` but the queue's and avg_wait_ms. */
void sums_tell(const struct sums *sums, struct snap_metrics *ret);
