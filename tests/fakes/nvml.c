/*
 * A libnvidia-ml.so.1 for tests: two GPUs, one compute process on each. Switches in the
 * environment:
 *   FAKE_NVML_INIT=9         nvmlInit_v2() fails with this code
 *   FAKE_NVML_COUNT_FAILS=15 nvmlDeviceGetCount_v2() does
 *   FAKE_NVML_LOST=0         this GPU has no handle (15, lost)
 *   FAKE_NVML_NO_FIGURES=1   memory and utilisation are not supported (3)
 *   FAKE_NVML_PID=123        the process on GPU 0 (GPU 1's tells no memory)
 *   FAKE_NVML_HANG=1         nvmlDeviceGetCount_v2() never comes back
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NOT_SUPPORTED = 3, TOO_SMALL = 7, LOST = 15 };

struct memory {
    unsigned long long total, free, used;
};

struct utilization {
    unsigned gpu, memory;
};

struct process {
    unsigned pid;
    unsigned long long used;
    unsigned gpu_instance, compute_instance;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
const char *nvmlErrorString(int code);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetName(void *device, char *name, unsigned size);
int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size);
int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *util);
int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *len, struct process *list);
int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor);

static int number_of(const char *name, int otherwise)
{
    const char *text = getenv(name);

    return text ? (int)strtol(text, NULL, 10) : otherwise;
}

/* A device is its index and one. */
static unsigned index_of(const void *device)
{
    return (unsigned)((uintptr_t)device - 1);
}

int nvmlInit_v2(void)
{
    return number_of("FAKE_NVML_INIT", 0);
}

int nvmlShutdown(void)
{
    return 0;
}

const char *nvmlErrorString(int code)
{
    return code == 9 ? "Driver Not Loaded" : code == LOST ? "GPU is lost" : "Unknown Error";
}

int nvmlDeviceGetCount_v2(unsigned *count)
{
    while (getenv("FAKE_NVML_HANG"))
        (void)pause();
    *count = 2;
    return number_of("FAKE_NVML_COUNT_FAILS", 0);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device)
{
    if ((int)index == number_of("FAKE_NVML_LOST", -1))
        return LOST;
    *device = (void *)((uintptr_t)index + 1);
    return 0;
}

int nvmlDeviceGetName(void *device, char *name, unsigned size)
{
    (void)snprintf(name, size, "Fake GPU %c", 'A' + (int)index_of(device));
    return 0;
}

int nvmlDeviceGetUUID(void *device, char *uuid, unsigned size)
{
    (void)snprintf(uuid, size, "GPU-fake-%u", index_of(device));
    return 0;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory)
{
    if (getenv("FAKE_NVML_NO_FIGURES"))
        return NOT_SUPPORTED;
    memory->total = 24576ULL << 20;
    memory->used = (1000ULL * (index_of(device) + 1)) << 20;
    memory->free = memory->total - memory->used;
    return 0;
}

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *util)
{
    if (getenv("FAKE_NVML_NO_FIGURES"))
        return NOT_SUPPORTED;
    *util = (struct utilization){ 37 * (1 - index_of(device)), 5 };
    return 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device, unsigned *len, struct process *list)
{
    if (*len < 1)
        return TOO_SMALL;
    *len = 1;
    *list = (struct process){ 4400, UINT64_MAX, 0, 0 };
    if (index_of(device) == 0)
        *list = (struct process){ (unsigned)number_of("FAKE_NVML_PID", 4321), 900ULL << 20, 0, 0 };
    return 0;
}

int nvmlDeviceGetCudaComputeCapability(void *device, int *major, int *minor)
{
    (void)device;
    *major = 8;
    *minor = 9;
    return 0;
}
