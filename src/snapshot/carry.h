/*
 * carry - what one decision changes of the state that the next one sees, for whoever decides
 * about several jobs from one snapshot: a policy host about the questions of one message, and
 * whoever works out later what it saw.
 *
 * It foresees what the core makes of a decision (core_account.c, registry_ledger.c) and how
 * the live snapshot shows that: slots, tokens and uses of the worker, its status, the queue's
 * counts, the tenant's running jobs. Other things stay as they were: warm caches, sessions, a
 * tenant's service, the mean wait.
 */
#pragma once

#include "scheduler/decision.h"
#include "snapshot/snapshot.h"

struct carry {
    const struct snapshot *s;
    /* Write these bytes of `s`, to be seen in it at once: whole rows, or members of the header. */
    void (*put)(void *data, size_t off, const void *bytes, size_t len);
    void *data;
};

/* Another job is asked about now: a row, or SNAP_NONE. */
void carry_asked(const struct carry *c, uint32_t job);

/* This job was let into the queue, at first or to try again. */
void carry_let_in(const struct carry *c, uint32_t job);

/* These were decided, about the job of that row. False: one of them cannot be, or changes more
 * than is carried (a start, an eviction): what follows from it only the core can tell. Those
 * before it are carried. */
bool carry_decisions(const struct carry *c, uint32_t job, const struct decisions *decisions);
