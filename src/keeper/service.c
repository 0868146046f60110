/* The keeper's side of HTTP: one request, and the dual call, as straight lines. */
#include "keeper/keeper.h"

#include "base/json_texts.h"
#include "base/log.h"
#include "http/sse.h"

#include <stdio.h>

enum {
    CONNECT_MS = 3000,
    READY_MS = 1000,
    SILENCE_MS = 60000, /* job streams carry a comment every 15 s */
    PATH_SIZE = 256,
};

int service_init(struct service *s, const char *name, const char *url, const char *start_hint,
                 struct err *err)
{
    *s = (struct service){ .name = name, .start_hint = start_hint };
    if (!str_copy(s->url, sizeof(s->url), str_of(url)))
        return err_set(err, ERR_INVALID, "the URL of the %s is too long", name);
    int rc = endpoint_parse(str_of(url), &s->at, err);
    return rc < 0 ? err_wrap(err, "URL of the %s", name) : 0;
}

/* --- Waiting ----------------------------------------------------------------- */

static void on_wait_over(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

void keeper_wait(struct keeper *k, uint64_t ms)
{
    struct loop_timer timer;

    loop_timer_init(k->loop, &timer, on_wait_over);
    loop_timer_start(&timer, ms);
    if (!k->interrupted)
        loop_run(k->loop);
    loop_timer_stop(&timer);
}

/* Run the loop until *done, or an interrupt that nobody handles. */
static void run_until(struct keeper *k, const bool *done)
{
    while (!*done && !(k->interrupted && !k->on_interrupt))
        loop_run(k->loop);
}

/* --- One request ---------------------------------------------------------------- */

struct fetch {
    struct keeper *keeper;
    bool done;
    enum http_call_end how;
    unsigned status;
    struct buf *answer;
    struct err err;
};

static void on_fetched(void *data, enum http_call_end how, unsigned status, struct str body,
                       const struct err *err)
{
    struct fetch *f = data;

    f->done = true;
    f->how = how;
    f->status = status;
    if (err)
        f->err = *err;
    (void)buf_add(f->answer, body.p, body.len);
    loop_stop(f->keeper->loop);
}

static int unreachable(const struct service *s, const struct err *cause, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE,
                   "the %s at %s does not answer (%s); start it with: %s, or name another with "
                   "--%s-url",
                   s->name, s->url, cause->msg, s->start_hint, s->name);
}

/* The service's own words, in either error shape. */
static int refused(const struct service *s, unsigned status, struct str body, struct err *err)
{
    char message[sizeof(err->msg)] = "", code[64] = "";
    const struct json_text members[] = {
        { "message", message, sizeof(message) },
        { "code", code, sizeof(code) },
    };
    struct str error;
    struct err ignored;

    if (json_raw_member(body, "error", &error, &ignored) < 0 || !error.p ||
        json_texts_read(error, members, 2, &ignored) < 0)
        return err_set(err, ERR_UPSTREAM, "the %s at %s answered %u", s->name, s->url, status);
    return err_set(err, ERR_UPSTREAM, "%s (%s)", message, code);
}

static struct http_call_options call_options(const struct keeper *k, const struct service *s,
                                             const char *method, const char *path)
{
    return (struct http_call_options){
        .to = s->at,
        .method = method,
        .target = str_of(path),
        .bearer = k->token.text,
        .timeouts = { .connect_ms = CONNECT_MS, .first_byte_ms = k->answer_ms },
    };
}

static void fetch(struct keeper *k, const struct http_call_options *options, struct fetch *f)
{
    struct http_fetch *call =
        http_fetch_start(k->client, options, KEEPER_ANSWER_MAX, on_fetched, f);

    run_until(k, &f->done);
    if (!f->done)
        http_fetch_cancel(call);
}

int keeper_fetch(struct keeper *k, const struct service *s, const char *method, const char *path,
                 struct str body, struct buf *answer, struct err *err)
{
    struct fetch f = { .keeper = k, .answer = answer };
    struct http_call_options options = call_options(k, s, method, path);

    options.body = body;
    options.content_type = body.len > 0 ? "application/json" : NULL;
    fetch(k, &options, &f);
    if (!f.done)
        return err_set(err, ERR_CANCELLED, "interrupted");
    if (f.how == HTTP_CALL_CONNECT)
        return unreachable(s, &f.err, err);
    if (f.how != HTTP_CALL_DONE) {
        *err = f.err;
        if (f.how == HTTP_CALL_GARBAGE)
            (void)keeper_misread(err);
        return err_wrap(err, "%s at %s", s->name, s->url);
    }
    if (f.status < 200 || f.status > 299)
        return refused(s, f.status, buf_str(answer), err);
    return 0;
}

/* 0: nobody answers. */
static unsigned ready_status(struct keeper *k, const struct service *s)
{
    struct buf answer;
    struct fetch f = { .keeper = k, .answer = &answer };
    struct http_call_options options = call_options(k, s, "GET", "/ready");

    options.timeouts = (struct http_call_timeouts){ .total_ms = READY_MS };
    options.fresh = true; /* a kept connection says nothing about who listens now */
    buf_init(&answer, KEEPER_ANSWER_MAX);
    fetch(k, &options, &f);
    buf_deinit(&answer);
    return f.done && f.how == HTTP_CALL_DONE ? f.status : 0;
}

bool keeper_is_ready(struct keeper *k, const struct service *s)
{
    return ready_status(k, s) == 200;
}

bool keeper_is_there(struct keeper *k, const struct service *s)
{
    return ready_status(k, s) != 0;
}

/* --- The dual call --------------------------------------------------------------- */

struct follow {
    struct keeper *keeper;
    const struct service *service;
    char job_id[JOB_ID_SIZE];
    keeper_event_fn *on_event;
    void *data;
    struct sse_parser sse;
    struct http_call *call;
    struct http_fetch *cancel; /* the DELETE after an interrupt */
    unsigned status;
    bool done;
    bool cancelling;
    int rc;
    struct err err;
};

static void follow_end(struct follow *f, int rc)
{
    f->rc = rc;
    f->done = true;
    loop_stop(f->keeper->loop);
}

static void by_marker(struct follow *f, struct str marker)
{
    if (str_eq(marker, "[DONE]"))
        follow_end(f, 0);
    else if (str_eq(marker, "[CANCELLED]"))
        follow_end(f, err_set(&f->err, ERR_CANCELLED, "cancelled"));
    else if (str_starts(marker, "[ERROR] "))
        follow_end(f, err_set(&f->err, ERR_UPSTREAM, "%.*s", (int)marker.len - 8, marker.p + 8));
    else
        follow_end(f, err_set(&f->err, ERR_UPSTREAM, "the job stream has an unknown marker"));
}

static bool on_sse(void *ctx, const struct sse_event *event)
{
    struct follow *f = ctx;

    if (!event->data.p)
        return true;
    if (event->name.len == 0 && event->data.len > 0 && event->data.p[0] == '[') {
        by_marker(f, event->data);
        return false;
    }
    if (f->on_event && !f->on_event(f->data, event->name, event->data)) {
        follow_end(f, 0);
        return false;
    }
    return true;
}

static void on_head(void *data, struct http_call *call, unsigned status)
{
    (void)call;
    ((struct follow *)data)->status = status;
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct follow *f = data;

    (void)call;
    if (f->done || f->status != 200)
        return;
    if (sse_feed(&f->sse, piece, on_sse, f, &f->err) < 0)
        follow_end(f, f->err.code);
}

static void on_call_end(void *data, enum http_call_end how, const struct err *err)
{
    struct follow *f = data;

    f->call = NULL;
    if (f->done)
        return;
    if (err)
        f->err = *err;
    if (how == HTTP_CALL_GARBAGE)
        (void)keeper_misread(&f->err);
    if (!err)
        (void)err_set(&f->err, ERR_UPSTREAM, "the stream of job %s ended early (status %u)",
                      f->job_id, f->status);
    follow_end(f, f->err.code);
}

static void on_cancel_sent(void *data, enum http_call_end how, unsigned status, struct str body,
                           const struct err *err)
{
    struct follow *f = data;

    (void)body;
    (void)err;
    f->cancel = NULL;
    if ((how != HTTP_CALL_DONE || status != 200) && !f->done)
        follow_end(f,
                   err_set(&f->err, ERR_CANCELLED, "interrupted; the job could not be cancelled"));
}

/* Ctrl-C: take the job back; its stream then ends with [CANCELLED]. Again: give up. */
static void on_interrupt(void *data)
{
    struct follow *f = data;
    char path[PATH_SIZE];

    if (f->cancelling) {
        follow_end(f, err_set(&f->err, ERR_CANCELLED, "interrupted"));
        return;
    }
    f->cancelling = true;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s", f->job_id);
    struct http_call_options options = call_options(f->keeper, f->service, "DELETE", path);
    options.timeouts.total_ms = CONNECT_MS;
    f->cancel = http_fetch_start(f->keeper->client, &options, KEEPER_ANSWER_MAX, on_cancel_sent, f);
}

/* Accepted: {"job_id","sse_url"} */
static int read_accepted(struct str answer, char *job_id, char *sse_url, struct err *err)
{
    const struct json_text members[] = {
        { "job_id", job_id, JOB_ID_SIZE },
        { "sse_url", sse_url, PATH_SIZE },
    };

    if (json_texts_read(answer, members, 2, err) < 0)
        return keeper_misread(err);
    if (job_id[0] == '\0' || sse_url[0] != '/')
        return err_set(err, ERR_UPSTREAM, "the answer holds no job id");
    return 0;
}

static void follow(struct follow *f, const char *sse_url)
{
    static const struct http_call_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_call_end,
    };
    struct keeper *k = f->keeper;
    struct http_call_options options = call_options(k, f->service, "GET", sse_url);

    options.timeouts.between_ms = SILENCE_MS;
    sse_init(&f->sse);
    k->on_interrupt = on_interrupt;
    k->on_interrupt_data = f;
    f->call = http_call_start(k->client, &options, &events, f);
    if (k->interrupted)
        on_interrupt(f);
    run_until(k, &f->done);
    k->on_interrupt = NULL;
    http_call_cancel(f->call);
    http_fetch_cancel(f->cancel);
    sse_deinit(&f->sse);
}

int keeper_job(struct keeper *k, const struct service *s, struct str body,
               keeper_event_fn *on_event, void *data, struct err *err)
{
    struct follow f = { .keeper = k, .service = s, .on_event = on_event, .data = data };
    char sse_url[PATH_SIZE] = "";
    struct buf answer;

    buf_init(&answer, KEEPER_ANSWER_MAX);
    int rc = keeper_fetch(k, s, "POST", "/v1/jobs", body, &answer, err);
    if (rc == 0)
        rc = read_accepted(buf_str(&answer), f.job_id, sse_url, err);
    buf_deinit(&answer);
    if (rc < 0)
        return rc;
    follow(&f, sse_url);
    if (f.rc < 0)
        *err = f.err;
    return f.rc;
}

static bool take_result(void *data, struct str name, struct str json)
{
    struct buf *result = data;
    struct str raw;
    struct err ignored;

    if (str_eq(name, "end") && json_raw_member(json, "result", &raw, &ignored) == 0)
        (void)buf_add(result, raw.p, raw.len);
    return true;
}

int keeper_job_result(struct keeper *k, const struct service *s, struct str body,
                      struct buf *result, struct err *err)
{
    int rc = keeper_job(k, s, body, take_result, result, err);

    if (rc == 0 && buf_len(result) == 0)
        rc = err_set(err, ERR_UPSTREAM, "the %s gave no result", s->name);
    return rc;
}
