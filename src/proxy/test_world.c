#include "proxy/test_world.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

enum { STORY_BYTES_MAX = 16 * 1024 * 1024 };

/* --- The queen's side ---------------------------------------------------- */

static void on_gone(void *data)
{
    struct world *w = data;

    w->gone++;
    w->request = NULL;
    relay_cancel(TAKE(w->relay));
}

static void on_drain(void *data)
{
    struct world *w = data;

    if (w->relay)
        relay_client_drained(w->relay);
}

static void on_request(struct http_request *r)
{
    static const struct http_watch watch = { .on_gone = on_gone, .on_drain = on_drain };
    struct world *w = http_request_app(r);

    assert_null(w->request);
    w->request = r;
    http_request_watch(r, &watch, w);
}

/* clang-format off */
static const struct route routes[] = {
    { "POST", "/v1/chat/completions", on_request, ROUTE_CLIENT, ROUTE_OPENAI, 0, "" },
    { 0 },
};
/* clang-format on */

static void on_head(void *data, unsigned status)
{
    struct world *w = data;
    char value[16];

    w->heads++;
    (void)snprintf(value, sizeof(value), "w1-%u", status);
    if (!http_stream_begun(w->request))
        http_reply_header(w->request, "x-rbee-worker", str_of(value));
    http_request_release(w->request);
}

static void on_end(void *data, const struct relay_result *result)
{
    struct world *w = data;

    w->relay = NULL;
    w->result = *result;
    w->ends++;
    if (result->is_answered)
        w->request = NULL;
}

/* --- Life ---------------------------------------------------------------- */

static void start_server(struct world *w)
{
    struct http_server_options options;
    struct endpoint at = { .host = "127.0.0.1" };
    struct err err;

    guard_init(&w->guard);
    http_server_options_init(&options);
    options.guard = &w->guard;
    options.server_name = "test";
    w->server = http_server_new(w->t.loop, &options, routes, w);
    assert_int_equal(http_server_listen(w->server, &at, &w->at, &err), 0);
}

int world_setup(void **state)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct http_client_options client;
    const struct run_timeouts timeouts = {
        .connect_ms = WORLD_CONNECT_MS,
        .first_token_ms = WORLD_FIRST_TOKEN_MS,
        .between_ms = WORLD_BETWEEN_MS,
        .total_ms = WORLD_TOTAL_MS,
    };

    test_loop_init(&w->t);
    start_server(w);
    http_client_options_init(&client);
    w->http = http_client_new(w->t.loop, &client);
    w->proxy = proxy_new(w->t.loop, w->http, &timeouts);
    w->client.fd = w->worker.fd = -1;
    w->listener = peer_listen(&w->target.at);
    (void)str_copy(w->target.worker_id, sizeof(w->target.worker_id), str_of("w1"));
    buf_init(&w->story, STORY_BYTES_MAX);
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;

    peer_close(&w->client);
    peer_close(&w->worker);
    test_settle(&w->t);
    relay_cancel(TAKE(w->relay));
    native_run_cancel(TAKE(w->run));
    http_server_free(w->server);
    proxy_free(w->proxy);
    http_client_free(w->http);
    test_loop_deinit(&w->t);
    close_fd(&w->listener);
    buf_deinit(&w->story);
    free(w);
    return 0;
}

/* --- Relays -------------------------------------------------------------- */

static bool has_request(void *data)
{
    return ((struct world *)data)->request != NULL;
}

void world_ask(struct world *w, const char *extra_headers)
{
    char request[1024];

    peer_connect(&w->client, &w->t, &w->at);
    (void)snprintf(request, sizeof(request),
                   "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/json\r\nContent-Length: 13\r\n%s\r\n"
                   "{\"model\":\"m\"}",
                   extra_headers);
    peer_say(&w->client, request);
    test_until(&w->t, has_request, w);
}

void world_relay(struct world *w, bool is_stream)
{
    static const struct relay_events events = { .on_head = on_head, .on_end = on_end };
    const struct relay_options options = {
        .request = w->request,
        .worker = &w->target,
        .target = str_of("/v1/chat/completions"),
        .body = http_request_body(w->request),
        .traceparent = http_request_header(w->request, "traceparent"),
        .is_stream = is_stream,
    };

    w->relay = relay_start(w->proxy, &options, &events, w);
}

void world_relay_accepted(struct world *w, bool is_stream)
{
    world_relay(w, is_stream);
    world_accept(w, "{\"model\":\"m\"}");
}

/* --- Native runs --------------------------------------------------------- */

static void on_started(void *data)
{
    (void)buf_puts(&((struct world *)data)->story, "started\n");
}

static void on_token(void *data, struct str text, uint64_t index)
{
    struct world *w = data;

    (void)buf_printf(&w->story, "token %llu '%.*s'\n", (unsigned long long)index, STR_ARG(text));
    if (w->pause_at_next_token)
        native_run_pause(w->run);
    w->pause_at_next_token = false;
}

static void on_metrics(void *data, struct str json)
{
    (void)buf_printf(&((struct world *)data)->story, "metrics %.*s\n", STR_ARG(json));
}

static void on_run_end(void *data, const struct native_run_result *r)
{
    struct world *w = data;

    w->run = NULL;
    w->ends++;
    (void)buf_printf(&w->story, "end in=%llu out=%llu ms=%llu %s\n",
                     (unsigned long long)r->usage.tokens_in,
                     (unsigned long long)r->usage.tokens_out, (unsigned long long)r->decode_time_ms,
                     r->stop_reason);
}

static void on_failed(void *data, enum run_failure failure, const struct err *err)
{
    static const char *const names[] = {
        [RUN_NOT_CONNECTED] = "not_connected",
        [RUN_REFUSED] = "refused",
        [RUN_DIED] = "died",
        [RUN_SILENT] = "silent",
        [RUN_BROKEN] = "broken",
    };
    struct world *w = data;

    w->run = NULL;
    w->ends++;
    (void)buf_printf(&w->story, "%s %s: %s\n", names[failure], err_name(err->code), err->msg);
}

void world_run(struct world *w, enum worker_kind kind, const char *job)
{
    static const struct native_run_events events = {
        .on_started = on_started,
        .on_token = on_token,
        .on_metrics = on_metrics,
        .on_end = on_run_end,
        .on_failed = on_failed,
    };
    const struct native_run_options options = {
        .worker = &w->target,
        .model = str_of("m"),
        .job = str_of(job),
        .seed = 7,
        .request_id = str_of("r-1"),
    };

    w->target.kind = kind;
    w->run = native_run_start(w->proxy, &options, &events, w);
}

/* --- The worker's side --------------------------------------------------- */

static bool has_ended(void *data)
{
    struct world *w = data;

    return !w->relay && !w->run;
}

void world_await_end(struct world *w)
{
    test_until(&w->t, has_ended, w);
}

void world_accept(struct world *w, const char *expected)
{
    const int on = 1; /* what a test says arrives before the loop turns */

    if (w->worker.fd >= 0)
        peer_close(&w->worker);
    peer_accept(&w->worker, &w->t, w->listener);
    assert_int_equal(setsockopt(w->worker.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
    world_expect(w, expected);
}

void world_expect(struct world *w, const char *expected)
{
    peer_expect(&w->worker, expected);
}

void world_stop_worker(struct world *w)
{
    close_fd(&w->listener);
    w->listener = -1;
}

void world_say_stream_head(struct world *w)
{
    peer_say(&w->worker, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                         "Transfer-Encoding: chunked\r\nx-secret: 1\r\n\r\n");
}

void world_say_chunk(struct world *w, const char *bytes)
{
    char head[32];

    (void)snprintf(head, sizeof(head), "%zx\r\n", strlen(bytes));
    peer_say(&w->worker, head);
    peer_say(&w->worker, bytes);
    peer_say(&w->worker, "\r\n");
}

void world_say_last_chunk(struct world *w)
{
    peer_say(&w->worker, "0\r\n\r\n");
}

void world_say_head(struct world *w, unsigned status, const char *type, size_t length)
{
    char head[256];

    (void)snprintf(head, sizeof(head),
                   "HTTP/1.1 %u X\r\nContent-Type: %s\r\nContent-Length: %zu\r\nRetry-After: 7\r\n"
                   "\r\n",
                   status, type, length);
    peer_say(&w->worker, head);
}

void world_say_answer(struct world *w, unsigned status, const char *type, const char *body)
{
    world_say_head(w, status, type, strlen(body));
    peer_say(&w->worker, body);
}

void world_stream_to_first_token(struct world *w)
{
    world_ask(w, "");
    world_relay_accepted(w, true);
    world_say_stream_head(w);
    world_say_chunk(w, ROLE TOKEN("Hello"));
    peer_expect(&w->client, "Hello");
    peer_expect(&w->client, "\n\n");
}

/* --- What came of it --------------------------------------------------- */

void world_expect_nothing(struct world *w)
{
    assert_string_equal(peer_text(&w->client), "");
}

void world_expect_failure(struct world *w, enum run_failure failure, const char *message)
{
    assert_false(w->result.is_finished);
    assert_int_equal(w->result.failure, failure);
    assert_int_equal(w->result.err.code, ERR_WORKER);
    assert_string_equal(w->result.err.msg, message);
}

void world_expect_unanswered(struct world *w)
{
    assert_false(w->result.is_answered);
    assert_int_equal(w->heads, 0);
    world_expect_nothing(w);
    assert_non_null(w->request);
    assert_false(http_stream_begun(w->request));
}
