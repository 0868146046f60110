#include "api/queen_metrics.h"

#include "proxy/job_table.h"
#include "api/queen.h"
#include "base/clock.h"

enum {
    M_REQUESTS,
    M_DURATION,
    M_TTFT,
    M_QUEUE_WAIT,
    M_TOKENS,
    M_DISPATCHES,
    M_RETRIES,
    M_CANCELS,
    M_QUEUE_DEPTH,
    M_QUEUE_BYTES,
    M_RUNNING,
    M_WORKERS,
    M_HIVES,
    M_WORKER_IN_FLIGHT,
    M_WORKER_SLOTS,
    M_REPLAY_BYTES,
    M_BODIES_BYTES,
    M_CONNECTIONS,
    M_UPTIME,
    M_COUNT_,
};

/* clang-format off */
static const struct metric_def defs[M_COUNT_] = {
    [M_REQUESTS]         = { METRIC_COUNTER,   "rbee_requests_total", "Inference requests that ended, by route and outcome (ok, or the error's code)", { "route", "code" }, NULL },
    [M_DURATION]         = { METRIC_HISTOGRAM, "rbee_request_duration_seconds", "Arrival to end of a request", { "route" }, NULL },
    [M_TTFT]             = { METRIC_HISTOGRAM, "rbee_ttft_seconds", "Arrival to the first token (a whole answer: to its head)", { "model" }, NULL },
    [M_QUEUE_WAIT]       = { METRIC_HISTOGRAM, "rbee_queue_wait_seconds", "Arrival to the dispatch that brought the first token", { "model" }, NULL },
    [M_TOKENS]           = { METRIC_COUNTER,   "rbee_tokens_total", "Tokens of finished requests, as their workers counted them", { "model", "type" }, NULL },
    [M_DISPATCHES]       = { METRIC_COUNTER,   "rbee_dispatches_total", "Jobs sent to a worker, retries included", { NULL }, NULL },
    [M_RETRIES]          = { METRIC_COUNTER,   "rbee_retries_total", "Jobs sent to another worker after a failure before the first byte", { NULL }, NULL },
    [M_CANCELS]          = { METRIC_COUNTER,   "rbee_cancels_total", "Jobs ended by their client, by phase", { "phase" }, NULL },
    [M_QUEUE_DEPTH]      = { METRIC_GAUGE,     "rbee_queue_depth", "Jobs waiting, by priority", { "priority" }, NULL },
    [M_QUEUE_BYTES]      = { METRIC_GAUGE,     "rbee_queue_bytes", "Memory that waiting jobs hold", { NULL }, NULL },
    [M_RUNNING]          = { METRIC_GAUGE,     "rbee_running", "Jobs at a worker now (the in-flight ledger)", { NULL }, NULL },
    [M_WORKERS]          = { METRIC_GAUGE,     "rbee_workers", "Workers known, by liveness", { "liveness" }, NULL },
    [M_HIVES]            = { METRIC_GAUGE,     "rbee_hives", "Hives that are online", { NULL }, NULL },
    [M_WORKER_IN_FLIGHT] = { METRIC_GAUGE,     "rbee_worker_in_flight", "Jobs of ours at one worker", { "worker", "model" }, NULL },
    [M_WORKER_SLOTS]     = { METRIC_GAUGE,     "rbee_worker_slots", "Slots of one worker", { "worker", "model" }, NULL },
    [M_REPLAY_BYTES]     = { METRIC_GAUGE,     "rbee_replay_bytes", "Job events kept for late and resumed streams", { NULL }, NULL },
    [M_BODIES_BYTES]     = { METRIC_GAUGE,     "rbee_request_bodies_bytes", "Request bodies in memory", { NULL }, NULL },
    [M_CONNECTIONS]      = { METRIC_GAUGE,     "rbee_client_connections", "Open connections of clients and hives", { NULL }, NULL },
    [M_UPTIME]           = { METRIC_GAUGE,     "rbee_uptime_seconds", "Since this queen started", { NULL }, NULL },
};
/* clang-format on */

struct metrics *queen_metrics_new(void)
{
    return metrics_new(defs, M_COUNT_);
}

void queen_count_dispatch(struct queen *q, unsigned attempt)
{
    metrics_add(q->metrics, M_DISPATCHES, NULL, 1);
    if (attempt > 1)
        metrics_add(q->metrics, M_RETRIES, NULL, 1);
}

static double seconds(uint64_t from_us, uint64_t to_us)
{
    return (double)(to_us - from_us) / 1e6;
}

void queen_count_first_byte(struct queen *q, const struct flight *f)
{
    const char *labels[] = { f->model };

    metrics_observe(q->metrics, M_TTFT, labels, seconds(f->arrived_us, f->first_byte_us));
    metrics_observe(q->metrics, M_QUEUE_WAIT, labels, seconds(f->arrived_us, f->dispatched_us));
}

void queen_count_tokens(struct queen *q, const struct flight *f, const struct usage *usage)
{
    if (usage->tokens_in > 0)
        metrics_add(q->metrics, M_TOKENS, (const char *[]){ f->model, "input" },
                    (double)usage->tokens_in);
    if (usage->tokens_out > 0)
        metrics_add(q->metrics, M_TOKENS, (const char *[]){ f->model, "output" },
                    (double)usage->tokens_out);
}

void queen_count_end(struct queen *q, const struct flight *f, int code)
{
    const char *phase = f->first_byte_us ? "streaming" : f->dispatched_us ? "prefill" : "queued";

    metrics_add(q->metrics, M_REQUESTS, (const char *[]){ f->route, code ? err_name(code) : "ok" },
                1);
    metrics_observe(q->metrics, M_DURATION, (const char *[]){ f->route },
                    seconds(f->arrived_us, clock_mono_us()));
    if (code == ERR_CLIENT_GONE || code == ERR_CANCELLED)
        metrics_add(q->metrics, M_CANCELS, (const char *[]){ phase }, 1);
}

static bool write_worker(void *data, const struct worker *w)
{
    struct queen *q = data;
    const char *labels[] = { w->facts.id, w->facts.model };

    metrics_set(q->metrics, M_WORKER_IN_FLIGHT, labels, w->in_flight);
    metrics_set(q->metrics, M_WORKER_SLOTS, labels, w->facts.slots);
    return true;
}

static bool count_liveness(void *data, const struct worker *w)
{
    ((size_t *)data)[w->live]++;
    return true;
}

static bool count_hive(void *data, const struct hive *hive)
{
    (void)data;
    (void)hive;
    return true;
}

static void set_gauge(struct queen *q, size_t metric, double value)
{
    metrics_set(q->metrics, metric, NULL, value);
}

static void set_worker_gauges(struct queen *q)
{
    const struct registry *r = core_registry(q->core);
    const struct worker_query all = { 0 };
    size_t by_liveness[LIVE_OFFLINE + 1] = { 0 };

    (void)registry_find(r, &all, count_liveness, by_liveness);
    for (enum liveness live = LIVE_ONLINE; live <= LIVE_OFFLINE; live++)
        metrics_set(q->metrics, M_WORKERS, (const char *[]){ liveness_name(live) },
                    (double)by_liveness[live]);
    metrics_clear(q->metrics, M_WORKER_IN_FLIGHT);
    metrics_clear(q->metrics, M_WORKER_SLOTS);
    (void)registry_find(r, &all, write_worker, q);
    set_gauge(q, M_HIVES, (double)registry_find_hives(r, true, false, count_hive, NULL));
}

void queen_metrics_write(struct queen *q, struct buf *out)
{
    struct core_stats core;
    struct http_server_stats http = { 0 };

    core_get_stats(q->core, &core);
    if (q->server)
        http_server_get_stats(q->server, &http);
    metrics_set(q->metrics, M_QUEUE_DEPTH, (const char *[]){ "interactive" },
                (double)core.queued_interactive);
    metrics_set(q->metrics, M_QUEUE_DEPTH, (const char *[]){ "batch" }, (double)core.queued_batch);
    set_gauge(q, M_QUEUE_BYTES, (double)core.queued_bytes);
    set_gauge(q, M_RUNNING, (double)core.running);
    set_gauge(q, M_REPLAY_BYTES, (double)job_table_bytes(q->jobs));
    set_gauge(q, M_BODIES_BYTES, (double)http.bodies_bytes);
    set_gauge(q, M_CONNECTIONS, (double)http.connections);
    set_gauge(q, M_UPTIME, (double)(loop_now_ms(q->loop) - q->started_ms) / 1000);
    set_worker_gauges(q);
    metrics_write(q->metrics, out);
}
