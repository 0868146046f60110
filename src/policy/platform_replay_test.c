/*
 * The built-in policy under an hour of another core's traffic: it never errs, and the same
 * events give the same actions, byte for byte. (Runs that this core did not begin never end
 * here, and others end that it did: workers fill and empty at random.)
 */
#include "policy/platform.h"
#include "scheduler/core_world.h"
#include "scheduler/event_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { MINUTES = 30, MS_PER_MINUTE = 60000, LOG_BYTES_MAX = 512 * 1024 * 1024 };

struct report {
    unsigned actions[CORE_ACTION_KIND_COUNT_];
    unsigned refused; /* decisions of the policy that could not be */
    struct platform_stats stats;
};

static void note(struct report *ret, const struct core_action *a)
{
    ret->actions[a->kind]++;
    if (a->kind != CORE_DECIDED || a->decided.failure != POLICY_INVALID)
        return;
    if (strcmp(a->decided.policy, "platform") != 0 || a->decided.asked_policy[0])
        return; /* another one's */
    if (ret->refused++ < 5)
        print_message("%s\n", a->decided.message);
}

static void run(struct str events, struct buf *actions, struct report *ret)
{
    const struct live_options live = { .wall_offset_ms = 1700000000000 };
    struct core *core = world_core();
    struct logged_event e;
    struct err err = { 0 };
    struct platform *platform = platform_new(core, &live, &err);

    assert_non_null(platform);
    core_set_strategy(core, platform_strategy(platform));
    logged_event_init(&e);
    assert_int_equal(event_log_open(&events, &err), 0);
    while (events.len > 0) {
        const struct core_action *did;
        size_t len;

        assert_int_equal(event_log_next(&events, &e, &err), 0);
        core_handle(core, &e.event);
        did = core_actions(core, &len);
        for (size_t i = 0; i < len; i++) {
            action_log_add(actions, &did[i]);
            note(ret, &did[i]);
        }
    }
    platform_get_stats(platform, &ret->stats);
    logged_event_deinit(&e);
    platform_free(platform);
    core_free(core);
}

static void the_same_events_give_the_same_actions_and_no_error(void **state)
{
    struct buf events, ignored, first, second;
    struct report report = { .refused = 0 }, again = { .refused = 0 };
    const struct world_options options = { .seed = 7,
                                           .duration_ms = (uint64_t)MINUTES * MS_PER_MINUTE,
                                           .events = &events,
                                           .actions = &ignored };
    (void)state;

    buf_init(&events, LOG_BYTES_MAX);
    buf_init(&ignored, LOG_BYTES_MAX);
    buf_init(&first, LOG_BYTES_MAX);
    buf_init(&second, LOG_BYTES_MAX);
    event_log_begin(&events);
    (void)world_run(&options);
    run(buf_str(&events), &first, &report);
    run(buf_str(&events), &second, &again);

    print_message("%llu calls, %u dispatched, %u started, %u evicted, %u refused\n",
                  (unsigned long long)report.stats.calls_total, report.actions[CORE_DISPATCH],
                  report.actions[CORE_START], report.actions[CORE_EVICT], report.refused);
    assert_string_equal(report.stats.last_error, "");
    assert_true(report.actions[CORE_DISPATCH] > 100);
    assert_true(report.stats.memory_bytes < POLICY_MEMORY_BYTES / 2);
    assert_int_equal(buf_len(&first), buf_len(&second));
    assert_memory_equal(buf_cstr(&first), buf_cstr(&second), buf_len(&first));
    buf_deinit(&events);
    buf_deinit(&ignored);
    buf_deinit(&first);
    buf_deinit(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_events_give_the_same_actions_and_no_error),
    };

    return cmocka_run_group_tests_name("platform policy: replay", tests, NULL, NULL);
}
