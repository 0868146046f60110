/* What lists can do that is no choice: filters, looks, and everything that calls back. */
#include "policy/api_methods.h"
#include "policy/api_private.h"

#include <math.h>
#include <string.h>

/* --- Filters of workers --------------------------------------------------------------- */

/* What a filter was asked for. */
struct wanted {
    struct policy *p;
    struct str text, value;
    bool has_value;
    uint64_t amount;
    const struct snap_job *job;
};
typedef bool worker_test(const struct wanted *wanted, const struct snap_worker *w);

static int keep_workers(lua_State *L, const struct wanted *wanted, struct api_rows rows,
                        worker_test *test)
{
    uint32_t *kept = api_scratch(L, wanted->p), len = 0;

    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_worker *w = snapshot_worker(wanted->p->snapshot, rows.at[i]);
        if (w && test(wanted, w))
            kept[len++] = rows.at[i];
    }
    api_push_set(L, wanted->p, API_WORKER, kept, len);
    return 1;
}

static bool is_idle(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return snapshot_is_idle(w);
}

static bool is_ready(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return w->live != SNAP_OFFLINE && (w->status == SNAP_READY || w->status == SNAP_UNSAID);
}

static bool is_online(const struct wanted *wanted, const struct snap_worker *w)
{
    (void)wanted;
    return w->live != SNAP_OFFLINE;
}

static bool has_capacity(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_vram_free_mb(w) >= wanted->amount;
}

static bool is_same(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* A worker without a place of its own stands where its pool stands. */
static bool is_in_region(const struct wanted *wanted, const struct snap_worker *w)
{
    const struct snapshot *s = wanted->p->snapshot;
    const struct snap_pool *pool = w->region.len == 0 ? snapshot_pool(s, w->pool) : NULL;

    return is_same(snapshot_text(s, pool ? pool->region : w->region), wanted->text);
}

static bool has_label(const struct wanted *wanted, const struct snap_worker *w)
{
    struct str value;

    return snapshot_label(wanted->p->snapshot, w->labels, wanted->text, &value) &&
           (!wanted->has_value || is_same(value, wanted->value));
}

static bool has_capability(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_has_capability(wanted->p->snapshot, w, wanted->text);
}

static bool can_run(const struct wanted *wanted, const struct snap_worker *w)
{
    return snapshot_can_run(wanted->p->snapshot, w, wanted->job) == SNAP_OK;
}

static int keep_simple(lua_State *L, worker_test *test)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    return keep_workers(L, &wanted, rows, test);
}

static int keep_by_text(lua_State *L, worker_test *test)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.text = api_arg_text(L, 1);
    wanted.has_value = !lua_isnoneornil(L, 2);
    if (wanted.has_value)
        wanted.value = api_arg_text(L, 2);
    return keep_workers(L, &wanted, rows, test);
}

int api_set_idle(lua_State *L)
{
    return keep_simple(L, is_idle);
}

int api_set_ready(lua_State *L)
{
    return keep_simple(L, is_ready);
}

/* Of pools: those that are not offline. */
static int online_pools(lua_State *L, struct policy *p)
{
    struct api_rows rows;
    uint32_t *kept = api_scratch(L, p), len = 0;

    (void)api_self_set(L, p, API_POOL, &rows);
    for (uint32_t i = 0; i < rows.len; i++) {
        const struct snap_pool *pool = snapshot_pool(p->snapshot, rows.at[i]);
        if (pool && pool->status != SNAP_OFFLINE)
            kept[len++] = rows.at[i];
    }
    api_push_set(L, p, API_POOL, kept, len);
    return 1;
}

int api_set_online(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, lua_upvalueindex(1));

    if (set->of == API_POOL)
        return online_pools(L, policy_of(L));
    return keep_simple(L, is_online);
}

int api_set_with_capacity(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    struct api_rows rows;

    (void)api_self_set(L, wanted.p, API_WORKER, &rows);
    wanted.amount = api_arg_amount(L, 1);
    return keep_workers(L, &wanted, rows, has_capacity);
}

int api_set_in_region(lua_State *L)
{
    return keep_by_text(L, is_in_region);
}

int api_set_with_label(lua_State *L)
{
    return keep_by_text(L, has_label);
}

int api_set_with_capability(lua_State *L)
{
    return keep_by_text(L, has_capability);
}

/* The list that a method belongs to, without listing a full one. */
static const struct api_set *self_workers(lua_State *L)
{
    const struct api_set *set = lua_touserdata(L, lua_upvalueindex(1));

    api_drop_self(L);
    if (set->of != API_WORKER)
        api_fail(L, "is for lists of workers; this is a list of %ss", api_object_name(set->of));
    return set;
}

int api_set_with_model(lua_State *L)
{
    struct policy *p = policy_of(L);
    const struct api_set *set = self_workers(L);
    uint32_t model = api_arg_row(L, p, 1, API_MODEL);
    uint32_t *rows = api_scratch(L, p);

    api_push_set(L, p, API_WORKER, rows, api_collect_model(L, p, set, model, rows));
    return 1;
}

int api_set_eligible(lua_State *L)
{
    struct wanted wanted = { .p = policy_of(L) };
    const struct api_set *set = self_workers(L);
    struct api_rows rows;

    wanted.job = api_arg_job(L, wanted.p, 1);
    if (!wanted.job)
        api_fail(L, "needs a job: none is being decided");
    if (set->is_full && wanted.job->model_ref.len > 0) {
        uint32_t *of_model = api_scratch(L, wanted.p);
        rows.at = of_model; /* kept ones overwrite those that were looked at before */
        rows.len = api_collect_model(L, wanted.p, set, wanted.job->model, of_model);
    } else {
        rows = api_set_rows(L, wanted.p, set);
    }
    return keep_workers(L, &wanted, rows, can_run);
}

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

    return push_element(L, p, set, rows, 0);
}

int api_set_last(lua_State *L)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = api_self_set(L, p, API_OBJECT_COUNT_, &rows);

    return push_element(L, p, set, rows, (int64_t)rows.len - 1);
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
        bool is_it = have && is_same((struct str){ have, len }, id);
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

/* Push the key of an element: "geo.latitude" goes through objects. */
static void push_path(lua_State *L, struct policy *p, const struct api_set *set, uint32_t row)
{
    struct str path = { 0 };
    const char *dot;

    path.p = lua_tolstring(L, 1, &path.len);
    dot = memchr(path.p, '.', path.len);
    lua_pushlstring(L, path.p, dot ? (size_t)(dot - path.p) : path.len);
    api_push_field(L, p, set->of, row);
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

/* False: nil, or not a number at all (0/0): such an element has no place. */
static bool key_of(lua_State *L, struct policy *p, const struct api_set *set, uint32_t row,
                   double *ret)
{
    if (lua_type(L, 1) == LUA_TFUNCTION)
        call_with(L, p, set, row);
    else
        push_path(L, p, set, row);
    if (!lua_isnil(L, -1) && lua_type(L, -1) != LUA_TNUMBER)
        api_fail(L, "the key of %s must be a number or nil, not a %s",
                 lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : "an element",
                 luaL_typename(L, -1));
    bool has_key = lua_isnumber(L, -1) && !isnan(lua_tonumber(L, -1));
    *ret = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return has_key;
}

static const struct api_set *self_and_key(lua_State *L, struct api_rows *ret)
{
    const struct api_set *set = api_self_set(L, policy_of(L), API_OBJECT_COUNT_, ret);

    if (lua_type(L, 1) != LUA_TFUNCTION && lua_type(L, 1) != LUA_TSTRING)
        api_bad_argument(L, 1, "a function or the name of a field");
    if (lua_type(L, 1) == LUA_TSTRING)
        (void)api_arg_text(L, 1);
    lua_settop(L, 1);
    return set;
}

/* The smallest of sign * key; the first of equal ones. */
static int choose_by(lua_State *L, double sign)
{
    struct policy *p = policy_of(L);
    struct api_rows rows;
    const struct api_set *set = self_and_key(L, &rows);
    double best = 0, key;
    int64_t chosen = -1;

    /* Functions may choose, too: only the outermost choice shows its scores. */
    if (p->api->choices++ == 0)
        api_scores_begin(p);
    for (uint32_t i = 0; i < rows.len; i++) {
        if (!key_of(L, p, set, rows.at[i], &key))
            continue;
        if (p->api->choices == 1 && set->of == API_WORKER)
            api_score(p, rows.at[i], sign * key);
        if (chosen < 0 || sign * key < best) {
            chosen = i;
            best = sign * key;
        }
    }
    p->api->choices--;
    return push_element(L, p, set, rows, chosen);
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
    const struct api_set *set = self_and_key(L, &rows);
    double sum = 0, key;

    for (uint32_t i = 0; i < rows.len; i++) {
        if (key_of(L, p, set, rows.at[i], &key))
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
    const struct api_set *set = self_and_key(L, &rows);
    struct keyed *a = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*a), 0);
    struct keyed *b = lua_newuserdatauv(L, (rows.len + 1) * sizeof(*b), 0);
    struct api_set *sorted = api_new_set(L, p, set->of, rows.len);

    for (uint32_t i = 0; i < rows.len; i++) {
        if (key_of(L, p, set, rows.at[i], &a[sorted->len].key))
            a[sorted->len++].row = rows.at[i];
    }
    const struct keyed *in_order = sort(a, b, sorted->len);
    for (uint32_t i = 0; i < sorted->len; i++)
        sorted->rows[i] = in_order[i].row;
    return 1;
}
