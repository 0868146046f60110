/* What user policies, and the hives that carry out their starts and evictions, may say. */
#include "scheduler/core_drive_private.h"

#include <stdio.h>
#include <string.h>

void drive_policy(struct drive *d)
{
    struct core_event event = { .kind = CORE_POLICY };

    d->has_policy = !drive_one_in(d, 3);
    d->out = 0; /* whatever is out is nobody's business now */
    if (d->has_policy) {
        event.u.policy.name = "mine";
        event.u.policy.version = "1";
        event.u.policy.entry = drive_below(d, POLICY_ENTRY_JOB + 1);
        event.u.policy.hooks = drive_below(d, 8);
        event.u.policy.starts_workers = drive_one_in(d, 2);
    }
    drive_handle(d, &event);
}

void drive_policy_state(struct drive *d)
{
    struct core_event event = { .kind = CORE_POLICY_STATE };

    if (drive_one_in(d, 2))
        event.u.policy_state.unavailable = drive_below(d, POLICY_FAILURE_COUNT_);
    drive_handle(d, &event);
}

/* Of ids that exist now and then. */
static void some_decision(struct drive *d, struct decision *ret)
{
    static const uint32_t statuses[] = { 403, 403, 429, 503, 504, 200 };
    const struct shadow *s = &d->jobs[drive_below(d, JOBS_MAX)];

    *ret = (struct decision){ .action = drive_below(d, DECISION_ACTION_COUNT_ + 1) };
    if (drive_one_in(d, 2))
        (void)snprintf(ret->job_id, sizeof(ret->job_id), "%s",
                       drive_one_in(d, 8) ? "nobody" : s->id);
    drive_name(ret->worker_id, sizeof(ret->worker_id), 'w', drive_below(d, WORKERS + STATICS));
    drive_name(ret->model, sizeof(ret->model), 'm', drive_below(d, MODELS + 1));
    if (drive_one_in(d, 2))
        drive_name(ret->hive_id, sizeof(ret->hive_id), 'h', drive_below(d, HIVES));
    ret->gpu = (int32_t)drive_below(d, 3) - 1;
    ret->status = statuses[drive_below(d, sizeof(statuses) / sizeof(statuses[0]))];
    ret->retry_after_ms = drive_below(d, 8) * 500;
    (void)snprintf(ret->code, sizeof(ret->code), "%s", drive_one_in(d, 8) ? "No" : "not_now");
}

void drive_answer(struct drive *d)
{
    static struct decisions decisions; /* too large for a stack, and all of it is set */
    struct core_event event = { .kind = CORE_POLICY_ANSWER,
                                .u.answer = { .ask = d->asked - d->out + 1 } };

    if (d->out == 0)
        return;
    if (drive_one_in(d, 8))
        event.u.answer.ask += drive_one_in(d, 2) ? 1 : -1; /* an old one's, or out of order */
    else
        d->out--;
    if (drive_one_in(d, 4)) {
        event.kind = CORE_POLICY_FAILED;
        event.u.answer.failure = drive_below(d, POLICY_FAILURE_COUNT_);
        event.u.answer.message = "mine.lua:1: why not";
    }
    decisions.len = drive_below(d, 4);
    for (size_t i = 0; i < decisions.len; i++)
        some_decision(d, &decisions.items[i]);
    if (!drive_one_in(d, 8))
        event.u.answer.decisions = &decisions;
    event.u.answer.yes = !drive_one_in(d, 4);
    event.u.answer.delay_ms = drive_below(d, 4) * 300;
    drive_handle(d, &event);
}

void drive_ended(struct drive *d)
{
    struct core_event event = { .kind = CORE_START_ENDED };
    char worker_id[WORKER_ID_SIZE];

    drive_name(worker_id, sizeof(worker_id), 'w', drive_below(d, WORKERS));
    if (drive_one_in(d, 2))
        event.kind = CORE_EVICT_ENDED;
    event.u.ended.number = d->numbers - drive_below(d, 3);
    event.u.ended.worker_id = drive_one_in(d, 2) ? worker_id : NULL;
    event.u.ended.failed = drive_one_in(d, 2);
    if (event.u.ended.failed)
        (void)err_set(&event.u.ended.err, ERR_UPSTREAM, "cannot");
    drive_handle(d, &event);
}
