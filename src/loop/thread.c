#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>

/* --- Work on the pool -------------------------------------------------------- */

struct offload {
    uv_work_t uv;
    void (*work)(void *data);
    void (*done)(void *data);
    void *data;
};

static void on_work(uv_work_t *uv)
{
    struct offload *o = container_of(uv, struct offload, uv);

    o->work(o->data);
}

static void on_work_done(uv_work_t *uv, int status)
{
    AUTO(free_ptr) struct offload *o = container_of(uv, struct offload, uv);

    assert(status == 0); /* nobody cancels it */
    o->done(o->data);
}

void loop_offload(struct loop *loop, void (*work)(void *data), void (*done)(void *data), void *data)
{
    struct offload *o = mem_alloc(1, sizeof(*o));

    o->work = work;
    o->done = done;
    o->data = data;
    int rc = uv_queue_work(&loop->uv, &o->uv, on_work, on_work_done);
    assert(rc == 0);
}

/* --- The doorbell ------------------------------------------------------------ */

struct loop_bell {
    uv_async_t uv;
    void (*fn)(void *data);
    void *data;
};

static void on_ring(uv_async_t *uv)
{
    struct loop_bell *bell = container_of(uv, struct loop_bell, uv);

    bell->fn(bell->data);
}

struct loop_bell *loop_bell_new(struct loop *loop, void (*fn)(void *data), void *data)
{
    struct loop_bell *bell = mem_alloc(1, sizeof(*bell));

    bell->fn = fn;
    bell->data = data;
    if (uv_async_init(&loop->uv, &bell->uv, on_ring) != 0)
        abort(); /* the descriptor behind all bells is made with the loop's first */
    return bell;
}

void loop_bell_ring(struct loop_bell *bell)
{
    (void)uv_async_send(&bell->uv);
}

static void on_bell_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct loop_bell, uv));
}

void loop_bell_free(struct loop_bell *bell)
{
    if (bell)
        uv_close((uv_handle_t *)&bell->uv, on_bell_closed);
}

/* --- Watched descriptors ----------------------------------------------------- */

struct loop_watch {
    uv_poll_t uv;
    void (*fn)(void *data);
    void *data;
};

/* After an error libuv watches no longer: the read that follows finds it. */
static void on_readable(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *watch = container_of(uv, struct loop_watch, uv);

    (void)status;
    (void)events;
    watch->fn(watch->data);
}

struct loop_watch *loop_watch_new(struct loop *loop, int fd, void (*fn)(void *data), void *data)
{
    AUTO(free_ptr) struct loop_watch *watch = mem_alloc(1, sizeof(*watch));

    watch->fn = fn;
    watch->data = data;
    if (uv_poll_init(&loop->uv, &watch->uv, fd) != 0)
        return NULL;
    int rc = uv_poll_start(&watch->uv, UV_READABLE, on_readable);
    assert(rc == 0);
    return TAKE(watch);
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct loop_watch, uv));
}

void loop_watch_free(struct loop_watch *watch)
{
    if (watch)
        uv_close((uv_handle_t *)&watch->uv, on_watch_closed);
}
