#include "snapshot/context.h"

#include "base/buf.h"
#include "base/json_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { NOW_MS = 1000000 };

struct world {
    struct region *r;
    const struct snapshot *s;
};

static int setup(void **state)
{
    static struct world w;

    w.r = region_new(sizeof(struct snapshot), 0, NULL);
    w.s = region_bytes(w.r);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    region_free(((struct world *)*state)->r);
    return 0;
}

static const struct snapshot *read_context(void **state, const char *json)
{
    struct world *w = *state;
    struct err err;

    region_reset(w->r);
    if (context_read(w->r, str_of(json), NOW_MS, &err) < 0)
        fail_msg("%s", err.msg);
    return w->s;
}

static void write_context(const struct snapshot *s, struct buf *buf)
{
    struct json_out out;

    buf_init(buf, 64UL * 1024 * 1024);
    json_out_init(&out, buf);
    json_begin(&out, NULL, '{');
    context_write(&out, s);
    json_end(&out);
}

static void assert_text(const struct snapshot *s, struct snap_text text, const char *wanted)
{
    if (!str_eq(snapshot_text(s, text), wanted))
        fail_msg("'%.*s' is not '%s'", STR_ARG(snapshot_text(s, text)), wanted);
}

/* --- What is said -------------------------------------------------------------------- */

static void a_worker_is_read_by_every_name(void **state)
{
    const struct snapshot *s = read_context(
        state,
        "{\"workers\":[{\"id\":\"w1\",\"hive_id\":\"h1\",\"status\":\"busy\",\"model\":\"m\","
        "\"slots\":4,\"active\":3,\"foreign\":1,\"queued\":2,\"in_flight_tokens\":900,"
        "\"queued_prefill_tokens\":100,\"gpu_ids\":[0,3],\"vram_mb\":10,"
        "\"total_vram_mb\":24,\"cpu_pct\":12.5,\"gpu_util_pct\":0,\"kv_used_pct\":40,"
        "\"tokens_per_s\":31.5,\"residency_ms\":5,\"load_time_ms\":7,"
        "\"cost_per_token\":0.002,\"backend\":\"cuda\",\"capability\":\"text-gen\","
        "\"capabilities\":[\"text-gen\",\"vision\"],\"pinned\":true,"
        "\"geo\":{\"region\":\"EU\",\"latitude\":52.5,\"longitude\":13.4},"
        "\"labels\":{\"tier\":\"a\"}}]}");
    const struct snap_worker *w = snapshot_worker(s, 0);

    assert_non_null(w);
    assert_text(s, w->id, "w1");
    assert_text(s, w->pool_id, "h1");
    assert_int_equal(w->status, SNAP_BUSY);
    assert_int_equal(w->slots, 4);
    assert_int_equal(w->in_flight, 2); /* active, but for the foreign one */
    assert_int_equal(w->gpu_ids_len, 2);
    assert_int_equal(w->gpu_ids[1], 3);
    assert_int_equal(snapshot_gpus(w), 2);
    assert_int_equal(snapshot_vram_free_mb(w), 14);
    assert_true(w->tokens_per_s == 31.5);
    assert_true(snapshot_has_item(s, w->capabilities, str_of("vision")));
    assert_int_equal(w->is_pinned, 1);
    assert_text(s, w->region, "EU");
    assert_int_equal(w->given, SNAP_HAS_KV | SNAP_HAS_SPEED | SNAP_HAS_LOAD | SNAP_HAS_LATITUDE |
                                   SNAP_HAS_LONGITUDE | SNAP_HAS_RESIDENCY);
    assert_int_equal(w->extras.len, 0);
    assert_text(s, snapshot_model(s, w->model)->ref, "m");
    assert_text(s, snapshot_pool(s, w->pool)->id, "h1");
    assert_int_equal(snapshot_pool(s, w->pool)->first_worker, 0);
    assert_int_equal(snapshot_model(s, w->model)->workers, 1);
}

static void a_job_is_read_by_every_name(void **state)
{
    const struct snapshot *s = read_context(
        state,
        "{\"now_ms\":5000,\"tenants\":[{\"id\":\"t\"}],\"models\":[\"m\"],"
        "\"queue\":[{\"id\":\"j\",\"tenant_id\":\"t\",\"session_id\":\"s\",\"priority\":\"batch\","
        "\"model_ref\":\"m\",\"type\":\"text-gen\",\"prompt_tokens\":7,\"prompt_hash\":-3,"
        "\"max_tokens\":9,\"seed\":42,\"temperature\":0.5,\"created_at_ms\":4000,"
        "\"deadline_ms\":300,\"retry_count\":1,\"slo_ttft_ms\":50,\"predicted_tokens\":8,"
        "\"user\":{\"geo\":{\"latitude\":1,\"longitude\":2,\"region\":\"EU\"}}}]}");
    const struct snap_job *job = snapshot_job(s, 0);

    assert_non_null(job);
    assert_int_equal(job->tenant, 0);
    assert_int_equal(job->model, 0);
    assert_int_equal(job->is_batch, 1);
    assert_true((int64_t)job->prompt_hash == -3);
    assert_int_equal(snapshot_job_wait_ms(s, job), 1000);
    assert_int_equal(snapshot_job_deadline_ms(s, job), 300);
    assert_text(s, job->region, "EU");
    assert_int_equal(job->given, SNAP_HAS_TENANT | SNAP_HAS_SESSION | SNAP_HAS_SEED |
                                     SNAP_HAS_DEADLINE | SNAP_HAS_SLO | SNAP_HAS_PREDICTED |
                                     SNAP_HAS_LATITUDE | SNAP_HAS_LONGITUDE);
    assert_int_equal(job->extras.len, 0);
}

static void pools_gpus_tenants_and_models_are_read(void **state)
{
    const struct snapshot *s = read_context(
        state,
        "{\"pools\":[{\"id\":\"h\",\"hostname\":\"box\",\"status\":\"degraded\","
        "\"heartbeat_age_ms\":4000,\"cached_models\":[\"a\",\"b\"],"
        "\"gpus\":[{\"id\":1,\"name\":\"x\",\"vram_total\":2097152,\"vram_free_mb\":1},"
        "{\"vram_free\":8388608}]}],"
        "\"tenants\":[{\"id\":\"t\",\"weight\":2,\"quota_vram\":10,\"quota_used\":11},"
        "{\"id\":\"u\",\"quota_tokens_daily\":5,\"tokens_used_today\":4}],"
        "\"models\":[{\"ref\":\"c\",\"aliases\":[\"see\"],\"load_time_ms\":{\"h\":70,\"z\":1}}]}");
    const struct snap_pool *pool = snapshot_pool(s, 0);

    assert_int_equal(pool->status, SNAP_DEGRADED);
    assert_int_equal(pool->gpus_len, 2);
    assert_int_equal(pool->gpus[0].vram_total_mb, 2);
    assert_int_equal(snapshot_gpu_free_mb(&pool->gpus[0]), 1);
    assert_int_equal(snapshot_gpu_free_mb(&pool->gpus[1]), 8);
    assert_true(snapshot_tenant(s, 0)->is_over_quota);
    assert_false(snapshot_tenant(s, 1)->is_over_quota);
    assert_int_equal(snapshot_find_model(s, str_of("see")), 0);
    assert_int_equal(s->models[0].loads_len, 1);
    assert_int_equal(s->models[0].loads[0].load_time_ms, 70);
    assert_int_equal(snapshot_find_model(s, str_of("b")), 2); /* a hive could start it */
    assert_int_equal(s->header.metrics.free_vram_mb, 9);
}

/* --- What is left out ------------------------------------------------------------------ */

static void an_empty_context_is_a_context(void **state)
{
    const struct snapshot *s = read_context(state, "{}");

    assert_int_equal(s->header.layout, SNAP_LAYOUT);
    assert_int_equal(s->header.now_ms, NOW_MS);
    assert_int_equal(s->header.first_job, SNAP_NONE);
    assert_int_equal(s->header.asked_job, SNAP_NONE);
    assert_int_equal(s->header.metrics.total_workers, 0);
}

static void what_is_absent_or_null_is_not_given_and_binds_nobody(void **state)
{
    const struct snapshot *s =
        read_context(state, "{\"queue\":[{\"id\":\"j\",\"seed\":null,\"deadline\":null}],"
                            "\"workers\":[{\"id\":\"w\",\"slots\":null}],\"pools\":null}");
    const struct snap_worker *w = snapshot_worker(s, 0);
    const struct snap_job *job = snapshot_job(s, 0);

    assert_int_equal(w->given, 0);
    assert_int_equal(w->status, SNAP_UNSAID);
    assert_int_equal(w->pool, SNAP_NONE);
    assert_int_equal(job->given, 0);
    assert_true(job->temperature < 0);
    assert_int_equal(snapshot_job_wait_ms(s, job), 0);
    assert_int_equal(snapshot_can_run(s, w, job), SNAP_OK);
    assert_true(snapshot_is_idle(w));
}

static void workers_come_from_pools_and_pools_from_workers(void **state)
{
    const struct snapshot *s = read_context(
        state, "{\"pools\":[{\"id\":\"p\",\"status\":\"offline\",\"workers\":["
               "{\"id\":\"w2\",\"slots\":2},\"w1\",{\"id\":\"w3\",\"pool_id\":\"else\"}]}],"
               "\"workers\":[{\"id\":\"w1\",\"slots\":1},{\"id\":\"w4\",\"pool_id\":\"q\"}]}");

    assert_int_equal(s->header.workers, 4);
    assert_int_equal(s->header.pools, 2);
    assert_int_equal(snapshot_find_worker(s, str_of("w1")), 0); /* workers[] first */
    assert_int_equal(s->pools[0].workers, 3);
    const struct snap_worker *w = snapshot_worker(s, s->pools[0].first_worker);
    assert_text(s, w->id, "w2"); /* in the pool's own order */
    assert_text(s, w->pool_id, "p");
    w = snapshot_worker(s, w->next_in_pool);
    assert_text(s, w->id, "w1");
    assert_int_equal(w->slots, 1);
    assert_int_equal(w->live, SNAP_OFFLINE); /* as its pool is */
    w = snapshot_worker(s, w->next_in_pool);
    assert_text(s, w->pool_id, "else"); /* as given */
    assert_int_equal(w->next_in_pool, SNAP_NONE);
    assert_text(s, s->pools[1].id, "q");
}

static void a_worker_that_stands_twice_is_one_row_with_all_that_was_said(void **state)
{
    const struct snapshot *s = read_context(
        state, "{\"workers\":[{\"id\":\"w\",\"slots\":1,\"x\":1,\"y\":2}],\"pools\":[{\"id\":\"p\","
               "\"workers\":[{\"id\":\"w\",\"active\":1,\"y\":3,\"z\":4}]}]}");

    assert_int_equal(s->header.workers, 1);
    assert_int_equal(s->workers[0].slots, 1);
    assert_int_equal(s->workers[0].active, 1);
    assert_text(s, s->workers[0].extras, "{\"y\":3,\"z\":4,\"x\":1}");
}

static void labels_become_typed_fields_where_those_are_not_given(void **state)
{
    const struct snapshot *s = read_context(
        state,
        "{\"pools\":[{\"id\":\"p\",\"labels\":{\"geo.region\":\"EU\",\"geo.latitude\":\"52.5\"},"
        "\"workers\":[{\"id\":\"a\",\"labels\":{\"cost_per_token\":0.5,\"backend\":\"cuda\","
        "\"capability\":\"text\",\"capabilities\":\"text,vision\",\"pinned\":\"true\"}},"
        "{\"id\":\"b\",\"geo\":{\"region\":\"US\"},\"labels\":{\"geo.region\":\"XX\"}}]}],"
        "\"queue\":[{\"id\":\"j\",\"labels\":{\"type\":\"embeddings\",\"user.geo.region\":\"EU\","
        "\"user.geo.latitude\":\"1.5\"}}]}");
    const struct snap_worker *a = &s->workers[0], *b = &s->workers[1];

    assert_true(a->cost_per_token == 0.5);
    assert_text(s, a->backend, "cuda");
    assert_text(s, a->capability, "text");
    assert_true(snapshot_has_capability(s, a, str_of("vision")));
    assert_int_equal(a->is_pinned, 1);
    assert_text(s, a->region, "EU"); /* where its pool stands */
    assert_true(a->latitude == 52.5);
    assert_text(s, b->region, "US");
    assert_text(s, s->jobs[0].type, "embeddings");
    assert_text(s, s->jobs[0].region, "EU");
    assert_int_equal(s->jobs[0].given, SNAP_HAS_LATITUDE);
}

/* --- What is given wins, whatever it is ------------------------------------------------- */

static void what_rows_cannot_hold_is_kept_as_it_was_given(void **state)
{
    static const struct {
        const char *worker, *extras;
    } cases[] = {
        { "\"slots\":2", "" },
        { "\"slots\":2.5", "{\"slots\":2.5}" },
        { "\"slots\":2e0", "" },
        { "\"rack\":{\"row\":[1, 2]}", "{\"rack\":{\"row\":[1, 2]}}" },
        { "\"status\":\"warming\"", "{\"status\":\"warming\"}" },
        { "\"vram_free\":8589934592", "" },
        { "\"vram_free\":8589934593", "{\"vram_free\":8589934593}" },
        { "\"geo\":{\"region\":\"EU\",\"city\":\"Ulm\"}",
          "{\"geo\":{\"region\":\"EU\",\"city\":\"Ulm\"}}" },
        { "\"gpus\":[\"a\",\"b\"]", "{\"gpus\":[\"a\",\"b\"]}" },
        { "\"gpu_ids\":[0,\"cuda:1\"]", "{\"gpu_ids\":[0,\"cuda:1\"]}" },
        { "\"vram_mb\":1e30", "{\"vram_mb\":1e30}" },
        { "\"\\u0061b\":1", "{\"ab\":1}" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char json[200];

        (void)snprintf(json, sizeof(json), "{\"workers\":[{\"id\":\"w\",%s}]}", cases[i].worker);
        const struct snapshot *s = read_context(state, json);
        assert_text(s, s->workers[0].extras, cases[i].extras);
    }
}

static void given_metrics_win_over_counted_ones(void **state)
{
    const struct snapshot *s = read_context(
        state, "{\"workers\":[{\"id\":\"w\",\"status\":\"ready\",\"total_vram_mb\":8}],"
               "\"queue\":[{\"wait_ms\":10},{\"wait_ms\":30,\"priority\":\"batch\"}],"
               "\"metrics\":{\"queue_depth\":99,\"mood\":\"good\"},\"weather\":\"rain\"}");
    const struct snap_metrics *m = &s->header.metrics;

    assert_int_equal(m->queue_depth, 99);
    assert_int_equal(m->queue_depth_batch, 1);
    assert_int_equal(m->ready_workers, 1);
    assert_int_equal(m->free_vram_mb, 8);
    assert_true(m->avg_wait_ms == 20);
    assert_text(s, s->header.extras,
                "{\"weather\":\"rain\",\"metrics\":{\"queue_depth\":99,\"mood\":\"good\"}}");
}

static void derived_facts_that_are_given_are_believed(void **state)
{
    const struct snapshot *s = read_context(
        state,
        "{\"queue\":[{\"id\":\"j\",\"wait_ms\":7,\"deadline\":-5}],\"workers\":[{\"id\":\"w\","
        "\"gpus\":3,\"vram_free_mb\":5,\"total_vram_mb\":100,\"estimated_time\":12}]}");
    const struct snap_worker *w = &s->workers[0];

    assert_int_equal(snapshot_gpus(w), 3);
    assert_int_equal(snapshot_vram_free_mb(w), 5);
    assert_int_equal(snapshot_estimated_time_ms(s, w, &s->jobs[0]), 12);
    assert_int_equal(snapshot_job_wait_ms(s, &s->jobs[0]), 7);
    assert_int_equal(s->jobs[0].created_at_ms, NOW_MS - 7);
    assert_int_equal(snapshot_job_deadline_ms(s, &s->jobs[0]), -5);
}

static void a_pin_cached_tokens_and_tried_workers_are_taken_by_id(void **state)
{
    const struct snapshot *s = read_context(
        state, "{\"workers\":[{\"id\":\"a\"},{\"id\":\"b\"}],\"queue\":[{\"id\":\"j\","
               "\"worker_id\":\"b\",\"prompt_tokens\":100,\"cached_tokens\":{\"b\":60},"
               "\"tried_workers\":[\"a\",\"gone\"]}]}");
    const struct snap_job *job = &s->jobs[0];

    assert_text(s, job->pinned_worker_id, "b");
    assert_int_equal(snapshot_uncached_tokens(job, 1), 40);
    assert_int_equal(job->tried_len, 1);
    assert_int_equal(snapshot_can_run(s, &s->workers[0], job), SNAP_WRONG_WORKER);
    assert_text(s, job->extras, "{\"worker_id\":\"b\",\"tried_workers\":[\"a\",\"gone\"]}");
}

static void aliases_lead_to_their_model(void **state)
{
    const struct snapshot *s =
        read_context(state, "{\"models\":[{\"ref\":\"big\",\"aliases\":[\"b\"]}],\"workers\":[{"
                            "\"id\":\"w\",\"model_ref\":\"b\"}],\"queue\":[{\"model\":\"big\"}]}");

    assert_int_equal(s->header.models, 1);
    assert_int_equal(snapshot_can_run(s, &s->workers[0], &s->jobs[0]), SNAP_OK);
    assert_text(s, s->workers[0].extras, "{\"model_ref\":\"b\"}");
}

static void turns_go_by_band_deadline_and_arrival_whatever_the_order_given(void **state)
{
    static const char *const served[] = { "slo",   "due",   "late", "old",
                                          "now-1", "now-2", "rush", "rest" };
    const struct snapshot *s =
        read_context(state, "{\"queue\":["
                            "{\"id\":\"rest\",\"priority\":\"batch\",\"wait_ms\":900},"
                            "{\"id\":\"now-1\"},{\"id\":\"now-2\",\"created_at_ms\":1000000},"
                            "{\"id\":\"late\",\"deadline_ms\":9000},"
                            "{\"id\":\"rush\",\"priority\":\"batch\",\"deadline_ms\":1},"
                            "{\"id\":\"due\",\"deadline_ms\":5000,\"slo_ttft_ms\":8000},"
                            "{\"id\":\"old\",\"created_at_ms\":999000},"
                            "{\"id\":\"slo\",\"wait_ms\":100,\"slo_ttft_ms\":2000}]}");
    uint32_t row = s->header.first_job;

    assert_int_equal(s->header.jobs_shown, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_text(s, snapshot_job(s, row)->id, served[i]);
        row = s->jobs[row].next;
    }
    assert_int_equal(row, SNAP_NONE);
    assert_text(s, snapshot_job(s, snapshot_first_listed(s))->id, "rest");
    assert_text(s, snapshot_job(s, snapshot_next_listed(s, 0))->id, "now-1");
}

static void config_and_seed_are_read(void **state)
{
    const struct snapshot *s = read_context(
        state, "{\"config\":{\"a\":1,\"b\":\"x\",\"c\":{\"d\":[true]}},\"rng\":{\"seed\":7}}");

    assert_int_equal(s->header.seed, 7);
    assert_int_equal(s->header.configs, 3);
    assert_text(s, s->configs[1].key, "b");
    assert_text(s, s->configs[1].value, "\"x\"");
    assert_text(s, s->configs[2].value, "{\"d\":[true]}");
    assert_int_equal(read_context(state, "{\"seed\":9}")->header.seed, 9);
}

/* --- What is wrong ------------------------------------------------------------------------ */

static void mistakes_name_the_place(void **state)
{
    static const struct {
        const char *json, *param;
        int code;
    } cases[] = {
        { "[]", "", ERR_INVALID },
        { "{\"queue\":{}}", "queue", ERR_INVALID },
        { "{\"queue\":[1]}", "queue[0]", ERR_INVALID },
        { "{\"workers\":[{},{\"slots\":-1}]}", "workers[1].slots", ERR_INVALID },
        { "{\"workers\":[{\"slots\":4294967296}]}", "workers[0].slots", ERR_INVALID },
        { "{\"workers\":[{\"slots\":\"4\"}]}", "workers[0].slots", ERR_INVALID },
        { "{\"workers\":[{\"id\":7}]}", "workers[0].id", ERR_INVALID },
        { "{\"workers\":[{\"id\":\"a\\u0000b\"}]}", "workers[0].id", ERR_INVALID },
        { "{\"workers\":[{\"geo\":{\"latitude\":\"x\"}}]}", "workers[0].geo.latitude",
          ERR_INVALID },
        { "{\"workers\":[{\"cpu_pct\":1e999}]}", "workers[0].cpu_pct", ERR_INVALID },
        { "{\"pools\":[{\"gpus\":[{},{\"name\":1}]}]}", "pools[0].gpus[1].name", ERR_INVALID },
        { "{\"pools\":[{\"workers\":[{\"slots\":\"x\"}]}]}", "pools[0].workers[0].slots",
          ERR_INVALID },
        { "{\"models\":[{\"ref\":\"m\",\"load_time_ms\":{\"h\":\"x\"}}]}",
          "models[0].load_time_ms.h", ERR_INVALID },
        { "{\"models\":[{\"size_bytes\":true}]}", "models[0].size_bytes", ERR_INVALID },
        { "{\"metrics\":{\"queue_depth\":\"many\"}}", "metrics.queue_depth", ERR_INVALID },
        { "{\"now_ms\":-1}", "now_ms", ERR_INVALID },
        { "{\"queue\":[{\"user\":7}]}", "queue[0].user", ERR_INVALID },
        { "{\"config\":[]}", "config", ERR_INVALID },
        { "{\"queue\":[}", "", ERR_JSON },
        { "", "", ERR_JSON },
    };
    struct world *w = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err err = { 0 };

        region_reset(w->r);
        int rc = context_read(w->r, str_of(cases[i].json), NOW_MS, &err);
        if (rc != cases[i].code || strcmp(err.param, cases[i].param) != 0 || !*err.msg)
            fail_msg("%s: %d '%s': %s", cases[i].json, rc, err.param, err.msg);
    }
}

static void more_rows_than_fit_are_refused(void **state)
{
    struct world *w = *state;
    struct buf json;
    struct err err;

    buf_init(&json, CONTEXT_BYTES_MAX);
    (void)buf_puts(&json, "{\"queue\":[{}");
    for (size_t i = 0; i < SNAP_JOBS_MAX; i++)
        (void)buf_puts(&json, ",{}");
    (void)buf_puts(&json, "]}");
    assert_int_equal(context_read(w->r, buf_str(&json), NOW_MS, &err), ERR_LIMIT);
    assert_string_equal(err.param, "queue");
    buf_deinit(&json);
}

/* --- And back -------------------------------------------------------------------------------- */

static void reading_what_was_written_gives_the_same_rows(void **state)
{
    static const char *const contexts[] = {
        "{}",
        "{\"queue\":[{\"id\":\"j1\",\"model_ref\":\"b\",\"temperature\":0,\"deadline_ms\":5.5,"
        "\"priority\":\"urgent\",\"labels\":{\"k\":\"v\"},\"seed\":-1,\"extra\":[1,{\"a\":null}],"
        "\"cached_tokens\":{\"w2\":4},\"user\":{\"geo\":{\"region\":\"EU\"},\"name\":\"x\"}},"
        "{\"id\":\"j2\"}],\"pools\":[{\"id\":\"p\",\"gpus\":[{\"id\":0,\"vram_free\":5,"
        "\"temperature_c\":30}],\"workers\":[{\"id\":\"w2\",\"model\":\"b\",\"slots\":2,"
        "\"kv_used_pct\":0.25},\"w1\"],\"status\":\"odd\",\"labels\":{\"geo.region\":\"EU\"}}],"
        "\"workers\":[{\"id\":\"w1\",\"model_ref\":\"a\",\"gpu_ids\":[1],\"status\":\"offline\"},"
        "{\"id\":\"w3\",\"pool_id\":\"q\",\"labels\":{\"capabilities\":\"x,y\"}}],"
        "\"models\":[{\"ref\":\"b\",\"load_time_ms\":{\"p\":9,\"q\":8}}],\"tenants\":[{\"id\":"
        "\"t\","
        "\"service\":1.25}],\"metrics\":{\"busy_workers\":3,\"x\":1},\"config\":{\"a\":[1]},"
        "\"now_ms\":77,\"utc_offset_min\":-90,\"seed\":3,\"odd\":\"\\u00e9\\n\"}",
    };

    for (size_t i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++) {
        struct buf once, twice;

        write_context(read_context(state, contexts[i]), &once);
        const struct snapshot *s = read_context(state, buf_cstr(&once));
        write_context(s, &twice);
        assert_string_equal(buf_cstr(&once), buf_cstr(&twice));
        buf_deinit(&once);
        buf_deinit(&twice);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_read_by_every_name),
        cmocka_unit_test(a_job_is_read_by_every_name),
        cmocka_unit_test(pools_gpus_tenants_and_models_are_read),
        cmocka_unit_test(an_empty_context_is_a_context),
        cmocka_unit_test(what_is_absent_or_null_is_not_given_and_binds_nobody),
        cmocka_unit_test(workers_come_from_pools_and_pools_from_workers),
        cmocka_unit_test(a_worker_that_stands_twice_is_one_row_with_all_that_was_said),
        cmocka_unit_test(labels_become_typed_fields_where_those_are_not_given),
        cmocka_unit_test(what_rows_cannot_hold_is_kept_as_it_was_given),
        cmocka_unit_test(given_metrics_win_over_counted_ones),
        cmocka_unit_test(derived_facts_that_are_given_are_believed),
        cmocka_unit_test(a_pin_cached_tokens_and_tried_workers_are_taken_by_id),
        cmocka_unit_test(aliases_lead_to_their_model),
        cmocka_unit_test(turns_go_by_band_deadline_and_arrival_whatever_the_order_given),
        cmocka_unit_test(config_and_seed_are_read),
        cmocka_unit_test(mistakes_name_the_place),
        cmocka_unit_test(more_rows_than_fit_are_refused),
        cmocka_unit_test(reading_what_was_written_gives_the_same_rows),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
