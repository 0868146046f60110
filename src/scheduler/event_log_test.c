/* Events as bytes: all of an event comes back, and nothing that is broken does harm. */
#include "scheduler/event_log.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOG_BYTES_MAX = 1024 * 1024 };

/* One of each kind, with something in every field that the log is to keep. */
struct samples {
    struct core_event events[CORE_EVENT_KIND_COUNT_];
    struct job_spec spec;
    uint64_t hashes[2];
    struct hive_facts hive;
    struct device device;
    struct listed_model model;
    struct worker_facts workers[2];
    struct decisions decisions;
};

static void label(struct labels *labels)
{
    struct err err;

    assert_int_equal(labels_set(labels, str_of("geo.region"), str_of("EU"), &err), 0);
    assert_int_equal(labels_set(labels, str_of("empty"), str_of("x"), &err), 0);
}

static void fill_job(struct samples *s)
{
    s->hashes[0] = UINT64_MAX;
    s->hashes[1] = 7;
    s->spec = (struct job_spec){ .id = "job-1",
                                 .model = "m",
                                 .session_id = "s",
                                 .tenant_id = "t",
                                 .worker_id = "w1",
                                 .hive_id = "h1",
                                 .type = JOB_EMBEDDINGS,
                                 .priority = JOB_BATCH,
                                 .deadline_ms = 1234567,
                                 .prompt_tokens = UINT32_MAX,
                                 .prompt_hash = 1ULL << 63,
                                 .prefix_hashes = s->hashes,
                                 .prefix_len = 2,
                                 .slo_ttft_ms = 300,
                                 .max_tokens = -5,
                                 .has_seed = true,
                                 .seed = 42,
                                 .temperature = 0.1,
                                 .bytes = 1 << 20 };
    label(&s->spec.labels);
}

static void fill_reports(struct samples *s)
{
    s->device = (struct device){ .id = "cuda:0", .name = "GPU", .vram_gb = 24 };
    s->model = (struct listed_model){ .ref = "m", .size_bytes = 1, .context_length = 4096 };
    s->hive = (struct hive_facts){ .id = "h1",
                                   .hostname = "host",
                                   .address = "::1",
                                   .port = 65535,
                                   .status = HIVE_BUSY,
                                   .health = HIVE_DEGRADED,
                                   .health_reason = "warm",
                                   .version = "1",
                                   .ram_mb = 2,
                                   .ram_free_mb = 1,
                                   .has_capabilities = true,
                                   .devices = &s->device,
                                   .devices_len = 1,
                                   .models = &s->model,
                                   .models_len = 1 };
    label(&s->hive.labels);
    for (size_t i = 0; i < 2; i++)
        s->workers[i] = (struct worker_facts){ .hive_id = "h1",
                                               .model = "m",
                                               .address = "/run/w",
                                               .is_unix = true,
                                               .kind = WORKER_KIND_OPENAI,
                                               .state = WORKER_DRAINING,
                                               .slots = 4,
                                               .active = 3,
                                               .queued = 2,
                                               .pid = 9,
                                               .group = "llm",
                                               .instance = "8080",
                                               .cpu_pct = 99.5,
                                               .rss_mb = 10,
                                               .uptime_s = 11,
                                               .gpu_util_pct = 1e-3,
                                               .vram_mb = 12,
                                               .total_vram_mb = 13,
                                               .gpu_ids = { 1, 5 },
                                               .gpu_ids_len = 2,
                                               .has_kv_used_pct = true,
                                               .kv_used_pct = 50,
                                               .has_tokens_per_s = true,
                                               .tokens_per_s = 33.3 };
    (void)snprintf(s->workers[0].id, WORKER_ID_SIZE, "w1");
    (void)snprintf(s->workers[1].id, WORKER_ID_SIZE, "w2");
    label(&s->workers[1].labels);
}

static void fill_answer(struct samples *s)
{
    s->decisions.len = 2;
    s->decisions.items[0] = (struct decision){
        .action = DECIDE_REJECT, .job_id = "job-1", .status = 429, .code = "no", .reason = "so"
    };
    s->decisions.items[1] = (struct decision){ .action = 77,
                                               .worker_id = "w",
                                               .hive_id = "h",
                                               .model = "m",
                                               .gpu = DECISION_GPU_ANY,
                                               .retry_after_ms = 5 };
}

static struct samples *new_samples(void)
{
    struct samples *s = mem_alloc(1, sizeof(*s));
    struct core_event *e = s->events;
    struct err err;

    (void)err_policy(&err, 429, "code", "words");
    fill_job(s);
    fill_reports(s);
    fill_answer(s);
    for (size_t i = 0; i < CORE_EVENT_KIND_COUNT_; i++)
        e[i] = (struct core_event){ .kind = (enum core_event_kind)i, .now_ms = 1000 + i };
    e[CORE_JOB_ARRIVED].u.arrived = &s->spec;
    e[CORE_JOB_CANCELLED].u.cancelled.job_id = "job-1";
    for (int i = CORE_RUN_STARTED; i <= CORE_RUN_FAILED; i++) {
        e[i].u.run.job_id = "job-1";
        e[i].u.run.attempt = 3;
        e[i].u.run.failure = RUN_SILENT;
        e[i].u.run.err = err;
        e[i].u.run.tokens_in = 1;
        e[i].u.run.tokens_out = 2;
        e[i].u.run.cached_tokens = 3;
    }
    for (int i = CORE_HIVE_REPORT; i <= CORE_WORKER_STATIC; i++) {
        e[i].u.report.hive = i == CORE_HIVE_REPORT ? &s->hive : NULL;
        e[i].u.report.workers = s->workers;
        e[i].u.report.workers_len = i == CORE_HIVE_REPORT ? 2 : 1;
    }
    e[CORE_WORKER_REACHABLE].u.reach.worker_id = "w1";
    e[CORE_WORKER_REACHABLE].u.reach.reachable = true;
    e[CORE_MODEL_KNOWN].u.known.model = "m";
    e[CORE_POLICY].u.policy.name = "mine";
    e[CORE_POLICY].u.policy.entry = POLICY_ENTRY_JOB;
    e[CORE_POLICY].u.policy.hooks = POLICY_HOOK_RETRY;
    e[CORE_POLICY].u.policy.starts_workers = true;
    e[CORE_POLICY_STATE].u.policy_state.unavailable = POLICY_STARVED;
    e[CORE_POLICY_STATE].u.policy_state.message = "mine.lua: too busy";
    for (int i = CORE_POLICY_ANSWER; i <= CORE_POLICY_FAILED; i++) {
        e[i].u.answer.ask = 8;
        e[i].u.answer.decisions = i == CORE_POLICY_ANSWER ? &s->decisions : NULL;
        e[i].u.answer.yes = true;
        e[i].u.answer.delay_ms = 12;
        e[i].u.answer.failure = POLICY_MEMORY;
        e[i].u.answer.message = "mine.lua:1: too much";
    }
    for (int i = CORE_START_ENDED; i <= CORE_EVICT_ENDED; i++) {
        e[i].u.ended.number = 5;
        e[i].u.ended.failed = true;
        e[i].u.ended.worker_id = i == CORE_START_ENDED ? "w9" : NULL;
        e[i].u.ended.err = err;
    }
    return s;
}

static void free_samples(struct samples *s)
{
    labels_free(&s->spec.labels);
    labels_free(&s->hive.labels);
    labels_free(&s->workers[1].labels);
    free(s);
}

static void all_of_every_event_comes_back(void **state)
{
    struct samples *s = new_samples();
    struct logged_event e;
    struct buf log, again;
    struct err err;
    (void)state;

    logged_event_init(&e);
    buf_init(&log, LOG_BYTES_MAX);
    buf_init(&again, LOG_BYTES_MAX);
    for (size_t i = 0; i < CORE_EVENT_KIND_COUNT_; i++) {
        buf_clear(&log);
        buf_clear(&again);
        event_log_add(&log, &s->events[i]);
        struct str rest = buf_str(&log);
        assert_int_equal(event_log_next(&rest, &e, &err), 0);
        assert_int_equal(rest.len, 0);
        assert_int_equal(e.event.kind, i);
        assert_int_equal(e.event.now_ms, 1000 + i);
        event_log_add(&again, &e.event);
        assert_int_equal(buf_len(&log), buf_len(&again));
        assert_memory_equal(buf_cstr(&log), buf_cstr(&again), buf_len(&log));
    }
    logged_event_deinit(&e);
    buf_deinit(&log);
    buf_deinit(&again);
    free_samples(s);
}

/* Written and read by one walk, a field that both forget would not be missed above. */
static void what_comes_back_is_what_went_in(void **state)
{
    struct samples *s = new_samples();
    struct logged_event e;
    struct buf log;
    struct err err;
    (void)state;

    logged_event_init(&e);
    buf_init(&log, LOG_BYTES_MAX);
    event_log_add(&log, &s->events[CORE_JOB_ARRIVED]);
    event_log_add(&log, &s->events[CORE_HIVE_REPORT]);
    event_log_add(&log, &s->events[CORE_POLICY_ANSWER]);
    struct str rest = buf_str(&log);

    assert_int_equal(event_log_next(&rest, &e, &err), 0);
    assert_memory_equal(e.event.u.arrived->prefix_hashes, s->hashes, sizeof(s->hashes));
    assert_string_equal(labels_get(&e.event.u.arrived->labels, "geo.region"), "EU");
    struct job_spec spec = *e.event.u.arrived;
    spec.prefix_hashes = s->spec.prefix_hashes;
    spec.labels = s->spec.labels;
    assert_memory_equal(&spec, &s->spec, offsetof(struct job_spec, prefix_hashes));
    assert_int_equal(spec.max_tokens, -5);
    assert_int_equal(spec.seed, 42);

    assert_int_equal(event_log_next(&rest, &e, &err), 0);
    assert_string_equal(e.event.u.report.hive->models[0].ref, "m");
    assert_string_equal(e.event.u.report.hive->devices[0].name, "GPU");
    assert_string_equal(e.event.u.report.workers[1].id, "w2");
    assert_int_equal(e.event.u.report.workers[1].gpu_ids[1], 5);
    assert_string_equal(labels_get(&e.event.u.report.workers[1].labels, "empty"), "x");

    assert_int_equal(event_log_next(&rest, &e, &err), 0);
    assert_int_equal(e.event.u.answer.decisions->len, 2);
    assert_string_equal(e.event.u.answer.decisions->items[0].code, "no");
    assert_int_equal(e.event.u.answer.decisions->items[1].gpu, DECISION_GPU_ANY);
    logged_event_deinit(&e);
    buf_deinit(&log);
    free_samples(s);
}

static void a_worker_s_token_is_never_written(void **state)
{
    struct worker_facts w = { .id = "w", .token = { "0123456789abcdef-secret" } };
    struct core_event event = { .kind = CORE_WORKER_REPORT, .u.report = { .workers = &w } };
    struct buf log;
    (void)state;

    buf_init(&log, LOG_BYTES_MAX);
    event_log_add(&log, &event);
    assert_null(memmem(buf_cstr(&log), buf_len(&log), "secret", 6));
    buf_deinit(&log);
}

static void too_many_decisions_come_back_as_too_many(void **state)
{
    struct samples *s = new_samples();
    struct logged_event e;
    struct buf log;
    struct err err;
    (void)state;

    logged_event_init(&e);
    buf_init(&log, LOG_BYTES_MAX);
    s->decisions.len = 1000;
    event_log_add(&log, &s->events[CORE_POLICY_ANSWER]);
    struct str rest = buf_str(&log);
    assert_int_equal(event_log_next(&rest, &e, &err), 0);
    assert_int_equal(e.event.u.answer.decisions->len, DECISIONS_MAX + 1);
    logged_event_deinit(&e);
    buf_deinit(&log);
    free_samples(s);
}

/* --- Broken logs ------------------------------------------------------------------ */

static void a_log_that_is_cut_anywhere_is_an_error(void **state)
{
    struct samples *s = new_samples();
    struct logged_event e;
    struct buf log;
    (void)state;

    logged_event_init(&e);
    buf_init(&log, LOG_BYTES_MAX);
    for (size_t i = 0; i < CORE_EVENT_KIND_COUNT_; i++) {
        buf_clear(&log);
        event_log_add(&log, &s->events[i]);
        for (size_t len = 1; len < buf_len(&log); len++) {
            AUTO(free_ptr) char *cut = mem_copy((struct str){ buf_cstr(&log), len });
            struct str rest = { cut, len };
            struct err err;

            assert_int_equal(event_log_next(&rest, &e, &err), ERR_INVALID);
        }
    }
    logged_event_deinit(&e);
    buf_deinit(&log);
    free_samples(s);
}

static void a_damaged_log_does_no_harm(void **state)
{
    struct samples *s = new_samples();
    struct logged_event e;
    struct rng rng;
    struct buf log;
    (void)state;

    rng_seed(&rng, 1);
    logged_event_init(&e);
    buf_init(&log, LOG_BYTES_MAX);
    for (int round = 0; round < 20000; round++) {
        buf_clear(&log);
        event_log_add(&log, &s->events[rng_below(&rng, CORE_EVENT_KIND_COUNT_)]);
        AUTO(free_ptr) char *damaged = mem_copy(buf_str(&log));
        struct str rest = { damaged, buf_len(&log) };
        struct err err;

        for (int i = 0; i < 3; i++)
            damaged[rng_below(&rng, rest.len)] = (char)rng_next(&rng);
        while (rest.len > 0 && event_log_next(&rest, &e, &err) == 0)
            ;
    }
    logged_event_deinit(&e);
    buf_deinit(&log);
    free_samples(s);
}

static void what_is_no_log_is_told_apart(void **state)
{
    struct str none = str_of("rbee-events 2\n"), some = str_of(EVENT_LOG_MAGIC "x");
    struct err err;
    (void)state;

    assert_int_equal(event_log_open(&none, &err), ERR_INVALID);
    assert_int_equal(event_log_open(&some, &err), 0);
    assert_int_equal(some.len, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_every_event_comes_back),
        cmocka_unit_test(what_comes_back_is_what_went_in),
        cmocka_unit_test(a_worker_s_token_is_never_written),
        cmocka_unit_test(too_many_decisions_come_back_as_too_many),
        cmocka_unit_test(a_log_that_is_cut_anywhere_is_an_error),
        cmocka_unit_test(a_damaged_log_does_no_harm),
        cmocka_unit_test(what_is_no_log_is_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
