/* The queen about itself: health, metrics, info, the live feed, shutdown. */
#include "api/handlers.h"

#include "api/heartbeat_feed.h"
#include "api/queen.h"
#include "api/queen_metrics.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/log.h"

#include <unistd.h>

enum { METRICS_BYTES_MAX = 16 * 1024 * 1024, INFO_BYTES_MAX = 4096 };

void api_heartbeats_stream(struct http_request *req)
{
    struct queen *q = http_request_app(req);

    heartbeat_feed_follow(q->feed, req);
}

void api_health(struct http_request *req)
{
    http_reply(req, 200, "application/json", str_of("{\"status\":\"ok\"}"));
}

void api_ready(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    struct err err;

    if (q->is_draining) {
        (void)err_set(&err, ERR_UNAVAILABLE, "the queen is stopping");
        http_reply_error(req, &err);
    } else {
        http_reply(req, 200, "application/json", str_of("{\"status\":\"ready\"}"));
    }
}

void api_metrics(struct http_request *req)
{
    struct buf text;

    buf_init(&text, METRICS_BYTES_MAX);
    queen_metrics_write(http_request_app(req), &text);
    http_reply(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&text));
    buf_deinit(&text);
}

void api_info(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    struct core_stats stats;
    struct json_out o;
    struct buf text;

    core_get_stats(q->core, &stats);
    buf_init(&text, INFO_BYTES_MAX);
    json_out_init(&o, &text);
    json_begin(&o, NULL, '{');
    json_str(&o, "service", "queen-rbee");
    json_str(&o, "version", RBEE_VERSION);
    json_str(&o, "api_version", "v1");
    json_str(&o, "mode", q->config.mode);
    json_str(&o, "scheduler", core_policy_name(q->core));
    json_time(&o, "started_at", q->started_wall_ms);
    json_uint(&o, "uptime_s", (loop_now_ms(q->loop) - q->started_ms) / 1000);
    json_uint(&o, "pid", (uint64_t)getpid());
    json_uint(&o, "queue_depth", stats.queued);
    json_uint(&o, "running", stats.running);
    json_end(&o);
    http_reply(req, 200, "application/json", buf_str(&text));
    buf_deinit(&text);
}

/* An administrator's call takes nothing: what is given was meant for something else. */
static int check_no_members(struct str body, struct err *err)
{
    struct json j;

    if (body.len == 0)
        return 0;
    json_init(&j, body);
    json_object(&j)
    {
        json_fail(&j, "is not known here: shutdown takes no fields");
    }
    return json_finish(&j, err);
}

void api_shutdown(struct http_request *req)
{
    struct queen *q = http_request_app(req);
    struct err err;

    if (check_no_members(http_request_body(req), &err) < 0) {
        http_reply_error(req, &err);
        return;
    }
    log_info("shutdown asked for", LOG_STR("request_id", http_request_id(req)));
    http_reply(
        req, 202, "application/json",
        str_of("{\"status\":\"stopping\",\"message\":\"running requests are finished first\"}"));
    q->on_shutdown(q->daemon);
}
