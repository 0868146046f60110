/*
 * What a script returned, read into decisions: by raw access, every type and length looked
 * at, so that neither metamethods nor NULs nor sheer size can do anything.
 */
#include "policy/state.h"

#include <lauxlib.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>

enum { NESTING_MAX = 4 }; /* of batches */

struct reading {
    lua_State *L;
    struct policy *p;
    struct policy_answer *ret;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void fail(struct reading *r, const char *fmt, ...)
{
    va_list args;

    if (r->failed)
        return;
    r->failed = true;
    r->ret->failure = POLICY_INVALID;
    r->ret->decisions.len = 0;
    va_start(args, fmt);
    (void)vsnprintf(r->ret->message, sizeof(r->ret->message), fmt, args);
    va_end(args);
}

/* --- Fields of the table at the top --------------------------------------- */

/* Push it; its type. */
static int field(struct reading *r, const char *name)
{
    lua_pushstring(r->L, name);
    return lua_rawget(r->L, -2);
}

/* A text member into a fixed array; absent: "". */
static void read_text(struct reading *r, const char *name, char *dst, size_t size)
{
    int type = field(r, name);
    size_t len = 0;
    const char *text = type == LUA_TSTRING ? lua_tolstring(r->L, -1, &len) : "";

    dst[0] = '\0';
    if (type != LUA_TNIL && type != LUA_TSTRING)
        fail(r, "'%s' must be a text, not a %s", name, lua_typename(r->L, type));
    else if (!str_copy(dst, size, (struct str){ text, len }))
        fail(r, "'%s' is too long, or holds a NUL", name);
    lua_pop(r->L, 1);
}

/* Words for people: cut rather than refused, without control characters. */
static void read_words(struct reading *r, const char *name, char *dst, size_t size)
{
    int type = field(r, name);
    size_t len = 0;
    const char *text = type == LUA_TSTRING ? lua_tolstring(r->L, -1, &len) : "";

    if (len >= size)
        len = size - 1;
    while (len > 0 && len == size - 1 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--; /* a character whole, or not at all */
    for (size_t i = 0; i < len; i++)
        dst[i] = (char)((unsigned char)text[i] < 32 || text[i] == 127 ? ' ' : text[i]);
    dst[len] = '\0';
    lua_pop(r->L, 1);
}

/* A number member from 0 to `max`; absent: `otherwise`. */
static int64_t read_number(struct reading *r, const char *name, bool is_whole, int64_t max,
                           int64_t otherwise)
{
    char number[POLICY_NUMBER_SIZE];
    int type = field(r, name);
    lua_Number n = type == LUA_TNUMBER ? lua_tonumber(r->L, -1) : -1; /* -1: no good */
    bool is_good = n >= 0 && n <= (lua_Number)max && (!is_whole || n == floor(n));

    if (type != LUA_TNIL && !is_good)
        fail(r, "'%s' must be a %snumber from 0 to %lld, not %s%s", name, is_whole ? "whole " : "",
             (long long)max, type == LUA_TNUMBER ? "" : "a ",
             type == LUA_TNUMBER ? policy_number_name(n, number) : lua_typename(r->L, type));
    lua_pop(r->L, 1);
    return is_good ? (int64_t)n : otherwise;
}

/* --- One kind of decision each -------------------------------------------- */

static void read_wait(struct reading *r, struct decision *d)
{
    d->retry_after_ms = (uint32_t)read_number(r, "retry_after_ms", false, UINT32_MAX, 0);
}

static void read_dispatch(struct reading *r, struct decision *d)
{
    read_text(r, "worker_id", d->worker_id, sizeof(d->worker_id));
    if (!r->failed && d->worker_id[0] == '\0')
        fail(r, "a dispatch without 'worker_id'");
}

/* A policy may put it in its own words; on the wire a code is one word. */
static void read_code(struct reading *r, struct decision *d)
{
    char words[DECISION_REASON_SIZE];
    size_t len = 0;

    read_words(r, "code", words, sizeof(words));
    for (const char *at = words; *at && len + 1 < sizeof(d->code); at++) {
        bool is_upper = *at >= 'A' && *at <= 'Z';
        bool is_word = is_upper || (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (is_word || (len > 0 && d->code[len - 1] != '_'))
            d->code[len++] = (char)(is_upper ? *at + 32 : is_word ? *at : '_');
    }
    while (len > 0 && d->code[len - 1] == '_')
        len--;
    d->code[len] = '\0';
    if (len == 0)
        fail(r, "a rejection without 'code'");
    if (d->reason[0] == '\0' && strcmp(words, d->code) != 0)
        (void)str_copy(d->reason, sizeof(d->reason), str_of(words));
}

static void read_reject(struct reading *r, struct decision *d)
{
    d->status = (uint32_t)read_number(r, "status", true, 999, 403);
    read_code(r, d);
    if (d->status != 403 && d->status != 429 && d->status != 503 && d->status != 504)
        fail(r, "a rejection's 'status' must be 403, 429, 503 or 504, not %u", d->status);
}

static void read_evict(struct reading *r, struct decision *d)
{
    read_text(r, "worker_id", d->worker_id, sizeof(d->worker_id));
    if (d->worker_id[0] == '\0')
        read_text(r, "evict_worker_id", d->worker_id, sizeof(d->worker_id));
    if (!r->failed && d->worker_id[0] == '\0')
        fail(r, "an eviction without 'worker_id'");
}

static void read_start(struct reading *r, struct decision *d)
{
    bool is_nested = field(r, "start_worker") == LUA_TTABLE;

    if (!is_nested)
        lua_pop(r->L, 1);
    read_text(r, "model_ref", d->model, sizeof(d->model));
    read_text(r, "pool_id", d->hive_id, sizeof(d->hive_id));
    d->gpu = (int32_t)read_number(r, "gpu_id", true, 255, DECISION_GPU_ANY);
    if (!r->failed && d->model[0] == '\0')
        fail(r, "a start_worker without 'model_ref'");
    if (is_nested)
        lua_pop(r->L, 1);
}

static void (*const readers[DECISION_ACTION_COUNT_])(struct reading *r, struct decision *d) = {
    [DECIDE_WAIT] = read_wait,   [DECIDE_DISPATCH] = read_dispatch, [DECIDE_REJECT] = read_reject,
    [DECIDE_EVICT] = read_evict, [DECIDE_START] = read_start,
};

/* --- Tables --------------------------------------------------------------- */

static struct decision *add(struct reading *r, enum decision_action action)
{
    struct decisions *all = &r->ret->decisions;

    if (all->len == DECISIONS_MAX) {
        fail(r, "more than %d decisions in one answer", DECISIONS_MAX);
        return NULL;
    }
    struct decision *d = &all->items[all->len];
    memset(d, 0, sizeof(*d));
    d->action = action;
    d->gpu = DECISION_GPU_ANY;
    all->len++;
    return d;
}

static void read_table(struct reading *r, unsigned depth);

/* The sequence at the top. */
static void read_list(struct reading *r, unsigned depth)
{
    size_t len = lua_rawlen(r->L, -1);

    if (len > DECISIONS_MAX)
        fail(r, "more than %d decisions in one answer", DECISIONS_MAX);
    for (size_t i = 1; i <= len && !r->failed; i++) {
        if (lua_rawgeti(r->L, -1, (lua_Integer)i) == LUA_TTABLE)
            read_table(r, depth + 1);
        else
            fail(r, "decision %zu of the list is a %s, not a table", i, luaL_typename(r->L, -1));
        lua_pop(r->L, 1);
    }
}

static void read_batch(struct reading *r, unsigned depth)
{
    if (field(r, "actions") == LUA_TTABLE)
        read_list(r, depth);
    else
        fail(r, "a batch without the list 'actions'");
    lua_pop(r->L, 1);
}

static void read_decision(struct reading *r, const char *name, unsigned depth)
{
    enum decision_action action;

    if (strcmp(name, "batch") == 0) {
        read_batch(r, depth);
        return;
    }
    if (!decision_action_parse(str_of(name), &action)) {
        fail(r, "unknown action '%s': use dispatch, wait, reject, evict, start_worker or batch",
             name);
        return;
    }
    struct decision *d = add(r, action);
    if (!d)
        return;
    read_text(r, "job_id", d->job_id, sizeof(d->job_id));
    read_words(r, "reason", d->reason, sizeof(d->reason));
    readers[action](r, d);
}

/* The table at the top: one decision, or a list of them. */
static void read_table(struct reading *r, unsigned depth)
{
    char name[32];

    if (depth > NESTING_MAX || !lua_checkstack(r->L, 8)) {
        fail(r, "decisions nested deeper than %d", NESTING_MAX);
        return;
    }
    if (field(r, "action") == LUA_TNIL) {
        lua_pop(r->L, 1);
        lua_pushnil(r->L);
        if (!lua_next(r->L, -2))
            return; /* an empty list: nothing to do */
        lua_pop(r->L, 2);
        if (lua_rawlen(r->L, -1) > 0)
            read_list(r, depth);
        else
            fail(r, "a table without 'action' is no decision");
        return;
    }
    lua_pop(r->L, 1);
    read_text(r, "action", name, sizeof(name));
    if (!r->failed)
        read_decision(r, name, depth);
}

/* --- Answers -------------------------------------------------------------- */

static bool read_worker(struct reading *r)
{
    const struct snap_worker *worker;
    struct decision *d;
    uint32_t row;

    if (!api_is(r->L, -1, API_WORKER, &row))
        return false;
    worker = snapshot_worker(r->p->snapshot, row);
    d = worker ? add(r, DECIDE_DISPATCH) : NULL;
    if (!d ||
        !str_copy(d->worker_id, sizeof(d->worker_id), snapshot_text(r->p->snapshot, worker->id)))
        fail(r, "the worker is not there any more");
    return true;
}

/* Words for what people return by mistake. */
static const char *hint(lua_State *L)
{
    uint32_t row;

    if (api_is(L, -1, API_SET, &row))
        return "a set of workers; pick one: :first(), :least_loaded() …";
    if (api_is(L, -1, API_POOL, &row))
        return "a pool; pick one of its workers";
    return luaL_typename(L, -1);
}

static void read_decisions(struct reading *r, const struct policy_call *call)
{
    if (lua_isnil(r->L, -1) || (call->kind == ASK_JOB && read_worker(r)))
        return;
    if (lua_istable(r->L, -1))
        read_table(r, 0);
    else
        fail(r, "it answered %s; %s", hint(r->L),
             call->kind == ASK_JOB ? "schedule_job answers a worker, reject(…), wait(…) or nil"
                                   : "schedule answers a decision, a list of them, or nil");
}

static void read_admit(struct reading *r)
{
    static const struct decision refused = {
        .action = DECIDE_REJECT,
        .gpu = DECISION_GPU_ANY,
        .status = 403,
        .code = "not_admitted",
    };
    struct decision *d;

    switch (lua_type(r->L, -1)) {
    case LUA_TNIL:
        break;
    case LUA_TBOOLEAN:
        r->ret->yes = lua_toboolean(r->L, -1);
        d = r->ret->yes ? NULL : add(r, DECIDE_REJECT);
        if (d)
            *d = refused;
        break;
    case LUA_TTABLE:
        read_table(r, 0);
        r->ret->yes = false;
        if (!r->failed &&
            (r->ret->decisions.len != 1 || r->ret->decisions.items[0].action != DECIDE_REJECT))
            fail(r, "should_admit answers true or reject(…)");
        break;
    default:
        fail(r, "should_admit answers true or reject(…), not a %s", luaL_typename(r->L, -1));
    }
}

static void read_retry(struct reading *r)
{
    lua_Number delay_ms;

    switch (lua_type(r->L, -1)) {
    case LUA_TNIL:
        break;
    case LUA_TBOOLEAN:
        r->ret->yes = lua_toboolean(r->L, -1);
        break;
    case LUA_TNUMBER:
        delay_ms = lua_tonumber(r->L, -1);
        if (delay_ms >= 0 && delay_ms <= UINT32_MAX)
            r->ret->delay_ms = (uint32_t)delay_ms;
        else
            fail(r, "should_retry answered %g; a delay is in ms and not negative", delay_ms);
        break;
    default:
        fail(r, "should_retry answers true, false or a delay in ms, not a %s",
             luaL_typename(r->L, -1));
    }
}

void policy_read_answer(struct policy *p, const struct policy_call *call, struct policy_answer *ret)
{
    struct reading r = { .L = p->L, .p = p, .ret = ret };

    switch (call->kind) {
    case ASK_SCHEDULE:
    case ASK_JOB:
        read_decisions(&r, call);
        break;
    case ASK_ADMIT:
        read_admit(&r);
        break;
    case ASK_RETRY:
        read_retry(&r);
        break;
    case ASK_OUTCOME:
    case ASK_KIND_COUNT_:
        break;
    }
}
