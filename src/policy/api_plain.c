/* Functions that look at their arguments alone. */
#include "policy/api_functions.h"
#include "policy/api_private.h"

#include <math.h>
#include <string.h>

/* --- Decisions and figures -----------------------------------------------------------------------
 */

int api_reject(lua_State *L)
{
    api_drop_self(L);
    (void)api_arg_text(L, 1);
    bool has_status = !lua_isnoneornil(L, 2);
    if (has_status && !lua_isinteger(L, 2))
        api_bad_argument(L, 2, "an HTTP status: 403, 429, 503 or 504");
    lua_settop(L, 2);
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "reject");
    lua_setfield(L, -2, "action");
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "code");
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "status"); /* nil: the code's usual one */
    return 1;
}

int api_wait(lua_State *L)
{
    api_drop_self(L);
    lua_settop(L, 2);
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, "wait");
    lua_setfield(L, -2, "action");
    if (!lua_isnil(L, 1)) {
        (void)api_arg_text(L, 1);
        lua_pushvalue(L, 1);
        lua_setfield(L, -2, "reason");
    }
    if (!lua_isnil(L, 2)) {
        api_push_u64(L, api_arg_amount(L, 2));
        lua_setfield(L, -2, "retry_after_ms");
    }
    return 1;
}

static double radians(double degrees)
{
    return degrees * M_PI / 180;
}

/* By the haversine formula, on a ball of the Earth's mean radius. */
static double great_circle_km(double lat1, double lon1, double lat2, double lon2)
{
    static const double earth_radius_km = 6371.0088; /* IUGG mean radius */
    double north = sin(radians(lat2 - lat1) / 2), east = sin(radians(lon2 - lon1) / 2);
    double h = north * north + cos(radians(lat1)) * cos(radians(lat2)) * east * east;

    return 2 * earth_radius_km * asin(sqrt(h < 1 ? h : 1));
}

int api_distance(lua_State *L)
{
    double at[4];

    api_drop_self(L);
    lua_settop(L, 4);
    for (int i = 0; i < 4; i++) {
        if (lua_isnil(L, i + 1)) {
            lua_pushnil(L); /* a place that nobody knows is no distance away */
            return 1;
        }
        at[i] = api_arg_number(L, i + 1);
        if (fabs(at[i]) > 360)
            api_bad_argument(L, i + 1, "in degrees");
    }
    lua_pushnumber(L, great_circle_km(at[0], at[1], at[2], at[3]));
    return 1;
}

/* Days since 1970 as a date (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static void civil(int64_t days, int64_t *ret_year, int64_t *ret_month, int64_t *ret_day)
{
    days += 719468; /* from 0000-03-01 */
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March */

    *ret_day = of_year - (153 * month + 2) / 5 + 1;
    *ret_month = month < 10 ? month + 3 : month - 9;
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

static void set_integer(lua_State *L, const char *name, int64_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

int api_local_time(lua_State *L)
{
    enum { DAY_S = 86400 };
    const struct snap_header *h = &policy_of(L)->snapshot->header;
    int64_t year, month, day;

    api_drop_self(L);
    uint64_t now_ms = lua_isnoneornil(L, 1) ? h->now_ms : api_arg_amount(L, 1);
    int64_t local_s = (int64_t)(now_ms / 1000) + (int64_t)h->utc_offset_min * 60;
    int64_t of_day_s = (local_s % DAY_S + DAY_S) % DAY_S, days = (local_s - of_day_s) / DAY_S;
    civil(days, &year, &month, &day);
    lua_createtable(L, 0, 6);
    set_integer(L, "hour", of_day_s / 3600);
    set_integer(L, "minute", of_day_s / 60 % 60);
    set_integer(L, "weekday", ((days + 4) % 7 + 7) % 7); /* 1970 began on a Thursday */
    set_integer(L, "day", day);
    set_integer(L, "month", month);
    set_integer(L, "year", year);
    return 1;
}

static bool is_metric_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.p[i];
        if (!((c >= 'a' && c <= 'z') || c == '_' || (i > 0 && c >= '0' && c <= '9')))
            return false;
    }
    return name.len > 0 && name.len < POLICY_METRIC_NAME_SIZE;
}

int api_emit_metric(lua_State *L)
{
    struct policy_answer *a = policy_of(L)->answer;

    api_drop_self(L);
    struct str name = api_arg_text(L, 1);
    double value = api_arg_number(L, 2);
    if (!is_metric_name(name))
        api_bad_argument(L, 1, "a name of at most 47 characters a-z, 0-9 and _");
    if (!isfinite(value))
        api_bad_argument(L, 2, "a finite number");
    for (size_t i = 0; a && i < a->metrics_len; i++) {
        if (str_eq(name, a->metrics[i].name)) {
            a->metrics[i].value = value;
            return 0;
        }
    }
    if (a && a->metrics_len < POLICY_METRICS_MAX) {
        (void)str_copy(a->metrics[a->metrics_len].name, POLICY_METRIC_NAME_SIZE, name);
        a->metrics[a->metrics_len++].value = value;
    }
    return 0;
}

/* --- Numbers
 * ---------------------------------------------------------------------------------------- */

/* Numbers in a list (a table or a view), or as arguments. */
struct numbers {
    double sum, min, max;
    size_t len;
    bool are_whole;
};

static void add_number(lua_State *L, struct numbers *n, int index)
{
    double value;

    if (lua_type(L, index) != LUA_TNUMBER)
        api_fail(L, "needs numbers, not a %s", luaL_typename(L, index));
    value = lua_tonumber(L, index);
    n->are_whole = n->are_whole && lua_isinteger(L, index);
    n->min = n->len == 0 || value < n->min ? value : n->min;
    n->max = n->len == 0 || value > n->max ? value : n->max;
    n->sum += value;
    n->len++;
}

/* Raw access: a metatable's __len or __index must not run us for ever. */
static struct numbers read_numbers(lua_State *L)
{
    struct numbers n = { .are_whole = true };

    api_drop_self(L);
    if (api_push_viewed(L, 1))
        lua_replace(L, 1);
    if (!lua_istable(L, 1)) {
        for (int i = 1; i <= lua_gettop(L); i++)
            add_number(L, &n, i);
        return n;
    }
    size_t len = lua_rawlen(L, 1);
    for (size_t i = 1; i <= len; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        add_number(L, &n, lua_gettop(L));
        lua_pop(L, 1);
    }
    return n;
}

static int push_number(lua_State *L, const struct numbers *n, double value)
{
    if (n->len == 0)
        lua_pushnil(L);
    else if (n->are_whole && fabs(value) < 0x1p53)
        lua_pushinteger(L, (lua_Integer)value);
    else
        lua_pushnumber(L, value);
    return 1;
}

int api_average(lua_State *L)
{
    struct numbers n = read_numbers(L);

    if (n.len == 0)
        lua_pushnil(L);
    else
        lua_pushnumber(L, n.sum / (double)n.len);
    return 1;
}

int api_min(lua_State *L)
{
    struct numbers n = read_numbers(L);

    return push_number(L, &n, n.min);
}

int api_max(lua_State *L)
{
    struct numbers n = read_numbers(L);

    return push_number(L, &n, n.max);
}

int api_clamp(lua_State *L)
{
    api_drop_self(L);
    double value = api_arg_number(L, 1), low = api_arg_number(L, 2), high = api_arg_number(L, 3);
    if (low > high)
        api_bad_argument(L, 3, "at least the lower bound");
    lua_settop(L, 3);
    lua_pushvalue(L, value < low ? 2 : value > high ? 3 : 1);
    return 1;
}

/* --- Texts
 * -------------------------------------------------------------------------------------------- */

static bool list_contains(lua_State *L)
{
    size_t len = lua_rawlen(L, 1);

    for (size_t i = 1; i <= len; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i);
        bool is_it = lua_rawequal(L, -1, 2);
        lua_pop(L, 1);
        if (is_it)
            return true;
    }
    return false;
}

static bool set_contains(lua_State *L, const struct api_set *set)
{
    struct policy *p = policy_of(L);
    struct api_rows rows = api_set_rows(L, p, set);
    uint32_t row;

    if (!api_is(L, 2, set->of, &row))
        return false;
    for (uint32_t i = 0; i < rows.len; i++) {
        if (rows.at[i] == row)
            return true;
    }
    return false;
}

int api_contains(lua_State *L)
{
    api_drop_self(L);
    lua_settop(L, 2);
    const struct api_set *set = api_to_set(L, 1);
    if (api_push_viewed(L, 1))
        lua_replace(L, 1);
    if (set) {
        lua_pushboolean(L, set_contains(L, set));
    } else if (lua_istable(L, 1)) {
        lua_pushboolean(L, list_contains(L));
    } else {
        struct str text = api_arg_text(L, 1), part = api_arg_text(L, 2);
        lua_pushboolean(L, memmem(text.p, text.len, part.p, part.len) != NULL);
    }
    return 1;
}

int api_starts_with(lua_State *L)
{
    api_drop_self(L);
    struct str text = api_arg_text(L, 1), part = api_arg_text(L, 2);
    lua_pushboolean(L, part.len <= text.len && memcmp(text.p, part.p, part.len) == 0);
    return 1;
}

int api_ends_with(lua_State *L)
{
    api_drop_self(L);
    struct str text = api_arg_text(L, 1), part = api_arg_text(L, 2);
    lua_pushboolean(L, part.len <= text.len &&
                           memcmp(text.p + text.len - part.len, part.p, part.len) == 0);
    return 1;
}

int api_split(lua_State *L)
{
    lua_Integer pieces = 0;

    api_drop_self(L);
    struct str rest = api_arg_text(L, 1), separator = api_arg_text(L, 2);
    if (separator.len == 0)
        api_bad_argument(L, 2, "a text that is not empty");
    lua_newtable(L);
    for (;;) {
        const char *at = memmem(rest.p, rest.len, separator.p, separator.len);
        lua_pushlstring(L, rest.p, at ? (size_t)(at - rest.p) : rest.len);
        lua_rawseti(L, -2, ++pieces);
        if (!at)
            return 1;
        if (pieces >= API_PIECES_MAX)
            api_fail(L, "the text has more than %d pieces", API_PIECES_MAX);
        rest.len -= (size_t)(at - rest.p) + separator.len;
        rest.p = at + separator.len;
    }
}
