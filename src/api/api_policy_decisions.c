/*
 * What was decided, and why: a page of records, or one with the whole context that it came from.
 * Each record's candidates are worked out again from the state of its time, so a page is written
 * one record a turn of the loop, and a context on a thread beside it.
 */
#include "api/handlers.h"

#include "api/policy_errand.h"
#include "api/policy_explain.h"
#include "api/policy_past.h"
#include "api/policy_query.h"
#include "api/policy_reply.h"
#include "api/queen.h"
#include "base/mem.h"
#include "base/parse.h"
#include "snapshot/context.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, READING_TIMEOUT_MS = 60000 };

struct reading {
    struct errand errand;
    char job_id[JOB_ID_SIZE]; /* "": of every job */
    uint64_t next;            /* record; 0: none left */
    uint64_t left;            /* to be written */
    struct past past;
    const struct snapshot *then; /* in `past`: what the last record came from; NULL: gone */
    struct loop_timer turn;
    struct buf json;
    struct json_out out;
    bool is_away;  /* the context is being written */
    bool is_freed; /* meanwhile */
};

static void reading_free(struct reading *r)
{
    loop_timer_stop(&r->turn);
    if (r->is_away) {
        r->is_freed = true;
        return;
    }
    past_deinit(&r->past);
    buf_deinit(&r->json);
    free(r);
}

static void cancel(struct errand *e)
{
    reading_free(container_of(e, struct reading, errand));
}

static void finish(struct reading *r)
{
    struct err err;

    if (r->json.overflowed) {
        (void)err_set(&err, ERR_LIMIT, "the answer grew too long; ask for fewer decisions");
        errand_fail(&r->errand, &err);
    } else {
        errand_done(&r->errand);
        policy_reply(r->errand.req, NULL, 200, buf_str(&r->json));
    }
    reading_free(r);
}

static struct reading *begin(struct http_request *req, void (*on_turn)(struct loop_timer *timer))
{
    struct reading *r = mem_alloc(1, sizeof(*r));
    struct queen *q = http_request_app(req);

    r->errand.what = "reading decisions";
    r->errand.cancel = cancel;
    loop_timer_init(q->loop, &r->turn, on_turn);
    buf_init(&r->json, POLICY_REPLY_BYTES_MAX);
    json_out_init(&r->out, &r->json);
    if (!errand_begin(&r->errand, req, NULL, READING_TIMEOUT_MS)) {
        reading_free(r);
        return NULL;
    }
    past_init(&r->past);
    json_begin(&r->out, NULL, '{');
    loop_timer_start(&r->turn, 0);
    return r;
}

/* --- A page ------------------------------------------------------------------- */

static void on_page_turn(struct loop_timer *timer)
{
    struct reading *r = container_of(timer, struct reading, turn);
    const struct trace *trace = r->errand.policies->trace;
    const struct trace_record *record = trace_record(trace, r->next), *before;

    if (!record || r->left == 0 || r->json.overflowed) {
        json_end(&r->out);
        json_end(&r->out);
        finish(r);
        return;
    }
    r->then = past_look(&r->past, r->errand.policies, record);
    json_begin(&r->out, NULL, '{');
    trace_write(&r->out, trace, record, r->then, r->past.platform);
    json_end(&r->out);
    before = trace_before(trace, record, r->job_id[0] != '\0');
    r->next = before ? trace_number(before) : 0;
    r->left--;
    loop_timer_start(&r->turn, 0);
}

void api_policy_decisions(struct http_request *req)
{
    static const char *const known[] = { "job_id", "limit", NULL };
    const struct queen *q = http_request_app(req);
    char job_id[JOB_ID_SIZE] = "";
    uint64_t limit = LIMIT_DEFAULT;
    struct err err;

    int rc = policy_query_check(req, known, &err);
    if (rc == 0)
        rc = policy_query_text(req, "job_id", job_id, sizeof(job_id), &err);
    if (rc == 0)
        rc = policy_query_number(req, "limit", 1, LIMIT_MAX, &limit, &err);
    if (rc < 0) {
        http_reply_error(req, &err);
        return;
    }
    struct reading *r = begin(req, on_page_turn);
    if (!r)
        return;
    const struct trace_record *first = trace_newest(q->policies->trace, job_id[0] ? job_id : NULL);
    (void)str_copy(r->job_id, sizeof(r->job_id), str_of(job_id));
    r->next = first ? trace_number(first) : 0;
    r->left = limit;
    json_begin(&r->out, "decisions", '[');
}

/* --- One, with its context -------------------------------------------------------- */

static void write_context(void *data)
{
    struct reading *r = data;

    json_begin(&r->out, "context", '{');
    context_write(&r->out, r->then);
    json_end(&r->out);
}

static void on_written(void *data)
{
    struct reading *r = data;

    r->is_away = false;
    if (r->is_freed) {
        reading_free(r);
        return;
    }
    json_end(&r->out);
    finish(r);
}

static void on_one_turn(struct loop_timer *timer)
{
    struct reading *r = container_of(timer, struct reading, turn);
    const struct policies *p = r->errand.policies;
    const struct trace_record *record = trace_record(p->trace, r->next);
    struct err err;

    if (!record) {
        (void)err_set(&err, ERR_NOT_FOUND, "decision %llu is not kept any more",
                      (unsigned long long)r->next);
        errand_fail(&r->errand, &err);
        reading_free(r);
        return;
    }
    r->then = past_look(&r->past, p, record);
    trace_write(&r->out, p->trace, record, r->then, r->past.platform);
    if (r->then) {
        r->is_away = true;
        loop_offload(p->queen->loop, write_context, on_written, r);
        return;
    }
    json_null(&r->out, "context");
    json_end(&r->out);
    finish(r);
}

static int find_one(const struct http_request *req, uint64_t *ret, struct err *err)
{
    static const char *const known[] = { NULL };
    const struct queen *q = http_request_app(req);
    struct trace_stats stats;
    struct str id = http_request_param(req, 0);

    int rc = policy_query_check(req, known, err);
    if (rc < 0)
        return rc;
    if (!parse_u64_str(id, ret))
        return err_param(err, ERR_INVALID, "id", "a decision's id is a number, found '%.*s'",
                         id.len > 40 ? 40 : (int)id.len, id.p);
    if (trace_record(q->policies->trace, *ret))
        return 0;
    trace_get_stats(q->policies->trace, &stats);
    return err_param(err, ERR_NOT_FOUND, "id",
                     "there is no decision %llu here; those kept are %llu to %llu",
                     (unsigned long long)*ret, (unsigned long long)stats.oldest,
                     (unsigned long long)stats.newest);
}

void api_policy_decision(struct http_request *req)
{
    uint64_t number;
    struct err err;

    if (find_one(req, &number, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    struct reading *r = begin(req, on_one_turn);
    if (r)
        r->next = number;
}

/* --- Why --------------------------------------------------------------------------- */

static int read_asked(const struct http_request *req, char job_id[JOB_ID_SIZE],
                      char worker_id[WORKER_ID_SIZE], struct err *err)
{
    static const char *const known[] = { "job_id", "worker_id", NULL };

    job_id[0] = worker_id[0] = '\0';
    int rc = policy_query_check(req, known, err);
    if (rc == 0)
        rc = policy_query_text(req, "job_id", job_id, JOB_ID_SIZE, err);
    if (rc == 0)
        rc = policy_query_text(req, "worker_id", worker_id, WORKER_ID_SIZE, err);
    if (rc == 0 && job_id[0] == '\0')
        rc = err_param(err, ERR_MISSING, "job_id", "'job_id' is missing: say which job (?job_id=)");
    return rc;
}

void api_policy_explain(struct http_request *req)
{
    const struct queen *q = http_request_app(req);
    char job_id[JOB_ID_SIZE], worker_id[WORKER_ID_SIZE];
    struct json_out out;
    struct buf json;
    struct err err;

    buf_init(&json, POLICY_REPLY_BYTES_MAX);
    json_out_init(&out, &json);
    json_begin(&out, NULL, '{');
    int rc = read_asked(req, job_id, worker_id, &err);
    if (rc == 0)
        rc = explain_write(&out, q->policies, job_id, worker_id[0] ? worker_id : NULL, &err);
    json_end(&out);
    if (rc < 0)
        http_reply_error(req, &err);
    else
        policy_reply(req, NULL, 200, buf_str(&json));
    buf_deinit(&json);
}
