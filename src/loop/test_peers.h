/*
 * test_peers - two ends of one connection, for the tests of this folder: what
 * each end was told is counted, and a hook may act inside each callback.
 */
#pragma once

#include "base/buf.h"
#include "loop/loop.h"
#include "loop/stream.h"

/* Turn the loop until `cond`; the test's own timeout ends what never comes. */
#define TURN_UNTIL(loop, cond)     \
    do {                           \
        while (!(cond))            \
            (void)loop_turn(loop); \
    } while (0)

struct peer {
    struct stream *stream; /* NULL: not yet, or closed */
    struct buf in;         /* what it has read */
    unsigned connects, reads, drains, ends;
    int end_errno; /* of the last on_end */
    struct err connect_err;
    void (*on_connect)(struct peer *p); /* hooks; NULL: none */
    void (*on_read)(struct peer *p);
    void (*on_drain)(struct peer *p);
    void (*on_end)(struct peer *p);
};

struct peers {
    struct loop *loop;
    struct listener *listener;
    struct endpoint at; /* where it listens */
    struct peer client, server;
};

/* Listen at `text` and connect to it; `client` reads, `server` does not yet. */
void peers_listen(struct peers *p, const char *text);
void peers_open(struct peers *p, const char *text);
void peers_close(struct peers *p); /* everything that is still open */

void peer_connect(struct peer *p, struct loop *loop, const struct endpoint *to);
void peer_close(struct peer *p);
void peer_reset(struct peer *p);
void peer_write(struct peer *p, const char *text);

/* "unix:" and a path inside a new directory, removed by test_unix_remove(). */
struct test_unix {
    char dir[64];
    char path[96];
    char text[104];
};
void test_unix_make(struct test_unix *u);
void test_unix_remove(const struct test_unix *u);

void turns(struct loop *loop, unsigned n); /* enough of them for what must not come */
