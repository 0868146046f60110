/*
 * test_peer - the other side of a connection in the tests: a plain socket that says
 * exactly what a test tells it to, while the test turns the loop by hand.
 */
#pragma once

#include "base/buf.h"
#include "loop/endpoint.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A loop whose clock moves only by test_advance(). */
struct test_loop {
    struct loop *loop;
    uint64_t now_ms;
};
void test_loop_init(struct test_loop *t);
void test_loop_deinit(struct test_loop *t);

/* Turns the loop, in steps short enough for every timer to come in its order. */
void test_advance(struct test_loop *t, uint64_t by_ms);

/* Turns until `is_done`, waiting for sockets in between; fails the test after a
 * number of turns that only a hang reaches. */
void test_until(struct test_loop *t, bool (*is_done)(void *data), void *data);
void test_settle(struct test_loop *t); /* a few turns: what is on its way arrives */

struct peer {
    struct test_loop *t; /* borrowed */
    int fd;
    struct buf got; /* received and not consumed yet */
    bool is_ended;  /* the other side has closed */
    bool is_reset;  /* by a RST */
};

void peer_connect(struct peer *p, struct test_loop *t, const struct endpoint *at);

/* With a small window, so that little is on its way when it does not read. */
void peer_connect_narrow(struct peer *p, struct test_loop *t, const struct endpoint *at);

/* A listening socket of the test's own, and the next connection to it. */
int peer_listen(struct endpoint *ret_at);
void peer_accept(struct peer *p, struct test_loop *t, int listener);
bool peer_is_waiting(int listener); /* is there one to accept? */

void peer_close(struct peer *p);
void peer_reset(struct peer *p);
void peer_half_close(struct peer *p);

void peer_send(struct peer *p, const void *bytes, size_t len);
void peer_say(struct peer *p, const char *text);

/* Turns the loop until `text` has come (and, for peer_expect_end(), until the
 * connection has ended); what came up to its end is consumed. */
void peer_expect(struct peer *p, const char *text);
void peer_expect_end(struct peer *p);

/* What has come by now, as text. */
const char *peer_text(struct peer *p);
