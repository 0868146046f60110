/*
 * state - what struct policy holds, for the files of policy/ alone.
 */
#pragma once

#include "base/random.h"
#include "policy/api.h"
#include "policy/policy.h"

#include <lua.h>

struct policy {
    lua_State *L;
    const struct snapshot *snapshot;
    struct policy *platform; /* borrowed; NULL: this is it */
    struct str platform_source;
    bool is_platform;
    char name[64]; /* of the text, in messages */
    struct script_lua lua;
    struct policy_info info;
    size_t memory_bytes, memory_bytes_max;
    bool memory_refused; /* during this call */

    /* Of the running call. */
    const struct policy_call *call;
    struct policy_answer *answer; /* log, metrics and scores go here as they come */
    volatile bool is_interrupted;
    struct rng rng;

    struct api_state *api; /* api's own: caches of strings and rows */
};

struct policy *policy_of(lua_State *L); /* by the state's extra space */

/* Write one line into the call's log; cut at its cap. */
void policy_log(struct policy *p, const char *level, struct str text);

/* Read what an entry point or hook left on the stack's top into the answer; raw reads only,
 * never calls anything. POLICY_INVALID with words for nonsense. */
void policy_read_answer(struct policy *p, const struct policy_call *call,
                        struct policy_answer *ret);
