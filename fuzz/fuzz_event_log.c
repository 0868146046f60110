/*
 * Bytes as records of an event log. Whatever is taken for an event must come back from the
 * bytes that it is written as, the same.
 */
#include "scheduler/event_log.h"

#include <stdint.h>
#include <stdlib.h>

enum { LOG_MAX = 64 * 1024 * 1024 };

static void check(const struct core_event *event)
{
    struct buf first, second;
    struct logged_event again;
    struct err err;

    buf_init(&first, LOG_MAX);
    buf_init(&second, LOG_MAX);
    logged_event_init(&again);
    event_log_add(&first, event);
    struct str rest = buf_str(&first);
    if (event_log_next(&rest, &again, &err) < 0 || rest.len > 0)
        abort();
    event_log_add(&second, &again.event);
    if (buf_len(&first) != buf_len(&second) ||
        memcmp(buf_cstr(&first), buf_cstr(&second), buf_len(&first)) != 0)
        abort();
    logged_event_deinit(&again);
    buf_deinit(&first);
    buf_deinit(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str log = { (const char *)data, size };
    struct logged_event e;
    struct err err;

    logged_event_init(&e);
    while (log.len > 0 && event_log_next(&log, &e, &err) == 0)
        check(&e.event);
    logged_event_deinit(&e);
    return 0;
}
