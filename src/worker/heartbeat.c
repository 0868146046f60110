#include "worker/heartbeat.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "http/client.h"
#include "worker/info.h"
#include "worker/worker.h"

enum {
    BODY_BYTES_MAX = 256 * 1024,
    ANSWER_BYTES_MAX = 64 * 1024,
    CONNECT_MS = 5000,
    TOTAL_MS = 10000
};

struct heartbeat {
    struct worker *worker;
    struct http_client *client;
    struct http_fetch *fetch; /* while one is under way */
    struct loop_timer timer;
    struct secret token;
    struct buf body;
    uint64_t wait_ms;
    bool is_heard; /* the queen answered the last one */
};

/* Say it when it changes, not each second. */
static void tell_change(struct heartbeat *h, bool is_heard, unsigned status, const struct err *err)
{
    const char *queen = h->worker->options->queen_url;

    if (is_heard && !h->is_heard)
        log_info("the queen hears this worker", LOG_STR("queen", queen));
    else if (!is_heard && (h->is_heard || h->wait_ms == HEARTBEAT_EVERY_MS))
        log_warn("the queen does not hear this worker; trying again", LOG_STR("queen", queen),
                 LOG_INT("status", status), LOG_STR("error", err ? err->msg : ""));
    h->is_heard = is_heard;
}

static void on_done(void *data, enum http_call_end how, unsigned status, struct str body,
                    const struct err *err)
{
    struct heartbeat *h = data;
    bool is_heard = how == HTTP_CALL_DONE && status >= 200 && status < 300;
    (void)body;

    h->fetch = NULL;
    tell_change(h, is_heard, status, err);
    h->wait_ms = is_heard ? HEARTBEAT_EVERY_MS : h->wait_ms * 2;
    if (h->wait_ms > HEARTBEAT_MAX_MS)
        h->wait_ms = HEARTBEAT_MAX_MS;
    loop_timer_start(&h->timer, h->wait_ms);
}

/* What the queen has to show to us is told only to a queen that we know, or that is on
 * this machine. */
static bool may_tell_token(const struct heartbeat *h)
{
    return h->worker->daemon->guard.client.text[0] &&
           (h->token.text[0] || endpoint_is_loopback(&h->worker->options->queen));
}

static void write_body(struct heartbeat *h)
{
    struct json_out o;

    buf_clear(&h->body);
    json_out_init(&o, &h->body);
    json_begin(&o, NULL, '{');
    json_begin(&o, "worker", '{');
    info_write(h->worker, &o);
    if (may_tell_token(h))
        json_str(&o, "token", h->worker->daemon->guard.client.text);
    json_end(&o);
    json_time(&o, "timestamp", clock_wall_ms());
    json_end(&o);
}

static void on_timer(struct loop_timer *timer)
{
    struct heartbeat *h = container_of(timer, struct heartbeat, timer);

    write_body(h);
    struct http_call_options call = {
        .to = h->worker->options->queen,
        .method = "POST",
        .target = str_of("/v1/worker-heartbeat"),
        .bearer = h->token.text,
        .content_type = "application/json",
        .body = buf_str(&h->body),
        .timeouts = { .connect_ms = CONNECT_MS, .total_ms = TOTAL_MS },
    };
    h->fetch = http_fetch_start(h->client, &call, ANSWER_BYTES_MAX, on_done, h);
}

int heartbeat_new(struct worker *w, struct heartbeat **ret, struct err *err)
{
    struct http_client_options options;
    struct secret token = { "" };

    if (w->options->queen_token_file && secret_read(w->options->queen_token_file, &token, err) < 0)
        return err_wrap(err, "--queen-token-file");
    struct heartbeat *h = mem_alloc(1, sizeof(*h));
    http_client_options_init(&options);
    h->worker = w;
    h->token = token;
    h->client = http_client_new(w->loop, &options);
    h->wait_ms = HEARTBEAT_EVERY_MS;
    buf_init(&h->body, BODY_BYTES_MAX);
    loop_timer_init(w->loop, &h->timer, on_timer);
    loop_timer_start(&h->timer, 0);
    *ret = h;
    return 0;
}

void heartbeat_free(struct heartbeat *h)
{
    if (!h)
        return;
    loop_timer_stop(&h->timer);
    http_fetch_cancel(h->fetch);
    http_client_free(h->client);
    buf_deinit(&h->body);
    free(h);
}
