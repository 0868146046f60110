/*
 * json_texts - the few text members of a small object, by name: what most answers
 * between our own programs come down to. Not for request bodies with many fields
 * (read those with base/json.h).
 */
#pragma once

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

struct json_text {
    const char *name;
    char *dst; /* untouched when the member is absent or null */
    size_t size;
};

/* The whole of `text` must be one JSON object; other members are skipped.
 * Errors: ERR_JSON; ERR_INVALID for a member that is no text or too long. */
MUST_CHECK int json_texts_read(struct str text, const struct json_text *members, size_t len,
                               struct err *err);

/* The raw JSON of one member, a view of `text`; .p is NULL when it is absent. */
MUST_CHECK int json_raw_member(struct str text, const char *name, struct str *ret, struct err *err);
