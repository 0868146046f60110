/*
 * Workers on their way: started, until their hive reports them ready, and evicted, until it
 * reports them no more. Failures are remembered, so that nothing is tried in a loop.
 */
#include "scheduler/core_private.h"

#include <stdio.h>

enum {
    SETBACK_FIRST_MS = 5000, /* doubled by each further failure */
    SETBACK_MAX_MS = 300000,
    GIVE_UP_AFTER = 3,         /* failures in a row; then nobody waits for another try */
    EVICT_TIMEOUT_MS = 120000, /* longer than a hive waits for a worker to end */
    KEY_SIZE = HIVE_ID_SIZE + MODEL_REF_SIZE,
};

/* --- Starts that failed ------------------------------------------------------- */

static struct str setback_key(char key[KEY_SIZE], const char *model, const char *hive_id)
{
    (void)snprintf(key, KEY_SIZE, "%s\n%s", hive_id, model);
    return str_of(key);
}

const struct setback *core_setback(const struct core *c, const char *model, const char *hive_id)
{
    char key[KEY_SIZE];

    return map_count(&c->setbacks) > 0 ? map_get(&c->setbacks, setback_key(key, model, hive_id))
                                       : NULL;
}

bool core_has_given_up(const struct core *c, const char *model, const char *hive_id)
{
    const struct setback *s = core_setback(c, model, hive_id);

    return s && s->failures >= GIVE_UP_AFTER && s->until_ms > c->now_ms;
}

static uint64_t backoff_ms(unsigned failures)
{
    uint64_t ms = SETBACK_FIRST_MS;

    while (failures-- > 1 && ms < SETBACK_MAX_MS)
        ms *= 2;
    return ms < SETBACK_MAX_MS ? ms : SETBACK_MAX_MS;
}

static void remember(struct core *c, const struct start *start, const char *words)
{
    char key_memory[KEY_SIZE];
    struct str key = setback_key(key_memory, start->model, start->hive_id);
    struct setback *s = map_remove(&c->setbacks, key); /* the last one is last */

    if (!s)
        s = mem_alloc(1, sizeof(*s));
    if (map_count(&c->setbacks) >= SETBACKS_MAX)
        free(map_remove(&c->setbacks, map_key(map_first(&c->setbacks))));
    s->failures++;
    s->until_ms = c->now_ms + backoff_ms(s->failures);
    memcpy(s->model, start->model, sizeof(s->model));
    memcpy(s->hive_id, start->hive_id, sizeof(s->hive_id));
    (void)snprintf(s->words, sizeof(s->words), "%s", words);
    (void)map_put(&c->setbacks, key, s);
}

static void forget(struct core *c, const struct start *start)
{
    char key[KEY_SIZE];

    free(map_remove(&c->setbacks, setback_key(key, start->model, start->hive_id)));
}

/* --- Starts under way ------------------------------------------------------------ */

void core_start(struct core *c, const char *model, const char *hive_id, int32_t gpu)
{
    struct start *start = mem_alloc(1, sizeof(*start));
    struct model_facts facts = { .vram_required_mb = 0 };

    (void)registry_model_facts(c->registry, model, &facts);
    start->number = ++c->numbers;
    start->begun_ms = c->now_ms;
    start->reserved_mb = (int64_t)facts.vram_required_mb;
    (void)str_copy(start->model, sizeof(start->model), str_of(model));
    (void)str_copy(start->hive_id, sizeof(start->hive_id), str_of(hive_id));
    list_push_back(&c->starts, &start->in_starts);
    registry_reserve(c->registry, hive_id, start->reserved_mb);
    c->starting++;
    c->totals.started_total++;

    struct core_action *action = core_add_action(c, CORE_START, "");
    action->number = start->number;
    action->gpu = gpu;
    memcpy(action->model, start->model, sizeof(action->model));
    memcpy(action->hive_id, start->hive_id, sizeof(action->hive_id));
}

static void end_start(struct core *c, struct start *start)
{
    registry_reserve(c->registry, start->hive_id, -start->reserved_mb);
    list_remove(&start->in_starts);
    c->starting--;
    free(start);
}

static void fail_start(struct core *c, struct start *start, const char *words)
{
    remember(c, start, words);
    job_queue_doubt(c->queue, start->model);
    end_start(c, start);
    c->something_changed = true;
}

static struct start *find_start(const struct core *c, uint64_t number)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->starts) {
        struct start *start = container_of(it, struct start, in_starts);

        if (start->number == number)
            return start;
    }
    return NULL;
}

bool core_is_starting(const struct core *c, const char *model, const char *hive_id)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->starts) {
        const struct start *start = container_of(it, struct start, in_starts);

        if (strcmp(start->model, model) == 0 && strcmp(start->hive_id, hive_id) == 0)
            return true;
    }
    return false;
}

uint32_t core_starting(const struct core *c, const char *model)
{
    struct list *it, *tmp;
    uint32_t count = 0;

    LIST_FOREACH(it, tmp, &c->starts)
        count += strcmp(container_of(it, struct start, in_starts)->model, model) == 0;
    return count;
}

const char *core_offline_start(const struct core *c, const char *model)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &c->starts) {
        const struct start *start = container_of(it, struct start, in_starts);
        const struct hive *hive = registry_hive(c->registry, start->hive_id);

        if (strcmp(start->model, model) == 0 && (!hive || hive->live == LIVE_OFFLINE))
            return start->hive_id;
    }
    return NULL;
}

void core_on_start_ended(struct core *c, const struct core_event *event)
{
    struct start *start = find_start(c, event->u.ended.number);

    if (!start)
        return; /* it was ready, or given up, before the hive answered */
    if (event->u.ended.failed)
        fail_start(c, start, *event->u.ended.err.msg ? event->u.ended.err.msg : "no reason given");
    else if (event->u.ended.worker_id)
        (void)str_copy(start->worker_id, sizeof(start->worker_id),
                       str_of(event->u.ended.worker_id));
}

/* Is this the worker that the start made? The hive names it; until it has, any that came
 * since and has the model. */
static bool is_its_worker(const struct start *start, const struct worker *w)
{
    if (strcmp(w->facts.model, start->model) != 0 || strcmp(w->facts.hive_id, start->hive_id) != 0)
        return false;
    return *start->worker_id ? strcmp(start->worker_id, w->facts.id) == 0
                             : w->first_seen_ms >= start->begun_ms;
}

void core_note_ready(struct core *c, const struct worker_facts *workers, size_t len)
{
    struct list *it, *tmp;

    if (c->starting == 0)
        return;
    for (size_t i = 0; i < len; i++) {
        const struct worker *w = registry_worker(c->registry, workers[i].id);

        if (!w || (w->facts.state != WORKER_READY && w->facts.state != WORKER_BUSY))
            continue;
        LIST_FOREACH(it, tmp, &c->starts) {
            struct start *start = container_of(it, struct start, in_starts);

            if (!is_its_worker(start, w))
                continue;
            forget(c, start);
            end_start(c, start);
        }
    }
}

/* --- Evictions --------------------------------------------------------------------- */

void core_evict(struct core *c, const struct worker *worker)
{
    struct eviction *eviction = mem_alloc(1, sizeof(*eviction));

    eviction->number = ++c->numbers;
    eviction->begun_ms = c->now_ms;
    (void)map_put(&c->evictions, str_of(worker->facts.id), eviction);
    registry_worker_leaving(c->registry, worker->facts.id, true);
    c->totals.evicted_total++;

    struct core_action *action = core_add_action(c, CORE_EVICT, "");
    action->number = eviction->number;
    (void)str_copy(action->worker_id, sizeof(action->worker_id), str_of(worker->facts.id));
    (void)str_copy(action->hive_id, sizeof(action->hive_id), str_of(worker->facts.hive_id));
}

/* It stays after all. */
static void end_eviction(struct core *c, struct map_entry *entry)
{
    char worker_id[WORKER_ID_SIZE];

    (void)str_copy(worker_id, sizeof(worker_id), map_key(entry));
    free(map_remove(&c->evictions, map_key(entry)));
    registry_worker_leaving(c->registry, worker_id, false);
}

void core_on_evict_ended(struct core *c, const struct core_event *event)
{
    struct map_entry *it, *tmp;

    if (!event->u.ended.failed)
        return; /* its hive reports it no more, soon */
    MAP_FOREACH(it, tmp, &c->evictions) {
        const struct eviction *eviction = map_value(it);

        if (eviction->number != event->u.ended.number)
            continue;
        end_eviction(c, it);
        return;
    }
}

/* Told in the middle of a change of the registry. */
void core_note_gone(struct core *c, const struct worker *worker)
{
    free(map_remove(&c->evictions, str_of(worker->facts.id)));
}

/* --- Time --------------------------------------------------------------------------- */

static uint64_t oldest_start_ms(const struct core *c)
{
    return container_of(c->starts.next, struct start, in_starts)->begun_ms;
}

static uint64_t oldest_eviction_ms(const struct core *c)
{
    const struct eviction *eviction = map_value(map_first(&c->evictions));

    return eviction->begun_ms;
}

void core_expire_starts(struct core *c)
{
    char words[64];

    while (!list_is_empty(&c->starts) &&
           c->now_ms - oldest_start_ms(c) >= c->options.start_timeout_ms) {
        (void)snprintf(words, sizeof(words), "it was not ready within %llu s",
                       (unsigned long long)c->options.start_timeout_ms / 1000);
        fail_start(c, container_of(c->starts.next, struct start, in_starts), words);
    }
    while (map_count(&c->evictions) > 0 && c->now_ms - oldest_eviction_ms(c) >= EVICT_TIMEOUT_MS)
        end_eviction(c, map_first(&c->evictions));
}

uint64_t core_starts_due_ms(const struct core *c)
{
    uint64_t due_ms = UINT64_MAX;

    if (!list_is_empty(&c->starts))
        due_ms = oldest_start_ms(c) + c->options.start_timeout_ms;
    if (map_count(&c->evictions) > 0 && oldest_eviction_ms(c) + EVICT_TIMEOUT_MS < due_ms)
        due_ms = oldest_eviction_ms(c) + EVICT_TIMEOUT_MS;
    return due_ms;
}

void core_starts_free(struct core *c)
{
    while (!list_is_empty(&c->starts))
        end_start(c, container_of(c->starts.next, struct start, in_starts));
}
