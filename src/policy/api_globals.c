/* The table of free functions, and of the objects and libraries that every script sees. */
#include "policy/api_functions.h"
#include "policy/api_private.h"

static void push_context(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_context(L, p);
}

static void push_registry(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_pools(L, p);
}

static void push_hives(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_HIVES);
}

static void push_helpers(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_HELPERS);
}

static void push_platform(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_PLATFORM);
}

static void push_log(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_single(L, p, API_LOG);
}

static void push_tenants(lua_State *L, struct policy *p, uint32_t row)
{
    (void)row;
    api_push_full_set(L, p, API_TENANT);
}

/* clang-format off */
static const struct api_member global_members[] = {
    { .name = "context", .type = "context", .words = "What schedule() gets as its argument.", .push = push_context },
    { .name = "registry", .type = "registry", .words = "A list of all pools that also answers the registry's questions; schedule_job() gets it as its second argument.", .push = push_registry },
    { .name = "hives", .type = "hives", .words = "The hives by what they are up to.", .push = push_hives },
    { .name = "helpers", .type = "helpers", .words = "All functions; also `context.helpers`.", .push = push_helpers },
    { .name = "platform", .type = "platform", .words = "The built-in policy.", .push = push_platform },
    { .name = "log", .type = "log", .words = "The decision's log.", .push = push_log },
    { .name = "tenants", .type = "set of tenants", .words = "All tenants.", .push = push_tenants },
    { .name = "string", .type = "library", .words = "Lua's own, without dump." },
    { .name = "table", .type = "library", .words = "Lua's own." },
    { .name = "math", .type = "library", .words = "Lua's own; random draws from the decision's seed, randomseed does nothing." },
    { .name = "utf8", .type = "library", .words = "Lua's own." },
    { .name = "reject", .arguments = "(code, status?)", .type = "decision", .words = "The answer that turns the job down; status 403 (if none is given), 429, 503 or 504; another status, or a code without a letter or digit, makes the answer invalid, and the platform policy decides. The client is told the code in lower case, with _ for whatever is no letter or digit, cut to 63 characters; what was written differently becomes the message. With 'deadline_exceeded' it is told what it is told when the queen itself finds a job too late: status 504, whatever is given, and no policy's name.",
      .example = "return reject(\"quota_exceeded\", 429)", .call = api_reject },
    { .name = "wait", .arguments = "(reason?, retry_after_ms?)", .type = "decision", .words = "The answer that keeps the job in the queue, and says when to ask again.",
      .example = "return wait(\"model is loading\", 500)", .call = api_wait },
    { .name = "distance", .arguments = "(lat1, lon1, lat2, lon2)", .type = "number?", .unit = "km", .words = "Along the Earth's surface; nil when a coordinate is nil.",
      .example = "distance(52.5, 13.4, worker.geo.latitude, worker.geo.longitude)", .call = api_distance },
    { .name = "local_time", .arguments = "(now_ms?)", .type = "table", .words = "hour, minute, weekday (0 = Sunday), day, month, year in the queen's time zone.",
      .example = "local_time().hour >= 22", .call = api_local_time },
    { .name = "setting", .arguments = "(name, default)", .type = "any", .cost = "O(settings)", .words = "The operator's setting of this name, if it is of the default's type; else the default.",
      .example = "setting(\"max_wait_ms\", 5000)", .call = api_setting },
    { .name = "metrics", .arguments = "()", .type = "metrics", .words = "The same as `context.metrics`.", .example = "metrics().queue_depth", .call = api_call_metrics },
    { .name = "get_job", .arguments = "(id)", .type = "job?", .cost = "O(queue)", .words = "A job of the queue.", .example = "get_job(\"job-1\")", .call = api_get_job },
    { .name = "get_pool", .arguments = "(id)", .type = "pool?", .cost = "O(pools)", .words = "A pool.", .example = "get_pool(worker.pool_id)", .call = api_get_pool },
    { .name = "filter_jobs", .arguments = "(f)", .type = "set of jobs", .cost = "O(queue)", .words = "Jobs of the queue for which the function says true.",
      .example = "filter_jobs(function(j) return j.priority == \"batch\" end)", .call = api_filter_jobs },
    { .name = "filter_pools", .arguments = "(f)", .type = "set of pools", .cost = "O(pools)", .words = "Pools for which the function says true.",
      .example = "filter_pools(function(p) return p.labels.rack == \"2\" end)", .call = api_filter_pools },
    { .name = "get_all_workers", .arguments = "()", .type = "set of workers", .words = "All workers.", .example = "get_all_workers().idle()", .call = api_get_all_workers },
    { .name = "find_pools_with_capacity", .arguments = "(vram_mb)", .type = "set of pools", .cost = "O(pools)", .words = "Pools with this much free memory (MB) on one GPU; in main memory where they have none.",
      .example = "find_pools_with_capacity(8192).first()", .call = api_find_pools_with_capacity },
    { .name = "is_pool_healthy", .arguments = "(pool)", .type = "boolean", .cost = "O(pools)", .words = "Is its status healthy? By object or id.",
      .example = "is_pool_healthy(worker.pool_id)", .call = api_is_pool_healthy },
    { .name = "get_pool_utilization", .arguments = "(pool)", .type = "number?", .cost = "O(matching)", .words = "Jobs that its workers run over their slots, 0 to 1; nil: no slots.",
      .example = "context.pools.min_by(get_pool_utilization)", .call = api_get_pool_utilization },
    { .name = "find_gpus_with_vram", .arguments = "(vram_mb)", .type = "set of gpus", .cost = "O(gpus)", .words = "GPUs with at least this much free memory (MB).",
      .example = "find_gpus_with_vram(8192).first().pool_id", .call = api_find_gpus_with_vram },
    { .name = "get_gpu", .arguments = "(pool, id)", .type = "gpu?", .cost = "O(pools)", .words = "A GPU by its pool and number.", .example = "get_gpu(\"attic\", 0).vram_free", .call = api_get_gpu },
    { .name = "check_gpu_compatibility", .arguments = "(model, gpu | pool, id)", .type = "boolean", .cost = "O(1)", .words = "Is the GPU large enough for the model, were it empty?",
      .example = "check_gpu_compatibility(job.model, \"attic\", 0)", .call = api_check_gpu_compatibility },
    { .name = "estimate_performance", .arguments = "(worker, job?)", .type = "table?", .cost = "O(1)", .words = "total_ms, ttft_ms, uncached_tokens and tokens_per_s (as far as known) of the job on this worker; without a job: what is ahead there.",
      .example = "estimate_performance(worker, job).ttft_ms", .call = api_estimate_performance },
    { .name = "resolve_model", .arguments = "(ref)", .type = "string?", .words = "The reference that an alias stands for; nil: not known.",
      .example = "resolve_model(\"default\")", .call = api_resolve_model },
    { .name = "get_model", .arguments = "(ref)", .type = "model?", .words = "A model by reference or alias.", .example = "get_model(job.model).workers", .call = api_get_model },
    { .name = "find_models_by_family", .arguments = "(family)", .type = "set of models", .cost = "O(models)", .words = "Models whose reference contains this, in any case.",
      .example = "find_models_by_family(\"llama\")", .call = api_find_models_by_family },
    { .name = "model_size_bytes", .arguments = "(ref)", .type = "integer?", .unit = "bytes", .words = "Of its file; nil: not known.", .example = "model_size_bytes(job.model)", .call = api_model_size_bytes },
    { .name = "model_vram_required", .arguments = "(ref)", .type = "integer?", .unit = "MB", .words = "Memory that it needs: told, else the size of its file; nil: not known.",
      .example = "model_vram_required(job.model)", .call = api_model_vram_required },
    { .name = "model_exists", .arguments = "(ref)", .type = "boolean", .words = "Does some worker hold it, some pool have it or some job want it?",
      .example = "model_exists(\"llama-3-70b\")", .call = api_model_exists },
    { .name = "estimate_job_duration", .arguments = "(job?, worker?)", .type = "integer?", .unit = "ms", .cost = "O(matching)", .words = "Until the job would be answered there; without a worker: on the best of its model.",
      .example = "estimate_job_duration(job, worker)", .call = api_estimate_job_duration },
    { .name = "can_job_fit", .arguments = "(job, worker | pool)", .type = "boolean", .words = "Can the worker run it now? Of a pool: has it memory for its model?",
      .example = "can_job_fit(job, worker)", .call = api_can_job_fit },
    { .name = "job_priority_score", .arguments = "(job?)", .type = "number?", .words = "1 for interactive and 0 for batch, plus how much of its time is used up (0 to 1): waited over waited and left, by its deadline or else the mean wait.",
      .example = "context.queue.max_by(job_priority_score)", .call = api_job_priority_score },
    { .name = "tenant_over_quota", .arguments = "(tenant)", .type = "boolean", .cost = "O(tenants)", .words = "Has the tenant used up what it may? By id, object, or a job of it.",
      .example = "if tenant_over_quota(job.tenant_id) then return reject(\"quota_exceeded\") end", .call = api_tenant_over_quota },
    { .name = "tenant_remaining_quota", .arguments = "(tenant, kind?)", .type = "integer", .cost = "O(tenants)", .words = "Bytes of GPU memory that it may still use (kind \"tokens\": tokens today); the largest integer where there is no quota.",
      .example = "tenant_remaining_quota(job.tenant_id, \"tokens\")", .call = api_tenant_remaining_quota },
    { .name = "tenant_usage", .arguments = "(tenant, kind?)", .type = "integer", .cost = "O(tenants)", .words = "Bytes of GPU memory that it uses (kind \"tokens\": tokens today).",
      .example = "tenant_usage(job.tenant_id)", .call = api_tenant_usage },
    { .name = "check_tenant_quota", .arguments = "(tenant)", .type = "boolean", .cost = "O(tenants)", .words = "The opposite of tenant_over_quota.",
      .example = "check_tenant_quota(job.tenant_id)", .call = api_check_tenant_quota },
    { .name = "estimate_quota_impact", .arguments = "(tenant, vram_needed)", .type = "number?", .cost = "O(tenants)", .words = "Share of its memory quota that it would use with so many more bytes; 1: all. nil: no quota.",
      .example = "estimate_quota_impact(job.tenant_id, 8 * 1024^3) <= 1", .call = api_estimate_quota_impact },
    { .name = "find_worker_to_evict", .arguments = "(kind?, pool?, rest_ms?)", .type = "worker?", .cost = "O(workers)", .words = "Of the workers at rest that may go, in this pool if one is given, idle for at least rest_ms: the least recently used (\"lru\"), the least used (\"lfu\"), the least worth by last use + uses × load time / relative size (\"gdsf\", as without an argument), or the longest idle past config.evict_ttl_ms (\"ttl\"). Resident for at least config.min_residency_ms.",
      .example = "find_worker_to_evict(\"gdsf\", pool)", .call = api_find_worker_to_evict },
    { .name = "should_evict", .arguments = "(pool)", .type = "boolean", .cost = "O(models)", .words = "Do jobs wait for a model that no worker holds or loads, that does not fit into the pool's free memory, while a worker there may go?",
      .example = "if should_evict(pool) then … end", .call = api_should_evict },
    { .name = "emit_metric", .arguments = "(name, value)", .type = "nothing", .words = "A gauge of yours among the queen's metrics; 16 names per call.",
      .example = "emit_metric(\"eu_workers\", workers.in_region(\"EU\").len())", .call = api_emit_metric },
    { .name = "average", .arguments = "(list | numbers …)", .type = "number?", .cost = "O(list)", .words = "The mean; nil of nothing.", .example = "average(workers.map(function(w) return w.cpu_pct end))", .call = api_average },
    { .name = "min", .arguments = "(list | numbers …)", .type = "number?", .cost = "O(list)", .words = "The smallest; nil of nothing.", .example = "min(3, 1, 2)", .call = api_min },
    { .name = "max", .arguments = "(list | numbers …)", .type = "number?", .cost = "O(list)", .words = "The largest; nil of nothing.", .example = "max({ 3, 1, 2 })", .call = api_max },
    { .name = "clamp", .arguments = "(value, low, high)", .type = "number", .words = "The value, or the bound that it is beyond.", .example = "clamp(x, 0, 1)", .call = api_clamp },
    { .name = "contains", .arguments = "(text | list, part)", .type = "boolean", .cost = "O(length)", .words = "Is the part in the text, or the item in the list? No patterns.",
      .example = "contains(job.model, \"70b\")", .call = api_contains },
    { .name = "starts_with", .arguments = "(text, part)", .type = "boolean", .cost = "O(length)", .words = "Does the text start so?", .example = "starts_with(job.model, \"llama\")", .call = api_starts_with },
    { .name = "ends_with", .arguments = "(text, part)", .type = "boolean", .cost = "O(length)", .words = "Does the text end so?", .example = "ends_with(job.model, \"-instruct\")", .call = api_ends_with },
    { .name = "split", .arguments = "(text, separator)", .type = "table", .cost = "O(length)", .words = "The pieces between separators; at most 4,096.", .example = "split(\"a,b\", \",\")[1]", .call = api_split },
};
/* clang-format on */
const struct api_table api_globals_table = API_TABLE(global_members);
