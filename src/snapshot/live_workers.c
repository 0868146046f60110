/* Rows of workers. */
#include "snapshot/live_private.h"

#include "snapshot/reserved.h"

#include <stdio.h>

static void clear_worker_texts(struct live *l, struct snap_worker *w)
{
    struct snap_text *const own[] = { &w->id,       &w->pool_id, &w->capabilities, &w->group,
                                      &w->instance, &w->build,   &w->labels };

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        live_text_clear(&l->texts, own[i]);
}

void live_remove_worker(struct live *l, uint32_t row)
{
    struct snap_worker w = rows(l)->workers[row];

    live_crowd(l, w.pool);
    sums_worker(&l->sums, rows(l), &w, -1);
    rows_unlink_model(l->region, row);
    rows_unlink_pool(l->region, row);
    clear_worker_texts(l, &w);
    memset(&w, 0, sizeof(w));
    rows_put_worker(l->region, row, &w);
}

/* What the ledger knows is newer than what the worker said last. */
static uint8_t status_of(const struct worker *w)
{
    static const uint8_t statuses[WORKER_STATE_COUNT_] = {
        [WORKER_STARTING] = SNAP_STARTING, [WORKER_READY] = SNAP_READY,   [WORKER_BUSY] = SNAP_BUSY,
        [WORKER_DRAINING] = SNAP_DRAINING, [WORKER_FAILED] = SNAP_FAILED,
    };

    if (w->facts.state != WORKER_READY && w->facts.state != WORKER_BUSY)
        return statuses[w->facts.state];
    if (w->is_leaving)
        return SNAP_DRAINING;
    return (uint64_t)w->in_flight + w->foreign >= w->facts.slots ? SNAP_BUSY : SNAP_READY;
}

/* What changes between two reports. */
static void set_state_of_worker(struct live *l, struct snap_worker *row, const struct worker *w)
{
    row->status = status_of(w);
    row->live = (uint8_t)w->live;
    row->last_used_ms = live_wall_ms(l, w->last_used_ms);
    row->slots = w->facts.slots;
    row->active = w->in_flight + w->foreign;
    row->queued = w->facts.queued;
    row->in_flight = w->in_flight;
    row->foreign = w->foreign;
    row->in_flight_tokens = w->in_flight_tokens;
    row->queued_prefill_tokens = w->queued_prefill_tokens;
    row->uses = w->dispatched_total;
    row->prefill_tokens_per_s = w->prefill_tokens_per_s;
    row->tokens_per_s = w->tokens_per_s;
    row->load_time_ms = w->load_time_ms;
    row->given &= ~(uint32_t)(SNAP_HAS_SPEED | SNAP_HAS_LOAD);
    row->given |=
        (w->tokens_per_s > 0 ? SNAP_HAS_SPEED : 0) | (w->load_time_ms > 0 ? SNAP_HAS_LOAD : 0);
}

static void set_facts_of_worker(struct snap_worker *row, const struct worker_facts *f)
{
    row->active_reported = f->active;
    row->pid = f->pid;
    row->vram_mb = f->vram_mb;
    row->total_vram_mb = f->total_vram_mb;
    row->rss_mb = f->rss_mb;
    row->uptime_s = f->uptime_s;
    row->cpu_pct = f->cpu_pct;
    row->gpu_util_pct = f->gpu_util_pct;
    if (f->has_kv_used_pct) {
        row->kv_used_pct = f->kv_used_pct;
        row->given |= SNAP_HAS_KV;
    }
    row->gpu_ids_len = (uint8_t)f->gpu_ids_len;
    memcpy(row->gpu_ids, f->gpu_ids, f->gpu_ids_len * sizeof(f->gpu_ids[0]));
}

/* The label's comma list. */
static struct str list_text(struct live *l, struct str commas)
{
    buf_clear(&l->scratch);
    for (size_t i = 0; i < commas.len; i++)
        (void)buf_putc(&l->scratch, commas.p[i] == ',' ? '\0' : commas.p[i]);
    if (commas.len > 0)
        (void)buf_putc(&l->scratch, '\0');
    return buf_str(&l->scratch);
}

static void set_texts_of_worker(struct live *l, struct snap_worker *row,
                                const struct worker_facts *f)
{
    char build[MODEL_REF_SIZE + 32];
    struct str capabilities;

    live_text_set(&l->texts, &row->id, str_of(f->id));
    live_text_set(&l->texts, &row->pool_id, str_of(f->hive_id));
    live_text_set(&l->texts, &row->group, str_of(f->group));
    live_text_set(&l->texts, &row->instance, str_of(f->instance));
    (void)snprintf(build, sizeof(build), "%s %s", worker_kind_name(f->kind), f->model);
    live_text_set(&l->texts, &row->build, str_of(build));
    live_text_set(&l->texts, &row->labels, live_map_text(l, &f->labels, LIVE_TEXT_MAX));

    struct snap_text own = row->capabilities;
    row->capabilities.len = 0;
    reserved_worker(rows(l), row, &capabilities);
    row->capabilities = own;
    live_text_set(&l->texts, &row->capabilities, list_text(l, capabilities));
}

/* Members that stay a row's own when its facts are filled in anew. */
static struct snap_worker begin_worker(const struct snap_worker *old)
{
    struct snap_worker row;

    memset(&row, 0, sizeof(row));
    rows_clear_links(&row);
    row.model = row.pool = SNAP_NONE;
    if (old->generation == 0)
        return row;
    row.id = old->id;
    row.pool_id = old->pool_id;
    row.capabilities = old->capabilities;
    row.group = old->group;
    row.instance = old->instance;
    row.build = old->build;
    row.labels = old->labels;
    return row;
}

static struct snap_worker make_worker(struct live *l, const struct snap_worker *old,
                                      const struct worker *w)
{
    struct snap_worker row = begin_worker(old);
    const struct hive *hive = registry_hive(live_registry(l), w->facts.hive_id);

    row.generation = w->generation;
    row.model = live_model_row(l, w->facts.model);
    row.pool = hive && hive->slot < SNAP_POOLS_MAX ? hive->slot : SNAP_NONE;
    row.is_static = w->is_static;
    row.first_seen_ms = live_wall_ms(l, w->first_seen_ms);
    set_state_of_worker(l, &row, w);
    set_facts_of_worker(&row, &w->facts);
    set_texts_of_worker(l, &row, &w->facts);
    row.is_pinned = core_is_pinned(w);
    reserved_place(&row, snapshot_pool(rows(l), row.pool));
    return row;
}

/* Do both weigh the same on their GPUs? */
static bool weigh_alike(const struct snap_worker *a, const struct snap_worker *b)
{
    return a->pool == b->pool && a->vram_mb == b->vram_mb && a->gpu_util_pct == b->gpu_util_pct &&
           a->gpu_ids_len == b->gpu_ids_len &&
           memcmp(a->gpu_ids, b->gpu_ids, sizeof(a->gpu_ids)) == 0;
}

/* It stands where it stood, and is what it was. */
static void renew_worker(struct live *l, uint32_t row, const struct worker *w)
{
    struct snap_worker worker = rows(l)->workers[row];

    sums_worker(&l->sums, rows(l), &worker, -1);
    set_state_of_worker(l, &worker, w);
    sums_worker(&l->sums, rows(l), &worker, 1);
    rows_put_worker(l->region, row, &worker);
}

/* Put a worker's row anew, in the lists of its model and its pool. */
static void place_worker(struct live *l, uint32_t row, const struct worker *w)
{
    struct snap_worker old = rows(l)->workers[row];
    bool is_new = old.generation == 0;

    if (is_new)
        old.model = old.pool = SNAP_NONE;
    struct snap_worker worker = make_worker(l, &old, w);
    bool moves_model = old.model != worker.model, moves_pool = old.pool != worker.pool;
    if (!is_new) {
        sums_worker(&l->sums, rows(l), &old, -1);
        if (moves_model)
            rows_unlink_model(l->region, row);
        if (moves_pool)
            rows_unlink_pool(l->region, row);
        if (!moves_model) {
            worker.next_in_model = old.next_in_model;
            worker.prev_in_model = old.prev_in_model;
        }
        if (!moves_pool) {
            worker.next_in_pool = old.next_in_pool;
            worker.prev_in_pool = old.prev_in_pool;
        }
    }
    if (is_new || !weigh_alike(&old, &worker)) {
        live_crowd(l, old.pool);
        live_crowd(l, worker.pool);
    }
    rows_put_worker(l->region, row, &worker);
    if (moves_model)
        rows_link_model(l->region, row);
    if (moves_pool)
        rows_link_pool(l->region, row);
    sums_worker(&l->sums, rows(l), &worker, 1);
    live_note_use(l, &l->header.workers, row);
}

void live_put_worker(struct live *l, uint32_t row, const struct worker *w)
{
    if (rows(l)->workers[row].generation == w->generation && l->described[row] == w->described) {
        renew_worker(l, row, w);
        return;
    }
    place_worker(l, row, w);
    l->described[row] = w->described;
}
