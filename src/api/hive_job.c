#include "api/hive_job.h"

#include "api/queen.h"
#include "base/json_texts.h"
#include "base/mem.h"
#include "http/sse.h"

#include <stdio.h>

enum {
    ANSWER_BYTES_MAX = 64 * 1024,
    SSE_URL_SIZE = 256,
    CONNECT_MS = 3000,
    ANSWER_MS = 10000,
    SILENCE_MS = 60000, /* a hive's job stream carries a comment every 15 s */
};

struct hive_job {
    struct queen *queen;
    const struct hive_job_events *events;
    void *data;
    struct http_fetch *post;
    struct http_call *stream;
    struct sse_parser sse;
    struct endpoint to;
    char hive_id[HIVE_ID_SIZE];
    char sse_url[SSE_URL_SIZE];
    char *body;           /* owned: it goes out after hive_job_start() has returned */
    enum job_state state; /* what the marker said; JOB_QUEUED until then */
    struct err err;       /* JOB_FAILED */
};

void hive_job_cancel(struct hive_job *j)
{
    if (!j)
        return;
    http_fetch_cancel(j->post);
    http_call_cancel(j->stream);
    sse_deinit(&j->sse);
    free(j->body);
    free(j);
}

/* --- The end --------------------------------------------------------------- */

static void end(struct hive_job *j)
{
    const struct hive_job_events *events = j->events;
    enum job_state state = j->state;
    struct err err = j->err;
    void *data = j->data;

    hive_job_cancel(j);
    events->on_end(data, state, state == JOB_FAILED ? &err : NULL);
}

static void end_lost(struct hive_job *j, const char *why)
{
    const struct hive_job_events *events = j->events;
    void *data = j->data;
    struct err err;

    (void)err_set(&err, ERR_UPSTREAM, "hive '%s': %s", j->hive_id, why);
    hive_job_cancel(j);
    events->on_lost(data, &err);
}

static void refuse(struct hive_job *j, unsigned status, struct str body, const struct err *err)
{
    const struct hive_job_events *events = j->events;
    void *data = j->data;

    hive_job_cancel(j);
    events->on_refused(data, status, body, err);
}

/* --- Its events -------------------------------------------------------------- */

static void take_marker(struct hive_job *j, struct str marker)
{
    if (str_eq(marker, "[DONE]")) {
        j->state = JOB_DONE;
    } else if (str_eq(marker, "[CANCELLED]")) {
        j->state = JOB_CANCELLED;
    } else {
        size_t skip = str_starts(marker, "[ERROR] ") ? strlen("[ERROR] ") : 0;
        j->state = JOB_FAILED;
        (void)err_set(&j->err, ERR_UPSTREAM, "%.*s", (int)(marker.len - skip), marker.p + skip);
    }
}

static bool on_event(void *ctx, const struct sse_event *event)
{
    struct hive_job *j = ctx;
    char name[32];

    if (!event->data.p)
        return true;
    if (event->name.len == 0 && event->data.len > 0 && event->data.p[0] == '[') {
        take_marker(j, event->data);
        return false;
    }
    if (str_copy(name, sizeof(name), event->name) &&
        memchr(event->data.p, '\n', event->data.len) == NULL)
        j->events->on_event(j->data, name[0] ? name : "message", event->data);
    return true;
}

static void on_head(void *data, struct http_call *call, unsigned status)
{
    char why[64];

    (void)call;
    if (status == 200)
        return;
    (void)snprintf(why, sizeof(why), "answered %u to the job's stream", status);
    end_lost(data, why);
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct hive_job *j = data;
    struct err err;

    (void)call;
    if (sse_feed(&j->sse, piece, on_event, j, &err) < 0)
        end_lost(j, err.msg);
    else if (j->state != JOB_QUEUED)
        end(j);
}

static void on_stream_end(void *data, enum http_call_end how, const struct err *err)
{
    struct hive_job *j = data;

    (void)how;
    j->stream = NULL;
    end_lost(j, err ? err->msg : "its job stream ended without a marker");
}

/* --- Accepting ------------------------------------------------------------- */

static struct http_call_options call_options(const struct hive_job *j, const char *method,
                                             struct str target)
{
    return (struct http_call_options){
        .to = j->to,
        .method = method,
        .target = target,
        .bearer = j->queen->config.guard->hive.text,
        .timeouts = { .connect_ms = CONNECT_MS, .first_byte_ms = ANSWER_MS },
    };
}

/* A path of the hive's own, as our hives give it. */
static bool read_accepted(struct hive_job *j, struct str body, char *ret_job_id)
{
    const struct json_text members[] = {
        { "sse_url", j->sse_url, sizeof(j->sse_url) },
        { "job_id", ret_job_id, JOB_ID_SIZE },
    };
    struct err ignored;

    return json_texts_read(body, members, 2, &ignored) == 0 &&
           strncmp(j->sse_url, "/v1/", 4) == 0 && !strpbrk(j->sse_url, " \r\n");
}

static void follow(struct hive_job *j)
{
    static const struct http_call_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_stream_end,
    };
    struct http_call_options options = call_options(j, "GET", str_of(j->sse_url));

    options.timeouts.between_ms = SILENCE_MS;
    j->stream = http_call_start(j->queen->client, &options, &events, j);
}

static void on_posted(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    char hive_job_id[JOB_ID_SIZE] = "";
    const struct str none = { 0 };
    struct hive_job *j = data;
    struct err answer;

    j->post = NULL;
    if (how != HTTP_CALL_DONE) {
        (void)err_set(&answer, ERR_UPSTREAM, "cannot reach hive '%s': %s", j->hive_id, err->msg);
        refuse(j, 0, none, &answer);
    } else if (status != 200) {
        (void)err_set(&answer, ERR_UPSTREAM, "hive '%s' answered %u", j->hive_id, status);
        refuse(j, status, body, &answer);
    } else if (!read_accepted(j, body, hive_job_id)) {
        (void)err_set(&answer, ERR_UPSTREAM, "hive '%s' gave no usable sse_url", j->hive_id);
        refuse(j, 0, none, &answer);
    } else {
        follow(j);
        j->events->on_accepted(j->data, hive_job_id);
    }
}

struct hive_job *hive_job_start(struct queen *q, const struct hive *hive, struct str body,
                                const struct hive_job_events *events, void *data)
{
    struct hive_job *j = mem_alloc(1, sizeof(*j));

    j->queen = q;
    j->events = events;
    j->data = data;
    sse_init(&j->sse);
    (void)str_copy(j->hive_id, sizeof(j->hive_id), str_of(hive->facts.id));
    (void)str_copy(j->to.host, sizeof(j->to.host), str_of(hive->facts.address));
    j->to.port = hive->facts.port;
    struct http_call_options options = call_options(j, "POST", str_of("/v1/jobs"));
    options.content_type = "application/json";
    j->body = mem_copy(body);
    options.body = (struct str){ j->body, body.len };
    options.timeouts.total_ms = ANSWER_MS;
    j->post = http_fetch_start(q->client, &options, ANSWER_BYTES_MAX, on_posted, j);
    return j;
}
