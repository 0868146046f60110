/* Tables of nvidia-smi: the first line of the input is the processes' table with its
 * lines parted by ';', the rest the GPUs'. */
#include "gpu/nvidia_smi.h"

#include "base/mem.h"

#include "expect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct gpu_sample *s)
{
    expect(s->gpus_len <= GPUS_PER_MACHINE_MAX && s->processes_len <= GPU_PROCESSES_MAX);
    for (size_t i = 0; i < s->gpus_len; i++)
        expect(s->gpus[i].has_util ? s->gpus[i].util_pct <= 100 : s->gpus[i].util_pct <= 0);
    for (size_t i = 0; i < s->processes_len; i++)
        expect(s->processes[i].gpu < s->gpus_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gpu_sample *sample = mem_alloc(1, sizeof(*sample));
    char *copy = mem_copy((struct str){ (const char *)data, size });
    char *newline = size ? memchr(copy, '\n', size) : NULL;
    size_t first = newline ? (size_t)(newline - copy) : size;

    for (size_t i = 0; i < first; i++)
        if (copy[i] == ';')
            copy[i] = '\n';
    nvidia_smi_parse_gpus((struct str){ copy + first, size - first }, sample);
    nvidia_smi_parse_processes((struct str){ copy, first }, sample);
    check(sample);
    free(copy);
    free(sample);
    return 0;
}
