#include "sandbox/test_world.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* --- The world ------------------------------------------------------------------- */

static void on_tick(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

void test_world_init(struct test_world *w, const char *host)
{
    *w = (struct test_world){ .loop = loop_new(NULL, NULL) };
    sandbox_options_init(&w->options);
    w->options.host_path = host;
    loop_timer_init(w->loop, &w->tick, on_tick);
    w->region = region_new(sizeof(struct snapshot), 1 << 20, NULL);
    const struct snap_header header = { .layout = SNAP_LAYOUT, .first_job = SNAP_NONE };
    region_put(w->region, 0, &header, sizeof(header));
}

void test_world_init_blaming(struct test_world *w, const char *host)
{
    test_world_init(w, host);
    w->options.host_cpu_us = test_cpu_plenty;
    w->options.soft_ms = 100;
    w->options.hard_ms = 1000;
    w->options.niceness = 0;
}

void test_world_open(struct test_world *w)
{
    w->sandbox = sandbox_new(w->loop, &w->options);
}

void test_world_close(struct test_world *w)
{
    sandbox_free(w->sandbox);
    region_free(w->region);
    loop_timer_stop(&w->tick);
    loop_free(w->loop);
}

void test_world_run(struct test_world *w)
{
    loop_timer_start(&w->tick, 1);
    loop_run(w->loop);
}

uint64_t test_cpu_none(pid_t pid)
{
    (void)pid;
    return 0;
}

uint64_t test_cpu_plenty(pid_t pid)
{
    static uint64_t us;

    (void)pid;
    return us += 3600ULL * 1000 * 1000;
}

struct sandbox_stats test_world_stats(const struct test_world *w)
{
    struct sandbox_stats stats;

    sandbox_get_stats(w->sandbox, &stats);
    return stats;
}

/* --- Policies -------------------------------------------------------------------- */

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct test_policy *p = data;

    p->loads++;
    p->loaded = *loaded;
    if (lua)
        p->lua = mem_copy(buf_str(&lua->text));
    loop_stop(p->w->loop);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct test_policy *p = data;

    p->refusals++;
    p->refusal = failure;
    p->diagnostics = *d;
    sandboxed_free(TAKE(p->policy));
    loop_stop(p->w->loop);
}

static void on_state(void *data, enum policy_failure unavailable, const char *words)
{
    struct test_policy *p = data;

    p->states++;
    p->state = unavailable;
    (void)str_copy(p->words, sizeof(p->words), str_of(words));
    loop_stop(p->w->loop);
}

void test_policy_open(struct test_policy *p, struct test_world *w,
                      const struct sandboxed_options *options)
{
    struct sandboxed_options with_events = *options;

    *p = (struct test_policy){ .w = w };
    p->events = (struct sandboxed_events){ on_loaded, on_refused, on_state };
    with_events.events = &p->events;
    with_events.data = p;
    p->policy = sandboxed_new(w->sandbox, &with_events);
    assert_int_equal(p->loads + p->refusals, 0); /* never inside the call */
    RUN_UNTIL(w, p->loads + p->refusals > 0);
    assert_int_equal(p->loads + p->refusals, 1);
}

void test_policy_close(struct test_policy *p)
{
    sandboxed_free(TAKE(p->policy));
    free(TAKE(p->lua));
}

void test_world_end(struct test_world *w, struct test_policy *p)
{
    test_policy_close(p);
    test_world_close(w);
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct test_policy *p = data;

    assert_false(p->is_asking);
    p->answers++;
    p->answer = *answer->answer;
    p->given[p->given_len].failure = p->answer.failure;
    p->given[p->given_len].delay_ms = p->answer.delay_ms;
    (void)str_copy(
        p->given[p->given_len++].worker_id, WORKER_ID_SIZE,
        str_of(p->answer.decisions.len > 0 ? p->answer.decisions.items[0].worker_id : ""));
    p->dropped = answer->dropped;
    loop_stop(p->w->loop);
    if (p->on_answer)
        p->on_answer(p);
}

static void start_ask(struct test_policy *p, const struct policy_call *calls, unsigned len)
{
    p->is_asking = true;
    p->given_len = p->dropped = 0;
    sandboxed_ask(p->policy, p->w->region, calls, len, on_answer, p);
    p->is_asking = false;
}

void test_policy_start_ask(struct test_policy *p, const struct policy_call *call)
{
    start_ask(p, call, 1);
}

void test_policy_ask_all(struct test_policy *p, const struct policy_call *calls, unsigned len)
{
    start_ask(p, calls, len);
    RUN_UNTIL(p->w, p->given_len + p->dropped == len || !p->policy);
}

enum policy_failure test_policy_ask(struct test_policy *p, const struct policy_call *call)
{
    unsigned before = p->answers;

    start_ask(p, call, 1);
    RUN_UNTIL(p->w, p->answers > before);
    assert_int_equal(p->answers, before + 1);
    return p->answer.failure;
}

struct sandboxed_stats test_policy_stats(const struct test_policy *p)
{
    struct sandboxed_stats stats;

    sandboxed_get_stats(p->policy, &stats);
    return stats;
}

/* --- A policy ---------------------------------------------------------------------- */

static const char home_source[] =
    "local n, kept = 0\n"
    "local deeds = {\n"
    "  function() return true end,\n"
    "  function() while true do end end,\n"
    "  function() while true do pcall(function() while true do end end) end end,\n"
    "  function() return ('a'):rep(200000):find(('.-'):rep(9) .. 'b') end,\n"
    "  function() local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end end,\n"
    "  function() error('boom') end,\n"
    "  function() kept = {} for i = 1, 9 do kept[i] = ('x'):rep(1000000) .. i end return true "
    "end,\n"
    "  function() n = n + 1 return n end,\n"
    "  function() for i = 1, 2000000 do kept = i end return true end,\n"
    "}\n"
    "function schedule(context)\n"
    "  return { action = 'wait', retry_after_ms = context.now_ms }\n"
    "end\n"
    "function should_retry(job, attempt) return deeds[attempt]() end\n";

const struct sandboxed_options test_home = {
    .language = SCRIPT_LUA,
    .source = { home_source, sizeof(home_source) - 1 },
    .name = "home.lua",
    .is_live = true,
};

struct policy_call test_call(enum deed deed)
{
    return (struct policy_call){ .kind = ASK_RETRY, .job = SNAP_NONE, .attempt = deed };
}

enum policy_failure test_do(struct test_policy *p, enum deed deed)
{
    struct policy_call call = test_call(deed);

    return test_policy_ask(p, &call);
}

void test_home_open(struct test_policy *p, struct test_world *w)
{
    test_policy_open(p, w, &test_home);
    if (p->loads == 0)
        fail_msg("refused: %s", p->diagnostics.items[0].message);
    RUN_UNTIL(w, test_policy_stats(p).has_spare);
}
