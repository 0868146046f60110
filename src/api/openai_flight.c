#include "api/openai_flight.h"

#include "api/answer_headers.h"
#include "api/flight.h"
#include "api/queen.h"
#include "api/request_headers.h"
#include "base/clock.h"
#include "base/mem.h"
#include "proxy/relay.h"

#include <stdio.h>
#include <stdlib.h>

struct openai_flight {
    struct flight base;
    struct http_request *req; /* NULL once it has been answered */
    struct relay *relay;      /* the current attempt, NULL while queued */
    const char *target;
    uint64_t began_us; /* when the request's head was here */
    bool is_stream;
    bool wants_updates;
    struct loop_deadline update; /* next comment to a client that asked for them */
};

/* clang-format off */
static const struct {
    const char *name, *target;
} routes[] = {
    [INFER_CHAT]        = { "chat",        "/v1/chat/completions" },
    [INFER_COMPLETIONS] = { "completions", "/v1/completions"      },
    [INFER_EMBEDDINGS]  = { "embeddings",  "/v1/embeddings"       },
};
/* clang-format on */

static struct openai_flight *of(struct flight *f)
{
    return container_of(f, struct openai_flight, base);
}

static void flight_free(struct openai_flight *f)
{
    loop_deadline_disarm(&f->update);
    free(f);
}

static void set_headers(struct openai_flight *f)
{
    const struct answer_facts facts = {
        .overhead_us = f->base.arrived_us - f->began_us,
        .queue_ms = flight_queue_ms(&f->base),
        .policy = f->base.policy,
        .worker_id = f->base.worker_id,
    };

    answer_headers_set(f->req, &facts);
    if (f->is_stream) {
        http_reply_header(f->req, "X-Accel-Buffering", str_of("no"));
        http_reply_header(f->req, "Cache-Control", str_of("no-cache"));
    }
}

/* --- The run's events ---------------------------------------------------------- */

static void on_head(void *data, unsigned status)
{
    struct openai_flight *f = data;

    (void)status;
    set_headers(f);
    http_request_release(f->req);
    flight_started(&f->base);
}

static void on_end(void *data, const struct relay_result *result)
{
    struct openai_flight *f = data;

    f->relay = NULL;
    if (result->is_answered)
        f->req = NULL;
    if (result->is_finished) {
        flight_finished(&f->base, result->status, &result->usage);
        flight_free(f);
    } else {
        flight_failed(&f->base, result->failure, &result->err);
    }
}

/* --- The core's actions ---------------------------------------------------------- */

static void dispatch(struct flight *base, const struct worker *worker)
{
    static const struct relay_events events = { .on_head = on_head, .on_end = on_end };
    struct openai_flight *f = of(base);
    struct target target;

    relay_cancel(f->relay);
    loop_deadline_disarm(&f->update);
    target_of_worker(&worker->facts, &target);
    const struct relay_options options = {
        .request = f->req,
        .worker = &target,
        .target = str_of(f->target),
        .body = http_request_body(f->req),
        .traceparent = http_request_header(f->req, "traceparent"),
        .is_stream = f->is_stream,
    };
    f->relay = relay_start(base->queen->proxy, &options, &events, f);
}

static void send_position(struct openai_flight *f, size_t position, uint64_t start_in_ms)
{
    char comment[96];
    struct buf text;

    buf_init_fixed(&text, comment, sizeof(comment));
    (void)buf_printf(&text, ": queued position=%zu", position);
    if (start_in_ms != UINT64_MAX)
        (void)buf_printf(&text, " predicted_start_ms=%llu", (unsigned long long)start_in_ms);
    (void)buf_puts(&text, "\n\n");
    http_stream_write(f->req, comment, buf_len(&text));
    loop_deadline_arm(&f->base.queen->queue_updates, &f->update);
}

static void queued(struct flight *base, size_t position, uint64_t start_in_ms)
{
    struct openai_flight *f = of(base);

    relay_cancel(f->relay);
    f->relay = NULL;
    if (!f->wants_updates)
        return;
    if (!http_stream_begun(f->req)) {
        set_headers(f);
        http_stream_begin(f->req, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
    }
    send_position(f, position, start_in_ms);
}

void openai_flight_on_update(struct loop_deadline *deadline)
{
    struct openai_flight *f = container_of(deadline, struct openai_flight, update);

    const struct core *core = f->base.queen->core;

    send_position(f, core_job_position(core, f->base.id),
                  core_predicted_start_ms(core, f->base.id));
}

static void fail(struct flight *base, const struct err *err)
{
    struct openai_flight *f = of(base);

    if (f->req && !http_stream_begun(f->req))
        set_headers(f);
    if (f->relay)
        relay_fail(f->relay, err);
    else if (f->req)
        relay_answer_error(f->req, err);
    flight_free(f);
}

/* --- The client -------------------------------------------------------------------- */

static void on_gone(void *data)
{
    struct openai_flight *f = data;

    relay_cancel(f->relay);
    flight_cancelled(&f->base);
    flight_free(f);
}

static void on_drain(void *data)
{
    struct openai_flight *f = data;

    if (f->relay)
        relay_client_drained(f->relay);
}

void openai_flight_begin(struct queen *q, struct http_request *req, enum infer_route route,
                         struct infer_request *parsed)
{
    static const struct flight_ops ops = { .dispatch = dispatch, .queued = queued, .fail = fail };
    static const struct http_watch watch = { .on_gone = on_gone, .on_drain = on_drain };
    struct openai_flight *f = calloc(1, sizeof(*f));

    if (!f)
        abort();
    f->req = req;
    f->target = routes[route].target;
    f->began_us = http_request_began_us(req);
    f->is_stream = parsed->stream;
    f->wants_updates = parsed->stream && request_wants_queue_updates(req);
    (void)memcpy(parsed->spec.id, "job-", 4);
    random_uuid4(parsed->spec.id + 4);
    http_request_watch(req, &watch, f);
    flight_submit(&f->base, q, &ops, routes[route].name, &parsed->spec);
    infer_request_free(parsed);
}
