/* The tables of lists, the queue, the registry and the hives. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

/* clang-format off */
static const struct api_member set_members[] = {
    { .name = "idle", .arguments = "()", .type = "set of workers", .cost = "O(list)", .words = "Workers with room and no GPU activity that the queen's own jobs do not explain.",
      .example = "workers.with_model(job.model).idle().least_loaded()", .call = api_set_idle },
    { .name = "ready", .arguments = "()", .type = "set of workers", .cost = "O(list)", .words = "Workers whose status is ready.",
      .example = "workers.ready().len()", .call = api_set_ready },
    { .name = "online", .arguments = "()", .type = "set", .cost = "O(list)", .words = "Workers that still report; of pools: those not offline.",
      .example = "workers.online()", .call = api_set_online },
    { .name = "with_model", .arguments = "(ref)", .type = "set of workers", .cost = "O(matching)", .words = "Workers that hold this model, by reference, alias or model object.",
      .example = "workers.with_model(job.model_ref)", .call = api_set_with_model },
    { .name = "with_capacity", .arguments = "(vram_mb)", .type = "set of workers", .cost = "O(list)", .words = "Workers with at least this much free GPU memory (MB).",
      .example = "workers.with_capacity(8192)", .call = api_set_with_capacity },
    { .name = "in_region", .arguments = "(region)", .type = "set of workers", .cost = "O(list)", .words = "Workers in this region; a worker that does not say is where its pool is.",
      .example = "workers.in_region(\"EU\")", .call = api_set_in_region },
    { .name = "with_label", .arguments = "(key, value?)", .type = "set of workers", .cost = "O(list)", .words = "Workers with this label, with this value if one is given.",
      .example = "workers.with_label(\"tier\", \"gold\")", .call = api_set_with_label },
    { .name = "with_capability", .arguments = "(capability)", .type = "set of workers", .cost = "O(list)", .words = "Workers that can do this.",
      .example = "workers.with_capability(\"embeddings\")", .call = api_set_with_capability },
    { .name = "eligible", .arguments = "(job?)", .type = "set of workers", .cost = "O(matching)", .words = "Workers that can run the job now: its model, room, pins kept, not tried before. Without an argument: the job being decided.",
      .example = "workers.eligible(job).lmetric(job)", .call = api_set_eligible },
    { .name = "one_build", .arguments = "()", .type = "set of workers", .cost = "O(list)", .words = "Of workers of several builds, those of the one that most have: they answer a seeded job alike.",
      .example = "workers.with_model(job.model).one_build().eligible(job)", .call = api_set_one_build },
    { .name = "prefer_healthy", .arguments = "(kv_pct?)", .type = "set of workers", .cost = "O(list)", .words = "Those that report in time and whose KV cache is no fuller than this (100 without an argument); the list as it is where none is so.",
      .example = "workers.eligible(job).prefer_healthy(95).lmetric(job)", .call = api_set_prefer_healthy },
    { .name = "filter", .arguments = "(f)", .type = "set", .cost = "O(list)", .words = "Those for which the function says true.",
      .example = "workers.filter(function(w) return w.gpus > 1 end)", .call = api_set_filter },
    { .name = "least_loaded", .arguments = "()", .type = "worker?", .cost = "O(list)", .words = "Fewest running and waiting jobs per slot, then the smallest cpu_pct, then the first.",
      .example = "workers.eligible(job).least_loaded()", .call = api_set_least_loaded },
    { .name = "most_vram_free", .arguments = "()", .type = "worker?", .cost = "O(list)", .words = "Most free GPU memory.",
      .example = "workers.idle().most_vram_free()", .call = api_set_most_vram_free },
    { .name = "round_robin", .arguments = "()", .type = "worker?", .cost = "O(list)", .words = "The one that this method has not picked for longest, then the least recently used.",
      .example = "workers.eligible(job).round_robin()", .call = api_set_round_robin },
    { .name = "random", .arguments = "()", .type = "any?", .cost = "O(1)", .words = "One of them, by the seeded source.",
      .example = "workers.idle().random()", .call = api_set_random },
    { .name = "power_of_two", .arguments = "()", .type = "worker?", .cost = "O(1)", .words = "The less loaded of two that chance picks: robust where reports are old.",
      .example = "workers.eligible(job).power_of_two()", .call = api_set_power_of_two },
    { .name = "warmest", .arguments = "(job?)", .type = "worker?", .cost = "O(list)", .words = "The one with most of the prompt cached, unless it is loaded more than twice the mean of the others, or none has any: then as lmetric.",
      .example = "workers.eligible(job).warmest(job)", .call = api_set_warmest },
    { .name = "lmetric", .arguments = "(job?)", .type = "worker?", .cost = "O(list)", .words = "The smallest (queued_prefill_tokens + uncached tokens) × (jobs there + 1) / relative speed; ties by the seeded source.",
      .example = "workers.eligible(job).lmetric(job)", .call = api_set_lmetric },
    { .name = "to_evict", .arguments = "(kind?, rest_ms?)", .type = "worker?", .cost = "O(list)", .words = "The one to evict, as find_worker_to_evict() finds it.",
      .example = "pool.workers.to_evict(\"gdsf\")", .call = api_set_to_evict },
    { .name = "min_by", .arguments = "(f | \"field\")", .type = "any?", .cost = "O(list)", .words = "The smallest by a number; elements whose key is nil are passed over.",
      .example = "workers.min_by(\"cost_per_token\")", .call = api_set_min_by },
    { .name = "max_by", .arguments = "(f | \"field\")", .type = "any?", .cost = "O(list)", .words = "The largest by a number; elements whose key is nil are passed over.",
      .example = "workers.max_by(function(w) return w.vram_free_mb end)", .call = api_set_max_by },
    { .name = "sort_by", .arguments = "(f | \"field\")", .type = "set", .cost = "O(list log list)", .words = "In ascending order by a number or a text, with \"-field\" in descending order, equal ones as before; numbers come before texts, elements whose key is nil are left out.",
      .example = "workers.sort_by(\"cost_per_token\").take(3)", .call = api_set_sort_by },
    { .name = "first", .arguments = "()", .type = "any?", .cost = "O(1)", .words = "The first; nil of an empty list.",
      .example = "workers.idle().first()", .call = api_set_first },
    { .name = "last", .arguments = "()", .type = "any?", .cost = "O(1)", .words = "The last; nil of an empty list.",
      .example = "workers.sort_by(\"uptime_s\").last()", .call = api_set_last },
    { .name = "take", .arguments = "(n)", .type = "set", .cost = "O(n)", .words = "The first n.",
      .example = "context.queue.take(10)", .call = api_set_take },
    { .name = "map", .arguments = "(f)", .type = "table", .cost = "O(list)", .words = "What the function makes of each, as a new table; nil is left out.",
      .example = "workers.map(function(w) return w.id end)", .call = api_set_map },
    { .name = "any", .arguments = "(f)", .type = "boolean", .cost = "O(list)", .words = "Does the function say true of one?",
      .example = "workers.any(function(w) return w.pinned end)", .call = api_set_any },
    { .name = "all", .arguments = "(f)", .type = "boolean", .cost = "O(list)", .words = "Does the function say true of all? True of an empty list.",
      .example = "workers.all(function(w) return w.active > 0 end)", .call = api_set_all },
    { .name = "sum", .arguments = "(f | \"field\")", .type = "number", .cost = "O(list)", .words = "The sum of a number of each; nil counts as 0.",
      .example = "workers.sum(\"active\")", .call = api_set_sum },
    { .name = "is_empty", .arguments = "()", .type = "boolean", .cost = "O(1)", .words = "Is nothing in it?",
      .example = "workers.idle().is_empty()", .call = api_set_is_empty },
    { .name = "len", .arguments = "()", .type = "integer", .cost = "O(1)", .words = "How many; the same as #list.",
      .example = "workers.idle().len()", .call = api_set_len },
    { .name = "find", .arguments = "(id)", .type = "any?", .cost = "O(list)", .words = "The one with this id (of models: this reference or alias).",
      .example = "context.pools.find(\"attic\")", .call = api_set_find },
};
/* clang-format on */
const struct api_table api_set_table = API_TABLE(set_members);

/* --- The queue -------------------------------------------------------------------------------- */

/* Of the rows at hand, those of the jobs' turns: by hand they may be listed otherwise. */
static uint32_t collect_turns(const struct policy *p, struct api_rows rows, uint32_t *ret_rows)
{
    const struct snap_job *job;
    uint32_t len = 0;

    for (uint32_t row = p->snapshot->header.first_job;
         len < rows.len && (job = snapshot_job(p->snapshot, row)); row = job->next)
        ret_rows[len++] = row;
    return len;
}

static int queue_next(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    api_push_row(L, p, API_JOB, p->snapshot->header.first_job);
    return 1;
}

static int queue_in_turn(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct api_set *turns;

    (void)api_self_set(L, p, API_JOB, &rows);
    turns = api_new_queue(L, p, rows.len);
    turns->len = collect_turns(p, rows, turns->rows);
    return 1;
}

static int queue_by_model(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct api_set *kept;

    (void)api_self_set(L, p, API_JOB, &rows);
    struct str ref = api_arg_text(L, 1);
    uint32_t model = api_find_model(L, p, ref);
    kept = api_new_set(L, p, API_JOB, rows.len);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_job *job = snapshot_job(p->snapshot, rows.at[i]);
        if (job && (api_same_text(snapshot_text(p->snapshot, job->model_ref), ref) ||
                    (model != SNAP_NONE && job->model == model)))
            kept->rows[kept->len++] = rows.at[i];
    }
    return 1;
}

static int queue_by_tenant(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct api_set *kept;

    (void)api_self_set(L, p, API_JOB, &rows);
    struct str id = api_arg_text(L, 1);
    kept = api_new_set(L, p, API_JOB, rows.len);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_job *job = snapshot_job(p->snapshot, rows.at[i]);
        if (job && api_same_text(snapshot_text(p->snapshot, job->tenant_id), id))
            kept->rows[kept->len++] = rows.at[i];
    }
    return 1;
}

static int queue_oldest(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    uint64_t longest_ms = 0;
    uint32_t oldest = SNAP_NONE;

    (void)api_self_set(L, p, API_JOB, &rows);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_job *job = snapshot_job(p->snapshot, rows.at[i]);
        uint64_t wait_ms = job ? snapshot_job_wait_ms(p->snapshot, job) : 0;
        if (job && (oldest == SNAP_NONE || wait_ms > longest_ms)) {
            oldest = rows.at[i];
            longest_ms = wait_ms;
        }
    }
    api_push_row(L, p, API_JOB, oldest);
    return 1;
}

/* Each reference once, in the order in which the queue first names them. */
static int queue_models(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    lua_Integer len = 0;

    (void)api_self_set(L, p, API_JOB, &rows);
    lua_newtable(L); /* the list */
    lua_newtable(L); /* those in it */
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_job *job = snapshot_job(p->snapshot, rows.at[i]);
        if (!job)
            continue;
        api_push_text(L, p, job->model_ref);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) == LUA_TNIL) {
            lua_pushvalue(L, -2);
            lua_rawseti(L, -5, ++len);
            lua_pushvalue(L, -2);
            lua_pushboolean(L, 1);
            lua_rawset(L, -5);
        }
        lua_pop(L, 2);
    }
    lua_pop(L, 1);
    api_make_view(L);
    return 1;
}

/* clang-format off */
static const struct api_member queue_members[] = {
    { .name = "next", .arguments = "()", .type = "job?", .words = "The job that the built-in order would serve next: interactive before batch, then by deadline, then by arrival.",
      .example = "local job = context.queue.next()", .call = queue_next },
    { .name = "in_turn", .arguments = "()", .type = "queue", .cost = "O(queue)", .words = "The queue in the built-in order, of which `next()` is the first. A live queue is listed so anyway; one that simulate is given is listed as it was given.",
      .example = "for _, job in ipairs(context.queue.in_turn()) do … end", .call = queue_in_turn },
    { .name = "by_model", .arguments = "(ref)", .type = "set of jobs", .cost = "O(queue)", .words = "The jobs that want this model.",
      .example = "context.queue.by_model(\"llama-3-8b\").len()", .call = queue_by_model },
    { .name = "by_tenant", .arguments = "(id)", .type = "set of jobs", .cost = "O(queue)", .words = "The jobs of this tenant.",
      .example = "context.queue.by_tenant(job.tenant_id)", .call = queue_by_tenant },
    { .name = "models", .arguments = "()", .type = "list of strings", .cost = "O(queue)", .words = "The models that its jobs want, each once.",
      .example = "for _, ref in ipairs(context.queue.models()) do … end", .call = queue_models },
    { .name = "oldest", .arguments = "()", .type = "job?", .cost = "O(queue)", .words = "The job that has waited longest.",
      .example = "context.queue.oldest()", .call = queue_oldest },
};
/* clang-format on */
const struct api_table api_queue_table = API_TABLE(queue_members);
