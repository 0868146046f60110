/*
 * proxy - what all runs of a process share: the loop, the client whose connections
 * they use, their deadlines, and the cancellations that outlive their runs.
 *
 * A run is one attempt of one job on one worker: relay.h carries it to an OpenAI
 * client, native_run.h turns it into events. Neither knows the core; whoever starts
 * a run decides what its end means.
 */
#pragma once

#include "proxy/target.h"

#include <stddef.h>

struct http_client;
struct loop;
struct proxy;

/* Never NULL. `loop` and `client` are borrowed; `timeouts` is copied. */
struct proxy *proxy_new(struct loop *loop, struct http_client *client,
                        const struct run_timeouts *timeouts);

/* Every run and every probe ended before. Cancellations still on their way are
 * dropped. NULL is fine. */
void proxy_free(struct proxy *p);

struct loop *proxy_loop(const struct proxy *p);
struct http_client *proxy_client(const struct proxy *p);
