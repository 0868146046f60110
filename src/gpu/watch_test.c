#include "gpu/gpu.h"

#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static struct gpu_options options; /* borrowed by threads that may never come back */

struct seen {
    struct loop *loop;
    unsigned samples;
    size_t gpus_len;
    char source[32], problem[256];
};

static void on_sample(void *data, const struct gpu_sample *sample)
{
    struct seen *seen = data;

    seen->samples++;
    seen->gpus_len = sample->gpus_len;
    (void)str_copy(seen->source, sizeof(seen->source), str_of(sample->source));
    (void)str_copy(seen->problem, sizeof(seen->problem), str_of(sample->problem));
    loop_stop(seen->loop);
}

static void use_fakes(uint64_t answer_ms)
{
    const char *library = getenv("FAKE_NVML");

    assert_non_null(library);
    gpu_options_init(&options);
    options.nvml_library = library;
    options.smi_program = "/nonexistent/nvidia-smi";
    options.drm_root = "/nonexistent";
    options.answer_ms = answer_ms;
    (void)unsetenv("FAKE_NVML_HANG");
}

static void looks_come_one_after_the_other(void **state)
{
    struct seen seen = { .loop = loop_new(NULL, NULL) };
    (void)state;

    use_fakes(30000);
    struct gpu_watch *watch = gpu_watch_new(seen.loop, &options, on_sample, &seen);
    assert_int_equal(seen.samples, 0);
    loop_run(seen.loop);
    assert_string_equal(seen.source, "nvml");
    assert_int_equal(seen.gpus_len, 2);
    loop_run(seen.loop);
    assert_int_equal(seen.samples, 2);
    gpu_watch_free(watch);
    loop_free(seen.loop);
}

/* Its thread stays behind, as it must: this test is the last. */
static void a_driver_that_hangs_is_reported_and_left_alone(void **state)
{
    struct seen seen = { .loop = loop_new(NULL, NULL) };
    (void)state;

    use_fakes(50);
    (void)setenv("FAKE_NVML_HANG", "1", 1);
    struct gpu_watch *watch = gpu_watch_new(seen.loop, &options, on_sample, &seen);
    loop_run(seen.loop);
    assert_string_equal(seen.source, "none");
    assert_int_equal(seen.gpus_len, 0);
    assert_non_null(strstr(seen.problem, "does not answer"));
    gpu_watch_free(watch);
    loop_free(seen.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_come_one_after_the_other),
        cmocka_unit_test(a_driver_that_hangs_is_reported_and_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
