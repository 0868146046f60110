#include "base/mem.h"
#include "loop/internal.h"

enum { SLACK_PART = 64 };

/* --- Timers ---------------------------------------------------------------- */

static struct loop_timer *of(struct list *link)
{
    return container_of(link, struct loop_timer, link);
}

void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn *fire)
{
    *timer = (struct loop_timer){ .loop = loop, .fire = fire };
    list_init(&timer->link);
}

void loop_timer_start(struct loop_timer *timer, uint64_t in_ms)
{
    struct loop *loop = timer->loop;
    struct list *before;

    list_remove(&timer->link);
    if (__builtin_add_overflow(loop_now_ms(loop), in_ms, &timer->due_ms))
        timer->due_ms = UINT64_MAX;

    /* From the back: most timers are longer than those that are armed already,
     * and equals fire in the order in which they were armed. */
    before = loop->timers.prev;
    while (before != &loop->timers && of(before)->due_ms > timer->due_ms)
        before = before->prev;
    list_push_back(before->next, &timer->link);
}

void loop_timer_stop(struct loop_timer *timer)
{
    list_remove(&timer->link);
}

bool loop_timer_is_armed(const struct loop_timer *timer)
{
    return !list_is_empty(&timer->link);
}

/* Two passes: collect, then fire. A callback that re-arms itself with 0 ms runs in
 * the next turn, so one broken timer cannot starve the sockets. What was collected
 * stays linked, so that a callback may stop or free any of it. */
unsigned timers_fire(struct loop *loop)
{
    uint64_t now_ms = loop_now_ms(loop);
    struct list due;
    unsigned fired = 0;

    list_init(&due);
    while (!list_is_empty(&loop->timers) && of(loop->timers.next)->due_ms <= now_ms) {
        struct list *first = loop->timers.next;
        list_remove(first);
        list_push_back(&due, first);
    }
    while (!list_is_empty(&due)) {
        struct loop_timer *timer = of(due.next);
        list_remove(&timer->link);
        timer->fire(timer);
        fired++;
    }
    return fired;
}

/* --- Deadlines ------------------------------------------------------------- */

static struct loop_deadline *first_of(const struct loop_deadlines *q)
{
    return list_is_empty(&q->armed) ? NULL
                                    : container_of(q->armed.next, struct loop_deadline, link);
}

/* The timer stands at the first deadline or before it: disarming leaves it alone,
 * and the wake-up for nothing that follows comes once per `after_ms`. */
static void on_first_due(struct loop_timer *timer)
{
    struct loop_deadlines *q = container_of(timer, struct loop_deadlines, timer);
    struct loop *loop = timer->loop;
    uint64_t now_ms = loop_now_ms(loop);
    struct loop_deadline *d;

    loop->falling_due = q;
    while (loop->falling_due == q && (d = first_of(q)) && d->due_ms <= now_ms) {
        list_remove(&d->link);
        q->fire(d);
    }
    if (loop->falling_due == q && (d = first_of(q)))
        loop_timer_start(&q->timer, d->due_ms - now_ms);
    loop->falling_due = NULL;
}

void loop_deadlines_init(struct loop *loop, struct loop_deadlines *q, uint64_t after_ms,
                         loop_deadline_fn *fire)
{
    *q = (struct loop_deadlines){ .after_ms = after_ms, .fire = fire };
    list_init(&q->armed);
    loop_timer_init(loop, &q->timer, on_first_due);
}

void loop_deadlines_deinit(struct loop_deadlines *q)
{
    struct loop *loop = q->timer.loop;

    loop_timer_stop(&q->timer);
    while (!list_is_empty(&q->armed))
        list_remove(q->armed.next);
    if (loop->falling_due == q)
        loop->falling_due = NULL; /* called by one of its own callbacks */
}

static uint64_t due_from_now(const struct loop_deadlines *q)
{
    uint64_t due_ms;

    return __builtin_add_overflow(loop_now_ms(q->timer.loop), q->after_ms, &due_ms) ? UINT64_MAX
                                                                                    : due_ms;
}

static bool is_armed_in(const struct loop_deadlines *q, const struct loop_deadline *d)
{
    return d->queue == q && d->link.next && !list_is_empty(&d->link);
}

void loop_deadline_arm(struct loop_deadlines *q, struct loop_deadline *d)
{
    uint64_t due_ms = due_from_now(q);

    if (is_armed_in(q, d) && due_ms - d->placed_ms <= q->after_ms / SLACK_PART) {
        d->due_ms = due_ms;
        return;
    }
    loop_deadline_disarm(d);
    if (q->after_ms == 0)
        return;
    list_init(&d->link);
    d->queue = q;
    d->due_ms = d->placed_ms = due_ms;
    list_push_back(&q->armed, &d->link);
    if (!loop_timer_is_armed(&q->timer))
        loop_timer_start(&q->timer, q->after_ms);
}

void loop_deadline_disarm(struct loop_deadline *d)
{
    if (d->link.next) /* NULL: zeroed, never armed */
        list_remove(&d->link);
}
