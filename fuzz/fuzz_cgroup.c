/* Files of cgroupfs. */
#include "supervisor/cgroup.h"

#include "base/mem.h"

#include "expect.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size }, path;
    uint64_t cpu_us = 7, read_bytes, write_bytes;

    if (cgroup_parse_membership(text, &path))
        expect(path.len > 0 && path.p[0] == '/' && path.p >= text.p &&
               path.p + path.len <= text.p + text.len);
    if (cgroup_parse_controllers(text, "memory"))
        expect(size >= 6);
    if (!cgroup_parse_cpu(text, &cpu_us))
        expect(cpu_us == 7);
    cgroup_parse_io(text, &read_bytes, &write_bytes);
    return 0;
}
