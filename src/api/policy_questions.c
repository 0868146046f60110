#include "api/policy_questions.h"

#include "api/policies.h"
#include "api/queen.h"
#include "api/queen_metrics.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>

static_assert((int)ASKS_OUT_MAX <= (int)WIRE_CALLS_MAX, "all that are out go into one message");

struct questions {
    struct policies *p;
    struct policy_call line[ASKS_OUT_MAX]; /* a ring, by number */
    uint64_t first;                        /* number of the one that is answered next */
    unsigned len, sent;                    /* in line; of them in the message that is out */
    unsigned answered, most;               /* of that message; in the next one */
    struct policy_call message[ASKS_OUT_MAX];
    struct loop_timer flush; /* at the end of this turn of the loop */

    /* What the next question of the message that is out was asked with, for the trace. */
    struct trace_inputs inputs; /* its `region_version` 0: that cannot be told */

    /* While the event of an answer is handled. */
    const struct sandbox_answer *answer; /* NULL: none is */
    uint64_t answers;                    /* the number of its question */
    uint64_t recorded;                   /* its decision; 0: none, or not the policy's own */
};

static struct policy_call *call_of(struct questions *q, uint64_t ask)
{
    return &q->line[ask % ASKS_OUT_MAX];
}

/* --- Gathering --------------------------------------------------------------- */

static void fill_call(struct policy_call *call, const struct core_action *action)
{
    *call = (struct policy_call){
        .kind = action->ask.kind,
        .job = SNAP_NONE,
        .seed = action->ask.seed,
        .attempt = action->attempt,
        .want_scores = true,
        .outcome = {
            .tokens_in = action->ask.tokens_in,
            .tokens_out = action->ask.tokens_out,
            .queue_ms = action->ask.queue_ms,
            .ttft_ms = action->ask.ttft_ms,
            .total_ms = action->ask.total_ms,
        },
    };
    const struct err *err = &action->ask.err;
    if (err->code != 0) {
        (void)str_copy(call->error_code, sizeof(call->error_code), str_of(err_name(err->code)));
        (void)str_copy(call->outcome.error_code, sizeof(call->outcome.error_code),
                       str_of(err_name(err->code)));
        (void)snprintf(call->error_message, sizeof(call->error_message), "%.*s",
                       (int)sizeof(call->error_message) - 1, err->msg);
    }
    (void)str_copy(call->outcome.state, sizeof(call->outcome.state), str_of(action->ask.outcome));
    (void)str_copy(call->outcome.worker_id, sizeof(call->outcome.worker_id),
                   str_of(action->ask.worker_id));
}

/* A timer of no time fires when the events that came with this one have been handled. */
static void flush_soon(struct questions *q)
{
    if (q->sent == 0 && q->len > 0 && !loop_timer_is_armed(&q->flush))
        loop_timer_start(&q->flush, 0);
}

void questions_ask(struct questions *q, const struct core_action *action)
{
    if (q->len == 0)
        q->first = action->number;
    assert(q->len < ASKS_OUT_MAX && action->number == q->first + q->len);
    fill_call(call_of(q, action->number), action);
    q->len++;
    flush_soon(q);
}

void questions_forget(struct questions *q)
{
    q->len = q->sent = 0;
    q->most = ASKS_OUT_MAX;
    loop_timer_stop(&q->flush);
}

/* --- Answers ------------------------------------------------------------------- */

/* The answer to the first in line. */
static void tell_core(struct questions *q, struct core_event event)
{
    event.u.answer.ask = q->first++;
    q->len--;
    queen_event(q->p->queen, &event);
}

/* A message that was cut short makes the next ones shorter, for a while. */
static void count_answer(struct questions *q, unsigned dropped)
{
    q->sent -= 1 + dropped;
    q->answered++;
    if (dropped > 0)
        q->most = q->answered;
    else if (q->sent == 0)
        q->most = q->most * 2 < ASKS_OUT_MAX ? q->most * 2 : ASKS_OUT_MAX;
}

static struct core_event answer_event(const struct policy_answer *a)
{
    return (struct core_event){
        .kind = a->failure == POLICY_OK ? CORE_POLICY_ANSWER : CORE_POLICY_FAILED,
        .u.answer = {
            .decisions = &a->decisions,
            .yes = a->yes,
            .delay_ms = a->delay_ms,
            .failure = a->failure,
            .message = a->message,
        },
    };
}

/* The next question of the message sees what this one decided, as its record tells it. What the
 * core did not do, or keeps no record of, makes the state that they see one that nobody can
 * tell later. */
static void carry_inputs(struct questions *q, const struct decisions *decisions)
{
    uint64_t hash = q->inputs.inputs_hash;

    if (!decisions || q->recorded == 0) {
        q->inputs.region_version = 0;
        return;
    }
    for (size_t i = 0; i < decisions->len; i++) {
        const struct decision *d = &decisions->items[i];
        hash = hash_content(d->worker_id, strlen(d->worker_id), hash + d->action);
    }
    q->inputs.inputs_hash = hash;
    q->inputs.previous = q->recorded;
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct questions *q = data;
    const struct policy_call *call = call_of(q, q->first);
    bool is_about_job = call->kind == ASK_JOB;

    count_answer(q, answer->dropped);
    q->answer = answer;
    q->answers = q->first;
    q->recorded = 0;
    q->inputs.seed = call->seed;
    q->inputs.job_row = call->job;
    queen_count_policy(q->p->queen, answer);
    tell_core(q, answer_event(answer->answer));
    q->answer = NULL;
    carry_inputs(q, is_about_job ? &answer->answer->decisions : NULL);
    flush_soon(q);
}

bool questions_inputs(struct questions *q, const struct decided *decided, struct trace_inputs *ret)
{
    const struct policy_answer *a = q->answer ? q->answer->answer : NULL;
    uint64_t wall_ms = ret->wall_ms;

    if (!a || decided->ask != q->answers)
        return false;
    q->recorded = decided->failure == POLICY_OK ? decided->number : 0;
    *ret = q->inputs;
    ret->wall_ms = wall_ms;
    ret->time_us = q->answer->time_us;
    ret->log = (struct str){ a->log, a->log_len };
    ret->log_cut = a->log_cut;
    ret->line = a->line;
    return true;
}

/* --- Messages ------------------------------------------------------------------- */

static const struct job *job_of(const struct questions *q, uint64_t ask)
{
    return core_asked_job(q->p->queen->core, ask);
}

static bool is_of_session(const struct job *a, const struct job *b)
{
    return strcmp(a->spec.session_id, b->spec.session_id) == 0 &&
           strcmp(a->spec.tenant_id, b->spec.tenant_id) == 0;
}

static bool has_session_of(const struct job *const *jobs, unsigned len, const struct job *job)
{
    unsigned i = 0;

    if (!*job->spec.session_id)
        return false;
    while (i < len && !is_of_session(jobs[i], job))
        i++;
    return i < len;
}

/* The jobs of the next message; 0: it is about the whole queue. */
static unsigned gather(struct questions *q, const struct job *ret[ASKS_OUT_MAX])
{
    enum ask_kind kind = call_of(q, q->first)->kind;
    unsigned len = 0;

    while (kind != ASK_SCHEDULE && len < q->len && len < q->most) {
        const struct job *job = job_of(q, q->first + len);

        if (!job || call_of(q, q->first + len)->kind != kind || has_session_of(ret, len, job))
            break;
        ret[len++] = job;
    }
    return len;
}

static void send_message(struct questions *q, struct sandboxed *host)
{
    struct live *live = platform_live(q->p->platform);
    const struct job *jobs[ASKS_OUT_MAX];
    uint32_t rows[ASKS_OUT_MAX];
    unsigned len = gather(q, jobs);

    live_sync_jobs(live, jobs, len, len == 0 ? LIVE_WINDOW : LIVE_NO_WINDOW,
                   loop_now_ms(q->p->queen->loop), rows);
    for (unsigned i = 0; i < len; i++)
        call_of(q, q->first + i)->job = rows[i];
    q->sent = len == 0 ? 1 : len;
    for (unsigned i = 0; i < q->sent; i++)
        q->message[i] = *call_of(q, q->first + i);
    q->answered = 0;
    q->inputs = (struct trace_inputs){
        .region_version = region_version(live_region(live)),
        .inputs_hash = region_hash(live_region(live)),
    };
    sandboxed_ask(host, live_region(live), q->message, q->sent, on_answer, q);
}

/* --- What cannot be asked -------------------------------------------------------- */

/* Those at the front whose jobs are gone: the core expects an answer, and ignores it. */
static void pass_over_gone(struct questions *q)
{
    while (q->len > 0 && call_of(q, q->first)->kind != ASK_SCHEDULE && !job_of(q, q->first))
        tell_core(q, (struct core_event){ .kind = CORE_POLICY_ANSWER });
}

static void fail_all(struct questions *q)
{
    for (unsigned left = q->len; left > 0 && q->len > 0; left--)
        tell_core(q, (struct core_event){ .kind = CORE_POLICY_FAILED,
                                          .u.answer = {
                                              .failure = POLICY_SANDBOX_UNAVAILABLE,
                                              .message = "no policy host is ready",
                                          } });
}

static void on_flush(struct loop_timer *timer)
{
    struct questions *q = container_of(timer, struct questions, flush);

    pass_over_gone(q);
    loop_timer_stop(&q->flush); /* what the core asked then goes with this message */
    struct sandboxed *host = release_sandboxed(q->p->release);
    if (host && q->len > 0)
        send_message(q, host);
    else
        fail_all(q);
    flush_soon(q);
}

/* --- Life ------------------------------------------------------------------------- */

struct questions *questions_new(struct policies *p)
{
    struct questions *q = mem_alloc(1, sizeof(*q));

    q->p = p;
    q->most = ASKS_OUT_MAX;
    loop_timer_init(p->queen->loop, &q->flush, on_flush);
    return q;
}

void questions_free(struct questions *q)
{
    if (!q)
        return;
    loop_timer_stop(&q->flush);
    free(q);
}
