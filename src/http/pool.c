#include "http/client_internal.h"

#include "base/mem.h"

struct pool *pool_ref(struct http_client *c, const struct endpoint *to)
{
    char name[ENDPOINT_TEXT_SIZE];
    struct pool *p;

    endpoint_text(to, name);
    p = map_get(&c->pools, str_of(name));
    if (!p) {
        p = mem_alloc(1, sizeof(*p));
        p->client = c;
        p->to = *to;
        memcpy(p->name, name, sizeof(name));
        list_init(&p->idle);
        (void)map_put(&c->pools, str_of(name), p);
    }
    p->users++;
    return p;
}

void pool_unref(struct pool *p)
{
    if (--p->users > 0)
        return;
    (void)map_remove(&p->client->pools, str_of(p->name));
    free(p);
}

static void unlink_idle(struct client_connection *c)
{
    if (c->call)
        return;
    list_remove(&c->link);
    loop_deadline_disarm(&c->deadline);
    c->pool->idle_len--;
}

void pool_close(struct client_connection *c, bool with_reset)
{
    unlink_idle(c);
    if (with_reset)
        stream_reset(c->stream);
    else
        stream_close(c->stream);
    pool_unref(c->pool);
    free(c);
}

void pool_on_idle_end(struct loop_deadline *deadline)
{
    pool_close(container_of(deadline, struct client_connection, deadline), false);
}

void pool_read(struct client_connection *c, bool on)
{
    if (c->is_reading == on)
        return;
    c->is_reading = on;
    if (on)
        stream_read_start(c->stream);
    else
        stream_read_stop(c->stream);
}

/* --- What the stream tells ----------------------------------------------- */

static void on_connect(void *data, const struct err *err)
{
    struct client_connection *c = data;

    call_on_connect(c->call, err);
}

/* Nobody asked for bytes on an idle connection: whatever they are, it is done for. */
static void on_read(void *data, char *bytes, size_t len)
{
    struct client_connection *c = data;

    if (c->call)
        call_on_read(c->call, (struct str){ bytes, len });
    else
        pool_close(c, false);
}

static void on_drain(void *data)
{
    struct client_connection *c = data;

    if (c->call)
        call_on_drain(c->call);
}

static void on_end(void *data, int sys_errno)
{
    struct client_connection *c = data;

    if (c->call)
        call_on_closed(c->call, sys_errno);
    else
        pool_close(c, false);
}

static const struct stream_events events = {
    .on_read = on_read,
    .on_drain = on_drain,
    .on_end = on_end,
};

/* --- Lending ------------------------------------------------------------- */

struct client_connection *pool_take(struct pool *p, struct http_call *call)
{
    if (list_is_empty(&p->idle))
        return NULL;
    struct client_connection *c = container_of(p->idle.prev, struct client_connection, link);
    unlink_idle(c);
    c->call = call;
    return c;
}

struct client_connection *pool_open(struct pool *p, struct http_call *call)
{
    struct client_connection *c = mem_alloc(1, sizeof(*c));

    c->pool = p;
    c->call = call;
    list_init(&c->link);
    p->users++;
    c->stream = stream_connect(p->client->loop, &p->to, on_connect, &events, c);
    return c;
}

void pool_keep(struct client_connection *c)
{
    struct pool *p = c->pool;

    if (p->idle_len >= p->client->options.idle_per_endpoint_max) {
        pool_close(c, false);
        return;
    }
    c->call = NULL;
    list_push_back(&p->idle, &c->link);
    p->idle_len++;
    loop_deadline_arm(&p->client->idle, &c->deadline);
    pool_read(c, true);
}
