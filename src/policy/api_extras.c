/* What hand-made contexts say beyond the rows: JSON text, parsed once per call. */
#include "policy/api_private.h"

#include "base/json.h"

#include <string.h>

/* --- JSON to Lua -------------------------------------------------------------------- */

/* A string as it stands in the text, with its quotes. Escapes are undone in Lua's memory. */
static void push_string(lua_State *L, struct str raw)
{
    struct json j;

    if (raw.len >= 2 && !memchr(raw.p, '\\', raw.len)) {
        lua_pushlstring(L, raw.p + 1, raw.len - 2);
        return;
    }
    char *text = lua_newuserdatauv(L, raw.len + 1, 0);
    text[0] = '\0';
    json_init(&j, raw);
    json_read_text(&j, text, raw.len + 1);
    lua_pushstring(L, text);
    lua_remove(L, -2);
}

static void push_number(lua_State *L, struct str raw)
{
    struct json j;
    int64_t whole;
    double number = 0;

    json_init(&j, raw);
    json_read_i64(&j, &whole);
    if (!j.failed) {
        lua_pushinteger(L, whole);
        return;
    }
    json_init(&j, raw);
    json_read_double(&j, &number);
    lua_pushnumber(L, number);
}

static void push_key(lua_State *L, struct json *j)
{
    char *text;

    if (!j->key_is_escaped) {
        lua_pushlstring(L, j->key.p, j->key.len);
        return;
    }
    text = lua_newuserdatauv(L, j->key.len + 1, 0);
    text[0] = '\0';
    (void)json_key_copy(j, text, j->key.len + 1);
    lua_pushstring(L, text);
    lua_remove(L, -2);
}

/* The next value; recursion ends at JSON_DEPTH_MAX, where the reader fails. */
static void push_value(lua_State *L, struct json *j)
{
    struct str raw = { "\"\"", 2 };
    bool yes = false;

    luaL_checkstack(L, 4, "JSON too deep");
    switch (json_peek(j)) {
    case JSON_OBJECT:
        lua_newtable(L);
        json_object(j)
        {
            push_key(L, j);
            push_value(L, j);
            lua_rawset(L, -3);
        }
        break;
    case JSON_ARRAY:
        lua_newtable(L);
        json_array(j)
        {
            push_value(L, j);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
        break;
    case JSON_STRING:
        json_read_raw(j, &raw);
        push_string(L, raw);
        break;
    case JSON_NUMBER:
        json_read_raw(j, &raw);
        push_number(L, raw);
        break;
    case JSON_BOOL:
        json_read_bool(j, &yes);
        lua_pushboolean(L, yes);
        break;
    case JSON_NULL:
        (void)json_read_null(j);
        lua_pushnil(L);
        break;
    case JSON_INVALID:
        lua_pushnil(L);
        break;
    }
}

void api_push_json(lua_State *L, struct str text)
{
    struct json j;

    json_init(&j, text);
    push_value(L, &j);
}

/* --- Extras ------------------------------------------------------------------------- */

/* Whose text a kind's extras stand in, and under which names there. */
struct place {
    struct snap_text text;
    uint64_t owner; /* kind and row: a name in the table of parsed ones */
    const char *path[2];
};

/* Where a row's own text stands in it. */
static const struct {
    bool is_there;
    size_t offset;
} own[API_KIND_COUNT_] = {
    [API_JOB] = { true, offsetof(struct snap_job, extras) },
    [API_WORKER] = { true, offsetof(struct snap_worker, extras) },
    [API_POOL] = { true, offsetof(struct snap_pool, extras) },
    [API_GPU] = { true, offsetof(struct snap_gpu, extras) },
    [API_TENANT] = { true, offsetof(struct snap_tenant, extras) },
    [API_MODEL] = { true, offsetof(struct snap_model, extras) },
    [API_CONTEXT] = { true, offsetof(struct snap_header, extras) },
};

static struct snap_text text_at(uint32_t kind, const void *base)
{
    if (!base || !own[kind].is_there)
        return (struct snap_text){ 0 };
    return *(const struct snap_text *)(const void *)((const char *)base + own[kind].offset);
}

bool api_may_have_extras(uint32_t kind, const void *base)
{
    return !own[kind].is_there || text_at(kind, base).len > 0;
}

static struct snap_text text_of(const struct policy *p, uint32_t kind, uint32_t row)
{
    uint32_t generation;

    return text_at(kind, api_row(p, kind, row, &generation));
}

static struct place place_of(const struct policy *p, uint32_t kind, uint32_t row)
{
    struct place place = { .path = { NULL, NULL } };

    switch (kind) {
    case API_USER:
        kind = API_JOB;
        place.path[0] = "user";
        break;
    case API_METRICS:
        kind = API_CONTEXT;
        place.path[0] = "metrics";
        break;
    case API_GEO:
        kind = api_owner(row);
        row = api_owner_row(row);
        place.path[kind == API_JOB] = "geo";
        if (kind == API_JOB)
            place.path[0] = "user";
        break;
    default:
        break;
    }
    place.text = text_of(p, kind, row);
    place.owner = (uint64_t)kind << 32 | row;
    return place;
}

/* The parsed text of a place's owner; made when first asked for in a call. */
static void push_parsed(lua_State *L, struct policy *p, const struct place *place)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->api->extras);
    if (lua_rawgeti(L, -1, (lua_Integer)place->owner) == LUA_TNIL) {
        lua_pop(L, 1);
        api_push_json(L, snapshot_text(p->snapshot, place->text));
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, (lua_Integer)place->owner);
        p->api->has_extras = true;
    }
    lua_remove(L, -2);
}

bool api_push_extras(lua_State *L, struct policy *p, uint32_t kind, uint32_t row)
{
    struct place place = place_of(p, kind, row);

    if (place.text.len == 0)
        return false;
    push_parsed(L, p, &place);
    for (size_t i = 0; i < 2 && place.path[i] && lua_istable(L, -1); i++) {
        lua_pushstring(L, place.path[i]);
        (void)lua_rawget(L, -2);
        lua_remove(L, -2);
    }
    if (lua_istable(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

/* Objects that are partly derived and partly given: their own members look here again. */
static bool is_merged(lua_State *L, uint32_t kind, int name)
{
    static const struct {
        uint32_t kind;
        const char *name;
    } merged[] = {
        { API_JOB, "user" }, { API_USER, "geo" },        { API_WORKER, "geo" },
        { API_POOL, "geo" }, { API_CONTEXT, "metrics" },
    };

    for (size_t i = 0; i < sizeof(merged) / sizeof(merged[0]); i++) {
        if (merged[i].kind == kind && strcmp(merged[i].name, lua_tostring(L, name)) == 0)
            return true;
    }
    return false;
}

bool api_find_extra(lua_State *L, struct policy *p, uint32_t kind, uint32_t row)
{
    int name = lua_gettop(L);

    if (lua_type(L, name) != LUA_TSTRING || !api_push_extras(L, p, kind, row))
        return false;
    lua_pushvalue(L, name);
    int type = lua_rawget(L, -2);
    if (type == LUA_TNIL || (type == LUA_TTABLE && is_merged(L, kind, name))) {
        lua_settop(L, name);
        return false;
    }
    if (type == LUA_TTABLE)
        api_make_view(L);
    lua_replace(L, name);
    lua_settop(L, name);
    return true;
}
