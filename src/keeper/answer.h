/*
 * answer - what the queen said, for views: members by their path, taken leniently. What is
 * not there reads as nothing, so that an older or newer queen is shown as far as it goes.
 * Not for requests, and not for what must be right: read those with base/json.h.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

/* Is the whole of `json` one object? Errors: ERR_JSON, ERR_INVALID. */
MUST_CHECK int answer_check(struct str json, struct err *err);

/* What stands at "decision.worker_id", a view; .p NULL when it is absent or null. */
struct str answer_raw(struct str json, const char *path);

/* The same as text: "" when absent; numbers and the like as they stand. Lives in `arena`. */
const char *answer_text(struct arena *arena, struct str json, const char *path);
uint64_t answer_uint(struct str json, const char *path); /* 0 when absent */
bool answer_is(struct str json, const char *path);       /* true, and nothing else */

/* Elements of an array, in order; anything else has none. */
struct answer_list {
    struct json json;
    bool has_begun;
};
struct answer_list answer_list(struct str array);
bool answer_next(struct answer_list *list, struct str *ret);

/* "2026-01-31 12:00:00.000" of an RFC 3339 member, in this machine's time; "" when absent. */
enum { ANSWER_TIME_SIZE = 32 };
void answer_time(struct str json, const char *path, char ret[ANSWER_TIME_SIZE]);
