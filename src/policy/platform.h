/*
 * platform - the built-in platform policy (policies/platform.lua, embedded) as a strategy
 * of the core: in the queen's process, in a state of its own, over the core's live snapshot.
 *
 * When it errs (never expected: counted, logged) the C last resort decides: the first
 * worker with the model and room, else wait (strategy_simple).
 */
#pragma once

#include "policy/policy.h"
#include "scheduler/strategy.h"
#include "snapshot/live.h"

extern const char platform_source[]; /* embedded policies/platform.lua */
extern const size_t platform_source_len;

struct platform;

/* `core` is borrowed and outlives it; core_set_strategy() it. NULL with words in `err` when
 * the embedded policy does not load (a bug of ours). */
struct platform *platform_new(const struct core *core, const struct live_options *options,
                              struct err *err);
void platform_free(struct platform *p);

const struct strategy *platform_strategy(const struct platform *p);
struct live *platform_live(struct platform *p); /* shared with whoever asks user policies */

struct platform_stats {
    uint64_t calls_total, errors_total; /* errors: the last resort decided */
    size_t memory_bytes;
    char last_error[POLICY_MESSAGE_SIZE];
};
void platform_get_stats(const struct platform *p, struct platform_stats *ret);

/* What its last decision came from, and how long it took. */
void platform_last_inputs(const struct platform *p, uint32_t *ret_job, uint64_t *ret_seed,
                          uint64_t *ret_time_us);

/* The same policy over another snapshot (a recorded one, a simulated one); borrowed. The
 * caller frees it. NULL with words in `err`. */
struct policy *platform_over(const struct snapshot *s, struct err *err);

/* Decide about one of its jobs. */
void platform_decide(struct policy *platform, uint32_t job, uint64_t seed, bool want_scores,
                     struct policy_answer *ret);
