/*
 * core_drive - play bytes as events to a core, and check after each one that the core
 * keeps its promises. For the random test and the fuzzer; a broken promise asserts.
 *
 * The world is small on purpose (a few workers, hives and models, short queues), so that
 * whatever can collide does. A table of its own says what the actions so far mean, and
 * the core must agree with it:
 *
 *   - each arrival is answered once, in its event unless a user policy is asked; nothing is
 *     said of a job that is gone
 *   - a job runs where it may: model, pins, not tried before, up, within the slots
 *   - the ledger is the sum of the runs, worker by worker
 *   - no job waits beyond its deadline or the queue's timeout; nor, unless a user policy
 *     has a say, one that could run, or for workers none of which is there any more
 *   - no more than ASKS_OUT_MAX questions are out, decisions have numbers without gaps, evicted
 * workers get no work, and what starts reserve comes back
 */
#pragma once

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Play all of it, then end every job that is left, and check that nothing stays behind.
 * `log` gets a line for each action. */
void core_drive(const uint8_t *bytes, size_t len, struct buf *log);
