#include "registry/worker.h"

#include "base/mem.h"

#include <assert.h>

/* clang-format off */
static const char *const states[] = {
    [WORKER_STARTING] = "starting",
    [WORKER_READY]    = "ready",
    [WORKER_BUSY]     = "busy",
    [WORKER_DRAINING] = "draining",
    [WORKER_FAILED]   = "failed",
};
static const char *const kinds[] = {
    [WORKER_KIND_RBEE]   = "rbee",
    [WORKER_KIND_OPENAI] = "openai",
};
static const char *const statuses[] = {
    [HIVE_STARTING] = "starting",
    [HIVE_READY]    = "ready",
    [HIVE_BUSY]     = "busy",
    [HIVE_STOPPING] = "stopping",
    [HIVE_STOPPED]  = "stopped",
};
static const char *const healths[] = {
    [HIVE_HEALTHY]   = "healthy",
    [HIVE_DEGRADED]  = "degraded",
    [HIVE_UNHEALTHY] = "unhealthy",
};
/* clang-format on */
#define LEN(table) (sizeof(table) / sizeof((table)[0]))
static_assert(LEN(states) == WORKER_STATE_COUNT_, "a worker state has no name");
static_assert(LEN(kinds) == WORKER_KIND_COUNT_, "a worker kind has no name");
static_assert(LEN(statuses) == HIVE_STATUS_COUNT_, "a hive status has no name");
static_assert(LEN(healths) == HIVE_HEALTH_COUNT_, "a hive health has no name");

/* The place of `name` in the table; `len` when it is not there. */
static size_t find(const char *const *table, size_t len, struct str name)
{
    size_t i = 0;

    while (i < len && !str_eq(name, table[i]))
        i++;
    return i;
}

const char *worker_state_name(enum worker_state state)
{
    assert(state < WORKER_STATE_COUNT_);
    return states[state];
}

bool worker_state_parse(struct str name, enum worker_state *ret)
{
    size_t i = find(states, LEN(states), name);

    if (i == LEN(states))
        return false;
    *ret = (enum worker_state)i;
    return true;
}

const char *worker_kind_name(enum worker_kind kind)
{
    assert(kind < WORKER_KIND_COUNT_);
    return kinds[kind];
}

bool worker_kind_parse(struct str name, enum worker_kind *ret)
{
    size_t i = find(kinds, LEN(kinds), name);

    if (i == LEN(kinds))
        return false;
    *ret = (enum worker_kind)i;
    return true;
}

const char *hive_status_name(enum hive_status status)
{
    assert(status < HIVE_STATUS_COUNT_);
    return statuses[status];
}

bool hive_status_parse(struct str name, enum hive_status *ret)
{
    size_t i = find(statuses, LEN(statuses), name);

    if (i == LEN(statuses))
        return false;
    *ret = (enum hive_status)i;
    return true;
}

const char *hive_health_name(enum hive_health health)
{
    assert(health < HIVE_HEALTH_COUNT_);
    return healths[health];
}

bool hive_health_parse(struct str name, enum hive_health *ret)
{
    size_t i = find(healths, LEN(healths), name);

    if (i == LEN(healths))
        return false;
    *ret = (enum hive_health)i;
    return true;
}

void worker_facts_copy(struct worker_facts *dst, const struct worker_facts *src)
{
    struct labels labels = dst->labels;

    if (dst == src)
        return;
    *dst = *src;
    dst->labels = labels;
    labels_copy(&dst->labels, &src->labels);
}

void worker_facts_free(struct worker_facts *f)
{
    labels_free(&f->labels);
}

void hive_facts_copy(struct hive_facts *dst, const struct hive_facts *src)
{
    struct hive_facts copy = *src;

    if (dst == src)
        return;
    copy.labels = (struct labels){ 0 };
    labels_copy(&copy.labels, &src->labels);
    copy.devices = NULL;
    if (src->devices_len > 0) {
        copy.devices = mem_alloc(src->devices_len, sizeof(*copy.devices));
        memcpy(copy.devices, src->devices, src->devices_len * sizeof(*copy.devices));
    }
    copy.models = NULL;
    if (src->models_len > 0) {
        copy.models = mem_alloc(src->models_len, sizeof(*copy.models));
        memcpy(copy.models, src->models, src->models_len * sizeof(*copy.models));
    }
    hive_facts_free(dst);
    *dst = copy;
}

void hive_facts_free(struct hive_facts *f)
{
    labels_free(&f->labels);
    free(f->devices);
    free(f->models);
    f->devices = NULL;
    f->models = NULL;
    f->devices_len = f->models_len = 0;
}
