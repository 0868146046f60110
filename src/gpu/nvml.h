/* nvml - NVIDIA's management library, loaded at run time: no driver is needed to build
 * or to run without a GPU. Blocking; one thread at a time. */
#pragma once

#include "base/err.h"
#include "gpu/gpu.h"

struct nvml;

/* Errors: ERR_UNSUPPORTED: not installed, lacks a function, or will not start. */
MUST_CHECK int nvml_open(const char *library, struct nvml **ret, struct err *err);
void nvml_close(struct nvml *n); /* NULL is fine */

/* Fill gpus and processes. A GPU that does not answer keeps its place in the
 * numbering and is left out. ERR_UPSTREAM when the driver has gone: open anew. */
MUST_CHECK int nvml_look(struct nvml *n, struct gpu_sample *ret, struct err *err);
