/* Which rows a context has, and how they hang together. Objects of one id are one row,
 * wherever they stand (workers[], pools[].workers[]). */
#include "snapshot/context_reader.h"

#include "base/json_texts.h"
#include "base/mem.h"
#include "snapshot/reserved.h"

#include <stdio.h>

uint32_t context_row(const struct map *rows, struct str id)
{
    const void *found = id.len > 0 ? map_get(rows, id) : NULL;

    return found ? (uint32_t)(uintptr_t)found - 1 : SNAP_NONE;
}

static void note_row(struct map *rows, struct str id, uint32_t row)
{
    if (id.len > 0)
        (void)map_put(rows, id, (void *)(uintptr_t)(row + 1));
}

uint32_t context_next_row(struct reader *x, uint32_t *used, uint32_t max, const char *what)
{
    if (*used < max)
        return (*used)++;
    if (!x->err.code)
        (void)err_param(&x->err, ERR_LIMIT, what, "a context has at most %u %s", max, what);
    return SNAP_NONE;
}

/* The id of an object, "" when it has none that is a string: then its reading says so. */
static struct str id_of(struct reader *x, struct str raw, const char *member)
{
    struct str value = { 0 };
    struct json j;
    struct err err;

    if (json_raw_member(raw, member, &value, &err) < 0 || !value.p)
        return (struct str){ "", 0 };
    json_init(&j, value);
    value = (struct str){ "", 0 };
    if (json_peek(&j) == JSON_STRING)
        json_read_str(&j, &x->scratch, &value);
    return value;
}

/* A string may stand for an object that only has that id. */
static bool is_id(struct reader *x, struct str raw, struct str *ret)
{
    struct json j;

    json_init(&j, raw);
    *ret = (struct str){ "", 0 };
    if (json_peek(&j) != JSON_STRING)
        return false;
    json_read_str(&j, &x->scratch, ret);
    return true;
}

static void put_off(struct later *later, uint32_t row, struct str object, const char *member,
                    const char *path)
{
    struct str raw = { 0 };
    struct err err;

    if (json_raw_member(object, member, &raw, &err) < 0 || !raw.p || str_eq(raw, "null"))
        return;
    if (later->len == later->cap) {
        later->cap = later->cap ? later->cap * 2 : 16;
        later->parts = mem_resize(later->parts, later->cap * sizeof(*later->parts));
    }
    struct later_part *part = &later->parts[later->len++];
    *part = (struct later_part){ .raw = raw, .row = row };
    (void)snprintf(part->path, sizeof(part->path), "%s.%s", path, member);
}

void context_read_elements(struct reader *x, struct str raw, const char *name, uint32_t owner,
                           context_element_fn *element)
{
    char path[CONTEXT_PATH_SIZE];
    struct json j;
    struct err err;
    size_t i = 0;

    if (!raw.p)
        return;
    json_init(&j, raw);
    json_array(&j)
    {
        struct str item;

        json_read_raw(&j, &item);
        context_path(path, name, i++);
        if (!j.failed && !x->err.code)
            element(x, item, path, owner);
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, name, &err);
}

/* --- Rows ------------------------------------------------------------------------- */

uint32_t context_model_row(struct reader *x, struct str ref)
{
    uint32_t row = context_row(&x->models, ref);

    if (row != SNAP_NONE || ref.len == 0 || x->err.code)
        return row;
    row = context_next_row(x, &x->header.models, SNAP_MODELS_MAX, "models");
    if (row == SNAP_NONE)
        return row;
    struct snap_model model;
    memset(&model, 0, sizeof(model));
    model.generation = 1;
    model.first_worker = model.last_worker = SNAP_NONE;
    model.ref = context_put_text(x, ref);
    rows_put_model(x->r, row, &model);
    note_row(&x->models, ref, row);
    return row;
}

static uint32_t pool_row(struct reader *x, struct str id)
{
    uint32_t row = context_row(&x->pools, id);

    if (row != SNAP_NONE || x->err.code)
        return row;
    row = context_next_row(x, &x->header.pools, SNAP_POOLS_MAX, "pools");
    if (row == SNAP_NONE)
        return row;
    AUTO(free_ptr) struct snap_pool *pool = mem_alloc(1, sizeof(*pool));
    pool->generation = 1;
    pool->first_worker = pool->last_worker = SNAP_NONE;
    pool->id = context_put_text(x, id);
    rows_put_pool(x->r, row, pool);
    note_row(&x->pools, id, row);
    return row;
}

enum { SAID_NOTHING = 2 }; /* in a uint8_t that is 0 or 1 once it is said or derived */

static uint32_t worker_row(struct reader *x, struct str id)
{
    uint32_t row = context_row(&x->workers, id);

    if (row != SNAP_NONE || x->err.code)
        return row;
    row = context_next_row(x, &x->header.workers, SNAP_WORKERS_MAX, "workers");
    if (row == SNAP_NONE)
        return row;
    struct snap_worker worker;
    memset(&worker, 0, sizeof(worker));
    worker.generation = 1;
    worker.status = SNAP_UNSAID;
    worker.in_flight = SNAP_NONE; /* until all is read */
    worker.model = worker.pool = SNAP_NONE;
    rows_clear_links(&worker);
    worker.id = context_put_text(x, id);
    rows_put_worker(x->r, row, &worker);
    note_row(&x->workers, id, row);
    return row;
}

static void read_model(struct reader *x, struct str raw, const char *path, uint32_t owner)
{
    struct str ref;
    bool is_kept;
    (void)owner;

    if (is_id(x, raw, &ref)) {
        (void)context_model_row(x, ref);
        return;
    }
    ref = id_of(x, raw, "ref");
    uint32_t row = context_model_row(x, ref);
    if (row == SNAP_NONE) { /* without a name it is nobody's, but its mistakes are told */
        struct snap_model nobody = { .generation = 0 };
        context_read_members(x, raw, &context_models, &nobody, path, &is_kept);
        return;
    }
    struct snap_model model = rows_of(x->r)->models[row];
    context_read_members(x, raw, &context_models, &model, path, &is_kept);
    rows_put_model(x->r, row, &model);
    put_off(&x->loads, row, raw, "load_time_ms", path);

    struct str rest = snapshot_text(rows_of(x->r), model.aliases), alias;
    while (snapshot_item(&rest, &alias)) {
        if (context_row(&x->models, alias) == SNAP_NONE)
            note_row(&x->models, alias, row);
    }
}

static void read_pool(struct reader *x, struct str raw, const char *path, uint32_t owner)
{
    uint32_t row = pool_row(x, id_of(x, raw, "id"));
    bool is_kept;
    (void)owner;

    if (row == SNAP_NONE)
        return;
    AUTO(free_ptr) struct snap_pool *pool = mem_alloc(1, sizeof(*pool));
    *pool = rows_of(x->r)->pools[row];
    context_read_members(x, raw, &context_pools, pool, path, &is_kept);
    rows_put_pool(x->r, row, pool);
    put_off(&x->members, row, raw, "workers", path);
}

/* `owner`: the pool that it stands in, or SNAP_NONE. */
static void read_worker(struct reader *x, struct str raw, const char *path, uint32_t owner)
{
    struct str id;
    bool is_kept, is_named = is_id(x, raw, &id);
    uint32_t row = worker_row(x, is_named ? id : id_of(x, raw, "id"));

    if (row == SNAP_NONE)
        return;
    struct snap_worker worker = rows_of(x->r)->workers[row];
    if (!is_named)
        context_read_members(x, raw, &context_workers, &worker, path, &is_kept);
    if (owner != SNAP_NONE && worker.pool_id.len == 0)
        worker.pool_id = rows_of(x->r)->pools[owner].id;
    rows_put_worker(x->r, row, &worker);
    if (owner == SNAP_NONE || worker.pool == owner)
        return;
    rows_unlink_pool(x->r, row);
    worker = rows_of(x->r)->workers[row];
    worker.pool = owner;
    rows_put_worker(x->r, row, &worker);
    rows_link_pool(x->r, row);
}

static void read_tenant(struct reader *x, struct str raw, const char *path, uint32_t owner)
{
    uint32_t row = context_next_row(x, &x->header.tenants, SNAP_TENANTS_MAX, "tenants");
    struct snap_tenant tenant;
    bool is_kept;
    (void)owner;

    if (row == SNAP_NONE)
        return;
    memset(&tenant, 0, sizeof(tenant));
    tenant.generation = 1;
    tenant.is_over_quota = SAID_NOTHING;
    context_read_members(x, raw, &context_tenants, &tenant, path, &is_kept);
    if (tenant.is_over_quota == SAID_NOTHING)
        tenant.is_over_quota =
            (tenant.quota_vram_bytes > 0 && tenant.quota_used_bytes > tenant.quota_vram_bytes) ||
            (tenant.quota_tokens_daily > 0 &&
             tenant.tokens_used_today >= tenant.quota_tokens_daily);
    rows_put_tenant(x->r, row, &tenant);
    note_row(&x->tenants, snapshot_text(rows_of(x->r), tenant.id), row);
}

static void read_config(struct reader *x, struct str raw)
{
    char key[256];
    struct json j;
    struct err err;

    if (!raw.p)
        return;
    json_init(&j, raw);
    json_object(&j)
    {
        struct snap_config config;
        struct str value;

        if (!json_key_copy(&j, key, sizeof(key)) || x->err.code)
            continue;
        json_read_raw(&j, &value);
        if (j.failed)
            continue;
        uint32_t row = context_next_row(x, &x->header.configs, SNAP_CONFIG_MAX, "config");
        if (row == SNAP_NONE)
            continue;
        config.key = context_put_text(x, str_of(key));
        config.value = context_put_text(x, value);
        rows_put_config(x->r, row, &config);
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, "config", &err);
}

/* --- What needs other rows ------------------------------------------------------------ */

static void read_members_of_pools(struct reader *x)
{
    for (size_t i = 0; i < x->members.len; i++)
        context_read_elements(x, x->members.parts[i].raw, x->members.parts[i].path,
                              x->members.parts[i].row, read_worker);
}

/* {"pool-1": 9000} */
static void read_loads_of_model(struct reader *x, const struct later_part *part)
{
    struct snap_model model = rows_of(x->r)->models[part->row];
    char id[256];
    struct json j;
    struct err err;

    model.loads_len = 0;
    json_init(&j, part->raw);
    json_object(&j)
    {
        int64_t ms = 0;

        if (!json_key_copy(&j, id, sizeof(id)))
            continue;
        json_read_i64_in(&j, 0, INT64_MAX, &ms);
        uint32_t pool = context_row(&x->pools, str_of(id));
        if (pool == SNAP_NONE || model.loads_len == SNAP_LOADS_MAX)
            continue;
        model.loads[model.loads_len++] =
            (struct snap_load){ .pool = pool, .load_time_ms = (uint64_t)ms };
    }
    if (json_finish(&j, &err) < 0)
        context_fail(x, part->path, &err);
    rows_put_model(x->r, part->row, &model);
}

static void settle_pools(struct reader *x)
{
    AUTO(free_ptr) struct snap_pool *pool = mem_alloc(1, sizeof(*pool));
    struct str models, ref;

    for (uint32_t row = 0; row < x->header.pools; row++) {
        *pool = rows_of(x->r)->pools[row];
        reserved_pool(rows_of(x->r), pool);
        rows_put_pool(x->r, row, pool);
        models = snapshot_text(rows_of(x->r), pool->cached_models);
        while (snapshot_item(&models, &ref))
            (void)context_model_row(x, ref);
    }
}

/* The label's comma list as a list. */
static struct snap_text list_of(struct reader *x, struct str commas)
{
    buf_clear(&x->items);
    for (size_t i = 0; i < commas.len; i++)
        (void)buf_putc(&x->items, commas.p[i] == ',' ? '\0' : commas.p[i]);
    (void)buf_putc(&x->items, '\0');
    return commas.len > 0 ? context_put_text(x, buf_str(&x->items)) : (struct snap_text){ 0, 0 };
}

static void settle_worker(struct reader *x, uint32_t row)
{
    struct snap_worker w = rows_of(x->r)->workers[row];
    bool is_linked = w.pool != SNAP_NONE;
    struct str capabilities;

    if (!is_linked && w.pool_id.len > 0)
        w.pool = pool_row(x, snapshot_text(rows_of(x->r), w.pool_id));
    if (x->err.code)
        return;
    if (w.in_flight == SNAP_NONE)
        w.in_flight = w.active > w.foreign ? w.active - w.foreign : 0;
    reserved_worker(rows_of(x->r), &w, &capabilities);
    if (capabilities.len > 0)
        w.capabilities = list_of(x, capabilities);
    if (w.pool != SNAP_NONE) {
        const struct snap_pool *pool = &rows_of(x->r)->pools[w.pool];

        reserved_place(&w, pool);
        if (w.live == SNAP_ONLINE)
            w.live = pool->status;
    }
    rows_put_worker(x->r, row, &w);
    rows_link_model(x->r, row);
    if (!is_linked)
        rows_link_pool(x->r, row);
}

void context_read_rows(struct reader *x, const struct context_parts *parts)
{
    context_read_elements(x, parts->pools, "pools", SNAP_NONE, read_pool);
    context_read_elements(x, parts->models, "models", SNAP_NONE, read_model);
    context_read_elements(x, parts->workers, "workers", SNAP_NONE, read_worker);
    read_members_of_pools(x);
    settle_pools(x);
    for (uint32_t row = 0; row < x->header.workers && !x->err.code; row++)
        settle_worker(x, row);
    for (size_t i = 0; i < x->loads.len && !x->err.code; i++)
        read_loads_of_model(x, &x->loads.parts[i]);
    context_read_elements(x, parts->tenants, "tenants", SNAP_NONE, read_tenant);
    context_read_queue(x, parts->queue);
    read_config(x, parts->config);
}
