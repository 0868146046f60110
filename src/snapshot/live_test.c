/* A snapshot that was brought up to date a hundred times says what a new one says. */
#include "snapshot/live.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/random.h"
#include "snapshot/context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { RUNS_MAX = 256, TEXT_MAX = 8 * 1024 * 1024, WALL_MS = 1700000000 };

static const struct snap_option config[] = { { "shed", "true" }, { "headroom", "0.1" } };

struct world {
    struct core *core;
    struct live *live;
    struct rng rng;
    uint64_t now_ms;
    unsigned arrived;
    struct run {
        char job_id[JOB_ID_SIZE];
        unsigned attempt;
    } runs[RUNS_MAX];
    size_t runs_len;
};

static struct live *make_live(const struct core *core, size_t log_bytes)
{
    const struct live_options options = {
        .log_bytes_max = log_bytes, .wall_offset_ms = WALL_MS, .config = config, .config_len = 2
    };

    return live_new(core, &options);
}

static struct world *make_world(uint64_t seed)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct core_options options;

    core_options_init(&options);
    options.strategy = &strategy_simple;
    w->core = core_new(&options);
    w->live = make_live(w->core, 1024UL * 1024);
    w->now_ms = 1000;
    rng_seed(&w->rng, seed);
    return w;
}

static void free_world(struct world *w)
{
    live_free(w->live);
    core_free(w->core);
    free(w);
}

static unsigned below(struct world *w, unsigned bound)
{
    return (unsigned)rng_below(&w->rng, bound);
}

static void handle(struct world *w, struct core_event event)
{
    const struct core_action *actions;
    size_t len;

    event.now_ms = w->now_ms;
    core_handle(w->core, &event);
    actions = core_actions(w->core, &len);
    for (size_t i = 0; i < len; i++) {
        if (actions[i].kind != CORE_DISPATCH)
            continue;
        struct run *run = &w->runs[w->runs_len++ % RUNS_MAX];
        memcpy(run->job_id, actions[i].job_id, sizeof(run->job_id));
        run->attempt = actions[i].attempt;
    }
}

/* --- Events ----------------------------------------------------------------------------- */

static struct worker_facts some_worker(struct world *w, unsigned number)
{
    struct worker_facts f = { .address = "127.0.0.1", .port = 1, .state = WORKER_READY };
    struct err err;

    (void)snprintf(f.id, sizeof(f.id), "w%u", number);
    if (below(w, 8) > 0)
        (void)snprintf(f.model, sizeof(f.model), "m%u", below(w, 3));
    if (below(w, 4) == 0)
        f.state = below(w, WORKER_STATE_COUNT_);
    f.slots = 1 + below(w, 3);
    f.active = below(w, 3);
    f.queued = below(w, 2);
    f.vram_mb = below(w, 4) * 1000;
    f.total_vram_mb = 8000;
    f.gpu_ids_len = below(w, 3);
    f.gpu_ids[1] = 1;
    f.gpu_util_pct = below(w, 3);
    f.has_kv_used_pct = below(w, 2);
    f.kv_used_pct = below(w, 100);
    if (below(w, 3) == 0)
        assert_int_equal(labels_set(&f.labels, str_of("capabilities"), str_of("a,b"), &err), 0);
    if (below(w, 3) == 0)
        assert_int_equal(labels_set(&f.labels, str_of("pinned"), str_of("true"), &err), 0);
    return f;
}

static void report(struct world *w)
{
    struct hive_facts hive = { .address = "127.0.0.1", .port = 2 };
    struct device devices[2] = { { .id = "cpu" }, { .id = "cuda:1", .vram_gb = 24 } };
    struct listed_model models[2] = { { .ref = "m1", .size_bytes = 7 }, { .ref = "m3" } };
    struct worker_facts workers[4];
    unsigned number = below(w, 3);
    size_t len = 0;
    struct err err;

    (void)snprintf(hive.id, sizeof(hive.id), "h%u", number);
    hive.health = below(w, HIVE_HEALTH_COUNT_);
    hive.has_capabilities = below(w, 2);
    hive.devices = devices;
    hive.devices_len = hive.has_capabilities ? 1 + below(w, 2) : 0;
    hive.models = models;
    hive.models_len = hive.has_capabilities ? below(w, 3) : 0;
    if (below(w, 2))
        assert_int_equal(
            labels_set(&hive.labels, str_of("geo.region"), str_of(below(w, 2) ? "EU" : "US"), &err),
            0);
    for (unsigned i = 0; i < 4; i++) {
        if (below(w, 5) > 0) /* now and then one of the next hive's */
            workers[len++] = some_worker(w, number * 3 + i);
    }
    handle(w, (struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &hive, .workers = workers, .workers_len = len } });
    for (size_t i = 0; i < len; i++)
        labels_free(&workers[i].labels);
    labels_free(&hive.labels);
}

static void arrive(struct world *w)
{
    uint64_t hashes[2] = { 1 + below(w, 2), 3 + below(w, 2) };
    struct job_spec spec = { .prompt_tokens = 128,
                             .prefix_hashes = hashes,
                             .prefix_len = 2,
                             .temperature = -1,
                             .priority = below(w, JOB_PRIORITY_COUNT_),
                             .type = below(w, JOB_TYPE_COUNT_) };
    struct err err;

    (void)snprintf(spec.id, sizeof(spec.id), "job-%u", w->arrived++);
    (void)snprintf(spec.model, sizeof(spec.model), "m%u", below(w, 3));
    if (below(w, 2))
        (void)snprintf(spec.tenant_id, sizeof(spec.tenant_id), "t%u", below(w, 3));
    if (below(w, 2))
        (void)snprintf(spec.session_id, sizeof(spec.session_id), "s%u", below(w, 4));
    if (below(w, 4) == 0)
        (void)snprintf(spec.worker_id, sizeof(spec.worker_id), "w%u", below(w, 9));
    if (below(w, 4) == 0)
        spec.deadline_ms = w->now_ms + 1 + below(w, 5000);
    if (below(w, 4) == 0)
        assert_int_equal(labels_set(&spec.labels, str_of("type"), str_of("vision"), &err), 0);
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    labels_free(&spec.labels);
}

static void run_event(struct world *w, enum core_event_kind kind)
{
    size_t len = w->runs_len < RUNS_MAX ? w->runs_len : RUNS_MAX;
    const struct run *run = len > 0 ? &w->runs[below(w, (unsigned)len)] : NULL;
    struct core_event event = { .kind = kind };

    if (!run)
        return;
    event.u.run.job_id = run->job_id;
    event.u.run.attempt = run->attempt;
    event.u.run.failure = below(w, RUN_BROKEN + 1);
    event.u.run.tokens_out = 100;
    (void)err_set(&event.u.run.err, ERR_UPSTREAM, "cut");
    handle(w, event);
}

static void step(struct world *w)
{
    static const unsigned later_ms[] = { 0, 0, 1, 100, 1000, 4000 };
    unsigned what = below(w, 20);

    w->now_ms += below(w, 300) == 0 ? 70000 : later_ms[below(w, 6)];
    if (what < 5)
        report(w);
    else if (what < 11)
        arrive(w);
    else if (what < 13)
        run_event(w, CORE_RUN_STARTED);
    else if (what < 15)
        run_event(w, CORE_RUN_FINISHED);
    else if (what < 17)
        run_event(w, CORE_RUN_FAILED);
    else
        handle(w, (struct core_event){ .kind = CORE_TICK });
}

/* --- What a snapshot says, whatever its rows' numbers and its texts' places ------------------ */

static void say_text(struct json_out *out, const char *key, const struct snapshot *s,
                     struct snap_text text)
{
    json_strn(out, key, snapshot_text(s, text));
}

/* A list by its length and what is in it: the order is that of coming, and a new snapshot was
 * not there to see it. Also that it is whole. */
static void say_list(struct json_out *out, const struct snapshot *s, uint32_t first, uint32_t last,
                     bool of_pool)
{
    uint32_t before = SNAP_NONE;
    uint64_t count = 0, sum = 0;

    for (uint32_t row = first; row != SNAP_NONE;) {
        const struct snap_worker *w = snapshot_worker(s, row);

        assert_non_null(w);
        assert_int_equal(of_pool ? w->prev_in_pool : w->prev_in_model, before);
        count++;
        sum += row;
        before = row;
        row = of_pool ? w->next_in_pool : w->next_in_model;
    }
    assert_int_equal(last, before);
    json_uint(out, "count", count);
    json_uint(out, "sum", sum);
}

static void say_pool(struct json_out *out, const struct snapshot *s, const struct snap_pool *pool)
{
    json_begin(out, NULL, '{');
    say_text(out, "id", s, pool->id);
    say_text(out, "region", s, pool->region);
    say_text(out, "cached_models", s, pool->cached_models);
    json_uint(out, "status", pool->status);
    json_uint(out, "seen_ms", pool->seen_ms);
    json_uint(out, "workers", pool->workers);
    say_list(out, s, pool->first_worker, pool->last_worker, true);
    for (size_t i = 0; i < pool->gpus_len; i++) {
        json_uint(out, "gpu", pool->gpus[i].id);
        json_uint(out, "total", pool->gpus[i].vram_total_mb);
        json_uint(out, "allocated", pool->gpus[i].vram_allocated_mb);
        json_double(out, "util", pool->gpus[i].util_pct);
    }
    json_end(out);
}

static void say_model(struct json_out *out, const struct snapshot *s, const struct snap_model *m)
{
    json_begin(out, NULL, '{');
    say_text(out, "ref", s, m->ref);
    json_uint(out, "wanted", m->wanted);
    json_uint(out, "queued", m->queued);
    json_uint(out, "tokens_out", m->tokens_out_mean);
    json_uint(out, "size", m->size_bytes);
    json_uint(out, "workers", m->workers);
    say_list(out, s, m->first_worker, m->last_worker, false);
    for (size_t i = 0; i < m->loads_len; i++) {
        assert_non_null(snapshot_pool(s, m->loads[i].pool));
        say_text(out, "pool", s, s->pools[m->loads[i].pool].id);
        json_uint(out, "ms", m->loads[i].load_time_ms);
    }
    json_end(out);
}

static void say_jobs(struct json_out *out, const struct snapshot *s)
{
    const struct snap_job *job;
    uint32_t listed = 0;

    for (uint32_t row = s->header.first_job; (job = snapshot_job(s, row)); row = job->next) {
        const struct snap_tenant *tenant = snapshot_tenant(s, job->tenant);

        context_write_job(out, s, job);
        json_uint(out, NULL, job->model);
        if (tenant) {
            say_text(out, NULL, s, tenant->id);
            json_double(out, NULL, tenant->service);
            json_uint(out, NULL, tenant->concurrent);
        }
        listed++;
    }
    assert_int_equal(listed, s->header.jobs_shown);
}

static void say(struct buf *buf, const struct snapshot *s)
{
    struct json_out out;

    buf_init(buf, TEXT_MAX);
    json_out_init(&out, buf);
    json_begin(&out, NULL, '[');
    for (uint32_t row = 0; row < s->header.workers; row++) {
        if (snapshot_worker(s, row))
            context_write_worker(&out, s, &s->workers[row]);
    }
    for (uint32_t row = 0; row < s->header.pools; row++) {
        if (snapshot_pool(s, row))
            say_pool(&out, s, &s->pools[row]);
    }
    for (uint32_t row = 0; row < s->header.models; row++) {
        if (snapshot_model(s, row))
            say_model(&out, s, &s->models[row]);
    }
    say_jobs(&out, s);
    uint32_t tenants = 0;
    for (uint32_t row = 0; row < s->header.tenants; row++)
        tenants += snapshot_tenant(s, row) != NULL;
    json_uint(&out, NULL, tenants);
    json_uint(&out, NULL, s->header.now_ms);
    json_end(&out);
    assert_false(buf->overflowed);
}

static void assert_says_the_same(const struct snapshot *a, const struct snapshot *b)
{
    struct buf of_a, of_b;
    struct snap_metrics counted;

    say(&of_a, a);
    say(&of_b, b);
    assert_string_equal(buf_cstr(&of_a), buf_cstr(&of_b));
    assert_memory_equal(&a->header.metrics, &b->header.metrics, sizeof(a->header.metrics));
    snapshot_measure(a, &counted);
    counted.avg_wait_ms = a->header.metrics.avg_wait_ms; /* of other jobs: past ones */
    assert_memory_equal(&a->header.metrics, &counted, sizeof(counted));
    buf_deinit(&of_a);
    buf_deinit(&of_b);
}

static void a_snapshot_that_followed_every_event_equals_one_from_scratch(void **state)
{
    enum { SEEDS = 3, STEPS = 400, COMPARED = 5 };
    (void)state;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct world *w = make_world(seed);

        for (int i = 0; i < STEPS; i++) {
            step(w);
            (void)live_sync(w->live, NULL, LIVE_WINDOW, w->now_ms);
            if (i % COMPARED != 0)
                continue;
            struct live *fresh = make_live(w->core, 0);
            (void)live_sync(fresh, NULL, LIVE_WINDOW, w->now_ms);
            assert_says_the_same(live_snapshot(w->live), live_snapshot(fresh));
            live_free(fresh);
        }
        free_world(w);
    }
}

static void syncing_seldom_and_about_single_jobs_ends_in_the_same_place(void **state)
{
    enum { STEPS = 3000 };
    struct world *w = make_world(7);
    (void)state;

    for (int i = 0; i < STEPS; i++) {
        const struct job *job;
        char id[JOB_ID_SIZE];

        step(w);
        if (below(w, 3) > 0)
            continue;
        (void)snprintf(id, sizeof(id), "job-%u", below(w, w->arrived + 1));
        job = core_job(w->core, id);
        uint32_t row =
            live_sync(w->live, job, below(w, 2) ? LIVE_WINDOW : LIVE_NO_WINDOW, w->now_ms);
        const struct snapshot *s = live_snapshot(w->live);
        assert_true((row == SNAP_NONE) == !job);
        if (job)
            assert_int_equal(snapshot_find_job(s, str_of(id)), row);
    }
    struct live *fresh = make_live(w->core, 0);
    (void)live_sync(fresh, NULL, LIVE_WINDOW, w->now_ms);
    (void)live_sync(w->live, NULL, LIVE_WINDOW, w->now_ms);
    assert_says_the_same(live_snapshot(w->live), live_snapshot(fresh));
    live_free(fresh);
    free_world(w);
}

/* --- Cost, limits, fields ------------------------------------------------------------------- */

static void add_fleet(struct world *w, unsigned hives, unsigned workers_each, const char *label)
{
    struct worker_facts *workers = mem_alloc(workers_each, sizeof(*workers));
    struct err err;

    for (unsigned h = 0; h < hives; h++) {
        struct hive_facts hive = { .address = "127.0.0.1", .port = 2 };

        (void)snprintf(hive.id, sizeof(hive.id), "h%u", h);
        for (unsigned i = 0; i < workers_each; i++) {
            struct worker_facts *f = &workers[i];

            (void)snprintf(f->id, sizeof(f->id), "w%u-%u", h, i);
            (void)snprintf(f->model, sizeof(f->model), "m%u", i % 10);
            (void)snprintf(f->address, sizeof(f->address), "127.0.0.1");
            f->port = 1;
            f->state = WORKER_READY;
            f->slots = 4;
            if (label)
                assert_int_equal(labels_set(&f->labels, str_of("note"), str_of(label), &err), 0);
        }
        handle(w, (struct core_event){ .kind = CORE_HIVE_REPORT,
                                       .u.report = { .hive = &hive,
                                                     .workers = workers,
                                                     .workers_len = workers_each } });
    }
    for (unsigned i = 0; i < workers_each; i++)
        labels_free(&workers[i].labels);
    free(workers);
}

static uint64_t versions_of_a_sync(struct world *w)
{
    uint64_t before = region_version(live_region(w->live));

    (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, w->now_ms);
    return region_version(live_region(w->live)) - before;
}

static void a_sync_writes_the_rows_that_changed_and_no_others(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .id = "job-1", .model = "m3", .prompt_tokens = 9 };
    (void)state;

    add_fleet(w, 100, 100, NULL);
    assert_true(versions_of_a_sync(w) > 10000);
    assert_int_equal(versions_of_a_sync(w), 0);
    w->now_ms++;
    assert_int_equal(versions_of_a_sync(w), 1); /* the clock, in the header */
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    assert_int_equal(versions_of_a_sync(w), 2); /* the worker that runs it, its model */
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.metrics.total_workers, 10000);
    assert_int_equal(s->header.metrics.ready_workers, 10000);
    free_world(w);
}

static void texts_that_come_and_go_do_not_fill_the_arena(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .model = "m0", .worker_id = "w0-0", .temperature = -1 };
    (void)state;

    add_fleet(w, 1, 1, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        struct err err;
        char value[LABEL_VALUE_MAX];

        (void)snprintf(spec.id, sizeof(spec.id), "job-%u", i);
        (void)snprintf(value, sizeof(value), "%0400u", i);
        assert_int_equal(labels_set(&spec.labels, str_of("k"), str_of(value), &err), 0);
        handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
        const struct job *job = core_job(w->core, spec.id);
        uint32_t row = live_sync(w->live, job, LIVE_NO_WINDOW, w->now_ms);
        const struct snapshot *s = live_snapshot(w->live);
        assert_true(str_eq(snapshot_text(s, snapshot_job(s, row)->id), spec.id));
        assert_int_equal(snapshot_job(s, row)->labels.len, 2 + strlen(value) + 1);
        handle(w, (struct core_event){ .kind = CORE_JOB_CANCELLED,
                                       .u.cancelled = { .job_id = spec.id } });
    }
    labels_free(&spec.labels);
    free_world(w);
}

static void what_does_not_fit_reads_as_empty_and_ids_still_fit(void **state)
{
    struct world *w = make_world(1);
    char label[LABEL_VALUE_MAX];
    size_t kept = 0;
    (void)state;

    memset(label, 'x', sizeof(label));
    label[LABEL_VALUE_MAX - 1] = '\0';
    add_fleet(w, 40, 500, label); /* 20,000 of 1 KiB each, in an arena of 24 MiB */
    for (int i = 0; i < 3; i++)
        (void)live_sync(w->live, NULL, LIVE_WINDOW, ++w->now_ms);
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.metrics.total_workers, 20000);
    for (uint32_t row = 0; row < s->header.workers; row++) {
        if (!snapshot_worker(s, row))
            continue;
        assert_true(s->workers[row].id.len > 0);
        kept += s->workers[row].labels.len > 0;
    }
    assert_true(kept > 5000 && kept < 20000);
    free_world(w);
}

static void a_full_arena_starts_over_when_that_helps(void **state)
{
    struct world *w = make_world(1);
    char label[LABEL_VALUE_MAX];
    (void)state;

    memset(label, 'x', sizeof(label));
    label[LABEL_VALUE_MAX - 1] = '\0';
    add_fleet(w, 40, 400, label);
    (void)live_sync(w->live, NULL, LIVE_WINDOW, w->now_ms);
    label[200] = '\0'; /* chunks of another size: those of before are of no use */
    for (int i = 0; i < 2; i++) {
        add_fleet(w, 40, 400, label);
        (void)live_sync(w->live, NULL, LIVE_WINDOW, ++w->now_ms);
    }
    const struct snapshot *s = live_snapshot(w->live);
    for (uint32_t row = 0; row < s->header.workers; row++) {
        if (snapshot_worker(s, row))
            assert_int_equal(s->workers[row].labels.len, 5 + 200 + 1);
    }
    free_world(w);
}

static struct worker_facts one_slot(const char *id, uint32_t active)
{
    struct worker_facts f = {
        .address = "127.0.0.1", .port = 1, .state = WORKER_READY, .slots = 1, .active = active
    };

    (void)snprintf(f.id, sizeof(f.id), "%s", id);
    (void)snprintf(f.model, sizeof(f.model), "m");
    return f;
}

static void report_two(struct world *w, const char *region)
{
    struct worker_facts workers[2] = { one_slot("free", 0), one_slot("full", 1) };
    struct hive_facts hive = { .id = "h", .address = "127.0.0.1", .port = 2 };
    struct err err;

    assert_int_equal(labels_set(&hive.labels, str_of("geo.region"), str_of(region), &err), 0);
    handle(w, (struct core_event){
                  .kind = CORE_HIVE_REPORT,
                  .u.report = { .hive = &hive, .workers = workers, .workers_len = 2 } });
    labels_free(&hive.labels);
}

static void workers_stand_where_their_pool_stands_by_now(void **state)
{
    static const char *const regions[] = { "EU", "US", "a longer name of a region" };
    struct world *w = make_world(1);
    (void)state;

    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        report_two(w, regions[i]);
        (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, w->now_ms);
        const struct snapshot *s = live_snapshot(w->live);
        for (uint32_t row = 0; row < 2; row++)
            assert_true(str_eq(snapshot_text(s, s->workers[row].region), regions[i]));
    }
    free_world(w);
}

static void a_job_that_comes_back_names_the_workers_that_failed_it(void **state)
{
    struct world *w = make_world(1);
    struct job_spec spec = { .id = "job-1", .model = "m", .temperature = -1 };
    struct core_event failure = { .kind = CORE_RUN_FAILED,
                                  .u.run = {
                                      .job_id = spec.id, .attempt = 1, .failure = RUN_REFUSED } };
    (void)state;

    report_two(w, "EU");
    handle(w, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = &spec });
    (void)err_set(&failure.u.run.err, ERR_UPSTREAM, "no");
    handle(w, failure);
    uint32_t row = live_sync(w->live, core_job(w->core, spec.id), LIVE_WINDOW, w->now_ms);
    const struct snapshot *s = live_snapshot(w->live);
    const struct snap_job *job = snapshot_job(s, row);
    assert_int_equal(s->header.first_job, row);
    assert_int_equal(job->retry_count, 1);
    uint32_t worker = snapshot_find_worker(s, str_of("free"));
    assert_int_equal(snapshot_can_run(s, &s->workers[worker], job), SNAP_TRIED);
    worker = snapshot_find_worker(s, str_of("full"));
    assert_int_equal(snapshot_can_run(s, &s->workers[worker], job), SNAP_NO_ROOM);
    free_world(w);
}

static void config_and_wall_clock_are_told(void **state)
{
    struct world *w = make_world(1);
    (void)state;

    (void)live_sync(w->live, NULL, LIVE_NO_WINDOW, 5);
    const struct snapshot *s = live_snapshot(w->live);
    assert_int_equal(s->header.now_ms, WALL_MS + 5);
    assert_int_equal(s->header.configs, 2);
    assert_true(str_eq(snapshot_text(s, s->configs[1].value), "0.1"));
    free_world(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_that_followed_every_event_equals_one_from_scratch),
        cmocka_unit_test(syncing_seldom_and_about_single_jobs_ends_in_the_same_place),
        cmocka_unit_test(a_sync_writes_the_rows_that_changed_and_no_others),
        cmocka_unit_test(texts_that_come_and_go_do_not_fill_the_arena),
        cmocka_unit_test(what_does_not_fit_reads_as_empty_and_ids_still_fit),
        cmocka_unit_test(a_full_arena_starts_over_when_that_helps),
        cmocka_unit_test(workers_stand_where_their_pool_stands_by_now),
        cmocka_unit_test(a_job_that_comes_back_names_the_workers_that_failed_it),
        cmocka_unit_test(config_and_wall_clock_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
