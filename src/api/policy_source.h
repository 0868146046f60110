/*
 * policy_source - which policy an administrator's call means: a text that came with it, a
 * version that is kept here, or a built-in one.
 */
#pragma once

#include "api/policies.h"
#include "api/policy_request.h"

struct policy_source {
    bool is_platform; /* the built-in policy: run it, do not load it */
    enum script_language language;
    struct str text;                 /* of the request, embedded, or `kept` */
    struct buf kept;                 /* what was read */
    char file[SCRIPT_NAME_SIZE + 8]; /* for messages: "home.lua" */
};

/* Errors: ERR_NOT_FOUND, ERR_INVALID (there is no text to be run), ERR_SYSTEM; `param` is
 * "policy" or "version". On success deinit. */
MUST_CHECK int policy_source_find(const struct policies *p, const struct policy_request *request,
                                  struct policy_source *ret, struct err *err);
void policy_source_deinit(struct policy_source *s);
