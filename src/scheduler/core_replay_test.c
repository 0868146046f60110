/* The same events in the same order give the same actions, byte for byte: hours of them. */
#include "scheduler/core_world.h"
#include "scheduler/event_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

enum { HOURS = 3, MS_PER_HOUR = 3600000, LOG_BYTES_MAX = 512 * 1024 * 1024 };

static void run_again(struct str events, struct buf *actions)
{
    struct core *core = world_core();
    struct logged_event e;
    struct err err;

    logged_event_init(&e);
    assert_int_equal(event_log_open(&events, &err), 0);
    while (events.len > 0) {
        const struct core_action *did;
        size_t len;

        assert_int_equal(event_log_next(&events, &e, &err), 0);
        core_handle(core, &e.event);
        did = core_actions(core, &len);
        for (size_t i = 0; i < len; i++)
            action_log_add(actions, &did[i]);
    }
    logged_event_deinit(&e);
    core_free(core);
}

static void hours_of_traffic_run_again_give_the_same_actions_byte_for_byte(void **state)
{
    struct buf events, actions, again;
    struct world_options options = { .seed = 4,
                                     .duration_ms = HOURS * (uint64_t)MS_PER_HOUR,
                                     .events = &events,
                                     .actions = &actions };
    (void)state;

    buf_init(&events, LOG_BYTES_MAX);
    buf_init(&actions, LOG_BYTES_MAX);
    buf_init(&again, LOG_BYTES_MAX);
    event_log_begin(&events);
    struct world_report report = world_run(&options);
    assert_false(events.overflowed || actions.overflowed);

    run_again(buf_str(&events), &again);
    assert_int_equal(buf_len(&actions), buf_len(&again));
    assert_memory_equal(buf_cstr(&actions), buf_cstr(&again), buf_len(&again));

    /* It is only worth something if a lot happened. */
    print_message("%u jobs, %u dispatched, %u failed, %u asked, %u started, %u evicted, "
                  "%u stood in for; %zu bytes of events, %zu of actions\n",
                  report.jobs, report.dispatched, report.failed, report.asked, report.starts,
                  report.evictions, report.fallbacks, buf_len(&events), buf_len(&actions));
    assert_true(report.jobs > 10000 && report.dispatched > 10000 && report.failed > 1000);
    assert_true(report.asked > 10000 && report.fallbacks > 1000);
    assert_true(report.starts > 50 && report.evictions > 50);
    buf_deinit(&events);
    buf_deinit(&actions);
    buf_deinit(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_of_traffic_run_again_give_the_same_actions_byte_for_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
