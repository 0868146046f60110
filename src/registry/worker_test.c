/* What a report may say, and what it may not. */
#include "registry/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

static struct worker_facts good_worker(void)
{
    return (struct worker_facts){
        .id = "w1",
        .hive_id = "h1",
        .model = "llama-3",
        .address = "127.0.0.1",
        .port = 8080,
        .state = WORKER_READY,
        .slots = 4,
        .active = 1,
        .gpu_util_pct = 50,
        .vram_mb = 100,
        .total_vram_mb = 200,
    };
}

static struct hive_facts good_hive(void)
{
    return (struct hive_facts){
        .id = "h1", .hostname = "box", .address = "10.0.0.7", .port = 7835, .version = "1"
    };
}

static void a_plausible_worker_and_hive_pass(void **state)
{
    struct worker_facts worker = good_worker();
    struct hive_facts hive = good_hive();
    struct err err = { 0 };
    (void)state;

    assert_int_equal(worker_facts_check(&worker, &err), 0);
    assert_int_equal(hive_facts_check(&hive, &err), 0);
    assert_int_equal(err.code, 0);
}

static void bad_id(struct worker_facts *f)
{
    (void)snprintf(f->id, sizeof(f->id), "w 1");
}
static void no_id(struct worker_facts *f)
{
    f->id[0] = '\0';
}
static void quoted_id(struct worker_facts *f)
{
    (void)snprintf(f->id, sizeof(f->id), "w'1");
}
static void bad_hive_id(struct worker_facts *f)
{
    (void)snprintf(f->hive_id, sizeof(f->hive_id), "h\n1");
}
static void bad_model(struct worker_facts *f)
{
    (void)snprintf(f->model, sizeof(f->model), "llama\x1b[2J");
}
static void cut_utf8(struct worker_facts *f)
{
    (void)snprintf(f->model, sizeof(f->model), "llama\xc3");
}
static void no_address(struct worker_facts *f)
{
    f->address[0] = '\0';
}
static void no_port(struct worker_facts *f)
{
    f->port = 0;
}
static void no_slots(struct worker_facts *f)
{
    f->slots = 0;
}
static void million_slots(struct worker_facts *f)
{
    f->slots = 1000000;
}
static void more_than_slots(struct worker_facts *f)
{
    f->active = 5;
}
static void endless_queue(struct worker_facts *f)
{
    f->queued = UINT32_MAX;
}
static void vram_beyond_total(struct worker_facts *f)
{
    f->vram_mb = 201;
}
static void many_gpus(struct worker_facts *f)
{
    f->gpu_ids_len = GPUS_MAX + 1;
}
static void busy_beyond_one_gpu(struct worker_facts *f)
{
    f->gpu_util_pct = 101;
}
static void cpu_nan(struct worker_facts *f)
{
    f->cpu_pct = NAN;
}
static void negative_cpu(struct worker_facts *f)
{
    f->cpu_pct = -1;
}
static void endless_io(struct worker_facts *f)
{
    f->io_r_mb_s = INFINITY;
}
static void kv_beyond_all(struct worker_facts *f)
{
    f->has_kv_used_pct = true;
    f->kv_used_pct = 100.5;
}

static void lies_are_refused_with_the_field_and_the_worker(void **state)
{
    static const struct {
        void (*spoil)(struct worker_facts *f);
        const char *param, *says;
    } cases[] = {
        { bad_id, "worker_id", "without blanks" },
        { no_id, "worker_id", "without blanks" },
        { quoted_id, "worker_id", "quotes" },
        { bad_hive_id, "hive_id", "worker 'w1'" },
        { bad_model, "model", "control characters" },
        { cut_utf8, "model", "UTF-8" },
        { no_address, "address", "worker 'w1'" },
        { no_port, "port", "1 to 65535" },
        { no_slots, "slots", "slots is 0, must be 1 to 65535" },
        { million_slots, "slots", "slots is 1000000" },
        { more_than_slots, "active", "active is 5, more than the 4" },
        { endless_queue, "queued", "must be 0 to" },
        { vram_beyond_total, "vram_mb", "vram_mb is 201, more than total_vram_mb, 200" },
        { many_gpus, "gpu_ids", "more than 16" },
        { busy_beyond_one_gpu, "gpu_util_pct", "is 101, must be 0 to 100" },
        { cpu_nan, "cpu_pct", "must be 0 or more" },
        { negative_cpu, "cpu_pct", "is -1, must be 0 or more" },
        { endless_io, "io_r_mb_s", "must be 0 or more" },
        { kv_beyond_all, "kv_used_pct", "is 100.5, must be 0 to 100" },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct worker_facts facts = good_worker();
        struct err err = { 0 };

        cases[i].spoil(&facts);
        assert_int_equal(worker_facts_check(&facts, &err), ERR_INVALID);
        assert_string_equal(err.param, cases[i].param);
        if (!strstr(err.msg, cases[i].says))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.msg, cases[i].says);
    }
}

static void what_only_looks_odd_passes(void **state)
{
    struct worker_facts foreign = good_worker(), local = good_worker(), many = good_worker();
    struct worker_facts unsaid = good_worker();
    struct err err;
    (void)state;

    foreign.kind = WORKER_KIND_OPENAI; /* others use that engine too */
    foreign.active = 300;
    assert_int_equal(worker_facts_check(&foreign, &err), 0);

    local.is_unix = true;
    local.port = 0;
    (void)snprintf(local.address, sizeof(local.address), "/run/a b.sock");
    assert_int_equal(worker_facts_check(&local, &err), 0);

    many.gpu_ids_len = 4;
    many.gpu_util_pct = 400;
    assert_int_equal(worker_facts_check(&many, &err), 0);

    unsaid.total_vram_mb = 0; /* not known: used can still be */
    unsaid.model[0] = '\0';
    unsaid.kv_used_pct = NAN; /* has_kv_used_pct is not set */
    assert_int_equal(worker_facts_check(&unsaid, &err), 0);
}

static void bad_hives_are_refused_with_the_field(void **state)
{
    struct device device = { .id = "cuda:0", .name = "A card", .vram_gb = -1 };
    struct listed_model models[] = { { .ref = "good" }, { .ref = "bad\t" } };
    struct hive_facts hive = good_hive();
    struct err err;
    (void)state;

    hive.port = 0;
    assert_int_equal(hive_facts_check(&hive, &err), ERR_INVALID);
    assert_string_equal(err.param, "hive.port");

    hive = good_hive();
    hive.devices = &device;
    hive.devices_len = 1;
    assert_int_equal(hive_facts_check(&hive, &err), ERR_INVALID);
    assert_string_equal(err.param, "capabilities.vram_gb");

    hive = good_hive();
    hive.models = models;
    hive.models_len = 2;
    assert_int_equal(hive_facts_check(&hive, &err), ERR_INVALID);
    assert_non_null(strstr(err.msg, "model 2"));

    hive = good_hive();
    hive.ram_mb = 1000;
    hive.ram_free_mb = 1001;
    assert_int_equal(hive_facts_check(&hive, &err), ERR_INVALID);
    assert_string_equal(err.param, "hive.ram_free_mb");

    hive = good_hive();
    (void)snprintf(hive.hostname, sizeof(hive.hostname), "a\rb");
    assert_int_equal(hive_facts_check(&hive, &err), ERR_INVALID);
    assert_string_equal(err.param, "hive");
}

static void names_go_there_and_back(void **state)
{
    (void)state;
    for (enum worker_state i = 0; i < WORKER_STATE_COUNT_; i++) {
        enum worker_state back = WORKER_STATE_COUNT_;
        assert_true(worker_state_parse(str_of(worker_state_name(i)), &back));
        assert_int_equal(back, i);
    }
    for (enum worker_kind i = 0; i < WORKER_KIND_COUNT_; i++) {
        enum worker_kind back = WORKER_KIND_COUNT_;
        assert_true(worker_kind_parse(str_of(worker_kind_name(i)), &back));
        assert_int_equal(back, i);
    }
    for (enum hive_status i = 0; i < HIVE_STATUS_COUNT_; i++) {
        enum hive_status back = HIVE_STATUS_COUNT_;
        assert_true(hive_status_parse(str_of(hive_status_name(i)), &back));
        assert_int_equal(back, i);
    }
    for (enum hive_health i = 0; i < HIVE_HEALTH_COUNT_; i++) {
        enum hive_health back = HIVE_HEALTH_COUNT_;
        assert_true(hive_health_parse(str_of(hive_health_name(i)), &back));
        assert_int_equal(back, i);
    }
    enum worker_state untouched = WORKER_BUSY;
    assert_false(worker_state_parse(str_of("Ready"), &untouched));
    assert_int_equal(untouched, WORKER_BUSY);
}

static void copies_own_what_they_point_at(void **state)
{
    struct worker_facts worker = good_worker(), worker_copy = { 0 };
    struct hive_facts hive = good_hive(), hive_copy = { 0 };
    struct device device = { .id = "cpu" };
    struct listed_model models[] = { { .ref = "m", .size_bytes = 7 } };
    struct err err;
    (void)state;

    assert_int_equal(labels_set(&worker.labels, str_of("a"), str_of("1"), &err), 0);
    worker_facts_copy(&worker_copy, &worker);
    worker_facts_copy(&worker_copy, &worker); /* onto a copy */
    worker_facts_copy(&worker_copy, &worker_copy);
    worker_facts_free(&worker);
    assert_string_equal(labels_get(&worker_copy.labels, "a"), "1");
    worker_facts_free(&worker_copy);

    hive.devices = &device;
    hive.devices_len = 1;
    hive.models = models;
    hive.models_len = 1;
    hive_facts_copy(&hive_copy, &hive);
    hive_facts_copy(&hive_copy, &hive);
    models[0].ref[0] = 'x';
    assert_string_equal(hive_copy.models[0].ref, "m");
    assert_string_equal(hive_copy.devices[0].id, "cpu");
    hive_facts_free(&hive_copy);
    hive_facts_free(&hive_copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plausible_worker_and_hive_pass),
        cmocka_unit_test(lies_are_refused_with_the_field_and_the_worker),
        cmocka_unit_test(what_only_looks_odd_passes),
        cmocka_unit_test(bad_hives_are_refused_with_the_field),
        cmocka_unit_test(names_go_there_and_back),
        cmocka_unit_test(copies_own_what_they_point_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
