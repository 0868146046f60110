/* The ring of records. */
#include "base/mem.h"
#include "policy/decision_json.h"
#include "trace/record.h"

#include <stdio.h>

enum { DECISION_JSON_BYTES_MAX = 128 * 1024 };

void trace_options_init(struct trace_options *o)
{
    *o = (struct trace_options){
        .records_max = 10000,
        .bytes_max = 32U << 20,
        .candidates_max = 256,
    };
}

struct trace *trace_new(const struct trace_options *options)
{
    struct trace *t = mem_alloc(1, sizeof(*t));

    t->options = *options;
    t->ring = mem_alloc(options->records_max, sizeof(struct trace_record *));
    job_index_init(&t->by_job, options->records_max);
    buf_init(&t->scratch, DECISION_JSON_BYTES_MAX);
    return t;
}

static void drop_oldest(struct trace *t)
{
    struct trace_record **place = &t->ring[t->oldest % t->options.records_max];
    struct trace_record *r = *place;

    t->bytes -= r->bytes;
    *place = NULL;
    free(r);
    t->oldest++;
    t->len--;
}

void trace_free(struct trace *t)
{
    if (!t)
        return;
    while (t->len > 0)
        drop_oldest(t);
    job_index_deinit(&t->by_job);
    buf_deinit(&t->scratch);
    free(t->ring);
    free(t);
}

/* --- Adding --------------------------------------------------------------- */

/* Texts stand behind the record, in one block with it. */
static const char *put_text(char **at, struct str text)
{
    const char *start = *at;

    if (text.len > 0)
        memcpy(*at, text.p, text.len);
    (*at)[text.len] = '\0';
    *at += text.len + 1;
    return start;
}

static struct str decision_json(struct trace *t, const struct decided *d)
{
    struct json_out out;

    buf_clear(&t->scratch);
    json_out_init(&out, &t->scratch);
    decisions_write(&out, NULL, d->decisions, d->decisions_len, d->job_id);
    return buf_str(&t->scratch);
}

static bool dispatches(const struct decided *d)
{
    for (size_t i = 0; i < d->decisions_len; i++) {
        if (d->decisions[i].action == DECIDE_DISPATCH)
            return true;
    }
    return false;
}

static bool names_another(const struct decided *d, size_t i)
{
    const char *job_id = d->decisions[i].job_id;

    return job_id[0] && strcmp(job_id, d->job_id) != 0;
}

static size_t count_others(const struct decided *d)
{
    size_t count = 0;

    for (size_t i = 0; i < d->decisions_len; i++)
        count += names_another(d, i);
    return count;
}

/* The links, and the ids of the other jobs that the decisions name, follow the record at once. */
static size_t jobs_bytes(size_t others)
{
    return (1 + others) * sizeof(uint64_t) + others * JOB_ID_SIZE;
}

static char *put_jobs(struct trace_record *r, const struct decided *d, size_t others)
{
    r->links = (void *)(r + 1);
    char(*at)[JOB_ID_SIZE] = (void *)(r->links + 1 + others);

    r->others = (const char(*)[JOB_ID_SIZE])at;
    for (size_t i = 0; i < d->decisions_len; i++) {
        if (names_another(d, i))
            (void)str_copy(at[r->others_len++], JOB_ID_SIZE, str_of(d->decisions[i].job_id));
    }
    return at[r->others_len];
}

static struct trace_record *new_record(struct trace *t, const struct decided *d,
                                       const struct trace_inputs *in)
{
    struct str decision = decision_json(t, d);
    const struct str texts[] = {
        str_of(d->policy),  str_of(d->version), str_of(d->asked_policy),
        str_of(d->message), decision,           in->log,
    };
    size_t others = count_others(d);
    size_t bytes = sizeof(struct trace_record) + jobs_bytes(others);

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        bytes += texts[i].len + 1;
    struct trace_record *r = mem_alloc(1, bytes);
    char *at = put_jobs(r, d, others);
    r->bytes = bytes;
    r->number = d->number;
    r->inputs = *in;
    r->failure = d->failure;
    r->dispatches = dispatches(d);
    (void)str_copy(r->job_id, sizeof(r->job_id), str_of(d->job_id));
    r->policy = put_text(&at, texts[0]);
    r->version = put_text(&at, texts[1]);
    r->asked_policy = put_text(&at, texts[2]);
    r->message = put_text(&at, texts[3]);
    r->decision = put_text(&at, texts[4]);
    r->inputs.log = (struct str){ put_text(&at, texts[5]), in->log.len };
    return r;
}

void trace_add(struct trace *t, const struct decided *decided, const struct trace_inputs *inputs)
{
    struct trace_record *r = new_record(t, decided, inputs);

    const struct trace_record *before = r->job_id[0] ? job_index_find(t, r->job_id) : NULL;
    r->before = before ? before->number : 0;
    while (t->len > 0 && (t->len == t->options.records_max || t->bytes > t->options.bytes_max))
        drop_oldest(t);
    if (t->len == 0)
        t->oldest = r->number;
    t->ring[r->number % t->options.records_max] = r;
    t->newest = r->number;
    t->bytes += r->bytes;
    t->len++;
    job_index_add(t, r);
}

void trace_job_ended(struct trace *t, const char *job_id, const struct trace_outcome *outcome)
{
    const struct trace_record *at = trace_newest(t, job_id);

    while (at && !at->dispatches && trace_before(t, at, true))
        at = trace_before(t, at, true);
    if (!at)
        return;
    struct trace_record *r = t->ring[at->number % t->options.records_max];
    r->has_outcome = true;
    r->tokens_in = outcome->tokens_in;
    r->tokens_out = outcome->tokens_out;
    r->queue_ms = outcome->queue_ms;
    r->ttft_ms = outcome->ttft_ms;
    r->total_ms = outcome->total_ms;
    (void)str_copy(r->state, sizeof(r->state), str_of(outcome->state));
    (void)str_copy(r->worker_id, sizeof(r->worker_id), str_of(outcome->worker_id));
    (void)str_copy(r->error_code, sizeof(r->error_code), str_of(outcome->error_code));
}

/* --- Finding -------------------------------------------------------------- */

const struct trace_record *trace_record(const struct trace *t, uint64_t number)
{
    if (t->len == 0 || number < t->oldest || number > t->newest)
        return NULL;
    return t->ring[number % t->options.records_max];
}

const struct trace_record *trace_newest(const struct trace *t, const char *job_id)
{
    return job_id ? job_index_find(t, job_id) : trace_record(t, t->newest);
}

const struct trace_record *trace_before(const struct trace *t, const struct trace_record *r,
                                        bool of_same_job)
{
    return trace_record(t, of_same_job ? r->before : r->number - 1);
}

void trace_call(const struct trace_record *r, struct policy_call *ret)
{
    *ret = (struct policy_call){
        .kind = r->inputs.job_row == SNAP_NONE ? ASK_SCHEDULE : ASK_JOB,
        .job = r->inputs.job_row,
        .seed = r->inputs.seed,
        .want_scores = true,
    };
}

uint64_t trace_region_version(const struct trace_record *r)
{
    return r->inputs.region_version;
}

uint64_t trace_number(const struct trace_record *r)
{
    return r->number;
}

const char *trace_job_id(const struct trace_record *r)
{
    return r->job_id;
}

const char *trace_policy(const struct trace_record *r)
{
    return r->policy;
}

struct str trace_decision(const struct trace_record *r)
{
    return str_of(r->decision);
}

bool trace_get_outcome(const struct trace_record *r, struct trace_outcome *ret)
{
    *ret = (struct trace_outcome){
        .state = r->state,
        .worker_id = r->worker_id,
        .error_code = r->error_code,
        .tokens_in = r->tokens_in,
        .tokens_out = r->tokens_out,
        .queue_ms = r->queue_ms,
        .ttft_ms = r->ttft_ms,
        .total_ms = r->total_ms,
    };
    return r->has_outcome;
}

void trace_get_stats(const struct trace *t, struct trace_stats *ret)
{
    *ret = (struct trace_stats){
        .records = t->len,
        .bytes = t->bytes,
        .oldest = t->len > 0 ? t->oldest : 0,
        .newest = t->len > 0 ? t->newest : 0,
    };
}
