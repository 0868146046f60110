/*
 * state - what struct policy holds, for the files of policy/ alone.
 */
#pragma once

#include "base/random.h"
#include "policy/api.h"
#include "policy/heap.h"
#include "policy/policy.h"

#include <lua.h>
#include <signal.h>

/* What a script may define, kept by reference from its load on. */
enum {
    FUNCTION_SCHEDULE,
    FUNCTION_JOB,
    FUNCTION_ADMIT,
    FUNCTION_RETRY,
    FUNCTION_OUTCOME,
    FUNCTION_LOOK_AROUND,
    FUNCTION_COUNT_,
};

struct policy {
    lua_State *L;
    const struct snapshot *snapshot;
    struct policy *platform; /* borrowed; NULL: this is it */
    struct str platform_source;
    bool is_platform;
    char name[64]; /* of the text, in messages */
    struct script_lua lua;
    struct policy_info info;
    int functions[FUNCTION_COUNT_]; /* registry references; LUA_NOREF */
    struct heap heap;               /* of L */

    /* Of the running call. */
    const struct policy_call *call;
    struct policy_answer *answer; /* log, metrics and scores go here as they come */
    unsigned error_line;          /* Lua line that the last error came from; 0: unknown */
    volatile sig_atomic_t is_interrupted;
    struct rng rng;

    struct api_state *api; /* api's own: caches of strings and rows */
};

struct policy *policy_of(lua_State *L); /* by the state's extra space */

/* The whitelist of globals, before api_open(): what Lua's libraries offer that can do no harm.
 * May raise, as the next; both run protected. */
void env_open(lua_State *L);
void env_open_rhai(lua_State *L); /* the global `rhai`, for texts that name it (rhai/rhai.h) */

/* A failed lua_pcall(): what it left on the stack becomes failure, message and line, in the
 * author's lines. Pops it. */
void policy_take_error(struct policy *p, int status, struct policy_answer *ret);

/* A number as the words of a refusal name it: "-1", "NaN", "infinity". */
enum { POLICY_NUMBER_SIZE = 32 };
const char *policy_number_name(double number, char out[POLICY_NUMBER_SIZE]);

/* Write one line into the call's log, as much of it as fits; after one that was cut, none. */
void policy_log(struct policy *p, const char *level, struct str text);

/* Read what an entry point or hook left on the stack's top into the answer; raw reads only,
 * never calls anything. POLICY_INVALID with words for nonsense. */
void policy_read_answer(struct policy *p, const struct policy_call *call,
                        struct policy_answer *ret);
