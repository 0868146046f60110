/*
 * findings - what a trial found wrong, told once per line and kind, with how often.
 *
 * A finding is an error by its kind, or because every call of that question failed that had
 * something to decide; else a warning.
 */
#pragma once

#include "policy/policy.h"

enum finding_kind {
    FINDING_RAISED,  /* an error: some field was not there, perhaps */
    FINDING_NOT_NOW, /* the answer was wrong in this state */
    FINDING_WRONG,   /* the answer is wrong in every state */
    FINDING_TIMEOUT,
    FINDING_MEMORY,
    FINDING_CRASH,
    FINDING_KIND_COUNT_,
};

enum { FINDINGS_MAX = 24 };

struct finding {
    enum finding_kind kind;
    enum ask_kind ask;
    unsigned line; /* 0: not known */
    unsigned count;
    char message[POLICY_MESSAGE_SIZE]; /* of the first */
};

struct findings {
    struct finding items[FINDINGS_MAX];
    size_t len;
    struct {
        unsigned calls;           /* that were answered, somehow */
        unsigned serious, failed; /* those that had a job and a worker; and failed */
    } asked[ASK_KIND_COUNT_];
};

void findings_note_call(struct findings *f, enum ask_kind ask, bool is_serious, bool has_failed);
/* `name` is the policy's, whose messages begin with it. */
void findings_add(struct findings *f, enum finding_kind kind, enum ask_kind ask, unsigned line,
                  const char *name, const char *message);
void findings_tell(const struct findings *f, struct diagnostics *d);
