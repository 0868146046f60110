/*
 * model - one model reference and the workers that hold it, in the order in which they
 * first reported it. Private to registry/.
 *
 * A bit per worker says who has room, so that looking for it steps over the busy ones
 * 64 at a time: 10,000 busy workers cost 157 words.
 */
#pragma once

#include "registry/registry.h"

/* How long it took to load it on one hive. */
struct load {
    char hive_id[HIVE_ID_SIZE];
    struct mean ms;
};

struct model {
    char name[MODEL_REF_SIZE];
    uint32_t slot;
    bool is_remembered; /* stays known when nobody holds it any more */
    size_t hives;       /* that list it */

    uint64_t size_bytes, context_length; /* as a hive said last; 0: none did */
    uint64_t held_mb;                    /* most that a worker of it held */
    uint64_t wanted, last_wanted_ms;
    struct mean tokens_out, run_ms;
    struct load *loads; /* the last one first; NULL or LOADS_PER_MODEL_MAX places */
    size_t loads_len;

    struct worker **workers;      /* by worker.model_place; NULL where one has left */
    size_t len, cap, workers_len; /* places in use, places, workers in them */
    uint64_t *room[LIVE_OFFLINE]; /* [LIVE_ONLINE], [LIVE_DEGRADED]: a bit per place */
};

struct model *model_new(const char *name);
void model_free(struct model *m); /* no worker holds it any more */

void model_add(struct model *m, struct worker *worker); /* last; sets its model, model_place */
void model_remove(struct worker *worker);               /* from its model */

void model_note_load(struct model *m, const char *hive_id, uint64_t load_time_ms);
uint64_t model_load_time_ms(const struct model *m, const char *hive_id); /* as the registry's */

/* Keep the bits right: call after any change of `worker` that worker_room() sees. */
void model_note_room(const struct worker *worker);

/* The first worker of that liveness at or after `*place` (which then stands behind it),
 * NULL when there is none. `with_room`: skip those without; not for LIVE_OFFLINE. */
const struct worker *model_next(const struct model *m, enum liveness live, bool with_room,
                                size_t *place);
