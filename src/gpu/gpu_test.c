#include "gpu/gpu.h"

#include "base/mem.h"
#include "gpu/amd.h"
#include "gpu/nvidia_smi.h"
#include "gpu/nvml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gpu_options options;
static struct gpu_sample sample; /* large */
static char root[256];

static const char *env_of(const char *name)
{
    const char *value = getenv(name);

    return value ? value : "";
}

static int setup(void **state)
{
    static const char *const switches[] = { "FAKE_NVML_INIT", "FAKE_NVML_COUNT_FAILS",
                                            "FAKE_NVML_LOST", "FAKE_NVML_NO_FIGURES",
                                            "FAKE_NVML_PID",  "FAKE_SMI" };
    const char *tmp = getenv("TMPDIR");
    (void)state;

    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
        (void)unsetenv(switches[i]);
    (void)snprintf(root, sizeof(root), "%s/gpu_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(root));
    gpu_options_init(&options);
    options.nvml_library = env_of("FAKE_NVML");
    options.smi_program = env_of("FAKE_SMI_PROGRAM");
    options.drm_root = root;
    sample = (struct gpu_sample){ 0 };
    return 0;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(root, drop_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *card, const char *name, const char *text)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s", root, card);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/%s/device", root, card);
    (void)mkdir(path, 0700);
    (void)snprintf(path, sizeof(path), "%s/%s/device/%s", root, card, name);
    AUTO(close_fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void look(void)
{
    struct gpu_look *l = gpu_look_new(&options);

    gpu_look(l, &sample);
    gpu_look_free(l);
}

static void nvml_tells_of_gpus_and_processes(void **state)
{
    (void)state;

    look();
    assert_string_equal(sample.source, "nvml");
    assert_string_equal(sample.problem, "");
    assert_int_equal(sample.gpus_len, 2);
    assert_string_equal(sample.gpus[0].id, "cuda:0");
    assert_string_equal(sample.gpus[0].name, "Fake GPU A");
    assert_string_equal(sample.gpus[0].compute_capability, "8.9");
    assert_int_equal(sample.gpus[0].memory_total_mb, 24576);
    assert_int_equal(sample.gpus[1].memory_used_mb, 2000);
    assert_true(sample.gpus[1].has_util);
    assert_true(sample.gpus[0].util_pct > 36.9 && sample.gpus[0].util_pct < 37.1);
    assert_int_equal(sample.processes_len, 2);
    assert_int_equal(sample.processes[0].pid, 4321);
    assert_int_equal(sample.processes[0].memory_mb, 900);
    assert_false(sample.processes[1].has_memory);
}

static void a_lost_gpu_leaves_the_numbers_of_the_others(void **state)
{
    (void)state;

    (void)setenv("FAKE_NVML_LOST", "0", 1);
    look();
    assert_int_equal(sample.gpus_len, 1);
    assert_string_equal(sample.gpus[0].id, "cuda:1");
    assert_int_equal(sample.processes[0].gpu, 0);
    assert_string_equal(sample.problem, "GPU 0: GPU is lost");
}

static void figures_that_are_not_told_are_absent(void **state)
{
    (void)state;

    (void)setenv("FAKE_NVML_NO_FIGURES", "1", 1);
    look();
    assert_int_equal(sample.gpus_len, 2);
    assert_false(sample.gpus[0].has_memory);
    assert_false(sample.gpus[0].has_util);
}

static void without_nvml_the_tool_is_asked(void **state)
{
    (void)state;

    options.nvml_library = "/nonexistent/libnvidia-ml.so.1";
    look();
    assert_string_equal(sample.source, "nvidia-smi");
    assert_int_equal(sample.gpus_len, 2);
    assert_int_equal(sample.gpus[0].memory_used_mb, 4217);
    assert_int_equal(sample.processes_len, 2);
    assert_int_equal(sample.processes[1].pid, 4400);
    assert_int_equal(sample.processes[1].gpu, 1);
    assert_false(sample.processes[1].has_memory);
}

static void a_driver_that_went_away_is_told_and_the_next_source_asked(void **state)
{
    (void)state;

    (void)setenv("FAKE_NVML_COUNT_FAILS", "15", 1);
    (void)setenv("FAKE_SMI", "no-driver", 1);
    look();
    assert_string_equal(sample.source, "none");
    assert_int_equal(sample.gpus_len, 0);
    assert_string_equal(sample.problem, "NVML: GPU is lost");
}

static void a_machine_without_gpus_is_no_problem(void **state)
{
    (void)state;

    options.nvml_library = "/nonexistent/libnvidia-ml.so.1";
    options.smi_program = "/nonexistent/nvidia-smi";
    look();
    assert_string_equal(sample.source, "none");
    assert_string_equal(sample.problem, "");
}

static void a_tool_that_hangs_is_killed(void **state)
{
    struct err err;
    (void)state;

    (void)setenv("FAKE_SMI", "hang", 1);
    assert_int_equal(nvidia_smi_look(options.smi_program, 50, &sample, &err), ERR_TIMEOUT);
    assert_non_null(strstr(err.msg, "no answer within 50 ms"));
}

static void what_the_tool_complains_of_is_passed_on(void **state)
{
    struct err err;
    (void)state;

    (void)setenv("FAKE_SMI", "no-driver", 1);
    assert_int_equal(nvidia_smi_look(options.smi_program, 2000, &sample, &err), ERR_UPSTREAM);
    assert_non_null(strstr(err.msg, "code 9: NVIDIA-SMI has failed"));
    (void)setenv("FAKE_SMI", "half", 1);
    assert_int_equal(nvidia_smi_look(options.smi_program, 2000, &sample, &err), 0);
    assert_int_equal(sample.gpus_len, 2);
    assert_int_equal(sample.processes_len, 0);
    assert_non_null(strstr(sample.problem, "Unknown Error"));
}

static void cells_of_the_tool_are_numbers_or_absent(void **state)
{
    static const struct {
        const char *line;
        size_t gpus;
        bool has_memory, has_util;
    } rows[] = {
        { "0, GPU-1, NVIDIA H200, 100, 10, 37", 1, true, true },
        { "0, GPU-1, Name, with comma, 100, 10, 37\n\n", 1, true, true },
        { "0, GPU-1, X, [N/A], 10, 37", 1, false, true },
        { "0, GPU-1, X, 100, [Not Supported], [Unknown Error]", 1, false, false },
        { "0, GPU-1, X, 100, 10, 101", 1, true, false },
        { "x, GPU-1, X, 100, 10, 1", 0, false, false },
        { "99999999999999999999, GPU-1, X, 100, 10, 1", 0, false, false },
        { "0, GPU-1", 0, false, false },
        { "No devices were found", 0, false, false },
        { "", 0, false, false },
        { ",,,,,,\n,", 0, false, false },
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sample = (struct gpu_sample){ 0 };
        nvidia_smi_parse_gpus(str_of(rows[i].line), &sample);
        assert_int_equal(sample.gpus_len, rows[i].gpus);
        assert_int_equal(sample.gpus[0].has_memory, rows[i].has_memory);
        assert_int_equal(sample.gpus[0].has_util, rows[i].has_util);
    }
}

static void processes_of_unknown_gpus_are_left_out(void **state)
{
    (void)state;

    nvidia_smi_parse_gpus(str_of("0, GPU-1, X, 100, 10, 37\n"), &sample);
    nvidia_smi_parse_processes(str_of("GPU-2, 1, a, 5\nGPU-1, -1, a, 5\nGPU-1, 7, a, b, c, 5\n"),
                               &sample);
    assert_int_equal(sample.processes_len, 1);
    assert_int_equal(sample.processes[0].pid, 7);
    assert_int_equal(sample.processes[0].memory_mb, 5);
}

static void amd_cards_are_read_from_sysfs(void **state)
{
    (void)state;

    put("card1", "vendor", "0x10de\n");
    put("card2", "vendor", "0x1002\n");
    put("card2", "mem_info_vram_total", "17163091968\n");
    put("card2", "mem_info_vram_used", "1073741824\n");
    put("card2", "gpu_busy_percent", "12\n");
    put("card2", "device", "0x744c\n");
    put("card10", "vendor", "0x1002\n");
    put("card10", "product_name", "Radeon Pro\n");
    put("card2-DP-1", "vendor", "0x1002\n");
    options.nvml_library = "/nonexistent/libnvidia-ml.so.1";
    options.smi_program = "/nonexistent/nvidia-smi";
    look();
    assert_string_equal(sample.source, "sysfs");
    assert_int_equal(sample.gpus_len, 2);
    assert_string_equal(sample.gpus[0].id, "rocm:0");
    assert_string_equal(sample.gpus[0].name, "AMD GPU 0x744c");
    assert_int_equal(sample.gpus[0].memory_total_mb, 16368);
    assert_int_equal(sample.gpus[0].memory_used_mb, 1024);
    assert_true(sample.gpus[0].has_util);
    assert_string_equal(sample.gpus[1].name, "Radeon Pro");
    assert_false(sample.gpus[1].has_memory);
}

int main(void)
{
#define WITH_FAKES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_FAKES(nvml_tells_of_gpus_and_processes),
        WITH_FAKES(a_lost_gpu_leaves_the_numbers_of_the_others),
        WITH_FAKES(figures_that_are_not_told_are_absent),
        WITH_FAKES(without_nvml_the_tool_is_asked),
        WITH_FAKES(a_driver_that_went_away_is_told_and_the_next_source_asked),
        WITH_FAKES(a_machine_without_gpus_is_no_problem),
        WITH_FAKES(a_tool_that_hangs_is_killed),
        WITH_FAKES(what_the_tool_complains_of_is_passed_on),
        WITH_FAKES(cells_of_the_tool_are_numbers_or_absent),
        WITH_FAKES(processes_of_unknown_gpus_are_left_out),
        WITH_FAKES(amd_cards_are_read_from_sysfs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
