/* The native `infer` operation: a job whose events are kept (PROTOCOL "The dual call"). */
#include "api/operations.h"

#include "api/flight.h"
#include "api/infer_request.h"
#include "api/queen.h"
#include "api/request_headers.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "proxy/job_table.h"
#include "proxy/native_run.h"

#include <stdio.h>
#include <stdlib.h>

enum { EVENT_BYTES_MAX = 2 * 1024 * 1024 };

struct native_flight {
    struct flight base;
    struct http_request *submit; /* until the first decision: a refusal is a status */
    struct job_record *record;
    struct native_run *run; /* the current attempt, NULL while queued */
    char *body;             /* owned: the operation as it came; NULL after the first token */
    size_t body_len;
    uint64_t seed;
    char request_id[72];
    bool has_queued; /* the `queued` event went out */
};

static struct native_flight *of(struct flight *f)
{
    return container_of(f, struct native_flight, base);
}

/* It was let in: the client gets its id. */
static void accept(struct native_flight *f)
{
    if (f->submit)
        job_table_reply_accepted(TAKE(f->submit), f->base.id);
}

static void flight_free(struct native_flight *f)
{
    free(f->body);
    free(f);
}

/* --- Events into the record ------------------------------------------------------- */

static void begin_event(struct json_out *o, struct buf *json, const char *type)
{
    buf_init(json, EVENT_BYTES_MAX);
    json_out_init(o, json);
    json_begin(o, NULL, '{');
    json_str(o, "type", type);
}

static void end_event(struct native_flight *f, struct json_out *o, const char *type)
{
    json_end(o);
    bool has_room = job_record_event(f->record, type, buf_str(o->buf));
    buf_deinit(o->buf);
    if (!has_room && f->run)
        native_run_pause(f->run);
}

static void tell_queued(struct native_flight *f, size_t position, uint64_t start_in_ms)
{
    struct json_out o;
    struct buf json;

    f->has_queued = true;
    begin_event(&o, &json, "queued");
    json_str(&o, "job_id", f->base.id);
    json_uint(&o, "position", position);
    if (start_in_ms != UINT64_MAX)
        json_uint(&o, "predicted_start_ms", start_in_ms);
    end_event(f, &o, "queued");
}

static void on_started(void *data)
{
    struct native_flight *f = data;
    struct json_out o;
    struct buf json;

    begin_event(&o, &json, "started");
    json_str(&o, "job_id", f->base.id);
    json_str(&o, "model", f->base.model);
    json_str(&o, "worker_id", f->base.worker_id);
    json_uint(&o, "attempt", f->base.attempt);
    json_uint(&o, "seed", f->seed);
    json_time(&o, "started_at", clock_wall_ms());
    end_event(f, &o, "started");
}

static void on_token(void *data, struct str text, uint64_t index)
{
    struct native_flight *f = data;
    struct json_out o;
    struct buf json;

    if (index == 0) {
        free(TAKE(f->body)); /* nobody else takes over from here on */
        job_record_set_state(f->record, JOB_STREAMING);
        flight_started(&f->base);
    }
    begin_event(&o, &json, "token");
    json_strn(&o, "t", text);
    json_uint(&o, "i", index);
    end_event(f, &o, "token");
}

static void on_metrics(void *data, struct str json)
{
    struct native_flight *f = data;

    if (!job_record_event(f->record, "metrics", json))
        native_run_pause(f->run);
}

static void on_end(void *data, const struct native_run_result *result)
{
    struct native_flight *f = data;
    struct json_out o;
    struct buf json;

    f->run = NULL;
    begin_event(&o, &json, "end");
    json_uint(&o, "tokens_out", result->usage.tokens_out);
    json_uint(&o, "decode_time_ms", result->decode_time_ms);
    json_str(&o, "stop_reason", result->stop_reason);
    if (result->usage.tokens_in > 0)
        json_uint(&o, "tokens_in", result->usage.tokens_in);
    end_event(f, &o, "end");
    job_record_close(f->record, JOB_DONE, NULL);
    flight_finished(&f->base, 200, &result->usage);
    flight_free(f);
}

static void on_failed(void *data, enum run_failure failure, const struct err *err)
{
    struct native_flight *f = data;

    f->run = NULL;
    flight_failed(&f->base, failure, err);
}

/* --- The core's actions -------------------------------------------------------------- */

static void dispatch(struct flight *base, const struct worker *worker)
{
    static const struct native_run_events events = {
        .on_started = on_started,
        .on_token = on_token,
        .on_metrics = on_metrics,
        .on_end = on_end,
        .on_failed = on_failed,
    };
    struct native_flight *f = of(base);
    struct target target;

    native_run_cancel(TAKE(f->run));
    accept(f);
    if (!f->has_queued)
        tell_queued(f, 1, 0);
    job_record_set_state(f->record, JOB_DISPATCHED);
    job_record_set_worker(f->record, base->worker_id);
    target_of_worker(&worker->facts, &target);
    const struct native_run_options options = {
        .worker = &target,
        .model = str_of(base->model),
        .job = { f->body, f->body_len },
        .seed = f->seed,
        .request_id = str_of(f->request_id),
    };
    f->run = native_run_start(base->queen->proxy, &options, &events, f);
}

static void queued(struct flight *base, size_t position, uint64_t start_in_ms)
{
    struct native_flight *f = of(base);

    native_run_cancel(TAKE(f->run));
    accept(f);
    job_record_set_state(f->record, JOB_QUEUED);
    job_record_set_worker(f->record, "");
    tell_queued(f, position, start_in_ms);
}

static void fail(struct flight *base, const struct err *err)
{
    struct native_flight *f = of(base);

    native_run_cancel(TAKE(f->run));
    if (f->submit) {
        http_reply_error(TAKE(f->submit), err);
        job_record_drop(f->record);
    } else {
        job_record_fail(f->record, err);
    }
    flight_free(f);
}

/* --- What the record asks --------------------------------------------------------------- */

static void on_cancel(void *data)
{
    struct native_flight *f = data;
    struct err err;

    native_run_cancel(TAKE(f->run));
    (void)err_set(&err, ERR_CANCELLED, "cancelled by the client");
    if (f->submit)
        http_reply_error(TAKE(f->submit), &err);
    job_record_fail(f->record, &err);
    flight_cancelled(&f->base);
    flight_free(f);
}

static void on_room(void *data)
{
    struct native_flight *f = data;

    if (f->run)
        native_run_resume(f->run);
}

static void write_waiting(const struct native_flight *f, size_t position, char *ret, size_t size)
{
    uint64_t start_in_ms = core_predicted_start_ms(f->base.queen->core, f->base.id);
    struct buf text;

    buf_init_fixed(&text, ret, size);
    (void)buf_printf(&text, "queued position=%zu", position);
    if (start_in_ms != UINT64_MAX)
        (void)buf_printf(&text, " predicted_start_ms=%llu", (unsigned long long)start_in_ms);
    (void)buf_cstr(&text);
}

static void comment(void *data, char *text, size_t size)
{
    const struct native_flight *f = data;
    size_t position = core_job_position(f->base.queen->core, f->base.id);

    if (position > 0)
        write_waiting(f, position, text, size);
    else
        (void)snprintf(text, size, "running worker=%s", f->base.worker_id);
}

static void describe(void *data, struct json_out *o)
{
    const struct native_flight *f = data;
    size_t position = core_job_position(f->base.queen->core, f->base.id);
    const struct job *job = core_job(f->base.queen->core, f->base.id);

    if (job)
        json_str(o, "priority", job_priority_name(job->spec.priority));
    json_uint(o, "attempt", f->base.attempt);
    json_uint(o, "queue_ms", flight_queue_ms(&f->base));
    if (position == 0)
        return;
    json_uint(o, "position", position);
    uint64_t start_in_ms = core_predicted_start_ms(f->base.queen->core, f->base.id);
    if (start_in_ms != UINT64_MAX)
        json_uint(o, "predicted_start_ms", start_in_ms);
}

/* The client hung up before it had an id: nobody can ever ask for this job. */
static void on_gone(void *data)
{
    struct native_flight *f = data;

    job_record_drop(f->record);
    flight_cancelled(&f->base);
    flight_free(f);
}

/* --- Submission --------------------------------------------------------------------------- */

static int parse(struct queen *q, struct http_request *req, struct infer_request *ret,
                 struct err *err)
{
    int rc = infer_request_parse(INFER_NATIVE, http_request_body(req), ret, err);

    if (rc < 0)
        return rc;
    rc = request_headers_apply(req, loop_now_ms(q->loop), ret, err);
    if (rc < 0)
        infer_request_free(ret);
    return rc;
}

/* A seed that every client's number type can hold; policies see it only if it was asked for. */
static void fill_spec(struct job_spec *spec)
{
    (void)memcpy(spec->id, "job-", 4);
    random_uuid4(spec->id + 4);
    if (!spec->has_seed)
        spec->seed = random_u64() & INT32_MAX;
}

void op_infer(struct queen *q, struct http_request *req, const struct operation *op)
{
    static const struct flight_ops ops = { .dispatch = dispatch, .queued = queued, .fail = fail };
    static const struct job_record_owner owner = {
        .cancel = on_cancel,
        .on_room = on_room,
        .comment = comment,
        .describe = describe,
    };
    static const struct http_watch watch = { .on_gone = on_gone };
    struct infer_request parsed;
    struct err err;

    if (parse(q, req, &parsed, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    struct native_flight *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    fill_spec(&parsed.spec);
    if (job_table_add(q->jobs, parsed.spec.id, op->name, &owner, f, &f->record, &err) < 0) {
        http_reply_error(req, &err);
        flight_free(f);
        infer_request_free(&parsed);
        return;
    }
    job_record_set_model(f->record, parsed.spec.model);
    f->submit = req;
    f->seed = parsed.spec.seed;
    (void)str_copy(f->request_id, sizeof(f->request_id), str_of(http_request_id(req)));
    f->body = http_request_take_body(req, &f->body_len);
    http_request_watch(req, &watch, f);
    flight_submit(&f->base, q, &ops, op->name, &parsed.spec);
    infer_request_free(&parsed);
}
