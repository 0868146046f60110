#include "http/client_internal.h"

#include "base/mem.h"

enum {
    EXACT_MAX = 32,       /* lengths up to which a new one is taken as it is */
    SIGNIFICANT_BITS = 5, /* of a length that is rounded: a few hundred are possible at most */
};

void timeouts_init(struct timeouts *t, struct loop *loop, loop_deadline_fn *fire)
{
    *t = (struct timeouts){ .loop = loop, .fire = fire };
    list_init(&t->queues);
}

void timeouts_deinit(struct timeouts *t)
{
    while (!list_is_empty(&t->queues)) {
        struct timeout_queue *q = container_of(t->queues.next, struct timeout_queue, link);
        list_remove(&q->link);
        loop_deadlines_deinit(&q->deadlines);
        free(q);
    }
}

static uint64_t round_up(uint64_t ms)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(ms);
    uint64_t step = bits > SIGNIFICANT_BITS ? UINT64_C(1) << (bits - SIGNIFICANT_BITS) : 1;

    return ms > UINT64_MAX - step ? ms : (ms + step - 1) & ~(step - 1);
}

/* What is asked for again and again stands in front. */
static void move_to_front(struct timeouts *t, struct timeout_queue *q)
{
    list_remove(&q->link);
    list_push_back(t->queues.next, &q->link);
}

static struct timeout_queue *find(struct timeouts *t, uint64_t after_ms)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &t->queues) {
        struct timeout_queue *q = container_of(it, struct timeout_queue, link);
        if (q->deadlines.after_ms == after_ms) {
            move_to_front(t, q);
            return q;
        }
    }
    return NULL;
}

static struct timeout_queue *add(struct timeouts *t, uint64_t after_ms)
{
    struct timeout_queue *q = mem_alloc(1, sizeof(*q));

    loop_deadlines_init(t->loop, &q->deadlines, after_ms, t->fire);
    list_init(&q->link);
    move_to_front(t, q);
    t->queues_len++;
    return q;
}

struct loop_deadlines *timeouts_get(struct timeouts *t, uint64_t after_ms)
{
    struct timeout_queue *q;

    if (after_ms == 0)
        return NULL;
    q = find(t, after_ms);
    if (!q && t->queues_len >= EXACT_MAX) {
        after_ms = round_up(after_ms);
        q = find(t, after_ms);
    }
    if (!q)
        q = add(t, after_ms);
    return &q->deadlines;
}
