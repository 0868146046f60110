/*
 * A native job at llm-worker-rbee, by the dual call:
 *
 *     POST /v1/inference --> GET sse_url --> its events to the end
 *                                |
 *                                leave --> DELETE /v1/inference/{id}
 *
 * Leaving during the POST hangs up: a worker makes a job of it only as it answers, and
 * one that nobody follows ends by itself.
 */
#include "base/arena.h"
#include "base/json.h"
#include "base/json_texts.h"
#include "proxy/native_internal.h"

#include <stdio.h>

enum {
    ACCEPTED_BYTES_MAX = 16 * 1024,
    SSE_URL_SIZE = 512,
    TYPE_SIZE = 32,
};

/* More than any model's context, and than any computer's uptime. */
static const int64_t TOKENS_MAX = 1LL << 40, TIME_MAX_MS = 1LL << 50;

/* --- Events -------------------------------------------------------------- */

/* One event of a worker, whatever its type. */
struct report {
    char type[TYPE_SIZE];
    struct str text; /* raw JSON */
    int64_t tokens_in, tokens_out, cached_tokens, decode_time_ms;
    char stop_reason[STOP_REASON_SIZE];
    char code[TYPE_SIZE];
    struct str message;
};

static void read_member(struct json *j, struct arena *arena, struct report *ret)
{
    if (json_key(j, "type"))
        json_read_text(j, ret->type, sizeof(ret->type));
    else if (json_key(j, "t"))
        json_read_raw(j, &ret->text);
    else if (json_key(j, "tokens_in"))
        json_read_i64_in(j, 0, TOKENS_MAX, &ret->tokens_in);
    else if (json_key(j, "tokens_out"))
        json_read_i64_in(j, 0, TOKENS_MAX, &ret->tokens_out);
    else if (json_key(j, "cached_tokens"))
        json_read_i64_in(j, 0, TOKENS_MAX, &ret->cached_tokens);
    else if (json_key(j, "decode_time_ms"))
        json_read_i64_in(j, 0, TIME_MAX_MS, &ret->decode_time_ms);
    else if (json_key(j, "stop_reason"))
        json_read_text(j, ret->stop_reason, sizeof(ret->stop_reason));
    else if (json_key(j, "code"))
        json_read_text(j, ret->code, sizeof(ret->code));
    else if (json_key(j, "message"))
        json_read_str(j, arena, &ret->message);
    else
        json_skip(j);
}

static int read_report(struct str data, struct arena *arena, struct report *ret, struct err *err)
{
    struct json j;

    json_init(&j, data);
    json_object(&j)
    {
        read_member(&j, arena, ret);
    }
    return json_finish(&j, err);
}

static bool on_started(struct native_run *run, struct str data, const struct report *r,
                       struct run_fault *fault)
{
    (void)data, (void)r, (void)fault;
    native_run_tell_started(run);
    return true;
}

static bool on_token(struct native_run *run, struct str data, const struct report *r,
                     struct run_fault *fault)
{
    (void)data;
    return native_run_tell_token(run, r->text, fault);
}

static bool on_metrics(struct native_run *run, struct str data, const struct report *r,
                       struct run_fault *fault)
{
    (void)r, (void)fault;
    native_run_tell_started(run);
    run->events->on_metrics(run->data, data);
    return true;
}

static bool on_end(struct native_run *run, struct str data, const struct report *r,
                   struct run_fault *fault)
{
    (void)data, (void)fault;
    run->has_end = true;
    run->result.usage = (struct usage){
        .tokens_in = (uint64_t)r->tokens_in,
        .tokens_out = (uint64_t)r->tokens_out,
        .cached_tokens = (uint64_t)r->cached_tokens,
    };
    run->result.decode_time_ms = (uint64_t)r->decode_time_ms;
    (void)str_copy(run->result.stop_reason, sizeof(run->result.stop_reason),
                   str_of(r->stop_reason));
    return true;
}

static bool on_error(struct native_run *run, struct str data, const struct report *r,
                     struct run_fault *fault)
{
    int len = (int)(r->message.len < 200 ? r->message.len : 200);

    (void)data;
    run->job_id[0] = '\0'; /* it has ended there: nothing to cancel */
    if (strcmp(r->code, "INVALID_REQUEST") == 0) {
        fault->failure = RUN_BROKEN;
        (void)err_set(&fault->err, ERR_INVALID, "%.*s", len, r->message.p ? r->message.p : "");
        return false;
    }
    return run_fault_set(fault, RUN_REFUSED, "Worker returned error %s: %.*s", r->code, len,
                         r->message.p ? r->message.p : "");
}

/* clang-format off */
static const struct {
    const char *type;
    bool (*handle)(struct native_run *run, struct str data, const struct report *r,
                   struct run_fault *fault);
} reports[] = {
    { "token",   on_token   }, /* the commonest first */
    { "metrics", on_metrics },
    { "started", on_started },
    { "end",     on_end     },
    { "error",   on_error   },
};
/* clang-format on */

/* Types that we do not know (narration) are none of ours. */
static bool handle(struct native_run *run, struct str data, const struct report *r,
                   struct run_fault *fault)
{
    for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
        if (strcmp(r->type, reports[i].type) == 0)
            return reports[i].handle(run, data, r, fault);
    }
    return true;
}

static bool on_event(void *data, const struct sse_event *event, struct run_fault *fault)
{
    struct native_run *run = data;
    struct report report = { 0 };
    struct arena arena;
    struct err err;

    if (!event->data.p)
        return true;
    if (str_starts(event->data, "[")) { /* [DONE], [ERROR] ..., [CANCELLED] */
        worker_call_done(&run->call);
        return true;
    }
    arena_init(&arena, SSE_EVENT_BYTES_MAX);
    bool go_on = read_report(event->data, &arena, &report, &err) == 0
                     ? run->has_end || handle(run, event->data, &report, fault)
                     : run_fault_set(fault, RUN_REFUSED, "Worker sent a bad event: %s", err.msg);
    arena_deinit(&arena);
    return go_on;
}

static void on_stream_end(void *data, const struct worker_call_end *end)
{
    struct native_run *run = data;
    struct run_fault fault = { 0 };

    if (run->has_end) {
        native_run_end(run); /* whatever became of the connection after it */
        return;
    }
    if (end->how == WORKER_CALL_ENDED)
        (void)run_fault_set(&fault, RUN_DIED, "Worker ended its stream in the middle");
    else if (end->how == WORKER_CALL_REJECTED) /* a stream of its own: not the job's fault */
        (void)run_fault_set(&fault, RUN_REFUSED, "Worker returned error %u: %s", run->call.status,
                            end->fault->err.msg);
    else
        fault = *end->fault;
    if (fault.failure == RUN_NOT_CONNECTED)
        fault.failure = RUN_DIED; /* the job was sent: unlike with the POST, it may have begun */
    native_run_fail(run, &fault);
}

/* --- Accepted ------------------------------------------------------------ */

/* Letters, digits, '-' and '_': it becomes a part of a path. */
static bool is_job_id(const char *id)
{
    return id[0] && id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-_")] == '\0';
}

/* A path of the same worker's: what a worker names must not lead anywhere else. */
static bool is_local_path(const char *url)
{
    if (url[0] != '/' || url[1] == '/')
        return false;
    for (const char *c = url; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '#' || *c == '\\')
            return false;
    }
    return true;
}

/* `sse_url` has SSE_URL_SIZE bytes. */
static bool read_accepted(struct native_run *run, char *sse_url, struct run_fault *fault)
{
    char job_id[NATIVE_JOB_ID_SIZE] = "";
    const struct json_text members[] = {
        { "job_id", job_id, sizeof(job_id) },
        { "sse_url", sse_url, SSE_URL_SIZE },
    };
    struct err err;

    if (json_texts_read(buf_str(&run->accepted), members, 2, &err) < 0)
        return run_fault_set(fault, RUN_REFUSED, "Worker accepted with a bad answer: %s", err.msg);
    if (!is_job_id(job_id))
        return run_fault_set(fault, RUN_REFUSED, "Worker accepted without a usable job_id");
    (void)str_copy(run->job_id, sizeof(run->job_id), str_of(job_id));
    if (!is_local_path(sse_url))
        return run_fault_set(fault, RUN_REFUSED,
                             "Worker accepted with an sse_url that is no path of its own");
    return true;
}

static void on_accepted(struct native_run *run)
{
    static const struct worker_call_events events = {
        .on_event = on_event,
        .on_end = on_stream_end,
    };
    struct run_fault fault = { 0 };
    char sse_url[SSE_URL_SIZE] = "";
    bool is_usable = read_accepted(run, sse_url, &fault);

    buf_deinit(&run->body);
    buf_deinit(&run->accepted);
    if (is_usable) {
        native_run_call(run, "GET", str_of(sse_url), WORKER_CALL_STREAM,
                        "Failed to connect to worker stream", &events);
    } else {
        native_run_fail(run, &fault);
    }
}

static bool on_post_bytes(void *data, struct str bytes, struct run_fault *fault)
{
    struct native_run *run = data;

    return buf_add(&run->accepted, bytes.p, bytes.len) ||
           run_fault_set(fault, RUN_REFUSED, "Worker accepted with an answer that is too long");
}

static void on_post_end(void *data, const struct worker_call_end *end)
{
    if (end->how == WORKER_CALL_ENDED)
        on_accepted(data);
    else
        native_run_fail(data, end->fault);
}

static void start(struct native_run *run, const struct native_run_options *options)
{
    static const struct worker_call_events events = {
        .on_bytes = on_post_bytes,
        .on_end = on_post_end,
    };
    bool is_chat;

    native_body_write(options, WORKER_KIND_RBEE, &run->body, &is_chat);
    buf_init(&run->accepted, ACCEPTED_BYTES_MAX);
    native_run_call(run, "POST", str_of("/v1/inference"), WORKER_CALL_JSON,
                    "Failed to send request to worker", &events);
}

/* --- Leaving ------------------------------------------------------------- */

static bool on_delete_bytes(void *data, struct str bytes, struct run_fault *fault)
{
    (void)data, (void)bytes, (void)fault;
    return true;
}

static void on_delete_end(void *data, const struct worker_call_end *end)
{
    (void)end; /* nobody is left to be told, and nothing is left to be done */
    native_run_free(data);
}

static bool leave(struct native_run *run)
{
    static const struct worker_call_events events = {
        .on_bytes = on_delete_bytes,
        .on_end = on_delete_end,
    };
    char target[sizeof("/v1/inference/") + NATIVE_JOB_ID_SIZE];

    if (!run->job_id[0] || run->has_end)
        return false;
    (void)snprintf(target, sizeof(target), "/v1/inference/%s", run->job_id);
    worker_call_close(&run->call);
    native_run_call(run, "DELETE", str_of(target), WORKER_CALL_JSON, "Failed to cancel", &events);
    worker_call_hurry(&run->call);
    return true;
}

const struct native_kind native_rbee = { .start = start, .leave = leave };
