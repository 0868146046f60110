#include "api/heartbeat_feed.h"

#include "api/facts_json.h"
#include "api/queen.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "http/sse.h"
#include "loop/stream.h"

#include <stdlib.h>

enum {
    SUMMARY_EVERY_MS = 2500,
    FOLLOWERS_MAX = 1000,
    EVENT_BYTES_MAX = 4 * 1024 * 1024,
};

struct follower {
    struct list link; /* in heartbeat_feed::followers */
    struct heartbeat_feed *feed;
    struct http_request *req;
};

struct heartbeat_feed {
    struct queen *queen;
    struct list followers;
    size_t count;
    struct loop_timer summary;
};

static void follower_free(struct follower *f)
{
    list_remove(&f->link);
    f->feed->count--;
    free(f);
}

static void on_gone(void *data)
{
    follower_free(data);
}

static void send_all(struct heartbeat_feed *feed, struct str json)
{
    struct list *it, *tmp;
    struct buf event;

    buf_init(&event, EVENT_BYTES_MAX + 1024);
    sse_write(&event, NULL, "heartbeat", json);
    LIST_FOREACH(it, tmp, &feed->followers) {
        struct follower *f = container_of(it, struct follower, link);
        if (http_stream_queued(f->req) <= STREAM_HIGH_WATER)
            http_stream_write(f->req, event.p, buf_len(&event));
    }
    buf_deinit(&event);
}

void heartbeat_feed_hive(struct heartbeat_feed *feed, const struct hive_facts *hive,
                         const struct worker_facts *workers, size_t workers_len)
{
    struct json_out o;
    struct buf text;

    if (feed->count == 0)
        return;
    buf_init(&text, EVENT_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "hive_telemetry");
    json_str(&o, "hive_id", hive->id);
    json_time(&o, "timestamp", clock_wall_ms());
    json_begin(&o, "hive", '{');
    facts_write_hive(&o, hive);
    json_end(&o);
    json_begin(&o, "workers", '[');
    for (size_t i = 0; i < workers_len; i++) {
        json_begin(&o, NULL, '{');
        facts_write_worker(&o, &workers[i]);
        json_end(&o);
    }
    json_end(&o);
    json_end(&o);
    if (!text.overflowed)
        send_all(feed, buf_str(&text));
    buf_deinit(&text);
}

static bool write_worker_id(void *data, const struct worker *w)
{
    json_str(data, NULL, w->facts.id);
    return true;
}

static bool write_hive_id(void *data, const struct hive *hive)
{
    json_str(data, NULL, hive->facts.id);
    return true;
}

static bool count_hive(void *data, const struct hive *hive)
{
    (void)data;
    (void)hive;
    return true;
}

static void write_summary(struct queen *q, struct buf *text)
{
    const struct registry *r = core_registry(q->core);
    const struct worker_query online = { .online = true };
    const struct worker_query available = { .online = true, .available = true, .has_room = true };
    struct core_stats stats;
    struct json_out o;

    core_get_stats(q->core, &stats);
    json_out_init(&o, text);
    json_begin(&o, NULL, '{');
    json_str(&o, "type", "queen");
    json_uint(&o, "workers_online", registry_count(r, &online));
    json_uint(&o, "workers_available", registry_count(r, &available));
    json_uint(&o, "hives_online", registry_find_hives(r, true, false, count_hive, NULL));
    json_uint(&o, "hives_available", registry_find_hives(r, true, true, count_hive, NULL));
    json_begin(&o, "worker_ids", '[');
    (void)registry_find(r, &online, write_worker_id, &o);
    json_end(&o);
    json_begin(&o, "hive_ids", '[');
    (void)registry_find_hives(r, true, false, write_hive_id, &o);
    json_end(&o);
    json_uint(&o, "queue_depth", stats.queued);
    json_uint(&o, "running", stats.running);
    json_time(&o, "timestamp", clock_wall_ms());
    json_end(&o);
}

static void send_summary(struct heartbeat_feed *feed)
{
    struct buf text;

    buf_init(&text, EVENT_BYTES_MAX);
    write_summary(feed->queen, &text);
    if (!text.overflowed)
        send_all(feed, buf_str(&text));
    buf_deinit(&text);
}

static void on_summary(struct loop_timer *timer)
{
    struct heartbeat_feed *feed = container_of(timer, struct heartbeat_feed, summary);

    if (feed->count == 0)
        return; /* armed again by the next follower */
    loop_timer_start(timer, SUMMARY_EVERY_MS);
    send_summary(feed);
}

void heartbeat_feed_follow(struct heartbeat_feed *feed, struct http_request *req)
{
    static const struct http_watch watch = { .on_gone = on_gone };
    struct err err;

    if (feed->count == FOLLOWERS_MAX) {
        (void)err_set(&err, ERR_LIMIT, "already %d followers of the heartbeat stream",
                      FOLLOWERS_MAX);
        http_reply_error(req, &err);
        return;
    }
    struct follower *f = calloc(1, sizeof(*f));
    if (!f)
        abort();
    f->feed = feed;
    f->req = req;
    list_push_back(&feed->followers, &f->link);
    feed->count++;
    http_request_watch(req, &watch, f);
    http_reply_header(req, "X-Accel-Buffering", str_of("no"));
    http_reply_header(req, "Cache-Control", str_of("no-store"));
    http_stream_begin(req, 200, "text/event-stream", HTTP_LENGTH_UNKNOWN);
    http_request_release(req);
    send_summary(feed);
    if (!loop_timer_is_armed(&feed->summary))
        loop_timer_start(&feed->summary, SUMMARY_EVERY_MS);
}

struct heartbeat_feed *heartbeat_feed_new(struct queen *q)
{
    struct heartbeat_feed *feed = calloc(1, sizeof(*feed));

    if (!feed)
        abort();
    feed->queen = q;
    list_init(&feed->followers);
    loop_timer_init(q->loop, &feed->summary, on_summary);
    return feed;
}

void heartbeat_feed_end(struct heartbeat_feed *feed)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &feed->followers) {
        struct follower *f = container_of(it, struct follower, link);
        http_stream_end(f->req);
        follower_free(f);
    }
}

void heartbeat_feed_free(struct heartbeat_feed *feed)
{
    if (!feed)
        return;
    loop_timer_stop(&feed->summary);
    while (!list_is_empty(&feed->followers))
        follower_free(container_of(feed->followers.next, struct follower, link));
    free(feed);
}
