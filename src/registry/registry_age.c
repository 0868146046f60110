/*
 * Time passing over the registry. Each age has its list in order of the last report, so
 * a tick looks at those that change and at one more per list.
 */
#include "registry/registry.h"

#include "base/mem.h"
#include "registry/registry_private.h"

enum { STATIC_FULL_MS = 1000 }; /* as long as the others wait for a report */

static void age_worker(struct registry *r, struct worker *w, enum liveness age)
{
    struct standing before = registry_standing(w);

    w->age = age;
    list_remove(&w->in_age);
    list_push_back(&r->workers_by_age[age], &w->in_age);
    registry_settle(r, w, &before);
}

static void age_hive(struct registry *r, struct hive *hive, enum liveness age)
{
    hive->live = age;
    registry_touch(r, REGISTRY_HIVES, hive->slot);
    list_remove(&hive->in_age);
    list_push_back(&r->hives_by_age[age], &hive->in_age);
}

static uint64_t lasts_ms(const struct registry *r, enum liveness age)
{
    const uint64_t after_ms[] = { r->limits.degraded_after_ms, r->limits.offline_after_ms,
                                  r->limits.forgotten_after_ms };

    return after_ms[age];
}

static struct worker *oldest_worker(const struct registry *r, enum liveness age)
{
    const struct list *head = &r->workers_by_age[age];

    return list_is_empty(head) ? NULL : container_of(head->next, struct worker, in_age);
}

static struct hive *oldest_hive(const struct registry *r, enum liveness age)
{
    const struct list *head = &r->hives_by_age[age];

    return list_is_empty(head) ? NULL : container_of(head->next, struct hive, in_age);
}

static struct worker *first_full_static(const struct registry *r)
{
    const struct list *head = &r->full_statics;

    return list_is_empty(head) ? NULL : container_of(head->next, struct worker, in_age);
}

static void free_full_statics(struct registry *r, uint64_t now_ms)
{
    struct worker *w;

    while ((w = first_full_static(r)) && now_ms - w->full_ms >= STATIC_FULL_MS) {
        struct standing before = registry_standing(w);

        list_remove(&w->in_age);
        w->foreign = 0;
        registry_settle(r, w, &before);
    }
}

void registry_tick(struct registry *r, uint64_t now_ms)
{
    struct worker *w;
    struct hive *hive;

    free_full_statics(r, now_ms);
    for (enum liveness age = LIVE_ONLINE; age <= LIVE_OFFLINE; age++) {
        while ((w = oldest_worker(r, age)) && now_ms - w->seen_ms > lasts_ms(r, age)) {
            if (age == LIVE_OFFLINE)
                registry_remove_worker(r, w);
            else
                age_worker(r, w, age + 1);
        }
        while ((hive = oldest_hive(r, age)) && now_ms - hive->seen_ms > lasts_ms(r, age)) {
            if (age == LIVE_OFFLINE)
                registry_remove_hive(r, hive);
            else
                age_hive(r, hive, age + 1);
        }
    }
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t registry_next_due_ms(const struct registry *r)
{
    const struct worker *full = first_full_static(r);
    uint64_t due_ms = full ? full->full_ms + STATIC_FULL_MS : UINT64_MAX;

    for (enum liveness age = LIVE_ONLINE; age <= LIVE_OFFLINE; age++) {
        const struct worker *w = oldest_worker(r, age);
        const struct hive *hive = oldest_hive(r, age);

        if (w)
            due_ms = earlier(due_ms, w->seen_ms + lasts_ms(r, age) + 1);
        if (hive)
            due_ms = earlier(due_ms, hive->seen_ms + lasts_ms(r, age) + 1);
    }
    return due_ms;
}
