/*
 * policy_request - bodies of the administrators' calls about policies, read and checked
 * (POLICY-API "Admin calls"). Pure: text in, facts out.
 *
 * A source is taken as it is, a NUL (\u0000) and any length included: whether it can be
 * run is for the policy host to say.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "release/store.h"

enum admin_call {
    CALL_VALIDATE,
    CALL_COMPILE,
    CALL_SIMULATE,
    CALL_DEPLOY,
    CALL_ROLLBACK,
    CALL_REPLAY,
    /* Operations of POST /v1/jobs that no route has; those beside a route share its call. */
    CALL_GET,
    CALL_DELETE,
    CALL_TEST,
    ADMIN_CALL_COUNT_,
};

enum {
    SIMULATED_CALLS_MAX = 1000,
    REPLAYED_MAX = 10000, /* decisions of one replay */
};

struct policy_request {
    /* A text. */
    bool has_source;
    enum script_language language; /* "language"; of a text always given */
    struct str source;             /* of the body, or of `arena` */

    /* Or one that is kept: "name", "policy". */
    char name[SCRIPT_NAME_SIZE]; /* "": not given */
    uint32_t version;            /* 0: not given */

    char message[STORE_MESSAGE_SIZE]; /* cut to what fits */
    bool is_shadow;                   /* "mode": kept, but not to decide */
    struct str context;               /* raw JSON, of the body; .p NULL: not given */
    unsigned calls;                   /* 1 when not given */
    uint64_t from, to;                /* decisions, both included; 0: not given */

    struct arena arena; /* what had to be unescaped */
};

/* Views of `body` in `ret`. Fields that the call does not know are errors that name them,
 * unless `is_lenient`: an operation's body may hold more. Errors: ERR_JSON, ERR_MISSING,
 * ERR_INVALID with the field in `param`. On success free `ret`. */
MUST_CHECK int policy_request_read(enum admin_call call, struct str body, bool is_lenient,
                                   struct policy_request *ret, struct err *err);
void policy_request_free(struct policy_request *r);
