#include "api/policy_explain.h"

#include "api/policy_past.h"
#include "api/queen.h"
#include "base/mem.h"

#include <stdio.h>

enum { DECISIONS_TOLD = 3, CANDIDATES_TOLD = 256, SUMMARY_SIZE = 1024 };

/* clang-format off */
static const char *const words[SNAP_VERDICT_COUNT_] = {
    [SNAP_OK]           = "it could run the job now",
    [SNAP_WRONG_MODEL]  = "it serves another model",
    [SNAP_WRONG_WORKER] = "the job is pinned to another worker (worker_id)",
    [SNAP_WRONG_POOL]   = "the job is pinned to another hive (hive_id)",
    [SNAP_TRIED]        = "it failed this job before",
    [SNAP_OFFLINE_NOW]  = "nothing was heard of it for too long",
    [SNAP_NOT_READY]    = "it is starting, draining or failed",
    [SNAP_NO_ROOM]      = "all of its slots are taken",
};
/* clang-format on */

struct explanation {
    struct policies *policies;
    const struct job *job; /* NULL: not here any more */
    const struct trace_record *newest;
    const char *job_id, *worker_id; /* worker_id NULL: of all */
    const struct snapshot *now;
    uint32_t row;                /* of the job in `now` */
    struct policy_answer scored; /* the platform policy's, of now */
    unsigned counts[SNAP_VERDICT_COUNT_];
    size_t told, omitted;
};

/* --- Candidates of now ----------------------------------------------------------- */

static void score(struct explanation *e)
{
    struct err err;
    struct policy *platform = platform_over(e->now, &err);

    if (!platform)
        return; /* scores are a help, no need */
    platform_decide(platform, e->row, 1, true, &e->scored);
    policy_free(platform);
}

static void write_candidate(struct explanation *e, struct json_out *out, uint32_t row)
{
    const struct snap_worker *w = snapshot_worker(e->now, row);
    enum snap_verdict verdict = snapshot_can_run(e->now, w, snapshot_job(e->now, e->row));

    e->counts[verdict]++;
    if (e->told == CANDIDATES_TOLD) {
        e->omitted++;
        return;
    }
    e->told++;
    json_begin(out, NULL, '{');
    json_strn(out, "worker_id", snapshot_text(e->now, w->id));
    json_str(out, "verdict", snap_verdict_name(verdict));
    json_str(out, "why", words[verdict]);
    for (size_t i = 0; i < e->scored.scores_len; i++) {
        if (e->scored.scores[i].worker == row)
            json_double(out, "score", e->scored.scores[i].score);
    }
    json_end(out);
}

static void write_rows(struct explanation *e, struct json_out *out, bool of_model)
{
    const struct snap_job *job = snapshot_job(e->now, e->row);
    uint32_t model = job ? job->model : SNAP_NONE;

    for (uint32_t row = 0; job && row < e->now->header.workers; row++) {
        const struct snap_worker *w = snapshot_worker(e->now, row);

        if (!w || (w->model == model && model != SNAP_NONE) != of_model)
            continue;
        if (!e->worker_id || str_eq(snapshot_text(e->now, w->id), e->worker_id))
            write_candidate(e, out, row);
    }
}

static void write_candidates(struct explanation *e, struct json_out *out)
{
    json_begin(out, "candidates", '[');
    write_rows(e, out, true);
    write_rows(e, out, false);
    json_end(out);
    json_uint(out, "omitted", e->omitted);
    json_begin(out, "verdicts", '{');
    for (int verdict = 0; verdict < SNAP_VERDICT_COUNT_; verdict++) {
        if (e->counts[verdict] > 0)
            json_uint(out, snap_verdict_name((enum snap_verdict)verdict), e->counts[verdict]);
    }
    json_end(out);
}

/* --- What is known of the job ------------------------------------------------------- */

static void write_waiting(const struct explanation *e, struct json_out *out)
{
    const struct queen *q = e->policies->queen;
    uint64_t start_ms = core_predicted_start_ms(q->core, e->job_id);

    json_uint(out, "position", core_job_position(q->core, e->job_id));
    if (start_ms == UINT64_MAX)
        json_null(out, "predicted_start_ms");
    else
        json_uint(out, "predicted_start_ms", start_ms);
    json_uint(out, "waited_ms", loop_now_ms(q->loop) - e->job->arrived_ms);
    json_uint(out, "starting", core_starting(q->core, e->job->spec.model));
}

static void write_job(const struct explanation *e, struct json_out *out)
{
    const struct job *job = e->job;

    json_str(out, "job_id", e->job_id);
    json_str(out, "state", job ? job_state_name(job->state) : "ended");
    json_str(out, "policy", core_policy_name(e->policies->queen->core));
    if (!job)
        return;
    json_str(out, "model", job->spec.model);
    json_str(out, "priority", job_priority_name(job->spec.priority));
    if (job->state == JOB_QUEUED)
        write_waiting(e, out);
    else
        json_str(out, "worker_id", job->worker_id);
}

static void write_decisions(struct explanation *e, struct json_out *out)
{
    const struct trace_record *record = e->newest;
    struct past past;

    past_init(&past);
    json_begin(out, "decisions", '[');
    for (unsigned i = 0; record && i < DECISIONS_TOLD; i++) {
        const struct snapshot *then = past_look(&past, e->policies, record);

        json_begin(out, NULL, '{');
        trace_write(out, e->policies->trace, record, then, past.platform);
        json_end(out);
        record = trace_before(e->policies->trace, record, true);
    }
    json_end(out);
    past_deinit(&past);
}

/* --- In one sentence ------------------------------------------------------------------ */

static unsigned of_model(const struct explanation *e)
{
    unsigned count = 0;

    for (int verdict = 0; verdict < SNAP_VERDICT_COUNT_; verdict++)
        count += verdict == SNAP_WRONG_MODEL ? 0 : e->counts[verdict];
    return count;
}

/* "2: all of its slots are taken; 1: it failed this job before" */
static void put_verdicts(const struct explanation *e, struct buf *b)
{
    const char *between = "";

    for (int verdict = 0; verdict < SNAP_VERDICT_COUNT_; verdict++) {
        if (verdict == SNAP_WRONG_MODEL || e->counts[verdict] == 0)
            continue;
        (void)buf_printf(b, "%s%u: %s", between, e->counts[verdict], words[verdict]);
        between = "; ";
    }
}

/* What else is known of why nobody serves it. */
static void put_setback(const struct explanation *e, struct buf *b)
{
    const struct core *core = e->policies->queen->core;
    const struct setback *s = core_last_setback(core, e->job->spec.model);

    if (s)
        (void)buf_printf(b, "; starting one on hive '%s' has failed %u times: %s", s->hive_id,
                         s->failures, s->words);
}

static void put_starts(const struct explanation *e, struct buf *b)
{
    const struct core *core = e->policies->queen->core;
    unsigned starting = core_starting(core, e->job->spec.model);
    const char *offline = core_offline_start(core, e->job->spec.model);

    if (starting == 0)
        (void)buf_puts(b, "; none is being started");
    else
        (void)buf_printf(b, "; %u %s being started", starting, starting == 1 ? "is" : "are");
    if (offline)
        (void)buf_printf(b, ", but hive '%s', which is to start one, is offline", offline);
}

static void put_waiting(const struct explanation *e, struct buf *b)
{
    const struct queen *q = e->policies->queen;
    unsigned workers = of_model(e);

    (void)buf_printf(b, "It waits at position %zu for '%s'", core_job_position(q->core, e->job_id),
                     e->job->spec.model);
    if (workers == 0) {
        (void)buf_puts(b, ": no worker serves it");
        put_starts(e, b);
        put_setback(e, b);
        return;
    }
    (void)buf_printf(b, ". Of %u workers of that model, ", workers);
    put_verdicts(e, b);
    if (e->counts[SNAP_OK] > 0)
        (void)buf_printf(b,
                         ". That it waits all the same is the decision of '%s', or others "
                         "are before it",
                         core_policy_name(q->core));
    put_setback(e, b);
}

static void put_one_worker(const struct explanation *e, struct buf *b)
{
    for (int verdict = 0; verdict < SNAP_VERDICT_COUNT_; verdict++) {
        if (e->counts[verdict] > 0)
            (void)buf_printf(b, " Worker '%s': %s.", e->worker_id, words[verdict]);
    }
}

/* The newest decision that sent it somewhere knows how that ended. */
static void put_ended(const struct explanation *e, struct buf *b)
{
    const struct trace_record *r = e->newest;
    struct trace_outcome outcome;

    while (r && !trace_get_outcome(r, &outcome))
        r = trace_before(e->policies->trace, r, true);
    if (r)
        (void)buf_printf(b, "It is %s: '%s' sent it to worker '%s'.", outcome.state,
                         trace_policy(r), outcome.worker_id);
    else
        (void)buf_puts(b, "It has ended; see what was decided about it.");
}

static void write_summary(const struct explanation *e, struct json_out *out)
{
    char text[SUMMARY_SIZE];
    struct buf b;

    buf_init_fixed(&b, text, sizeof(text));
    if (!e->job)
        put_ended(e, &b);
    else if (e->worker_id)
        (void)buf_printf(&b, "The job is %s.", job_state_name(e->job->state));
    else if (e->job->state == JOB_QUEUED)
        put_waiting(e, &b);
    else
        (void)buf_printf(&b, "It is %s on worker '%s': see the newest decision that dispatches it.",
                         job_state_name(e->job->state), e->job->worker_id);
    if (e->worker_id)
        put_one_worker(e, &b);
    json_strn(out, "summary", buf_str(&b));
}

static int check(const struct explanation *e, struct err *err)
{
    if (!e->job && !e->newest)
        return err_param(err, ERR_NOT_FOUND, "job_id",
                         "job '%s' is not here, and no decision about it is kept", e->job_id);
    if (e->worker_id && !registry_worker(core_registry(e->policies->queen->core), e->worker_id))
        return err_param(err, ERR_NOT_FOUND, "worker_id", "no worker '%s' is known here",
                         e->worker_id);
    return 0;
}

int explain_write(struct json_out *out, struct policies *p, const char *job_id,
                  const char *worker_id, struct err *err)
{
    AUTO(free_ptr) struct explanation *e = mem_alloc(1, sizeof(*e));

    e->policies = p;
    e->job_id = job_id;
    e->worker_id = worker_id;
    e->job = core_job(p->queen->core, job_id);
    e->newest = trace_newest(p->trace, job_id);
    int rc = check(e, err);
    if (rc < 0)
        return rc;
    write_job(e, out);
    if (e->job) {
        e->now = policies_snapshot(p, job_id, &e->row);
        score(e);
        write_candidates(e, out);
    }
    write_summary(e, out);
    write_decisions(e, out);
    return 0;
}
