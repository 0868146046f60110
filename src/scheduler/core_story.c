#include "scheduler/core_story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int story_setup(void **state)
{
    struct story *story = calloc(1, sizeof(*story));

    assert_non_null(story);
    core_options_init(&story->options);
    story->core = core_new(&story->options);
    story->now_ms = 50000;
    *state = story;
    return 0;
}

int story_teardown(void **state)
{
    struct story *story = *state;

    core_free(story->core);
    free(story);
    return 0;
}

void story_restart(struct story *story)
{
    core_free(story->core);
    story->core = core_new(&story->options);
    story->last_ask.number = story->answered = 0;
}

static void __attribute__((format(printf, 2, 3))) note(struct story *story, const char *fmt, ...)
{
    size_t len = strlen(story->did);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(story->did + len, sizeof(story->did) - len, fmt, args);
    va_end(args);
}

static void note_ask(struct story *story, const struct core_action *a)
{
    static const char *const kinds[] = {
        [ASK_SCHEDULE] = "schedule", [ASK_JOB] = "job",         [ASK_ADMIT] = "admit",
        [ASK_RETRY] = "retry",       [ASK_OUTCOME] = "outcome",
    };

    note(story, "ask %s", kinds[a->ask.kind]);
    if (a->ask.job)
        note(story, " %s", a->job_id);
    if (a->ask.kind == ASK_OUTCOME)
        note(story, " %s", a->ask.outcome);
    story->last_ask = *a;
}

/* Kept for those who ask; not part of the line. */
static void note_decided(struct story *story, const struct decided *d)
{
    struct story_decided *kept = &story->decided;

    kept->count++;
    kept->number = d->number;
    kept->failure = d->failure;
    kept->ask = d->ask;
    kept->len = d->decisions_len;
    kept->first = d->decisions_len > 0 ? d->decisions[0] : (struct decision){ .action = 0 };
    (void)snprintf(kept->job_id, sizeof(kept->job_id), "%s", d->job_id);
    (void)snprintf(kept->policy, sizeof(kept->policy), "%s %s", d->policy, d->version);
    (void)snprintf(kept->asked_policy, sizeof(kept->asked_policy), "%s", d->asked_policy);
    (void)snprintf(kept->message, sizeof(kept->message), "%s", d->message);
}

void story_handle(struct story *story, struct core_event event)
{
    const struct core_action *actions;
    size_t len;

    event.now_ms = story->now_ms;
    if (event.kind == CORE_POLICY)
        story->answered = story->last_ask.number; /* or never will be */
    core_handle(story->core, &event);
    actions = core_actions(story->core, &len);
    for (size_t i = 0; i < len; i++) {
        const struct core_action *a = &actions[i];

        switch (a->kind) {
        case CORE_DISPATCH:
            note(story, "dispatch %s %s", a->job_id, a->worker->facts.id);
            if (a->attempt > 1)
                note(story, " #%u", a->attempt);
            break;
        case CORE_QUEUED:
            note(story, "queued %s %zu", a->job_id, a->position);
            break;
        case CORE_FAIL:
            note(story, "fail %s %s", a->job_id, err_name(a->err.code));
            story->last_fail = a->err;
            break;
        case CORE_NOTE_MODEL:
            note(story, "model %s", a->model);
            break;
        case CORE_ASK:
            note_ask(story, a);
            break;
        case CORE_START:
            note(story, "start %s %s", a->model, a->hive_id);
            story->last_number = a->number;
            break;
        case CORE_EVICT:
            note(story, "evict %s %s", a->worker_id, a->hive_id);
            story->last_number = a->number;
            break;
        case CORE_DECIDED:
            note_decided(story, &a->decided);
            continue;
        case CORE_ACTION_KIND_COUNT_:
            break;
        }
        note(story, "; ");
    }
}

void story_forget(struct story *story)
{
    story->did[0] = '\0';
}

void story_did(struct story *story, const char *expected)
{
    assert_string_equal(story->did, expected);
    story_forget(story);
}

void story_tick(struct story *story, uint64_t ms)
{
    story->now_ms += ms;
    story_handle(story, (struct core_event){ .kind = CORE_TICK });
}

struct job_spec story_spec(const char *id, const char *model)
{
    struct job_spec s = { .bytes = 100, .temperature = -1 };

    (void)snprintf(s.id, sizeof(s.id), "%s", id);
    (void)snprintf(s.model, sizeof(s.model), "%s", model);
    return s;
}

void story_arrive_spec(struct story *story, const struct job_spec *s)
{
    story_handle(story, (struct core_event){ .kind = CORE_JOB_ARRIVED, .u.arrived = s });
}

void story_arrive(struct story *story, const char *id)
{
    struct job_spec s = story_spec(id, "m");

    story_arrive_spec(story, &s);
}

void story_arrive_pinned(struct story *story, const char *id, const char *worker_id,
                         const char *hive_id)
{
    struct job_spec s = story_spec(id, "m");

    (void)snprintf(s.worker_id, sizeof(s.worker_id), "%s", worker_id);
    (void)snprintf(s.hive_id, sizeof(s.hive_id), "%s", hive_id);
    story_arrive_spec(story, &s);
}

void story_arrive_until(struct story *story, const char *id, uint64_t deadline_ms)
{
    struct job_spec s = story_spec(id, "m");

    s.deadline_ms = deadline_ms;
    story_arrive_spec(story, &s);
}

void story_run_event(struct story *story, enum core_event_kind kind, const char *id,
                     unsigned attempt)
{
    story_handle(
        story, (struct core_event){ .kind = kind, .u.run = { .job_id = id, .attempt = attempt } });
}

void story_started(struct story *story, const char *id)
{
    story_run_event(story, CORE_RUN_STARTED, id, 1);
}

void story_finished(struct story *story, const char *id)
{
    story_run_event(story, CORE_RUN_FINISHED, id, core_job(story->core, id)->attempt);
}

void story_failed(struct story *story, const char *id, enum run_failure failure, int code,
                  const char *msg)
{
    struct core_event event = { .kind = CORE_RUN_FAILED,
                                .u.run = { .job_id = id, .failure = failure } };

    event.u.run.attempt = core_job(story->core, id)->attempt;
    (void)err_set(&event.u.run.err, code, "%s", msg);
    story_handle(story, event);
}

void story_cancel(struct story *story, const char *id)
{
    story_handle(
        story, (struct core_event){ .kind = CORE_JOB_CANCELLED, .u.cancelled = { .job_id = id } });
}

struct worker_facts story_worker(const char *id, const char *model, uint32_t slots)
{
    struct worker_facts w = {
        .address = "127.0.0.1", .port = 8080, .state = WORKER_READY, .slots = slots
    };

    (void)snprintf(w.id, sizeof(w.id), "%s", id);
    (void)snprintf(w.model, sizeof(w.model), "%s", model);
    return w;
}

void story_report(struct story *story, const char *hive_id, const struct worker_facts *workers,
                  size_t len)
{
    struct hive_facts hive = { .address = "127.0.0.1", .port = 7835, .status = HIVE_READY };

    (void)snprintf(hive.id, sizeof(hive.id), "%s", hive_id);
    story_handle(story,
                 (struct core_event){
                     .kind = CORE_HIVE_REPORT,
                     .u.report = { .hive = &hive, .workers = workers, .workers_len = len } });
}

/* One hive with one worker each, of one model. */
void story_have(struct story *story, const char *worker_id, uint32_t slots)
{
    struct worker_facts w = story_worker(worker_id, "m", slots);
    char hive_id[32];

    (void)snprintf(hive_id, sizeof(hive_id), "hive-%s", worker_id);
    story_report(story, hive_id, &w, 1);
}

void story_have_state(struct story *story, const char *worker_id, enum worker_state worker_state)
{
    struct worker_facts w = story_worker(worker_id, "m", 1);
    char hive_id[32];

    w.state = worker_state;
    (void)snprintf(hive_id, sizeof(hive_id), "hive-%s", worker_id);
    story_report(story, hive_id, &w, 1);
}

/* --- Policies ---------------------------------------------------------------- */

void story_policy(struct story *story, enum policy_entry entry, unsigned hooks, bool starts_workers)
{
    story_handle(story, (struct core_event){ .kind = CORE_POLICY,
                                             .u.policy = { .name = "mine",
                                                           .version = "1.2",
                                                           .entry = entry,
                                                           .hooks = hooks,
                                                           .starts_workers = starts_workers } });
}

void story_policy_state(struct story *story, enum policy_failure unavailable)
{
    story_handle(story, (struct core_event){
                            .kind = CORE_POLICY_STATE,
                            .u.policy_state = { unavailable,
                                                unavailable == POLICY_OK ? NULL : "it rests" } });
}

static void set(char *dst, size_t size, const char *text)
{
    (void)snprintf(dst, size, "%s", text);
}

struct decision story_dispatch(const char *job_id, const char *worker_id)
{
    struct decision d = { .action = DECIDE_DISPATCH };

    set(d.job_id, sizeof(d.job_id), job_id);
    set(d.worker_id, sizeof(d.worker_id), worker_id);
    return d;
}

struct decision story_wait(const char *job_id, uint32_t retry_after_ms)
{
    struct decision d = { .action = DECIDE_WAIT, .retry_after_ms = retry_after_ms };

    set(d.job_id, sizeof(d.job_id), job_id);
    return d;
}

struct decision story_reject(const char *job_id, const char *code, uint32_t status)
{
    struct decision d = { .action = DECIDE_REJECT, .status = status };

    set(d.job_id, sizeof(d.job_id), job_id);
    set(d.code, sizeof(d.code), code);
    return d;
}

struct decision story_start(const char *model, const char *hive_id)
{
    struct decision d = { .action = DECIDE_START, .gpu = DECISION_GPU_ANY };

    set(d.model, sizeof(d.model), model);
    set(d.hive_id, sizeof(d.hive_id), hive_id);
    return d;
}

struct decision story_evict(const char *worker_id)
{
    struct decision d = { .action = DECIDE_EVICT };

    set(d.worker_id, sizeof(d.worker_id), worker_id);
    return d;
}

static struct core_event answer(struct story *story, enum core_event_kind kind)
{
    if (story->answered < story->last_ask.number)
        story->answered++;
    return (struct core_event){ .kind = kind, .u.answer = { .ask = story->answered } };
}

void story_answer(struct story *story, const struct decision *decisions, size_t len)
{
    struct decisions *answered = calloc(1, sizeof(*answered));
    struct core_event event = answer(story, CORE_POLICY_ANSWER);

    assert_non_null(answered);
    for (size_t i = 0; i < len && i < DECISIONS_MAX; i++)
        answered->items[i] = decisions[i];
    answered->len = len;
    event.u.answer.decisions = answered;
    story_handle(story, event);
    free(answered);
}

void story_answer_one(struct story *story, struct decision decision)
{
    story_answer(story, &decision, 1);
}

void story_answer_yes(struct story *story, bool yes, uint32_t delay_ms)
{
    struct core_event event = answer(story, CORE_POLICY_ANSWER);

    event.u.answer.yes = yes;
    event.u.answer.delay_ms = delay_ms;
    story_handle(story, event);
}

void story_answer_fails(struct story *story, enum policy_failure failure, const char *message)
{
    struct core_event event = answer(story, CORE_POLICY_FAILED);

    event.u.answer.failure = failure;
    event.u.answer.message = message;
    story_handle(story, event);
}

/* --- Starts ------------------------------------------------------------------- */

void story_ended(struct story *story, enum core_event_kind kind, const char *failure)
{
    struct core_event event = { .kind = kind, .u.ended = { .number = story->last_number } };

    if (failure) {
        event.u.ended.failed = true;
        (void)err_set(&event.u.ended.err, ERR_UPSTREAM, "%s", failure);
    }
    story_handle(story, event);
}

void story_lists(struct story *story, const char *hive_id, const char *model)
{
    struct listed_model listed = { .size_bytes = 512ULL * 1024 * 1024 };
    struct hive_facts hive = { .address = "127.0.0.1",
                               .port = 7835,
                               .status = HIVE_READY,
                               .has_capabilities = true,
                               .models = &listed,
                               .models_len = *model ? 1 : 0 };

    set(hive.id, sizeof(hive.id), hive_id);
    set(listed.ref, sizeof(listed.ref), model);
    story_handle(story,
                 (struct core_event){ .kind = CORE_HIVE_REPORT, .u.report = { .hive = &hive } });
}

/* --- At the end ------------------------------------------------------------------ */

struct core_stats story_stats(struct story *story)
{
    struct core_stats s;

    core_get_stats(story->core, &s);
    return s;
}

static bool add_in_flight(void *data, const struct worker *w)
{
    *(uint32_t *)data += w->in_flight;
    return true;
}

/* Nothing runs, nothing waits, every slot is back. */
void story_is_at_rest(struct story *story)
{
    uint32_t in_flight = 0;

    (void)registry_find(core_registry(story->core), &(struct worker_query){ 0 }, add_in_flight,
                        &in_flight);
    assert_int_equal(in_flight, 0);
    assert_int_equal(story_stats(story).jobs, 0);
    assert_int_equal(story_stats(story).running, 0);
    assert_int_equal(story_stats(story).queued, 0);
}
