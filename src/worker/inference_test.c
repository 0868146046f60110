/* Jobs of the dual call against a real server and client on loopback, with a clock that is
 * turned by hand and no engine. */
#include "worker/inference.h"

#include "base/mem.h"
#include "base/metrics.h"
#include "http/client.h"
#include "http/guard.h"
#include "http/server.h"
#include "worker/counters.h"
#include "worker/worker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

struct fixture {
    struct worker worker;
    struct guard guard;
    struct endpoint at;
    struct http_client *client;
    uint64_t now_ms;
    struct inference *latest;
};

/* One call of a client's. */
struct seen {
    bool is_done;
    enum http_call_end how;
    unsigned status;
    struct buf body;
};

static void on_post(struct http_request *req)
{
    struct fixture *f = container_of(http_request_app(req), struct fixture, worker);
    f->latest = inference_new(&f->worker, req);
    inference_accept(f->latest);
}

static void on_stream(struct http_request *req)
{
    struct worker *w = http_request_app(req);
    struct inference *inf = inference_find(&w->inferences, http_request_param(req, 0));
    struct err err;

    if (!inf)
        (void)err_set(&err, ERR_NOT_FOUND, "no such job");
    if (!inf || inference_follow(inf, req, &err) < 0)
        http_reply_error(req, &err);
}

static const struct route routes[] = {
    { "POST", "/v1/inference", on_post, ROUTE_OPEN, 0, 0, "" },
    { "GET", "/v1/inference/{id}/stream", on_stream, ROUTE_OPEN, 0, 0, "" },
    { 0 },
};

static uint64_t fake_clock(void *data)
{
    return ((struct fixture *)data)->now_ms;
}

static int set_up(void **state)
{
    struct fixture *f = mem_alloc(1, sizeof(*f));
    struct worker *w = &f->worker;
    struct http_server_options server;
    struct http_client_options client;
    struct endpoint any = { .host = "127.0.0.1" };
    struct err err;

    *state = f;
    f->now_ms = 1000;
    w->loop = loop_new(fake_clock, f);
    w->metrics = counters_new();
    loop_deadlines_init(w->loop, &w->idle, STREAM_IDLE_MS, event_stream_on_idle);
    inference_table_init(&w->inferences, w);
    guard_init(&f->guard);
    http_server_options_init(&server);
    server.guard = &f->guard;
    w->server = http_server_new(w->loop, &server, routes, w);
    if (http_server_listen(w->server, &any, &f->at, &err) < 0)
        fail_msg("%s", err.msg);
    http_client_options_init(&client);
    f->client = http_client_new(w->loop, &client);
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_client_free(f->client);
    http_server_free(f->worker.server);
    inference_table_deinit(&f->worker.inferences);
    loop_deadlines_deinit(&f->worker.idle);
    metrics_free(f->worker.metrics);
    loop_free(f->worker.loop);
    free(f);
    return 0;
}

static void advance(struct fixture *f, uint64_t by_ms)
{
    for (uint64_t passed = 0; passed < by_ms; passed += 500) {
        f->now_ms += 500;
        (void)loop_turn(f->worker.loop);
    }
}

/* --- Calls -------------------------------------------------------------------- */

static void on_head(void *data, struct http_call *call, unsigned status)
{
    (void)call;
    ((struct seen *)data)->status = status;
}

static void on_body(void *data, struct http_call *call, struct str piece)
{
    struct seen *seen = data;
    (void)call;
    (void)buf_add(&seen->body, piece.p, piece.len);
}

static void on_call_end(void *data, enum http_call_end how, const struct err *err)
{
    struct seen *seen = data;
    (void)err;
    seen->how = how;
    seen->is_done = true;
}

static struct http_call *call(struct fixture *f, const char *method, const char *target,
                              struct seen *seen)
{
    static const struct http_call_events events = { .on_head = on_head,
                                                    .on_body = on_body,
                                                    .on_end = on_call_end };
    struct http_call_options options = { .to = f->at,
                                         .method = method,
                                         .target = str_of(target),
                                         .content_type = "application/json",
                                         .fresh = true };

    *seen = (struct seen){ 0 };
    buf_init(&seen->body, 1 << 20);
    return http_call_start(f->client, &options, &events, seen);
}

static void until_done(struct fixture *f, const struct seen *seen)
{
    while (!seen->is_done)
        (void)loop_turn(f->worker.loop);
}

static void until_says(struct fixture *f, struct seen *seen, const char *text)
{
    while (!strstr(buf_cstr(&seen->body), text)) {
        assert_false(seen->is_done);
        (void)loop_turn(f->worker.loop);
    }
}

static struct inference *post(struct fixture *f)
{
    struct seen seen;

    (void)call(f, "POST", "/v1/inference", &seen);
    until_done(f, &seen);
    assert_int_equal(seen.status, 200);
    assert_non_null(strstr(buf_cstr(&seen.body), f->latest->id));
    buf_deinit(&seen.body);
    return f->latest;
}

static struct http_call *follow(struct fixture *f, const char *id, struct seen *seen)
{
    char target[128];
    (void)snprintf(target, sizeof(target), "/v1/inference/%s/stream", id);
    return call(f, "GET", target, seen);
}

static unsigned follow_status(struct fixture *f, const char *id)
{
    struct seen seen;
    (void)follow(f, id, &seen);
    until_done(f, &seen);
    buf_deinit(&seen.body);
    return seen.status;
}

/* --- Behaviour ------------------------------------------------------------------ */

static void a_stream_that_is_opened_late_tells_everything(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;

    inference_say(inf, "token", str_of("{\"t\":\"a\"}"));
    (void)follow(f, inf->id, &seen);
    until_says(f, &seen, "\"a\"");
    inference_say(inf, "token", str_of("{\"t\":\"b\"}"));
    inference_end(inf, INFERENCE_DONE, "[DONE]");
    until_done(f, &seen);
    assert_int_equal(seen.how, HTTP_CALL_DONE);
    assert_string_equal(buf_cstr(&seen.body), "id: 1\nevent: token\ndata: {\"t\":\"a\"}\n\n"
                                              "id: 2\nevent: token\ndata: {\"t\":\"b\"}\n\n"
                                              "data: [DONE]\n\n");
    buf_deinit(&seen.body);
}

static void a_job_that_has_ended_waits_for_its_reader_and_is_read_once(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;
    char id[JOB_ID_SIZE];

    memcpy(id, inf->id, sizeof(id));
    inference_end(inf, INFERENCE_DONE, "[DONE]");
    advance(f, INFERENCE_KEEP_MS - 5000);
    (void)follow(f, id, &seen);
    until_done(f, &seen);
    assert_string_equal(buf_cstr(&seen.body), "data: [DONE]\n\n");
    buf_deinit(&seen.body);
    assert_int_equal(follow_status(f, id), 410);
    advance(f, 6000);
    assert_null(inference_find(&f->worker.inferences, str_of(id)));
    assert_int_equal(follow_status(f, id), 404);
}

static void a_job_whose_stream_nobody_opens_is_cancelled(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;

    advance(f, INFERENCE_UNOPENED_MS - 1000);
    assert_int_equal(inf->phase, INFERENCE_RUNNING);
    advance(f, 2000);
    assert_int_equal(inf->phase, INFERENCE_CANCELLED);
    (void)follow(f, inf->id, &seen);
    until_done(f, &seen);
    assert_non_null(strstr(buf_cstr(&seen.body), "\"CANCELLED\""));
    assert_non_null(strstr(buf_cstr(&seen.body), "data: [CANCELLED]"));
    buf_deinit(&seen.body);
}

static void closing_the_stream_cancels_the_job(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;

    struct http_call *stream = follow(f, inf->id, &seen);
    inference_say(inf, "token", str_of("{}"));
    until_says(f, &seen, "token");
    http_call_cancel(stream);
    while (inf->phase == INFERENCE_RUNNING)
        (void)loop_turn(f->worker.loop);
    assert_int_equal(inf->phase, INFERENCE_CANCELLED);
    assert_int_equal(follow_status(f, inf->id), 410);
    buf_deinit(&seen.body);
}

static void a_second_reader_is_turned_away_while_the_first_reads(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;

    (void)follow(f, inf->id, &seen);
    inference_say(inf, "token", str_of("{}"));
    until_says(f, &seen, "token");
    assert_int_equal(follow_status(f, inf->id), 409);
    inference_cancel(inf, "enough");
    until_done(f, &seen);
    assert_non_null(strstr(buf_cstr(&seen.body), "[CANCELLED]"));
    inference_cancel(inf, "twice is harmless");
    buf_deinit(&seen.body);
}

static void a_silent_stream_says_that_it_is_alive(void **state)
{
    struct fixture *f = *state;
    struct inference *inf = post(f);
    struct seen seen;

    (void)follow(f, inf->id, &seen);
    inference_say(inf, "token", str_of("{}"));
    until_says(f, &seen, "token");
    advance(f, STREAM_IDLE_MS + 1000);
    until_says(f, &seen, "\n: ");
    inference_end(inf, INFERENCE_DONE, "[DONE]");
    until_done(f, &seen);
    buf_deinit(&seen.body);
}

static void only_the_latest_that_have_ended_are_kept(void **state)
{
    struct fixture *f = *state;
    struct inference *first = post(f);
    char id[JOB_ID_SIZE];

    memcpy(id, first->id, sizeof(id));
    inference_end(first, INFERENCE_DONE, "[DONE]");
    for (size_t i = 0; i < INFERENCES_KEPT_MAX; i++)
        inference_end(post(f), INFERENCE_DONE, "[DONE]");
    assert_int_equal(f->worker.inferences.ended_len, INFERENCES_KEPT_MAX);
    assert_null(inference_find(&f->worker.inferences, str_of(id)));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_stream_that_is_opened_late_tells_everything),
        TEST(a_job_that_has_ended_waits_for_its_reader_and_is_read_once),
        TEST(a_job_whose_stream_nobody_opens_is_cancelled),
        TEST(closing_the_stream_cancels_the_job),
        TEST(a_second_reader_is_turned_away_while_the_first_reads),
        TEST(a_silent_stream_says_that_it_is_alive),
        TEST(only_the_latest_that_have_ended_are_kept),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
