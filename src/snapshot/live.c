/* The order of a sync, the header, and starting over. */
#include "snapshot/live.h"

#include "base/mem.h"
#include "snapshot/live_private.h"

#include <assert.h>

enum { SCRATCH_MAX = 64 * 1024 };

static void row_set_init(struct row_set *set, size_t rows)
{
    set->rows = mem_alloc(rows, sizeof(*set->rows));
    set->is_in = mem_alloc(rows, sizeof(*set->is_in));
}

static void row_set_deinit(struct row_set *set)
{
    free(set->rows);
    free(set->is_in);
}

static void row_set_clear(struct row_set *set)
{
    for (size_t i = 0; i < set->len; i++)
        set->is_in[set->rows[i]] = 0;
    set->len = 0;
}

void live_note_use(struct live *l, uint32_t *used, uint32_t row)
{
    if (row < *used)
        return;
    *used = row + 1;
    rows_put_header(l->region, &l->header);
}

static void put_config(struct live *l)
{
    for (size_t i = 0; i < l->options.config_len; i++) {
        struct snap_config config = { { 0, 0 }, { 0, 0 } };

        live_text_set(&l->texts, &config.key, str_of(l->options.config[i].key));
        live_text_set(&l->texts, &config.value, str_of(l->options.config[i].value));
        rows_put_config(l->region, (uint32_t)i, &config);
    }
    l->header.configs = (uint32_t)l->options.config_len;
}

/* Nothing is known yet: the next changes asked for are all there ever were. */
static void begin(struct live *l)
{
    live_texts_reset(&l->texts);
    memset(&l->sums, 0, sizeof(l->sums));
    memset(&l->header, 0, sizeof(l->header));
    memset(l->seen, 0, sizeof(l->seen));
    memset(l->has_loads, 0, SNAP_MODELS_MAX);
    row_set_clear(&l->crowded);
    row_set_clear(&l->counted);
    l->started = l->starts = 0;
    l->header.layout = SNAP_LAYOUT;
    l->header.first_job = l->header.asked_job = SNAP_NONE;
    l->header.utc_offset_min = l->options.utc_offset_min;
    live_reset_jobs(l);
    put_config(l);
    rows_put_header(l->region, &l->header); /* an empty state is one, too */
}

struct live *live_new(const struct core *core, const struct live_options *options)
{
    struct live *l = mem_alloc(1, sizeof(*l));

    assert(options->config_len <= SNAP_CONFIG_MAX);
    l->core = core;
    l->options = *options;
    l->region = region_new(sizeof(struct snapshot), options->log_bytes_max, NULL);
    live_texts_init(&l->texts, l->region);
    buf_init(&l->scratch, SCRATCH_MAX);
    row_set_init(&l->crowded, SNAP_POOLS_MAX);
    row_set_init(&l->counted, SNAP_MODELS_MAX);
    l->has_loads = mem_alloc(SNAP_MODELS_MAX, 1);
    l->described = mem_alloc(SNAP_WORKERS_MAX, sizeof(*l->described));
    map_init(&l->tenants);
    begin(l);
    return l;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < sizeof(l->changes) / sizeof(l->changes[0]); i++)
        free(l->changes[i].items);
    map_deinit(&l->tenants);
    free(l->described);
    free(l->has_loads);
    row_set_deinit(&l->counted);
    row_set_deinit(&l->crowded);
    buf_deinit(&l->scratch);
    live_texts_deinit(&l->texts);
    region_free(l->region);
    free(l);
}

/* Starts have no feed of changes: when one began or ended, all models are asked. */
static void count_starts(struct live *l, const struct core_stats *stats)
{
    if (l->started == stats->started_total && l->starts == stats->starting)
        return;
    l->started = stats->started_total;
    l->starts = stats->starting;
    for (uint32_t row = 0; row < l->header.models; row++)
        live_count_model(l, row);
}

static void set_metrics(struct live *l, const struct core_stats *stats)
{
    struct snap_metrics *m = &l->header.metrics;

    sums_tell(&l->sums, m);
    m->queue_depth = stats->queued;
    m->queue_depth_interactive = stats->queued_interactive;
    m->queue_depth_batch = stats->queued_batch;
    m->avg_wait_ms = stats->wait_ms_mean;
}

static void bring_up_to_date(struct live *l, const struct job *const *jobs, size_t len,
                             enum live_window window, uint32_t *ret_rows)
{
    struct core_stats stats;

    l->pass++;
    l->guests_seen = 0;
    l->header.first_job = l->header.asked_job = SNAP_NONE;
    l->header.jobs_shown = 0;
    core_get_stats(l->core, &stats);
    live_collect_changes(l);
    live_sync_rows(l);
    count_starts(l, &stats);
    for (size_t i = 0; i < len; i++)
        ret_rows[i] = live_sync_job(l, jobs[i]);
    if (len > 0)
        l->header.asked_job = ret_rows[0];
    if (window == LIVE_WINDOW)
        live_sync_window(l);
    l->header.now_ms = live_wall_ms(l, l->now_ms);
    set_metrics(l, &stats);
    rows_put_header(l->region, &l->header);
}

void live_sync_jobs(struct live *l, const struct job *const *jobs, size_t len,
                    enum live_window window, uint64_t now_ms, uint32_t *ret_rows)
{
    assert(len <= SNAP_WINDOW);
    l->now_ms = now_ms;
    bring_up_to_date(l, jobs, len, window, ret_rows);
    if (l->texts.is_full && live_texts_could_hold_more(&l->texts)) {
        region_reset(l->region);
        begin(l);
        bring_up_to_date(l, jobs, len, window, ret_rows);
    }
}

uint32_t live_sync(struct live *l, const struct job *job, enum live_window window, uint64_t now_ms)
{
    uint32_t row = SNAP_NONE;

    live_sync_jobs(l, &job, job != NULL, window, now_ms, &row);
    return row;
}

const struct snapshot *live_snapshot(const struct live *l)
{
    return rows_of(l->region);
}

struct region *live_region(struct live *l)
{
    return l->region;
}
