#include "sandbox/wire.h"

#include "sandbox/wire_bytes.h"

#include <math.h>

/* What a policy's own call can end with; the other failures are the queen's to say. */
static bool is_of_a_call(enum policy_failure failure)
{
    return failure == POLICY_OK || failure == POLICY_ERROR || failure == POLICY_MEMORY ||
           failure == POLICY_TIMEOUT || failure == POLICY_INVALID;
}

/* --- Decisions --------------------------------------------------------------- */

static void put_decision(struct buf *b, const struct decision *d)
{
    wire_put_u32(b, d->action);
    wire_put_string(b, d->job_id);
    wire_put_string(b, d->worker_id);
    wire_put_string(b, d->hive_id);
    wire_put_string(b, d->model);
    wire_put_u32(b, (uint32_t)d->gpu);
    wire_put_u32(b, d->retry_after_ms);
    wire_put_u32(b, d->status);
    wire_put_string(b, d->code);
    wire_put_string(b, d->reason);
}

static void get_decision(struct wire_reader *r, struct decision *ret)
{
    ret->action = (enum decision_action)wire_get_below(r, DECISION_ACTION_COUNT_);
    wire_get_string(r, ret->job_id, sizeof(ret->job_id));
    wire_get_string(r, ret->worker_id, sizeof(ret->worker_id));
    wire_get_string(r, ret->hive_id, sizeof(ret->hive_id));
    wire_get_string(r, ret->model, sizeof(ret->model));
    ret->gpu = (int32_t)wire_get_u32(r);
    ret->retry_after_ms = wire_get_u32(r);
    ret->status = wire_get_u32(r);
    wire_get_string(r, ret->code, sizeof(ret->code));
    wire_get_string(r, ret->reason, sizeof(ret->reason));
}

/* --- Figures ----------------------------------------------------------------- */

static void put_figures(struct buf *b, const struct policy_answer *answer)
{
    wire_put_u32(b, answer->metrics_len);
    for (size_t i = 0; i < answer->metrics_len; i++) {
        wire_put_string(b, answer->metrics[i].name);
        wire_put_double(b, answer->metrics[i].value);
    }
    wire_put_u32(b, answer->scores_len);
    for (size_t i = 0; i < answer->scores_len; i++) {
        wire_put_u32(b, answer->scores[i].worker);
        wire_put_double(b, answer->scores[i].score);
    }
}

/* A metric that is no number would spoil every sum that it enters. */
static void get_metrics(struct wire_reader *r, struct policy_answer *ret)
{
    size_t len = wire_get_below(r, POLICY_METRICS_MAX + 1);

    ret->metrics_len = 0;
    for (size_t i = 0; i < len; i++) {
        struct policy_metric *m = &ret->metrics[ret->metrics_len];
        wire_get_string(r, m->name, sizeof(m->name));
        m->value = wire_get_double(r);
        if (isfinite(m->value))
            ret->metrics_len++;
    }
}

static void get_scores(struct wire_reader *r, struct policy_answer *ret)
{
    ret->scores_len = wire_get_below(r, POLICY_SCORES_MAX + 1);
    for (size_t i = 0; i < ret->scores_len; i++) {
        ret->scores[i].worker = wire_get_u32(r);
        ret->scores[i].score = wire_get_double(r);
    }
}

/* --- Answers ------------------------------------------------------------------ */

void wire_begin_answers(struct buf *b)
{
    buf_clear(b);
    (void)buf_putc(b, WIRE_ANSWERS);
}

bool wire_add_answer(struct buf *b, const struct wire_answer_head *head,
                     const struct policy_answer *answer)
{
    wire_put_u64(b, head->seq);
    wire_put_u64(b, head->time_us);
    wire_put_bool(b, head->is_last);
    wire_put_u32(b, answer->failure);
    wire_put_string(b, answer->message);
    wire_put_u32(b, answer->line);
    wire_put_u32(b, answer->decisions.len);
    for (size_t i = 0; i < answer->decisions.len; i++)
        put_decision(b, &answer->decisions.items[i]);
    wire_put_bool(b, answer->yes);
    wire_put_u32(b, answer->delay_ms);
    wire_put_bytes(b, (struct str){ answer->log, answer->log_len });
    wire_put_bool(b, answer->log_cut);
    put_figures(b, answer);
    wire_put_u64(b, answer->memory_bytes);
    return !b->overflowed && buf_len(b) <= WIRE_MESSAGE_BYTES_MAX;
}

bool wire_open_answers(struct str message, struct str *ret_rest)
{
    enum wire_kind kind;

    if (!wire_kind(message, &kind) || kind != WIRE_ANSWERS || message.len == 1)
        return false;
    *ret_rest = (struct str){ message.p + 1, message.len - 1 };
    return true;
}

bool wire_take_answer(struct str *rest, struct wire_answer_head *ret_head,
                      struct policy_answer *ret)
{
    struct wire_reader r = { *rest, false };

    ret_head->seq = wire_get_u64(&r);
    ret_head->time_us = wire_get_u64(&r);
    ret_head->is_last = wire_get_bool(&r);
    ret->failure = (enum policy_failure)wire_get_below(&r, POLICY_FAILURE_COUNT_);
    r.is_bad = r.is_bad || !is_of_a_call(ret->failure);
    wire_get_string(&r, ret->message, sizeof(ret->message));
    ret->line = wire_get_u32(&r);
    ret->decisions.len = wire_get_below(&r, DECISIONS_MAX + 1);
    for (size_t i = 0; i < ret->decisions.len; i++)
        get_decision(&r, &ret->decisions.items[i]);
    ret->yes = wire_get_bool(&r);
    ret->delay_ms = wire_get_u32(&r);
    ret->log_len = wire_get_lines(&r, ret->log, sizeof(ret->log));
    ret->log_cut = wire_get_bool(&r);
    get_metrics(&r, ret);
    get_scores(&r, ret);
    ret->memory_bytes = wire_get_u64(&r);
    *rest = r.rest;
    return !r.is_bad;
}
