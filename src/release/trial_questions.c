#include "release/trial_questions.h"

#include "base/str.h"

enum { JOBS_ASKED = 3 }; /* the first ones */

/* The row of the n-th job in the queue's order. */
static uint32_t nth_job(const struct snapshot *s, unsigned n)
{
    uint32_t row = s->header.first_job;
    const struct snap_job *job;

    while ((job = snapshot_job(s, row)) && n-- > 0)
        row = job->next;
    return job ? row : SNAP_NONE;
}

static void fill_call(const struct trial_questions *q, enum ask_kind kind, uint32_t job,
                      struct policy_call *ret)
{
    *ret = (struct policy_call){ .kind = kind, .job = job, .seed = q->asked + 1 };
    if (kind == ASK_RETRY) {
        ret->attempt = 1 + q->context % 3;
        (void)str_copy(ret->error_code, sizeof(ret->error_code), str_of("worker_error"));
        (void)str_copy(ret->error_message, sizeof(ret->error_message),
                       str_of("connection refused"));
    } else if (kind == ASK_OUTCOME) {
        (void)str_copy(ret->outcome.state, sizeof(ret->outcome.state),
                       str_of(q->context % 2 == 0 ? "done" : "failed"));
        (void)str_copy(ret->outcome.worker_id, sizeof(ret->outcome.worker_id), str_of("worker-0"));
        ret->outcome.tokens_out = q->context;
        ret->outcome.total_ms = 1000;
    }
}

static bool entry_question(const struct trial_questions *q, struct policy_call *ret)
{
    bool is_whole = q->info->entry == POLICY_ENTRY_SCHEDULE;
    unsigned most = q->calls > 0 ? q->calls : is_whole ? 1 : JOBS_ASKED;
    uint32_t job = is_whole ? SNAP_NONE : nth_job(q->snapshot, q->asked);

    if (q->asked >= most || (!is_whole && job == SNAP_NONE))
        return false;
    fill_call(q, is_whole ? ASK_SCHEDULE : ASK_JOB, job, ret);
    return true;
}

static bool hook_question(const struct trial_questions *q, unsigned n, struct policy_call *ret)
{
    static const struct {
        enum ask_kind kind;
        unsigned hook;
    } hooks[] = {
        { ASK_ADMIT, POLICY_HOOK_ADMIT },
        { ASK_RETRY, POLICY_HOOK_RETRY },
        { ASK_OUTCOME, POLICY_HOOK_OUTCOME },
    };
    uint32_t job = nth_job(q->snapshot, 0);

    for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]) && job != SNAP_NONE; i++) {
        if (q->info->hooks & hooks[i].hook && n-- == 0) {
            fill_call(q, hooks[i].kind, job, ret);
            return true;
        }
    }
    return false;
}

bool trial_questions_next(struct trial_questions *q, struct policy_call *ret)
{
    bool is_there = q->hooks_asked == 0 && entry_question(q, ret);

    if (!is_there && q->calls == 0)
        is_there = hook_question(q, q->hooks_asked++, ret);
    q->asked += is_there;
    return is_there;
}
