#include "hive/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static struct gpu_sample two_gpus(void)
{
    return (struct gpu_sample){
        .gpus = { { .id = "cuda:0",
                    .index = 0,
                    .has_memory = true,
                    .memory_total_mb = 8000,
                    .has_util = true,
                    .util_pct = 40 },
                  { .id = "cuda:3",
                    .index = 3,
                    .has_memory = true,
                    .memory_total_mb = 24000,
                    .has_util = true,
                    .util_pct = 70 } },
        .gpus_len = 2,
        .processes = { { .pid = 42, .gpu = 1, .has_memory = true, .memory_mb = 5000 },
                       { .pid = 42, .gpu = 0, .has_memory = false },
                       { .pid = 43, .gpu = 0, .has_memory = true, .memory_mb = 100 } },
        .processes_len = 3,
    };
}

static void a_worker_is_charged_with_the_gpus_it_is_seen_on(void **state)
{
    struct gpu_sample gpu = two_gpus();
    struct supervised w = { .facts = { .pid = 42 }, .device = "cuda:3" };
    struct worker_facts facts;
    (void)state;

    report_worker_facts(&gpu, &w, &facts);
    assert_int_equal(facts.gpu_ids_len, 2);
    assert_int_equal(facts.gpu_ids[0], 3);
    assert_int_equal(facts.gpu_ids[1], 0);
    assert_int_equal(facts.vram_mb, 5000);
    assert_int_equal(facts.total_vram_mb, 32000);
    assert_true(facts.gpu_util_pct > 69 && facts.gpu_util_pct < 71);
}

static void a_worker_on_the_cpu_has_no_gpu_figures(void **state)
{
    struct gpu_sample gpu = two_gpus();
    struct supervised w = { .facts = { .pid = 7 }, .device = "cpu" };
    struct worker_facts facts;
    (void)state;

    report_worker_facts(&gpu, &w, &facts);
    assert_int_equal(facts.gpu_ids_len, 0);
    assert_int_equal(facts.vram_mb, 0);
    assert_int_equal(facts.total_vram_mb, 0);
}

static void a_device_counts_before_the_driver_lists_the_process(void **state)
{
    struct gpu_sample gpu = two_gpus();
    struct supervised w = { .facts = { .pid = 7 }, .device = "cuda:0" };
    struct worker_facts facts;
    (void)state;

    report_worker_facts(&gpu, &w, &facts);
    assert_int_equal(facts.gpu_ids_len, 1);
    assert_int_equal(facts.vram_mb, 0);
    assert_int_equal(facts.total_vram_mb, 8000);
}

static void more_memory_than_there_is_cannot_be_reported(void **state)
{
    struct gpu_sample gpu = two_gpus();
    struct supervised w = { .facts = { .pid = 43 }, .device = "cuda:0" };
    struct worker_facts facts;
    (void)state;

    gpu.processes[2].memory_mb = 9000;
    report_worker_facts(&gpu, &w, &facts);
    assert_int_equal(facts.vram_mb, 8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_is_charged_with_the_gpus_it_is_seen_on),
        cmocka_unit_test(a_worker_on_the_cpu_has_no_gpu_figures),
        cmocka_unit_test(a_device_counts_before_the_driver_lists_the_process),
        cmocka_unit_test(more_memory_than_there_is_cannot_be_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
