/*
 * policy_errand - an administrator's call about policies that takes time: its place among
 * those under way (they cost processes), its client who may leave, and its deadline.
 *
 * Embedded in its owner, which keeps what runs. It ends exactly once: by errand_done(), which
 * the owner calls before it answers errand.req; or by the world, through `cancel`, where the
 * owner frees itself and nobody is answered any more (the deadline has answered).
 */
#pragma once

#include "api/operations.h"
#include "api/policies.h"

enum { ERRANDS_MAX = 8 };

struct errand {
    struct list link; /* in policies::errands */
    struct policies *policies;
    struct http_request *req;
    const struct operation *op; /* the call came by POST /v1/jobs; NULL: by its own route */
    struct loop_timer deadline;
    const char *what; /* for words: "the simulation" */
    bool outlives;    /* it was accepted, and completes whoever waits: it is not counted among
                         ERRANDS_MAX, and its deadline ends the waiting only */
    void (*cancel)(struct errand *e);
};

/* Watch `req`. False: too many are under way, and `req` has been told so (503). */
bool errand_begin(struct errand *e, struct http_request *req, const struct operation *op,
                  uint64_t timeout_ms);

/* No `cancel` comes any more; errand.req is to be answered now. */
void errand_done(struct errand *e);
void errand_fail(struct errand *e, const struct err *err); /* the same, and answers */

/* The queen stops: fail them all. */
void errands_end_all(struct policies *p, const struct err *err);
