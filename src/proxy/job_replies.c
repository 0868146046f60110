/* The routes of jobs: list, state, stream, delete. */
#include "proxy/job_table_internal.h"

#include "base/mem.h"
#include "base/parse.h"
#include "base/random.h"
#include "http/server.h"

#include <stdio.h>

enum {
    PAGE_DEFAULT = 50,
    PAGE_MAX = 1000,
    REPLY_BYTES_MAX = 8 * 1024 * 1024,
    RESULT_FRAME_BYTES = 256, /* of an `end` event, around its result */
};

static struct job_record *find(struct job_table *t, struct http_request *req)
{
    struct str id = http_request_param(req, 0);
    struct job_record *r = map_get(&t->by_id, id);
    struct err err;

    if (r)
        return r;
    (void)err_param(&err, ERR_NOT_FOUND, "job_id",
                    "no job '%.*s' here: it never was, or it ended more than %llu s ago",
                    (int)(id.len > JOB_ID_SIZE ? JOB_ID_SIZE : id.len), id.p,
                    (unsigned long long)t->options.keep_after_end_ms / 1000);
    http_reply_error(req, &err);
    return NULL;
}

static void write_state(struct json_out *o, const struct job_record *r)
{
    char url[sizeof("/v1/jobs//stream") + JOB_ID_SIZE];

    (void)snprintf(url, sizeof(url), "/v1/jobs/%s/stream", r->id);
    json_str(o, "job_id", r->id);
    json_str(o, "operation", r->operation);
    json_str(o, "status", job_state_name(r->state));
    json_time(o, "created_at", r->created_wall_ms);
    if (r->ended_wall_ms)
        json_time(o, "ended_at", r->ended_wall_ms);
    if (r->error_code[0])
        json_str(o, "error", r->error_code);
    if (r->model[0])
        json_str(o, "model", r->model);
    if (r->worker_id[0])
        json_str(o, "worker_id", r->worker_id);
    json_uint(o, "last_event_id", job_events_last_id(&r->events));
    json_str(o, "sse_url", url);
    if (r->owner && r->owner->describe)
        r->owner->describe(r->owner_data, o);
}

static size_t page_size(const struct http_request *req)
{
    char text[16];
    uint64_t limit = PAGE_DEFAULT;

    if (http_request_query_param(req, "limit", text, sizeof(text)))
        (void)parse_u64_str(str_of(text), &limit);
    return limit < 1 ? 1 : limit > PAGE_MAX ? PAGE_MAX : (size_t)limit;
}

/* Newest first; `?before=JOB_ID` goes on after a page's last one. */
static struct list *first_of_page(const struct job_table *t, const struct http_request *req)
{
    char before[JOB_ID_SIZE];
    const struct job_record *r = NULL;

    if (http_request_query_param(req, "before", before, sizeof(before)))
        r = map_get(&t->by_id, str_of(before));
    return r ? r->in_all.prev : t->all.prev;
}

void job_table_reply_list(struct job_table *t, struct http_request *req)
{
    size_t left = page_size(req);
    struct list *it = first_of_page(t, req);
    const struct job_record *last = NULL;
    struct json_out o;
    struct buf text;

    buf_init(&text, REPLY_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    json_begin(&o, "jobs", '[');
    for (; it != &t->all && left > 0; it = it->prev, left--) {
        last = container_of(it, struct job_record, in_all);
        json_begin(&o, NULL, '{');
        write_state(&o, last);
        json_end(&o);
    }
    json_end(&o);
    json_uint(&o, "total", map_count(&t->by_id));
    json_str(&o, "next_before", it != &t->all && last ? last->id : NULL);
    json_end(&o);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}

static void reply_state(struct http_request *req, const struct job_record *r)
{
    struct json_out o;
    struct buf text;

    buf_init(&text, REPLY_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    write_state(&o, r);
    json_end(&o);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}

void job_table_reply_state(struct job_table *t, struct http_request *req)
{
    struct job_record *r = find(t, req);

    if (r)
        reply_state(req, r);
}

void job_table_reply_stream(struct job_table *t, struct http_request *req)
{
    struct job_record *r = find(t, req);
    uint64_t last_id = 0, at;
    struct str header;
    struct err err;

    if (!r)
        return;
    header = http_request_header(req, "Last-Event-ID");
    if (header.len > 0 && !parse_u64_str(header, &last_id)) {
        (void)err_param(&err, ERR_INVALID, "Last-Event-ID",
                        "'Last-Event-ID' must be the number of the last event seen");
        http_reply_error(req, &err);
    } else if (!job_events_seek(&r->events, last_id, &at)) {
        (void)err_set(&err, ERR_STREAM_EXPIRED, "events after %llu of job '%s' are no longer kept",
                      (unsigned long long)last_id, r->id);
        http_reply_error(req, &err);
    } else {
        job_feed_start(r, req, at);
    }
}

void job_table_reply_delete(struct job_table *t, struct http_request *req)
{
    struct job_record *r = find(t, req);

    if (!r)
        return;
    if (r->owner && r->owner->cancel)
        r->owner->cancel(r->owner_data);
    reply_state(req, r);
}

void job_table_reply_accepted(struct http_request *req, const char *job_id)
{
    struct json_out o;
    struct buf text;
    char url[sizeof("/v1/jobs//stream") + JOB_ID_SIZE];

    (void)snprintf(url, sizeof(url), "/v1/jobs/%s/stream", job_id);
    buf_init(&text, REPLY_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    json_str(&o, "job_id", job_id);
    json_str(&o, "sse_url", url);
    json_end(&o);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}

void job_table_reply_result(struct job_table *t, struct http_request *req, const char *operation,
                            struct str result)
{
    char job_id[JOB_ID_SIZE] = "job-";
    struct job_record *record;
    struct json_out out;
    struct buf json;
    struct err err;

    random_uuid4(job_id + 4);
    if (job_table_add(t, job_id, operation, NULL, NULL, &record, &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    buf_init(&json, result.len + RESULT_FRAME_BYTES);
    json_out_init(&out, &json);
    json_begin(&out, NULL, '{');
    json_str(&out, "type", "end");
    json_str(&out, "job_id", job_id);
    json_raw(&out, "result", result);
    json_end(&out);
    (void)job_record_event(record, "end", buf_str(&json));
    job_record_close(record, JOB_DONE, NULL);
    job_table_reply_accepted(req, job_id);
    buf_deinit(&json);
}
