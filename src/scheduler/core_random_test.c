/* The core's promises under random events, and that the same events do the same. */
#include "scheduler/core_drive.h"

#include "base/mem.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { SEEDS = 20, BYTES = 20000, LOG_MAX = 4 * 1024 * 1024 }; /* about 4,000 events a seed */

static void play(uint64_t seed, struct buf *log)
{
    AUTO(free_ptr) uint8_t *bytes = mem_alloc(BYTES, 1);
    struct rng rng;

    rng_seed(&rng, seed);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (uint8_t)rng_next(&rng);
    buf_init(log, LOG_MAX);
    core_drive(bytes, BYTES, log);
    assert_false(log->overflowed);
}

static void promises_hold_and_the_same_events_do_the_same_byte_for_byte(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct buf first, second;

        play(seed, &first);
        play(seed, &second);
        assert_string_equal(buf_cstr(&first), buf_cstr(&second));
        buf_deinit(&first);
        buf_deinit(&second);
    }
}

/* The walk is only worth something if it goes everywhere. */
static void the_random_walk_reaches_every_kind_of_answer(void **state)
{
    static const char *const answers[] = {
        "dispatch ",
        " 2\n",
        " 3\n",
        "queued ",
        "model_not_found",
        "no_workers",
        "queue_full",
        "queue_timeout",
        "deadline_exceeded",
        "worker_error",
        "not_found",
        "invalid_value",
        "in the middle of its",
        "before its first",
        "came back",
        "first token",
        "became free",
        "in the queue",
        "model m",
        "ask schedule",
        "ask job",
        "ask admit",
        "ask retry",
        "ask outcome",
        "start m",
        "evict w",
        "breaker",
        "timeout mine.lua",
        "invalid there is no job",
        "does not wait for a worker",
        "has no free slot",
        "has model",
        "is offline",
        "is busy",
        "does not list model",
        "policy_rejected",
        "should_admit answers",
    };
    bool reached[sizeof(answers) / sizeof(answers[0])] = { false };
    (void)state;

    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct buf log;

        play(seed, &log);
        for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
            reached[i] = reached[i] || strstr(buf_cstr(&log), answers[i]);
        buf_deinit(&log);
    }
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        if (!reached[i])
            fail_msg("no '%s' in the logs", answers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(promises_hold_and_the_same_events_do_the_same_byte_for_byte),
        cmocka_unit_test(the_random_walk_reaches_every_kind_of_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
