#include "snapshot/rows.h"

const struct snapshot *rows_of(const struct region *r)
{
    return region_bytes(r);
}

static void put_row(struct region *r, size_t table, size_t size, uint32_t row, const void *bytes)
{
    region_put(r, table + row * size, bytes, size);
}

void rows_put_header(struct region *r, const struct snap_header *header)
{
    region_put(r, offsetof(struct snapshot, header), header, sizeof(*header));
}

void rows_put_config(struct region *r, uint32_t row, const struct snap_config *config)
{
    put_row(r, offsetof(struct snapshot, configs), sizeof(*config), row, config);
}

void rows_put_worker(struct region *r, uint32_t row, const struct snap_worker *worker)
{
    put_row(r, offsetof(struct snapshot, workers), sizeof(*worker), row, worker);
}

void rows_put_pool(struct region *r, uint32_t row, const struct snap_pool *pool)
{
    put_row(r, offsetof(struct snapshot, pools), sizeof(*pool), row, pool);
}

void rows_put_model(struct region *r, uint32_t row, const struct snap_model *model)
{
    put_row(r, offsetof(struct snapshot, models), sizeof(*model), row, model);
}

void rows_put_tenant(struct region *r, uint32_t row, const struct snap_tenant *tenant)
{
    put_row(r, offsetof(struct snapshot, tenants), sizeof(*tenant), row, tenant);
}

void rows_put_job(struct region *r, uint32_t row, const struct snap_job *job)
{
    put_row(r, offsetof(struct snapshot, jobs), sizeof(*job), row, job);
}

void rows_put_text(struct region *r, uint32_t off, const void *bytes, size_t len)
{
    region_put(r, offsetof(struct snapshot, arena) + off, bytes, len);
}

/* --- Lists ------------------------------------------------------------------------ */

void rows_clear_links(struct snap_worker *worker)
{
    worker->next_in_model = worker->prev_in_model = SNAP_NONE;
    worker->next_in_pool = worker->prev_in_pool = SNAP_NONE;
}

/* One kind of list: its links in a worker's row, and its ends and length in its owner's. */
struct chain {
    size_t owner, next, prev; /* members of struct snap_worker */
    size_t table, row_bytes;  /* of the owners */
    size_t first, last, len;  /* members of an owner's row */
};

static const struct chain by_model = {
    .owner = offsetof(struct snap_worker, model),
    .next = offsetof(struct snap_worker, next_in_model),
    .prev = offsetof(struct snap_worker, prev_in_model),
    .table = offsetof(struct snapshot, models),
    .row_bytes = sizeof(struct snap_model),
    .first = offsetof(struct snap_model, first_worker),
    .last = offsetof(struct snap_model, last_worker),
    .len = offsetof(struct snap_model, workers),
};

static const struct chain by_pool = {
    .owner = offsetof(struct snap_worker, pool),
    .next = offsetof(struct snap_worker, next_in_pool),
    .prev = offsetof(struct snap_worker, prev_in_pool),
    .table = offsetof(struct snapshot, pools),
    .row_bytes = sizeof(struct snap_pool),
    .first = offsetof(struct snap_pool, first_worker),
    .last = offsetof(struct snap_pool, last_worker),
    .len = offsetof(struct snap_pool, workers),
};

static uint32_t get(const struct region *r, size_t off)
{
    uint32_t value;

    memcpy(&value, (const char *)region_bytes(r) + off, sizeof(value));
    return value;
}

static void set(struct region *r, size_t off, uint32_t value)
{
    region_put(r, off, &value, sizeof(value));
}

static size_t worker_at(uint32_t row)
{
    return offsetof(struct snapshot, workers) + row * sizeof(struct snap_worker);
}

static bool find_owner(const struct region *r, const struct chain *c, uint32_t row, size_t *ret_at)
{
    uint32_t owner = get(r, worker_at(row) + c->owner);

    *ret_at = c->table + owner * c->row_bytes;
    return owner != SNAP_NONE;
}

static void link_last(struct region *r, const struct chain *c, uint32_t row)
{
    size_t worker = worker_at(row), owner;

    if (!find_owner(r, c, row, &owner))
        return;
    uint32_t last = get(r, owner + c->last);
    set(r, worker + c->prev, last);
    set(r, worker + c->next, SNAP_NONE);
    set(r, last == SNAP_NONE ? owner + c->first : worker_at(last) + c->next, row);
    set(r, owner + c->last, row);
    set(r, owner + c->len, get(r, owner + c->len) + 1);
}

/* Its own links stay: whoever takes it out writes its row anew. */
static void unlink_from(struct region *r, const struct chain *c, uint32_t row)
{
    size_t worker = worker_at(row), owner;

    if (!find_owner(r, c, row, &owner))
        return;
    uint32_t prev = get(r, worker + c->prev), next = get(r, worker + c->next);
    set(r, prev == SNAP_NONE ? owner + c->first : worker_at(prev) + c->next, next);
    set(r, next == SNAP_NONE ? owner + c->last : worker_at(next) + c->prev, prev);
    set(r, owner + c->len, get(r, owner + c->len) - 1);
}

void rows_link_model(struct region *r, uint32_t row)
{
    link_last(r, &by_model, row);
}

void rows_unlink_model(struct region *r, uint32_t row)
{
    unlink_from(r, &by_model, row);
}

void rows_link_pool(struct region *r, uint32_t row)
{
    link_last(r, &by_pool, row);
}

void rows_unlink_pool(struct region *r, uint32_t row)
{
    unlink_from(r, &by_pool, row);
}
