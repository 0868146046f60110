#include "registry/slots.h"

#include "base/mem.h"

#include <assert.h>

enum { SLOTS_MIN = 64 };
#define SLOT_NONE UINT32_MAX

void slots_init(struct slots *s)
{
    *s = (struct slots){ .newest = SLOT_NONE, .first_free = SLOT_NONE };
}

void slots_deinit(struct slots *s)
{
    free(s->slots);
    slots_init(s);
}

static void unlink_slot(struct slots *s, uint32_t at)
{
    const struct slot *slot = &s->slots[at];

    if (slot->newer == SLOT_NONE)
        s->newest = slot->older;
    else
        s->slots[slot->newer].older = slot->older;
    if (slot->older != SLOT_NONE)
        s->slots[slot->older].newer = slot->newer;
}

static void link_newest(struct slots *s, uint32_t at, uint64_t change)
{
    struct slot *slot = &s->slots[at];

    assert(s->newest == SLOT_NONE || change > s->slots[s->newest].changed);
    slot->changed = change;
    slot->newer = SLOT_NONE;
    slot->older = s->newest;
    if (s->newest != SLOT_NONE)
        s->slots[s->newest].newer = at;
    s->newest = at;
}

void slots_touch(struct slots *s, uint32_t slot, uint64_t change)
{
    unlink_slot(s, slot);
    link_newest(s, slot, change);
}

static uint32_t take_new(struct slots *s)
{
    if (s->len == s->cap) {
        s->cap = s->cap ? s->cap * 2 : SLOTS_MIN;
        s->slots = mem_resize(s->slots, s->cap * sizeof(struct slot));
    }
    s->slots[s->len] = (struct slot){ 0 };
    return s->len++;
}

uint32_t slots_take(struct slots *s, const void *what, uint64_t change)
{
    uint32_t at = s->first_free;

    if (at == SLOT_NONE) {
        at = take_new(s);
    } else {
        s->first_free = s->slots[at].next_free;
        unlink_slot(s, at);
    }
    s->slots[at].what = what;
    s->slots[at].generation++;
    link_newest(s, at, change);
    return at;
}

void slots_give_back(struct slots *s, uint32_t slot, uint64_t change)
{
    s->slots[slot].what = NULL;
    s->slots[slot].next_free = s->first_free;
    s->first_free = slot;
    slots_touch(s, slot, change);
}

uint32_t slots_generation(const struct slots *s, uint32_t slot)
{
    return s->slots[slot].generation;
}

void slots_since(const struct slots *s, uint64_t since, slots_visit_fn *visit, void *data)
{
    for (uint32_t at = s->newest; at != SLOT_NONE; at = s->slots[at].older) {
        const struct slot *slot = &s->slots[at];

        if (slot->changed <= since)
            break;
        visit(data, at, slot->generation, slot->what);
    }
}
