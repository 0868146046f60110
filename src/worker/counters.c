#include "worker/counters.h"

#include "base/log.h"
#include "base/metrics.h"
#include "worker/worker.h"

enum {
    RUNS_TOTAL,
    PROMPT_TOKENS_TOTAL,
    CACHED_TOKENS_TOTAL,
    OUTPUT_TOKENS_TOTAL,
    STEPS_TOTAL,
    ENGINE_BUSY_SECONDS_TOTAL,
    QUEUE_SECONDS,
    PROMPT_SECONDS,
    OUTPUT_SECONDS,
    SLOTS,
    SLOTS_ACTIVE,
    QUEUE_LENGTH,
    KV_USED_RATIO,
    TOKENS_PER_SECOND,
    LOADED,
};

/* clang-format off */
static const struct metric_def defs[] = {
    [RUNS_TOTAL]          = { METRIC_COUNTER, "rbee_worker_runs_total", "Runs that have ended, by route and outcome", { "route", "outcome" }, NULL },
    [PROMPT_TOKENS_TOTAL] = { METRIC_COUNTER, "rbee_worker_prompt_tokens_total", "Tokens of prompts", { NULL }, NULL },
    [CACHED_TOKENS_TOTAL] = { METRIC_COUNTER, "rbee_worker_cached_tokens_total", "Tokens of prompts that a slot knew already", { NULL }, NULL },
    [OUTPUT_TOKENS_TOTAL] = { METRIC_COUNTER, "rbee_worker_output_tokens_total", "Tokens made", { NULL }, NULL },
    [STEPS_TOTAL]         = { METRIC_COUNTER, "rbee_worker_steps_total", "Batches decoded", { NULL }, NULL },
    [ENGINE_BUSY_SECONDS_TOTAL] = { METRIC_COUNTER, "rbee_worker_engine_busy_seconds_total", "Time the engine's thread spent working", { NULL }, NULL },
    [QUEUE_SECONDS]       = { METRIC_HISTOGRAM, "rbee_worker_queue_seconds", "Wait for a slot", { NULL }, NULL },
    [PROMPT_SECONDS]      = { METRIC_HISTOGRAM, "rbee_worker_prompt_seconds", "From the slot to the first token", { NULL }, NULL },
    [OUTPUT_SECONDS]      = { METRIC_HISTOGRAM, "rbee_worker_output_seconds", "From the first token to the last", { NULL }, NULL },
    [SLOTS]               = { METRIC_GAUGE, "rbee_worker_slots", "Slots", { NULL }, NULL },
    [SLOTS_ACTIVE]        = { METRIC_GAUGE, "rbee_worker_slots_active", "Slots in use", { NULL }, NULL },
    [QUEUE_LENGTH]        = { METRIC_GAUGE, "rbee_worker_queue_length", "Runs that wait for a slot", { NULL }, NULL },
    [KV_USED_RATIO]       = { METRIC_GAUGE, "rbee_worker_kv_used_ratio", "Share of all slots' context that running sequences fill", { NULL }, NULL },
    [TOKENS_PER_SECOND]   = { METRIC_GAUGE, "rbee_worker_tokens_per_second", "Tokens made in the last second", { NULL }, NULL },
    [LOADED]              = { METRIC_GAUGE, "rbee_worker_loaded", "1 once the model is loaded", { NULL }, NULL },
};
/* clang-format on */

struct metrics *counters_new(void)
{
    return metrics_new(defs, sizeof(defs) / sizeof(defs[0]));
}

static void count_times(struct metrics *m, const struct engine_timings *t)
{
    metrics_observe(m, QUEUE_SECONDS, NULL, (double)t->waited_us / 1e6);
    if (t->prompt_us > 0)
        metrics_observe(m, PROMPT_SECONDS, NULL, (double)t->prompt_us / 1e6);
    if (t->output_tokens > 0)
        metrics_observe(m, OUTPUT_SECONDS, NULL, (double)t->output_us / 1e6);
}

void counters_run_ended(struct worker *w, const char *route, const char *id, const char *how,
                        const struct engine_timings *t)
{
    const char *const labels[] = { route, how };
    struct engine_timings none = { 0 };

    metrics_add(w->metrics, RUNS_TOTAL, labels, 1);
    if (t)
        count_times(w->metrics, t);
    else
        t = &none;
    log_debug("run ended", LOG_STR("route", route), LOG_STR("id", id), LOG_STR("how", how),
              LOG_INT("prompt_tokens", t->prompt_tokens),
              LOG_INT("cached_tokens", t->cached_tokens),
              LOG_INT("output_tokens", t->output_tokens), LOG_INT("waited_us", t->waited_us),
              LOG_INT("prompt_us", t->prompt_us), LOG_INT("output_us", t->output_us));
}

/* The engine counts its totals itself: what has come since they were last written. */
static void add_engine_totals(struct worker *w, const struct engine_stats *now)
{
    const struct engine_stats *then = &w->counted;
    const struct {
        size_t metric;
        double by;
    } added[] = {
        { PROMPT_TOKENS_TOTAL, (double)(now->prompt_tokens_total - then->prompt_tokens_total) },
        { CACHED_TOKENS_TOTAL, (double)(now->cached_tokens_total - then->cached_tokens_total) },
        { OUTPUT_TOKENS_TOTAL, (double)(now->output_tokens_total - then->output_tokens_total) },
        { STEPS_TOTAL, (double)(now->steps_total - then->steps_total) },
        { ENGINE_BUSY_SECONDS_TOTAL, (double)(now->busy_us_total - then->busy_us_total) / 1e6 },
    };

    for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
        metrics_add(w->metrics, added[i].metric, NULL, added[i].by);
    w->counted = *now;
}

static void set_gauges(struct worker *w, const struct engine_stats *now)
{
    const struct {
        size_t metric;
        double value;
    } gauges[] = {
        { SLOTS, (double)w->options->slots },   { SLOTS_ACTIVE, now->active },
        { QUEUE_LENGTH, now->waiting },         { KV_USED_RATIO, now->kv_used_percent / 100.0 },
        { TOKENS_PER_SECOND, w->tokens_per_s }, { LOADED, now->is_loaded },
    };

    for (size_t i = 0; i < sizeof(gauges) / sizeof(gauges[0]); i++)
        metrics_set(w->metrics, gauges[i].metric, NULL, gauges[i].value);
}

void counters_write(struct worker *w, struct buf *out)
{
    struct engine_stats now;

    engine_get_stats(w->engine, &now);
    add_engine_totals(w, &now);
    set_gauges(w, &now);
    metrics_write(w->metrics, out);
}
