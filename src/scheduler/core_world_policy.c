/* The policies of the small cloud, and their answers: good, bad, late or none. */
#include "scheduler/core_world_private.h"

#include <stdio.h>

void world_play_policy(struct world *w)
{
    if (world_one_in(w, 6000)) {
        w->asked_len = 0;
        world_handle(w, (struct core_event){
                            .kind = CORE_POLICY,
                            .u.policy = { .name = world_one_in(w, 5) ? NULL : "mine",
                                          .version = "1",
                                          .entry = POLICY_ENTRY_SCHEDULE + world_below(w, 2),
                                          .hooks = world_below(w, 8),
                                          .starts_workers = world_one_in(w, 2) } });
    }
    if (world_one_in(w, 3000))
        world_handle(w, (struct core_event){
                            .kind = CORE_POLICY_STATE,
                            .u.policy_state = { .unavailable = world_one_in(w, 3) ? POLICY_BREAKER
                                                                                  : POLICY_OK } });
}

static void make_decision(struct world *w, const struct asked *asked, struct decision *d)
{
    const struct job *job = core_job(w->core, asked->job_id);
    const struct worker *worker = NULL;
    unsigned what = world_below(w, 10);

    *d = (struct decision){ .action = DECIDE_DISPATCH, .gpu = DECISION_GPU_ANY };
    if (asked->kind == ASK_SCHEDULE)
        (void)job_queue_first(core_queue(w->core), &job, 1);
    if (job)
        worker = registry_find_first(
            core_registry(w->core),
            &(struct worker_query){ .model = job->spec.model, .has_room = true });
    if (what == 0) {
        d->action = world_below(w, DECISION_ACTION_COUNT_ + 1); /* nonsense */
    } else if (what == 1) {
        d->action = DECIDE_REJECT;
        d->status = 429;
        (void)snprintf(d->code, sizeof(d->code), "not_now");
    } else if (!worker || what == 2) {
        d->action = DECIDE_WAIT;
        d->retry_after_ms = world_below(w, 2000);
    }
    if (worker)
        memcpy(d->worker_id, worker->facts.id, sizeof(d->worker_id));
    if (job)
        memcpy(d->job_id, job->spec.id, sizeof(d->job_id));
}

void world_play_answer(struct world *w)
{
    const struct asked asked = w->asked[0];
    struct core_event event = { .kind = CORE_POLICY_ANSWER, .u.answer = { .ask = asked.number } };

    if (w->asked_len == 0 || w->now_ms < asked.due_ms)
        return;
    memmove(w->asked, w->asked + 1, --w->asked_len * sizeof(w->asked[0]));
    if (world_one_in(w, 10)) {
        event.kind = CORE_POLICY_FAILED;
        event.u.answer.failure = POLICY_TIMEOUT + world_below(w, POLICY_FAILURE_COUNT_ - 1);
        event.u.answer.message = "mine.lua:7: it does not work";
        world_handle(w, event);
        return;
    }
    w->answer.len = world_below(w, 4) ? 1 : world_below(w, 4);
    for (size_t i = 0; i < w->answer.len; i++)
        make_decision(w, &asked, &w->answer.items[i]);
    event.u.answer.decisions = world_one_in(w, 20) ? NULL : &w->answer;
    event.u.answer.yes = !world_one_in(w, 6);
    event.u.answer.delay_ms = world_one_in(w, 3) ? world_below(w, 1000) : 0;
    world_handle(w, event);
}
