/* What lists can do with each of their elements: look, call back, sort. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <math.h>
#include <string.h>

/* --- Looks ------------------------------------------------------------------------------ */

static int push_element(lua_State *L, struct policy *p, const struct api_set *set,
                        struct api_rows rows, int64_t i)
{
    if (i >= 0 && i < rows.len)
        api_push_row(L, p, set->of, rows.at[i]);
    else
        lua_pushnil(L);
    return 1;
}

int api_set_first(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);

    return push_element(L, p, set, rows, api_narrow_first(p, set->of, rows, false));
}

int api_set_last(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);

    return push_element(L, p, set, rows, api_narrow_first(p, set->of, rows, true));
}

int api_set_take(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);
    uint64_t n = api_arg_amount(L, 1);

    api_push_set(L, p, set->of, rows.at, n < rows.len ? (uint32_t)n : rows.len);
    return 1;
}

int api_set_is_empty(lua_State *L)
{
    struct api_rows rows;

    (void)api_self_set(L, policy_of(L), API_OBJECT_COUNT_, &rows);
    lua_pushboolean(L, rows.len == 0);
    return 1;
}

int api_set_len(lua_State *L)
{
    struct api_rows rows;

    (void)api_self_set(L, policy_of(L), API_OBJECT_COUNT_, &rows);
    lua_pushinteger(L, rows.len);
    return 1;
}

int api_set_find(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);
    struct str id = api_arg_text(L, 1);
    const char *name = set->of == API_MODEL ? "ref" : "id";
    const struct api_member *m = api_find_member(set->of, str_of(name));

    for (uint32_t i = 0; i < rows.len; i++) {
        size_t len;
        api_push_fact(L, p, m, set->of, rows.at[i]);
        const char *have = lua_tolstring(L, -1, &len); /* a gpu's number as text */
        bool is_it = have && api_same_text((struct str){ have, len }, id);
        lua_pop(L, 1);
        if (is_it)
            return push_element(L, p, set, rows, i);
    }
    lua_pushnil(L);
    return 1;
}

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

/* False: nil, or not a number at all (0/0): such an element has no place. */
static bool key_of(lua_State *L, struct policy *p, const struct key *key, uint32_t row, double *ret)
{
    push_key(L, p, key, row);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
        api_fail(L, "the key of %s must be a number or nil, not a %s",
                 lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "an element",
                 luaL_typename(L, -1));
    bool has_key = lua_isnumber(L, -1) && !isnan(lua_tonumber(L, -1));
    *ret = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return has_key;
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
    return push_element(L, p, by.set, rows, chosen);
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
    double key;
    uint32_t row;
};

static void merge(const struct keyed *from, size_t low, size_t middle, size_t high,
                  struct keyed *to)
{
    size_t a = low, b = middle;

    for (size_t i = low; i < high; i++)
        to[i] = a < middle && (b >= high || from[a].key <= from[b].key) ? from[a++] : from[b++];
}

/* Bottom-up merge sort: stable, in memory that Lua counts. The sorted one of the two. */
static const struct keyed *sort(struct keyed *a, struct keyed *b, size_t len)
{
    for (size_t width = 1; width < len; width *= 2) {
        for (size_t low = 0; low < len; low += 2 * width) {
            size_t middle = low + width < len ? low + width : len;
            size_t high = low + 2 * width < len ? low + 2 * width : len;
            merge(a, low, middle, high, b);
        }
        struct keyed *sorted = b;
        b = a;
        a = sorted;
    }
    return a;
}

int api_set_sort_by(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    struct key by = self_and_key(L, &rows);
    struct keyed *a = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*a), 0);
    struct keyed *b = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*b), 0);
    struct api_set *sorted = api_new_set(L, p, by.set->of, rows.len);

    for (uint32_t i = 0; i < rows.len; i++) {
        if (key_of(L, p, &by, rows.at[i], &a[sorted->len].key))
            a[sorted->len++].row = rows.at[i];
    }
    const struct keyed *in_order = sort(a, b, sorted->len);
    for (uint32_t i = 0; i < sorted->len; i++)
        sorted->rows[i] = in_order[i].row;
    return 1;
}
