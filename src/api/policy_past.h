/*
 * policy_past - the state that a recorded decision came from, for those who tell about it,
 * with the platform policy over it, which scores its candidates again.
 */
#pragma once

#include "api/policies.h"

struct past {
    struct region *region;
    struct policy *platform; /* NULL: not needed yet, or it does not load: no scores then */
};

void past_init(struct past *past);
void past_deinit(struct past *past);

/* Make `ret` (sizeof(struct snapshot)) what was seen then. False: it is not kept any more. */
bool past_restore(struct region *ret, const struct policies *p, const struct trace_record *record);

/* NULL: it is not kept any more. Valid until the next call; the same memory each time. */
const struct snapshot *past_look(struct past *past, const struct policies *p,
                                 const struct trace_record *record);
