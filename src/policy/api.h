/*
 * api - everything that a policy can name: one table that feeds the binding, the reference
 * page (docs/policies/reference.md) and the editors' completion (docs/policies/api.json).
 *
 * Private to policy/, but for api_reference_*(), which the generator uses.
 */
#pragma once

#include "base/json_write.h"
#include "policy/policy.h"

#include <lua.h>

/* The kinds of things that have members. */
enum api_object {
    API_GLOBALS, /* free functions and libraries' names */
    API_CONTEXT,
    API_JOB,
    API_USER, /* job.user */
    API_GEO,  /* job.user.geo, worker.geo, pool.geo */
    API_WORKER,
    API_POOL,
    API_GPU,
    API_TENANT,
    API_MODEL,
    API_METRICS,
    API_SET,   /* lists of workers, pools, models, jobs, tenants */
    API_QUEUE, /* what the queue has beyond a set */
    API_REGISTRY,
    API_HIVES,
    API_HELPERS,
    API_PLATFORM,
    API_LOG,
    API_RNG,
    API_OUTCOME,
    API_OBJECT_COUNT_,
};

/* How a field stands in its row, when it is a plain fact of it. */
enum api_fact {
    API_NO_FACT,
    API_BOOL, /* uint8_t */
    API_U32,
    API_U64,  /* beyond math.maxinteger: that */
    API_BITS, /* uint64_t whose bits count: may come out negative */
    API_I64,
    API_NUMBER,
    API_TEXT,
    API_LIST,
    API_CHARS, /* char array, NUL-terminated */
};

/* One line of the reference. `name` is what scripts write. A row is a function or method
 * (`call`), a derived field (`push`), a fact (`fact`), or a word of Lua's own (none). */
struct api_member {
    const char *name;
    const char *arguments; /* "(model_ref, pool_id?)"; NULL: a field */
    const char *type;      /* of the field or result: "string", "worker?", "set of workers" */
    const char *unit;      /* "ms", "MB", "tokens", "" */
    const char *cost;      /* "O(1)", "O(matching)" */
    const char *words;     /* one sentence */
    const char *example;   /* one line, or NULL */
    lua_CFunction call;    /* a function or method; NULL: a field */
    /* Push a field's value; `row` of the table that the object stands for. */
    void (*push)(lua_State *L, struct policy *p, uint32_t row);
    enum api_fact fact;
    uint16_t offset; /* of the fact in its row */
    uint32_t given;  /* bit of the row's `given` without which it is nil; 0: always there */
};
const struct api_member *api_members(enum api_object object, size_t *ret_len);
const char *api_object_name(enum api_object object); /* "worker" */

/* Called once per state, after the whitelist is in place: metatables, globals. May raise
 * (memory); runs protected. */
void api_open(lua_State *L, struct policy *p);

/* Called before each call: forget what was cached of rows that are others' by now. */
void api_begin_call(lua_State *L, struct policy *p, const struct policy_call *call);

/* Push an object as scripts see it; nil for an empty row. A row of things within others: gpus
 * count SNAP_POOL_GPUS_MAX per pool; for users, places and labels see api_private.h. */
void api_push_context(lua_State *L, struct policy *p);
void api_push_job(lua_State *L, struct policy *p, uint32_t row);
void api_push_worker(lua_State *L, struct policy *p, uint32_t row);
void api_push_pools(lua_State *L, struct policy *p); /* serves as pools and as registry */
void api_push_workers(lua_State *L, struct policy *p);
void api_push_outcome(lua_State *L, struct policy *p, const struct policy_call *call);

/* Is the value at `index` an object of this kind? Raw: no metamethod runs. */
bool api_is(lua_State *L, int index, enum api_object object, uint32_t *ret_row);

/* The Markdown page and the JSON for editors. */
void api_reference_page(struct buf *out);
void api_reference_json(struct json_out *out);
