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

/* Set one member of one row. */
static void set_in_worker(struct region *r, uint32_t row, size_t member, uint32_t value)
{
    struct snap_worker worker = rows_of(r)->workers[row];

    memcpy((char *)&worker + member, &value, sizeof(value));
    rows_put_worker(r, row, &worker);
}

void rows_link_model(struct region *r, uint32_t row)
{
    uint32_t owner = rows_of(r)->workers[row].model;

    if (owner == SNAP_NONE)
        return;
    struct snap_model model = rows_of(r)->models[owner];
    set_in_worker(r, row, offsetof(struct snap_worker, prev_in_model), model.last_worker);
    set_in_worker(r, row, offsetof(struct snap_worker, next_in_model), SNAP_NONE);
    if (model.last_worker == SNAP_NONE)
        model.first_worker = row;
    else
        set_in_worker(r, model.last_worker, offsetof(struct snap_worker, next_in_model), row);
    model.last_worker = row;
    model.workers++;
    rows_put_model(r, owner, &model);
}

void rows_unlink_model(struct region *r, uint32_t row)
{
    struct snap_worker worker = rows_of(r)->workers[row];

    if (worker.model == SNAP_NONE)
        return;
    struct snap_model model = rows_of(r)->models[worker.model];
    if (worker.prev_in_model == SNAP_NONE)
        model.first_worker = worker.next_in_model;
    else
        set_in_worker(r, worker.prev_in_model, offsetof(struct snap_worker, next_in_model),
                      worker.next_in_model);
    if (worker.next_in_model == SNAP_NONE)
        model.last_worker = worker.prev_in_model;
    else
        set_in_worker(r, worker.next_in_model, offsetof(struct snap_worker, prev_in_model),
                      worker.prev_in_model);
    model.workers--;
    rows_put_model(r, worker.model, &model);
}

void rows_link_pool(struct region *r, uint32_t row)
{
    uint32_t owner = rows_of(r)->workers[row].pool;

    if (owner == SNAP_NONE)
        return;
    struct snap_pool pool = rows_of(r)->pools[owner];
    set_in_worker(r, row, offsetof(struct snap_worker, prev_in_pool), pool.last_worker);
    set_in_worker(r, row, offsetof(struct snap_worker, next_in_pool), SNAP_NONE);
    if (pool.last_worker == SNAP_NONE)
        pool.first_worker = row;
    else
        set_in_worker(r, pool.last_worker, offsetof(struct snap_worker, next_in_pool), row);
    pool.last_worker = row;
    pool.workers++;
    rows_put_pool(r, owner, &pool);
}

void rows_unlink_pool(struct region *r, uint32_t row)
{
    struct snap_worker worker = rows_of(r)->workers[row];

    if (worker.pool == SNAP_NONE)
        return;
    struct snap_pool pool = rows_of(r)->pools[worker.pool];
    if (worker.prev_in_pool == SNAP_NONE)
        pool.first_worker = worker.next_in_pool;
    else
        set_in_worker(r, worker.prev_in_pool, offsetof(struct snap_worker, next_in_pool),
                      worker.next_in_pool);
    if (worker.next_in_pool == SNAP_NONE)
        pool.last_worker = worker.prev_in_pool;
    else
        set_in_worker(r, worker.next_in_pool, offsetof(struct snap_worker, prev_in_pool),
                      worker.prev_in_pool);
    pool.workers--;
    rows_put_pool(r, worker.pool, &pool);
}
