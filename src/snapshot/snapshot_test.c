#include "snapshot/snapshot.h"

#include "snapshot/test_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void an_index_beyond_its_table_is_no_row(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    (void)rows_model(s, "m");
    (void)rows_worker(s, "w", 0);
    assert_non_null(snapshot_worker(s, 0));
    assert_null(snapshot_worker(s, 1));
    assert_null(snapshot_worker(s, SNAP_NONE));
    s->header.workers = s->header.jobs = s->header.pools = s->header.models = s->header.tenants =
        SNAP_NONE;
    assert_null(snapshot_worker(s, SNAP_WORKERS_MAX));
    assert_null(snapshot_job(s, SNAP_JOBS_MAX));
    assert_null(snapshot_pool(s, SNAP_POOLS_MAX));
    assert_null(snapshot_model(s, SNAP_MODELS_MAX));
    assert_null(snapshot_tenant(s, SNAP_TENANTS_MAX));
    assert_int_equal(snapshot_find_worker(s, str_of("nobody")), SNAP_NONE);
}

static void a_text_beyond_the_arena_is_empty(void **state)
{
    static const struct {
        struct snap_text text;
        size_t len;
    } cases[] = {
        { { 0, 0 }, 0 },
        { { 1, 3 }, 3 },
        { { SNAP_ARENA_BYTES - 3, 3 }, 3 },
        { { SNAP_ARENA_BYTES - 3, 4 }, 0 },
        { { SNAP_ARENA_BYTES, 0 }, 0 },
        { { 0xffffffff, 1 }, 0 },
        { { 1, 0xffffffff }, 0 },
    };
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(snapshot_text(s, cases[i].text).len, cases[i].len);
}

static void lists_and_maps_are_read_item_by_item(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_text map = LIST(s, "geo.region\0eu\0tier\0\0gpu\0a100");
    struct str rest = snapshot_text(s, map), item;
    size_t items = 0;
    (void)state;

    while (snapshot_item(&rest, &item))
        items++;
    assert_int_equal(items, 6);
    assert_true(snapshot_label(s, map, str_of("gpu"), &item));
    assert_true(str_eq(item, "a100"));
    assert_true(snapshot_label(s, map, str_of("tier"), &item));
    assert_true(str_eq(item, ""));
    assert_false(snapshot_label(s, map, str_of("eu"), &item)); /* a value, not a key */
    assert_true(snapshot_has_item(s, map, str_of("eu")));
    assert_false(snapshot_has_item(s, map, str_of("e")));
}

static void a_list_without_its_last_nul_ends_before_it(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_text cut = TEXT(s, "a\0bc");
    struct str rest = snapshot_text(s, cut), item;
    (void)state;

    assert_true(snapshot_item(&rest, &item) && str_eq(item, "a"));
    assert_false(snapshot_item(&rest, &item));
    assert_false(snapshot_label(s, cut, str_of("a"), &item));
}

static void rows_are_found_by_name(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    rows_model(s, "a")->aliases = LIST(s, "first\0b");
    (void)rows_model(s, "b");
    (void)rows_worker(s, "w0", 0);
    (void)rows_worker(s, "w1", 1);
    assert_int_equal(snapshot_find_worker(s, str_of("w1")), 1);
    assert_int_equal(snapshot_find_worker(s, str_of("w")), SNAP_NONE);
    assert_int_equal(snapshot_find_model(s, str_of("first")), 0);
    assert_int_equal(snapshot_find_model(s, str_of("b")), 1); /* a reference before an alias */
    assert_int_equal(snapshot_find_pool(s, str_of("w0")), SNAP_NONE);
    assert_int_equal(snapshot_find_tenant(s, str_of("w0")), SNAP_NONE);
}

static void jobs_are_found_in_the_queue_and_by_being_asked_about(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    (void)state;

    (void)rows_job(s, "j0", SNAP_NONE);
    (void)rows_job(s, "j1", SNAP_NONE);
    assert_int_equal(snapshot_find_job(s, str_of("j1")), 1);
    s->header.first_job = SNAP_NONE;
    assert_int_equal(snapshot_find_job(s, str_of("j1")), SNAP_NONE);
    s->header.asked_job = 1;
    assert_int_equal(snapshot_find_job(s, str_of("j1")), 1);
}

static void a_queue_that_bites_its_tail_is_walked_once(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_metrics metrics;
    (void)state;

    rows_job(s, "j0", SNAP_NONE)->next = 0;
    assert_int_equal(snapshot_find_job(s, str_of("j1")), SNAP_NONE);
    snapshot_measure(s, &metrics);
    assert_int_equal(metrics.queue_depth, SNAP_JOBS_MAX);
}

static void metrics_count_what_the_rows_say(void **state)
{
    AUTO(free_ptr) struct snapshot *s = rows_new();
    struct snap_metrics m;
    (void)state;

    s->header.pools = 2;
    s->pools[0] = (struct snap_pool){ .generation = 1, .gpus_len = 1 };
    s->pools[0].gpus[0] = (struct snap_gpu){ .vram_total_mb = 100, .vram_allocated_mb = 30 };
    s->pools[1] = (struct snap_pool){ .generation = 1, .status = SNAP_OFFLINE };
    for (uint32_t i = 0; i < 4; i++) {
        struct snap_worker *w = rows_worker(s, "w", SNAP_NONE);
        w->total_vram_mb = 10;
        w->pool = i;
    }
    s->workers[0].given = SNAP_HAS_SPEED;
    s->workers[0].tokens_per_s = 12.5;
    s->workers[0].queued = 2; /* of 4 slots */
    s->workers[1].status = SNAP_BUSY;
    s->workers[1].given = SNAP_HAS_KV;
    s->workers[1].kv_used_pct = 80;
    s->workers[2].live = SNAP_OFFLINE;
    s->workers[3].generation = 0; /* gone */
    rows_job(s, "j0", SNAP_NONE)->created_at_ms = s->header.now_ms - 100;
    rows_job(s, "j1", SNAP_NONE)->is_batch = 1;
    s->jobs[1].given = SNAP_HAS_WAIT;
    s->jobs[1].wait_ms = 300;

    snapshot_measure(s, &m);
    assert_int_equal(m.queue_depth, 2);
    assert_int_equal(m.queue_depth_interactive, 1);
    assert_int_equal(m.queue_depth_batch, 1);
    assert_true(m.avg_wait_ms == 200);
    assert_int_equal(m.total_workers, 3);
    assert_int_equal(m.ready_workers, 1);
    assert_int_equal(m.busy_workers, 1);
    assert_int_equal(m.total_pools, 2);
    assert_int_equal(m.healthy_pools, 1);
    assert_int_equal(m.free_vram_mb, 70 + 10 + 10); /* the pool's GPU, not its worker's, once */
    assert_true(m.avg_tokens_per_s == 12.5);
    assert_true(m.saturation == (0.5 + 1) / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_beyond_its_table_is_no_row),
        cmocka_unit_test(a_text_beyond_the_arena_is_empty),
        cmocka_unit_test(lists_and_maps_are_read_item_by_item),
        cmocka_unit_test(a_list_without_its_last_nul_ends_before_it),
        cmocka_unit_test(rows_are_found_by_name),
        cmocka_unit_test(jobs_are_found_in_the_queue_and_by_being_asked_about),
        cmocka_unit_test(a_queue_that_bites_its_tail_is_walked_once),
        cmocka_unit_test(metrics_count_what_the_rows_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
