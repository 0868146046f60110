/* What objects of the API do beyond their rows: walks, extras, errors, what is gone. */
#include "policy/api_test_world.h"

/* --- Reading ------------------------------------------------------------------------------ */

struct expectation {
    const char *expression, *expected;
};

static void expect(const char *json, const struct expectation *rows, size_t len)
{
    struct world w;
    unsigned wrong = 0;

    world_open(&w, json);
    for (size_t i = 0; i < len; i++) {
        const char *is = world_eval(&w, rows[i].expression);
        if (strcmp(is, rows[i].expected) == 0)
            continue;
        print_error("%s\n  is       %s\n  expected %s\n", rows[i].expression, is, rows[i].expected);
        wrong++;
    }
    world_close(&w);
    assert_int_equal(wrong, 0);
}
#define EXPECT(json, rows) expect(json, rows, sizeof(rows) / sizeof((rows)[0]))

static void lists_count_from_one_and_walk_alike(void **state)
{
    static const struct expectation rows[] = {
        { "workers[1].id .. tostring(workers[0]) .. tostring(workers[6]) .. workers[5.0].id",
          "w-1nilnilw-5" },
        { "(function() local s = '' for i, w in ipairs(workers) do s = s .. i .. w.id end return s "
          "end)()",
          "1w-12w-23w-34w-45w-5" },
        { "(function() local s = '' for i, w in pairs(workers.idle()) do s = s .. i .. w.id end "
          "return s end)()",
          "1w-12w-23w-34w-4" },
        { "#workers.idle() .. #context.queue .. #pools .. #pools.first().workers", "4332" },
        { "select('#', table.unpack(workers))", "5" },
        { "workers.idle().nonsense", "nil" },
        { "workers", "list of 5 workers" },
        { "workers == context.workers and registry == context.pools", "true" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

static void the_same_worker_is_the_same_value(void **state)
{
    static const struct expectation rows[] = {
        { "workers[1] == workers.first()", "true" },
        { "workers[1] == workers[2]", "false" },
        { "({ [workers[1]] = 'x' })[pools[1].workers[1]]", "x" },
        { "job == context.queue[1]", "true" },
        { "worker", "worker w-1" },
        { "context.models[1]", "model llama-3-70b" },
        { "type(worker) .. tostring(getmetatable(worker)) .. tostring(getmetatable(workers))",
          "userdatanilnil" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

static void maps_and_objects_can_be_walked(void **state)
{
    static const struct expectation rows[] = {
        { "(function() local s = '' for k, v in pairs(worker.labels) do s = s .. k .. v end return "
          "s end)()",
          "tiergold" },
        { "(function() local n = 0 for k in pairs(context.config) do n = n + 1 end return n end)()",
          "3" },
        { "(function() for k, v in pairs(worker) do if k == 'cpu_pct' then return v end end end)()",
          "12.5" },
        { "(function() for k, v in pairs(job) do if k == 'colour' then return v end end end)()",
          "red" },
        { "(function() local s = '' for i, c in ipairs(worker.capabilities) do s = s .. i .. c end "
          "return s end)()",
          "1text-gen2embeddings" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

static void extra_fields_of_a_context_by_hand_can_be_read(void **state)
{
    static const struct expectation rows[] = {
        { "job.colour", "red" },
        { "job.nested.list[2] .. #job.nested.list .. tostring(job.nested.list[3])", "two3true" },
        { "job.nested.deep.x", "1.5" },
        { "job.nested.deep.y", "nil" },
        { "(function() for k, v in pairs(job.nested) do if k == 'deep' then return v.x end end "
          "end)()",
          "1.5" },
        { "pcall(function() job.nested.list[1] = 2 end)", "false" },
        { "pcall(function() for k, v in pairs(job.nested) do v.x = 1 end end)", "false" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

static void a_given_value_wins_over_a_derived_one(void **state)
{
    static const char json[] =
        "{\"queue\": [{\"id\": \"j\"}], \"pools\": [{\"id\": \"p\", \"gpus\": [{\"id\": 0, "
        "\"vram_total_mb\": 10, \"vram_free_mb\": 3}]}],"
        "\"workers\": [{\"id\": \"w\", \"gpu_ids\": [1], \"gpus\": 4, \"total_vram_mb\": 10, "
        "\"vram_mb\": 5,"
        " \"vram_free_mb\": 1, \"geo\": {\"region\": \"EU\", \"city\": \"Rome\"}, \"room\": 77,"
        " \"note\": \"tab\\there \\u00e9\", \"big\": 18446744073709551615}],"
        "\"metrics\": {\"queue_depth\": 99}}";
    static const struct expectation rows[] = {
        { "worker.gpus", "4" },
        { "worker.vram_free_mb", "1" },
        { "worker.room", "77" },
        { "workers.max_by('room').room", "77" },
        { "worker.geo.city .. worker.geo.region", "RomeEU" },
        { "worker.note", "tab here \xc3\xa9" },
        { "worker.big > 0", "true" },
        { "context.metrics.queue_depth", "99" },
        { "pools[1].gpus[1].vram_free_mb", "3" },
    };
    (void)state;
    EXPECT(json, rows);
}

static void nothing_can_be_written(void **state)
{
    static const struct expectation rows[] = {
        { "(function() worker.cpu_pct = 1 end)()",
          "test.lua:4: workers are read-only: 'cpu_pct' cannot be set" },
        { "(function() job.x = 1 end)()", "test.lua:4: jobs are read-only: 'x' cannot be set" },
        { "(function() context.now_ms = 1 end)()",
          "test.lua:4: context is read-only: 'now_ms' cannot be set" },
        { "(function() workers[1] = nil end)()",
          "test.lua:4: lists are read-only: [1] cannot be set" },
        { "(function() worker.labels.tier = 1 end)()",
          "test.lua:4: labels are read-only: 'tier' cannot be set" },
        { "(function() context.config.x = 1 end)()",
          "test.lua:4: config is read-only: 'x' cannot be set" },
        { "(function() worker.capabilities[1] = 1 end)()",
          "test.lua:4: lists and maps are read-only: [1] cannot be set" },
        { "(function() helpers.clamp = 1 end)()",
          "test.lua:4: helpers are read-only: 'clamp' cannot be set" },
        { "(function() rawset(worker, 'x', 1) end)()",
          "test.lua:4: bad argument #1 to 'rawset' (table expected, got worker)" },
        { "(function() table.insert(workers, 1) end)()",
          "test.lua:4: lists are read-only: [6] cannot be set" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

static void wrong_arguments_are_named(void **state)
{
    static const struct expectation rows[] = {
        { "workers.filter(3)", "test.lua:4: filter: argument 1 must be a function, not 3" },
        { "workers:filter()", "test.lua:4: filter: argument 1 must be a function, not no value" },
        { "workers.with_model(nil)",
          "test.lua:4: with_model: argument 1 must be a model or its reference, not nil" },
        { "workers.with_model(worker)",
          "test.lua:4: with_model: argument 1 must be a model or its reference, not a worker" },
        { "job.uncached_tokens(pools)", "test.lua:4: uncached_tokens: argument 1 must be a worker "
                                        "or its id, not a list of pools" },
        { "workers.min_by(function(w) return 'x' end)",
          "test.lua:4: min_by: the key of an element must be a number or nil, not a string" },
        { "workers.max_by('id')",
          "test.lua:4: max_by: the key of id must be a number or nil, not a string" },
        { "workers.sort_by(function(w) return {} end)",
          "test.lua:4: sort_by: the key of an element must be a number, a text or nil, not a "
          "table" },
        { "workers.min_by(1)",
          "test.lua:4: min_by: argument 1 must be a function or the name of a field, not 1" },
        { "workers.min_by('cpu_pct.x')",
          "test.lua:4: min_by: the field 'cpu_pct.x' has no fields of its own" },
        { "pools.idle()", "test.lua:4: idle: is for lists of workers; this is a list of pools" },
        { "pools.with_model('x')",
          "test.lua:4: with_model: is for lists of workers; this is a list of pools" },
        { "workers.take(-1)",
          "test.lua:4: take: argument 1 must be a number that is not negative, not -1" },
        { "workers.with_capacity(0/0)",
          "test.lua:4: with_capacity: argument 1 must be a number, not NaN" },
        { "find_worker_to_evict('mru')", "test.lua:4: find_worker_to_evict: argument 1 must be "
                                         "\"lru\", \"lfu\", \"gdsf\" or \"ttl\", not \"mru\"" },
        { "registry.find_workers_with_model(1)", "test.lua:4: find_workers_with_model: argument 1 "
                                                 "must be a model or its reference, not 1" },
        { "emit_metric('Bad', 1)", "test.lua:4: emit_metric: argument 1 must be a name of at most "
                                   "47 characters a-z, 0-9 and _, not \"Bad\"" },
        { "emit_metric('x', 1/0)",
          "test.lua:4: emit_metric: argument 2 must be a finite number, not infinity" },
        { "contains(string.rep('a', 70000), 'b')",
          "test.lua:4: contains: argument 1 is longer than 65536 bytes" },
        { "split('a', '')",
          "test.lua:4: split: argument 2 must be a text that is not empty, not \"\"" },
        { "split(string.rep('a,', 5000), ',')",
          "test.lua:4: split: the text has more than 4096 pieces" },
        { "min('x')", "test.lua:4: min: needs numbers, not a string" },
        { "min(setmetatable({}, { __len = function() return 1 << 52 end }))", "nil" },
        { "next(workers)", "test.lua:4: bad argument #1 to 'next' (table expected, got set)" },
        { "(pairs(workers))({}, 0)",
          "test.lua:4: this iterator belongs to a list of the scheduler's" },
    };
    (void)state;
    EXPECT(world_json, rows);
}

/* --- Between calls -------------------------------------------------------------------------- */

static void what_is_gone_reads_as_nil_and_is_no_answer(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w,
               "function schedule_job(job, pools, workers)\n"
               "if not kept then kept = workers[1] labels = kept.labels geo = kept.geo return "
               "wait('x') end\n"
               "log.info(tostring(kept.id) .. tostring(kept.cpu_pct) .. tostring(labels.tier) .. "
               "tostring(geo.region) .. tostring(kept == workers[1]) .. "
               "tostring(workers.find('w-1') == nil))\n"
               "log.info(tostring(job.uncached_tokens(kept)) .. tostring(job.can_run_on(kept)))\n"
               "for k in pairs(kept) do error('has fields') end\n"
               "return kept end");
    world_ask(&w, 0, false);
    assert_int_equal(w.answer.failure, POLICY_OK);
    world_writable(&w)->workers[0].generation++;
    world_ask(&w, 0, false);
    assert_true(world_logged(&w, "info nilnilnilnilfalsefalse\n"));
    assert_true(world_logged(&w, "info nilfalse\n"));
    assert_int_equal(w.answer.failure, POLICY_INVALID);
    world_writable(&w)->workers[0].generation = 0;
    world_ask(&w, 0, false);
    assert_true(world_logged(&w, "info nilnilnilnilfalsetrue\n"));
    world_close(&w);
}

static void a_list_belongs_to_its_call(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "local all = context.workers\n"
                   "function schedule_job(job, pools, workers)\n"
                   "log.info(#all)\n"
                   "if kept then return kept.first() end\n"
                   "kept = workers.idle() end");
    world_ask(&w, 0, false);
    assert_int_equal(w.answer.failure, POLICY_OK);
    world_writable(&w)->workers[4].generation = 0;
    world_ask(&w, 0, false);
    assert_true(world_logged(&w, "info 4\n"));
    assert_string_equal(
        w.answer.message,
        "test.lua:4: this list of workers is from an earlier call; ask for it anew");
    world_close(&w);
}

static void models_are_found_again_when_their_rows_change(void **state)
{
    struct world w;
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job() log.info(tostring(resolve_model('tiny')) .. "
                   "tostring(resolve_model('later'))) end");
    world_ask(&w, 1, false);
    assert_true(world_logged(&w, "info tinynil\n"));
    struct snapshot *s = world_writable(&w);
    s->jobs[1].model = SNAP_NONE;
    struct snap_text tiny = s->models[1].ref;
    s->models[1].ref = s->models[2].ref;
    s->models[2].ref = tiny;
    world_ask(&w, 1, false);
    assert_true(world_logged(&w, "info tinynil\n"));
    s->models[2].generation = 0;
    world_ask(&w, 1, false);
    assert_true(world_logged(&w, "info nilnil\n"));
    world_close(&w);
}

static void chance_is_the_calls_own(void **state)
{
    struct world w;
    char first[64];
    (void)state;

    world_open(&w, world_json);
    world_load(&w, "function schedule_job(job, pools, workers) log.info(workers.random().id .. "
                   "context.rng.int(1, 1 << 40) .. math.random(1000000) .. "
                   "workers.take(2).power_of_two().id) end");
    world_ask(&w, 0, false);
    size_t len = w.answer.log_len;
    assert_true(len < sizeof(first));
    memcpy(first, w.answer.log, len);
    world_ask(&w, 0, false);
    assert_int_equal(w.answer.log_len, len);
    assert_memory_equal(w.answer.log, first, len);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_count_from_one_and_walk_alike),
        cmocka_unit_test(the_same_worker_is_the_same_value),
        cmocka_unit_test(maps_and_objects_can_be_walked),
        cmocka_unit_test(extra_fields_of_a_context_by_hand_can_be_read),
        cmocka_unit_test(a_given_value_wins_over_a_derived_one),
        cmocka_unit_test(nothing_can_be_written),
        cmocka_unit_test(wrong_arguments_are_named),
        cmocka_unit_test(what_is_gone_reads_as_nil_and_is_no_answer),
        cmocka_unit_test(a_list_belongs_to_its_call),
        cmocka_unit_test(models_are_found_again_when_their_rows_change),
        cmocka_unit_test(chance_is_the_calls_own),
    };

    return cmocka_run_group_tests_name("api behaviour", tests, NULL, NULL);
}
