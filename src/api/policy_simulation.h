/*
 * policy_simulation - calls of one policy over one context, one after the other in one host,
 * so that what the script keeps is kept; written as POLICY-API's `simulate` answers them.
 */
#pragma once

#include "api/policy_asker.h"
#include "base/err.h"

struct simulation;

struct simulation_options {
    struct loop *loop;
    struct sandbox *sandbox;
    bool is_platform; /* the platform policy itself; below is not looked at */
    enum script_language language;
    struct str source;
    const char *name;
    unsigned calls;
    /* Once, from the loop: {"calls":[…]}, or why not (`err` not NULL). The simulation is gone
     * then. */
    void (*on_done)(void *data, struct str json, const struct err *err);
    void *data;
};

/* `context` (sizeof(struct snapshot)) is the simulation's from here on. */
struct simulation *simulation_start(const struct simulation_options *options,
                                    struct region *context);
void simulation_cancel(struct simulation *s); /* before on_done only; NULL is fine */
