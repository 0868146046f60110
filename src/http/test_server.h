/* test_server - the real server with a few routes, for server_test and refuse_test. */
#pragma once

#include "http/server.h"
#include "http/test_peer.h"

struct test_server {
    struct test_loop t;
    struct guard guard;
    struct http_server_options options;
    struct http_server *server;
    struct endpoint at;
    struct http_request *held; /* by /later and /stream, for the test to answer */
    unsigned calls;            /* handlers run */
    unsigned gone, drained;    /* on_gone and on_drain calls */
    bool is_drain_done;
};

/* Options may be changed between the two. */
void test_server_init(struct test_server *s);
void test_server_start(struct test_server *s);
void test_server_deinit(struct test_server *s);

struct http_server_stats test_server_stats(const struct test_server *s);

/*
 * Routes: GET /hello "hello"; POST /echo the body back (64 KB at most); GET
 * /later/{id} held; POST /later held; GET /stream held, begun as an event stream;
 * GET /admin for administrators; GET /openai/error an error in OpenAI's shape; GET
 * /facts what the accessors say.
 */
void test_server_wait_held(struct test_server *s);
