/* test_rows - snapshots made by hand, row by row, for the tests of rules. */
#pragma once

#include "base/mem.h"
#include "snapshot/snapshot.h"

#include <string.h>

static uint32_t arena_used;

static inline struct snapshot *rows_new(void)
{
    struct snapshot *s = mem_alloc(1, sizeof(*s));

    s->header.first_job = s->header.asked_job = SNAP_NONE;
    s->header.now_ms = 1000000;
    arena_used = 1;
    return s;
}

static inline struct snap_text rows_text(struct snapshot *s, const char *bytes, size_t len)
{
    struct snap_text t = { arena_used, (uint32_t)len };

    memcpy(s->arena + arena_used, bytes, len);
    arena_used += (uint32_t)len;
    return t;
}

#define TEXT(s, literal) rows_text(s, literal, sizeof(literal) - 1)
#define LIST(s, literal) rows_text(s, literal, sizeof(literal)) /* the last item's NUL, too */

static inline struct snap_model *rows_model(struct snapshot *s, const char *ref)
{
    struct snap_model *m = &s->models[s->header.models++];

    m->generation = 1;
    m->first_worker = m->last_worker = SNAP_NONE;
    m->ref = rows_text(s, ref, strlen(ref));
    return m;
}

/* Ready and online, four slots, of the model in that row, linked as its last. */
static inline struct snap_worker *rows_worker(struct snapshot *s, const char *id, uint32_t model)
{
    uint32_t row = s->header.workers++;
    struct snap_worker *w = &s->workers[row];

    *w = (struct snap_worker){ .generation = 1,
                               .status = SNAP_READY,
                               .slots = 4,
                               .pool = SNAP_NONE,
                               .model = model,
                               .next_in_model = SNAP_NONE,
                               .prev_in_model = SNAP_NONE,
                               .next_in_pool = SNAP_NONE,
                               .prev_in_pool = SNAP_NONE };
    w->id = rows_text(s, id, strlen(id));
    if (model == SNAP_NONE)
        return w;
    struct snap_model *m = &s->models[model];
    w->prev_in_model = m->last_worker;
    if (m->last_worker == SNAP_NONE)
        m->first_worker = row;
    else
        s->workers[m->last_worker].next_in_model = row;
    m->last_worker = row;
    return w;
}

/* Waits, last of the queue, for the model in that row. */
static inline struct snap_job *rows_job(struct snapshot *s, const char *id, uint32_t model)
{
    uint32_t row = s->header.jobs++, *end = &s->header.first_job;
    struct snap_job *job = &s->jobs[row];

    while (*end != SNAP_NONE)
        end = &s->jobs[*end].next;
    *end = row;
    *job = (struct snap_job){
        .generation = 1, .next = SNAP_NONE, .model = model, .tenant = SNAP_NONE, .temperature = -1
    };
    job->id = rows_text(s, id, strlen(id));
    if (model != SNAP_NONE)
        job->model_ref = s->models[model].ref;
    return job;
}
