#include "api/queen_metrics.h"

#include "proxy/job_table.h"
#include "api/policies.h"
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
    M_DECISIONS,
    M_POLICY_TIME,
    M_FALLBACKS,
    M_STARTS,
    M_EVICTIONS,
    M_STARTING,
    M_POLICY_VALUE,
    M_POLICY_STATE,
    M_POLICY_MEMORY,
    M_POLICY_HOSTS,
    M_POLICY_HOST_STARTS,
    M_POLICY_HOST_KILLS,
    M_POLICY_STRIKES,
    M_TRACE_RECORDS,
    M_COUNT_,
};

/* A decision takes microseconds, its limit is 50 ms. */
static const double policy_buckets[] = { 5e-6,   1e-5, 2.5e-5, 5e-5,   1e-4, 2.5e-4, 5e-4, 1e-3,
                                         2.5e-3, 5e-3, 1e-2,   2.5e-2, 5e-2, 0.1,    0 };

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
    [M_DECISIONS]        = { METRIC_COUNTER,   "rbee_policy_decisions_total", "Decisions, by the policy that made them and by action", { "policy", "action" }, NULL },
    [M_POLICY_TIME]      = { METRIC_HISTOGRAM, "rbee_policy_decision_seconds", "Time inside a user policy's host per question", { "policy" }, policy_buckets },
    [M_FALLBACKS]        = { METRIC_COUNTER,   "rbee_policy_fallbacks_total", "Decisions that the built-in policy made because the user's failed, by reason", { "policy", "reason" }, NULL },
    [M_STARTS]           = { METRIC_COUNTER,   "rbee_worker_starts_total", "Workers that the scheduler had started", { NULL }, NULL },
    [M_EVICTIONS]        = { METRIC_COUNTER,   "rbee_worker_evictions_total", "Workers that the scheduler had stopped to make room", { NULL }, NULL },
    [M_STARTING]         = { METRIC_GAUGE,     "rbee_workers_starting", "Starts under way", { NULL }, NULL },
    [M_POLICY_VALUE]     = { METRIC_GAUGE,     "rbee_policy_value", "What policies told by emit_metric(), the last value of each name", { "policy", "name" }, NULL },
    [M_POLICY_STATE]     = { METRIC_GAUGE,     "rbee_policy_state", "1 for the state the user policy is in: ok, or why it is not asked (breaker, ...)", { "policy", "state" }, NULL },
    [M_POLICY_MEMORY]    = { METRIC_GAUGE,     "rbee_policy_memory_bytes", "Lua heap, by policy", { "policy" }, NULL },
    [M_POLICY_HOSTS]     = { METRIC_GAUGE,     "rbee_policy_hosts", "Policy-host processes now", { NULL }, NULL },
    [M_POLICY_HOST_STARTS] = { METRIC_COUNTER, "rbee_policy_host_starts_total", "Policy hosts started", { NULL }, NULL },
    [M_POLICY_HOST_KILLS]  = { METRIC_COUNTER, "rbee_policy_host_kills_total", "Policy hosts that were lost: ended at a limit (timeout, memory), dead (crash), not well at their start", { "reason" }, NULL },
    [M_POLICY_STRIKES]   = { METRIC_GAUGE,     "rbee_policy_strikes", "Strikes of the user policy within the breaker's window", { "policy" }, NULL },
    [M_TRACE_RECORDS]    = { METRIC_GAUGE,     "rbee_policy_trace_records", "Decision records kept", { NULL }, NULL },
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

static void set_gauge(struct queen *q, size_t metric, double value)
{
    metrics_set(q->metrics, metric, NULL, value);
}

/* --- Policies ------------------------------------------------------------- */

void queen_count_decision(struct queen *q, const struct decided *decided)
{
    const char *action = decision_action_name(
        decided->decisions_len > 0 ? decided->decisions[0].action : DECIDE_WAIT);

    metrics_add(q->metrics, M_DECISIONS, (const char *[]){ decided->policy, action }, 1);
    if (decided->failure != POLICY_OK)
        metrics_add(
            q->metrics, M_FALLBACKS,
            (const char *[]){ decided->asked_policy, policy_failure_name(decided->failure) }, 1);
}

void queen_count_policy(struct queen *q, const struct sandbox_answer *answer)
{
    enum policy_failure unavailable;
    const char *policy = core_user_policy(q->core, &unavailable);
    const struct policy_answer *a = answer->answer;

    if (answer->time_us > 0)
        metrics_observe(q->metrics, M_POLICY_TIME, (const char *[]){ policy },
                        (double)answer->time_us / 1e6);
    for (size_t i = 0; i < a->metrics_len; i++)
        metrics_set(q->metrics, M_POLICY_VALUE, (const char *[]){ policy, a->metrics[i].name },
                    a->metrics[i].value);
}

static void set_user_policy_gauges(struct queen *q)
{
    const struct sandboxed *host = release_sandboxed(q->policies->release);
    enum policy_failure unavailable;
    const char *policy = core_user_policy(q->core, &unavailable);
    struct sandboxed_stats stats;

    metrics_clear(q->metrics, M_POLICY_STATE);
    metrics_clear(q->metrics, M_POLICY_MEMORY);
    metrics_clear(q->metrics, M_POLICY_STRIKES);
    if (!policy)
        return;
    metrics_set(q->metrics, M_POLICY_STATE,
                (const char *[]){ policy, policy_failure_name(unavailable) }, 1);
    if (!host)
        return;
    sandboxed_get_stats(host, &stats);
    metrics_set(q->metrics, M_POLICY_MEMORY, (const char *[]){ policy },
                (double)stats.memory_bytes);
    metrics_set(q->metrics, M_POLICY_STRIKES, (const char *[]){ policy }, stats.strikes);
}

static void set_policy_gauges(struct queen *q, const struct core_stats *core)
{
    struct platform_stats platform;
    struct sandbox_stats sandbox;
    struct trace_stats trace;

    set_user_policy_gauges(q);
    platform_get_stats(q->policies->platform, &platform);
    sandbox_get_stats(q->policies->sandbox, &sandbox);
    trace_get_stats(q->policies->trace, &trace);
    metrics_set(q->metrics, M_POLICY_MEMORY, (const char *[]){ "platform" },
                (double)platform.memory_bytes);
    metrics_set_total(q->metrics, M_STARTS, NULL, (double)core->started_total);
    metrics_set_total(q->metrics, M_EVICTIONS, NULL, (double)core->evicted_total);
    set_gauge(q, M_STARTING, (double)core->starting);
    set_gauge(q, M_POLICY_HOSTS, (double)sandbox.hosts);
    metrics_set_total(q->metrics, M_POLICY_HOST_STARTS, NULL, (double)sandbox.starts_total);
    for (enum policy_failure why = POLICY_OK + 1; why < POLICY_FAILURE_COUNT_; why++) {
        if (sandbox.kills_total[why] > 0)
            metrics_set_total(q->metrics, M_POLICY_HOST_KILLS,
                              (const char *[]){ policy_failure_name(why) },
                              (double)sandbox.kills_total[why]);
    }
    set_gauge(q, M_TRACE_RECORDS, (double)trace.records);
}

/* --- The page -------------------------------------------------------------- */

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
    set_policy_gauges(q, &core);
    metrics_write(q->metrics, out);
}
