/*
 * test_world - a queen's edge around the proxy, for its tests: a client on one side
 * and a worker on the other, both plain sockets that say what a test tells them to;
 * in between the real server, client and proxy, under a clock turned by hand.
 */
#pragma once

#include "http/client.h"
#include "http/server.h"
#include "http/test_peer.h"
#include "proxy/native_run.h"
#include "proxy/proxy.h"
#include "proxy/relay.h"

enum {
    WORLD_CONNECT_MS = 1000,
    WORLD_FIRST_TOKEN_MS = 10 * 1000,
    WORLD_BETWEEN_MS = 2000,
    WORLD_TOTAL_MS = 60 * 1000,
};

struct world {
    struct test_loop t;
    struct guard guard;
    struct http_server *server;
    struct http_client *http;
    struct proxy *proxy;
    struct endpoint at; /* of the server */

    int listener;         /* the worker's */
    struct target target; /* how it is reached */
    struct peer client, worker;

    struct http_request *request; /* NULL before it came, and once answered or gone */
    struct relay *relay;          /* NULL before it began, and once ended */
    struct relay_result result;   /* of the relay that ended last */
    unsigned heads, ends, gone;

    struct native_run *run;   /* NULL before it began, and once ended */
    struct buf story;         /* its events, one a line */
    bool pause_at_next_token; /* as an owner does whose replay is full */
};

/* cmocka's set-up and tear-down; the latter checks that nothing is left over. */
int world_setup(void **state);
int world_teardown(void **state);

/* A client asks, and `w->request` is there. */
void world_ask(struct world *w, const char *extra_headers);

/* Start a relay of that request to the worker (again, when one has ended). */
void world_relay(struct world *w, bool is_stream);

/* The same, and the worker has got the request: `w->worker` may answer. */
void world_relay_accepted(struct world *w, bool is_stream);

/* A native job to a worker of that kind. */
void world_run(struct world *w, enum worker_kind kind, const char *job);

/* Turns until the relay or the run has ended. */
void world_await_end(struct world *w);

/* The worker accepts a connection, or reads the next request on the one it has, up to
 * and including `expected`. */
void world_accept(struct world *w, const char *expected);
void world_expect(struct world *w, const char *expected);

/* Nothing listens where the worker was. */
void world_stop_worker(struct world *w);

/* The worker says the head of a chunked event stream, or events as one chunk each. */
void world_say_stream_head(struct world *w);
void world_say_chunk(struct world *w, const char *bytes);
void world_say_last_chunk(struct world *w);

/* A head with that length and `Retry-After: 7`; the same and a body. */
void world_say_head(struct world *w, unsigned status, const char *type, size_t length);
void world_say_answer(struct world *w, unsigned status, const char *type, const char *body);

/* A client has asked, and got the token "Hello" from the worker. */
void world_stream_to_first_token(struct world *w);

/* Nothing has come to the client since it was looked at last. */
void world_expect_nothing(struct world *w);

/* The relay has failed; and its request is untouched: the next worker can answer it. */
void world_expect_failure(struct world *w, enum run_failure failure, const char *message);
void world_expect_unanswered(struct world *w);

/* Events of a chat completion. */
#define CHUNK(delta) \
    "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}\n\n"
#define ROLE        CHUNK("{\"role\":\"assistant\",\"content\":\"\"}")
#define TOKEN(text) CHUNK("{\"content\":\"" text "\"}")
#define FINISH      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define USAGE       "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":3}}\n\n"
#define DONE        "data: [DONE]\n\n"
