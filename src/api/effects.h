/*
 * effects - what the core wants done at hives: workers started (CORE_START) and stopped
 * (CORE_EVICT), as operations that the hive carries out; how each ended goes back to the
 * core as an event.
 */
#pragma once

#include "scheduler/core.h"

struct queen;

void effects_start(struct queen *q, const struct core_action *action);
void effects_evict(struct queen *q, const struct core_action *action);
void effects_cancel_all(struct queen *q); /* stopping: nothing is told any more */
