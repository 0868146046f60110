/* Jobs whose events are kept, followed over the real server by plain sockets. */
#include "proxy/job_table.h"

#include "base/random.h"
#include "http/server.h"
#include "http/test_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct test_loop t;
    struct guard guard;
    struct http_server *server;
    struct endpoint at;
    struct job_table *table;
    struct job_record *record;
    unsigned cancels, rooms;
};

/* --- The owner's side ------------------------------------------------------- */

static void on_cancel(void *data)
{
    struct fixture *f = data;

    f->cancels++;
    job_record_close(f->record, JOB_CANCELLED, NULL);
}

static void on_room(void *data)
{
    ((struct fixture *)data)->rooms++;
}

static void say_position(void *data, char *text, size_t size)
{
    (void)data;
    (void)snprintf(text, size, "queued position=3");
}

static void describe(void *data, struct json_out *o)
{
    (void)data;
    json_int(o, "position", 3);
}

static const struct job_record_owner owner = {
    .cancel = on_cancel,
    .on_room = on_room,
    .comment = say_position,
    .describe = describe,
};

/* --- Routes ------------------------------------------------------------------- */

static struct job_table *table_of(struct http_request *req)
{
    return ((struct fixture *)http_request_app(req))->table;
}

static void list(struct http_request *req)
{
    job_table_reply_list(table_of(req), req);
}

static void get(struct http_request *req)
{
    job_table_reply_state(table_of(req), req);
}

static void stream(struct http_request *req)
{
    job_table_reply_stream(table_of(req), req);
}

static void delete (struct http_request *req)
{
    job_table_reply_delete(table_of(req), req);
}

static const struct route routes[] = {
    { "GET", "/v1/jobs", list, ROUTE_OPEN, 0, 0, "" },
    { "GET", "/v1/jobs/{id}", get, ROUTE_OPEN, 0, 0, "" },
    { "GET", "/v1/jobs/{id}/stream", stream, ROUTE_OPEN, 0, 0, "" },
    { "DELETE", "/v1/jobs/{id}", delete, ROUTE_OPEN, 0, 0, "" },
    { NULL, NULL, NULL, ROUTE_OPEN, 0, 0, NULL },
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct http_server_options options;
    struct job_table_options table_options;
    struct err err;

    assert_non_null(f);
    test_loop_init(&f->t);
    guard_init(&f->guard);
    http_server_options_init(&options);
    options.guard = &f->guard;
    f->server = http_server_new(f->t.loop, &options, routes, f);
    assert_int_equal(endpoint_parse(str_of("127.0.0.1:0"), &f->at, &err), 0);
    assert_int_equal(http_server_listen(f->server, &f->at, &f->at, &err), 0);
    job_table_options_init(&table_options);
    table_options.job_bytes_max = 64 * 1024;
    table_options.total_bytes_max = 128 * 1024;
    f->table = job_table_new(f->t.loop, &table_options);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    job_table_free(f->table);
    http_server_free(f->server);
    test_loop_deinit(&f->t);
    free(f);
    return 0;
}

static struct job_record *add(struct fixture *f, const char *id)
{
    struct err err;

    assert_int_equal(job_table_add(f->table, id, "infer", &owner, f, &f->record, &err), 0);
    return f->record;
}

static void token(struct job_record *r, int i)
{
    char json[64];

    (void)snprintf(json, sizeof(json), "{\"type\":\"token\",\"i\":%d}", i);
    (void)job_record_event(r, "token", str_of(json));
}

/* --- The client's side ---------------------------------------------------------- */

static void ask(struct fixture *f, struct peer *p, const char *method, const char *path,
                const char *header)
{
    char head[512];

    peer_connect(p, &f->t, &f->at);
    (void)snprintf(head, sizeof(head), "%s %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", method, path,
                   header);
    peer_say(p, head);
    test_settle(&f->t);
}

static void assert_says(struct peer *p, const char *what)
{
    const char *text = peer_text(p);

    if (!strstr(text, what))
        fail_msg("'%s' does not say '%s'", text, what);
}

static void assert_not_says(struct peer *p, const char *what)
{
    const char *text = peer_text(p);

    if (strstr(text, what))
        fail_msg("'%s' says '%s'", text, what);
}

/* --- Tests ------------------------------------------------------------------------ */

static void a_stream_opened_late_tells_everything_and_the_marker(void **state)
{
    struct fixture *f = *state;
    struct job_record *r = add(f, "job-1");
    struct peer p;

    token(r, 0);
    token(r, 1);
    job_record_close(r, JOB_DONE, NULL);
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "");
    assert_says(&p, "id: 1\nevent: token\ndata: {\"type\":\"token\",\"i\":0}\n\n");
    assert_says(&p, "id: 2\n");
    assert_says(&p, "data: [DONE]\n\n");
    assert_says(&p, "\r\n0\r\n\r\n");
    peer_close(&p);
}

static void a_resumed_stream_tells_only_what_is_new(void **state)
{
    struct fixture *f = *state;
    struct job_record *r = add(f, "job-1");
    struct peer p;

    for (int i = 0; i < 4; i++)
        token(r, i);
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "Last-Event-ID: 2\r\n");
    assert_not_says(&p, "id: 2\n");
    assert_says(&p, "id: 3\n");
    token(r, 4);
    test_settle(&f->t);
    assert_says(&p, "id: 5\n");
    peer_close(&p);
}

static void two_clients_may_follow_one_job(void **state)
{
    struct fixture *f = *state;
    struct job_record *r = add(f, "job-1");
    struct peer a, b;

    ask(f, &a, "GET", "/v1/jobs/job-1/stream", "");
    ask(f, &b, "GET", "/v1/jobs/job-1/stream", "");
    token(r, 0);
    job_record_close(r, JOB_DONE, NULL);
    test_settle(&f->t);
    assert_says(&a, "[DONE]");
    assert_says(&b, "[DONE]");
    peer_close(&a);
    peer_close(&b);
}

static void a_failure_ends_with_its_own_marker(void **state)
{
    struct fixture *f = *state;
    struct job_record *r = add(f, "job-1");
    struct err err;
    struct peer p;

    (void)err_set(&err, ERR_WORKER, "Worker returned error 500: Model not loaded");
    job_record_fail(r, &err);
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "");
    assert_says(&p, "event: error\ndata: {\"type\":\"error\",\"code\":\"WORKER_ERROR\"");
    assert_says(&p, "data: [ERROR] Worker returned error 500: Model not loaded\n\n");
    assert_not_says(&p, "[DONE]");
    peer_close(&p);
}

static void a_silent_job_sends_a_comment(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    (void)add(f, "job-1");
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "");
    test_advance(&f->t, 15100);
    test_settle(&f->t);
    assert_says(&p, ": queued position=3\n");
    peer_close(&p);
}

static void a_delete_cancels_once_and_may_be_repeated(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    (void)add(f, "job-1");
    for (int i = 0; i < 2; i++) {
        ask(f, &p, "DELETE", "/v1/jobs/job-1", "");
        assert_says(&p, "200 OK");
        assert_says(&p, "\"job_id\":\"job-1\"");
        assert_says(&p, "\"status\":\"cancelled\"");
        peer_close(&p);
    }
    assert_int_equal(f->cancels, 1);
}

static void an_unknown_job_is_404_and_a_bad_resume_400(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    ask(f, &p, "GET", "/v1/jobs/job-9", "");
    assert_says(&p, "404 ");
    assert_says(&p, "no job 'job-9'");
    peer_close(&p);
    (void)add(f, "job-1");
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "Last-Event-ID: two\r\n");
    assert_says(&p, "400 ");
    peer_close(&p);
}

static void an_ended_job_is_forgotten_after_its_time(void **state)
{
    struct fixture *f = *state;
    struct peer p;

    job_record_close(add(f, "job-1"), JOB_DONE, NULL);
    test_advance(&f->t, 299000);
    ask(f, &p, "GET", "/v1/jobs/job-1", "");
    assert_says(&p, "\"status\":\"done\"");
    peer_close(&p);
    test_advance(&f->t, 2000);
    ask(f, &p, "GET", "/v1/jobs/job-1", "");
    assert_says(&p, "404 ");
    peer_close(&p);
    assert_int_equal(job_table_bytes(f->table), 0);
}

static void a_full_record_pauses_its_source_until_somebody_reads(void **state)
{
    struct fixture *f = *state;
    struct job_record *r = add(f, "job-1");
    struct peer p;
    int tokens = 0;

    while (job_record_event(r, "token", str_of("{\"type\":\"token\",\"t\":\"something\"}")))
        assert_true(++tokens < 100000);
    assert_true(job_table_bytes(f->table) >= 64 * 1024);
    assert_int_equal(f->rooms, 0);
    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "");
    test_settle(&f->t);
    assert_int_equal(f->rooms, 1);
    assert_true(job_record_event(r, "token", str_of("{}")));
    peer_close(&p);

    ask(f, &p, "GET", "/v1/jobs/job-1/stream", "Last-Event-ID: 1\r\n");
    assert_says(&p, "410 ");
    assert_says(&p, "stream_expired");
    peer_close(&p);
}

static void over_the_common_cap_ended_jobs_go_first(void **state)
{
    struct fixture *f = *state;
    char id[16];
    struct peer p;

    for (int i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof(id), "job-%d", i);
        struct job_record *r = add(f, id);
        while (job_record_event(r, "token", str_of("{\"type\":\"token\",\"t\":\"something\"}")))
            ;
        job_record_close(r, JOB_DONE, NULL);
    }
    assert_true(job_table_bytes(f->table) <= 128 * 1024);
    ask(f, &p, "GET", "/v1/jobs/job-0", "");
    assert_says(&p, "404 ");
    peer_close(&p);
    ask(f, &p, "GET", "/v1/jobs/job-3", "");
    assert_says(&p, "200 OK");
    peer_close(&p);
}

static void lists_come_in_pages_newest_first(void **state)
{
    struct fixture *f = *state;
    char id[16];
    struct peer p;

    for (int i = 0; i < 3; i++) {
        (void)snprintf(id, sizeof(id), "job-%d", i);
        (void)add(f, id);
    }
    ask(f, &p, "GET", "/v1/jobs?limit=2", "");
    assert_says(&p, "\"job_id\":\"job-2\"");
    assert_says(&p, "\"position\":3");
    assert_not_says(&p, "\"job_id\":\"job-0\"");
    assert_says(&p, "\"next_before\":\"job-1\"");
    peer_close(&p);
    ask(f, &p, "GET", "/v1/jobs?limit=2&before=job-1", "");
    assert_says(&p, "\"job_id\":\"job-0\"");
    assert_says(&p, "\"next_before\":null");
    peer_close(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_opened_late_tells_everything_and_the_marker),
        TEST(a_resumed_stream_tells_only_what_is_new),
        TEST(two_clients_may_follow_one_job),
        TEST(a_failure_ends_with_its_own_marker),
        TEST(a_silent_job_sends_a_comment),
        TEST(a_delete_cancels_once_and_may_be_repeated),
        TEST(an_unknown_job_is_404_and_a_bad_resume_400),
        TEST(an_ended_job_is_forgotten_after_its_time),
        TEST(a_full_record_pauses_its_source_until_somebody_reads),
        TEST(over_the_common_cap_ended_jobs_go_first),
        TEST(lists_come_in_pages_newest_first),
    };

    return cmocka_run_group_tests_name("job_table", tests, NULL, NULL);
}
