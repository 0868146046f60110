/*
 * Operations that a hive carries out: the body goes to it as it came; once it has
 * accepted (a refusal is passed to the client as it is) the client gets a job of ours,
 * and the hive's events are passed on into it, renumbered.
 */
#include "api/operations.h"

#include "api/hive_job.h"
#include "api/queen.h"
#include "base/json_texts.h"
#include "base/mem.h"
#include "base/random.h"
#include "proxy/job_table.h"

#include <stdlib.h>

struct forward {
    struct list link; /* in queen::forwards */
    struct queen *queen;
    const struct operation *op;
    struct http_request *req; /* until the hive has accepted; then NULL */
    struct hive_job *at_hive;
    struct job_record *record; /* once accepted */
    char hive_id[HIVE_ID_SIZE];
    char hive_job_id[JOB_ID_SIZE]; /* what the hive calls it; we call it by record's id */
};

static void forward_free(struct forward *f)
{
    struct queen *q = f->queen;

    list_remove(&f->link);
    hive_job_cancel(f->at_hive);
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
        if (strcmp(hive->facts.models[i].ref, w->model) == 0)
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

static void on_event(void *data, const char *name, struct str json)
{
    struct forward *f = data;
    char *ours = mem_copy(json);

    rename_job(f, ours, json.len);
    (void)job_record_event(f->record, name, (struct str){ ours, json.len });
    free(ours);
}

static void on_end(void *data, enum job_state state, const struct err *err)
{
    struct forward *f = data;

    f->at_hive = NULL;
    job_record_close(take_record(f), state, err);
    forward_free(f);
}

static void on_lost(void *data, const struct err *err)
{
    struct forward *f = data;

    f->at_hive = NULL;
    job_record_fail(take_record(f), err);
    forward_free(f);
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

static void on_accepted(void *data, const char *hive_job_id)
{
    static const struct job_record_owner owner = { .cancel = on_cancel };
    struct forward *f = data;
    char job_id[JOB_ID_SIZE] = "job-";
    struct http_request *req = TAKE(f->req);
    struct err err;

    (void)str_copy(f->hive_job_id, sizeof(f->hive_job_id), str_of(hive_job_id));
    random_uuid4(job_id + 4);
    if (job_table_add(f->queen->jobs, job_id, f->op->name, &owner, f, &f->record, &err) < 0) {
        http_reply_error(req, &err);
        forward_free(f);
        return;
    }
    job_record_set_state(f->record, JOB_DISPATCHED);
    job_table_reply_accepted(req, job_id);
}

static void on_refused(void *data, unsigned status, struct str body, const struct err *err)
{
    struct forward *f = data;

    f->at_hive = NULL;
    if (status > 0)
        http_reply(f->req, status, "application/json", body);
    else
        http_reply_error(f->req, err);
    forward_free(f);
}

static void on_gone(void *data)
{
    forward_free(data);
}

void op_forward(struct queen *q, struct http_request *req, const struct operation *op)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    static const struct hive_job_events events = {
        .on_refused = on_refused,
        .on_accepted = on_accepted,
        .on_event = on_event,
        .on_end = on_end,
        .on_lost = on_lost,
    };
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
    struct forward *f = mem_alloc(1, sizeof(*f));
    f->queen = q;
    f->op = op;
    f->req = req;
    list_push_back(&q->forwards, &f->link);
    (void)str_copy(f->hive_id, sizeof(f->hive_id), str_of(hive->facts.id));
    http_request_watch(req, &watch, f);
    f->at_hive = hive_job_start(q, hive, http_request_body(req), &events, f);
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
