/* nvidia_smi - the same figures from NVIDIA's command line tool, for machines whose
 * library cannot be loaded. Parsers are pure; the rest blocks. */
#pragma once

#include "base/err.h"
#include "base/str.h"
#include "gpu/gpu.h"

#include <stdint.h>

/* Run `program` twice, each killed after timeout_ms. Errors: ERR_UNSUPPORTED (cannot be
 * run), ERR_TIMEOUT, ERR_UPSTREAM (it failed; says what it said). That only the processes
 * are not told is no error: ret->problem says why. */
MUST_CHECK int nvidia_smi_look(const char *program, uint64_t timeout_ms, struct gpu_sample *ret,
                               struct err *err);

/* --query-gpu=index,uuid,name,memory.total,memory.used,utilization.gpu as csv without
 * header and units. "[N/A]" and the like are absent figures; a line that is none is left out. */
void nvidia_smi_parse_gpus(struct str text, struct gpu_sample *ret);

/* --query-compute-apps=gpu_uuid,pid,process_name,used_gpu_memory; the name may hold
 * commas. Lines of GPUs that are not in `ret` are left out. */
void nvidia_smi_parse_processes(struct str text, struct gpu_sample *ret);
