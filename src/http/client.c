#include "http/client_internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>

enum { REQUEST_HEAD_BYTES_MAX = 256 * 1024 }; /* more than one request of ours can ask for */

void http_client_options_init(struct http_client_options *o)
{
    *o = (struct http_client_options){ .idle_per_endpoint_max = 256,
                                       .idle_timeout_ms = 30UL * 1000 };
}

struct http_client *http_client_new(struct loop *loop, const struct http_client_options *options)
{
    struct http_client *c = mem_alloc(1, sizeof(*c));

    c->loop = loop;
    c->options = *options;
    map_init(&c->pools);
    loop_deadlines_init(loop, &c->idle, options->idle_timeout_ms, pool_on_idle_end);
    timeouts_init(&c->phases, loop, call_on_phase_late);
    timeouts_init(&c->totals, loop, call_on_total_late);
    buf_init(&c->out, REQUEST_HEAD_BYTES_MAX);
    return c;
}

/* The pool may go with its last connection. */
static void close_idle(struct pool *p)
{
    p->users++;
    while (!list_is_empty(&p->idle))
        pool_close(container_of(p->idle.next, struct client_connection, link), false);
    pool_unref(p);
}

void http_client_free(struct http_client *c)
{
    struct map_entry *it, *tmp;

    if (!c)
        return;
    assert(c->calls == 0);
    MAP_FOREACH(it, tmp, &c->pools)
        close_idle(map_value(it));
    map_deinit(&c->pools);
    loop_deadlines_deinit(&c->idle);
    timeouts_deinit(&c->phases);
    timeouts_deinit(&c->totals);
    buf_deinit(&c->out);
    free(c);
}

void http_client_forget(struct http_client *c, const struct endpoint *to)
{
    char name[ENDPOINT_TEXT_SIZE];
    struct pool *p;

    endpoint_text(to, name);
    p = map_get(&c->pools, str_of(name));
    if (p)
        close_idle(p);
}

/* --- Request heads ------------------------------------------------------- */

static void add_field(struct buf *out, const char *name, struct str value)
{
    if (!http1_write_field(out, name, value))
        log_error("header of a request dropped: it holds a line break", LOG_STR("header", name));
}

static void add_bearer(struct buf *out, const char *token)
{
    struct buf value;

    buf_init(&value, REQUEST_HEAD_BYTES_MAX);
    (void)buf_puts(&value, "Bearer ");
    (void)buf_puts(&value, token);
    add_field(out, "Authorization", buf_str(&value));
    buf_deinit(&value);
}

static bool carries_length(const struct http_call_options *o)
{
    return o->body.len > 0 || strcmp(o->method, "POST") == 0 || strcmp(o->method, "PUT") == 0;
}

struct str client_write_head(struct http_client *c, const struct http_call_options *o,
                             const char *endpoint)
{
    struct buf *out = &c->out;

    buf_clear(out);
    bool is_written = http1_write_request_line(out, o->method, o->target);

    assert(is_written); /* targets are ours, or were parsed by http1 */
    if (!o->host)
        endpoint = o->to.is_unix ? "localhost" : endpoint;
    add_field(out, "Host", str_of(o->host ? o->host : endpoint));
    if (carries_length(o)) {
        (void)buf_puts(out, "Content-Length: ");
        (void)buf_put_uint(out, o->body.len);
        (void)buf_puts(out, "\r\n");
    }
    if (o->content_type)
        add_field(out, "Content-Type", str_of(o->content_type));
    if (o->bearer && o->bearer[0])
        add_bearer(out, o->bearer);
    for (size_t i = 0; i < HTTP_CALL_HEADERS_MAX && o->headers[i].name; i++)
        add_field(out, o->headers[i].name, o->headers[i].value);
    (void)buf_puts(out, "\r\n");
    assert(!out->overflowed);
    return buf_str(out);
}
