/* Policies over the API: choices, costs, the seeds' own, and those that mean no good. */
#include "policy/api_private.h"
#include "policy/api_test_world.h"

/* --- Answers, scores, metrics ------------------------------------------------------------------
 */

static void a_choice_tells_its_scores_when_asked(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job(job, pools, workers) return "
                   "workers.eligible(job).min_by(function(w) workers.least_loaded() return "
                   "w.cpu_pct end) end");
    world_ask(&w, 0, true);
    assert_int_equal(w.answer.failure, POLICY_OK);
    assert_string_equal(w.answer.decisions.items[0].worker_id, "w-1");
    assert_int_equal(w.answer.scores_len, 2);
    assert_int_equal(w.answer.scores[0].worker, 0);
    assert_true(w.answer.scores[0].score == 12.5);
    assert_true(w.answer.scores[1].score == 50);
    world_ask(&w, 0, false);
    assert_int_equal(w.answer.scores_len, 0);
    world_load(
        &w,
        "function schedule_job(job, pools, workers) return workers.eligible(job).lmetric(job) end");
    world_ask(&w, 0, true);
    assert_string_equal(w.answer.decisions.items[0].worker_id, "w-2");
    assert_int_equal(w.answer.scores_len, 2);
    assert_true(w.answer.scores[0].score == (300 + 1000) * 4.0);
    assert_true(w.answer.scores[1].score == 100 * 1.0);
    world_close(&w);
}

static void metrics_are_kept_once_per_name_and_capped(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job() for i = 1, 40 do emit_metric('m' .. i, i) end "
                   "emit_metric('m1', 2.5) end");
    world_ask(&w, 0, false);
    assert_int_equal(w.answer.metrics_len, POLICY_METRICS_MAX);
    assert_string_equal(w.answer.metrics[0].name, "m1");
    assert_true(w.answer.metrics[0].value == 2.5);
    world_close(&w);
}

static void the_warm_worker_is_left_alone_when_it_is_overloaded(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job(job, pools, workers) return "
                   "workers.with_model(job.model).take(2).warmest(job) end");
    world_ask(&w, 0, false);
    assert_string_equal(w.answer.decisions.items[0].worker_id, "w-2");
    world_writable(&w)->workers[1].active = 3;
    world_writable(&w)->workers[1].queued = 20;
    world_writable(&w)->workers[1].queued_prefill_tokens = 5000;
    world_ask(&w, 0, false);
    assert_string_equal(w.answer.decisions.items[0].worker_id, "w-1");
    world_close(&w);
}

static void lmetric_shares_ties_by_chance(void **state)
{
    struct world w;
    struct policy_call call = { .kind = ASK_JOB, .job = 1 };
    unsigned third = 0;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job(job, pools, workers) "
                   "log.info(workers.with_model('tiny').lmetric().id) end");
    world_writable(&w)->jobs[1].pinned_worker_id = (struct snap_text){ 0 };
    world_writable(&w)->jobs[1].pinned_pool_id = (struct snap_text){ 0 };
    for (call.seed = 1; call.seed <= 200; call.seed++) {
        policy_call(w.policy, &call, &w.answer);
        third += world_logged(&w, "w-3");
    }
    assert_in_range(third, 60, 140);
    world_close(&w);
}

/* job-1 wants llama-3-70b: w-1 and w-2 have it; w-3 and w-4 have not. */
static void a_choice_for_a_job_is_one_that_can_run_it_or_nil(void **state)
{
    static const struct {
        const char *list, *chosen; /* NULL: nil */
    } cases[] = {
        { "workers", "w-1" },
        { "workers.filter(function(w) return w.id == 'w-3' or w.id == 'w-2' end)", "w-2" },
        { "workers.filter(function(w) return w.id == 'w-3' or w.id == 'w-1' end)", NULL },
        { "workers.with_model('tiny')", "w-3" }, /* for what to evict */
    };
    static const char *const methods[] = { "first()",        "min_by('slots')", "round_robin()",
                                           "least_loaded()", "lmetric(job)",    "random()" };
    char script[256];
    struct world w;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
            bool is_exact = m == 0; /* the others prefer one of those that can */
            (void)snprintf(script, sizeof(script),
                           "function schedule_job(job, pools, workers) local w = %s.%s "
                           "log.info(w and w.id or 'nil') end",
                           cases[i].list, methods[m]);
            world_open(&w, world_json);
            world_load(&w, script);
            if (!cases[i].chosen)
                world_writable(&w)->workers[0].active = 4; /* w-1 is full */
            world_ask(&w, 0, false);
            if (!cases[i].chosen)
                assert_true(world_logged(&w, "nil"));
            else if (is_exact)
                assert_true(world_logged(&w, cases[i].chosen));
            else
                assert_false(world_logged(&w, "nil") || world_logged(&w, "w-5"));
            world_close(&w);
        }
    }
}

/* w-2 has most of the prompt cached, and nothing to do; w-5 is offline. */
static void a_place_for_a_job_is_not_a_worker_that_is_starting_in_schedule_either(void **state)
{
    static const char *const methods[] = { "lmetric(context.queue[1])",
                                           "warmest(context.queue[1])",
                                           "least_loaded()",
                                           "power_of_two()",
                                           "round_robin()",
                                           "most_vram_free()" };
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE, .seed = 1 };
    char script[256];
    struct world w;
    (void)state;

    world_open(&w, world_json);
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        (void)snprintf(script, sizeof(script),
                       "function schedule(context) "
                       "log.info(context.workers.with_model('llama-3-70b').%s.id) end",
                       methods[i]);
        world_load(&w, script);
        world_writable(&w)->workers[1].status = SNAP_STARTING;
        policy_call(w.policy, &call, &w.answer);
        if (!world_logged(&w, "info w-1\n"))
            fail_msg("%s: %.*s", methods[i], (int)w.answer.log_len, w.answer.log);
        world_writable(&w)->workers[0].active = 4; /* nobody has room: as they are */
        policy_call(w.policy, &call, &w.answer);
        assert_int_equal(w.answer.failure, POLICY_OK);
        world_writable(&w)->workers[0].active = 2;
    }
    world_close(&w);
}

static void room_is_made_only_where_it_is_wanted_and_helps(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    struct snapshot *s = world_writable(&w);
    s->pools[1].ram_free_mb = 500;
    world_load(&w, "function schedule_job() log.info(tostring(should_evict('attic')) .. "
                   "tostring(should_evict('cellar'))) end");
    world_ask(&w, 0, false);
    assert_true(world_logged(&w, "info falsetrue\n")); /* attic's may not go, cellar's may */
    s->models[2].starting = 1;
    world_ask(&w, 0, false);
    assert_true(world_logged(&w, "info falsefalse\n"));
    world_close(&w);
}

static void the_platform_policy_runs_in_a_state_of_its_own(void **state)
{
    static const char user[] = "string.format = nil context = nil\n"
                               "function schedule_job(job) local d = platform.schedule_job(job)\n"
                               "log.info(d.action .. d.job_id .. d.worker_id) return d end\n";
    static const char builtin[] =
        "function schedule_job(job, pools, workers) string.format('%d', 1)\n"
        "return workers.eligible(job).least_loaded() end\n"
        "function schedule(c) return { wait('a'), wait('b') } end\n";
    struct world w;
    struct diagnostics d = { .len = 0 };
    (void)state;

    world_open(&w, world_json);
    world_load(&w, builtin);
    struct policy *platform = TAKE(w.policy);
    const struct policy_options options = { .snapshot = world_snapshot(&w), .platform = platform };
    w.policy = policy_new(&options, SCRIPT_LUA, str_of(user), "user.lua", &d);
    assert_non_null(w.policy);
    world_ask(&w, 0, true);
    assert_string_equal(w.answer.message, "");
    assert_true(world_logged(&w, "info dispatchjob-1w-2\n"));
    assert_string_equal(w.answer.decisions.items[0].worker_id, "w-2");
    assert_int_equal(w.answer.scores_len, 2);
    policy_free(w.policy);
    w.policy = policy_new(&options, SCRIPT_LUA,
                          str_of("function schedule(c) local l = platform.schedule({}) log.info(#l "
                                 ".. l[2].reason) return l end"),
                          "user.lua", &d);
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
    policy_call(w.policy, &call, &w.answer);
    assert_true(world_logged(&w, "info 2b\n"));
    policy_free(platform);
    world_close(&w);
}

/* --- Costs: rows that lists looked at
 * --------------------------------------------------------------- */

static void add_text(struct snapshot *s, uint32_t *used, struct snap_text *ret, char prefix,
                     unsigned i)
{
    int len = snprintf(s->arena + *used, 32, "%c-%u", prefix, i);

    *ret = (struct snap_text){ *used, (uint32_t)len };
    *used += (uint32_t)len;
}

/* Many workers, of which 8 hold "m-0"; the others hold one of many models. */
static struct snapshot *crowd_new(uint32_t workers)
{
    struct snapshot *s = mem_alloc(1, sizeof(*s));
    uint32_t used = 1, models = workers / 8;

    s->header.first_job = s->header.asked_job = SNAP_NONE;
    s->header.now_ms = 1000000;
    s->header.workers = workers;
    s->header.models = models;
    for (uint32_t m = 0; m < models; m++) {
        s->models[m].generation = 1;
        s->models[m].first_worker = s->models[m].last_worker = SNAP_NONE;
        add_text(s, &used, &s->models[m].ref, 'm', m);
    }
    for (uint32_t i = 0; i < workers; i++) {
        struct snap_worker *w = &s->workers[i];
        struct snap_model *m = &s->models[i % models];
        *w = (struct snap_worker){ .generation = 1,
                                   .status = SNAP_READY,
                                   .slots = 2,
                                   .pool = SNAP_NONE,
                                   .model = i % models,
                                   .next_in_model = m->first_worker };
        add_text(s, &used, &w->id, 'w', i);
        m->first_worker = i;
    }
    s->header.jobs = 1;
    s->jobs[0] = (struct snap_job){
        .generation = 1, .next = SNAP_NONE, .tenant = SNAP_NONE, .model_ref = s->models[0].ref
    };
    return s;
}

/* Rows visited by the second of two calls: the first may fill what is kept. */
static uint64_t rows_visited(uint32_t workers, const char *choice)
{
    struct snapshot *s = crowd_new(workers);
    const struct policy_options options = { .snapshot = s };
    const struct policy_call call = { .kind = ASK_JOB, .job = 0 };
    struct diagnostics d = { .len = 0 };
    struct policy_answer *answer = mem_alloc(1, sizeof(*answer));
    char lua[512];

    (void)snprintf(lua, sizeof(lua), "function schedule_job(job, pools, workers) return %s end",
                   choice);
    struct policy *p = policy_new(&options, SCRIPT_LUA, str_of(lua), "test.lua", &d);
    assert_non_null(p);
    policy_call(p, &call, answer);
    uint64_t before = p->api->rows_visited;
    policy_call(p, &call, answer);
    if (answer->decisions.len != 1)
        fail_msg("%s: %s", choice, answer->message);
    uint64_t visited = p->api->rows_visited - before;
    policy_free(p);
    free(answer);
    free(s);
    return visited;
}

static void what_goes_by_model_costs_what_matches(void **state)
{
    static const char *const choices[] = {
        "workers.with_model(job.model).idle().least_loaded()",
        "workers.with_model('m-1') and workers.with_model('m-0').idle().first()",
        "workers.eligible(job).lmetric(job)",
        "workers.eligible(job).warmest(job)",
        "helpers.find_worker(job.model)",
        "helpers.find_worker_least_loaded(job.model)",
        "registry.find_best_worker_for_model(job.model)",
        "find_best_worker(pools, job.model_ref)",
        "get_model(job.model).workers.first()",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        uint64_t few = rows_visited(1000, choices[i]), many = rows_visited(10000, choices[i]);
        if (few != many || many > 64)
            fail_msg("%s visits %ju rows of 1,000 workers and %ju of 10,000", choices[i],
                     (uintmax_t)few, (uintmax_t)many);
    }
    assert_in_range(rows_visited(10000, "workers.idle().least_loaded()"), 10000, 40000);
}

/* --- The seeds' policies, as printed
 * ------------------------------------------------------------------ */

static const char seed_3_1[] = /* seed 004, 3.1 */
    "-- User-defined scheduler\n"
    "function schedule(context)\n"
    "  local queue = context.queue\n"
    "  local pools = context.pools\n"
    "  \n"
    "  -- Custom logic: prioritize jobs with seed for determinism\n"
    "  for _, job in ipairs(queue) do\n"
    "    if job.seed ~= nil then\n"
    "      local worker = find_best_worker(pools, job.model_ref)\n"
    "      if worker then\n"
    "        return {\n"
    "          action = \"dispatch\",\n"
    "          job_id = job.id,\n"
    "          worker_id = worker.id\n"
    "        }\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  \n"
    "  -- Fallback to platform scheduler\n"
    "  return platform.schedule(context)\n"
    "end\n";

static const char seed_6_2[] = /* seed 004, 6.2 */
    "-- Generated by Web UI Scheduler Builder\n"
    "-- Policy: \"Batch Processing Optimized\"\n"
    "-- Created: 2025-10-03\n"
    "\n"
    "function schedule(context)\n"
    "  -- Rule 1: Batch jobs to most-vram-free workers\n"
    "  for _, job in ipairs(context.queue) do\n"
    "    if job.priority == \"batch\" then\n"
    "      local worker = context.helpers.find_worker_most_vram_free(job.model_ref)\n"
    "      if worker then\n"
    "        return { action = \"dispatch\", job_id = job.id, worker_id = worker.id }\n"
    "      end\n"
    "    end\n"
    "  end\n"
    "  \n"
    "  -- Fallback to platform scheduler\n"
    "  return platform.schedule(context)\n"
    "end\n";

static void expect_dispatch(const char *json, const char *lua, const char *job, const char *worker)
{
    static const char builtin[] =
        "function schedule(c) return { action = 'wait', reason = 'platform' } end\n";
    const struct policy_call call = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
    struct diagnostics d = { .len = 0 };
    struct world w;

    world_open(&w, json);
    world_load(&w, builtin);
    struct policy *platform = TAKE(w.policy);
    const struct policy_options options = { .snapshot = world_snapshot(&w), .platform = platform };
    w.policy = policy_new(&options, SCRIPT_LUA, str_of(lua), "seed.lua", &d);
    assert_non_null(w.policy);
    policy_call(w.policy, &call, &w.answer);
    assert_string_equal(w.answer.message, "");
    assert_int_equal(w.answer.decisions.len, 1);
    const struct decision *decision = &w.answer.decisions.items[0];
    if (job) {
        assert_int_equal(decision->action, DECIDE_DISPATCH);
        assert_string_equal(decision->job_id, job);
        assert_string_equal(decision->worker_id, worker);
    } else {
        assert_string_equal(decision->reason, "platform");
    }
    policy_free(platform);
    world_close(&w);
}

static void the_lua_policies_of_the_seeds_run_as_printed(void **state)
{
    static const char nothing[] = "{\"queue\": [{\"id\": \"a\", \"model_ref\": \"m\"}]}";
    (void)state;

    expect_dispatch(world_json, seed_3_1, "job-1", "w-2");
    expect_dispatch(nothing, seed_3_1, NULL, NULL);
    expect_dispatch(world_json, seed_6_2, "job-2", "w-3");
    expect_dispatch(nothing, seed_6_2, NULL, NULL);
}

/* --- Whatever they are given ----------------------------------------------------------------- */

/* Where each object's functions can be had in the small world. */
static const char *const places[API_OBJECT_COUNT_] = {
    [API_GLOBALS] = "",           [API_JOB] = "job.",
    [API_POOL] = "pools[1].",     [API_MODEL] = "context.models[1].",
    [API_SET] = "workers.",       [API_QUEUE] = "context.queue.",
    [API_REGISTRY] = "registry.", [API_HIVES] = "hives.",
    [API_HELPERS] = "helpers.",   [API_PLATFORM] = "platform.",
    [API_LOG] = "log.",           [API_RNG] = "context.rng.",
};

static void put_functions(struct buf *lua)
{
    (void)buf_puts(lua, "local function functions(job, pools, workers) return {");
    for (enum api_object object = 0; object < API_OBJECT_COUNT_; object++) {
        size_t len;
        const struct api_member *members = api_members(object, &len);
        for (size_t i = 0; i < len; i++) {
            if (members[i].call)
                (void)buf_printf(lua, "%s%s,", places[object] ? places[object] : "?",
                                 members[i].name);
        }
    }
    (void)buf_puts(
        lua, "workers.idle().map, pools.map, context.models.filter, pools[1].gpus.find } end\n");
}

static void no_function_fails_badly_whatever_it_is_given(void **state)
{
    static const char ask[] =
        "local function values(job, pools, workers) return { false, true, -1, 0, 1.5, 0/0, 1e308, "
        "math.mininteger,\n"
        "'', 'w-1', 'tiny', string.rep('x', 70000), {}, { 1, 'x', workers[1] }, function(x) return "
        "x end, error,\n"
        "job, workers[1], pools[1], pools[1].gpus[1], context.models[1], tenants[1], workers, "
        "workers.idle(),\n"
        "context.queue, pools, context, job.labels, workers[1].capabilities, context.config, old } "
        "end\n"
        "function schedule_job(job, pools, workers)\n"
        "local list, args, calls = functions(job, pools, workers), values(job, pools, workers), 0\n"
        "old = old or workers.idle()\n"
        "for i = 1, #list do pcall(list[i]) for a = 1, #args do for b = 1, #args, 3 do\n"
        "pcall(list[i], args[a], args[b], args[(a * 7 + b) % #args + 1]) calls = calls + 1 end end "
        "end\n"
        "emit_metric('calls', calls) end\n";
    struct world w;
    struct buf lua;
    (void)state;

    buf_init(&lua, 65536);
    put_functions(&lua);
    (void)buf_puts(&lua, ask);
    world_open(&w, world_json);
    world_load(&w, buf_cstr(&lua));
    for (int i = 0; i < 2; i++) { /* the second time with a list of the first */
        world_ask(&w, 0, true);
        assert_string_equal(w.answer.message, "");
        assert_true(w.answer.metrics[w.answer.metrics_len - 1].value > 10000);
    }
    world_close(&w);
    buf_deinit(&lua);
}

static void memory_may_run_out_at_any_point(void **state)
{
    static const char lua[] =
        "function schedule_job(job, pools, workers)\n"
        "for _, w in ipairs(workers) do kept = w.labels.tier, w.geo.region, w.capabilities[1], "
        "w.load_time_ms end\n"
        "kept = job.nested.list[2] .. tostring(get_model('big').load_time_ms.attic) .. "
        "split('a,b', ',')[1]\n"
        "for i = 1, 40 do model_exists('m' .. i) end\n"
        "kept = workers.sort_by('cpu_pct').map(function(w) return w.id end)\n"
        "return workers.filter(function(w) return w.slots > 0 end).eligible(job).round_robin() "
        "end\n";
    struct world w;
    unsigned ok = 0, short_of_it = 0;
    (void)state;

    world_open(&w, world_json);
    for (size_t limit = 40000; limit < 2000000; limit += limit < 300000 ? 977 : 50021) {
        struct diagnostics d = { .len = 0 };
        const struct policy_options options = { .snapshot = world_snapshot(&w),
                                                .memory_bytes_max = limit };
        w.policy = policy_new(&options, SCRIPT_LUA, str_of(lua), "test.lua", &d);
        for (int i = 0; w.policy && i < 2; i++) {
            world_ask(&w, 0, false);
            ok += w.answer.failure == POLICY_OK;
            short_of_it += w.answer.failure == POLICY_MEMORY;
            if (w.answer.failure != POLICY_OK && w.answer.failure != POLICY_MEMORY)
                fail_msg("%zu bytes: %s", limit, w.answer.message);
        }
        policy_free(w.policy);
        w.policy = NULL;
    }
    assert_true(ok > 0 && short_of_it > 0);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_choice_tells_its_scores_when_asked),
        cmocka_unit_test(metrics_are_kept_once_per_name_and_capped),
        cmocka_unit_test(the_warm_worker_is_left_alone_when_it_is_overloaded),
        cmocka_unit_test(lmetric_shares_ties_by_chance),
        cmocka_unit_test(a_choice_for_a_job_is_one_that_can_run_it_or_nil),
        cmocka_unit_test(a_place_for_a_job_is_not_a_worker_that_is_starting_in_schedule_either),
        cmocka_unit_test(room_is_made_only_where_it_is_wanted_and_helps),
        cmocka_unit_test(the_platform_policy_runs_in_a_state_of_its_own),
        cmocka_unit_test(what_goes_by_model_costs_what_matches),
        cmocka_unit_test(the_lua_policies_of_the_seeds_run_as_printed),
        cmocka_unit_test(no_function_fails_badly_whatever_it_is_given),
        cmocka_unit_test(memory_may_run_out_at_any_point),
    };

    return cmocka_run_group_tests_name("api policy", tests, NULL, NULL);
}
