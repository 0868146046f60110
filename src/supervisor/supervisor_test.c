/* The supervisor with real processes: tests/fakes/hive_worker.c. */
#include "supervisor/supervisor.h"

#include "base/mem.h"
#include "http/client.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct world {
    struct loop *loop;
    struct http_client *client;
    struct supervisor *supervisor;
    struct supervisor_options options;
    char dir[256];
    /* What was told last; the loop stops when it is what a test waits for. */
    enum supervised_event awaited;
    unsigned told[SUPERVISED_GONE + 1];
    int progress_pct;
    char reason[WORKER_REASON_SIZE];
};

static void on_event(void *data, const struct supervised *w, enum supervised_event what)
{
    struct world *world = data;

    world->told[what]++;
    if (what == SUPERVISED_PROGRESS)
        world->progress_pct = w->progress_pct;
    if (what == SUPERVISED_FAILED || what == SUPERVISED_CHANGED)
        (void)str_copy(world->reason, sizeof(world->reason), str_of(w->facts.reason));
    if (what == world->awaited)
        loop_stop(world->loop);
}

static void on_leftover(void *data, pid_t pid, const char *worker_id, const char *model)
{
    (void)data, (void)pid, (void)worker_id, (void)model;
    fail_msg("a worker of another test was found");
}

static void await(struct world *w, enum supervised_event what)
{
    w->awaited = what;
    loop_run(w->loop);
}

/* A port that nobody has; where a range of ports may begin. */
static uint16_t free_port(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    AUTO(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static int setup(void **state)
{
    struct world *w = mem_alloc(1, sizeof(*w));
    struct http_client_options client_options;
    const char *tmp = getenv("TMPDIR"), *program = getenv("FAKE_HIVE_WORKER");
    uint16_t port = free_port();
    struct err err;

    (void)snprintf(w->dir, sizeof(w->dir), "%s/supervisor_test.XXXXXX", tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(w->dir));
    assert_non_null(program);
    w->loop = loop_new(NULL, NULL);
    http_client_options_init(&client_options);
    w->client = http_client_new(w->loop, &client_options);
    supervisor_options_init(&w->options);
    w->options.program = program;
    w->options.state_dir = w->options.models_dir = w->dir;
    w->options.on_leftover = on_leftover;
    w->options.id_prefix = "h1";
    w->options.listen_host = w->options.address = "127.0.0.1";
    w->options.ports = (struct port_range){ port, port < 65500 ? (uint16_t)(port + 20) : port };
    w->options.cores = 8;
    w->options.terminate_ms = 200;
    assert_int_equal(
        supervisor_new(w->loop, w->client, &w->options, on_event, w, &w->supervisor, &err), 0);
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

    supervisor_free(w->supervisor);
    http_client_free(w->client);
    loop_free(w->loop);
    assert_int_equal(nftw(w->dir, drop_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(w);
    return 0;
}

static const struct supervised *spawn(struct world *w, const char *model)
{
    struct worker_spec spec = { .slots = 3 };
    const struct supervised *worker;
    struct err err;

    (void)str_copy(spec.model, sizeof(spec.model), str_of(model));
    (void)snprintf(spec.model_path, sizeof(spec.model_path), "%s/%s", w->dir, model);
    if (supervisor_spawn(w->supervisor, &spec, &worker, &err) < 0)
        fail_msg("%s", err.msg);
    return worker;
}

static bool has_file(const struct world *w, const char *folder, const char *id, const char *suffix)
{
    char path[1024];

    (void)snprintf(path, sizeof(path), "%s/%s/%s%s", w->dir, folder, id, suffix);
    return access(path, F_OK) == 0;
}

static void a_worker_comes_up_tells_its_load_and_is_stopped(void **state)
{
    struct world *w = *state;
    char id[WORKER_ID_SIZE];

    const struct supervised *worker = spawn(w, "good");
    (void)str_copy(id, sizeof(id), str_of(worker->facts.id));
    assert_int_equal(worker->facts.state, WORKER_STARTING);
    assert_int_equal(worker->threads, 7);
    assert_true(str_starts(str_of(id), "h1-"));
    assert_true(has_file(w, "tokens", id, ""));
    await(w, SUPERVISED_READY);
    assert_int_equal(worker->facts.state, WORKER_READY);
    assert_ptr_equal(supervisor_find(w->supervisor, id), worker);

    supervisor_stop_worker(w->supervisor, worker, false);
    assert_int_equal(worker->facts.state, WORKER_DRAINING);
    await(w, SUPERVISED_GONE);
    assert_null(supervisor_first(w->supervisor));
    assert_int_equal(w->told[SUPERVISED_FAILED], 0);
    assert_false(has_file(w, "tokens", id, ""));
    assert_true(has_file(w, "logs", id, ".log"));
}

static void a_worker_whose_slots_are_taken_is_busy(void **state)
{
    struct world *w = *state;

    const struct supervised *worker = spawn(w, "busy");
    await(w, SUPERVISED_CHANGED);
    assert_int_equal(worker->facts.state, WORKER_BUSY);
    assert_int_equal(worker->facts.active, 3);
    assert_true(worker->facts.has_kv_used_pct && worker->facts.has_tokens_per_s);
}

static void loading_is_told_as_it_goes(void **state)
{
    struct world *w = *state;

    (void)spawn(w, "slow");
    await(w, SUPERVISED_PROGRESS);
    assert_int_equal(w->progress_pct, 10);
    await(w, SUPERVISED_READY);
    assert_int_equal(w->told[SUPERVISED_PROGRESS], 3);
}

static void what_cannot_be_executed_is_an_error_at_once(void **state)
{
    struct world *w = *state;
    struct supervisor *other;
    struct worker_spec spec = { .model = "x" };
    const struct supervised *worker;
    struct err err;

    w->options.program = "/nonexistent/worker";
    assert_int_equal(supervisor_new(w->loop, w->client, &w->options, on_event, w, &other, &err), 0);
    assert_int_equal(supervisor_spawn(other, &spec, &worker, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.msg, "/nonexistent/worker"));
    assert_int_equal(supervisor_count(other), 0);
    supervisor_free(other);
}

static void a_worker_that_ends_says_why_and_stays_to_be_seen(void **state)
{
    struct world *w = *state;

    const struct supervised *worker = spawn(w, "crash");
    await(w, SUPERVISED_FAILED);
    assert_int_equal(worker->facts.state, WORKER_FAILED);
    assert_string_equal(w->reason, "ended by itself with code 69; its last words: no engine here");
    assert_int_equal(supervisor_count(w->supervisor), 1);
    assert_int_equal(supervisor_threads_left(w->supervisor), 7);
    supervisor_stop_worker(w->supervisor, worker, false);
    await(w, SUPERVISED_GONE);
    assert_int_equal(supervisor_count(w->supervisor), 0);
}

static void what_no_other_try_would_mend_is_told_as_such(void **state)
{
    struct world *w = *state;

    const struct supervised *worker = spawn(w, "corrupt");
    await(w, SUPERVISED_FAILED);
    assert_string_equal(w->reason, "ended by itself with code 65; its last words: bad model");
    assert_int_equal(worker->failure, ERR_INVALID);
    worker = spawn(w, "crash");
    await(w, SUPERVISED_FAILED);
    assert_int_equal(worker->failure, ERR_UNSUPPORTED);
    worker = spawn(w, "dies");
    await(w, SUPERVISED_FAILED);
    assert_int_equal(worker->failure, ERR_WORKER);
}

static void a_worker_that_is_killed_is_failed_at_once(void **state)
{
    struct world *w = *state;

    (void)spawn(w, "dies");
    await(w, SUPERVISED_FAILED);
    assert_int_equal(w->told[SUPERVISED_READY], 1);
    assert_string_equal(w->reason, "killed by signal 9 (Killed)");
}

static void a_worker_that_never_gets_ready_is_given_up(void **state)
{
    struct world *w = *state;
    struct supervisor *other;
    struct supervisor *mine = w->supervisor;
    struct err err;

    w->options.start_ms = 300;
    assert_int_equal(supervisor_new(w->loop, w->client, &w->options, on_event, w, &other, &err), 0);
    w->supervisor = other;
    (void)spawn(w, "never");
    await(w, SUPERVISED_FAILED);
    assert_non_null(strstr(w->reason, "not ready after"));
    supervisor_free(mine);
}

static void a_worker_that_ignores_sigterm_is_killed(void **state)
{
    struct world *w = *state;

    const struct supervised *worker = spawn(w, "stubborn");
    pid_t pid = (pid_t)worker->facts.pid;
    await(w, SUPERVISED_READY);
    supervisor_stop_worker(w->supervisor, worker, true);
    await(w, SUPERVISED_GONE);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
}

/* Gone, or dead and not yet reaped by whoever inherited it. */
static bool is_dead(long pid)
{
    char path[64], text[512];

    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    AUTO(close_fd) int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return n <= 0 || strstr(text, ") Z") || strstr(text, ") X");
}

static void on_look(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

static void what_a_worker_started_ends_with_it(void **state)
{
    struct world *w = *state;
    struct loop_timer look;
    char path[1024], text[32] = "";

    const struct supervised *worker = spawn(w, "parent");
    await(w, SUPERVISED_READY);
    (void)snprintf(path, sizeof(path), "%s/parent.pid", w->dir);
    AUTO(close_fd) int fd = open(path, O_RDONLY);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    long child = strtol(text, NULL, 10);
    assert_false(is_dead(child));
    supervisor_stop_worker(w->supervisor, worker, true);
    await(w, SUPERVISED_GONE);
    loop_timer_init(w->loop, &look, on_look);
    while (!is_dead(child)) { /* the kernel takes a moment */
        loop_timer_start(&look, 1);
        loop_run(w->loop);
    }
}

static void a_worker_that_stands_still_is_failed_until_it_answers_again(void **state)
{
    struct world *w = *state;
    struct supervisor *mine = w->supervisor;
    struct err err;

    w->options.silent_ms = 10;
    assert_int_equal(
        supervisor_new(w->loop, w->client, &w->options, on_event, w, &w->supervisor, &err), 0);
    const struct supervised *worker = spawn(w, "good");
    await(w, SUPERVISED_READY);
    assert_int_equal(kill((pid_t)worker->facts.pid, SIGSTOP), 0);
    await(w, SUPERVISED_CHANGED);
    assert_int_equal(worker->facts.state, WORKER_FAILED);
    assert_non_null(strstr(w->reason, "does not answer"));
    assert_int_equal(kill((pid_t)worker->facts.pid, SIGCONT), 0);
    await(w, SUPERVISED_CHANGED);
    assert_int_equal(worker->facts.state, WORKER_READY);
    assert_string_equal(worker->facts.reason, "");
    supervisor_free(mine);
}

static void threads_are_shared_out_and_come_back(void **state)
{
    struct world *w = *state;

    assert_int_equal(supervisor_threads_left(w->supervisor), 7);
    const struct supervised *first = spawn(w, "good");
    assert_int_equal(first->threads, 7);
    const struct supervised *second = spawn(w, "good");
    assert_int_equal(second->threads, 1);
    assert_int_not_equal(first->facts.port, second->facts.port);
    assert_string_not_equal(first->facts.id, second->facts.id);
    supervisor_stop_worker(w->supervisor, first, true);
    await(w, SUPERVISED_GONE);
    assert_int_equal(supervisor_threads_left(w->supervisor), 6);
}

static void without_a_free_port_nothing_is_started(void **state)
{
    struct world *w = *state;
    struct supervisor *other;
    struct worker_spec spec = { .model = "good" };
    const struct supervised *worker;
    struct sockaddr_in at = { .sin_family = AF_INET };
    socklen_t len = sizeof(at);
    struct err err;
    AUTO(close_fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    w->options.ports.from = w->options.ports.to = ntohs(at.sin_port);
    assert_int_equal(supervisor_new(w->loop, w->client, &w->options, on_event, w, &other, &err), 0);
    assert_int_equal(supervisor_spawn(other, &spec, &worker, &err), ERR_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "--worker-ports"));
    supervisor_free(other);
}

static void on_stopped(void *data)
{
    loop_stop(((struct world *)data)->loop);
}

static void stopping_ends_all_and_refuses_new_ones(void **state)
{
    struct world *w = *state;
    struct worker_spec spec = { .model = "good" };
    const struct supervised *worker;
    struct err err;

    (void)spawn(w, "good");
    await(w, SUPERVISED_READY);
    (void)spawn(w, "never");
    (void)spawn(w, "stubborn");
    supervisor_stop(w->supervisor, on_stopped, w);
    assert_int_equal(supervisor_spawn(w->supervisor, &spec, &worker, &err), ERR_UNAVAILABLE);
    w->awaited = SUPERVISED_PROGRESS; /* which does not come: on_stopped() stops the loop */
    loop_run(w->loop);
    for (worker = supervisor_first(w->supervisor); worker;
         worker = supervisor_next(w->supervisor, worker))
        assert_int_equal(worker->phase, SUPERVISED_DEAD);
    assert_int_equal(w->told[SUPERVISED_FAILED], 0);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_worker_comes_up_tells_its_load_and_is_stopped),
        WITH_WORLD(a_worker_whose_slots_are_taken_is_busy),
        WITH_WORLD(loading_is_told_as_it_goes),
        WITH_WORLD(what_cannot_be_executed_is_an_error_at_once),
        WITH_WORLD(a_worker_that_ends_says_why_and_stays_to_be_seen),
        WITH_WORLD(what_no_other_try_would_mend_is_told_as_such),
        WITH_WORLD(a_worker_that_is_killed_is_failed_at_once),
        WITH_WORLD(a_worker_that_never_gets_ready_is_given_up),
        WITH_WORLD(a_worker_that_ignores_sigterm_is_killed),
        WITH_WORLD(what_a_worker_started_ends_with_it),
        WITH_WORLD(a_worker_that_stands_still_is_failed_until_it_answers_again),
        WITH_WORLD(threads_are_shared_out_and_come_back),
        WITH_WORLD(without_a_free_port_nothing_is_started),
        WITH_WORLD(stopping_ends_all_and_refuses_new_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
