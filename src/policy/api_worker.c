/* Workers. */
#include "policy/api_private.h"

static const struct snap_worker *worker_at(const struct policy *p, uint32_t row)
{
    return snapshot_worker(p->snapshot, row); /* there: whoever pushes a field has looked */
}

static void push_status(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushstring(L, snapshot_status_name(worker_at(p, row)));
}

static void push_liveness(lua_State *L, struct policy *p, uint32_t row)
{
    static const char *const names[] = { "online", "degraded", "offline" };
    uint8_t live = worker_at(p, row)->live;

    lua_pushstring(L, live <= SNAP_OFFLINE ? names[live] : "");
}

static void push_prefill_speed(lua_State *L, struct policy *p, uint32_t row)
{
    double speed = worker_at(p, row)->prefill_tokens_per_s;

    if (speed > 0)
        lua_pushnumber(L, speed);
    else
        lua_pushnil(L);
}

static void push_model(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_model *m = snapshot_model(p->snapshot, worker_at(p, row)->model);

    if (m)
        api_push_text(L, p, m->ref);
    else
        lua_pushliteral(L, "");
}

static void push_gpu_ids(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_worker *w = worker_at(p, row);

    lua_newtable(L);
    for (size_t i = 0; i < w->gpu_ids_len && i < SNAP_WORKER_GPUS_MAX; i++) {
        lua_pushinteger(L, w->gpu_ids[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    api_make_view(L);
}

static void push_gpus(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushinteger(L, snapshot_gpus(worker_at(p, row)));
}

static void push_vram_free_mb(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_u64(L, snapshot_vram_free_mb(worker_at(p, row)));
}

static void push_vram_free(lua_State *L, struct policy *p, uint32_t row)
{
    uint64_t free_mb = snapshot_vram_free_mb(worker_at(p, row));

    api_push_u64(L, free_mb > UINT64_MAX / SNAP_MB_BYTES ? UINT64_MAX : free_mb * SNAP_MB_BYTES);
}

static void push_residency_ms(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_u64(L, snapshot_residency_ms(p->snapshot, worker_at(p, row)));
}

static void push_estimated_time(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_worker *w = worker_at(p, row);
    const struct snap_job *job = p->call ? snapshot_job(p->snapshot, p->call->job) : NULL;

    if (w->given & SNAP_HAS_ESTIMATE)
        api_push_u64(L, w->estimated_time_ms);
    else if (job)
        api_push_u64(L, snapshot_estimated_time_ms(p->snapshot, w, job));
    else
        lua_pushnil(L);
}

static void push_capabilities(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_list(L, p, worker_at(p, row)->capabilities);
}

static void push_geo(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_GEO, api_within(API_WORKER, row));
}

static void push_labels(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_LABELS, api_within(API_WORKER, row));
}

static void push_pool(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_POOL, worker_at(p, row)->pool);
}

static void push_room(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushinteger(L, snapshot_room(worker_at(p, row)));
}

/* clang-format off */
static const struct api_member worker_members[] = {
    { .name = "id", .type = "string", .words = "Its name.", API_FACT(snap_worker, id) },
    { .name = "pool_id", .type = "string", .words = "The pool (hive) that it belongs to; \"\": none.", API_FACT(snap_worker, pool_id) },
    { .name = "hive_id", .type = "string", .words = "The same as `pool_id`.", API_FACT(snap_worker, pool_id) },
    { .name = "status", .type = "string", .words = "\"ready\", \"busy\", \"starting\", \"draining\" or \"failed\" (also: offline).",
      .push = push_status },
    { .name = "liveness", .type = "string", .words = "Does it report: \"online\", \"degraded\" or \"offline\".", .push = push_liveness },
    { .name = "model_ref", .type = "string", .words = "The model that it holds; \"\": none.", .push = push_model },
    { .name = "model", .type = "string", .words = "The same as `model_ref`.", .push = push_model },
    { .name = "slots", .type = "integer", .words = "Jobs that it runs at once.", API_FACT(snap_worker, slots) },
    { .name = "active", .type = "integer", .words = "Jobs that it runs, with those the queen has just sent.", API_FACT(snap_worker, active) },
    { .name = "queued", .type = "integer", .words = "Jobs that wait inside it.", API_FACT(snap_worker, queued) },
    { .name = "room", .type = "integer", .words = "Jobs that it can take now.", .push = push_room },
    { .name = "in_flight_tokens", .type = "integer", .unit = "tokens", .words = "Prompt and predicted answers of the jobs it runs.",
      API_FACT(snap_worker, in_flight_tokens) },
    { .name = "queued_prefill_tokens", .type = "integer", .unit = "tokens", .words = "Prompt tokens that it has yet to compute.",
      API_FACT(snap_worker, queued_prefill_tokens) },
    { .name = "gpu_ids", .type = "list of integers", .words = "The GPUs that it stands on, by number in its pool.", .push = push_gpu_ids },
    { .name = "gpus", .type = "integer", .words = "How many GPUs it stands on.",
      .example = "workers.filter(function(w) return w.gpus > 1 end)", .push = push_gpus },
    { .name = "vram_mb", .type = "integer", .unit = "MB", .words = "GPU memory that it uses.", API_FACT(snap_worker, vram_mb) },
    { .name = "total_vram_mb", .type = "integer", .unit = "MB", .words = "Memory of its GPUs.", API_FACT(snap_worker, total_vram_mb) },
    { .name = "vram_free_mb", .type = "integer", .unit = "MB", .words = "Of `total_vram_mb`, what it does not use.", .push = push_vram_free_mb },
    { .name = "vram_free", .type = "integer", .unit = "bytes", .words = "The same in bytes.", .push = push_vram_free },
    { .name = "cpu_pct", .type = "number", .unit = "%", .words = "CPU time; 100 is one core.", API_FACT(snap_worker, cpu_pct) },
    { .name = "rss_mb", .type = "integer", .unit = "MB", .words = "Main memory that it uses.", API_FACT(snap_worker, rss_mb) },
    { .name = "gpu_util_pct", .type = "number", .unit = "%", .words = "How busy its GPUs are.", API_FACT(snap_worker, gpu_util_pct) },
    { .name = "kv_used_pct", .type = "number?", .unit = "%", .words = "How full its KV cache is.", API_FACT(snap_worker, kv_used_pct),
      .given = SNAP_HAS_KV },
    { .name = "tokens_per_s", .type = "number?", .unit = "tokens/s", .words = "Measured speed of its answers.",
      API_FACT(snap_worker, tokens_per_s), .given = SNAP_HAS_SPEED },
    { .name = "prefill_tokens_per_s", .type = "number?", .unit = "tokens/s", .words = "Measured speed of reading prompts; nil: not known.",
      .push = push_prefill_speed },
    { .name = "uptime_s", .type = "integer", .unit = "s", .words = "How long its process has run.", API_FACT(snap_worker, uptime_s) },
    { .name = "residency_ms", .type = "integer", .unit = "ms", .words = "How long it has held its model.", .push = push_residency_ms },
    { .name = "first_seen_ms", .type = "integer", .unit = "ms", .words = "When it first reported: wall clock, since 1970; 0: not known.",
      API_FACT(snap_worker, first_seen_ms) },
    { .name = "last_used_ms", .type = "integer", .unit = "ms", .words = "When it last had work: wall clock, since 1970; 0: never.",
      API_FACT(snap_worker, last_used_ms) },
    { .name = "load_time_ms", .type = "integer?", .unit = "ms", .words = "How long its model took to load.",
      API_FACT(snap_worker, load_time_ms), .given = SNAP_HAS_LOAD },
    { .name = "estimated_time", .type = "integer?", .unit = "ms",
      .words = "Until it would have answered the job being decided; nil when none is (see `estimate_job_duration`). Where a speed was not measured yet, it is taken for 30 tokens/s of decoding, and so in all estimates.",
      .example = "workers.min_by(\"estimated_time\")", .push = push_estimated_time },
    { .name = "cost_per_token", .type = "number", .words = "What a token costs here, in a currency of yours.", API_FACT(snap_worker, cost_per_token) },
    { .name = "backend", .type = "string", .words = "\"cuda\", \"rocm\", \"cpu\" …", API_FACT(snap_worker, backend) },
    { .name = "capability", .type = "string", .words = "The first thing that it can do, such as \"text-gen\".", API_FACT(snap_worker, capability) },
    { .name = "capabilities", .type = "list of strings", .words = "All that it can do.", .push = push_capabilities },
    { .name = "group", .type = "string", .words = "The kind of service, such as \"llm\".", API_FACT(snap_worker, group) },
    { .name = "instance", .type = "string", .words = "Which of its group on its pool.", API_FACT(snap_worker, instance) },
    { .name = "pid", .type = "integer", .words = "Process number.", API_FACT(snap_worker, pid) },
    { .name = "geo", .type = "geo", .words = "Where it stands; what it does not say is its pool's.", .push = push_geo },
    { .name = "labels", .type = "map", .words = "Free labels of its configuration.", .example = "worker.labels.tier == \"gold\"", .push = push_labels },
    { .name = "pinned", .type = "boolean", .words = "Is it to stay, whatever comes?", API_FACT(snap_worker, is_pinned) },
    { .name = "static", .type = "boolean", .words = "Was it configured by hand? Such workers are never evicted.", API_FACT(snap_worker, is_static) },
    { .name = "in_flight", .type = "integer", .words = "Of `active`, the queen's own jobs.", API_FACT(snap_worker, in_flight) },
    { .name = "foreign", .type = "integer", .words = "Of `active`, the jobs of others.", API_FACT(snap_worker, foreign) },
    { .name = "uses", .type = "integer", .words = "Jobs sent to it so far.", API_FACT(snap_worker, uses) },
    { .name = "build", .type = "string", .words = "Engine and version: workers of one build and model answer a seeded job alike.",
      API_FACT(snap_worker, build) },
    { .name = "pool", .type = "pool?", .words = "The pool of `pool_id`.", .example = "worker.pool.labels.rack", .push = push_pool },
};
/* clang-format on */
const struct api_table api_worker_table = API_TABLE(worker_members);
