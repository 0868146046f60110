#include "hive/metrics.h"

#include "base/metrics.h"
#include "http/server.h"
#include "loop/loop.h"
#include "proxy/job_table.h"

enum {
    M_WORKERS,
    M_SPAWNS,
    M_FAILURES,
    M_HEARTBEATS,
    M_GPUS,
    M_MODELS,
    M_REPLAY_BYTES,
    M_CONNECTIONS,
    M_UPTIME,
    M_COUNT_,
};

/* clang-format off */
static const struct metric_def defs[M_COUNT_] = {
    [M_WORKERS]      = { METRIC_GAUGE,   "rbee_hive_workers", "Workers of this hive, by state", { "state" }, NULL },
    [M_SPAWNS]       = { METRIC_COUNTER, "rbee_hive_worker_spawns_total", "Workers started", { NULL }, NULL },
    [M_FAILURES]     = { METRIC_COUNTER, "rbee_hive_worker_failures_total", "Workers that ended by themselves or never got ready", { NULL }, NULL },
    [M_HEARTBEATS]   = { METRIC_COUNTER, "rbee_hive_heartbeats_total", "Heartbeats sent to queens, by result (ok or error)", { "result" }, NULL },
    [M_GPUS]         = { METRIC_GAUGE,   "rbee_hive_gpus", "GPUs found", { NULL }, NULL },
    [M_MODELS]       = { METRIC_GAUGE,   "rbee_hive_models", "Models that can be started", { NULL }, NULL },
    [M_REPLAY_BYTES] = { METRIC_GAUGE,   "rbee_replay_bytes", "Job events kept for late and resumed streams", { NULL }, NULL },
    [M_CONNECTIONS]  = { METRIC_GAUGE,   "rbee_client_connections", "Open connections", { NULL }, NULL },
    [M_UPTIME]       = { METRIC_GAUGE,   "rbee_uptime_seconds", "Since this hive started", { NULL }, NULL },
};
/* clang-format on */

struct metrics *hive_metrics_new(void)
{
    return metrics_new(defs, M_COUNT_);
}

void hive_count_heartbeat(struct machine *m, const char *result)
{
    metrics_add(m->metrics, M_HEARTBEATS, (const char *const[]){ result }, 1);
}

void hive_count_spawn(struct machine *m)
{
    metrics_add(m->metrics, M_SPAWNS, NULL, 1);
}

void hive_count_failure(struct machine *m)
{
    metrics_add(m->metrics, M_FAILURES, NULL, 1);
}

static void set_workers(struct machine *m)
{
    size_t counts[WORKER_STATE_COUNT_] = { 0 };

    for (const struct supervised *w = supervisor_first(m->supervisor); w;
         w = supervisor_next(m->supervisor, w))
        counts[w->facts.state]++;
    for (size_t i = 0; i < WORKER_STATE_COUNT_; i++) {
        const char *state = worker_state_name((enum worker_state)i);
        metrics_set(m->metrics, M_WORKERS, &state, (double)counts[i]);
    }
}

void hive_metrics_write(struct machine *m, struct buf *out)
{
    struct http_server_stats stats;

    http_server_get_stats(m->server, &stats);
    set_workers(m);
    metrics_set(m->metrics, M_GPUS, NULL, (double)m->gpu.gpus_len);
    metrics_set(m->metrics, M_MODELS, NULL, (double)m->models.len);
    metrics_set(m->metrics, M_REPLAY_BYTES, NULL, (double)job_table_bytes(m->jobs));
    metrics_set(m->metrics, M_CONNECTIONS, NULL, (double)stats.connections);
    metrics_set(m->metrics, M_UPTIME, NULL, (double)(loop_now_ms(m->loop) - m->started_ms) / 1000);
    metrics_write(m->metrics, out);
}
