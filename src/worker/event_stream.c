#include "worker/event_stream.h"

#include "base/mem.h"
#include "engine/engine.h"
#include "http/server.h"
#include "loop/stream.h"
#include "worker/worker.h"

#include <assert.h>

void event_stream_begin(struct event_stream *s, struct worker *w, struct http_request *req)
{
    assert(!s->req);
    s->worker = w;
    s->req = req;
    http_reply_header(req, "Cache-Control", str_of("no-cache"));
    http_reply_header(req, "X-Accel-Buffering", str_of("no"));
    http_request_release(req);
    http_stream_begin(req, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
    loop_deadline_arm(&w->idle, &s->idle);
}

void event_stream_write(struct event_stream *s, struct str bytes, struct engine_run *run)
{
    if (bytes.len == 0)
        return;
    http_stream_write(s->req, bytes.p, bytes.len);
    loop_deadline_arm(&s->worker->idle, &s->idle);
    if (run && !s->is_full && http_stream_queued(s->req) > STREAM_HIGH_WATER) {
        s->is_full = true;
        engine_run_pause(run);
    }
}

void event_stream_drained(struct event_stream *s, struct engine_run *run)
{
    if (run && s->is_full)
        engine_run_resume(run);
    s->is_full = false;
}

static struct http_request *leave(struct event_stream *s)
{
    loop_deadline_disarm(&s->idle);
    return TAKE(s->req);
}

void event_stream_end(struct event_stream *s)
{
    http_stream_end(leave(s));
}

void event_stream_abort(struct event_stream *s)
{
    http_stream_abort(leave(s));
}

void event_stream_gone(struct event_stream *s)
{
    (void)leave(s);
}

void event_stream_on_idle(struct loop_deadline *deadline)
{
    struct event_stream *s = container_of(deadline, struct event_stream, idle);
    static const char comment[] = ": still here\n\n";

    if (!s->is_full)
        http_stream_write(s->req, comment, sizeof(comment) - 1);
    loop_deadline_arm(&s->worker->idle, &s->idle);
}
