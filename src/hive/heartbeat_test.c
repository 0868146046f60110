/* Heartbeats to queens that are servers in this process, by a clock turned by hand. */
#include "hive/heartbeat.h"

#include "base/json_texts.h"
#include "base/mem.h"
#include "hive/commands.h"
#include "http/server.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUEENS = 2, TURNS_MAX = 2000000 };

struct queen {
    struct http_server *server;
    char url[64];
    unsigned beats, with_capabilities;
    unsigned status; /* to answer; 0: not at all */
    const char *answer;
    char last_status[32];
};

struct world {
    uint64_t now_ms;
    struct loop *loop;
    struct guard guard;
    struct queen queens[QUEENS];
    struct hive_options options;
    struct machine *machine;
    char dir[256];
};

static uint64_t clock_of(void *data)
{
    return ((struct world *)data)->now_ms;
}

static void on_gone(void *data)
{
    (void)data;
}

static void take_heartbeat(struct http_request *req)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    struct queen *q = http_request_app(req);
    struct str body = http_request_body(req), hive, capabilities;
    const struct json_text members[] = { { "operational_status", q->last_status,
                                           sizeof(q->last_status) } };
    struct err err;

    q->beats++;
    assert_int_equal(json_raw_member(body, "capabilities", &capabilities, &err), 0);
    q->with_capabilities += capabilities.p != NULL;
    assert_int_equal(json_raw_member(body, "hive", &hive, &err), 0);
    assert_int_equal(json_texts_read(hive, members, 1, &err), 0);
    if (q->status == 0)
        http_request_watch(req, &watch, q);
    else
        http_reply(req, q->status, "application/json", str_of(q->answer));
}

static const struct route routes[] = {
    { "POST", "/v1/hive-heartbeat", take_heartbeat, ROUTE_HIVE, 0, 0, "" },
    { NULL, NULL, NULL, ROUTE_OPEN, 0, 0, NULL },
};

static void start_queen(struct world *w, struct queen *q)
{
    struct http_server_options options;
    struct endpoint at = { .host = "127.0.0.1" }, bound;
    struct err err;

    http_server_options_init(&options);
    options.guard = &w->guard;
    q->status = 200;
    q->answer = "{\"status\":\"ok\"}";
    q->server = http_server_new(w->loop, &options, routes, q);
    assert_int_equal(http_server_listen(q->server, &at, &bound, &err), 0);
    (void)snprintf(q->url, sizeof(q->url), "--queen-url=http://127.0.0.1:%u", bound.port);
}

static int setup(void **state)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    const char *tmp = getenv("TMPDIR");
    char state_dir[300], models_dir[300];
    char name[] = "rbee-hive", id[] = "--hive-id=h1";
    char *argv[] = { name, state_dir, models_dir, id, w->queens[0].url, w->queens[1].url, NULL };
    struct option_result result;
    struct err err;

    (void)snprintf(w->dir, sizeof(w->dir), "%s/heartbeat_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(state_dir, sizeof(state_dir), "--state-dir=%s", w->dir);
    (void)snprintf(models_dir, sizeof(models_dir), "--models-dir=%s", w->dir);
    w->now_ms = 1000;
    w->loop = loop_new(clock_of, w);
    guard_init(&w->guard);
    for (size_t i = 0; i < QUEENS; i++)
        start_queen(w, &w->queens[i]);
    assert_int_equal(options_load(&hive_program, 6, argv, NULL, &w->options, &result, &err), 0);
    assert_int_equal(hive_options_check(&w->options, &err), 0);
    assert_int_equal(machine_new(w->loop, &w->options, &w->machine, &err), 0);
    for (unsigned i = 0; i < TURNS_MAX && !w->machine->has_gpu; i++)
        (void)loop_turn(w->loop);
    *state = w;
    return 0;
}

static int drop_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct world *w = *state;

    machine_free(w->machine);
    for (size_t i = 0; i < QUEENS; i++)
        http_server_free(w->queens[i].server);
    hive_options_free(&w->options);
    loop_free(w->loop);
    assert_int_equal(nftw(w->dir, drop_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(w);
    return 0;
}

/* Turn the loop until `count` has reached `want`. */
static void await_count(struct world *w, const unsigned *count, unsigned want)
{
    for (unsigned i = 0; i < TURNS_MAX && *count < want; i++)
        (void)loop_turn(w->loop);
    assert_true(*count >= want);
}

/* Let `seconds` pass, a tenth at a time, with turns enough for answers to come. */
static void pass(struct world *w, unsigned seconds)
{
    for (unsigned tenth = 0; tenth < seconds * 10; tenth++) {
        w->now_ms += 100;
        for (unsigned i = 0; i < 20; i++)
            (void)loop_turn(w->loop);
    }
}

static void capabilities_go_along_first_and_when_they_are_wanted_again(void **state)
{
    struct world *w = *state;
    struct queen *q = &w->queens[0];

    machine_start(w->machine, 7835);
    await_count(w, &q->with_capabilities, 1);
    unsigned told = q->with_capabilities;
    pass(w, 3);
    assert_true(q->beats >= 3);
    assert_int_equal(q->with_capabilities, told);

    q->status = 409;
    q->answer = "{\"error\":{\"code\":\"capabilities_wanted\",\"message\":\"all\"}}";
    unsigned before = q->beats;
    w->now_ms += 1000;
    await_count(w, &q->beats, before + 1);
    q->status = 200;
    q->answer = "{\"status\":\"ok\"}";
    await_count(w, &q->with_capabilities, told + 1);
}

static void a_queen_that_hangs_delays_no_other(void **state)
{
    struct world *w = *state;

    w->queens[0].status = 0;
    machine_start(w->machine, 7835);
    await_count(w, &w->queens[1].beats, 1);
    unsigned before = w->queens[1].beats;
    pass(w, 20);
    assert_in_range(w->queens[1].beats - before, 18, 22);
    assert_in_range(w->queens[0].beats, 2, 6); /* 2 s each, then 1, 2, 4 ... s of rest */
}

static void a_queen_that_refuses_is_asked_less_and_less_often(void **state)
{
    struct world *w = *state;
    struct queen *q = &w->queens[0];

    q->status = 500;
    q->answer = "not even JSON";
    machine_start(w->machine, 7835);
    await_count(w, &q->beats, 1);
    pass(w, 60);
    assert_in_range(q->beats, 4, 8);
    q->status = 200;
    q->answer = "{}";
    unsigned before = q->beats;
    pass(w, 50);
    assert_true(q->beats - before >= 10);
}

static void a_command_is_run_once_however_often_it_comes(void **state)
{
    struct world *w = *state;
    struct queen *q = &w->queens[0];

    q->answer = "{\"commands\":[{\"id\":\"c1\",\"operation\":\"hive_refresh_capabilities\"},"
                "{\"id\":\"c2\",\"operation\":\"worker_spawn\",\"model\":\"absent\"},"
                "{\"id\":\"c3\",\"operation\":\"no_such_thing\"},{\"id\":7},null]}";
    machine_start(w->machine, 7835);
    await_count(w, &q->beats, 1);
    pass(w, 4);
    assert_true(q->beats >= 3);
    assert_int_equal(w->machine->commands_next, 3);
    assert_string_equal(w->machine->commands[0], "c1");
}

static void answers_that_are_nonsense_are_survived(void **state)
{
    static const char *const answers[] = {
        "", "[]", "{\"commands\":7}", "{\"commands\":[[]]}", "{\"commands\":[", "null"
    };
    struct world *w = *state;
    struct err err;

    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        (void)!commands_run(w->machine, str_of(answers[i]), &err);
    assert_int_equal(w->machine->commands_next, 0);
}

static void on_done(void *data)
{
    ++*(unsigned *)data;
}

static void the_last_heartbeat_says_that_the_hive_stops(void **state)
{
    struct world *w = *state;
    unsigned stopped = 0, finished = 0;

    machine_start(w->machine, 7835);
    await_count(w, &w->queens[0].beats, 1);
    machine_stop(w->machine, on_done, &stopped);
    await_count(w, &stopped, 1);
    heartbeat_finish(w->machine->heartbeat, on_done, &finished);
    await_count(w, &finished, 1);
    assert_string_equal(w->queens[0].last_status, "stopping");
    assert_string_equal(w->queens[1].last_status, "stopping");
    unsigned beats = w->queens[0].beats;
    pass(w, 3);
    assert_int_equal(w->queens[0].beats, beats);
}

static void a_stopping_hive_does_not_complain_of_a_queen_that_went_first(void **state)
{
    struct world *w = *state;
    unsigned finished = 0;
    char text[4096];

    machine_start(w->machine, 7835);
    await_count(w, &w->queens[0].beats, 1);
    await_count(w, &w->queens[1].beats, 1);
    pass(w, 1);
    FILE *file = tmpfile();
    int stderr_copy = dup(STDERR_FILENO);
    assert_true(file && dup2(fileno(file), STDERR_FILENO) >= 0);
    w->queens[0].status = 503;
    w->machine->is_stopping = true;
    heartbeat_finish(w->machine->heartbeat, on_done, &finished);
    await_count(w, &finished, 1);
    assert_true(dup2(stderr_copy, STDERR_FILENO) >= 0);
    (void)close(stderr_copy);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    (void)fclose(file);
    assert_string_equal(w->queens[0].last_status, "stopping");
    assert_null(strstr(text, "does not take heartbeats"));
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(capabilities_go_along_first_and_when_they_are_wanted_again),
        WITH_WORLD(a_queen_that_hangs_delays_no_other),
        WITH_WORLD(a_queen_that_refuses_is_asked_less_and_less_often),
        WITH_WORLD(a_command_is_run_once_however_often_it_comes),
        WITH_WORLD(answers_that_are_nonsense_are_survived),
        WITH_WORLD(the_last_heartbeat_says_that_the_hive_stops),
        WITH_WORLD(a_stopping_hive_does_not_complain_of_a_queen_that_went_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
