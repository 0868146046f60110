/*
 * gpu - the graphics processors of this machine and what they are doing: by NVML, else by
 * nvidia-smi under a time limit, else (AMD) by sysfs, else none. What a source does not
 * say is absent, never guessed.
 *
 * A sick GPU can hang every call about it, so looking happens on a thread that is
 * left behind when it does not come back; the loop never waits.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct gpu_watch;

enum {
    GPUS_PER_MACHINE_MAX = 32,
    GPU_PROCESSES_MAX = 512,
    GPU_ID_SIZE = 32,
    GPU_NAME_SIZE = 96,
};

struct gpu {
    char id[GPU_ID_SIZE];     /* "cuda:0", "rocm:0" */
    uint32_t index;           /* the number in the id */
    char uuid[GPU_NAME_SIZE]; /* "" when not said */
    char name[GPU_NAME_SIZE];
    char compute_capability[16]; /* "9.0"; "" when not said */
    bool has_memory, has_util;
    uint64_t memory_total_mb, memory_used_mb; /* MiB */
    double util_pct;                          /* of the whole GPU, whoever causes it */
};

struct gpu_process {
    uint32_t pid;
    uint32_t gpu; /* place in gpu_sample::gpus */
    bool has_memory;
    uint64_t memory_mb; /* MiB */
};

/* One look. Plain data; large: do not pass by value. */
struct gpu_sample {
    const char *source; /* "nvml", "nvidia-smi", "sysfs", "none" */
    char problem[256];  /* why a better source did not work; "" when all is well */
    struct gpu gpus[GPUS_PER_MACHINE_MAX];
    size_t gpus_len;
    struct gpu_process processes[GPU_PROCESSES_MAX];
    size_t processes_len;
};

struct gpu_options {
    const char *nvml_library; /* for dlopen(3) */
    const char *smi_program;  /* a path, or found in PATH */
    const char *drm_root;     /* "/sys/class/drm" */
    uint64_t smi_timeout_ms;
    uint64_t answer_ms; /* a look that takes longer is reported as none, and waited for */
};
void gpu_options_init(struct gpu_options *o);

/* `sample` is valid during the call. */
typedef void gpu_sample_fn(void *data, const struct gpu_sample *sample);

/* Look again and again: every second by NVML, less often by dearer sources. The first
 * answer comes within answer_ms. `options` are borrowed for the watch's life, and longer
 * when a look hangs: give them static storage. */
struct gpu_watch *gpu_watch_new(struct loop *loop, const struct gpu_options *options,
                                gpu_sample_fn *on_sample, void *data);
void gpu_watch_free(struct gpu_watch *w); /* NULL is fine */

/* One blocking look by the first source that works. The handle keeps what a source has
 * opened between looks; for one thread at a time. */
struct gpu_look;
struct gpu_look *gpu_look_new(const struct gpu_options *options);
void gpu_look_free(struct gpu_look *look);
void gpu_look(struct gpu_look *look, struct gpu_sample *ret);
