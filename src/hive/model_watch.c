#include "hive/model_watch.h"

#include "base/mem.h"
#include "loop/loop.h"

struct model_watch {
    struct loop *loop;
    const char *dir;
    uint64_t every_ms;
    model_watch_fn *on_scan;
    void *data;
    struct loop_timer timer;
    uint64_t scan;   /* number of the scan that runs, or ran last */
    uint64_t wanted; /* and of the one that somebody waits for */
    bool is_scanning, is_freed;
    struct model_list found; /* the pool's thread's while is_scanning */
    struct err err;
    int rc;
};

static void work(void *data)
{
    struct model_watch *w = data;

    w->rc = model_list_scan(w->dir, &w->found, &w->err);
}

static void destroy(struct model_watch *w)
{
    model_list_free(&w->found);
    free(w);
}

static void done(void *data)
{
    struct model_watch *w = data;

    w->is_scanning = false;
    if (w->is_freed) {
        destroy(w);
        return;
    }
    loop_timer_start(&w->timer, w->wanted > w->scan ? 0 : w->every_ms);
    w->on_scan(w->data, w->scan, w->rc == 0 ? &w->found : NULL, w->rc == 0 ? NULL : &w->err);
    model_list_free(&w->found);
}

static void on_timer(struct loop_timer *timer)
{
    struct model_watch *w = container_of(timer, struct model_watch, timer);

    w->is_scanning = true;
    w->scan++;
    loop_offload(w->loop, work, done, w);
}

struct model_watch *model_watch_new(struct loop *loop, const char *dir, uint64_t every_ms,
                                    model_watch_fn *on_scan, void *data)
{
    struct model_watch *w = mem_alloc(1, sizeof(*w));

    w->loop = loop;
    w->dir = dir;
    w->every_ms = every_ms;
    w->on_scan = on_scan;
    w->data = data;
    loop_timer_init(loop, &w->timer, on_timer);
    loop_timer_start(&w->timer, 0);
    return w;
}

void model_watch_free(struct model_watch *w)
{
    if (!w)
        return;
    loop_timer_stop(&w->timer);
    if (w->is_scanning)
        w->is_freed = true; /* done() follows */
    else
        destroy(w);
}

uint64_t model_watch_now(struct model_watch *w)
{
    w->wanted = w->scan + 1;
    if (!w->is_scanning)
        loop_timer_start(&w->timer, 0);
    return w->wanted;
}
