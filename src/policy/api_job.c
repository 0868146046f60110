/* Jobs, who sent them, where that is, and what became of them. */
#include "policy/api_private.h"

/* --- Jobs ------------------------------------------------------------------------------- */

static const struct snap_job *job_at(const struct policy *p, uint32_t row)
{
    return snapshot_job(p->snapshot, row); /* there for fields: whoever pushes one has looked */
}

static void push_priority(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushstring(L, job_at(p, row)->is_batch ? "batch" : "interactive");
}

static void push_wait_ms(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_u64(L, snapshot_job_wait_ms(p->snapshot, job_at(p, row)));
}

static void push_deadline_ms(lua_State *L, struct policy *p, uint32_t row)
{
    int64_t left_ms = snapshot_job_deadline_ms(p->snapshot, job_at(p, row));

    if (left_ms == SNAP_NO_DEADLINE)
        lua_pushnil(L);
    else
        lua_pushinteger(L, left_ms);
}

static void push_deadline(lua_State *L, struct policy *p, uint32_t row)
{
    lua_pushinteger(L, snapshot_job_deadline_ms(p->snapshot, job_at(p, row)));
}

static void push_temperature(lua_State *L, struct policy *p, uint32_t row)
{
    double temperature = job_at(p, row)->temperature;

    lua_pushnumber(L, temperature >= 0 ? temperature : 0);
}

static void push_labels(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_LABELS, api_within(API_JOB, row));
}

static void push_user(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_USER, row);
}

static void push_tenant(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_TENANT, job_at(p, row)->tenant);
}

/* Texts that are empty where there is nothing: nil, so that `if job.pinned_worker_id` works. */
static void push_text_or_nil(lua_State *L, const struct policy *p, struct snap_text text)
{
    if (text.len > 0)
        api_push_text(L, p, text);
    else
        lua_pushnil(L);
}

static void push_session_worker_id(lua_State *L, struct policy *p, uint32_t row)
{
    push_text_or_nil(L, p, job_at(p, row)->session_worker_id);
}

static void push_pinned_worker_id(lua_State *L, struct policy *p, uint32_t row)
{
    push_text_or_nil(L, p, job_at(p, row)->pinned_worker_id);
}

static void push_pinned_pool_id(lua_State *L, struct policy *p, uint32_t row)
{
    push_text_or_nil(L, p, job_at(p, row)->pinned_pool_id);
}

/* By worker id. */
static void push_cached_tokens(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_job *job = job_at(p, row);

    lua_newtable(L);
    for (size_t i = 0; i < job->warm_len && i < SNAP_WARM_MAX; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, job->warm[i].worker);
        if (!w || w->generation != job->warm[i].generation)
            continue;
        api_push_text(L, p, w->id);
        lua_pushinteger(L, job->warm[i].cached_tokens);
        lua_rawset(L, -3);
    }
    api_make_view(L);
}

static void push_tried(lua_State *L, struct policy *p, uint32_t row)
{
    const struct snap_job *job = job_at(p, row);
    uint32_t rows[SNAP_TRIED_MAX], len = 0;

    for (size_t i = 0; i < job->tried_len && i < SNAP_TRIED_MAX; i++) {
        const struct snap_worker *w = snapshot_worker(p->snapshot, job->tried[i].worker);
        if (w && w->generation == job->tried[i].generation)
            rows[len++] = job->tried[i].worker;
    }
    api_push_set(L, p, API_WORKER, rows, len);
}

static int job_uncached_tokens(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct snap_job *job = job_at(p, api_self_row(L, p));
    uint32_t row = api_arg_row(L, p, 1, API_WORKER);

    if (!job || row == SNAP_NONE)
        lua_pushnil(L);
    else
        lua_pushinteger(L, snapshot_uncached_tokens(job, row));
    return 1;
}

static int job_can_run_on(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct snap_job *job = job_at(p, api_self_row(L, p));
    const struct snap_worker *w = snapshot_worker(p->snapshot, api_arg_row(L, p, 1, API_WORKER));

    if (!job || !w) {
        lua_pushboolean(L, 0);
        return 1;
    }
    enum snap_verdict verdict = snapshot_can_run(p->snapshot, w, job);
    lua_pushboolean(L, verdict == SNAP_OK);
    lua_pushstring(L, snap_verdict_name(verdict));
    return 2;
}

/* clang-format off */
static const struct api_member job_members[] = {
    { .name = "id", .type = "string", .words = "Its name.", API_FACT(snap_job, id) },
    { .name = "tenant_id", .type = "string?", .words = "Who it is for; nil where there are no tenants.",
      API_FACT(snap_job, tenant_id), .given = SNAP_HAS_TENANT },
    { .name = "session_id", .type = "string?", .words = "The conversation that it belongs to, if the client said so.",
      API_FACT(snap_job, session_id), .given = SNAP_HAS_SESSION },
    { .name = "priority", .type = "string", .words = "\"interactive\" or \"batch\". A context by hand may leave it out: interactive.", .push = push_priority },
    { .name = "model_ref", .type = "string", .words = "The model that it wants, as the client wrote it.",
      API_FACT(snap_job, model_ref) },
    { .name = "model", .type = "string", .words = "The same as `model_ref`.", API_FACT(snap_job, model_ref) },
    { .name = "type", .type = "string", .words = "\"text-gen\", \"embeddings\" …", API_FACT(snap_job, type) },
    { .name = "prompt_tokens", .type = "integer", .unit = "tokens", .words = "Estimated length of the prompt.",
      API_FACT(snap_job, prompt_tokens) },
    { .name = "prompt_hash", .type = "integer", .words = "Equal prompts have equal ones.", .fact = API_BITS, .offset = API_OFFSET(snap_job, prompt_hash) },
    { .name = "max_tokens", .type = "integer", .unit = "tokens", .words = "Longest answer that it may have; 0: not said.",
      API_FACT(snap_job, max_tokens) },
    { .name = "seed", .type = "integer?", .words = "The client's, when it wants the same answer again.",
      .fact = API_BITS, .offset = API_OFFSET(snap_job, seed), .given = SNAP_HAS_SEED },
    { .name = "temperature", .type = "number", .words = "As in the request; 0 where it does not say.",
      .push = push_temperature },
    { .name = "created_at_ms", .type = "integer", .unit = "ms", .words = "When it arrived: wall clock, since 1970.",
      API_FACT(snap_job, created_at_ms) },
    { .name = "wait_ms", .type = "integer", .unit = "ms", .words = "How long it has waited.", .push = push_wait_ms },
    { .name = "deadline_ms", .type = "integer?", .unit = "ms", .words = "How long it may still take; nil: as long as it likes.",
      .push = push_deadline_ms },
    { .name = "deadline", .type = "integer", .unit = "ms",
      .words = "The same, but the largest integer when there is none, so that comparing always works.",
      .example = "workers.filter(function(w) return w.estimated_time < job.deadline end)", .push = push_deadline },
    { .name = "retry_count", .type = "integer", .words = "Failed attempts so far.", API_FACT(snap_job, retry_count) },
    { .name = "slo_ttft_ms", .type = "integer?", .unit = "ms", .words = "The first token is wanted within this time of its arrival.",
      API_FACT(snap_job, slo_ttft_ms), .given = SNAP_HAS_SLO },
    { .name = "labels", .type = "map", .words = "Free labels of the request.", .example = "job.labels.project == \"thesis\"",
      .push = push_labels },
    { .name = "user", .type = "user", .words = "Who sent it, as far as that is known.", .push = push_user },
    { .name = "predicted_tokens", .type = "integer?", .unit = "tokens", .words = "Predicted length of the answer.",
      API_FACT(snap_job, predicted_tokens), .given = SNAP_HAS_PREDICTED },
    { .name = "uncached_tokens", .arguments = "(worker)", .type = "integer?", .unit = "tokens",
      .words = "Prompt tokens that the queen believes this worker has not cached.",
      .example = "workers.min_by(function(w) return job.uncached_tokens(w) end)", .call = job_uncached_tokens },
    { .name = "cached_tokens", .type = "map", .unit = "tokens", .words = "By worker id: prompt tokens that the queen believes to be cached there.",
      .push = push_cached_tokens },
    { .name = "bytes", .type = "integer", .unit = "bytes", .words = "Size of the request.", API_FACT(snap_job, bytes) },
    { .name = "session_worker_id", .type = "string?", .words = "The worker that served its session last.",
      .push = push_session_worker_id },
    { .name = "pinned_worker_id", .type = "string?", .words = "The only worker that the client allows; nil: any.",
      .push = push_pinned_worker_id },
    { .name = "pinned_pool_id", .type = "string?", .words = "The only pool that the client allows; nil: any.",
      .push = push_pinned_pool_id },
    { .name = "tenant", .type = "tenant?", .words = "The tenant of `tenant_id`.", .push = push_tenant },
    { .name = "tried_workers", .type = "set of workers", .words = "Workers that have failed it; it never goes there again.",
      .push = push_tried },
    { .name = "can_run_on", .arguments = "(worker)", .type = "boolean, string",
      .words = "May this worker run it now? If not, the second result says why: wrong_model, wrong_worker, wrong_pool, tried, offline, not_ready, no_room.",
      .example = "local ok, why = job.can_run_on(worker)", .call = job_can_run_on },
};
/* clang-format on */
const struct api_table api_job_table = API_TABLE(job_members);

/* --- Users and places ------------------------------------------------------------------------ */

static void push_user_geo(lua_State *L, struct policy *p, uint32_t row)
{
    api_push_row(L, p, API_GEO, api_within(API_JOB, row));
}

static const struct api_member user_members[] = {
    { .name = "geo",
      .type = "geo",
      .words = "Where the request came from, if the client said so.",
      .push = push_user_geo },
};
const struct api_table api_user_table = API_TABLE(user_members);

struct place {
    uint32_t given;
    double latitude, longitude;
    struct snap_text region;
};

static struct place place_of_pool(const struct policy *p, uint32_t row)
{
    const struct snap_pool *pool = snapshot_pool(p->snapshot, row);

    if (!pool)
        return (struct place){ 0 };
    return (struct place){ pool->given, pool->latitude, pool->longitude, pool->region };
}

/* What a worker does not say of its place is its pool's. */
static struct place place_of_worker(const struct policy *p, uint32_t row)
{
    const struct snap_worker *w = snapshot_worker(p->snapshot, row);
    struct place pool = place_of_pool(p, w->pool);
    struct place own = { w->given, w->latitude, w->longitude, w->region };

    if (own.region.len == 0)
        own.region = pool.region;
    if (own.given & (SNAP_HAS_LATITUDE | SNAP_HAS_LONGITUDE))
        return own;
    pool.region = own.region;
    return pool;
}

static struct place place_of(const struct policy *p, uint32_t within)
{
    uint32_t row = api_owner_row(within);
    const struct snap_job *job;

    switch (api_owner(within)) {
    case API_WORKER:
        return place_of_worker(p, row);
    case API_POOL:
        return place_of_pool(p, row);
    default:
        job = job_at(p, row);
        return (struct place){ job->given, job->latitude, job->longitude, job->region };
    }
}

static void push_latitude(lua_State *L, struct policy *p, uint32_t within)
{
    struct place place = place_of(p, within);

    if (place.given & SNAP_HAS_LATITUDE)
        lua_pushnumber(L, place.latitude);
    else
        lua_pushnil(L);
}

static void push_longitude(lua_State *L, struct policy *p, uint32_t within)
{
    struct place place = place_of(p, within);

    if (place.given & SNAP_HAS_LONGITUDE)
        lua_pushnumber(L, place.longitude);
    else
        lua_pushnil(L);
}

static void push_region(lua_State *L, struct policy *p, uint32_t within)
{
    api_push_text(L, p, place_of(p, within).region);
}

/* clang-format off */
static const struct api_member geo_members[] = {
    { .name = "latitude", .type = "number?", .unit = "degrees", .words = "North is positive.", .push = push_latitude },
    { .name = "longitude", .type = "number?", .unit = "degrees", .words = "East is positive.", .push = push_longitude },
    { .name = "region", .type = "string", .words = "A name such as \"EU\"; \"\": not said.",
      .example = "workers.in_region(job.user.geo.region)", .push = push_region },
};
/* clang-format on */
const struct api_table api_geo_table = API_TABLE(geo_members);

/* --- Outcomes ----------------------------------------------------------------------------------
 */

#define OUTCOME(member)                                                       \
    .fact = API_FACT_KIND(((struct policy_call *)(void *)0)->outcome.member), \
    .offset = (uint16_t)(offsetof(struct policy_call, outcome.member) -       \
                         offsetof(struct policy_call, outcome))

/* clang-format off */
static const struct api_member outcome_members[] = {
    { .name = "state", .type = "string", .words = "\"done\", \"failed\" or \"cancelled\".", OUTCOME(state) },
    { .name = "worker_id", .type = "string", .words = "Where it ran; \"\": nowhere.", OUTCOME(worker_id) },
    { .name = "tokens_in", .type = "integer", .unit = "tokens", .words = "Of its prompt.", OUTCOME(tokens_in) },
    { .name = "tokens_out", .type = "integer", .unit = "tokens", .words = "Of its answer.", OUTCOME(tokens_out) },
    { .name = "queue_ms", .type = "integer", .unit = "ms", .words = "How long it waited for a worker.", OUTCOME(queue_ms) },
    { .name = "ttft_ms", .type = "integer", .unit = "ms", .words = "From its arrival to the first token.", OUTCOME(ttft_ms) },
    { .name = "total_ms", .type = "integer", .unit = "ms", .words = "From its arrival to the end.", OUTCOME(total_ms) },
    { .name = "error_code", .type = "string", .words = "Why it failed; \"\": it did not.", OUTCOME(error_code) },
};
/* clang-format on */
const struct api_table api_outcome_table = API_TABLE(outcome_members);
