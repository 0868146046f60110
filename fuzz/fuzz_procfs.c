/* Files of /proc: another user's process chooses its own name and command line. */
#include "supervisor/procfs.h"

#include "base/mem.h"

#include "expect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = { "--model-ref", "--alias", NULL };
    struct str text = { (const char *)data, size };
    struct proc_stat stat = { .pid = -7 };
    uint64_t first, second;
    char value[64];

    if (procfs_parse_stat(text, &stat))
        expect(stat.pid >= 0 && stat.pgrp >= 0 && stat.state != '\0');
    else
        expect(stat.pid == -7);
    (void)procfs_parse_rss(text, &first);
    (void)procfs_parse_io(text, &first, &second);
    if (procfs_cmdline_option(text, names, value, sizeof(value)))
        expect(value[0] && strlen(value) < sizeof(value));
    return 0;
}
