#include "loop/stream.h"
#include "base/mem.h"
#include "loop/internal.h"
#include "loop/test_peers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

enum {
    KERNEL_BYTES_MAX = 1024 * 1024, /* taken for a reader that does not read, sooner or later */
    BIG = 8 * KERNEL_BYTES_MAX,
    STREAM_SIZE_MAX = 450,
};

static char *big_text(void)
{
    char *big = mem_alloc(BIG, 1);

    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 23);
    return big;
}

static void echo(struct peer *p)
{
    stream_write(p->stream, p->in.p, buf_len(&p->in));
    buf_clear(&p->in);
}

/* --- Transport --------------------------------------------------------------- */

static void check_echo(const char *text)
{
    struct peers p;

    peers_open(&p, text);
    p.server.on_read = echo;
    stream_read_start(p.server.stream);
    peer_write(&p.client, "hello");
    TURN_UNTIL(p.loop, buf_len(&p.client.in) == 5);
    assert_memory_equal(p.client.in.p, "hello", 5);
    peers_close(&p);
}

static void bytes_go_there_and_back_over_ipv4(void **state)
{
    (void)state;
    check_echo("127.0.0.1:0");
}

static void bytes_go_there_and_back_over_ipv6(void **state)
{
    struct endpoint e;
    struct err err;
    struct listener *l;
    struct loop *loop = loop_new(NULL, NULL);
    bool has_ipv6;

    (void)state;
    assert_int_equal(endpoint_parse(str_of("[::1]:0"), &e, &err), 0);
    has_ipv6 = listener_open(loop, &e, NULL, NULL, &l, NULL, &err) == 0;
    if (has_ipv6)
        listener_close(l);
    loop_free(loop);
    if (has_ipv6)
        check_echo("[::1]:0");
    else
        skip();
}

static void bytes_go_there_and_back_over_a_unix_socket(void **state)
{
    struct test_unix u;

    (void)state;
    test_unix_make(&u);
    check_echo(u.text);
    test_unix_remove(&u);
}

static void many_pieces_are_written_as_one(void **state)
{
    struct peers p;
    char one[] = "one ", two[] = "two ", three[] = "three";
    const struct iovec iov[] = { { one, 4 }, { NULL, 0 }, { two, 4 }, { three, 5 } };

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_writev(p.server.stream, iov, 4);
    TURN_UNTIL(p.loop, buf_len(&p.client.in) == 13);
    assert_memory_equal(p.client.in.p, "one two three", 13);
    assert_int_equal(p.client.reads, 1);
    peers_close(&p);
}

static void a_stream_is_small(void **state)
{
    (void)state;
    assert_true(sizeof(struct stream) <= STREAM_SIZE_MAX);
}

/* --- Backpressure ------------------------------------------------------------ */

/* The client does not read: its side of the kernel fills, then our queue grows. */
static void check_backpressure(const char *at)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    peers_open(&p, at);
    stream_read_stop(p.client.stream);
    stream_write(p.server.stream, big, BIG);
    stream_write(p.server.stream, "end", 3);
    turns(p.loop, 50);
    assert_true(stream_queued(p.server.stream) > STREAM_HIGH_WATER);
    assert_int_equal(p.server.drains, 0);
    assert_int_equal(p.client.reads, 0);

    stream_read_start(p.client.stream);
    TURN_UNTIL(p.loop, p.server.drains > 0);
    assert_true(stream_queued(p.server.stream) <= STREAM_LOW_WATER);
    TURN_UNTIL(p.loop, buf_len(&p.client.in) == BIG + 3);
    assert_memory_equal(p.client.in.p, big, BIG);
    assert_memory_equal(p.client.in.p + BIG, "end", 3);
    assert_int_equal(stream_queued(p.server.stream), 0);
    assert_int_equal(p.server.drains, 1);
    peers_close(&p);
}

static void a_reader_that_does_not_read_lets_the_queue_grow_until_it_reads(void **state)
{
    (void)state;
    check_backpressure("127.0.0.1:0");
}

static void a_unix_reader_that_does_not_read_lets_the_queue_grow_until_it_reads(void **state)
{
    struct test_unix u;

    (void)state;
    test_unix_make(&u);
    check_backpressure(u.text);
    test_unix_remove(&u);
}

static void write_until_queued(struct peer *p, size_t bytes)
{
    static const char piece[1000];

    while (stream_queued(p->stream) <= bytes)
        stream_write(p->stream, piece, sizeof(piece));
}

static void the_kernel_holds_little_for_a_reader_that_does_not_read(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_stop(p.client.stream);
    stream_write(p.server.stream, big, BIG);
    turns(p.loop, 50);
    assert_true(stream_queued(p.server.stream) > BIG - KERNEL_BYTES_MAX);
    peers_close(&p);
}

static void drain_is_told_once_each_time_the_queue_falls(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    for (unsigned i = 1; i <= 3; i++) {
        stream_read_stop(p.client.stream);
        write_until_queued(&p.server, STREAM_HIGH_WATER + KERNEL_BYTES_MAX);
        turns(p.loop, 10);
        assert_int_equal(p.server.drains, i - 1);
        stream_read_start(p.client.stream);
        TURN_UNTIL(p.loop, p.server.drains == i);
    }
    peers_close(&p);
}

static void write_more(struct peer *p)
{
    if (p->drains < 5)
        write_until_queued(p, STREAM_HIGH_WATER);
    else
        stream_shutdown(p->stream);
}

static void a_writer_that_refills_in_on_drain_is_told_each_time(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.server.on_drain = write_more;
    write_until_queued(&p.server, STREAM_HIGH_WATER);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.server.drains, 5);
    assert_int_equal(p.client.end_errno, 0);
    peers_close(&p);
}

static void read_no_more(struct peer *p)
{
    stream_read_stop(p->stream);
}

static void reading_that_is_stopped_inside_on_read_stops_at_once(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.client.on_read = read_no_more;
    stream_write(p.server.stream, big, BIG);
    TURN_UNTIL(p.loop, p.client.reads == 1);
    turns(p.loop, 20);
    assert_int_equal(p.client.reads, 1);
    stream_read_start(p.client.stream);
    TURN_UNTIL(p.loop, p.client.reads == 2);
    turns(p.loop, 20);
    assert_int_equal(p.client.reads, 2);
    p.client.on_read = NULL;
    stream_read_start(p.client.stream);
    TURN_UNTIL(p.loop, buf_len(&p.client.in) == BIG);
    assert_memory_equal(p.client.in.p, big, BIG);
    peers_close(&p);
}

/* --- Ends -------------------------------------------------------------------- */

static void a_half_closed_stream_can_still_be_written(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_start(p.server.stream);
    peer_write(&p.client, "question");
    stream_shutdown(p.client.stream);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.server.end_errno, 0);
    assert_int_equal(buf_len(&p.server.in), 8);
    peer_write(&p.server, "answer");
    stream_shutdown(p.server.stream);
    stream_shutdown(p.server.stream);
    peer_write(&p.server, "too late");
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.client.end_errno, 0);
    assert_int_equal(buf_len(&p.client.in), 6);
    peers_close(&p);
}

static void a_shutdown_waits_for_the_queue(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_write(p.server.stream, big, BIG);
    assert_true(stream_queued(p.server.stream) > 0);
    stream_shutdown(p.server.stream);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.client.end_errno, 0);
    assert_int_equal(buf_len(&p.client.in), BIG);
    peers_close(&p);
}

static void a_reset_is_told_as_one(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    peer_reset(&p.server);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.client.end_errno, ECONNRESET);
    peers_close(&p);
}

static void a_reset_behind_the_last_bytes_is_not_an_orderly_end(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_stop(p.client.stream);
    peer_write(&p.server, "half an answ");
    peer_reset(&p.server);
    stream_read_start(p.client.stream);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.client.end_errno, ECONNRESET);
    turns(p.loop, 10);
    assert_int_equal(p.client.ends, 1);
    peers_close(&p);
}

static void a_peer_that_leaves_is_seen_at_once_while_reading(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_start(p.server.stream);
    peer_close(&p.client);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.server.end_errno, 0);
    peers_close(&p);
}

static void a_peer_that_left_while_reading_was_stopped_is_seen_on_resuming(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    peer_write(&p.client, "last words");
    peer_close(&p.client);
    turns(p.loop, 10);
    assert_int_equal(p.server.ends, 0);
    stream_read_start(p.server.stream);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.server.end_errno, 0);
    assert_int_equal(buf_len(&p.server.in), 10);
    peers_close(&p);
}

static void a_peer_that_left_while_reading_was_stopped_is_seen_by_writing(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    peer_close(&p.client);
    while (p.server.ends == 0) {
        peer_write(&p.server, "token");
        (void)loop_turn(p.loop);
    }
    assert_true(p.server.end_errno == EPIPE || p.server.end_errno == ECONNRESET);
    assert_int_equal(stream_queued(p.server.stream), 0);
    peer_write(&p.server, "nobody");
    stream_read_start(p.server.stream);
    turns(p.loop, 10);
    assert_int_equal(p.server.ends, 1);
    peers_close(&p);
}

static void a_write_error_is_told_in_a_later_turn(void **state)
{
    struct peers p;
    struct test_unix u;

    (void)state;
    test_unix_make(&u);
    peers_open(&p, u.text);
    peer_close(&p.client);
    turns(p.loop, 2);
    peer_write(&p.server, "token"); /* a unix socket refuses the first already */
    assert_int_equal(p.server.ends, 0);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.server.end_errno, EPIPE);
    peers_close(&p);
    test_unix_remove(&u);
}

static void a_write_that_fails_after_an_orderly_end_is_told_too(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_start(p.server.stream);
    peer_close(&p.client);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_int_equal(p.server.end_errno, 0);
    while (p.server.ends == 1) {
        peer_write(&p.server, "token");
        (void)loop_turn(p.loop);
    }
    assert_int_not_equal(p.server.end_errno, 0);
    turns(p.loop, 10);
    assert_int_equal(p.server.ends, 2);
    peers_close(&p);
}

static void an_answer_that_came_before_the_reset_is_read_before_the_error(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    peer_write(&p.server, "go away");
    peer_reset(&p.server);
    peer_write(&p.client, "a body"); /* fails, while the answer is there to be read */
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(buf_len(&p.client.in), 7);
    assert_int_not_equal(p.client.end_errno, 0);
    turns(p.loop, 10);
    assert_int_equal(p.client.ends, 1);
    peers_close(&p);
}

static void a_reset_while_the_queue_waits_is_told_once(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_stop(p.client.stream);
    stream_write(p.server.stream, big, BIG);
    peer_reset(&p.client);
    TURN_UNTIL(p.loop, p.server.ends == 1);
    assert_true(p.server.end_errno == EPIPE || p.server.end_errno == ECONNRESET);
    turns(p.loop, 10);
    assert_int_equal(p.server.ends, 1);
    assert_int_equal(p.server.drains, 0);
    peers_close(&p);
}

/* --- Closing inside callbacks ------------------------------------------------ */

static void closing_inside_on_read_is_safe(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.client.on_read = peer_close;
    stream_write(p.server.stream, big, BIG);
    TURN_UNTIL(p.loop, p.client.reads == 1);
    turns(p.loop, 10);
    assert_int_equal(p.client.reads, 1);
    assert_int_equal(p.client.ends, 0);
    peers_close(&p);
}

static void closing_inside_on_drain_is_safe(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.server.on_drain = peer_close;
    write_until_queued(&p.server, STREAM_HIGH_WATER);
    TURN_UNTIL(p.loop, p.server.drains == 1);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_int_equal(p.server.ends, 0);
    peers_close(&p);
}

static void closing_inside_on_end_is_safe(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.client.on_end = peer_close;
    peer_reset(&p.server);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    turns(p.loop, 10);
    assert_int_equal(p.client.ends, 1);
    peers_close(&p);
}

static void closing_inside_on_end_of_a_write_error_is_safe(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    p.server.on_end = peer_close;
    peer_reset(&p.client);
    while (p.server.ends == 0) {
        peer_write(&p.server, "token");
        (void)loop_turn(p.loop);
    }
    peers_close(&p);
}

static void nothing_is_told_after_a_close_with_bytes_under_way(void **state)
{
    struct peers p;
    AUTO(free_ptr) char *big = big_text();

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    stream_read_start(p.server.stream);
    stream_write(p.server.stream, big, BIG);
    peer_close(&p.server);
    TURN_UNTIL(p.loop, p.client.ends == 1);
    assert_true(buf_len(&p.client.in) < BIG);
    assert_int_equal(p.server.ends + p.server.drains, 0);
    peers_close(&p);
}

static void a_write_error_that_was_not_told_yet_dies_with_the_stream(void **state)
{
    struct peers p;
    struct test_unix u;

    (void)state;
    test_unix_make(&u);
    peers_open(&p, u.text);
    peer_close(&p.client);
    turns(p.loop, 2);
    peer_write(&p.server, "token");
    peer_close(&p.server);
    turns(p.loop, 5);
    assert_int_equal(p.server.ends, 0);
    peers_close(&p);
    test_unix_remove(&u);
}

/* --- Facts ------------------------------------------------------------------- */

static void the_peer_of_a_dual_stack_listener_is_shown_as_ipv4(void **state)
{
    struct peers p;
    struct endpoint to, peer;
    struct err err;

    (void)state;
    peers_listen(&p, ":0");
    assert_int_equal(endpoint_parse(str_of("127.0.0.1:0"), &to, &err), 0);
    to.port = p.at.port;
    peer_connect(&p.client, p.loop, &to);
    TURN_UNTIL(p.loop, p.client.connects == 1 && p.server.stream);
    stream_peer(p.server.stream, &peer);
    assert_string_equal(peer.host, "127.0.0.1");
    assert_true(peer.port > 0);
    stream_peer(p.client.stream, &peer);
    assert_int_equal(peer.port, to.port);
    assert_int_equal(stream_peer_uid(p.server.stream), -1);
    peers_close(&p);
}

static void the_peer_of_a_unix_socket_is_its_user(void **state)
{
    struct peers p;
    struct test_unix u;
    struct endpoint peer;

    (void)state;
    test_unix_make(&u);
    peers_open(&p, u.text);
    stream_peer(p.server.stream, &peer);
    assert_true(peer.is_unix);
    assert_string_equal(peer.host, "");
    assert_int_equal(stream_peer_uid(p.server.stream), getuid());
    peers_close(&p);
    test_unix_remove(&u);
}

static int option_of(const struct peer *p, int level, int option)
{
    int value = -1, fd = -1;
    socklen_t len = sizeof(value);

    assert_int_equal(uv_fileno((const uv_handle_t *)&p->stream->tcp, &fd), 0);
    assert_int_equal(getsockopt(fd, level, option, &value, &len), 0);
    return value;
}

static void neither_end_waits_for_more_and_both_bound_the_kernel(void **state)
{
    struct peers p;

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    assert_int_not_equal(option_of(&p.client, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_not_equal(option_of(&p.server, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_true(option_of(&p.client, SOL_SOCKET, SO_RCVBUF) <= 2 * 128 * 1024); /* doubled */
    assert_int_equal(option_of(&p.server, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 64 * 1024);
    peers_close(&p);
}

static void a_stream_can_be_handed_to_a_new_owner(void **state)
{
    struct peers p;
    struct peer heir = { 0 };

    (void)state;
    peers_open(&p, "127.0.0.1:0");
    buf_init(&heir.in, 100);
    stream_set_events(p.client.stream, p.client.stream->events, &heir);
    peer_write(&p.server, "news");
    TURN_UNTIL(p.loop, buf_len(&heir.in) == 4);
    assert_int_equal(p.client.reads, 0);
    peers_close(&p);
    buf_deinit(&heir.in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_there_and_back_over_ipv4),
        cmocka_unit_test(bytes_go_there_and_back_over_ipv6),
        cmocka_unit_test(bytes_go_there_and_back_over_a_unix_socket),
        cmocka_unit_test(many_pieces_are_written_as_one),
        cmocka_unit_test(a_stream_is_small),
        cmocka_unit_test(a_reader_that_does_not_read_lets_the_queue_grow_until_it_reads),
        cmocka_unit_test(a_unix_reader_that_does_not_read_lets_the_queue_grow_until_it_reads),
        cmocka_unit_test(the_kernel_holds_little_for_a_reader_that_does_not_read),
        cmocka_unit_test(drain_is_told_once_each_time_the_queue_falls),
        cmocka_unit_test(a_writer_that_refills_in_on_drain_is_told_each_time),
        cmocka_unit_test(reading_that_is_stopped_inside_on_read_stops_at_once),
        cmocka_unit_test(a_half_closed_stream_can_still_be_written),
        cmocka_unit_test(a_shutdown_waits_for_the_queue),
        cmocka_unit_test(a_reset_is_told_as_one),
        cmocka_unit_test(a_reset_behind_the_last_bytes_is_not_an_orderly_end),
        cmocka_unit_test(a_peer_that_leaves_is_seen_at_once_while_reading),
        cmocka_unit_test(a_peer_that_left_while_reading_was_stopped_is_seen_on_resuming),
        cmocka_unit_test(a_peer_that_left_while_reading_was_stopped_is_seen_by_writing),
        cmocka_unit_test(a_write_error_is_told_in_a_later_turn),
        cmocka_unit_test(a_write_that_fails_after_an_orderly_end_is_told_too),
        cmocka_unit_test(an_answer_that_came_before_the_reset_is_read_before_the_error),
        cmocka_unit_test(a_reset_while_the_queue_waits_is_told_once),
        cmocka_unit_test(closing_inside_on_read_is_safe),
        cmocka_unit_test(closing_inside_on_drain_is_safe),
        cmocka_unit_test(closing_inside_on_end_is_safe),
        cmocka_unit_test(closing_inside_on_end_of_a_write_error_is_safe),
        cmocka_unit_test(nothing_is_told_after_a_close_with_bytes_under_way),
        cmocka_unit_test(a_write_error_that_was_not_told_yet_dies_with_the_stream),
        cmocka_unit_test(the_peer_of_a_dual_stack_listener_is_shown_as_ipv4),
        cmocka_unit_test(the_peer_of_a_unix_socket_is_its_user),
        cmocka_unit_test(neither_end_waits_for_more_and_both_bound_the_kernel),
        cmocka_unit_test(a_stream_can_be_handed_to_a_new_owner),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
