#include "gpu/nvml.h"

#include "base/mem.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

/* Own declarations of the part of NVML's stable ABI that is used; the numbers and sizes
 * are those of its versioned symbols. */
enum {
    NVML_SUCCESS = 0,
    NVML_INSUFFICIENT_SIZE = 7,
    NVML_NAME_SIZE = 96,
};

static const uint64_t NVML_NOT_AVAILABLE = UINT64_MAX;

struct nvml_device;

struct nvml_memory {
    unsigned long long total, free, used;
};

struct nvml_utilization {
    unsigned gpu, memory;
};

struct nvml_process {
    unsigned pid;
    unsigned long long used_memory;
    unsigned gpu_instance, compute_instance;
};
_Static_assert(sizeof(struct nvml_memory) == 24, "ABI of nvmlMemory_t");
_Static_assert(sizeof(struct nvml_process) == 24, "ABI of nvmlProcessInfo_t of _v2 and _v3");

struct nvml {
    void *library;
    int (*init)(void);
    int (*shutdown)(void);
    const char *(*error_string)(int);
    int (*count)(unsigned *);
    int (*handle)(unsigned, struct nvml_device **);
    int (*name)(struct nvml_device *, char *, unsigned);
    int (*uuid)(struct nvml_device *, char *, unsigned);
    int (*memory)(struct nvml_device *, struct nvml_memory *);
    int (*utilization)(struct nvml_device *, struct nvml_utilization *);
    int (*processes)(struct nvml_device *, unsigned *, struct nvml_process *);
    int (*compute_capability)(struct nvml_device *, int *, int *);
};

static const struct {
    const char *symbol;
    size_t offset; /* of the function pointer in struct nvml */
} symbols[] = {
    { "nvmlInit_v2", offsetof(struct nvml, init) },
    { "nvmlShutdown", offsetof(struct nvml, shutdown) },
    { "nvmlErrorString", offsetof(struct nvml, error_string) },
    { "nvmlDeviceGetCount_v2", offsetof(struct nvml, count) },
    { "nvmlDeviceGetHandleByIndex_v2", offsetof(struct nvml, handle) },
    { "nvmlDeviceGetName", offsetof(struct nvml, name) },
    { "nvmlDeviceGetUUID", offsetof(struct nvml, uuid) },
    { "nvmlDeviceGetMemoryInfo", offsetof(struct nvml, memory) },
    { "nvmlDeviceGetUtilizationRates", offsetof(struct nvml, utilization) },
    { "nvmlDeviceGetComputeRunningProcesses_v3", offsetof(struct nvml, processes) },
    { "nvmlDeviceGetCudaComputeCapability", offsetof(struct nvml, compute_capability) },
};

static int load_symbols(struct nvml *n, struct err *err)
{
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *found = dlsym(n->library, symbols[i].symbol);
        if (!found)
            return err_set(err, ERR_UNSUPPORTED, "NVML lacks %s: the driver is too old",
                           symbols[i].symbol);
        memcpy((char *)n + symbols[i].offset, &found, sizeof(found));
    }
    return 0;
}

int nvml_open(const char *library, struct nvml **ret, struct err *err)
{
    struct nvml *n = mem_alloc(1, sizeof(*n));

    n->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (!n->library) {
        free(n);
        return err_set(err, ERR_UNSUPPORTED, "no NVML: %s", dlerror());
    }
    int rc = load_symbols(n, err);
    if (rc == 0) {
        int failed = n->init();
        if (failed)
            rc = err_set(err, ERR_UNSUPPORTED, "NVML does not start: %s", n->error_string(failed));
    }
    if (rc < 0) {
        (void)dlclose(n->library);
        free(n);
        return rc;
    }
    *ret = n;
    return 0;
}

void nvml_close(struct nvml *n)
{
    if (!n)
        return;
    (void)n->shutdown();
    (void)dlclose(n->library);
    free(n);
}

static void look_at_processes(struct nvml *n, struct nvml_device *device, uint32_t gpu,
                              struct gpu_sample *s)
{
    enum { BATCH = 128 };
    struct nvml_process list[BATCH];
    unsigned len = BATCH;

    if (n->processes(device, &len, list) != NVML_SUCCESS || len > BATCH)
        return;
    for (unsigned i = 0; i < len && s->processes_len < GPU_PROCESSES_MAX; i++) {
        bool has_memory = list[i].used_memory != NVML_NOT_AVAILABLE;
        s->processes[s->processes_len++] = (struct gpu_process){
            .pid = list[i].pid,
            .gpu = gpu,
            .has_memory = has_memory,
            .memory_mb = has_memory ? list[i].used_memory >> 20 : 0,
        };
    }
}

static void look_at_gpu(struct nvml *n, struct nvml_device *device, struct gpu *g)
{
    struct nvml_memory memory;
    struct nvml_utilization util;
    int major, minor;

    if (n->name(device, g->name, NVML_NAME_SIZE) != NVML_SUCCESS)
        (void)snprintf(g->name, sizeof(g->name), "NVIDIA GPU %u", g->index);
    if (n->uuid(device, g->uuid, NVML_NAME_SIZE) != NVML_SUCCESS)
        g->uuid[0] = '\0';
    if (n->memory(device, &memory) == NVML_SUCCESS) {
        g->has_memory = true;
        g->memory_total_mb = memory.total >> 20;
        g->memory_used_mb = memory.used >> 20;
    }
    if (n->utilization(device, &util) == NVML_SUCCESS) {
        g->has_util = true;
        g->util_pct = util.gpu;
    }
    if (n->compute_capability(device, &major, &minor) == NVML_SUCCESS)
        (void)snprintf(g->compute_capability, sizeof(g->compute_capability), "%d.%d", major, minor);
}

int nvml_look(struct nvml *n, struct gpu_sample *ret, struct err *err)
{
    unsigned count;
    int failed = n->count(&count);

    if (failed)
        return err_set(err, ERR_UPSTREAM, "NVML: %s", n->error_string(failed));
    for (unsigned i = 0; i < count && ret->gpus_len < GPUS_PER_MACHINE_MAX; i++) {
        struct nvml_device *device;
        failed = n->handle(i, &device);
        if (failed) {
            (void)snprintf(ret->problem, sizeof(ret->problem), "GPU %u: %s", i,
                           n->error_string(failed));
            continue;
        }
        struct gpu *g = &ret->gpus[ret->gpus_len];
        *g = (struct gpu){ .index = i };
        (void)snprintf(g->id, sizeof(g->id), "cuda:%u", i);
        look_at_gpu(n, device, g);
        look_at_processes(n, device, (uint32_t)ret->gpus_len++, ret);
    }
    return 0;
}
