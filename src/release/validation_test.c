#include "release/test_trial.h"

#include "snapshot/context.h"

static const struct diagnostic *find(const struct validation_result *r, const char *words)
{
    static const struct diagnostic none;

    for (size_t i = 0; i < r->diagnostics.len; i++) {
        if (strstr(r->diagnostics.items[i].message, words))
            return &r->diagnostics.items[i];
    }
    for (size_t i = 0; i < r->diagnostics.len; i++)
        print_message("%zu: line %u: %s\n", i, r->diagnostics.items[i].line,
                      r->diagnostics.items[i].message);
    fail_msg("no diagnostic says '%s'", words);
    return &none; /* fail_msg() does not come back, which no compiler knows */
}

static void assert_error(const struct validation_result *r, const char *words, unsigned line)
{
    const struct diagnostic *d = find(r, words);

    assert_false(r->is_valid);
    assert_false(d->is_warning);
    assert_int_equal(d->line, line);
}

static void assert_warning(const struct validation_result *r, const char *words, unsigned line)
{
    const struct diagnostic *d = find(r, words);

    assert_true(d->is_warning);
    assert_int_equal(d->line, line);
}

/* --- Good ones ------------------------------------------------------------------------ */

static const char least_loaded[] = "-- @name home @version 1.2.0\n"
                                   "function schedule_job(job, pools, workers)\n"
                                   "  return workers.with_model(job.model).idle().least_loaded()\n"
                                   "end\n";

static void an_ordinary_policy_is_valid_and_measured(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r = try_lua(t, least_loaded);

    assert_true(r->is_valid);
    assert_int_equal(r->diagnostics.errors, 0);
    assert_string_equal(r->info.header.name, "home");
    assert_int_equal(r->info.entry, POLICY_ENTRY_JOB);
    assert_int_equal(r->measured.calls, 200);
    assert_true(r->measured.p50_us > 0 && r->measured.p99_us >= r->measured.p50_us);
    assert_true(r->measured.memory_bytes > 0);
}

static void hooks_are_tried_too(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule() end\n"
                   "function should_admit(job, context) return job.nothing.there end\n"
                   "function should_retry(job, attempt, err) return attempt < 3 end\n"
                   "function on_outcome(job, outcome) return outcome.tokens_out + 1 end\n");

    assert_error(r, "should_admit", 2);
    assert_int_equal(r->diagnostics.errors, 1);
}

/* --- Bad ones -------------------------------------------------------------------------- */

static void what_always_fails_is_an_error(void **state)
{
    static const struct {
        const char *text, *words;
        unsigned line;
    } rows[] = {
        { "function schedule_job(job)\n  error('no')\nend", "no", 2 },
        { "function schedule_job(job)\n  return job.nothing.there\nend", "index", 2 },
        { "function schedule_job(job, pools, workers)\n"
          "  if workers.is_empty() then return nil end\n"
          "  return workers.frist()\nend",
          "it never worked where there was a choice", 3 },
        { "function schedule(context)\n"
          "  for _, job in ipairs(context.queue) do job.model = 'mine' end\nend",
          "model", 2 },
        { "function schedule() while true do end end", "too slow", 0 },
        { "function schedule()\n  pcall(function() while true do end end)\n"
          "  while true do pcall(function() while true do end end) end\nend",
          "too slow", 0 },
        { "function schedule() return ('x'):rep(64 * 1024 * 1024) end", "too much memory", 0 },
        { "function schedule() return 42 end", "an answer that cannot be: it answered", 0 },
        { "function schedule() return { action = 'explode' } end", "unknown action 'explode'", 0 },
        { "function schedule() return { action = 'dispatch', worker_id = 'worker-0' } end",
          "without 'job_id'", 0 },
        { "function schedule_job() return { action = 'dispatch', worker_id = 'gho' .. 'st' } end",
          "there is no worker 'ghost'", 0 },
        { "function schedule_job() return { action = 'dispatch', worker_id = 'ghost' } end",
          "there is no worker 'ghost'", 0 },
        { "function schedule_job(job, pools, workers) return workers.idle() end",
          "a set of workers; pick one", 0 },
    };
    struct trial *t = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct validation_result *r = try_lua(t, rows[i].text);
        const struct diagnostic *d = find(r, rows[i].words);
        assert_false(r->is_valid);
        assert_false(r->is_untried);
        assert_false(d->is_warning);
        if (rows[i].line > 0)
            assert_int_equal(d->line, rows[i].line);
    }
}

static void the_third_lost_host_ends_the_trial(void **state)
{
    struct trial t = { .done = 0 };
    struct sandbox_stats stats;

    (void)state;
    test_world_open(&t.w, NULL, test_cpu_plenty);
    const struct validation_result *r = try_lua(&t, "function schedule() while true do end end");
    assert_false(r->is_valid);
    (void)find(r, "of 3 trials");
    sandbox_get_stats(t.w.sandbox, &stats);
    assert_int_equal(stats.kills_total[POLICY_TIMEOUT], 3);
    test_world_close(&t.w);
}

static void one_timeout_in_one_state_is_an_error(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule(context)\n"
                   "  if #context.workers == 24 then while true do end end\n"
                   "end");

    assert_false(r->is_valid);
    assert_false(find(r, "too slow")->is_warning);
}

static void what_is_wrong_in_some_states_only_is_a_warning(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule_job(job, pools, workers)\n"
                   "  if job.session_id then return nil end\n"
                   "  return workers.first() or error('nobody there')\n"
                   "end");

    assert_true(r->is_valid);
    assert_warning(r, "nobody there (schedule_job", 3);
    assert_warning(r, "cannot run the job", 0);
    assert_int_equal(r->diagnostics.warnings, 2); /* once per line and kind */
}

static void a_finding_names_the_state_where_it_was_first(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule(context)\n"
                   "  if #context.workers == 24 then error('so many') end\n"
                   "end");

    assert_warning(r, "so many (schedule, 4 of ", 2);
    assert_warning(r, "; first in the generated state 'embeddings' (seed 14)", 2);
    r = try_lua(t, "function schedule(context)\n"
                   "  if #context.workers == 1000 then error('so many') end\n"
                   "end");
    assert_warning(r, "; first in a state of 1000 workers and 1000 jobs", 2);
}

static void a_long_message_leaves_room_for_the_state(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule(context)\n"
                   "  if #context.workers == 24 then error(('long '):rep(1000)) end\n"
                   "end");

    assert_warning(r, "; first in the generated state 'embeddings' (seed 14)", 2);
}

static void a_worker_that_the_text_names_may_be_somewhere_else(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule_job(job)\n"
                   "  if job.priority == 'batch' then\n"
                   "    return { action = 'dispatch', worker_id = 'cellar-gpu0' }\n"
                   "  end\n"
                   "end");

    assert_true(r->is_valid);
    assert_warning(r, "there is no worker 'cellar-gpu0'", 0);
}

static void a_slow_policy_is_warned_of(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "function schedule(context)\n"
                   "  if #context.workers < 1000 then return nil end\n"
                   "  local t = log_time or 0\n"
                   "  for i = 1, 2000000 do t = t + i end\n"
                   "end");

    /* 2,000,000 additions: some 10 to 40 ms, on which depends what is said. */
    if (r->is_valid && r->measured.p99_us > VALIDATION_SLOW_US)
        assert_warning(r, "slow: with 1000 workers", 0);
    assert_true(r->measured.calls < 200); /* it has seen enough */
}

/* --- Texts ------------------------------------------------------------------------------- */

static void texts_that_are_none_are_told_apart(void **state)
{
    enum { LARGE = 300 * 1024 };
    struct trial *t = *state;
    char *large = mem_alloc(LARGE, 1);

    memset(large, '-', LARGE);
    assert_error(try_lua(t, ""), "the policy is empty", 0);
    assert_error(try_lua(t, " \r\n\t\n"), "the policy is empty", 0);
    assert_error(try_text(t, SCRIPT_LUA, (struct str){ large, LARGE }), "has 307200 bytes", 0);
    assert_error(try_text(t, SCRIPT_LUA, (struct str){ "a = 1\nb\0c", 9 }), "a NUL byte", 2);
    assert_error(try_lua(t, "\x1bLua\x54"), "bytecode", 1);
    assert_error(try_text(t, SCRIPT_YAML, str_of("rules: \xff")), "is not UTF-8", 1);
    assert_error(try_lua(t, "function schedule("), "", 1);
    assert_error(try_lua(t, "x = 1"), "schedule", 0);
    assert_error(try_text(t, SCRIPT_RHAI,
                          str_of("fn schedule_job(job, pools, workers) {\n"
                                 "  let x = ;\n}\n")),
                 "", 2);
    free(large);
}

static void a_bom_and_windows_lines_do_no_harm(void **state)
{
    struct trial *t = *state;
    const struct validation_result *r =
        try_lua(t, "\xef\xbb\xbf-- @name home\r\nfunction schedule(context)\r\n"
                   "  return context.queue.nothing.there\r\nend\r\n");

    assert_error(r, "schedule", 3);
    assert_string_equal(r->info.header.name, "home");
}

/* --- Life -------------------------------------------------------------------------------- */

static void it_can_be_cancelled_at_any_time(void **state)
{
    struct trial *t = *state;

    for (unsigned turns = 0; turns < 60; turns++) {
        struct validation *v = start(t, SCRIPT_LUA, str_of(least_loaded));
        for (unsigned i = 0; i < turns; i++)
            test_world_run(&t->w);
        if (t->done == 0)
            validation_cancel(v);
    }
    unsigned done = t->done;
    for (unsigned i = 0; i < 10; i++)
        test_world_run(&t->w);
    assert_int_equal(t->done, done);
}

static void several_run_at_once(void **state)
{
    struct trial *t = *state;

    for (unsigned i = 0; i < 4; i++)
        (void)start(t, SCRIPT_LUA, str_of(least_loaded));
    RUN_UNTIL(&t->w, t->done == 4);
    assert_true(t->result.is_valid);
}

static void real_contexts_are_tried_too_and_may_change_meanwhile(void **state)
{
    struct trial *t = *state;
    struct region *real = region_new(sizeof(struct snapshot), 0, NULL);
    struct region *empty = region_new(sizeof(struct snapshot), 0, NULL);
    const struct validation_context recent[] = { { empty, "the state of nobody" },
                                                 { real, "the state of decision 17" } };
    struct validation_options options = {
        .language = SCRIPT_LUA,
        .source = str_of("function schedule_job(job)\n"
                         "  if job.max_tokens == 77 then error('seen') end\n"
                         "end"),
        .name = "home.lua",
        .recent = recent,
        .recent_len = 2,
        .on_done = on_done,
        .data = t,
    };
    struct err err;

    assert_int_equal(
        context_read(real, str_of("{\"queue\":[{\"id\":\"j\",\"max_tokens\":77}]}"), 1, &err), 0);
    (void)validation_start(t->w.loop, t->w.sandbox, &options);
    RUN_UNTIL(&t->w, t->done > 0);
    assert_true(t->result.is_valid);
    assert_warning(&t->result, "seen (schedule_job, 1 of ", 2);
    assert_warning(&t->result, "; first in the state of decision 17", 2);
    assert_int_equal(t->result.tried.generated, GENERATED_CONTEXTS);
    assert_int_equal(t->result.tried.real, 1);
    region_free(real);
    region_free(empty);
}

static void without_a_sandbox_nothing_is_tried(void **state)
{
    struct trial t = { .done = 0 };

    (void)state;
    test_world_open(&t.w, "/nonexistent/rbee-policy-host", NULL);
    const struct validation_result *r = try_lua(&t, least_loaded);
    assert_false(r->is_valid);
    assert_true(r->is_untried);
    assert_int_equal(r->diagnostics.errors, 1);
    test_world_close(&t.w);
}

static void who_hangs_on_a_busy_machine_is_told_from_who_starves(void **state)
{
    struct trial t = { .done = 0 };

    (void)state;
    test_world_open(&t.w, NULL, test_cpu_little);
    const struct validation_result *r = try_lua(&t, "function schedule() while true do end end");
    assert_false(r->is_untried);
    assert_error(r, "too slow", 1);
    assert_true(try_lua(&t, least_loaded)->is_valid);
    test_world_close(&t.w);
}

static void a_machine_without_time_is_not_the_policys_fault(void **state)
{
    struct trial t = { .done = 0 };

    (void)state;
    test_world_open(&t.w, NULL, test_cpu_none);
    const struct validation_result *r = try_lua(&t, "function schedule() while true do end end");
    assert_false(r->is_valid);
    assert_true(r->is_untried);
    (void)find(r, "too busy");
    test_world_close(&t.w);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ordinary_policy_is_valid_and_measured),
        TEST(hooks_are_tried_too),
        TEST(what_always_fails_is_an_error),
        cmocka_unit_test(the_third_lost_host_ends_the_trial),
        TEST(one_timeout_in_one_state_is_an_error),
        TEST(what_is_wrong_in_some_states_only_is_a_warning),
        TEST(a_finding_names_the_state_where_it_was_first),
        TEST(a_long_message_leaves_room_for_the_state),
        TEST(a_worker_that_the_text_names_may_be_somewhere_else),
        TEST(a_slow_policy_is_warned_of),
        TEST(texts_that_are_none_are_told_apart),
        TEST(a_bom_and_windows_lines_do_no_harm),
        TEST(it_can_be_cancelled_at_any_time),
        TEST(several_run_at_once),
        TEST(real_contexts_are_tried_too_and_may_change_meanwhile),
        cmocka_unit_test(without_a_sandbox_nothing_is_tried),
        cmocka_unit_test(who_hangs_on_a_busy_machine_is_told_from_who_starves),
        cmocka_unit_test(a_machine_without_time_is_not_the_policys_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
