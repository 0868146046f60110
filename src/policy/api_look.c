/* Looks at lists: at one of their elements, at how many there are. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

int api_push_element(lua_State *L, struct policy *p, const struct api_set *set,
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

    return api_push_element(L, p, set, rows, api_narrow_first(p, set->of, rows, false));
}

int api_set_last(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);

    return api_push_element(L, p, set, rows, api_narrow_first(p, set->of, rows, true));
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

/* -1: no model of the list has it. */
static int64_t place_of_alias(lua_State *L, struct policy *p, struct api_rows rows, struct str id)
{
    uint32_t row = api_find_model(L, p, id);

    for (uint32_t i = 0; row != SNAP_NONE && i < rows.len; i++) {
        if (rows.at[i] == row)
            return i;
    }
    return -1;
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
            return api_push_element(L, p, set, rows, i);
    }
    return api_push_element(L, p, set, rows,
                            set->of == API_MODEL ? place_of_alias(L, p, rows, id) : -1);
}
