/* Actions as bytes, field by field, to be compared. */
#include "scheduler/event_coder.h"
#include "scheduler/event_log.h"

static void code_words(struct coder *k, const char *text)
{
    const char *view = text ? text : "";

    code_view(k, &view, POLICY_TEXT_SIZE);
}

static void code_asked(struct coder *k, struct core_action *a)
{
    (void)code_enum(k, a->ask.kind, ASK_KIND_COUNT_);
    code_u64(k, &a->ask.seed);
    code_err(k, &a->ask.err);
    code_bool(k, &a->ask.failed);
    code_words(k, a->ask.outcome);
    code_words(k, a->ask.worker_id);
    code_u64(k, &a->ask.tokens_in);
    code_u64(k, &a->ask.tokens_out);
    code_u64(k, &a->ask.queue_ms);
    code_u64(k, &a->ask.ttft_ms);
    code_u64(k, &a->ask.total_ms);
}

static void code_decided(struct coder *k, struct decided *d)
{
    code_u64(k, &d->number);
    code_words(k, d->policy);
    code_words(k, d->version);
    code_words(k, d->asked_policy);
    (void)code_enum(k, d->failure, POLICY_FAILURE_COUNT_);
    code_words(k, d->message);
    code_u64(k, &d->ask);
    (void)code_len(k, d->decisions_len, DECISIONS_MAX);
    for (size_t i = 0; i < d->decisions_len; i++) {
        struct decision copy = d->decisions[i];

        code_decision(k, &copy);
    }
}

void action_log_add(struct buf *log, const struct core_action *action)
{
    struct coder k = { .out = log };
    struct core_action a = *action;
    uint64_t position = a.position;

    (void)code_enum(&k, a.kind, CORE_ACTION_KIND_COUNT_);
    code_text(&k, a.job_id, sizeof(a.job_id));
    code_u32(&k, &a.attempt);
    code_words(&k, a.worker ? a.worker->facts.id : "");
    code_u64(&k, &position);
    code_u64(&k, &a.predicted_start_ms);
    code_text(&k, a.model, sizeof(a.model));
    code_err(&k, &a.err);
    code_u64(&k, &a.number);
    code_text(&k, a.hive_id, sizeof(a.hive_id));
    code_text(&k, a.worker_id, sizeof(a.worker_id));
    code_i32(&k, &a.gpu);
    code_asked(&k, &a);
    code_decided(&k, &a.decided);
}
