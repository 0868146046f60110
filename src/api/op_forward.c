/*
 * Operations that a hive carries out: the body goes to it as it came; once it has
 * accepted (a refusal is passed to the client as it is) the client gets a job of ours,
 * and the hive's events are passed on into it, renumbered.
 */
#include "api/operations.h"

#include "api/queen.h"
#include "base/json_texts.h"
#include "base/mem.h"
#include "base/random.h"
#include "http/sse.h"
#include "proxy/job_table.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    ANSWER_BYTES_MAX = 64 * 1024,
    SSE_URL_SIZE = 256,
    CONNECT_MS = 3000,
    ANSWER_MS = 10000,
    SILENCE_MS = 60000, /* a hive's job stream carries a comment every 15 s */
};

struct forward {
    struct list link; /* in queen::forwards */
    struct queen *queen;
    const struct operation *op;
    struct http_request *req; /* until the hive has accepted; then NULL */
    struct http_fetch *post;
    struct http_call *stream;
    struct job_record *record; /* once accepted */
    struct sse_parser sse;
    struct endpoint to;
    char hive_id[HIVE_ID_SIZE];
    char hive_job_id[JOB_ID_SIZE]; /* what the hive calls it; we call it by record's id */
    char sse_url[SSE_URL_SIZE];
    bool ended; /* the marker came */
};

static void forward_free(struct forward *f)
{
    struct queen *q = f->queen;

    list_remove(&f->link);
    http_fetch_cancel(f->post);
    http_call_cancel(f->stream);
    sse_deinit(&f->sse);
    free(f);
    queen_look_idle(q);
}

/* --- Which hive ----------------------------------------------------------- */

struct want {
    char hive_id[HIVE_ID_SIZE], worker_id[WORKER_ID_SIZE], model[MODEL_REF_SIZE];
    const struct hive *first, *with_model;
    size_t online;
};

static int read_want(struct str body, struct want *w, struct err *err)
{
    const struct json_text members[] = {
        { "hive_id", w->hive_id, sizeof(w->hive_id) },
        { "worker_id", w->worker_id, sizeof(w->worker_id) },
        { "model", w->model, sizeof(w->model) },
    };

    return json_texts_read(body, members, 3, err);
}

static bool note_hive(void *data, const struct hive *hive)
{
    struct want *w = data;

    w->online++;
    if (!w->first)
        w->first = hive;
    for (size_t i = 0; !w->with_model && i < hive->facts.models_len; i++)
        if (strcmp(hive->facts.models[i], w->model) == 0)
            w->with_model = hive;
    return true;
}

/* The hive named; else the one that owns the worker named; else the first online one
 * that lists the model; else the first online one, which will say what is wrong. */
static int choose_hive(struct queen *q, struct want *w, const struct hive **ret, struct err *err)
{
    const struct registry *r = core_registry(q->core);
    const struct worker *worker = w->worker_id[0] ? registry_worker(r, w->worker_id) : NULL;

    if (!w->hive_id[0] && worker)
        (void)str_copy(w->hive_id, sizeof(w->hive_id), str_of(worker->facts.hive_id));
    (void)registry_find_hives(r, true, false, note_hive, w);
    if (w->hive_id[0]) {
        const struct hive *hive = registry_hive(r, w->hive_id);
        if (!hive)
            return err_param(err, ERR_NOT_FOUND, "hive_id", "no hive '%s' is known here",
                             w->hive_id);
        if (hive->live == LIVE_OFFLINE)
            return err_param(err, ERR_UNAVAILABLE, "hive_id",
                             "hive '%s' is offline: it has sent no heartbeat for 10 s", w->hive_id);
        *ret = hive;
        return 0;
    }
    *ret = w->with_model ? w->with_model : w->first;
    if (*ret)
        return 0;
    return err_set(err, ERR_UNAVAILABLE,
                   "no hive is online; start one with: rbee hive start (on this machine), or "
                   "rbee-hive --queen-url URL (on another)");
}

/* --- The hive's events, passed on ------------------------------------------ */

static struct job_record *take_record(struct forward *f)
{
    struct job_record *record = f->record;

    f->record = NULL;
    return record;
}

static void end_lost(struct forward *f, const char *why)
{
    struct err err;

    (void)err_set(&err, ERR_UPSTREAM, "hive '%s': %s", f->hive_id, why);
    job_record_fail(take_record(f), &err);
    forward_free(f);
}

static void close_by_marker(struct forward *f, struct str marker)
{
    struct err err;

    f->ended = true;
    if (str_eq(marker, "[DONE]")) {
        job_record_close(take_record(f), JOB_DONE, NULL);
    } else if (str_eq(marker, "[CANCELLED]")) {
        job_record_close(take_record(f), JOB_CANCELLED, NULL);
    } else {
        size_t skip = str_starts(marker, "[ERROR] ") ? strlen("[ERROR] ") : 0;
        (void)err_set(&err, ERR_UPSTREAM, "%.*s", (int)(marker.len - skip), marker.p + skip);
        job_record_close(take_record(f), JOB_FAILED, &err);
    }
}

/* Both ids are of one length: put ours where the hive's stands. */
static void rename_job(const struct forward *f, char *json, size_t len)
{
    const char *ours = job_record_id(f->record);
    size_t id_len = strlen(f->hive_job_id);
    char *at = json;

    while (id_len == strlen(ours) &&
           (at = memmem(at, len - (size_t)(at - json), f->hive_job_id, id_len)))
        memcpy(at, ours, id_len);
}

static void pass_on(struct forward *f, const char *name, struct str data)
{
    char *json = mem_copy(data);

    rename_job(f, json, data.len);
    (void)job_record_event(f->record, name, (struct str){ json, data.len });
    free(json);
}

static bool on_event(void *ctx, const struct sse_event *event)
{
    struct forward *f = ctx;
    char name[32];

    if (!event->data.p)
        return true;
    if (event->name.len == 0 && event->data.len > 0 && event->data.p[0] == '[') {
        close_by_marker(f, event->data);
        return false;
    }
    if (str_copy(name, sizeof(name), event->name) &&
        memchr(event->data.p, '\n', event->data.len) == NULL)
        pass_on(f, name[0] ? name : "message", event->data);
    return true;
}

static void on_head(void *data, struct http_call *call, unsigned status)
{
    struct forward *f = data;
    char why[64];

    (void)call;
    if (status == 200)
        return;
    (void)snprintf(why, sizeof(why), "answered %u to the job's stream", status);
    end_lost(f, why);
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct forward *f = data;
    struct err err;

    (void)call;
    if (f->ended)
        return;
    if (sse_feed(&f->sse, piece, on_event, f, &err) < 0)
        end_lost(f, err.msg);
    else if (f->ended)
        forward_free(f);
}

static void on_stream_end(void *data, enum http_call_end how, const struct err *err)
{
    struct forward *f = data;

    (void)how;
    f->stream = NULL;
    end_lost(f, err ? err->msg : "its job stream ended without a marker");
}

/* --- Accepting ------------------------------------------------------------- */

static void on_cancel(void *data)
{
    struct forward *f = data;
    struct err err;

    (void)err_set(&err, ERR_CANCELLED, "cancelled; what hive '%s' has begun goes on there",
                  f->hive_id);
    job_record_fail(take_record(f), &err);
    forward_free(f);
}

static struct http_call_options call_options(const struct forward *f, const char *method,
                                             struct str target)
{
    return (struct http_call_options){
        .to = f->to,
        .method = method,
        .target = target,
        .bearer = f->queen->config.guard->hive.text,
        .timeouts = { .connect_ms = CONNECT_MS, .first_byte_ms = ANSWER_MS },
    };
}

static void accepted(struct forward *f)
{
    static const struct job_record_owner owner = { .cancel = on_cancel };
    static const struct http_call_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_stream_end,
    };
    char job_id[JOB_ID_SIZE] = "job-";
    struct http_request *req = f->req;
    struct err err;

    f->req = NULL;
    random_uuid4(job_id + 4);
    if (job_table_add(f->queen->jobs, job_id, f->op->name, &owner, f, &f->record, &err) < 0) {
        http_reply_error(req, &err);
        forward_free(f);
        return;
    }
    job_record_set_state(f->record, JOB_DISPATCHED);
    struct http_call_options options = call_options(f, "GET", str_of(f->sse_url));
    options.timeouts.between_ms = SILENCE_MS;
    f->stream = http_call_start(f->queen->client, &options, &events, f);
    job_table_reply_accepted(req, job_id);
}

/* A path of the hive's own, as our hives give it. */
static bool read_accepted(struct forward *f, struct str body)
{
    const struct json_text members[] = {
        { "sse_url", f->sse_url, sizeof(f->sse_url) },
        { "job_id", f->hive_job_id, sizeof(f->hive_job_id) },
    };
    struct err ignored;

    return json_texts_read(body, members, 2, &ignored) == 0 &&
           strncmp(f->sse_url, "/v1/", 4) == 0 && !strpbrk(f->sse_url, " \r\n");
}

static void on_posted(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    struct forward *f = data;
    struct err answer;

    f->post = NULL;
    if (how != HTTP_CALL_DONE) {
        (void)err_set(&answer, ERR_UPSTREAM, "cannot reach hive '%s': %s", f->hive_id, err->msg);
        http_reply_error(f->req, &answer);
    } else if (status != 200) {
        http_reply(f->req, status, "application/json", body);
    } else if (!read_accepted(f, body)) {
        (void)err_set(&answer, ERR_UPSTREAM, "hive '%s' gave no usable sse_url", f->hive_id);
        http_reply_error(f->req, &answer);
    } else {
        accepted(f);
        return;
    }
    forward_free(f);
}

static void on_gone(void *data)
{
    forward_free(data);
}

void op_forward(struct queen *q, struct http_request *req, const struct operation *op)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    const struct hive *hive;
    struct want want = { 0 };
    struct err err;

    int rc = read_want(http_request_body(req), &want, &err);
    if (rc == 0)
        rc = choose_hive(q, &want, &hive, &err);
    if (rc < 0) {
        http_reply_error(req, &err);
        return;
    }
    struct forward *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->queen = q;
    f->op = op;
    f->req = req;
    sse_init(&f->sse);
    list_push_back(&q->forwards, &f->link);
    (void)str_copy(f->hive_id, sizeof(f->hive_id), str_of(hive->facts.id));
    (void)str_copy(f->to.host, sizeof(f->to.host), str_of(hive->facts.address));
    f->to.port = hive->facts.port;
    http_request_watch(req, &watch, f);

    struct http_call_options options = call_options(f, "POST", str_of("/v1/jobs"));
    options.content_type = "application/json";
    options.body = http_request_body(req);
    options.timeouts.total_ms = ANSWER_MS;
    f->post = http_fetch_start(q->client, &options, ANSWER_BYTES_MAX, on_posted, f);
}

void op_forward_end_all(struct queen *q, const struct err *err)
{
    while (!list_is_empty(&q->forwards)) {
        struct forward *f = container_of(q->forwards.next, struct forward, link);
        if (f->req)
            http_reply_error(f->req, err);
        else
            job_record_fail(take_record(f), err);
        forward_free(f);
    }
}
