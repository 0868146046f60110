#include "hive/heartbeat.h"

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"
#include "hive/commands.h"
#include "hive/metrics.h"
#include "hive/report.h"
#include "http/client.h"
#include "loop/loop.h"

#include <string.h>

enum {
    EVERY_MS = 1000,
    TIMEOUT_MS = 2000,
    BACKOFF_MAX_MS = 30000,
    BODY_BYTES_MAX = 8 * 1024 * 1024,
    ANSWER_BYTES_MAX = 1024 * 1024,
    MARGIN_MS = 20, /* a heartbeat that is due this soon goes with the others */
};

struct queen_link {
    struct heartbeat *owner;
    const struct endpoint *to; /* in the options */
    const char *url;
    struct http_fetch *call;
    struct buf body;
    uint64_t due_ms;
    uint64_t told;        /* machine::capabilities that this queen knows; 0: none */
    uint64_t telling;     /* those in the call; 0: none */
    unsigned failures;    /* in a row */
    bool is_up, is_known; /* is_known: its state was logged once */
};

struct heartbeat {
    struct machine *machine;
    struct loop_timer timer;
    struct queen_link links[QUEENS_MAX];
    size_t links_len;
    bool is_finishing;
    void (*on_finished)(void *data);
    void *on_finished_data;
};

static uint64_t now_ms(const struct heartbeat *h)
{
    return loop_now_ms(h->machine->loop);
}

/* --- What came back ------------------------------------------------------------------- */

/* 1, 2, 4 ... 30 s, a fifth more or less, so that hives do not come back in step. */
static uint64_t backoff_ms(unsigned failures)
{
    uint64_t ms = failures > 5 ? BACKOFF_MAX_MS : (uint64_t)EVERY_MS << (failures - 1);

    if (ms > BACKOFF_MAX_MS)
        ms = BACKOFF_MAX_MS;
    return ms * (80 + random_u64() % 41) / 100;
}

static void note_up(struct queen_link *l)
{
    if (!l->is_up)
        log_info("queen reached", LOG_STR("queen", l->url));
    l->is_up = l->is_known = true;
    l->failures = 0;
}

static void note_down(struct queen_link *l, const char *why)
{
    bool is_news = l->is_up || !l->is_known;

    /* Queens are often stopped together with their hives; then nobody need know. */
    if (is_news && !l->owner->machine->is_stopping)
        log_warn("queen does not take heartbeats; it is tried again every now and then",
                 LOG_STR("queen", l->url), LOG_STR("error", why));
    l->is_up = false;
    l->is_known = true;
    l->told = 0;
    l->failures++;
    l->due_ms = now_ms(l->owner) + backoff_ms(l->failures);
    hive_count_heartbeat(l->owner->machine, "error");
}

/* The message of an error answer, else its status. */
static void explain(unsigned status, struct str body, char *ret, size_t size)
{
    char message[256] = "";
    struct err ignored;
    struct buf b;
    struct json j;

    json_init(&j, body);
    json_object(&j)
    {
        if (!json_key(&j, "error")) {
            json_skip(&j);
            continue;
        }
        json_object(&j)
        {
            if (json_key(&j, "message"))
                json_read_text(&j, message, sizeof(message));
            else
                json_skip(&j);
        }
    }
    if (json_finish(&j, &ignored) < 0)
        message[0] = '\0';
    buf_init_fixed(&b, ret, size);
    (void)buf_printf(&b, "it answers %u%s%s", status, message[0] ? ": " : "", message);
    (void)buf_cstr(&b);
}

static void run_commands(struct queen_link *l, struct str body)
{
    struct err err;

    if (commands_run(l->owner->machine, body, &err) < 0)
        log_warn("a queen's answer cannot be read", LOG_STR("queen", l->url), LOG_ERR(&err));
}

static void on_answer(void *data, enum http_call_end how, unsigned status, struct str body,
                      const struct err *err)
{
    struct queen_link *l = data;
    char why[320];

    l->call = NULL;
    if (how == HTTP_CALL_DONE && status == 200) {
        note_up(l);
        if (l->telling > 0)
            l->told = l->telling;
        hive_count_heartbeat(l->owner->machine, "ok");
        run_commands(l, body);
    } else if (how == HTTP_CALL_DONE && status == 409 && l->telling == 0) {
        note_up(l);
        l->told = 0;
        l->due_ms = 0; /* it forgot, or is new: tell it all, now */
    } else if (how == HTTP_CALL_DONE) {
        explain(status, body, why, sizeof(why));
        note_down(l, why);
    } else {
        note_down(l, err->msg);
    }
    loop_timer_start(&l->owner->timer, 0);
}

/* --- Sending ------------------------------------------------------------------------------ */

static void send_one(struct queen_link *l)
{
    struct machine *m = l->owner->machine;

    l->telling = l->told == m->capabilities ? 0 : m->capabilities;
    l->due_ms = now_ms(l->owner) + EVERY_MS;
    buf_clear(&l->body);
    if (!report_write_heartbeat(m, l->telling > 0, &l->body)) {
        log_error("the heartbeat is too large to be sent", LOG_INT("bytes_max", BODY_BYTES_MAX));
        return;
    }
    const struct http_call_options options = {
        .to = *l->to,
        .method = "POST",
        .target = str_of("/v1/hive-heartbeat"),
        .bearer = m->options->queen_token.text,
        .content_type = "application/json",
        .body = buf_str(&l->body),
        .timeouts = { .connect_ms = TIMEOUT_MS, .total_ms = TIMEOUT_MS },
    };
    l->call = http_fetch_start(m->client, &options, ANSWER_BYTES_MAX, on_answer, l);
}

static void send_due(struct heartbeat *h)
{
    uint64_t now = now_ms(h), next = now + EVERY_MS;

    for (size_t i = 0; i < h->links_len; i++) {
        struct queen_link *l = &h->links[i];
        if (l->call)
            continue; /* its answer brings us back here */
        if (l->due_ms <= now + MARGIN_MS)
            send_one(l);
        if (l->due_ms < next)
            next = l->due_ms;
    }
    loop_timer_start(&h->timer, next > now ? next - now : 0);
}

static void tell_when_finished(struct heartbeat *h)
{
    for (size_t i = 0; i < h->links_len; i++)
        if (h->links[i].call)
            return;
    if (h->on_finished)
        TAKE(h->on_finished)(h->on_finished_data);
}

static void on_timer(struct loop_timer *timer)
{
    struct heartbeat *h = container_of(timer, struct heartbeat, timer);

    if (h->is_finishing)
        tell_when_finished(h);
    else
        send_due(h);
}

void heartbeat_now(struct heartbeat *h)
{
    for (size_t i = 0; i < h->links_len; i++)
        if (h->links[i].failures == 0)
            h->links[i].due_ms = 0;
    loop_timer_start(&h->timer, 0);
}

void heartbeat_finish(struct heartbeat *h, void (*on_done)(void *data), void *data)
{
    h->is_finishing = true;
    h->on_finished = on_done;
    h->on_finished_data = data;
    for (size_t i = 0; i < h->links_len; i++) {
        http_fetch_cancel(h->links[i].call); /* what it says is out of date */
        h->links[i].call = NULL;
        if (h->links[i].failures == 0)
            send_one(&h->links[i]);
    }
    loop_timer_start(&h->timer, 0);
}

/* --- Life ----------------------------------------------------------------------------------- */

struct heartbeat *heartbeat_new(struct machine *m)
{
    struct heartbeat *h = mem_alloc(1, sizeof(*h));

    h->machine = m;
    h->links_len = m->options->queens_len;
    for (size_t i = 0; i < h->links_len; i++) {
        struct queen_link *l = &h->links[i];
        l->owner = h;
        l->to = &m->options->queens[i];
        l->url = m->options->queen_urls.items[i];
        buf_init(&l->body, BODY_BYTES_MAX);
    }
    loop_timer_init(m->loop, &h->timer, on_timer);
    return h;
}

void heartbeat_free(struct heartbeat *h)
{
    if (!h)
        return;
    loop_timer_stop(&h->timer);
    for (size_t i = 0; i < h->links_len; i++) {
        http_fetch_cancel(h->links[i].call);
        buf_deinit(&h->links[i].body);
    }
    free(h);
}
