/*
 * Which reports come in: caps, and who may speak for a worker. Two hives that give one
 * id to two workers would otherwise take it from each other with every heartbeat.
 */
#include "registry/registry.h"

#include "registry/registry_private.h"

#include <stdio.h>
#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
    const struct worker_facts *const *x = a, *const *y = b;

    return strcmp((*x)->id, (*y)->id);
}

static int check_each_once(const struct worker_facts *workers, size_t len, struct err *err)
{
    const struct worker_facts *sorted[WORKERS_PER_HIVE_MAX];

    for (size_t i = 0; i < len; i++)
        sorted[i] = &workers[i];
    qsort(sorted, len, sizeof(struct worker_facts *), by_id);
    for (size_t i = 1; i < len; i++) {
        if (by_id(&sorted[i - 1], &sorted[i]) == 0)
            return err_param(err, ERR_INVALID, "workers",
                             "worker '%s' is in the report twice; each needs an id of its own",
                             sorted[i]->id);
    }
    return 0;
}

/* Who speaks for the workers of a report. */
struct reporter {
    const struct hive *hive; /* NULL: not known yet, or no hive */
    bool is_hive;
    const char *id; /* the hive's */
};

static bool owns(const struct reporter *by, const struct worker *w)
{
    return by->is_hive ? by->hive && w->hive == by->hive : !w->hive;
}

/* "hive 'gpu0'", for an error that names both sides. */
struct side {
    char name[HIVE_ID_SIZE + 32];
};

static struct side side_of(const char *hive_id, bool is_static)
{
    struct side side;

    (void)snprintf(side.name, sizeof(side.name), *hive_id ? "hive '%s'" : "%s",
                   *hive_id    ? hive_id
                   : is_static ? "the queen's configuration"
                               : "no hive");
    return side;
}

static int check_owner(const struct reporter *by, const struct worker *w, struct err *err)
{
    if (!w->is_static && (owns(by, w) || w->age == LIVE_OFFLINE))
        return 0;
    return err_param(err, ERR_CONFLICT, "worker_id",
                     "two workers are called '%s', one of %s and one of %s; give one of them "
                     "another id",
                     w->facts.id, side_of(w->facts.hive_id, w->is_static).name,
                     side_of(by->id, false).name);
}

int registry_check_room(const struct registry *r, const struct hive_facts *hive,
                        const struct worker_facts *workers, size_t workers_len, struct err *err)
{
    struct reporter by = { .hive = hive ? registry_hive(r, hive->id) : NULL,
                           .is_hive = hive != NULL,
                           .id = hive ? hive->id : "" };

    if (hive && !by.hive && map_count(&r->hives) >= r->limits.hives_max)
        return err_set(err, ERR_LIMIT, "hive '%s' is one too many: the queen takes %zu", hive->id,
                       r->limits.hives_max);
    if (workers_len > WORKERS_PER_HIVE_MAX)
        return err_set(err, ERR_LIMIT, "%zu workers in one report: the queen takes %d", workers_len,
                       WORKERS_PER_HIVE_MAX);
    int rc = check_each_once(workers, workers_len, err);
    if (rc < 0)
        return rc;

    /* What is here, without the hive's own, which are in the report or go. */
    size_t after = map_count(&r->workers) - (by.hive ? by.hive->workers_len : 0) + workers_len;
    for (size_t i = 0; i < workers_len; i++) {
        const struct worker *w = registry_worker(r, workers[i].id);

        if (!w)
            continue;
        rc = check_owner(&by, w, err);
        if (rc < 0)
            return rc;
        if (!by.hive || w->hive != by.hive)
            after--; /* changes hands, so it was counted twice */
    }
    if (after > r->limits.workers_max)
        return err_set(err, ERR_LIMIT, "%zu workers are too many: the queen takes %zu", after,
                       r->limits.workers_max);
    return 0;
}
