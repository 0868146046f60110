/* What follows from facts about one worker and one job. */
#include "snapshot/snapshot.h"

#include <assert.h>

bool snapshot_is_available(const struct snap_worker *w)
{
    return w->live != SNAP_OFFLINE &&
           (w->status == SNAP_READY || w->status == SNAP_BUSY || w->status == SNAP_UNSAID);
}

uint32_t snapshot_room(const struct snap_worker *w)
{
    if (!snapshot_is_available(w))
        return 0;
    if (w->slots == 0)
        return w->status == SNAP_BUSY ? 0 : SNAP_SLOTS_UNSAID;
    return w->active < w->slots ? w->slots - w->active : 0;
}

bool snapshot_is_idle(const struct snap_worker *w)
{
    bool is_explained = w->gpu_util_pct <= 0 || w->in_flight > 0;

    if (w->slots == 0 && w->active > 0)
        return false;
    return snapshot_room(w) > 0 && is_explained;
}

bool snapshot_is_at_rest(const struct snap_worker *w)
{
    return snapshot_is_available(w) && w->status != SNAP_BUSY && w->active == 0 &&
           w->in_flight == 0 && w->foreign == 0 && w->active_reported == 0 && w->gpu_util_pct <= 0;
}

const char *snapshot_status_name(const struct snap_worker *w)
{
    static const char *const names[] = {
        [SNAP_STARTING] = "starting", [SNAP_READY] = "ready",   [SNAP_BUSY] = "busy",
        [SNAP_DRAINING] = "draining", [SNAP_FAILED] = "failed", [SNAP_UNSAID] = "",
    };

    if (w->live == SNAP_OFFLINE)
        return names[SNAP_FAILED];
    return w->status <= SNAP_UNSAID ? names[w->status] : "";
}

uint32_t snapshot_gpus(const struct snap_worker *w)
{
    return w->given & SNAP_HAS_GPUS ? w->gpus : w->gpu_ids_len;
}

bool snapshot_has_capability(const struct snapshot *s, const struct snap_worker *w,
                             struct str capability)
{
    struct str own = snapshot_text(s, w->capability);

    if (own.len == capability.len && own.len > 0 && memcmp(own.p, capability.p, own.len) == 0)
        return true;
    return snapshot_has_item(s, w->capabilities, capability);
}

/* --- May it run there? --------------------------------------------------------- */

const char *snap_verdict_name(enum snap_verdict v)
{
    static const char *const names[] = {
        [SNAP_OK] = "ok",
        [SNAP_WRONG_MODEL] = "wrong_model",
        [SNAP_WRONG_WORKER] = "wrong_worker",
        [SNAP_WRONG_POOL] = "wrong_pool",
        [SNAP_TRIED] = "tried",
        [SNAP_OFFLINE_NOW] = "offline",
        [SNAP_NOT_READY] = "not_ready",
        [SNAP_NO_ROOM] = "no_room",
    };

    assert(v < SNAP_VERDICT_COUNT_);
    return names[v];
}

static bool has_its_model(const struct snap_worker *w, const struct snap_job *job)
{
    return job->model_ref.len == 0 || (job->model != SNAP_NONE && job->model == w->model);
}

/* No pin fits all. */
static bool is_pinned_elsewhere(const struct snapshot *s, struct snap_text pin, struct snap_text id)
{
    struct str wanted = snapshot_text(s, pin), here = snapshot_text(s, id);

    return wanted.len > 0 && (wanted.len != here.len || memcmp(wanted.p, here.p, wanted.len) != 0);
}

static bool was_tried(const struct snapshot *s, const struct snap_worker *w,
                      const struct snap_job *job)
{
    for (size_t i = 0; i < job->tried_len && i < SNAP_TRIED_MAX; i++) {
        if (snapshot_worker(s, job->tried[i].worker) == w &&
            job->tried[i].generation == w->generation)
            return true;
    }
    return false;
}

enum snap_verdict snapshot_can_run(const struct snapshot *s, const struct snap_worker *w,
                                   const struct snap_job *job)
{
    if (!has_its_model(w, job))
        return SNAP_WRONG_MODEL;
    if (is_pinned_elsewhere(s, job->pinned_worker_id, w->id))
        return SNAP_WRONG_WORKER;
    if (is_pinned_elsewhere(s, job->pinned_pool_id, w->pool_id))
        return SNAP_WRONG_POOL;
    if (was_tried(s, w, job))
        return SNAP_TRIED;
    if (w->live == SNAP_OFFLINE)
        return SNAP_OFFLINE_NOW;
    if (!snapshot_is_available(w))
        return SNAP_NOT_READY;
    return snapshot_room(w) > 0 ? SNAP_OK : SNAP_NO_ROOM;
}

/* --- Times and sizes ------------------------------------------------------------- */

static uint64_t since(const struct snapshot *s, uint64_t then_ms)
{
    return then_ms > 0 && s->header.now_ms > then_ms ? s->header.now_ms - then_ms : 0;
}

uint64_t snapshot_residency_ms(const struct snapshot *s, const struct snap_worker *w)
{
    return w->given & SNAP_HAS_RESIDENCY ? w->residency_ms : since(s, w->first_seen_ms);
}

bool snapshot_can_evict(const struct snapshot *s, const struct snap_worker *w,
                        uint64_t min_residency_ms)
{
    bool is_known = w->given & SNAP_HAS_RESIDENCY || w->first_seen_ms > 0;

    if (w->is_pinned || w->is_static || !snapshot_is_at_rest(w))
        return false;
    return !is_known || snapshot_residency_ms(s, w) >= min_residency_ms;
}

uint64_t snapshot_job_wait_ms(const struct snapshot *s, const struct snap_job *job)
{
    return job->given & SNAP_HAS_WAIT ? job->wait_ms : since(s, job->created_at_ms);
}

int64_t snapshot_job_deadline_ms(const struct snapshot *s, const struct snap_job *job)
{
    int64_t left;

    if (!(job->given & SNAP_HAS_DEADLINE) ||
        __builtin_sub_overflow(job->deadline_at_ms, s->header.now_ms, &left))
        return SNAP_NO_DEADLINE;
    return left;
}

uint64_t snapshot_vram_free_mb(const struct snap_worker *w)
{
    if (w->given & SNAP_HAS_VRAM_FREE)
        return w->vram_free_mb;
    return w->total_vram_mb > w->vram_mb ? w->total_vram_mb - w->vram_mb : 0;
}

uint64_t snapshot_gpu_free_mb(const struct snap_gpu *gpu)
{
    return gpu->vram_total_mb > gpu->vram_allocated_mb ? gpu->vram_total_mb - gpu->vram_allocated_mb
                                                       : 0;
}

uint32_t snapshot_uncached_tokens(const struct snap_job *job, uint32_t worker_row)
{
    for (size_t i = 0; i < job->warm_len && i < SNAP_WARM_MAX; i++) {
        const struct snap_warm *warm = &job->warm[i];

        if (warm->worker == worker_row)
            return warm->cached_tokens < job->prompt_tokens
                       ? job->prompt_tokens - warm->cached_tokens
                       : 0;
    }
    return job->prompt_tokens;
}
