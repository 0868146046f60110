/*
 * findings - is an answer right, and what was wrong in a whole trial: told once per line and
 * kind, with how often, and where first.
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

enum {
    FINDINGS_MAX = 24,
    FINDING_MESSAGE_SIZE = 140, /* so that what stands behind it has room in a diagnostic */
    FINDING_STATE_SIZE = 64,
};

struct finding {
    enum finding_kind kind;
    enum ask_kind ask;
    unsigned line; /* 0: not known */
    unsigned count;
    char message[FINDING_MESSAGE_SIZE]; /* of the first */
    char state[FINDING_STATE_SIZE];     /* where the first was */
};

struct findings {
    struct finding items[FINDINGS_MAX];
    size_t len;
    struct {
        unsigned calls;           /* that were answered, somehow */
        unsigned serious, failed; /* those that had a job and a worker; and failed */
    } asked[ASK_KIND_COUNT_];
    unsigned deaths; /* hosts that it has cost: timeouts, memory, crashes */
};

/* One question, and what it was asked about. */
struct findings_trial {
    const struct snapshot *snapshot;
    const char *state; /* its name: "the generated state 'busy' (seed 26)" */
    const struct policy_call *call;
    struct str source; /* the policy's */
    const char *name;  /* its messages begin with it */
    bool is_changing;  /* the snapshot may not be any more what it was: ids may be gone */
};
void findings_judge(struct findings *f, const struct findings_trial *t,
                    const struct policy_answer *answer);
void findings_tell(const struct findings *f, struct diagnostics *d);
