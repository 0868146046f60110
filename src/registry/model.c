#include "registry/model.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>

enum { PLACES_MIN = 64, WORD_BITS = 64, LOADS_AVERAGED = 4 };

struct model *model_new(const char *name)
{
    struct model *m = mem_alloc(1, sizeof(*m));

    (void)snprintf(m->name, sizeof(m->name), "%s", name);
    return m;
}

void model_free(struct model *m)
{
    if (!m)
        return;
    assert(m->workers_len == 0);
    free(m->workers);
    for (int live = 0; live < LIVE_OFFLINE; live++)
        free(m->room[live]);
    free(m->loads);
    free(m);
}

void model_note_room(const struct worker *worker)
{
    struct model *m = worker->model;
    uint64_t bit = 1ULL << worker->model_place % WORD_BITS;

    if (!m)
        return;
    for (int live = 0; live < LIVE_OFFLINE; live++) {
        uint64_t *word = &m->room[live][worker->model_place / WORD_BITS];
        bool has_room = worker->live == (enum liveness)live && worker_room(worker) > 0;

        *word = has_room ? *word | bit : *word & ~bit;
    }
}

/* Close the gaps that leavers made, or, when they are few, make more places. Either
 * way a constant share of the places is free afterwards. */
static void make_places(struct model *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->len; i++) {
        if (m->workers[i])
            m->workers[kept++] = m->workers[i];
    }
    m->len = kept;
    if (kept > m->cap / 2 || m->cap == 0) {
        m->cap = m->cap ? m->cap * 2 : PLACES_MIN;
        m->workers = mem_resize(m->workers, m->cap * sizeof(struct worker *));
    }
    for (int live = 0; live < LIVE_OFFLINE; live++) {
        free(m->room[live]);
        m->room[live] = mem_alloc(m->cap / WORD_BITS, sizeof(uint64_t));
    }
    for (size_t i = 0; i < kept; i++) {
        m->workers[i]->model_place = i;
        model_note_room(m->workers[i]);
    }
}

void model_add(struct model *m, struct worker *worker)
{
    assert(!worker->model);
    if (m->len == m->cap)
        make_places(m);
    worker->model = m;
    worker->model_place = m->len;
    m->workers[m->len++] = worker;
    m->workers_len++;
    model_note_room(worker);
}

void model_remove(struct worker *worker)
{
    struct model *m = worker->model;
    uint64_t bit = 1ULL << worker->model_place % WORD_BITS;

    if (!m)
        return;
    for (int live = 0; live < LIVE_OFFLINE; live++)
        m->room[live][worker->model_place / WORD_BITS] &= ~bit;
    m->workers[worker->model_place] = NULL;
    m->workers_len--;
    worker->model = NULL;
}

/* The first set bit at or after `at`; `len` when there is none. */
static size_t next_bit(const uint64_t *words, size_t at, size_t len)
{
    while (at < len) {
        uint64_t rest = words[at / WORD_BITS] >> at % WORD_BITS;

        if (rest)
            return at + (size_t)__builtin_ctzll(rest);
        at += WORD_BITS - at % WORD_BITS;
    }
    return len;
}

static const struct worker *next_with_room(const struct model *m, enum liveness live, size_t *place)
{
    size_t at = next_bit(m->room[live], *place, m->len);

    *place = at + 1;
    return at < m->len ? m->workers[at] : NULL;
}

const struct worker *model_next(const struct model *m, enum liveness live, bool with_room,
                                size_t *place)
{
    assert(!with_room || live < LIVE_OFFLINE);
    if (with_room)
        return next_with_room(m, live, place);
    while (*place < m->len) {
        const struct worker *worker = m->workers[(*place)++];

        if (worker && worker->live == live)
            return worker;
    }
    return NULL;
}

/* --- Loading -------------------------------------------------------------- */

static size_t load_place(const struct model *m, const char *hive_id)
{
    size_t i = 0;

    while (i < m->loads_len && strcmp(m->loads[i].hive_id, hive_id) != 0)
        i++;
    return i;
}

void model_note_load(struct model *m, const char *hive_id, uint64_t load_time_ms)
{
    size_t at = load_place(m, hive_id);
    struct load load = { 0 };

    if (at < m->loads_len)
        load = m->loads[at];
    else if (!m->loads)
        m->loads = mem_alloc(LOADS_PER_MODEL_MAX, sizeof(*m->loads));
    (void)str_copy(load.hive_id, sizeof(load.hive_id), str_of(hive_id));
    mean_add(&load.ms, (double)load_time_ms, LOADS_AVERAGED);

    if (at == LOADS_PER_MODEL_MAX)
        at--; /* in the place of the one that is longest ago */
    else if (at == m->loads_len)
        m->loads_len++;
    memmove(&m->loads[1], &m->loads[0], at * sizeof(*m->loads));
    m->loads[0] = load;
}

uint64_t model_load_time_ms(const struct model *m, const char *hive_id)
{
    size_t at = load_place(m, hive_id);
    double sum_ms = 0;

    if (m->loads_len == 0)
        return 0;
    if (at < m->loads_len)
        return (uint64_t)m->loads[at].ms.value;
    for (size_t i = 0; i < m->loads_len; i++)
        sum_ms += m->loads[i].ms.value;
    return (uint64_t)(sum_ms / (double)m->loads_len);
}
