/* What the queen has sent where, and what its runs showed of the machines. */
#include "base/mem.h"
#include "registry/registry_private.h"

#include <assert.h>

void registry_charge(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                     uint64_t now_ms)
{
    struct worker *w = registry_find_worker(r, worker_id);

    assert(w);
    struct standing before = registry_standing(w);
    w->in_flight++;
    if (w->in_flight_peak < w->in_flight)
        w->in_flight_peak = w->in_flight;
    w->in_flight_tokens += tokens->total;
    w->queued_prefill_tokens += tokens->prefill;
    w->last_used_ms = now_ms;
    w->dispatched_total++;
    registry_settle(r, w, &before);
}

static void end_prefill(struct worker *w, const struct run_tokens *tokens)
{
    assert(w->queued_prefill_tokens >= tokens->prefill);
    w->queued_prefill_tokens -= tokens->prefill;
}

void registry_prefilled(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                        uint64_t prefill_ms)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w)
        return;
    end_prefill(w, tokens);
    if (tokens->prefill > 0 && prefill_ms > 0) {
        rate_add(&w->prefill, tokens->prefill, (double)prefill_ms);
        w->prefill_tokens_per_s = rate_per_s(&w->prefill);
    }
    registry_touch(r, REGISTRY_WORKERS, w->slot);
}

void registry_release(struct registry *r, const char *worker_id, const struct run_tokens *tokens,
                      bool is_prefilled)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w)
        return;
    assert(w->in_flight > 0 && w->in_flight_tokens >= tokens->total);
    struct standing before = registry_standing(w);
    w->in_flight--;
    w->in_flight_tokens -= tokens->total;
    if (!is_prefilled)
        end_prefill(w, tokens);
    registry_settle(r, w, &before);
}

void registry_measured(struct registry *r, const char *worker_id, const struct run_figures *run)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w)
        return;
    if (w->model)
        registry_note_run(r, w->model, run);
    if (run->tokens_out < 2 || run->decode_ms == 0)
        return;
    rate_add(&w->decode, (double)(run->tokens_out - 1), (double)run->decode_ms);
    registry_derive_speed(w);
    registry_touch(r, REGISTRY_WORKERS, w->slot);
}

void registry_worker_full(struct registry *r, const char *worker_id, uint64_t now_ms)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w)
        return;
    struct standing before = registry_standing(w);
    w->foreign += before.room;
    if (w->is_static) {
        w->full_ms = now_ms;
        list_remove(&w->in_age);
        list_push_back(&r->full_statics, &w->in_age);
    }
    registry_settle(r, w, &before);
}

void registry_worker_leaving(struct registry *r, const char *worker_id, bool is_leaving)
{
    struct worker *w = registry_find_worker(r, worker_id);

    if (!w)
        return;
    struct standing before = registry_standing(w);
    w->is_leaving = is_leaving;
    registry_settle(r, w, &before);
}

void registry_reserve(struct registry *r, const char *hive_id, int64_t mb)
{
    struct hive *hive = map_get(&r->hives, str_of(hive_id));
    uint64_t back = mb < 0 ? 0 - (uint64_t)mb : 0;

    if (!hive)
        return;
    if (mb >= 0)
        hive->reserved_mb += (uint64_t)mb;
    else /* a hive that was forgotten and came again holds less than is given back */
        hive->reserved_mb -= back < hive->reserved_mb ? back : hive->reserved_mb;
    registry_touch(r, REGISTRY_HIVES, hive->slot);
}
