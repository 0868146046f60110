/*
 * heartbeat_feed - GET /v1/heartbeats/stream: what hives report, as it comes, and a
 * summary of the queen every 2.5 s, to any number of followers up to a cap.
 *
 * A follower that does not keep up misses events rather than costing memory: each
 * event is whole and newer ones replace older ones in meaning.
 */
#pragma once

#include "registry/worker.h"

#include <stddef.h>

struct heartbeat_feed;
struct http_request;
struct queen;

struct heartbeat_feed *heartbeat_feed_new(struct queen *q);
void heartbeat_feed_free(struct heartbeat_feed *feed); /* NULL is fine */

/* Answer `req` with the stream. Errors (503 at the cap) are answered too. */
void heartbeat_feed_follow(struct heartbeat_feed *feed, struct http_request *req);

void heartbeat_feed_hive(struct heartbeat_feed *feed, const struct hive_facts *hive,
                         const struct worker_facts *workers, size_t workers_len);

/* End every follower's stream properly: the queen stops. */
void heartbeat_feed_end(struct heartbeat_feed *feed);
