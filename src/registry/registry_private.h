/*
 * registry_private - what the parts of the registry share: registry.c (reports, life),
 * registry_check.c (which reports come in), registry_age.c (time), registry_ledger.c (runs
 * and starts), registry_models.c (models), registry_find.c (questions). Nobody else
 * includes it.
 */
#pragma once

#include "base/map.h"
#include "registry/model.h"
#include "registry/registry.h"
#include "registry/slots.h"

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

    struct slots slots[REGISTRY_MODELS + 1]; /* by enum registry_kind */
    uint64_t changes;                        /* number of the last one, of any kind */
};

/* To the change feed: this slot is not what it was. */
void registry_touch(struct registry *r, enum registry_kind kind, uint32_t slot);

/* What of a worker others are told of when it changes. */
struct standing {
    uint32_t room;
    bool is_lost, is_failed;
};
struct standing registry_standing(const struct worker *w);

struct worker *registry_find_worker(const struct registry *r, const char *id); /* NULL: none */

/* The end of every change of a worker: derive what is derived, tell what is news. */
void registry_settle(struct registry *r, struct worker *w, const struct standing *before);

/* Telemetry's word on its speed, else what was measured. */
void registry_derive_speed(struct worker *w);

void registry_remove_worker(struct registry *r, struct worker *w);
void registry_remove_hive(struct registry *r, struct hive *hive); /* and its workers */

/* --- Models (registry_models.c) --- */

void registry_hold_model(struct registry *r, struct worker *w); /* the one of its facts */
void registry_drop_model(struct registry *r, struct worker *w);
/* What a report showed of its model: the memory that it takes, the time that it took. */
void registry_note_model(struct registry *r, const struct worker *w, uint64_t load_time_ms);
void registry_note_run(struct registry *r, struct model *m, const struct run_figures *run);
void registry_list_models(struct registry *r, struct hive *hive); /* those of its facts */
void registry_unlist_models(struct registry *r, struct model **models, size_t len);
