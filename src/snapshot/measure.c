#include "snapshot/measure.h"

#define MILLI 1e3
#define PPM   1e6
#define MOST  1e12 /* of one row; contexts made by hand may say anything */

static void count(struct sums *sums, enum sum which, uint64_t value, int sign)
{
    sums->of[which] += sign > 0 ? value : -value;
}

static uint64_t whole(double value)
{
    return value >= MOST ? (uint64_t)MOST : value > 0 ? (uint64_t)value : 0;
}

/* The saturation of SCHEDULING "shed": more than 1 is too much. */
static double saturation(const struct snap_worker *w)
{
    double queue = (double)w->queued / (w->slots > 0 ? w->slots : 1);
    double kv = w->given & SNAP_HAS_KV ? w->kv_used_pct / 100 / 0.8 : 0;

    return kv > queue ? kv : queue;
}

void sums_worker(struct sums *sums, const struct snapshot *s, const struct snap_worker *w, int sign)
{
    const struct snap_pool *pool = snapshot_pool(s, w->pool);

    count(sums, SUM_WORKERS, 1, sign);
    if (!pool || pool->gpus_len == 0)
        count(sums, SUM_FREE_MB, snapshot_vram_free_mb(w), sign);
    if (w->given & SNAP_HAS_SPEED && w->tokens_per_s > 0) {
        count(sums, SUM_SPEEDS, 1, sign);
        count(sums, SUM_MILLITOKENS_PER_S, whole(w->tokens_per_s * MILLI), sign);
    }
    if (!snapshot_is_available(w))
        return;
    count(sums, SUM_READY, w->status == SNAP_READY, sign);
    count(sums, SUM_BUSY, w->status == SNAP_BUSY, sign);
    count(sums, SUM_AVAILABLE, 1, sign);
    count(sums, SUM_SATURATION_PPM, whole(saturation(w) * PPM), sign);
}

void sums_pool(struct sums *sums, const struct snap_pool *pool, int sign)
{
    count(sums, SUM_POOLS, 1, sign);
    count(sums, SUM_HEALTHY, pool->status == SNAP_ONLINE, sign);
    for (size_t i = 0; i < pool->gpus_len && i < SNAP_POOL_GPUS_MAX; i++)
        count(sums, SUM_FREE_MB, snapshot_gpu_free_mb(&pool->gpus[i]), sign);
}

static double mean(const struct sums *sums, enum sum total, enum sum of)
{
    return sums->of[of] > 0 ? (double)sums->of[total] / (double)sums->of[of] : 0;
}

void sums_tell(const struct sums *sums, struct snap_metrics *ret)
{
    ret->total_workers = sums->of[SUM_WORKERS];
    ret->ready_workers = sums->of[SUM_READY];
    ret->busy_workers = sums->of[SUM_BUSY];
    ret->total_pools = sums->of[SUM_POOLS];
    ret->healthy_pools = sums->of[SUM_HEALTHY];
    ret->free_vram_mb = sums->of[SUM_FREE_MB];
    ret->avg_tokens_per_s = mean(sums, SUM_MILLITOKENS_PER_S, SUM_SPEEDS) / MILLI;
    ret->saturation = mean(sums, SUM_SATURATION_PPM, SUM_AVAILABLE) / PPM;
}

static void measure_queue(const struct snapshot *s, struct snap_metrics *ret)
{
    uint32_t row = s->header.first_job;
    const struct snap_job *job;
    double waited_ms = 0;

    for (uint32_t i = 0; i < SNAP_JOBS_MAX && (job = snapshot_job(s, row)); i++) {
        ret->queue_depth++;
        ret->queue_depth_batch += job->is_batch;
        waited_ms += (double)snapshot_job_wait_ms(s, job);
        row = job->next;
    }
    ret->queue_depth_interactive = ret->queue_depth - ret->queue_depth_batch;
    ret->avg_wait_ms = ret->queue_depth > 0 ? waited_ms / (double)ret->queue_depth : 0;
}

void snapshot_measure(const struct snapshot *s, struct snap_metrics *ret)
{
    struct sums sums = { 0 };

    memset(ret, 0, sizeof(*ret));
    for (uint32_t row = 0; row < SNAP_WORKERS_MAX && row < s->header.workers; row++) {
        if (snapshot_worker(s, row))
            sums_worker(&sums, s, &s->workers[row], 1);
    }
    for (uint32_t row = 0; row < SNAP_POOLS_MAX && row < s->header.pools; row++) {
        if (snapshot_pool(s, row))
            sums_pool(&sums, &s->pools[row], 1);
    }
    sums_tell(&sums, ret);
    measure_queue(s, ret);
}
