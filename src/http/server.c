#include "http/server_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <time.h>

enum { LOG_LINES_PER_S = 10 };

struct bound {
    struct list link; /* in http_server::listeners */
    struct listener *listener;
};

void http_server_options_init(struct http_server_options *o)
{
    *o = (struct http_server_options){
        .body_bytes_max = 32UL * 1024 * 1024,
        .bodies_bytes_max = 1024UL * 1024 * 1024,
        .connections_max = 16384,
        .head_timeout_ms = 10UL * 1000,
        .idle_timeout_ms = 75UL * 1000,
        .body_stall_ms = 10UL * 1000,
        .body_bytes_per_s_min = 256,
        .write_stall_ms = 60UL * 1000,
        .server_name = "http",
    };
}

static void close_listeners(struct http_server *s)
{
    while (!list_is_empty(&s->listeners)) {
        struct bound *bound = container_of(s->listeners.next, struct bound, link);
        list_remove(&bound->link);
        listener_close(bound->listener);
        free(bound);
    }
}

static void close_connections(struct http_server *s)
{
    while (!list_is_empty(&s->connections))
        connection_close(container_of(s->connections.next, struct connection, link), true);
}

/* --- Drain -------------------------------------------------------------- */

static void on_drain_deadline(struct loop_timer *timer)
{
    struct http_server *s = container_of(timer, struct http_server, drain_deadline);

    if (s->stats.exchanges > 0)
        log_warn("drain deadline passed: cutting what still runs",
                 LOG_STR("server", s->options.server_name),
                 LOG_INT("exchanges", s->stats.exchanges));
    close_connections(s);
}

static void on_drained(struct loop_timer *timer)
{
    struct http_server *s = container_of(timer, struct http_server, drained);

    loop_timer_stop(&s->drain_deadline);
    s->on_drained(s->on_drained_data);
}

void server_connection_ended(struct http_server *s)
{
    s->stats.connections--;
    if (s->is_draining && s->stats.connections == 0)
        loop_timer_start(&s->drained, 0);
}

void http_server_drain(struct http_server *s, uint64_t deadline_ms, void (*on_done)(void *data),
                       void *data)
{
    struct list *it, *tmp;

    if (s->is_draining)
        return;
    s->is_draining = true;
    s->on_drained = on_done;
    s->on_drained_data = data;
    close_listeners(s);
    LIST_FOREACH(it, tmp, &s->connections) {
        struct connection *c = container_of(it, struct connection, link);
        if (c->phase == CONNECTION_IDLE && buf_len(&c->in) == 0)
            connection_linger(c);
    }
    loop_timer_start(&s->drain_deadline, deadline_ms);
    if (s->stats.connections == 0)
        loop_timer_start(&s->drained, 0);
}

/* --- Life --------------------------------------------------------------- */

static void init_deadlines(struct http_server *s)
{
    const struct http_server_options *o = &s->options;

    loop_deadlines_init(s->loop, &s->idle, o->idle_timeout_ms, connection_on_idle);
    loop_deadlines_init(s->loop, &s->head, o->head_timeout_ms, connection_on_head_late);
    loop_deadlines_init(s->loop, &s->body, o->body_stall_ms, connection_on_body_late);
    loop_deadlines_init(s->loop, &s->write, o->write_stall_ms, connection_on_write_late);
    loop_deadlines_init(s->loop, &s->linger, LINGER_MS, connection_on_linger_end);
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options,
                                    const struct route *routes, void *app)
{
    struct http_server *s = mem_alloc(1, sizeof(*s));

    assert(options->guard);
    s->loop = loop;
    s->options = *options;
    s->routes = routes;
    s->app = app;
    list_init(&s->listeners);
    list_init(&s->connections);
    list_init(&s->ready);
    loop_timer_init(loop, &s->turn, connection_on_turn);
    loop_timer_init(loop, &s->drain_deadline, on_drain_deadline);
    loop_timer_init(loop, &s->drained, on_drained);
    buf_init(&s->out, ANSWER_HEAD_BYTES_MAX);
    init_deadlines(s);
    return s;
}

void http_server_free(struct http_server *s)
{
    if (!s)
        return;
    close_listeners(s);
    close_connections(s);
    loop_timer_stop(&s->turn);
    loop_timer_stop(&s->drain_deadline);
    loop_timer_stop(&s->drained);
    loop_deadlines_deinit(&s->idle);
    loop_deadlines_deinit(&s->head);
    loop_deadlines_deinit(&s->body);
    loop_deadlines_deinit(&s->write);
    loop_deadlines_deinit(&s->linger);
    buf_deinit(&s->out);
    free(s);
}

static void on_accept(void *data, struct stream *stream)
{
    connection_new(data, stream);
}

int http_server_listen(struct http_server *s, const struct endpoint *at, struct endpoint *ret_bound,
                       struct err *err)
{
    struct listener *listener;
    int rc = listener_open(s->loop, at, on_accept, s, &listener, ret_bound, err);

    if (rc < 0)
        return rc;
    struct bound *bound = mem_alloc(1, sizeof(*bound));
    bound->listener = listener;
    list_push_back(&s->listeners, &bound->link);
    return 0;
}

void http_server_get_stats(const struct http_server *s, struct http_server_stats *ret)
{
    *ret = s->stats;
}

/* --- Shared by the other files ------------------------------------------ */

const char *server_date(struct http_server *s)
{
    uint64_t now_s = clock_wall_ms() / 1000;
    time_t now = (time_t)now_s;
    struct tm tm;

    if (now_s != s->date_s && gmtime_r(&now, &tm)) {
        (void)strftime(s->date, sizeof(s->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        s->date_s = now_s;
    }
    return s->date;
}

/* May one more line be logged? A peer must not fill the disk. */
static bool log_has_room(const struct http_server *s, struct log_quota *q)
{
    uint64_t second = loop_now_ms(s->loop) / 1000;

    if (second != q->second) {
        q->second = second;
        q->lines = 0;
    }
    if (q->lines == LOG_LINES_PER_S) {
        q->dropped++;
        return false;
    }
    q->lines++;
    return true;
}

void server_log_refusal(struct http_server *s, const struct connection *c, const char *request_id,
                        const struct err *err)
{
    char text[ENDPOINT_TEXT_SIZE] = "";
    struct endpoint peer;

    s->stats.refused_total++;
    if (!log_enabled(LOG_INFO) || !log_has_room(s, &s->refusals))
        return;
    if (c->stream) {
        stream_peer(c->stream, &peer);
        endpoint_text(&peer, text);
    }
    log_info("request refused", LOG_STR("server", s->options.server_name), LOG_STR("peer", text),
             LOG_STR("request_id", request_id), LOG_STR("code", err_name(err->code)), LOG_ERR(err),
             LOG_INT("not_logged", s->refusals.dropped));
    s->refusals.dropped = 0;
}

/* A released request has no path any more, but its route has a pattern. */
static struct str path_of(const struct http_request *r)
{
    return r->path.len > 0 ? r->path : str_of(r->route->pattern);
}

static struct str method_of(const struct http_request *r)
{
    return r->method.len > 0 ? r->method : str_of(r->route->method);
}

void server_log_exchange(struct http_server *s, const struct http_request *r)
{
    unsigned status = r->is_gone ? (unsigned)err_http_status(ERR_CLIENT_GONE) : r->status;
    bool is_failure = r->is_gone || status >= 500;
    enum log_level level = is_failure ? LOG_INFO : LOG_DEBUG;

    if (!log_enabled(level))
        return;
    if (is_failure && !log_enabled(LOG_DEBUG) && !log_has_room(s, &s->failures))
        return;
    const struct log_field fields[] = {
        LOG_STR("server", s->options.server_name),
        LOG_STR("request_id", r->id),
        LOG_STRN("method", method_of(r)),
        LOG_STRN("path", path_of(r)),
        LOG_INT("status", status),
        LOG_INT("ms", (clock_mono_us() - r->began_us) / 1000),
        LOG_INT("not_logged", s->failures.dropped),
        LOG_STR("code", err_name(ERR_CLIENT_GONE)), /* the last: only of those who left */
    };
    log_event(level, "request", fields, sizeof(fields) / sizeof(*fields) - !r->is_gone);
    s->failures.dropped = 0;
}
