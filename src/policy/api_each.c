/* What lists can do with each of their elements: call back, choose, sort. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <math.h>
#include <string.h>

/* --- With a function --------------------------------------------------------------------- */

/* Call the function at index 1 with an element; its one result is on the top. */
static void call_with(lua_State *L, struct policy *p, const struct api_set *set, uint32_t row)
{
    lua_pushvalue(L, 1);
    api_push_row(L, p, set->of, row);
    lua_call(L, 1, 1);
}

static const struct api_set *self_and_function(lua_State *L, struct api_rows *ret)
{
    const struct api_set *set = api_self_set(L, policy_of(L), API_OBJECT_COUNT_, ret);

    api_arg_function(L, 1);
    return set;
}

int api_set_filter(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = self_and_function(L, &rows);
    struct api_set *kept = api_new_set(L, p, set->of, rows.len);

    for (uint32_t i = 0; i < rows.len; i++) {
        call_with(L, p, set, rows.at[i]);
        if (lua_toboolean(L, -1))
            kept->rows[kept->len++] = rows.at[i];
        lua_pop(L, 1);
    }
    return 1;
}

int api_set_map(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = self_and_function(L, &rows);
    lua_Integer len = 0;

    lua_createtable(L, (int)rows.len, 0);
    for (uint32_t i = 0; i < rows.len; i++) {
        call_with(L, p, set, rows.at[i]);
        if (lua_isnil(L, -1))
            lua_pop(L, 1);
        else
            lua_rawseti(L, -2, ++len);
    }
    return 1;
}

/* Does the function say `wanted` of one of them? */
static bool somebody_says(lua_State *L, bool wanted)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = self_and_function(L, &rows);

    for (uint32_t i = 0; i < rows.len; i++) {
        call_with(L, p, set, rows.at[i]);
        bool says = lua_toboolean(L, -1);
        lua_pop(L, 1);
        if (says == wanted)
            return true;
    }
    return false;
}

int api_set_any(lua_State *L)
{
    lua_pushboolean(L, somebody_says(L, true));
    return 1;
}

int api_set_all(lua_State *L)
{
    lua_pushboolean(L, !somebody_says(L, false));
    return 1;
}

/* --- With a key: a function or the name of a field ----------------------------------------- */

/* How keys are made: by the function at index 1, or by the field that is named there. */
struct key {
    const struct api_set *set;
    const struct api_member *field; /* NULL: a function, a path, or no field of ours */
};

/* "geo.latitude" goes through objects. */
static void push_path(lua_State *L, struct policy *p, const struct key *key, uint32_t row)
{
    struct str path = { 0 };
    const char *dot;

    path.p = lua_tolstring(L, 1, &path.len);
    dot = memchr(path.p, '.', path.len);
    lua_pushlstring(L, path.p, dot ? (size_t)(dot - path.p) : path.len);
    api_push_field(L, p, key->set->of, row);
    while (dot && !lua_isnil(L, -1)) {
        if (lua_type(L, -1) != LUA_TUSERDATA)
            api_fail(L, "the field '%.*s' has no fields of its own", (int)path.len, path.p);
        path.len -= (size_t)(dot + 1 - path.p);
        path.p = dot + 1;
        dot = memchr(path.p, '.', path.len);
        lua_pushlstring(L, path.p, dot ? (size_t)(dot - path.p) : path.len);
        lua_gettable(L, -2);
        lua_remove(L, -2);
    }
}

static void push_key(lua_State *L, struct policy *p, const struct key *key, uint32_t row)
{
    uint32_t generation;
    const void *base = key->field ? api_row(p, key->set->of, row, &generation) : NULL;

    if (lua_type(L, 1) == LUA_TFUNCTION)
        call_with(L, p, key->set, row);
    else if (base && !api_may_have_extras(key->set->of, base))
        api_push_fact_at(L, p, key->field, key->set->of, row, base);
    else
        push_path(L, p, key, row);
}

/* Pop the key at the top. False: nil, or not a number at all (0/0): its element has no place. */
static bool take_number(lua_State *L, const char *expected, double *ret)
{
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
        api_fail(L, "the key of %s must be %s, not a %s",
                 lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "an element", expected,
                 luaL_typename(L, -1));
    bool has_key = lua_isnumber(L, -1) && !isnan(lua_tonumber(L, -1));
    *ret = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return has_key;
}

static bool key_of(lua_State *L, struct policy *p, const struct key *key, uint32_t row, double *ret)
{
    push_key(L, p, key, row);
    return take_number(L, "a number or nil", ret);
}

static struct key self_and_key(lua_State *L, struct api_rows *ret)
{
    struct key key = { .set = api_self_set(L, policy_of(L), API_OBJECT_COUNT_, ret) };

    if (lua_type(L, 1) != LUA_TFUNCTION && lua_type(L, 1) != LUA_TSTRING)
        api_bad_argument(L, 1, "a function or the name of a field");
    if (lua_type(L, 1) == LUA_TSTRING)
        key.field = api_find_member(key.set->of, api_arg_text(L, 1));
    if (key.field && key.field->call)
        key.field = NULL;
    lua_settop(L, 1);
    return key;
}

/* The smallest of sign * key; the first of equal ones. */
static int choose_by(lua_State *L, double sign)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct key by = self_and_key(L, &rows);
    double best = 0, key;
    int64_t chosen = -1;

    api_narrow(L, p, by.set->of, &rows);
    /* Functions may choose, too: only the outermost choice shows its scores. */
    if (p->api->choices++ == 0)
        api_scores_begin(p);
    for (uint32_t i = 0; i < rows.len; i++) {
        if (!key_of(L, p, &by, rows.at[i], &key))
            continue;
        if (p->api->choices == 1 && by.set->of == API_WORKER)
            api_score(p, rows.at[i], sign * key);
        if (chosen < 0 || sign * key < best) {
            chosen = i;
            best = sign * key;
        }
    }
    p->api->choices--;
    return api_push_element(L, p, by.set, rows, chosen);
}

int api_set_min_by(lua_State *L)
{
    return choose_by(L, 1);
}

int api_set_max_by(lua_State *L)
{
    return choose_by(L, -1);
}

int api_set_sum(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct key by = self_and_key(L, &rows);
    double sum = 0, key;

    for (uint32_t i = 0; i < rows.len; i++) {
        if (key_of(L, p, &by, rows.at[i], &key))
            sum += key;
    }
    if (sum == floor(sum) && fabs(sum) < 0x1p53)
        lua_pushinteger(L, (lua_Integer)sum);
    else
        lua_pushnumber(L, sum);
    return 1;
}

struct keyed {
    double number;
    struct str text; /* .p NULL: the number counts; else anchored in a table of Lua's */
    uint32_t row;
};

/* Numbers before texts; texts byte by byte. */
static int compare(const struct keyed *a, const struct keyed *b)
{
    if (!a->text.p || !b->text.p) {
        if (a->text.p || b->text.p)
            return a->text.p ? 1 : -1;
        return (a->number > b->number) - (a->number < b->number);
    }
    size_t len = a->text.len < b->text.len ? a->text.len : b->text.len;
    int order = memcmp(a->text.p, b->text.p, len);
    return order != 0 ? order : (a->text.len > b->text.len) - (a->text.len < b->text.len);
}

struct merging {
    const struct keyed *from;
    struct keyed *to;
    bool descends;
};

static void merge(const struct merging *m, size_t low, size_t middle, size_t high)
{
    size_t a = low, b = middle;

    for (size_t i = low; i < high; i++) {
        bool takes_a = a < middle;
        if (takes_a && b < high) {
            int order = compare(&m->from[a], &m->from[b]);
            takes_a = m->descends ? order >= 0 : order <= 0;
        }
        m->to[i] = takes_a ? m->from[a++] : m->from[b++];
    }
}

/* Bottom-up merge sort: stable, in memory that Lua counts. The sorted one of the two. */
static const struct keyed *sort(struct keyed *a, struct keyed *b, size_t len, bool descends)
{
    for (size_t width = 1; width < len; width *= 2) {
        const struct merging m = { a, b, descends };
        for (size_t low = 0; low < len; low += 2 * width) {
            size_t middle = low + width < len ? low + width : len;
            size_t high = low + 2 * width < len ? low + 2 * width : len;
            merge(&m, low, middle, high);
        }
        struct keyed *sorted = b;
        b = a;
        a = sorted;
    }
    return a;
}

/* "-field" sorts the other way round. */
static bool take_minus(lua_State *L)
{
    const char *name = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "";

    if (name[0] != '-')
        return false;
    lua_pushstring(L, name + 1);
    lua_replace(L, 1);
    return true;
}

/* A number or a text, which is put into the table at `texts`; false: neither, no place. */
static bool sort_key_of(lua_State *L, struct policy *p, const struct key *by, int texts,
                        struct keyed *ret)
{
    push_key(L, p, by, ret->row);
    if (lua_type(L, -1) != LUA_TSTRING) {
        ret->text.p = NULL;
        return take_number(L, "a number, a text or nil", &ret->number);
    }
    ret->text.p = lua_tolstring(L, -1, &ret->text.len);
    lua_rawseti(L, texts, (lua_Integer)lua_rawlen(L, texts) + 1);
    return true;
}

int api_set_sort_by(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;

    api_drop_self(L);
    bool descends = take_minus(L);
    struct key by = self_and_key(L, &rows);
    struct keyed *a = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*a), 0);
    struct keyed *b = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*b), 0);
    lua_newtable(L);
    int texts = lua_gettop(L);
    struct api_set *sorted = api_new_set(L, p, by.set->of, rows.len);

    for (uint32_t i = 0; i < rows.len; i++) {
        a[sorted->len].row = rows.at[i];
        sorted->len += sort_key_of(L, p, &by, texts, &a[sorted->len]);
    }
    const struct keyed *in_order = sort(a, b, sorted->len, descends);
    for (uint32_t i = 0; i < sorted->len; i++)
        sorted->rows[i] = in_order[i].row;
    return 1;
}
