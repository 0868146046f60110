/*
 * slots - small numbers for things that come and go, and which of them changed since when.
 * Private to registry/.
 *
 * A thing has one number for as long as it lives; the number that became free last is used
 * next, so numbers stay below the most things there ever were at once. Slots hang in a list
 * by their last change, newest first: "since" walks over what changed and nothing else.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct slot {
    const void *what;      /* who has it; NULL: nobody now */
    uint64_t changed;      /* number of its last change */
    uint32_t generation;   /* how often it was given */
    uint32_t newer, older; /* by `changed` */
    uint32_t next_free;
};

struct slots {
    struct slot *slots;
    uint32_t len, cap;
    uint32_t newest, first_free;
};

void slots_init(struct slots *s);
void slots_deinit(struct slots *s);

/* `change` is the number of the change, greater than all before. */
uint32_t slots_take(struct slots *s, const void *what, uint64_t change);
void slots_give_back(struct slots *s, uint32_t slot, uint64_t change);
void slots_touch(struct slots *s, uint32_t slot, uint64_t change);

uint32_t slots_generation(const struct slots *s, uint32_t slot);

typedef void slots_visit_fn(void *data, uint32_t slot, uint32_t generation, const void *what);
void slots_since(const struct slots *s, uint64_t since, slots_visit_fn *visit, void *data);
