/* Arguments, and words for what is wrong with them. */
#include "policy/api_private.h"

#include <math.h>

static const char *function_name(lua_State *L)
{
    lua_Debug frame;

    /* A function that another of ours calls has no name: the other's is the script's. */
    for (int level = 0; level < 2 && lua_getstack(L, level, &frame); level++) {
        if (lua_getinfo(L, "n", &frame) && frame.name)
            return frame.name;
    }
    return "function";
}

const char *policy_number_name(double number, char out[POLICY_NUMBER_SIZE])
{
    if (isnan(number))
        return "NaN";
    if (isinf(number))
        return number > 0 ? "infinity" : "-infinity";
    (void)snprintf(out, POLICY_NUMBER_SIZE, "%.14g", number);
    return out;
}

static const char *text_name(lua_State *L, int index)
{
    enum { SHOWN_BYTES_MAX = 40 };
    size_t len;
    const char *text = lua_tolstring(L, index, &len);

    return len <= SHOWN_BYTES_MAX ? lua_pushfstring(L, "\"%s\"", text)
                                  : lua_pushfstring(L, "a text of %d bytes", (int)len);
}

static const char *value_name(lua_State *L, int index)
{
    const struct api_set *set = api_to_set(L, index);
    const struct api_proxy *proxy = lua_touserdata(L, index);
    char number[POLICY_NUMBER_SIZE];

    if (set)
        return lua_pushfstring(L, "a list of %ss", api_object_name(set->of));
    if (lua_type(L, index) == LUA_TNUMBER)
        return lua_pushstring(L, policy_number_name(lua_tonumber(L, index), number));
    if (lua_type(L, index) == LUA_TUSERDATA && proxy->kind < API_OBJECT_COUNT_)
        return lua_pushfstring(L, "a %s", api_object_name(proxy->kind));
    if (lua_type(L, index) == LUA_TSTRING)
        return text_name(L, index);
    return luaL_typename(L, index);
}

void api_bad_argument(lua_State *L, int index, const char *expected)
{
    luaL_error(L, "%s: argument %d must be %s, not %s", function_name(L), index, expected,
               value_name(L, index));
    __builtin_unreachable();
}

void api_fail(lua_State *L, const char *fmt, ...)
{
    char words[200];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(words, sizeof(words), fmt, args);
    va_end(args);
    luaL_error(L, "%s: %s", function_name(L), words);
    __builtin_unreachable();
}

void api_drop_self(lua_State *L)
{
    if (lua_gettop(L) > 0 && lua_rawequal(L, 1, lua_upvalueindex(1)))
        lua_remove(L, 1);
}

uint32_t api_self_row(lua_State *L, const struct policy *p)
{
    const struct api_proxy *self = lua_touserdata(L, lua_upvalueindex(1));
    uint32_t generation;

    api_drop_self(L);
    if (!api_row(p, self->kind, self->row, &generation) || generation != self->generation)
        return SNAP_NONE;
    return self->row;
}

const struct api_set *api_self_set(lua_State *L, struct policy *p, uint32_t of,
                                   struct api_rows *ret)
{
    const struct api_set *set = lua_touserdata(L, lua_upvalueindex(1));

    api_drop_self(L);
    if (of != API_OBJECT_COUNT_ && set->of != of)
        api_fail(L, "is for lists of %ss; this is a list of %ss", api_object_name(of),
                 api_object_name(set->of));
    *ret = api_set_rows(L, p, set);
    return set;
}

struct str api_arg_text(lua_State *L, int index)
{
    struct str s;

    if (lua_type(L, index) != LUA_TSTRING)
        api_bad_argument(L, index, "a text");
    s.p = lua_tolstring(L, index, &s.len);
    if (s.len > API_TEXT_BYTES_MAX)
        api_fail(L, "argument %d is longer than %d bytes", index, API_TEXT_BYTES_MAX);
    return s;
}

double api_arg_number(lua_State *L, int index)
{
    double value = lua_tonumber(L, index);

    if (lua_type(L, index) != LUA_TNUMBER || isnan(value))
        api_bad_argument(L, index, "a number");
    return value;
}

uint64_t api_arg_amount(lua_State *L, int index)
{
    double value = api_arg_number(L, index);

    if (value < 0)
        api_bad_argument(L, index, "a number that is not negative");
    if (lua_isinteger(L, index))
        return (uint64_t)lua_tointeger(L, index);
    return value >= 0x1p63 ? INT64_MAX : (uint64_t)ceil(value);
}

void api_arg_function(lua_State *L, int index)
{
    if (lua_type(L, index) != LUA_TFUNCTION)
        api_bad_argument(L, index, "a function");
}

static uint32_t find_by_text(lua_State *L, struct policy *p, enum api_object object, struct str id)
{
    const struct snapshot *s = p->snapshot;

    switch ((int)object) {
    case API_JOB:
        return snapshot_find_job(s, id);
    case API_WORKER:
        return snapshot_find_worker(s, id);
    case API_POOL:
        return snapshot_find_pool(s, id);
    case API_TENANT:
        return snapshot_find_tenant(s, id);
    case API_MODEL:
        return api_find_model(L, p, id);
    default:
        return SNAP_NONE;
    }
}

uint32_t api_arg_row(lua_State *L, struct policy *p, int index, enum api_object object)
{
    char expected[64];
    uint32_t row;

    if (api_is(L, index, object, &row))
        return row;
    if (lua_type(L, index) == LUA_TSTRING)
        return find_by_text(L, p, object, api_arg_text(L, index));
    (void)snprintf(expected, sizeof(expected), "a %s or its %s", api_object_name(object),
                   object == API_MODEL ? "reference" : "id");
    api_bad_argument(L, index, expected);
}

const struct snap_job *api_arg_job(lua_State *L, struct policy *p, int index)
{
    if (!lua_isnoneornil(L, index))
        return snapshot_job(p->snapshot, api_arg_row(L, p, index, API_JOB));
    return p->call ? snapshot_job(p->snapshot, p->call->job) : NULL;
}
