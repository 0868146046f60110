#include "base/mem.h"
#include "loop/stream.h"
#include "loop/test_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { CLIENTS = 100, DESCRIPTORS_LEFT = 4, WAITING = 8 };

struct host {
    struct loop *loop;
    uint64_t now_ms;
    struct listener *listener;
    struct endpoint at;
    struct stream *accepted[CLIENTS];
    size_t accepted_len;
    bool closes_listener;
};

static void ignore_read(void *data, char *bytes, size_t len)
{
    (void)data;
    (void)bytes;
    (void)len;
}

static void ignore_end(void *data, int sys_errno)
{
    (void)data;
    (void)sys_errno;
}

static const struct stream_events deaf = { .on_read = ignore_read, .on_end = ignore_end };

static void on_connect(void *data, const struct err *err)
{
    (void)data;
    (void)err;
}

static void on_accept(void *data, struct stream *stream)
{
    struct host *h = data;

    stream_set_events(stream, &deaf, h);
    h->accepted[h->accepted_len++] = stream;
    if (h->closes_listener)
        listener_close(TAKE(h->listener));
}

static uint64_t clock_of_host(void *data)
{
    return ((struct host *)data)->now_ms;
}

static int open_at(struct host *h, const char *text, struct err *err)
{
    struct endpoint at;

    assert_int_equal(endpoint_parse(str_of(text), &at, err), 0);
    return listener_open(h->loop, &at, on_accept, h, &h->listener, &h->at, err);
}

static void setup(struct host *h, const char *text)
{
    struct err err = { 0 };

    *h = (struct host){ .now_ms = 1000 };
    h->loop = loop_new(clock_of_host, h);
    if (text && open_at(h, text, &err) != 0)
        fail_msg("%s", err.msg);
}

static void teardown(struct host *h)
{
    for (size_t i = 0; i < h->accepted_len; i++)
        stream_close(h->accepted[i]);
    listener_close(h->listener);
    loop_free(h->loop);
}

/* --- Addresses --------------------------------------------------------------- */

static void the_bound_endpoint_has_the_real_port(void **state)
{
    struct host h;

    (void)state;
    setup(&h, "127.0.0.1:0");
    assert_true(h.at.port > 0);
    assert_string_equal(h.at.host, "127.0.0.1");
    teardown(&h);
}

static void a_name_listens_on_its_ipv4_address(void **state)
{
    struct host h;
    struct peer client = { 0 };
    struct endpoint to = { .host = "127.0.0.1" };

    (void)state;
    setup(&h, "localhost:0");
    to.port = h.at.port;
    peer_connect(&client, h.loop, &to);
    TURN_UNTIL(h.loop, h.accepted_len == 1);
    peer_close(&client);
    teardown(&h);
}

static void a_port_in_use_is_a_conflict_that_says_how_to_find_by_whom(void **state)
{
    struct host h;
    struct listener *second = NULL;
    struct err err = { 0 };
    char command[64];

    (void)state;
    setup(&h, "127.0.0.1:0");
    assert_int_equal(listener_open(h.loop, &h.at, on_accept, &h, &second, NULL, &err),
                     ERR_CONFLICT);
    (void)snprintf(command, sizeof(command), "ss -ltnp 'sport = :%u'", h.at.port);
    assert_non_null(strstr(err.msg, command));
    assert_null(second);
    teardown(&h);
}

static void an_address_of_another_machine_is_invalid(void **state)
{
    static const char *const texts[] = { "192.0.2.1:0", "does-not-exist.invalid:0" };
    struct host h;

    (void)state;
    setup(&h, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct err err = { 0 };
        assert_int_equal(open_at(&h, texts[i], &err), ERR_INVALID);
        assert_non_null(strstr(err.msg, i == 0 ? "192.0.2.1" : "does-not-exist.invalid"));
    }
    teardown(&h);
}

static void a_port_can_be_listened_on_again_at_once(void **state)
{
    struct host h;
    struct peer client = { 0 };
    struct err err = { 0 };

    (void)state;
    setup(&h, "127.0.0.1:0");
    peer_connect(&client, h.loop, &h.at);
    TURN_UNTIL(h.loop, h.accepted_len == 1);
    stream_close(h.accepted[--h.accepted_len]); /* our side waits in TIME_WAIT */
    turns(h.loop, 5);
    peer_close(&client);
    turns(h.loop, 5);
    listener_close(TAKE(h.listener));
    assert_int_equal(listener_open(h.loop, &h.at, on_accept, &h, &h.listener, NULL, &err), 0);
    teardown(&h);
}

/* --- Unix sockets ------------------------------------------------------------ */

static void a_unix_path_is_ours_alone_and_goes_with_the_listener(void **state)
{
    struct test_unix u;
    struct host h;
    struct stat st;
    mode_t old = umask(0);

    (void)state;
    test_unix_make(&u);
    setup(&h, u.text);
    assert_int_equal(lstat(u.path, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 0777, 0600);
    teardown(&h);
    assert_int_not_equal(lstat(u.path, &st), 0);
    test_unix_remove(&u);
    (void)umask(old);
}

static void a_unix_path_that_someone_listens_on_is_refused(void **state)
{
    struct test_unix u;
    struct host h, second;
    struct peer client = { 0 };
    struct err err = { 0 };

    (void)state;
    test_unix_make(&u);
    setup(&h, u.text);
    setup(&second, NULL);
    assert_int_equal(open_at(&second, u.text, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.msg, u.text));
    teardown(&second);
    peer_connect(&client, h.loop, &h.at); /* the first is unharmed */
    TURN_UNTIL(h.loop, client.connects == 1);
    assert_int_equal(client.connect_err.code, 0);
    peer_close(&client);
    TURN_UNTIL(h.loop, h.accepted_len >= 1);
    teardown(&h);
    test_unix_remove(&u);
}

static void a_stale_unix_path_is_replaced(void **state)
{
    struct test_unix u;
    struct host h, second;

    (void)state;
    test_unix_make(&u);
    setup(&h, u.text);
    char kept[sizeof(u.path) + 2];
    (void)snprintf(kept, sizeof(kept), "%s2", u.path);
    assert_int_equal(link(u.path, kept), 0); /* survives the end of its listener */
    teardown(&h);
    assert_int_equal(rename(kept, u.path), 0);
    setup(&second, u.text);
    teardown(&second);
    test_unix_remove(&u);
}

static void a_plain_file_is_not_taken_for_a_stale_socket(void **state)
{
    struct test_unix u;
    struct host h;
    struct err err = { 0 };

    (void)state;
    test_unix_make(&u);
    int fd = open(u.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    setup(&h, NULL);
    assert_int_equal(open_at(&h, u.text, &err), ERR_CONFLICT);
    assert_int_equal(access(u.path, F_OK), 0);
    teardown(&h);
    test_unix_remove(&u);
}

static void a_unix_path_that_belongs_to_another_by_now_is_left(void **state)
{
    struct test_unix u;
    struct host h, heir;

    (void)state;
    test_unix_make(&u);
    setup(&h, u.text);
    assert_int_equal(unlink(u.path), 0);
    setup(&heir, u.text);
    teardown(&h);
    assert_int_equal(access(u.path, F_OK), 0);
    teardown(&heir);
    test_unix_remove(&u);
}

static void a_unix_directory_that_does_not_exist_is_named(void **state)
{
    struct host h;
    struct err err = { 0 };

    (void)state;
    setup(&h, NULL);
    assert_int_equal(open_at(&h, "unix:/does/not/exist/s", &err), ERR_SYSTEM);
    assert_non_null(strstr(err.msg, "unix:/does/not/exist/s"));
    assert_non_null(strstr(err.msg, "No such file"));
    teardown(&h);
}

/* --- Accepting --------------------------------------------------------------- */

static void closing_the_listener_inside_on_accept_is_safe(void **state)
{
    struct host h;
    struct peer clients[3] = { 0 };

    (void)state;
    setup(&h, "127.0.0.1:0");
    h.closes_listener = true;
    for (size_t i = 0; i < 3; i++)
        peer_connect(&clients[i], h.loop, &h.at);
    TURN_UNTIL(h.loop, h.accepted_len == 1);
    turns(h.loop, 5);
    assert_int_equal(h.accepted_len, 1);
    for (size_t i = 0; i < 3; i++)
        peer_close(&clients[i]);
    teardown(&h);
}

static void more_clients_than_one_turn_accepts_are_all_accepted(void **state)
{
    struct host h;
    struct stream *clients[CLIENTS];

    (void)state;
    setup(&h, "127.0.0.1:0");
    for (size_t i = 0; i < CLIENTS; i++)
        clients[i] = stream_connect(h.loop, &h.at, on_connect, &deaf, NULL);
    TURN_UNTIL(h.loop, h.accepted_len == CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        stream_close(clients[i]);
    teardown(&h);
}

/* --- Running out of descriptors ---------------------------------------------- */

/* Leave so few descriptors that accepting fails after DESCRIPTORS_LEFT. */
static void limit_descriptors(struct rlimit *old)
{
    int next = dup(0);
    struct rlimit few;

    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, old), 0);
    few = (struct rlimit){ .rlim_cur = (rlim_t)next + DESCRIPTORS_LEFT, .rlim_max = old->rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
}

static void without_descriptors_accepting_pauses_and_goes_on_later(void **state)
{
    struct host h;
    struct stream *clients[WAITING];
    struct rlimit old;

    (void)state;
    setup(&h, "127.0.0.1:0");
    for (size_t i = 0; i < WAITING; i++)
        clients[i] = stream_connect(h.loop, &h.at, on_connect, &deaf, NULL);
    limit_descriptors(&old);
    turns(h.loop, 50);
    assert_int_equal(h.accepted_len, DESCRIPTORS_LEFT);

    h.now_ms += 99;
    turns(h.loop, 50);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    turns(h.loop, 50);
    assert_int_equal(h.accepted_len, DESCRIPTORS_LEFT); /* it does not even try */
    h.now_ms += 1;
    TURN_UNTIL(h.loop, h.accepted_len == WAITING);
    for (size_t i = 0; i < WAITING; i++)
        stream_close(clients[i]);
    teardown(&h);
}

static void a_listener_that_pauses_can_be_closed(void **state)
{
    struct host h;
    struct stream *clients[WAITING];
    struct rlimit old;

    (void)state;
    setup(&h, "127.0.0.1:0");
    for (size_t i = 0; i < WAITING; i++)
        clients[i] = stream_connect(h.loop, &h.at, on_connect, &deaf, NULL);
    limit_descriptors(&old);
    turns(h.loop, 50);
    listener_close(TAKE(h.listener));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    for (size_t i = 0; i < WAITING; i++)
        stream_close(clients[i]);
    teardown(&h);
}

/* stderr, into a pipe until the returned text is asked for. */
static int divert_stderr(int *ret_old)
{
    int fds[2];

    assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    *ret_old = dup(STDERR_FILENO);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    (void)close(fds[1]);
    return fds[0];
}

static size_t lines_until_restored(int fd, int old)
{
    char text[4096];
    size_t lines = 0;

    assert_true(dup2(old, STDERR_FILENO) >= 0);
    (void)close(old);
    ssize_t n = read(fd, text, sizeof(text));
    for (ssize_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    (void)close(fd);
    return lines;
}

static void running_out_of_descriptors_is_logged_once_per_burst(void **state)
{
    struct host h;
    struct stream *clients[WAITING];
    struct rlimit old;
    int old_stderr;

    (void)state;
    int fd = divert_stderr(&old_stderr);
    setup(&h, "127.0.0.1:0");
    for (size_t i = 0; i < WAITING; i++)
        clients[i] = stream_connect(h.loop, &h.at, on_connect, &deaf, NULL);
    limit_descriptors(&old);
    for (unsigned i = 0; i < 50; i++) {
        turns(h.loop, 5);
        h.now_ms += 100;
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(lines_until_restored(fd, old_stderr), 1);
    for (size_t i = 0; i < WAITING; i++)
        stream_close(clients[i]);
    teardown(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bound_endpoint_has_the_real_port),
        cmocka_unit_test(a_name_listens_on_its_ipv4_address),
        cmocka_unit_test(a_port_in_use_is_a_conflict_that_says_how_to_find_by_whom),
        cmocka_unit_test(an_address_of_another_machine_is_invalid),
        cmocka_unit_test(a_port_can_be_listened_on_again_at_once),
        cmocka_unit_test(a_unix_path_is_ours_alone_and_goes_with_the_listener),
        cmocka_unit_test(a_unix_path_that_someone_listens_on_is_refused),
        cmocka_unit_test(a_stale_unix_path_is_replaced),
        cmocka_unit_test(a_plain_file_is_not_taken_for_a_stale_socket),
        cmocka_unit_test(a_unix_path_that_belongs_to_another_by_now_is_left),
        cmocka_unit_test(a_unix_directory_that_does_not_exist_is_named),
        cmocka_unit_test(closing_the_listener_inside_on_accept_is_safe),
        cmocka_unit_test(more_clients_than_one_turn_accepts_are_all_accepted),
        cmocka_unit_test(without_descriptors_accepting_pauses_and_goes_on_later),
        cmocka_unit_test(a_listener_that_pauses_can_be_closed),
        cmocka_unit_test(running_out_of_descriptors_is_logged_once_per_burst),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
