#include "hive/memory.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "supervisor/kernel_text.h"

enum { MEMINFO_BYTES_MAX = 16 * 1024, KIB_PER_MB = 1024 };

bool memory_parse(struct str meminfo, uint64_t *ret_mb, uint64_t *ret_free_mb)
{
    uint64_t total_kib, available_kib;

    if (!kernel_text_number(meminfo, "MemTotal", &total_kib) ||
        !kernel_text_number(meminfo, "MemAvailable", &available_kib) || available_kib > total_kib)
        return false;
    *ret_mb = total_kib / KIB_PER_MB;
    *ret_free_mb = available_kib / KIB_PER_MB;
    return true;
}

void memory_look(uint64_t *ret_mb, uint64_t *ret_free_mb)
{
    AUTO(buf_deinit) struct buf text;
    struct err ignored;

    buf_init(&text, MEMINFO_BYTES_MAX);
    if (file_read("/proc/meminfo", &text, &ignored) < 0 ||
        !memory_parse(buf_str(&text), ret_mb, ret_free_mb))
        *ret_mb = *ret_free_mb = 0;
}
