/* Followers of a job: each at its own offset, at its own pace. */
#include "proxy/job_table_internal.h"

#include "base/mem.h"
#include "http/server.h"
#include "http/sse.h"
#include "loop/stream.h"

#include <stdlib.h>

enum { COMMENT_BYTES_MAX = 256 };

static void follower_free(struct follower *f)
{
    list_remove(&f->link);
    loop_deadline_disarm(&f->comment);
    free(f);
}

static void on_gone(void *data)
{
    follower_free(data);
}

/* Send what fits now. May end the follower. */
static void pump(struct follower *f)
{
    struct job_record *r = f->record;

    while (http_stream_queued(f->req) <= STREAM_HIGH_WATER) {
        struct str bytes = job_events_from(&r->events, f->at);
        if (bytes.len == 0)
            break;
        if (bytes.len > STREAM_HIGH_WATER)
            bytes.len = STREAM_HIGH_WATER;
        f->at += bytes.len;
        http_stream_write(f->req, bytes.p, bytes.len);
        loop_deadline_arm(&r->table->comments, &f->comment);
    }
    if (job_events_is_closed(&r->events) && f->at == job_events_end(&r->events)) {
        http_stream_end(f->req);
        follower_free(f);
    }
}

static void on_drain(void *data)
{
    struct follower *f = data;
    struct job_record *r = f->record;

    pump(f);
    job_record_make_room(r);
}

void job_feed_pump_all(struct job_record *r)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &r->followers)
        pump(container_of(it, struct follower, link));
}

void job_feed_cut_all(struct job_record *r)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &r->followers) {
        struct follower *f = container_of(it, struct follower, link);
        http_stream_abort(f->req);
        follower_free(f);
    }
}

uint64_t job_feed_furthest(const struct job_record *r)
{
    uint64_t furthest = 0;
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &r->followers) {
        const struct follower *f = container_of(it, struct follower, link);
        if (f->at > furthest)
            furthest = f->at;
    }
    return furthest;
}

void job_feed_on_comment(struct loop_deadline *deadline)
{
    struct follower *f = container_of(deadline, struct follower, comment);
    struct job_record *r = f->record;
    char text[COMMENT_BYTES_MAX] = "waiting";
    struct buf line;

    loop_deadline_arm(&r->table->comments, &f->comment);
    if (r->owner && r->owner->comment)
        r->owner->comment(r->owner_data, text, sizeof(text));
    buf_init(&line, COMMENT_BYTES_MAX + 8);
    sse_write_comment(&line, text);
    http_stream_write(f->req, line.p, buf_len(&line));
    buf_deinit(&line);
}

void job_feed_start(struct job_record *r, struct http_request *req, uint64_t at)
{
    static const struct http_watch watch = { .on_gone = on_gone, .on_drain = on_drain };
    struct follower *f = calloc(1, sizeof(*f));

    if (!f)
        abort();
    f->record = r;
    f->req = req;
    f->at = at;
    list_push_back(&r->followers, &f->link);
    http_request_watch(req, &watch, f);
    http_reply_header(req, "X-Accel-Buffering", str_of("no"));
    http_reply_header(req, "Cache-Control", str_of("no-store"));
    http_stream_begin(req, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
    http_request_release(req);
    loop_deadline_arm(&r->table->comments, &f->comment);
    http_stream_flush(req);
    pump(f);
    job_record_make_room(r);
}
