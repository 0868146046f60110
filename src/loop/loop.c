#include "loop/loop.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>

struct signal_handler {
    uv_signal_t uv;
    struct list link; /* in loop::signals */
    loop_signal_fn *fn;
    void *data;
};

/* --- Life ------------------------------------------------------------------ */

struct loop *loop_new(uint64_t (*clock)(void *data), void *clock_data)
{
    struct loop *loop = mem_alloc(1, sizeof(*loop));

    if (uv_loop_init(&loop->uv) != 0)
        abort(); /* no descriptors at the start: nothing could work */
    loop->uv.data = loop;
    uv_timer_init(&loop->uv, &loop->alarm);
    list_init(&loop->timers);
    list_init(&loop->signals);
    list_init(&loop->orphans);
    loop->clock = clock;
    loop->clock_data = clock_data;
    loop->now_ms = clock ? clock(clock_data) : 0;

    /* libuv writes with write(): a peer that has gone is an error, not our end. */
    (void)signal(SIGPIPE, SIG_IGN);
    return loop;
}

static void on_signal_closed(uv_handle_t *handle)
{
    free(container_of(handle, struct signal_handler, uv));
}

static void close_signals(struct loop *loop)
{
    while (!list_is_empty(&loop->signals)) {
        struct signal_handler *h = container_of(loop->signals.next, struct signal_handler, link);
        list_remove(&h->link);
        uv_close((uv_handle_t *)&h->uv, on_signal_closed);
    }
}

/* Something was not closed before its loop: waiting for it would hang. */
static void refuse_open(uv_handle_t *handle, void *data)
{
    (void)data;
    if (uv_is_closing(handle))
        return;
    (void)fprintf(stderr, "loop_free: a %s is still open\n",
                  uv_handle_type_name(uv_handle_get_type(handle)));
    abort();
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    assert(list_is_empty(&loop->timers));
    close_signals(loop);
    child_close_orphans(loop);
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_walk(&loop->uv, refuse_open, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&loop->uv);
    assert(rc == 0);
    free(loop);
}

/* --- Turns ----------------------------------------------------------------- */

uint64_t loop_now_ms(const struct loop *loop)
{
    return loop->clock ? loop->now_ms : uv_now(&loop->uv);
}

/* libuv fires its timers before it waits, and would then wait without a limit. */
static void on_alarm(uv_timer_t *alarm)
{
    uv_stop(alarm->loop);
}

static unsigned fire(struct loop *loop)
{
    if (loop->clock)
        loop->now_ms = loop->clock(loop->clock_data);
    else
        uv_update_time(&loop->uv);
    return timers_fire(loop);
}

/* Let the sockets have their turn, waiting for them until the next timer is due. */
static void wait_turn(struct loop *loop)
{
    uv_run_mode mode = loop->is_stopped ? UV_RUN_NOWAIT : UV_RUN_ONCE;

    if (list_is_empty(&loop->timers)) {
        uv_timer_stop(&loop->alarm);
    } else {
        struct loop_timer *first = container_of(loop->timers.next, struct loop_timer, link);
        uint64_t now_ms = loop_now_ms(loop);
        if (first->due_ms <= now_ms)
            mode = UV_RUN_NOWAIT;
        else
            uv_timer_start(&loop->alarm, on_alarm, first->due_ms - now_ms, 0);
    }
    (void)uv_run(&loop->uv, mode);
}

void loop_run(struct loop *loop)
{
    while (!loop->is_stopped && (!list_is_empty(&loop->timers) || uv_loop_alive(&loop->uv))) {
        (void)fire(loop);
        wait_turn(loop);
    }
    loop->is_stopped = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopped = true;
}

unsigned loop_turn(struct loop *loop)
{
    unsigned fired = fire(loop);

    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    return fired;
}

/* --- Signals --------------------------------------------------------------- */

static void on_signal(uv_signal_t *uv, int signum)
{
    struct signal_handler *h = container_of(uv, struct signal_handler, uv);

    h->fn(h->data, signum);
}

static struct signal_handler *find_signal(struct loop *loop, int signum)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &loop->signals) {
        struct signal_handler *h = container_of(it, struct signal_handler, link);
        if (h->uv.signum == signum)
            return h;
    }
    struct signal_handler *h = mem_alloc(1, sizeof(*h));
    uv_signal_init(&loop->uv, &h->uv);
    list_push_back(&loop->signals, &h->link);
    int rc = uv_signal_start(&h->uv, on_signal, signum);
    assert(rc == 0); /* a signal that cannot be caught was asked for */
    return h;
}

void loop_signal(struct loop *loop, int signum, loop_signal_fn *fn, void *data)
{
    struct signal_handler *h = find_signal(loop, signum);

    h->fn = fn;
    h->data = data;
}
