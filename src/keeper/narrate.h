/* narrate - prints what a job narrates to stderr, for keeper_job(). */
#pragma once

#include "base/str.h"

#include <stdbool.h>

/* A keeper_event_fn: `narration` events become lines on stderr. */
bool narrate(void *data, struct str name, struct str json);
