/* Reading: every index that comes from the block is checked against its table. */
#include "snapshot/snapshot.h"

static uint32_t in_use(uint32_t rows, uint32_t max)
{
    return rows < max ? rows : max;
}

const struct snap_worker *snapshot_worker(const struct snapshot *s, uint32_t row)
{
    if (row >= in_use(s->header.workers, SNAP_WORKERS_MAX) || s->workers[row].generation == 0)
        return NULL;
    return &s->workers[row];
}

const struct snap_pool *snapshot_pool(const struct snapshot *s, uint32_t row)
{
    if (row >= in_use(s->header.pools, SNAP_POOLS_MAX) || s->pools[row].generation == 0)
        return NULL;
    return &s->pools[row];
}

const struct snap_model *snapshot_model(const struct snapshot *s, uint32_t row)
{
    if (row >= in_use(s->header.models, SNAP_MODELS_MAX) || s->models[row].generation == 0)
        return NULL;
    return &s->models[row];
}

const struct snap_tenant *snapshot_tenant(const struct snapshot *s, uint32_t row)
{
    if (row >= in_use(s->header.tenants, SNAP_TENANTS_MAX) || s->tenants[row].generation == 0)
        return NULL;
    return &s->tenants[row];
}

const struct snap_job *snapshot_job(const struct snapshot *s, uint32_t row)
{
    if (row >= in_use(s->header.jobs, SNAP_JOBS_MAX) || s->jobs[row].generation == 0)
        return NULL;
    return &s->jobs[row];
}

struct str snapshot_text(const struct snapshot *s, struct snap_text t)
{
    if (t.off >= SNAP_ARENA_BYTES || t.len > SNAP_ARENA_BYTES - t.off)
        return (struct str){ s->arena, 0 };
    return (struct str){ s->arena + t.off, t.len };
}

bool snapshot_item(struct str *rest, struct str *ret)
{
    const char *end = rest->len > 0 ? memchr(rest->p, '\0', rest->len) : NULL;

    if (!end)
        return false;
    *ret = (struct str){ rest->p, (size_t)(end - rest->p) };
    rest->p = end + 1;
    rest->len -= ret->len + 1;
    return true;
}

static bool is_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool snapshot_has_item(const struct snapshot *s, struct snap_text list, struct str item)
{
    struct str rest = snapshot_text(s, list), one;

    while (snapshot_item(&rest, &one)) {
        if (is_equal(one, item))
            return true;
    }
    return false;
}

bool snapshot_label(const struct snapshot *s, struct snap_text map, struct str key, struct str *ret)
{
    struct str rest = snapshot_text(s, map), name, value;

    while (snapshot_item(&rest, &name) && snapshot_item(&rest, &value)) {
        if (is_equal(name, key)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

/* --- By name -------------------------------------------------------------------- */

static bool is_named(const struct snapshot *s, struct snap_text name, struct str wanted)
{
    return name.len == wanted.len && is_equal(snapshot_text(s, name), wanted);
}

uint32_t snapshot_find_worker(const struct snapshot *s, struct str id)
{
    for (uint32_t row = 0; row < in_use(s->header.workers, SNAP_WORKERS_MAX); row++) {
        if (s->workers[row].generation != 0 && is_named(s, s->workers[row].id, id))
            return row;
    }
    return SNAP_NONE;
}

uint32_t snapshot_find_pool(const struct snapshot *s, struct str id)
{
    for (uint32_t row = 0; row < in_use(s->header.pools, SNAP_POOLS_MAX); row++) {
        if (s->pools[row].generation != 0 && is_named(s, s->pools[row].id, id))
            return row;
    }
    return SNAP_NONE;
}

uint32_t snapshot_find_model(const struct snapshot *s, struct str ref)
{
    uint32_t models = in_use(s->header.models, SNAP_MODELS_MAX);

    for (uint32_t row = 0; row < models; row++) {
        if (s->models[row].generation != 0 && is_named(s, s->models[row].ref, ref))
            return row;
    }
    for (uint32_t row = 0; row < models; row++) {
        if (s->models[row].generation != 0 && snapshot_has_item(s, s->models[row].aliases, ref))
            return row;
    }
    return SNAP_NONE;
}

uint32_t snapshot_find_tenant(const struct snapshot *s, struct str id)
{
    for (uint32_t row = 0; row < in_use(s->header.tenants, SNAP_TENANTS_MAX); row++) {
        if (s->tenants[row].generation != 0 && is_named(s, s->tenants[row].id, id))
            return row;
    }
    return SNAP_NONE;
}

uint32_t snapshot_first_listed(const struct snapshot *s)
{
    return s->header.by_hand ? 0 : s->header.first_job;
}

uint32_t snapshot_next_listed(const struct snapshot *s, uint32_t row)
{
    return s->header.by_hand ? row + 1 : s->jobs[row].next;
}

uint32_t snapshot_find_job(const struct snapshot *s, struct str id)
{
    const struct snap_job *job = snapshot_job(s, s->header.asked_job);
    uint32_t row = s->header.first_job;

    if (job && is_named(s, job->id, id))
        return s->header.asked_job;
    for (uint32_t i = 0; i < SNAP_JOBS_MAX && (job = snapshot_job(s, row)); i++) {
        if (is_named(s, job->id, id))
            return row;
        row = job->next;
    }
    return SNAP_NONE;
}
