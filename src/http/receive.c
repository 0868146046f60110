#include "http/server_internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>

enum {
    RATE_GRACE_MS = 10 * 1000,    /* before a body's average rate is judged */
    BODY_FIRST_BYTES = 64 * 1024, /* memory follows what has come, not what was announced */
};

void receive_refuse(struct connection *c, const struct err *err)
{
    if (!c->request)
        c->request = request_new(c, NULL, (struct str){ 0 });
    if (!c->request->framing.done) /* what follows may be its body: never another request */
        c->request->keep_alive = false;
    server_log_refusal(c->server, c, c->request->id, err);
    http_reply_error(c->request, err);
}

/* --- Letting in ---------------------------------------------------------- */

/* "GET, HEAD, POST": what the path would have served. */
static void add_allow(struct http_request *r)
{
    static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" };
    char allow[64] = "";
    struct route_match match;
    struct buf out;

    buf_init_fixed(&out, allow, sizeof(allow));
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        route_find(r->connection->server->routes, str_of(methods[i]), r->path, &match);
        if (match.route)
            (void)buf_printf(&out, "%s%s", buf_len(&out) > 0 ? ", " : "", methods[i]);
    }
    http_reply_header(r, "Allow", buf_str(&out));
}

static int refuse_route(struct http_request *r, bool path_known, struct err *err)
{
    if (!path_known)
        return err_set(err, ERR_NOT_FOUND, "there is nothing at '%.*s'", STR_ARG(r->path));
    add_allow(r);
    return err_set(err, ERR_METHOD, "'%.*s' does not serve %.*s", STR_ARG(r->path),
                   STR_ARG(r->method));
}

static size_t body_cap(const struct http_request *r)
{
    size_t of_route = r->route->body_bytes_max;

    return of_route ? of_route : r->connection->server->options.body_bytes_max;
}

static int refuse_length(const struct http_request *r, struct err *err)
{
    return err_set(err, ERR_TOO_LARGE, "the body is larger than the %zu bytes taken here",
                   body_cap(r));
}

/* Everything that can be said before the body is read. */
static int admit(struct http_request *r, struct err *err)
{
    const struct http_server *s = r->connection->server;
    struct guard_facts facts = request_facts(r);
    struct route_match match;

    route_find(s->routes, r->method, r->path, &match);
    r->route = match.route;
    r->is_openai = match.flags & ROUTE_OPENAI;
    memcpy(r->params, match.params, sizeof(r->params));
    int rc = guard_check(s->options.guard, r->route ? r->route->role : ROUTE_OPEN, &facts, err);
    if (rc < 0)
        return rc;
    if (!r->route)
        return refuse_route(r, match.path_known, err);
    return r->content_length > body_cap(r) ? refuse_length(r, err) : 0;
}

static void run(struct http_request *r)
{
    struct connection *c = r->connection;

    r->is_running = true;
    c->server->stats.requests_total++;
    c->server->stats.exchanges++;
    connection_arm(c, CONNECTION_BUSY);
    r->route->handle(r);
    /* A handler that answers later must watch, or it would use a dead pointer. */
    assert(c->request != r || r->watch.on_gone);
}

static void begin_body(struct http_request *r, bool send_continue)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
    struct connection *c = r->connection;

    if (send_continue)
        connection_writev(c, &iov, 1);
    r->body_began_ms = loop_now_ms(c->server->loop);
    connection_arm(c, CONNECTION_BODY);
}

size_t receive_head(struct connection *c, struct str bytes)
{
    struct http1_head *head = &c->server->head_scratch;
    struct err err;
    ssize_t n = http1_parse_request(bytes, head, &err);

    if (n == 0) {
        if (c->phase == CONNECTION_IDLE)
            connection_arm(c, CONNECTION_HEAD);
        return 0;
    }
    if (n < 0) {
        receive_refuse(c, &err);
        return bytes.len;
    }
    struct http_request *r = request_new(c, head, (struct str){ bytes.p, (size_t)n });
    c->request = r;
    if (admit(r, &err) < 0)
        receive_refuse(c, &err);
    else if (r->framing.done)
        run(r);
    else /* a body that is already there needs no invitation */
        begin_body(r, head->expect_continue && (size_t)n == bytes.len);
    return (size_t)n;
}

/* --- The body ------------------------------------------------------------ */

static size_t grown_cap(const struct http_request *r, size_t need)
{
    size_t most = r->content_length > 0 ? r->content_length : body_cap(r);
    size_t cap = r->body_cap * 2;

    if (cap < BODY_FIRST_BYTES && r->content_length > 0)
        cap = BODY_FIRST_BYTES;
    if (cap > most)
        cap = most;
    return cap > need ? cap : need;
}

static int grow_body(struct http_request *r, size_t need, struct err *err)
{
    struct http_server *s = r->connection->server;
    size_t cap = grown_cap(r, need), more = cap - r->body_cap;

    if (s->stats.bodies_bytes > s->options.bodies_bytes_max ||
        more > s->options.bodies_bytes_max - s->stats.bodies_bytes) {
        (void)err_set(err, ERR_LIMIT, "this service holds too many request bodies: try again");
        err->retry_after_ms = 1000;
        return err->code;
    }
    s->stats.bodies_bytes += more;
    r->body = mem_resize(r->body, cap);
    r->body_cap = cap;
    return 0;
}

static int append_body(struct http_request *r, struct str payload, struct err *err)
{
    if (payload.len == 0)
        return 0;
    if (payload.len > body_cap(r) - r->body_len)
        return refuse_length(r, err);
    if (payload.len > r->body_cap - r->body_len) {
        int rc = grow_body(r, r->body_len + payload.len, err);
        if (rc < 0)
            return rc;
    }
    memcpy(r->body + r->body_len, payload.p, payload.len);
    r->body_len += payload.len;
    return 0;
}

/* A body that drips in holds memory for hours without ever standing still. */
static int check_rate(const struct http_request *r, struct err *err)
{
    const struct http_server *s = r->connection->server;
    uint64_t elapsed_ms = loop_now_ms(s->loop) - r->body_began_ms;

    if (elapsed_ms < RATE_GRACE_MS ||
        r->body_len >= elapsed_ms / 1000 * s->options.body_bytes_per_s_min)
        return 0;
    return err_set(err, ERR_REQUEST_TIMEOUT,
                   "the body of the request arrives too slowly: %zu bytes a second are the least",
                   s->options.body_bytes_per_s_min);
}

/* Returns bytes used; negative when the body is refused. */
static ssize_t walk_body(struct http_request *r, struct str bytes, struct err *err)
{
    size_t used = 0;

    while (used < bytes.len && !r->framing.done) {
        struct str payload, rest = { bytes.p + used, bytes.len - used };
        ssize_t n = http1_body_next(&r->framing, rest, &payload, err);
        if (n >= 0 && append_body(r, payload, err) < 0)
            n = err->code;
        if (n < 0)
            return n;
        used += (size_t)n;
    }
    if (!r->framing.done && check_rate(r, err) < 0)
        return err->code;
    return (ssize_t)used;
}

size_t receive_body(struct connection *c, struct str bytes)
{
    struct http_request *r = c->request;
    struct err err;
    ssize_t used = walk_body(r, bytes, &err);

    if (used < 0) {
        r->framing.done = false; /* so that the connection closes */
        receive_refuse(c, &err);
        return bytes.len;
    }
    if (r->framing.done)
        run(r);
    else
        connection_arm(c, CONNECTION_BODY);
    return (size_t)used;
}
