/* Tables: which JSON name is which member. Order is the order of writing. */
#include "snapshot/context_fields.h"

const char *const context_statuses[] = { "starting", "ready", "busy", "draining", "failed", NULL };
const char *const context_livenesses[] = { "online", "degraded", "offline", NULL };
const char *const context_healths[] = { "healthy", "degraded", "offline", NULL };
const char *const context_priorities[] = { "interactive", "batch", NULL };

#define MEMBERS(fields, given, extras)                                 \
    {                                                                  \
        fields, sizeof(fields) / sizeof((fields)[0]), (given), (extras) \
    }
#define TABLE(fields, type) MEMBERS(fields, offsetof(type, given), offsetof(type, extras))
/* Of rows whose facts are always there. */
#define SURE_TABLE(fields, type) MEMBERS(fields, CONTEXT_NO_MEMBER, offsetof(type, extras))

/* A place, in any row that has one. Its unknown members keep the whole object as an extra. */
#define PLACE(type)                                                                           \
    { "region", CONTEXT_TEXT, offsetof(type, region), 0, 0, NULL },                           \
        { "latitude", CONTEXT_NUMBER, offsetof(type, latitude), SNAP_HAS_LATITUDE, 0, NULL }, \
        { "longitude", CONTEXT_NUMBER, offsetof(type, longitude), SNAP_HAS_LONGITUDE, 0, NULL },
#define NESTED(rows, type)                                                               \
    {                                                                                    \
        rows, sizeof(rows) / sizeof((rows)[0]), offsetof(type, given), CONTEXT_NO_MEMBER \
    }

/* clang-format off */
static const struct context_field worker_place[] = { PLACE(struct snap_worker) };
static const struct context_field pool_place[] = { PLACE(struct snap_pool) };
static const struct context_field job_place[] = { PLACE(struct snap_job) };
static const struct context_table worker_geo = NESTED(worker_place, struct snap_worker);
static const struct context_table pool_geo = NESTED(pool_place, struct snap_pool);
static const struct context_table job_geo = NESTED(job_place, struct snap_job);
static const struct context_field user_fields[] = {
    { "geo", CONTEXT_NESTED, 0, 0, 0, &job_geo },
};
static const struct context_table job_user = NESTED(user_fields, struct snap_job);

#define AT(member) offsetof(struct snap_worker, member)
static const struct context_field worker_fields[] = {
    { "id", CONTEXT_TEXT, AT(id), 0, 0, NULL },
    { "pool_id", CONTEXT_TEXT, AT(pool_id), 0, 0, NULL },
    { "hive_id", CONTEXT_TEXT, AT(pool_id), 0, CONTEXT_ALIAS, NULL },
    { "status", CONTEXT_STATUS, AT(status), 0, 0, NULL },
    { "liveness", CONTEXT_LIVENESS, AT(live), 0, 0, NULL },
    { "model_ref", CONTEXT_MODEL, AT(model), 0, 0, NULL },
    { "model", CONTEXT_MODEL, AT(model), 0, CONTEXT_ALIAS, NULL },
    { "slots", CONTEXT_U32, AT(slots), 0, 0, NULL },
    { "active", CONTEXT_U32, AT(active), 0, 0, NULL },
    { "queued", CONTEXT_U32, AT(queued), 0, 0, NULL },
    { "in_flight", CONTEXT_U32, AT(in_flight), 0, 0, NULL },
    { "foreign", CONTEXT_U32, AT(foreign), 0, 0, NULL },
    { "active_reported", CONTEXT_U32, AT(active_reported), 0, 0, NULL },
    { "in_flight_tokens", CONTEXT_U64, AT(in_flight_tokens), 0, 0, NULL },
    { "queued_prefill_tokens", CONTEXT_U64, AT(queued_prefill_tokens), 0, 0, NULL },
    { "gpu_ids", CONTEXT_GPU_IDS, AT(gpu_ids), 0, 0, NULL },
    { "gpus", CONTEXT_COUNT, AT(gpus), SNAP_HAS_GPUS, 0, NULL },
    { "vram_mb", CONTEXT_U64, AT(vram_mb), 0, 0, NULL },
    { "total_vram_mb", CONTEXT_U64, AT(total_vram_mb), 0, 0, NULL },
    { "vram_free_mb", CONTEXT_U64, AT(vram_free_mb), SNAP_HAS_VRAM_FREE, 0, NULL },
    { "vram_free", CONTEXT_BYTES, AT(vram_free_mb), SNAP_HAS_VRAM_FREE, CONTEXT_ALIAS, NULL },
    { "cpu_pct", CONTEXT_NUMBER, AT(cpu_pct), 0, 0, NULL },
    { "rss_mb", CONTEXT_U64, AT(rss_mb), 0, 0, NULL },
    { "gpu_util_pct", CONTEXT_NUMBER, AT(gpu_util_pct), 0, 0, NULL },
    { "kv_used_pct", CONTEXT_NUMBER, AT(kv_used_pct), SNAP_HAS_KV, 0, NULL },
    { "tokens_per_s", CONTEXT_NUMBER, AT(tokens_per_s), SNAP_HAS_SPEED, 0, NULL },
    { "prefill_tokens_per_s", CONTEXT_NUMBER, AT(prefill_tokens_per_s), 0, 0, NULL },
    { "uptime_s", CONTEXT_U64, AT(uptime_s), 0, 0, NULL },
    { "residency_ms", CONTEXT_U64, AT(residency_ms), SNAP_HAS_RESIDENCY, 0, NULL },
    { "first_seen_ms", CONTEXT_U64, AT(first_seen_ms), 0, 0, NULL },
    { "last_used_ms", CONTEXT_U64, AT(last_used_ms), 0, 0, NULL },
    { "uses", CONTEXT_U64, AT(uses), 0, 0, NULL },
    { "load_time_ms", CONTEXT_U64, AT(load_time_ms), SNAP_HAS_LOAD, 0, NULL },
    { "estimated_time", CONTEXT_U64, AT(estimated_time_ms), SNAP_HAS_ESTIMATE, 0, NULL },
    { "cost_per_token", CONTEXT_NUMBER, AT(cost_per_token), 0, 0, NULL },
    { "backend", CONTEXT_TEXT, AT(backend), 0, 0, NULL },
    { "capability", CONTEXT_TEXT, AT(capability), 0, 0, NULL },
    { "capabilities", CONTEXT_LIST, AT(capabilities), 0, 0, NULL },
    { "group", CONTEXT_TEXT, AT(group), 0, 0, NULL },
    { "instance", CONTEXT_TEXT, AT(instance), 0, 0, NULL },
    { "pid", CONTEXT_U32, AT(pid), 0, 0, NULL },
    { "build", CONTEXT_TEXT, AT(build), 0, 0, NULL },
    { "geo", CONTEXT_NESTED, 0, 0, 0, &worker_geo },
    { "labels", CONTEXT_MAP, AT(labels), 0, 0, NULL },
    { "pinned", CONTEXT_BOOL, AT(is_pinned), 0, 0, NULL },
    { "static", CONTEXT_BOOL, AT(is_static), 0, 0, NULL },
};
#undef AT
const struct context_table context_workers = TABLE(worker_fields, struct snap_worker);

#define AT(member) offsetof(struct snap_gpu, member)
static const struct context_field gpu_fields[] = {
    { "id", CONTEXT_U32, AT(id), 0, 0, NULL },
    { "name", CONTEXT_TEXT, AT(name), 0, 0, NULL },
    { "vram_total_mb", CONTEXT_U64, AT(vram_total_mb), 0, 0, NULL },
    { "vram_total", CONTEXT_BYTES, AT(vram_total_mb), 0, CONTEXT_ALIAS, NULL },
    { "vram_allocated_mb", CONTEXT_U64, AT(vram_allocated_mb), 0, 0, NULL },
    { "vram_allocated", CONTEXT_BYTES, AT(vram_allocated_mb), 0, CONTEXT_ALIAS, NULL },
    { "vram_free_mb", CONTEXT_GPU_FREE, 1, 0, CONTEXT_ALIAS | CONTEXT_KEEP, NULL },
    { "vram_free", CONTEXT_GPU_FREE, 0, 0, CONTEXT_ALIAS | CONTEXT_KEEP, NULL },
    { "util_pct", CONTEXT_NUMBER, AT(util_pct), 0, 0, NULL },
    { "temperature_c", CONTEXT_POSITIVE, AT(temperature_c), 0, 0, NULL },
};
#undef AT
const struct context_table context_gpus = TABLE(gpu_fields, struct snap_gpu);

#define AT(member) offsetof(struct snap_pool, member)
static const struct context_field pool_fields[] = {
    { "id", CONTEXT_TEXT, AT(id), 0, 0, NULL },
    { "hostname", CONTEXT_TEXT, AT(hostname), 0, 0, NULL },
    { "address", CONTEXT_TEXT, AT(address), 0, 0, NULL },
    { "status", CONTEXT_HEALTH, AT(status), 0, 0, NULL },
    { "heartbeat_age_ms", CONTEXT_U64, AT(heartbeat_age_ms), SNAP_HAS_HEARTBEAT, 0, NULL },
    { "seen_ms", CONTEXT_U64, AT(seen_ms), 0, 0, NULL },
    { "ram_free_mb", CONTEXT_U64, AT(ram_free_mb), 0, 0, NULL },
    { "reserved_mb", CONTEXT_U64, AT(reserved_mb), 0, 0, NULL },
    { "gpus", CONTEXT_GPUS, AT(gpus), 0, 0, NULL },
    { "workers", CONTEXT_MEMBERS, 0, 0, 0, NULL },
    { "cached_models", CONTEXT_LIST, AT(cached_models), 0, 0, NULL },
    { "labels", CONTEXT_MAP, AT(labels), 0, 0, NULL },
    { "geo", CONTEXT_NESTED, 0, 0, 0, &pool_geo },
};
#undef AT
const struct context_table context_pools = TABLE(pool_fields, struct snap_pool);

#define AT(member) offsetof(struct snap_model, member)
static const struct context_field model_fields[] = {
    { "ref", CONTEXT_TEXT, AT(ref), 0, 0, NULL },
    { "aliases", CONTEXT_LIST, AT(aliases), 0, 0, NULL },
    { "size_bytes", CONTEXT_U64, AT(size_bytes), 0, 0, NULL },
    { "vram_required_mb", CONTEXT_U64, AT(vram_required_mb), 0, 0, NULL },
    { "context_length", CONTEXT_U64, AT(context_length), 0, 0, NULL },
    { "queued", CONTEXT_U32, AT(queued), 0, 0, NULL },
    { "starting", CONTEXT_U32, AT(starting), 0, 0, NULL },
    { "last_wanted_ms", CONTEXT_U64, AT(last_wanted_ms), 0, 0, NULL },
    { "wanted", CONTEXT_U64, AT(wanted), 0, 0, NULL },
    { "tokens_out_mean", CONTEXT_U64, AT(tokens_out_mean), 0, 0, NULL },
    { "run_ms_mean", CONTEXT_NUMBER, AT(run_ms_mean), 0, 0, NULL },
    { "load_time_ms", CONTEXT_LOADS, AT(loads), 0, 0, NULL },
};
#undef AT
const struct context_table context_models = SURE_TABLE(model_fields, struct snap_model);

#define AT(member) offsetof(struct snap_tenant, member)
static const struct context_field tenant_fields[] = {
    { "id", CONTEXT_TEXT, AT(id), 0, 0, NULL },
    { "weight", CONTEXT_NUMBER, AT(weight), 0, 0, NULL },
    { "quota_vram", CONTEXT_U64, AT(quota_vram_bytes), 0, 0, NULL },
    { "quota_used", CONTEXT_U64, AT(quota_used_bytes), 0, 0, NULL },
    { "quota_tokens_daily", CONTEXT_U64, AT(quota_tokens_daily), 0, 0, NULL },
    { "tokens_used_today", CONTEXT_U64, AT(tokens_used_today), 0, 0, NULL },
    { "max_concurrent", CONTEXT_U32, AT(max_concurrent), 0, 0, NULL },
    { "concurrent", CONTEXT_U32, AT(concurrent), 0, 0, NULL },
    { "over_quota", CONTEXT_BOOL, AT(is_over_quota), 0, 0, NULL },
    { "service", CONTEXT_NUMBER, AT(service), 0, 0, NULL },
};
#undef AT
const struct context_table context_tenants = SURE_TABLE(tenant_fields, struct snap_tenant);

#define AT(member) offsetof(struct snap_job, member)
static const struct context_field job_fields[] = {
    { "id", CONTEXT_TEXT, AT(id), 0, 0, NULL },
    { "tenant_id", CONTEXT_TEXT, AT(tenant_id), SNAP_HAS_TENANT, 0, NULL },
    { "session_id", CONTEXT_TEXT, AT(session_id), SNAP_HAS_SESSION, 0, NULL },
    { "session_worker_id", CONTEXT_TEXT, AT(session_worker_id), 0, 0, NULL },
    { "priority", CONTEXT_PRIORITY, AT(is_batch), 0, 0, NULL },
    { "model_ref", CONTEXT_TEXT, AT(model_ref), 0, 0, NULL },
    { "model", CONTEXT_TEXT, AT(model_ref), 0, CONTEXT_ALIAS, NULL },
    { "type", CONTEXT_TEXT, AT(type), 0, 0, NULL },
    { "prompt_tokens", CONTEXT_U32, AT(prompt_tokens), 0, 0, NULL },
    { "predicted_tokens", CONTEXT_U32, AT(predicted_tokens), SNAP_HAS_PREDICTED, 0, NULL },
    { "prompt_hash", CONTEXT_BITS, AT(prompt_hash), 0, 0, NULL },
    { "max_tokens", CONTEXT_U64, AT(max_tokens), 0, 0, NULL },
    { "seed", CONTEXT_BITS, AT(seed), SNAP_HAS_SEED, 0, NULL },
    { "temperature", CONTEXT_POSITIVE, AT(temperature), 0, 0, NULL },
    { "created_at_ms", CONTEXT_U64, AT(created_at_ms), 0, 0, NULL },
    { "wait_ms", CONTEXT_U64, AT(wait_ms), SNAP_HAS_WAIT, 0, NULL },
    { "deadline_ms", CONTEXT_DEADLINE, AT(deadline_at_ms), SNAP_HAS_DEADLINE, 0, NULL },
    { "deadline", CONTEXT_DEADLINE, AT(deadline_at_ms), SNAP_HAS_DEADLINE, CONTEXT_ALIAS, NULL },
    { "retry_count", CONTEXT_U32, AT(retry_count), 0, 0, NULL },
    { "slo_ttft_ms", CONTEXT_U32, AT(slo_ttft_ms), SNAP_HAS_SLO, 0, NULL },
    { "bytes", CONTEXT_U64, AT(bytes), 0, 0, NULL },
    { "pinned_worker_id", CONTEXT_TEXT, AT(pinned_worker_id), 0, 0, NULL },
    { "worker_id", CONTEXT_TEXT, AT(pinned_worker_id), 0, CONTEXT_ALIAS | CONTEXT_KEEP, NULL },
    { "pinned_pool_id", CONTEXT_TEXT, AT(pinned_pool_id), 0, 0, NULL },
    { "hive_id", CONTEXT_TEXT, AT(pinned_pool_id), 0, CONTEXT_ALIAS | CONTEXT_KEEP, NULL },
    { "cached_tokens", CONTEXT_WARM, AT(warm), 0, 0, NULL },
    { "tried_workers", CONTEXT_TRIED, AT(tried), 0, 0, NULL },
    { "user", CONTEXT_NESTED, 0, 0, 0, &job_user },
    { "labels", CONTEXT_MAP, AT(labels), 0, 0, NULL },
};
#undef AT
const struct context_table context_jobs = TABLE(job_fields, struct snap_job);

#define AT(member) offsetof(struct snap_metrics, member)
static const struct context_field metrics_fields[] = {
    { "queue_depth", CONTEXT_U64, AT(queue_depth), 0, 0, NULL },
    { "queue_depth_interactive", CONTEXT_U64, AT(queue_depth_interactive), 0, 0, NULL },
    { "queue_depth_batch", CONTEXT_U64, AT(queue_depth_batch), 0, 0, NULL },
    { "total_workers", CONTEXT_U64, AT(total_workers), 0, 0, NULL },
    { "ready_workers", CONTEXT_U64, AT(ready_workers), 0, 0, NULL },
    { "busy_workers", CONTEXT_U64, AT(busy_workers), 0, 0, NULL },
    { "total_pools", CONTEXT_U64, AT(total_pools), 0, 0, NULL },
    { "healthy_pools", CONTEXT_U64, AT(healthy_pools), 0, 0, NULL },
    { "free_vram_mb", CONTEXT_U64, AT(free_vram_mb), 0, 0, NULL },
    { "avg_wait_ms", CONTEXT_NUMBER, AT(avg_wait_ms), 0, 0, NULL },
    { "avg_tokens_per_s", CONTEXT_NUMBER, AT(avg_tokens_per_s), 0, 0, NULL },
    { "saturation", CONTEXT_NUMBER, AT(saturation), 0, 0, NULL },
};
#undef AT
const struct context_table context_metrics =
    MEMBERS(metrics_fields, CONTEXT_NO_MEMBER, CONTEXT_NO_MEMBER);
/* clang-format on */
