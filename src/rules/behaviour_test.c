/*
 * What compiled rules decide: each runs in a Lua state against test_world.lua. Arguments:
 * that file, and the folder with the seeds' samples.
 */
#include "base/file.h"
#include "base/mem.h"
#include "rules/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>

static const char *world_path, *samples;

static void run(lua_State *L, struct str text, const char *name)
{
    if (luaL_loadbufferx(L, text.p, text.len, name, "t") || lua_pcall(L, 0, 1, 0))
        fail_msg("%s\n%.*s", lua_tostring(L, -1), STR_ARG(text));
}

static lua_State *open_policy(const char *source)
{
    AUTO(script_lua_deinit) struct script_lua lua;
    struct diagnostics d = { 0 };
    lua_State *L = luaL_newstate();

    assert_non_null(L);
    luaL_openlibs(L);
    if (luaL_dofile(L, world_path))
        fail_msg("%s", lua_tostring(L, -1));
    script_lua_init(&lua);
    if (rules_compile(str_of(source), &lua, &d) < 0)
        fail_msg("%u:%u: %s", d.items[0].line, d.items[0].column, d.items[0].message);
    run(L, buf_str(&lua.text), "rules");
    return L;
}

/* `world` as a Lua table's text; the answer as test_world.lua describes it. */
static void check_answer(lua_State *L, const char *world, const char *expected)
{
    AUTO(buf_deinit) struct buf chunk;

    buf_init(&chunk, SCRIPT_BYTES_MAX);
    (void)buf_printf(&chunk, "return ask(%s)", world);
    run(L, buf_str(&chunk), "world");
    if (strcmp(lua_tostring(L, -1), expected) != 0)
        fail_msg("%s\ngives '%s', expected '%s'", world, lua_tostring(L, -1), expected);
    lua_pop(L, 1);
}

struct row {
    const char *world, *answer;
};

static void check_rows(const char *source, const struct row *rows, size_t len)
{
    lua_State *L = open_policy(source);

    for (size_t i = 0; i < len; i++)
        check_answer(L, rows[i].world, rows[i].answer);
    lua_close(L);
}

static void check_sample(const char *name, const struct row *rows, size_t len)
{
    AUTO(buf_deinit) struct buf source;
    char path[PATH_MAX];
    struct err err;

    (void)snprintf(path, sizeof(path), "%s/%s", samples, name);
    buf_init(&source, SCRIPT_BYTES_MAX);
    assert_int_equal(file_read(path, &source, &err), 0);
    check_rows(buf_cstr(&source), rows, len);
}

#define CHECK_ROWS(source, rows) check_rows(source, rows, sizeof(rows) / sizeof((rows)[0]))
#define CHECK_SAMPLE(name, rows) check_sample(name, rows, sizeof(rows) / sizeof((rows)[0]))

static void the_sample_of_seed_003_routes_as_its_names_say(void **state)
{
#define WORKERS                                                    \
    "workers={worker{id='small', model_ref='llama-70b'},"          \
    " worker{id='big', model_ref='llama-70b', gpus=4},"            \
    " worker{id='cpu', model_ref='sd', backend='cpu'},"            \
    " worker{id='cuda', model_ref='sd', backend='cuda', load=2},"  \
    " worker{id='cuda2', model_ref='sd', backend='cuda', load=1}," \
    " worker{id='dear', cost_per_token=9}, worker{id='cheap', cost_per_token=2}}"
    static const struct row rows[] = {
        { "{queue={job{id='j', model_ref='llama-70b'}}, " WORKERS "}", "worker big" },
        { "{queue={job{id='j', model_ref='sd', type='image-gen'}}, " WORKERS "}", "worker cuda2" },
        { "{queue={job{id='j'}}, " WORKERS "}", "worker cheap" },
        { "{queue={job{id='j', model_ref='llama-70b', type='image-gen'}}, " WORKERS "}",
          "worker big" },
        { "{queue={job{id='j', model_ref='70b'}}}",
          "wait no worker for rule 'Large models to multi-GPU'" },
    };
#undef WORKERS
    (void)state;

    CHECK_SAMPLE("seed_003.yaml", rows);
}

static void the_samples_of_seed_004_put_their_rules_before_the_queue(void **state)
{
#define WORKERS                                                                        \
    "workers={worker{id='idle', load=1, vram_free_mb=10}, worker{id='roomy', load=5, " \
    "vram_free_mb=90}}"
    static const struct row determinism[] = {
        { "{queue={job{id='a', priority='batch'}, job{id='b', seed=7}}, " WORKERS "}",
          "dispatch b idle" },
        { "{queue={job{id='a'}, job{id='b', priority='batch'}}, " WORKERS "}", "dispatch b roomy" },
        { "{queue={job{id='a'}}, " WORKERS "}", "platform" },
        { "{queue={job{id='b', seed=7, model_ref='x'}, job{id='a', priority='batch'}}, " WORKERS
          "}",
          "dispatch a roomy" },
        { "{}", "platform" },
    };
    static const struct row batch[] = {
        { "{queue={job{id='a'}, job{id='b', priority='batch'}}, " WORKERS "}", "dispatch b roomy" },
        { "{queue={job{id='a'}}, " WORKERS "}", "platform" },
    };
#undef WORKERS
    (void)state;

    CHECK_SAMPLE("seed_004_determinism_first.yaml", determinism);
    CHECK_SAMPLE("seed_004_batch_optimized.yaml", batch);
}

/* Does the condition hold for the job? Then the rule rejects it. */
static void check_condition(const char *condition, const char *job, bool holds)
{
    AUTO(buf_deinit) struct buf source, world;

    buf_init(&source, SCRIPT_BYTES_MAX);
    buf_init(&world, SCRIPT_BYTES_MAX);
    (void)buf_printf(&source,
                     "scheduler:\n  rules:\n"
                     "  - {name: r, condition: %s, action: {reject: {code: held}}}\n",
                     condition);
    (void)buf_printf(&world, "{queue={job{id='j', %s}}}", job);
    const struct row row = { buf_cstr(&world), holds ? "reject j held" : "platform" };
    check_rows(buf_cstr(&source), &row, 1);
}

static void comparisons_hold_for_what_they_say_and_never_err(void **state)
{
    static const struct {
        const char *condition, *job;
        bool holds;
    } rows[] = {
        { "{job.x: 5}", "x=5", true },
        { "{job.x: 5}", "x=5.0", true },
        { "{job.x: 5}", "x='5'", false },
        { "{job.x: '5'}", "x='5'", true },
        { "{job.x: true}", "x=true", true },
        { "{job.x: 'true'}", "x=true", false },
        { "{job.x: null}", "", true },
        { "{job.x: {ne: null}}", "x=1", true },
        { "{job.x: {exists: true}}", "x=false", true },
        { "{job.x: {exists: true}}", "", false },
        { "{job.x: {exists: false}}", "", true },
        { "{job.x: {ne: 5}}", "x=6", true },
        { "{job.x: {ne: 5}}", "x='a'", false },
        { "{job.x: {ne: 5}}", "", false },
        { "{not: {job.x: 5}}", "", true },
        { "{job.x: {lt: 5}}", "x=4", true },
        { "{job.x: {lt: 5}}", "x='4'", false },
        { "{job.x: {lt: 5}}", "x={}", false },
        { "{job.x: {lt: 5}}", "", false },
        { "{job.x: {le: 5, ge: 5}}", "x=5", true },
        { "{job.x: {gt: 5, lt: 7}}", "x=7", false },
        { "{job.x: {gt: -5}}", "x=-4", true },
        { "{job.x: {ge: b}}", "x='c'", true },
        { "{job.x: {ge: b}}", "x=3", false },
        { "{job.x: {in: [a, 2, true]}}", "x=2", true },
        { "{job.x: {in: [a, 2, true]}}", "x='2'", false },
        { "{job.x: {in: [a, 2, true]}}", "", false },
        { "{job.x: {contains: 70b}}", "x='llama-70b-q4'", true },
        { "{job.x: {contains: 70}}", "x='llama-70b'", true },
        { "{job.x: {contains: a.c}}", "x='abc'", false },
        { "{job.x: {contains: b}}", "x={'a', 'b'}", true },
        { "{job.x: {contains: c}}", "x={'a', 'b'}", false },
        { "{job.x: {contains: c}}", "x=5", false },
        { "{job.x: {contains: c}}", "", false },
        { "{job.x: {matches: 'llama-*'}}", "x='llama-7b'", true },
        { "{job.x: {matches: 'llama-*'}}", "x='my-llama-7b'", false },
        { "{job.x: {matches: '*.gguf'}}", "x='aXgguf'", false },
        { "{job.x: {matches: '?b'}}", "x='7b'", true },
        { "{job.x: {matches: '?b'}}", "x='70b'", false },
        { "{job.x: {matches: '?b'}}",
          "x='\xc3\xa9"
          "b'",
          true },
        { "{job.x: {matches: '%a[b]^$'}}", "x='%a[b]^$'", true },
        { "{job.x: {matches: '**'}}", "x=''", true },
        { "{job.x: {matches: '*'}}", "x=5", false },
        { "{job.user.geo.region: EU}", "user={geo={region='EU'}}", true },
        { "{job.user.geo.region: EU}", "user={}", false },
        { "{job.user.geo.region: EU}", "user=5", false },
        { "{job.user.geo.region: EU}", "user='text'", false },
        { "{job.labels.a.b/c: x}", "labels={['a.b/c']='x'}", true },
        { "{job.end: x}", "['end']='x'", true },
        { "{all: [{job.x: 1}, {job.y: 2}]}", "x=1, y=3", false },
        { "{any: [{job.x: 1}, {job.y: 2}]}", "x=3, y=2", true },
        { "{job.x: 1, job.y: 2}", "x=1", false },
        { "{not: {any: [{job.x: 1}, {job.y: {lt: 2}}]}}", "x=2, y=5", true },
        { "{not: {job.x: 1, job.y: 2}}", "x=1, y=3", true },
        { "{tenant.id: acme}", "tenant_id='acme'", false },
        { "{metrics.queue_depth: {gt: 1}}", "", false },
        { "{pool.status: healthy}", "", false },
        { "{model_contains: m, task_type: text-gen}", "", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check_condition(rows[i].condition, rows[i].job, rows[i].holds);
}

static void times_are_local_and_weekdays_have_many_names(void **state)
{
    static const char world[] = "{now_ms=108000000, queue={job{id='j'}}}";
    /* The second day of 1970 was a Friday; 30 hours after its beginning it is 6 o'clock. */
    static const struct {
        const char *condition;
        bool holds;
    } rows[] = {
        { "{time.hour: 6}", true },
        { "{time.hour: {ge: 7}}", false },
        { "{time.minute: {lt: 1}}", true },
        { "{time.weekday: Friday}", true },
        { "{time.weekday: FRI}", true },
        { "{time.weekday: 5}", true },
        { "{time.weekday: 7}", false },
        { "{time.weekday: {in: [sat, 0, 7]}}", false },
        { "{time.weekday: {ge: mon, le: fri}}", true },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(buf_deinit) struct buf source;
        const struct row per_queue = { world, rows[i].holds ? "reject j held" : "platform" };
        const struct row per_job = { world,
                                     rows[i].holds ? "reject held" : "worker platform's for j" };

        buf_init(&source, SCRIPT_BYTES_MAX);
        (void)buf_printf(&source,
                         "scheduler: {rules: [{name: r, condition: %s, action: {reject: {code: "
                         "held}}}]}\n",
                         rows[i].condition);
        check_rows(buf_cstr(&source), &per_queue, 1);
        buf_clear(&source);
        (void)buf_printf(&source,
                         "rules: [{name: r, condition: %s, action: {reject: {code: held}}}]\n",
                         rows[i].condition);
        check_rows(buf_cstr(&source), &per_job, 1);
    }
}

static void conditions_on_workers_and_pools_choose_among_the_candidates(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - name: eu\n"
        "      condition: {worker.geo.region: EU, pool.status: healthy, tenant.weight: {gt: 1},\n"
        "                  metrics.queue_depth: {lt: 9}}\n"
        "      action: {dispatch: {worker_selection: cheapest, filter: 'gpus >= 2 && !pinned'}}\n";
#define WORKERS                                                                        \
    "metrics={queue_depth=3}, tenants={{id='t', weight=2}}, workers={"                 \
    "worker{id='us', gpus=2, geo={region='US'}}, worker{id='one', geo={region='EU'}}," \
    "worker{id='far', gpus=2, geo={region='EU'}, pool_id='far'},"                      \
    "worker{id='pinned', gpus=2, geo={region='EU'}, pinned=true},"                     \
    "worker{id='dear', gpus=2, geo={region='EU'}, cost_per_token=5},"                  \
    "worker{id='right', gpus=2, geo={region='EU'}, cost_per_token=3}}"
    static const struct row rows[] = {
        { "{queue={job{id='j', tenant_id='t'}}, " WORKERS "}", "dispatch j right" },
        { "{queue={job{id='j', tenant_id='x'}}, " WORKERS "}", "platform" },
        { "{queue={job{id='j'}}, " WORKERS "}", "platform" },
        { "{queue={job{id='j', tenant_id='t', model_ref='x'}}, " WORKERS "}", "platform" },
    };
#undef WORKERS
    (void)state;

    CHECK_ROWS(source, rows);
}

/* A worker that bears to be asked for its gpus twice: for its type, for its value. */
#define SHY_WORKER                                                                   \
    "(function() local reads = 0 local w = worker{id='w'} w.gpus = nil return "      \
    "setmetatable(w, {__index=function(_, k) if k == 'gpus' then reads = reads + 1 " \
    "assert(reads <= 2, 'asked again') return 1 end end}) end)()"

static void what_a_rule_says_of_workers_is_asked_once_however_many_jobs_wait(void **state)
{
    static const struct row rows[] = {
        { "{queue={job{id='a'}, job{id='b'}, job{id='c'}}, workers={" SHY_WORKER "}}", "platform" },
    };
    static const char *const rules[] = {
        "{dispatch: {filter: 'gpus > 1'}}, condition: always",
        "{dispatch: {}}, condition: {worker.gpus: {gt: 1}}",
        "{reject: {code: x}}, condition: {job.priority: interactive, worker.gpus: {gt: 1}}",
    };
    char source[256];
    (void)state;

    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        (void)snprintf(source, sizeof(source),
                       "scheduler: {name: s, rules: [{name: r, action: %s}]}", rules[i]);
        check_rows(source, rows, 1);
    }
}

static void a_worker_may_be_chosen_by_how_long_the_job_would_take_on_it(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - {name: fast, condition: {worker.estimated_time: {lt: 900}},\n"
        "       action: {dispatch: {worker_selection: fastest}}}\n"
        "    - {name: slow, condition: {worker.estimated_time: {ge: 900}},\n"
        "       action: {reject: {code: too_slow}}}\n";
    static const struct row rows[] = {
        { "{queue={job{id='j', prompt_tokens=100}}, workers={worker{id='a', ms_per_token=9}, "
          "worker{id='b', ms_per_token=8}}}",
          "dispatch j b" },
        { "{queue={job{id='j', prompt_tokens=100}}, workers={worker{id='a', ms_per_token=9}, "
          "worker{id='b', ms_per_token=9.5}}}",
          "reject j too_slow" },
    };
    (void)state;

    CHECK_ROWS(source, rows);
}

static void any_of_jobs_and_workers_is_asked_of_each_pair(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - name: mixed\n"
        "      condition: {any: [{job.seed: 1}, {worker.status: failed}]}\n"
        "      action: {evict: {kind: lru}}\n";
    static const struct row rows[] = {
        { "{queue={job{id='a'}, job{id='b', seed=1}}, workers={worker{id='w'}}}",
          "evict the lru one mixed" },
        { "{queue={job{id='a'}}, workers={worker{id='w', status='failed'}}}",
          "evict the lru one mixed" },
        { "{queue={job{id='a'}}, workers={worker{id='w'}}}", "platform" },
        { "{queue={job{id='b', seed=1}}}", "platform" },
    };
    (void)state;

    CHECK_ROWS(source, rows);
}

static void a_job_that_is_told_to_wait_lets_others_pass_and_nobody_takes_it(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - {name: hold, condition: {job.priority: batch}, priority: 9,\n"
        "       action: {wait: {duration_ms: 500}}}\n"
        "    - {name: mine, condition: {job.seed: {exists: true}}, priority: 5,\n"
        "       action: {dispatch: {}}}\n";
    static const struct row rows[] = {
        { "{queue={job{id='a', priority='batch', seed=1}}, workers={worker{id='w'}}}",
          "wait a hold 500" },
        { "{queue={job{id='a', priority='batch', seed=1}, job{id='b', seed=1}}, "
          "workers={worker{id='w'}}}",
          "dispatch b w" },
        { "{queue={job{id='a', priority='batch'}, job{id='b'}}}", "dispatch b platform's for b" },
        { "{queue={job{id='b'}}}", "platform" },
    };
    (void)state;

    CHECK_ROWS(source, rows);
}

static void actions_answer_what_the_api_asks_for(void **state)
{
    static const struct {
        const char *action;
        struct row per_queue;
        const char *per_job;
    } rows[] = {
        { "{reject: {code: no_room, status: 429}}",
          { "{queue={job{id='j'}}}", "reject j no_room 429" },
          "reject no_room 429" },
        { "{wait: {duration_ms: 250, reason: later}}",
          { "{queue={job{id='j'}}}", "wait j later 250" },
          "wait later 250" },
        { "{evict: {kind: lfu}}",
          { "{queue={job{id='j'}}}", "evict the lfu one r" },
          "evict the lfu one r" },
        { "{evict: {worker_id: w}}",
          { "{queue={job{id='j'}}, workers={worker{id='v'}, worker{id='w'}}}", "evict w r" },
          "evict w r" },
        { "{evict: {worker_id: w}}",
          { "{queue={job{id='j'}}, workers={worker{id='w', active=1}}}", "platform" },
          "wait nothing to evict for rule 'r'" },
        { "{start_worker: {}}",
          { "{queue={job{id='j'}}}", "start_worker r m - -" },
          "start_worker r m - -" },
        { "{start_worker: {model_ref: big, pool_id: p, gpu_id: 0}}",
          { "{queue={job{id='j'}}}", "start_worker r big p 0" },
          "start_worker r big p 0" },
        { "{start_worker: {}}",
          { "{queue={job{id='j'}}, workers={worker{id='w', status='starting'}}}", "platform" },
          "wait a worker is starting for rule 'r'" },
        { "{use: platform-scheduler}",
          { "{queue={job{id='j'}}}", "platform" },
          "worker platform's for j" },
        { "{select: \"workers.idle().with_label('t', 'x').sort_by(load).take(2).last()\"}",
          { "{queue={job{id='j'}}, workers={worker{id='a'}, worker{id='c', load=2, labels={t='x'}},"
            "worker{id='b', load=1, labels={t='x'}}, worker{id='d', load=3, labels={t='x'}}}}",
            "dispatch j c" },
          "worker c" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO(buf_deinit) struct buf source;
        const struct row per_job = { rows[i].per_queue.world, rows[i].per_job };

        buf_init(&source, SCRIPT_BYTES_MAX);
        (void)buf_printf(&source,
                         "scheduler: {rules: [{name: r, condition: always, action: %s}]}\n",
                         rows[i].action);
        check_rows(buf_cstr(&source), &rows[i].per_queue, 1);
        buf_clear(&source);
        (void)buf_printf(&source, "rules: [{name: r, condition: true, action: %s}]\n",
                         rows[i].action);
        check_rows(buf_cstr(&source), &per_job, 1);
    }
}

static void a_shadow_rule_only_tells_and_an_off_rule_is_not_there(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - {name: off, condition: always, action: {reject: {code: x}}, mode: off}\n"
        "    - {name: it's, condition: {job.priority: batch}, action: {dispatch: {}}, mode: "
        "shadow}\n"
        "    - {name: try, condition: always, action: {use: platform-scheduler}, mode: shadow}\n";
    lua_State *L = open_policy(source);
    (void)state;

    check_answer(L,
                 "{queue={job{id='a'}, job{id='b', priority='batch'}}, "
                 "workers={worker{id='w'}}}",
                 "platform");
    lua_getglobal(L, "logged");
    assert_string_equal(lua_tostring(L, -1),
                        "shadow rule 'it's': would dispatch job b to w\n"
                        "shadow rule 'try': would leave it to the platform policy\n");
    lua_close(L);
}

static void the_platform_policy_decides_about_jobs_that_a_rule_gives_it(void **state)
{
    static const char source[] =
        "scheduler:\n"
        "  rules:\n"
        "    - {name: given, condition: {job.seed: 1}, action: {use: platform-scheduler}}\n"
        "    - {name: rest, condition: always, action: {reject: {code: no}}}\n";
    static const struct row rows[] = {
        { "{queue={job{id='a', seed=1}, job{id='b'}}}", "dispatch a platform's for a" },
        { "{queue={job{id='b'}}}", "reject b no" },
    };
    (void)state;

    CHECK_ROWS(source, rows);
}

static void texts_of_the_author_stay_texts(void **state)
{
    static const char source[] =
        "rules:\n"
        "  - name: \"x\\n]] error('in') --[[ \\\"\"\n"
        "    condition: {job.labels.a\"b: \"\\\"..error('in')..\\\"\\n\\\\\"}\n"
        "    action: {wait: {reason: \"\\\") error('in') --\\e\"}}\n";
    static const struct row rows[] = {
        { "{queue={job{id='j', labels={['a\"b']='\"..error(\\'in\\')..\"\\n\\\\'}}}}",
          "wait \") error('in') --\x1b" },
        { "{queue={job{id='j'}}}", "worker platform's for j" },
    };
    (void)state;

    CHECK_ROWS(source, rows);
}

static void a_thousand_rules_load_and_run(void **state)
{
    AUTO(buf_deinit) struct buf source;
    static const struct row row = { "{queue={job{id='j', seed=999}}, workers={worker{id='w'}}}",
                                    "dispatch j w" };
    static const struct row shadows = { "{queue={job{id='j'}}, workers={worker{id='w'}}}",
                                        "worker platform's for j" };
    (void)state;

    buf_init(&source, SCRIPT_BYTES_MAX);
    (void)buf_puts(&source, "scheduler:\n  rules:\n");
    for (int i = 0; i < 1000; i++)
        (void)buf_printf(&source,
                         "  - {name: r%d, condition: {job.seed: %d, worker.gpus: 1}, action: "
                         "{dispatch: {}}}\n",
                         i, i);
    check_rows(buf_cstr(&source), &row, 1);
    buf_clear(&source);
    (void)buf_puts(&source, "rules:\n");
    for (int i = 0; i < 1000; i++)
        (void)buf_printf(&source,
                         "  - {name: r%d, condition: always, action: {dispatch: {}}, mode: "
                         "shadow}\n",
                         i);
    check_rows(buf_cstr(&source), &shadows, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_of_seed_003_routes_as_its_names_say),
        cmocka_unit_test(the_samples_of_seed_004_put_their_rules_before_the_queue),
        cmocka_unit_test(comparisons_hold_for_what_they_say_and_never_err),
        cmocka_unit_test(times_are_local_and_weekdays_have_many_names),
        cmocka_unit_test(conditions_on_workers_and_pools_choose_among_the_candidates),
        cmocka_unit_test(what_a_rule_says_of_workers_is_asked_once_however_many_jobs_wait),
        cmocka_unit_test(a_worker_may_be_chosen_by_how_long_the_job_would_take_on_it),
        cmocka_unit_test(any_of_jobs_and_workers_is_asked_of_each_pair),
        cmocka_unit_test(a_job_that_is_told_to_wait_lets_others_pass_and_nobody_takes_it),
        cmocka_unit_test(actions_answer_what_the_api_asks_for),
        cmocka_unit_test(a_shadow_rule_only_tells_and_an_off_rule_is_not_there),
        cmocka_unit_test(the_platform_policy_decides_about_jobs_that_a_rule_gives_it),
        cmocka_unit_test(texts_of_the_author_stay_texts),
        cmocka_unit_test(a_thousand_rules_load_and_run),
    };

    if (argc != 3)
        return 2;
    world_path = argv[1];
    samples = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
