/* api_test_world - a small fixed world for the tests of the API, as a context by hand. */
#pragma once

#include "base/mem.h"
#include "policy/state.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

/* A Tuesday, 14 November 2023, 22:13:20 UTC. */
static const char world_json[] =
    "{"
    "\"now_ms\": 1700000000000,"
    "\"queue\": ["
    " {\"id\": \"job-1\", \"tenant_id\": \"acme\", \"session_id\": \"s-1\", \"priority\": "
    "\"interactive\","
    "  \"model_ref\": \"llama-3-70b\", \"type\": \"text-gen\", \"prompt_tokens\": 1000, "
    "\"prompt_hash\": 77,"
    "  \"max_tokens\": 200, \"seed\": 42, \"temperature\": 0.5, \"created_at_ms\": 1699999999000,"
    "  \"deadline_ms\": 30000, \"retry_count\": 1, \"slo_ttft_ms\": 2000, \"predicted_tokens\": "
    "100,"
    "  \"labels\": {\"project\": \"thesis\"}, \"bytes\": 4096, \"session_worker_id\": \"w-2\","
    "  \"user\": {\"geo\": {\"latitude\": 52.5, \"longitude\": 13.4, \"region\": \"EU\"}, "
    "\"name\": \"ada\"},"
    "  \"cached_tokens\": {\"w-2\": 900}, \"tried_workers\": [\"w-5\"], \"colour\": \"red\","
    "  \"nested\": {\"list\": [1, \"two\", true], \"deep\": {\"x\": 1.5}}},"
    " {\"id\": \"job-2\", \"priority\": \"batch\", \"model_ref\": \"tiny\", \"prompt_tokens\": 10,"
    "  \"wait_ms\": 60000, \"tenant_id\": \"beta\", \"pinned_worker_id\": \"w-4\","
    "  \"pinned_pool_id\": \"cellar\"},"
    " {\"id\": \"job-3\", \"model_ref\": \"huge\", \"priority\": \"interactive\", \"wait_ms\": 5}"
    "],"
    "\"pools\": ["
    " {\"id\": \"attic\", \"hostname\": \"attic.local\", \"address\": \"10.0.0.1:8082\", "
    "\"status\": \"healthy\","
    "  \"heartbeat_age_ms\": 250, \"labels\": {\"rack\": \"2\"}, \"cached_models\": "
    "[\"llama-3-70b\", \"tiny\"],"
    "  \"geo\": {\"latitude\": 48.1, \"longitude\": 11.6, \"region\": \"EU\"}, \"reserved_mb\": "
    "1000,"
    "  \"ram_free_mb\": 32000, \"seen_ms\": 1699999999750,"
    "  \"gpus\": ["
    "   {\"id\": 0, \"name\": \"Big\", \"vram_total_mb\": 24000, \"vram_allocated_mb\": 20000,"
    "    \"util_pct\": 35.5, \"temperature_c\": 61},"
    "   {\"id\": 1, \"name\": \"Small\", \"vram_total_mb\": 8000, \"vram_allocated_mb\": 2000}]},"
    " {\"id\": \"cellar\", \"status\": \"degraded\", \"ram_free_mb\": 16000},"
    " {\"id\": \"shed\", \"status\": \"offline\"}"
    "],"
    "\"workers\": ["
    " {\"id\": \"w-1\", \"pool_id\": \"attic\", \"status\": \"ready\", \"model_ref\": "
    "\"llama-3-70b\","
    "  \"slots\": 4, \"active\": 2, \"queued\": 1, \"in_flight\": 1, \"foreign\": 1, "
    "\"in_flight_tokens\": 500,"
    "  \"queued_prefill_tokens\": 300, \"gpu_ids\": [0, 1], \"vram_mb\": 20000, \"total_vram_mb\": "
    "32000,"
    "  \"cpu_pct\": 12.5, \"rss_mb\": 700, \"gpu_util_pct\": 80, \"kv_used_pct\": 33.5, "
    "\"tokens_per_s\": 40,"
    "  \"prefill_tokens_per_s\": 900, \"uptime_s\": 3600, \"residency_ms\": 3500000,"
    "  \"first_seen_ms\": 1699996400000, \"last_used_ms\": 1699999990000, \"load_time_ms\": 20000,"
    "  \"estimated_time\": 1234, \"cost_per_token\": 0.5, \"backend\": \"cuda\", \"capability\": "
    "\"text-gen\","
    "  \"capabilities\": [\"text-gen\", \"embeddings\"], \"group\": \"llm\", \"instance\": "
    "\"8080\","
    "  \"pid\": 4711, \"uses\": 9, \"build\": \"b1\", \"labels\": {\"tier\": \"gold\"}, "
    "\"pinned\": true,"
    "  \"geo\": {\"region\": \"US\", \"latitude\": 40.7, \"longitude\": -74.0}},"
    " {\"id\": \"w-2\", \"pool_id\": \"attic\", \"status\": \"ready\", \"model_ref\": "
    "\"llama-3-70b\","
    "  \"slots\": 4, \"vram_mb\": 20000, \"total_vram_mb\": 24000, \"gpu_ids\": [0], \"cpu_pct\": "
    "50,"
    "  \"cost_per_token\": 0.25, \"tokens_per_s\": 40, \"last_used_ms\": 1699999999000, \"uses\": "
    "100,"
    "  \"load_time_ms\": 20000, \"static\": true, \"backend\": \"cuda\"},"
    " {\"id\": \"w-3\", \"pool_id\": \"cellar\", \"status\": \"ready\", \"model_ref\": \"tiny\", "
    "\"slots\": 1,"
    "  \"vram_mb\": 1000, \"total_vram_mb\": 4000, \"cpu_pct\": 1, \"last_used_ms\": 1699999000000,"
    "  \"uses\": 3, \"load_time_ms\": 1000, \"capability\": \"embeddings\"},"
    " {\"id\": \"w-4\", \"pool_id\": \"cellar\", \"status\": \"ready\", \"model_ref\": \"tiny\", "
    "\"slots\": 1,"
    "  \"vram_mb\": 1000, \"total_vram_mb\": 4000, \"cpu_pct\": 2, \"last_used_ms\": 1699999500000,"
    "  \"uses\": 2, \"load_time_ms\": 1000},"
    " {\"id\": \"w-5\", \"pool_id\": \"shed\", \"status\": \"ready\", \"liveness\": \"offline\","
    "  \"model_ref\": \"llama-3-70b\", \"slots\": 4}"
    "],"
    "\"tenants\": ["
    " {\"id\": \"acme\", \"weight\": 2, \"quota_vram\": 48000, \"quota_used\": 32000,"
    "  \"quota_tokens_daily\": 1000, \"tokens_used_today\": 400, \"max_concurrent\": 3, "
    "\"concurrent\": 1,"
    "  \"service\": 12.5},"
    " {\"id\": \"beta\", \"quota_tokens_daily\": 10, \"tokens_used_today\": 10}],"
    "\"models\": ["
    " {\"ref\": \"llama-3-70b\", \"aliases\": [\"default\", \"big\"], \"size_bytes\": 40000000000,"
    "  \"vram_required_mb\": 38000, \"context_length\": 8192, \"queued\": 1, \"wanted\": 50,"
    "  \"last_wanted_ms\": 1699999999000, \"tokens_out_mean\": 80, \"run_ms_mean\": 2500.5, "
    "\"load_time_ms\": {\"attic\": "
    "20000}},"
    " {\"ref\": \"tiny\", \"size_bytes\": 1000000000},"
    " {\"ref\": \"huge\", \"vram_required_mb\": 9500, \"queued\": 1}],"
    "\"metrics\": {\"saturation\": 0.25, \"avg_wait_ms\": 1000, \"mood\": \"good\"},"
    "\"config\": {\"max_wait_ms\": 5000, \"mode\": \"night\", \"evict_ttl_ms\": 600000},"
    "\"weather\": \"fine\""
    "}";

struct world {
    struct region *region;
    struct policy *policy;
    struct policy_answer answer;
};

static inline void world_open(struct world *w, const char *json)
{
    struct err err = { 0 };

    w->region = region_new(sizeof(struct snapshot), 0, NULL);
    if (context_read(w->region, str_of(json), 0, &err) < 0)
        fail_msg("%s: %s", err.param, err.msg);
    w->policy = NULL;
}

static inline const struct snapshot *world_snapshot(const struct world *w)
{
    return region_bytes(w->region);
}

static inline void world_load(struct world *w, const char *lua)
{
    struct diagnostics d = { .len = 0 };
    const struct policy_options options = {
        .snapshot = world_snapshot(w),
        .platform_source = str_of("-- the platform's"),
    };

    policy_free(w->policy);
    w->policy = policy_new(&options, SCRIPT_LUA, str_of(lua), "test.lua", &d);
    if (!w->policy)
        fail_msg("%s\n%s", d.items[0].message, lua);
}

static inline void world_close(struct world *w)
{
    policy_free(w->policy);
    region_free(w->region);
}

/* Ask about a job of the queue, by its number from 0. */
static inline void world_ask(struct world *w, uint32_t job, bool want_scores)
{
    const struct policy_call call = {
        .kind = ASK_JOB, .job = job, .seed = 7, .want_scores = want_scores
    };

    policy_call(w->policy, &call, &w->answer);
}

/* What an expression is, as text; an error's words when it raises. Sees job (job-1), pools,
 * workers, worker (w-1), pool (attic), context, ids(list). */
static inline const char *world_eval(struct world *w, const char *expression)
{
    static char text[sizeof(w->answer.log)];
    char lua[2048];

    (void)snprintf(lua, sizeof(lua),
                   "local function ids(l) return table.concat(l.map(function(x) return "
                   "x.id or x.ref end), ' ') end\n"
                   "function schedule_job(job, pools, workers)\n"
                   "local worker, pool = workers[1], pools[1]\n"
                   "log.info(tostring(%s))\nend\n",
                   expression);
    world_load(w, lua);
    world_ask(w, 0, false);
    if (w->answer.failure != POLICY_OK)
        return w->answer.message;
    size_t skip = sizeof("info ") - 1, len = w->answer.log_len;
    if (len <= skip)
        return "";
    memcpy(text, w->answer.log + skip, len - skip - 1);
    text[len - skip - 1] = '\0';
    return text;
}

static inline bool world_logged(const struct world *w, const char *text)
{
    return memmem(w->answer.log, w->answer.log_len, text, strlen(text)) != NULL;
}

static inline struct snapshot *world_writable(const struct world *w)
{
    return (struct snapshot *)(uintptr_t)world_snapshot(w);
}
