/* Records as JSON, with the candidates worked out again from what was seen then. */
#include "base/mem.h"
#include "policy/platform.h"
#include "trace/record.h"

#include <stdio.h>

/* --- Candidates ----------------------------------------------------------- */

struct listing {
    struct json_out *out;
    const struct snapshot *s;
    const struct snap_job *job;
    const struct policy_answer *scored; /* or NULL */
    size_t left, omitted;
};

static const struct policy_score *score_of(const struct listing *l, uint32_t row)
{
    for (size_t i = 0; l->scored && i < l->scored->scores_len; i++) {
        if (l->scored->scores[i].worker == row)
            return &l->scored->scores[i];
    }
    return NULL;
}

static void write_candidate(struct listing *l, uint32_t row, const struct snap_worker *w)
{
    const struct policy_score *score = score_of(l, row);

    if (l->left == 0) {
        l->omitted++;
        return;
    }
    l->left--;
    json_begin(l->out, NULL, '{');
    json_strn(l->out, "worker_id", snapshot_text(l->s, w->id));
    json_str(l->out, "verdict", snap_verdict_name(snapshot_can_run(l->s, w, l->job)));
    if (score)
        json_double(l->out, "score", score->score);
    json_end(l->out);
}

static void write_of_model(struct listing *l, uint32_t model)
{
    const struct snap_model *m = snapshot_model(l->s, model);
    const struct snap_worker *w;
    uint32_t row = m ? m->first_worker : SNAP_NONE, seen = 0;

    for (; (w = snapshot_worker(l->s, row)) && seen < SNAP_WORKERS_MAX; row = w->next_in_model) {
        write_candidate(l, row, w);
        seen++;
    }
}

static void write_others(struct listing *l, uint32_t model)
{
    for (uint32_t row = 0; row < l->s->header.workers && row < SNAP_WORKERS_MAX; row++) {
        const struct snap_worker *w = snapshot_worker(l->s, row);
        if (w && (w->model != model || model == SNAP_NONE))
            write_candidate(l, row, w);
    }
}

void trace_write_candidates(struct json_out *out, const struct trace *t, const struct snapshot *s,
                            uint32_t job, const struct policy_answer *scored)
{
    struct listing l = {
        .out = out,
        .s = s,
        .job = snapshot_job(s, job),
        .scored = scored,
        .left = t->options.candidates_max,
    };

    if (!l.job) {
        json_null(out, "candidates");
        return;
    }
    json_begin(out, "candidates", '[');
    write_of_model(&l, l.job->model);
    write_others(&l, l.job->model);
    json_end(out);
    json_uint(out, "omitted", l.omitted);
}

/* The scores are made again by the code that made them: same snapshot, same seed. */
static void write_candidates(struct json_out *out, const struct trace *t,
                             const struct trace_record *r, const struct snapshot *past,
                             struct policy *platform)
{
    struct policy_answer *scored = NULL;

    if (!past) {
        json_null(out, "candidates");
        json_str(out, "note", "the state of that time is not kept any more");
        return;
    }
    if (platform && r->inputs.job_row != SNAP_NONE) {
        scored = mem_alloc(1, sizeof(*scored));
        platform_decide(platform, r->inputs.job_row, r->inputs.seed, true, scored);
    }
    trace_write_candidates(out, t, past, r->inputs.job_row, scored);
    free(scored);
}

/* --- Records --------------------------------------------------------------- */

static void write_log(struct json_out *out, const struct trace_record *r)
{
    struct str rest = r->inputs.log;

    json_begin(out, "log", '[');
    while (rest.len > 0) {
        const char *end = memchr(rest.p, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.p) : rest.len;
        json_strn(out, NULL, (struct str){ rest.p, len });
        rest.p += len + (end != NULL);
        rest.len -= len + (end != NULL);
    }
    json_end(out);
    if (r->inputs.log_cut)
        json_bool(out, "log_cut", true);
}

static void write_outcome(struct json_out *out, const struct trace_record *r)
{
    struct trace_outcome o;

    if (!trace_get_outcome(r, &o)) {
        json_null(out, "job_outcome");
        return;
    }
    json_begin(out, "job_outcome", '{');
    json_str(out, "state", o.state);
    json_str(out, "worker_id", o.worker_id);
    if (o.error_code[0])
        json_str(out, "error_code", o.error_code);
    json_uint(out, "tokens_in", o.tokens_in);
    json_uint(out, "tokens_out", o.tokens_out);
    json_uint(out, "queue_ms", o.queue_ms);
    json_uint(out, "ttft_ms", o.ttft_ms);
    json_uint(out, "total_ms", o.total_ms);
    json_end(out);
}

static void write_failure(struct json_out *out, const struct trace_record *r)
{
    bool failed = r->failure != POLICY_OK;

    json_str(out, "outcome", failed ? "fallback" : "decision");
    json_str(out, "reason", failed ? policy_failure_name(r->failure) : NULL);
    if (!failed)
        return;
    json_str(out, "asked_policy", r->asked_policy);
    json_str(out, "message", r->message);
    if (r->inputs.line > 0)
        json_uint(out, "line", r->inputs.line);
}

void trace_write(struct json_out *out, const struct trace *t, const struct trace_record *r,
                 const struct snapshot *past, struct policy *platform)
{
    char hash[17];

    (void)snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)r->inputs.inputs_hash);
    json_uint(out, "id", r->number);
    json_time(out, "time", r->inputs.wall_ms);
    json_str(out, "job_id", r->job_id[0] ? r->job_id : NULL);
    json_str(out, "policy", r->policy);
    if (r->version[0])
        json_raw(out, "version", str_of(r->version)); /* a number, as in every other answer */
    else
        json_null(out, "version");
    write_failure(out, r);
    json_raw(out, "decision", str_of(r->decision));
    json_uint(out, "time_us", r->inputs.time_us);
    json_str(out, "inputs_hash", hash);
    write_log(out, r);
    write_outcome(out, r);
    write_candidates(out, t, r, past, platform);
}
