/* A snapshot that was brought up to date a hundred times says what a new one says. */
#include "base/buf.h"
#include "base/json_write.h"
#include "snapshot/context.h"
#include "snapshot/test_live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { TEXT_MAX = 8 * 1024 * 1024 };

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
    json_double(out, "run_ms", m->run_ms_mean);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_snapshot_that_followed_every_event_equals_one_from_scratch),
        cmocka_unit_test(syncing_seldom_and_about_single_jobs_ends_in_the_same_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
