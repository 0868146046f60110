/*
 * Bytes as events to the core. core_drive() checks its promises after each event; here
 * the same events must also lead to the same actions, byte for byte.
 */
#include "scheduler/core_drive.h"

#include <stdint.h>
#include <stdlib.h>

enum { LOG_MAX = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf first, second;

    buf_init(&first, LOG_MAX);
    buf_init(&second, LOG_MAX);
    core_drive(data, size, &first);
    core_drive(data, size, &second);
    if (strcmp(buf_cstr(&first), buf_cstr(&second)) != 0)
        abort();
    buf_deinit(&first);
    buf_deinit(&second);
    return 0;
}
