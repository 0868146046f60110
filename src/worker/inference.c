#include "worker/inference.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "http/server.h"
#include "worker/counters.h"
#include "worker/worker.h"

#include <assert.h>
#include <stdio.h>

const char *inference_phase_name(enum inference_phase phase)
{
    static const char *const names[] = {
        [INFERENCE_ACCEPTED] = "accepted",   [INFERENCE_RUNNING] = "running",
        [INFERENCE_DONE] = "done",           [INFERENCE_FAILED] = "failed",
        [INFERENCE_CANCELLED] = "cancelled",
    };
    return names[phase];
}

static bool has_ended(const struct inference *inf)
{
    return inf->phase >= INFERENCE_DONE;
}

/* --- Life ---------------------------------------------------------------- */

static void inference_free(struct inference *inf)
{
    struct inference_table *t = &inf->worker->inferences;

    assert(!inf->post && !inf->stream.req && !inf->run);
    loop_deadline_disarm(&inf->unopened);
    loop_deadline_disarm(&inf->keep);
    (void)map_remove(&t->by_id, str_of(inf->id));
    if (!list_is_empty(&inf->link))
        t->ended_len--;
    list_remove(&inf->link);
    job_events_deinit(&inf->events);
    free(inf);
}

static void stop_run(struct inference *inf)
{
    engine_run_cancel(TAKE(inf->run));
}

static void on_unopened(struct loop_deadline *deadline)
{
    inference_cancel(container_of(deadline, struct inference, unopened),
                     "nobody opened the stream of this job in time");
}

static void on_keep(struct loop_deadline *deadline)
{
    inference_free(container_of(deadline, struct inference, keep));
}

void inference_table_init(struct inference_table *t, struct worker *w)
{
    t->worker = w;
    map_init(&t->by_id);
    list_init(&t->ended);
    t->ended_len = 0;
    loop_deadlines_init(w->loop, &t->unopened, INFERENCE_UNOPENED_MS, on_unopened);
    loop_deadlines_init(w->loop, &t->keep, INFERENCE_KEEP_MS, on_keep);
}

void inference_table_deinit(struct inference_table *t)
{
    struct map_entry *it, *tmp;

    MAP_FOREACH(it, tmp, &t->by_id) {
        struct inference *inf = map_value(it);
        stop_run(inf);
        inference_free(inf);
    }
    map_deinit(&t->by_id);
    loop_deadlines_deinit(&t->unopened);
    loop_deadlines_deinit(&t->keep);
}

struct inference *inference_find(const struct inference_table *t, struct str id)
{
    return map_get(&t->by_id, id);
}

/* --- Until the POST is answered ------------------------------------------ */

static void on_post_gone(void *data)
{
    struct inference *inf = data;
    inf->post = NULL;
    stop_run(inf);
    inference_free(inf);
}

struct inference *inference_new(struct worker *w, struct http_request *post)
{
    static const struct http_watch watch = { .on_gone = on_post_gone };
    struct inference *inf = mem_alloc(1, sizeof(*inf));
    char uuid[UUID_SIZE];

    random_uuid4(uuid);
    (void)snprintf(inf->id, sizeof(inf->id), "job-%s", uuid);
    inf->worker = w;
    inf->phase = INFERENCE_ACCEPTED;
    inf->post = post;
    job_events_init(&inf->events, INFERENCE_EVENTS_BYTES_MAX);
    list_init(&inf->link);
    http_request_watch(post, &watch, inf);
    return inf;
}

void inference_refuse(struct inference *inf, const struct err *err)
{
    http_reply_error(TAKE(inf->post), err);
    inference_free(inf);
}

void inference_accept(struct inference *inf)
{
    struct inference_table *t = &inf->worker->inferences;
    struct json_out o;
    char body[256], url[96];
    struct buf out;

    (void)map_put(&t->by_id, str_of(inf->id), inf);
    inf->phase = INFERENCE_RUNNING;
    loop_deadline_arm(&t->unopened, &inf->unopened);

    (void)snprintf(url, sizeof(url), "/v1/inference/%s/stream", inf->id);
    buf_init_fixed(&out, body, sizeof(body));
    json_out_init(&o, &out);
    json_begin(&o, NULL, '{');
    json_str(&o, "job_id", inf->id);
    json_str(&o, "sse_url", url);
    json_end(&o);
    http_reply(TAKE(inf->post), 200, "application/json", buf_str(&out));
}

/* --- Events and their reader ---------------------------------------------- */

/* While nobody follows, what is told is kept, and when that is much the run waits. */
static void hold_run(struct inference *inf)
{
    if (!inf->run || inf->is_held || !job_events_is_full(&inf->events))
        return;
    inf->is_held = true;
    engine_run_pause(inf->run);
}

static void send_rest(struct inference *inf)
{
    struct str bytes = job_events_from(&inf->events, inf->sent);

    inf->sent += bytes.len;
    event_stream_write(&inf->stream, bytes, inf->run);
    job_events_forget(&inf->events, inf->sent);
}

void inference_say(struct inference *inf, const char *name, struct str json)
{
    (void)job_events_add(&inf->events, name, json);
    if (inf->stream.req)
        send_rest(inf);
    else
        hold_run(inf);
}

/* Room for it, when there is none: the oldest that has ended is forgotten. */
static void file_away(struct inference *inf)
{
    struct inference_table *t = &inf->worker->inferences;

    loop_deadline_disarm(&inf->unopened);
    loop_deadline_arm(&t->keep, &inf->keep);
    if (t->ended_len == INFERENCES_KEPT_MAX)
        inference_free(container_of(t->ended.next, struct inference, link));
    list_push_back(&t->ended, &inf->link);
    t->ended_len++;
}

void inference_end(struct inference *inf, enum inference_phase how, const char *marker)
{
    inf->phase = how;
    inf->run = NULL;
    job_events_close(&inf->events, marker);
    if (inf->stream.req) {
        send_rest(inf);
        event_stream_end(&inf->stream);
    }
    file_away(inf);
}

static void say_cancelled(struct inference *inf, const char *why)
{
    struct json_out o;
    char body[320];
    struct buf out;

    buf_init_fixed(&out, body, sizeof(body));
    json_out_init(&o, &out);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "error");
    json_str(&o, "code", "CANCELLED");
    json_str(&o, "message", why);
    json_bool(&o, "retriable", false);
    json_end(&o);
    inference_say(inf, "error", buf_str(&out));
}

void inference_cancel(struct inference *inf, const char *why)
{
    if (has_ended(inf))
        return;
    stop_run(inf);
    counters_run_ended(inf->worker, "inference", inf->id, "cancelled", NULL);
    say_cancelled(inf, why);
    inference_end(inf, INFERENCE_CANCELLED, "[CANCELLED]");
}

static void on_stream_gone(void *data)
{
    struct inference *inf = data;
    event_stream_gone(&inf->stream);
    inference_cancel(inf, "the stream was closed");
}

static void on_stream_drain(void *data)
{
    struct inference *inf = data;
    event_stream_drained(&inf->stream, inf->run);
}

static void let_go(struct inference *inf)
{
    if (inf->is_held && inf->run)
        engine_run_resume(inf->run);
    inf->is_held = false;
}

int inference_follow(struct inference *inf, struct http_request *req, struct err *err)
{
    static const struct http_watch watch = { .on_gone = on_stream_gone,
                                             .on_drain = on_stream_drain };

    if (inf->stream.req)
        return err_set(err, ERR_CONFLICT, "somebody follows the job '%s' already", inf->id);
    if (inf->stream.worker)
        return err_set(err, ERR_STREAM_EXPIRED,
                       "the stream of the job '%s' has been read; a worker keeps no replay",
                       inf->id);
    loop_deadline_disarm(&inf->unopened);
    http_request_watch(req, &watch, inf);
    event_stream_begin(&inf->stream, inf->worker, req);
    send_rest(inf);
    let_go(inf);
    if (has_ended(inf))
        event_stream_end(&inf->stream);
    return 0;
}
