#include "base/mem.h"
#include "loop/stream.h"
#include "loop/test_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

static struct endpoint parse(const char *text)
{
    struct endpoint e;
    struct err err = { 0 };

    assert_int_equal(endpoint_parse(str_of(text), &e, &err), 0);
    return e;
}

/* Where nobody listens: bound once, and given back. */
static struct endpoint nowhere(const char *text)
{
    struct loop *loop = loop_new(NULL, NULL);
    struct endpoint at = parse(text);
    struct listener *l;
    struct err err = { 0 };

    assert_int_equal(listener_open(loop, &at, NULL, NULL, &l, &at, &err), 0);
    listener_close(l);
    loop_free(loop);
    return at;
}

static void check_refused(const struct endpoint *to, const char *message, int sys_errno)
{
    struct loop *loop = loop_new(NULL, NULL);
    struct peer p = { 0 };

    peer_connect(&p, loop, to);
    peer_write(&p, "never sent");
    assert_int_equal(p.connects, 0); /* not inside the call */
    TURN_UNTIL(loop, p.connects == 1);
    assert_int_equal(p.connect_err.code, ERR_UNAVAILABLE);
    assert_int_equal(p.connect_err.sys_errno, sys_errno);
    if (!strstr(p.connect_err.msg, message))
        fail_msg("'%s' does not say '%s'", p.connect_err.msg, message);
    peer_write(&p, "nor this");
    assert_int_equal(stream_queued(p.stream), 0);
    stream_read_stop(p.stream);
    stream_read_start(p.stream);
    stream_shutdown(p.stream);
    turns(loop, 5);
    assert_int_equal(p.connects, 1);
    assert_int_equal(p.ends, 0);
    peer_close(&p);
    loop_free(loop);
}

static void a_refused_connection_names_whom_and_why(void **state)
{
    struct endpoint to = nowhere("127.0.0.1:0");
    char message[ENDPOINT_TEXT_SIZE + 64], text[ENDPOINT_TEXT_SIZE];

    (void)state;
    endpoint_text(&to, text);
    (void)snprintf(message, sizeof(message), "cannot connect to %s: connection refused", text);
    check_refused(&to, message, ECONNREFUSED);
}

static void a_missing_unix_socket_is_an_error(void **state)
{
    struct test_unix u;
    struct endpoint to;

    (void)state;
    test_unix_make(&u);
    to = parse(u.text);
    check_refused(&to, "no such file", ENOENT);
    test_unix_remove(&u);
}

static void a_name_that_does_not_exist_is_an_error(void **state)
{
    struct endpoint to = parse("does-not-exist.invalid:80");

    (void)state;
    check_refused(&to, "cannot find the address of does-not-exist.invalid:80: ", 0);
}

static void what_is_written_before_success_is_sent_in_order(void **state)
{
    static const char piece[20000];
    struct peers p;

    (void)state;
    peers_listen(&p, "127.0.0.1:0");
    peer_connect(&p.client, p.loop, &p.at);
    peer_write(&p.client, "first");
    assert_int_equal(stream_queued(p.client.stream), 5);
    stream_write(p.client.stream, piece, sizeof(piece));
    stream_shutdown(p.client.stream);
    TURN_UNTIL(p.loop, p.server.stream);
    stream_read_start(p.server.stream);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.client.connects, 1);
    assert_int_equal(p.client.drains, 1); /* above the low water, and now below it */
    assert_int_equal(p.server.end_errno, 0);
    assert_int_equal(buf_len(&p.server.in), 5 + sizeof(piece));
    assert_memory_equal(p.server.in.p, "first", 5);
    peers_close(&p);
}

static void write_hello(struct peer *p)
{
    peer_write(p, "hello");
    stream_shutdown(p->stream);
}

static void writing_inside_on_connect_is_fine(void **state)
{
    struct peers p;

    (void)state;
    peers_listen(&p, "127.0.0.1:0");
    p.client.on_connect = write_hello;
    peer_connect(&p.client, p.loop, &p.at);
    TURN_UNTIL(p.loop, p.server.stream);
    stream_read_start(p.server.stream);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(buf_len(&p.server.in), 5);
    peers_close(&p);
}

static void a_name_is_resolved_and_its_addresses_tried_in_turn(void **state)
{
    static const char *const listens[] = { "127.0.0.1:0", "[::1]:0" };

    (void)state;
    for (size_t i = 0; i < sizeof(listens) / sizeof(*listens); i++) {
        struct endpoint to = parse("localhost:0");
        struct peers p;
        if (i == 1 && access("/proc/net/if_inet6", R_OK) != 0)
            continue; /* no IPv6 here */
        peers_listen(&p, listens[i]);
        to.port = p.at.port;
        peer_connect(&p.client, p.loop, &to);
        peer_write(&p.client, "hello");
        TURN_UNTIL(p.loop, p.client.connects == 1);
        if (p.client.connect_err.code == 0) /* not every machine calls ::1 localhost */
            TURN_UNTIL(p.loop, p.server.stream);
        else
            assert_int_equal(i, 1);
        peers_close(&p);
    }
}

static void an_empty_host_is_this_machine(void **state)
{
    struct peers p;
    struct endpoint to = { 0 };

    (void)state;
    peers_listen(&p, ":0");
    to.port = p.at.port;
    peer_connect(&p.client, p.loop, &to);
    TURN_UNTIL(p.loop, p.client.connects == 1 && p.server.stream);
    assert_int_equal(p.client.connect_err.code, 0);
    peers_close(&p);
}

/* --- Closing in each phase --------------------------------------------------- */

static void close_after(const struct endpoint *to, unsigned n)
{
    struct loop *loop = loop_new(NULL, NULL);
    struct peer p = { 0 };

    peer_connect(&p, loop, to);
    peer_write(&p, "never sent");
    turns(loop, n);
    unsigned connects = p.connects;
    if (n % 2 == 0)
        peer_close(&p);
    else
        peer_reset(&p);
    turns(loop, 5);
    assert_int_equal(p.connects, connects);
    loop_free(loop); /* waits for a lookup that cannot be cancelled */
    assert_int_equal(p.connects, connects);
}

static void closing_in_any_phase_of_connecting_is_safe(void **state)
{
    struct test_unix u;
    struct endpoint to[4];

    (void)state;
    test_unix_make(&u);
    to[0] = nowhere("127.0.0.1:0");
    to[1] = parse("localhost:1");
    to[1].port = to[0].port;
    to[2] = parse(u.text);
    to[3] = parse("does-not-exist.invalid:80");
    for (size_t i = 0; i < 4; i++) {
        for (unsigned n = 0; n < 8; n++)
            close_after(&to[i], n);
    }
    test_unix_remove(&u);
}

static void closing_inside_on_connect_is_safe(void **state)
{
    struct peers p;
    struct endpoint to = nowhere("127.0.0.1:0");

    (void)state;
    peers_listen(&p, "127.0.0.1:0");
    p.client.on_connect = peer_close;
    peer_connect(&p.client, p.loop, &p.at);
    peer_write(&p.client, "hello");
    TURN_UNTIL(p.loop, p.client.connects == 1 && p.server.stream);
    turns(p.loop, 5);

    peer_connect(&p.client, p.loop, &to); /* refused */
    TURN_UNTIL(p.loop, p.client.connects == 2);
    assert_int_equal(p.client.connect_err.code, ERR_UNAVAILABLE);
    turns(p.loop, 5);
    peers_close(&p);
}

/* --- Limits ------------------------------------------------------------------ */

static void a_process_without_descriptors_is_told_so(void **state)
{
    struct endpoint to = nowhere("127.0.0.1:0");
    struct loop *loop = loop_new(NULL, NULL);
    struct peer p = { 0 };
    struct rlimit old, none;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    peer_connect(&p, loop, &to);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    TURN_UNTIL(loop, p.connects == 1);
    assert_int_equal(p.connect_err.sys_errno, EMFILE);
    peer_close(&p);
    loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_names_whom_and_why),
        cmocka_unit_test(a_missing_unix_socket_is_an_error),
        cmocka_unit_test(a_name_that_does_not_exist_is_an_error),
        cmocka_unit_test(what_is_written_before_success_is_sent_in_order),
        cmocka_unit_test(writing_inside_on_connect_is_fine),
        cmocka_unit_test(a_name_is_resolved_and_its_addresses_tried_in_turn),
        cmocka_unit_test(an_empty_host_is_this_machine),
        cmocka_unit_test(closing_in_any_phase_of_connecting_is_safe),
        cmocka_unit_test(closing_inside_on_connect_is_safe),
        cmocka_unit_test(a_process_without_descriptors_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
