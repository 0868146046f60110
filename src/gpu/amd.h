/* amd - AMD GPUs as their kernel driver shows them in sysfs. Blocking. */
#pragma once

#include "gpu/gpu.h"

/* Adds each card under `drm_root` whose vendor is AMD, in the order of card numbers. */
void amd_look(const char *drm_root, struct gpu_sample *ret);
