/*
 * core_story - for tests of the core: say what comes in, then compare what it did as one
 * line of text ("dispatch 1 w1; queued 2 1; "). The model is "m" unless said.
 */
#pragma once

#include "scheduler/core.h"

#include <stddef.h>
#include <stdint.h>

struct story {
    struct core_options options;
    struct core *core;
    uint64_t now_ms;
    char did[8192];       /* actions since the last look: "dispatch 1 w1; queued 2 1; fail ..." */
    struct err last_fail; /* of the last CORE_FAIL */
    struct core_action last_ask;
    uint64_t answered;    /* number of the last ask that was */
    uint64_t last_number; /* of the last CORE_START or CORE_EVICT */
    struct story_decided {
        unsigned count;
        uint64_t number, ask;
        char job_id[JOB_ID_SIZE];
        char policy[160]; /* name and version */
        char asked_policy[64];
        enum policy_failure failure;
        char message[DECIDED_MESSAGE_SIZE];
        struct decision first;
        size_t len;
    } decided; /* the last CORE_DECIDED */
};

int story_setup(void **state); /* cmocka's */
int story_teardown(void **state);
void story_restart(struct story *story); /* a new core, with `options` as they are now */

void story_handle(struct story *story, struct core_event event); /* at now_ms */
void story_forget(struct story *story);
void story_did(struct story *story, const char *expected); /* since it was asked last */
void story_tick(struct story *story, uint64_t ms);

struct job_spec story_spec(const char *id, const char *model);
void story_arrive_spec(struct story *story, const struct job_spec *s);
void story_arrive(struct story *story, const char *id);
void story_arrive_pinned(struct story *story, const char *id, const char *worker_id,
                         const char *hive_id);
void story_arrive_until(struct story *story, const char *id, uint64_t deadline_ms);

void story_run_event(struct story *story, enum core_event_kind kind, const char *id,
                     unsigned attempt);
void story_started(struct story *story, const char *id); /* attempt 1 */
void story_finished(struct story *story, const char *id);
void story_failed(struct story *story, const char *id, enum run_failure failure, int code,
                  const char *msg);
void story_cancel(struct story *story, const char *id);

struct worker_facts story_worker(const char *id, const char *model, uint32_t slots);
void story_report(struct story *story, const char *hive_id, const struct worker_facts *workers,
                  size_t len);
void story_have(struct story *story, const char *worker_id, uint32_t slots); /* of hive-ID */
void story_have_state(struct story *story, const char *worker_id, enum worker_state worker_state);

/* The user policy "mine", version "1.2". */
void story_policy(struct story *story, enum policy_entry entry, unsigned hooks,
                  bool starts_workers);
void story_policy_state(struct story *story, enum policy_failure unavailable);
struct decision story_dispatch(const char *job_id, const char *worker_id);
struct decision story_wait(const char *job_id, uint32_t retry_after_ms);
struct decision story_reject(const char *job_id, const char *code, uint32_t status);
struct decision story_start(const char *model, const char *hive_id);
struct decision story_evict(const char *worker_id);
/* To the ask that has waited longest; to the last one again when none waits. */
void story_answer(struct story *story, const struct decision *decisions, size_t len);
void story_answer_one(struct story *story, struct decision decision);
void story_answer_yes(struct story *story, bool yes, uint32_t delay_ms);
void story_answer_fails(struct story *story, enum policy_failure failure, const char *message);
void story_ended(struct story *story, enum core_event_kind kind,
                 const char *failure);                                         /* NULL: ok */
void story_lists(struct story *story, const char *hive_id, const char *model); /* "": none */

struct core_stats story_stats(struct story *story);
void story_is_at_rest(struct story *story); /* no job is left, every slot is back */
