/*
 * registry_private - what the parts of the registry share: registry.c (reports, the
 * ledger), registry_check.c (which reports come in), registry_age.c (time), registry_find.c
 * (questions). Nobody else includes it.
 */
#pragma once

#include "base/map.h"
#include "registry/model.h"
#include "registry/registry.h"

struct registry {
    struct registry_limits limits;
    registry_change_fn *on_change;
    void *data;

    struct map workers; /* id -> struct worker */
    struct map hives;   /* id -> struct hive */
    struct map models;  /* name -> struct model: held, listed or remembered */
    size_t remembered;  /* models with is_remembered */

    /* By age. Each list is in order of `seen_ms`, so that the next to change is in
     * front: whoever reports moves to the back of the online one. */
    struct list workers_by_age[LIVE_OFFLINE + 1]; /* worker.in_age */
    struct list hives_by_age[LIVE_OFFLINE + 1];   /* hive.in_age */
    struct list full_statics;                     /* worker.in_age, by full_ms */

    uint64_t reports; /* of hives, in all */
};

/* What of a worker others are told of when it changes. */
struct standing {
    uint32_t room;
    bool is_lost;
};
struct standing registry_standing(const struct worker *w);

/* The end of every change of a worker: derive what is derived, tell what is news. */
void registry_settle(const struct registry *r, struct worker *w, const struct standing *before);

void registry_remove_worker(struct registry *r, struct worker *w);
void registry_remove_hive(struct registry *r, struct hive *hive); /* and its workers */
