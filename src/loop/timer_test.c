#include "base/mem.h"
#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { RECORD_MAX = 16, MANY = 10000 };

/* A timer that writes its name down, and may do something to another. */
struct named {
    struct loop_timer timer;
    struct fixture *fixture;
    struct named *stops, *frees, *starts;
    unsigned repeats;
    char name;
};

struct fixture {
    struct loop *loop;
    uint64_t now_ms;
    char fired[RECORD_MAX + 1];
    size_t fired_len;
};

static uint64_t clock_of_fixture(void *data)
{
    return ((struct fixture *)data)->now_ms;
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){ .now_ms = 1000 };
    f->loop = loop_new(clock_of_fixture, f);
}

static unsigned advance(struct fixture *f, uint64_t ms)
{
    f->now_ms += ms;
    return loop_turn(f->loop);
}

static void on_fire(struct loop_timer *timer)
{
    struct named *n = container_of(timer, struct named, timer);
    struct fixture *f = n->fixture;

    assert_true(f->fired_len < RECORD_MAX);
    f->fired[f->fired_len++] = n->name;
    if (n->repeats > 0) {
        n->repeats--;
        loop_timer_start(timer, 0);
    }
    if (n->starts)
        loop_timer_start(&n->starts->timer, 0);
    if (n->stops)
        loop_timer_stop(&n->stops->timer);
    if (n->frees) {
        loop_timer_stop(&n->frees->timer);
        free(n->frees);
    }
}

static void init(struct fixture *f, struct named *n, char name)
{
    *n = (struct named){ .name = name, .fixture = f };
    loop_timer_init(f->loop, &n->timer, on_fire);
}

static void timers_fire_in_the_order_of_falling_due(void **state)
{
    struct fixture f;
    struct named n[4];

    (void)state;
    setup(&f);
    for (size_t i = 0; i < 4; i++)
        init(&f, &n[i], (char)('a' + i));
    loop_timer_start(&n[0].timer, 30);
    loop_timer_start(&n[1].timer, 10);
    loop_timer_start(&n[2].timer, 20);
    loop_timer_start(&n[3].timer, 10);
    assert_int_equal(advance(&f, 9), 0);
    assert_int_equal(advance(&f, 1), 2);
    assert_string_equal(f.fired, "bd");
    assert_int_equal(advance(&f, 100), 2);
    assert_string_equal(f.fired, "bdca");
    assert_int_equal(advance(&f, 100), 0);
    loop_free(f.loop);
}

static void starting_an_armed_timer_moves_it(void **state)
{
    struct fixture f;
    struct named n;

    (void)state;
    setup(&f);
    init(&f, &n, 'a');
    loop_timer_start(&n.timer, 10);
    assert_int_equal(advance(&f, 5), 0);
    loop_timer_start(&n.timer, 10);
    assert_int_equal(advance(&f, 5), 0);
    assert_true(loop_timer_is_armed(&n.timer));
    assert_int_equal(advance(&f, 5), 1);
    assert_false(loop_timer_is_armed(&n.timer));
    loop_free(f.loop);
}

static void a_stopped_timer_does_not_fire_and_stopping_twice_is_fine(void **state)
{
    struct fixture f;
    struct named n;

    (void)state;
    setup(&f);
    init(&f, &n, 'a');
    loop_timer_start(&n.timer, 10);
    loop_timer_stop(&n.timer);
    loop_timer_stop(&n.timer);
    assert_false(loop_timer_is_armed(&n.timer));
    assert_int_equal(advance(&f, 100), 0);
    loop_free(f.loop);
}

static void a_timer_of_zero_fires_in_the_next_turn_even_when_it_rearms_itself(void **state)
{
    struct fixture f;
    struct named n;

    (void)state;
    setup(&f);
    init(&f, &n, 'a');
    n.repeats = 2;
    loop_timer_start(&n.timer, 0);
    assert_int_equal(f.fired_len, 0);
    assert_int_equal(loop_turn(f.loop), 1);
    assert_int_equal(loop_turn(f.loop), 1);
    assert_int_equal(loop_turn(f.loop), 1);
    assert_int_equal(loop_turn(f.loop), 0);
    loop_free(f.loop);
}

static void a_callback_stops_a_timer_that_is_due_in_the_same_turn(void **state)
{
    struct fixture f;
    struct named a, b;

    (void)state;
    setup(&f);
    init(&f, &a, 'a');
    init(&f, &b, 'b');
    a.stops = &b;
    loop_timer_start(&a.timer, 1);
    loop_timer_start(&b.timer, 1);
    assert_int_equal(advance(&f, 1), 1);
    assert_string_equal(f.fired, "a");
    loop_free(f.loop);
}

static void a_callback_frees_a_timer_that_is_due_in_the_same_turn(void **state)
{
    struct fixture f;
    struct named a, *b = mem_alloc(1, sizeof(*b)), c;

    (void)state;
    setup(&f);
    init(&f, &a, 'a');
    init(&f, b, 'b');
    init(&f, &c, 'c');
    a.frees = b;
    loop_timer_start(&a.timer, 1);
    loop_timer_start(&b->timer, 1);
    loop_timer_start(&c.timer, 1);
    assert_int_equal(advance(&f, 1), 2);
    assert_string_equal(f.fired, "ac");
    loop_free(f.loop);
}

static void a_callback_restarts_a_timer_that_is_due_in_the_same_turn(void **state)
{
    struct fixture f;
    struct named a, b;

    (void)state;
    setup(&f);
    init(&f, &a, 'a');
    init(&f, &b, 'b');
    a.starts = &b;
    loop_timer_start(&a.timer, 1);
    loop_timer_start(&b.timer, 1);
    assert_int_equal(advance(&f, 1), 1);
    assert_int_equal(advance(&f, 0), 1);
    assert_string_equal(f.fired, "ab");
    loop_free(f.loop);
}

static void a_timer_beyond_the_end_of_time_is_armed_and_never_fires(void **state)
{
    struct fixture f;
    struct named n;

    (void)state;
    setup(&f);
    init(&f, &n, 'a');
    loop_timer_start(&n.timer, UINT64_MAX);
    assert_int_equal(advance(&f, UINT32_MAX), 0);
    assert_true(loop_timer_is_armed(&n.timer));
    loop_timer_stop(&n.timer);
    loop_free(f.loop);
}

/* --- Deadlines --------------------------------------------------------------- */

struct late {
    struct loop_deadline deadline;
    struct late_queue *queue;
    size_t number;
    bool rearms;
};

struct late_queue {
    struct loop_deadlines deadlines;
    size_t fired, last; /* how many, and the number of the last */
    bool in_order;
    struct late *disarms; /* by the next that fires */
    bool deinits;         /* the next that fires ends the queue */
};

static void on_late(struct loop_deadline *deadline)
{
    struct late *l = container_of(deadline, struct late, deadline);
    struct late_queue *q = l->queue;

    q->in_order = q->in_order && (q->fired == 0 || l->number > q->last);
    q->fired++;
    q->last = l->number;
    if (l->rearms)
        loop_deadline_arm(&q->deadlines, deadline);
    if (q->disarms)
        loop_deadline_disarm(&TAKE(q->disarms)->deadline);
    if (q->deinits)
        loop_deadlines_deinit(&q->deadlines);
}

static void late_init(struct fixture *f, struct late_queue *q, uint64_t after_ms)
{
    setup(f);
    *q = (struct late_queue){ .in_order = true };
    loop_deadlines_init(f->loop, &q->deadlines, after_ms, on_late);
}

static struct late *late_many(struct late_queue *q, size_t count)
{
    struct late *all = mem_alloc(count, sizeof(*all));

    for (size_t i = 0; i < count; i++) {
        all[i].queue = q;
        all[i].number = i;
    }
    return all;
}

static void ten_thousand_deadlines_fall_due_in_the_order_of_arming(void **state)
{
    struct fixture f;
    struct late_queue q;
    AUTO(free_ptr) struct late *all = late_many(&q, MANY);

    (void)state;
    late_init(&f, &q, 100);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 100 == 0)
            f.now_ms++; /* one hundred in each millisecond */
        (void)loop_turn(f.loop);
        loop_deadline_arm(&q.deadlines, &all[i].deadline);
    }
    assert_int_equal(q.fired, 0);
    for (size_t i = 0; i < MANY; i += 2)
        loop_deadline_disarm(&all[i].deadline);
    (void)advance(&f, 50);
    assert_int_equal(q.fired, MANY / 4); /* armed 100 ms ago or earlier, and not disarmed */
    (void)advance(&f, 50);
    assert_int_equal(q.fired, MANY / 2);
    assert_true(q.in_order);
    loop_deadlines_deinit(&q.deadlines);
    loop_free(f.loop);
}

static void arming_again_starts_the_time_anew(void **state)
{
    struct fixture f;
    struct late_queue q;
    struct late l = { .queue = &q };

    (void)state;
    late_init(&f, &q, 10);
    loop_deadline_arm(&q.deadlines, &l.deadline);
    (void)advance(&f, 9);
    loop_deadline_arm(&q.deadlines, &l.deadline);
    (void)advance(&f, 9);
    assert_int_equal(q.fired, 0);
    (void)advance(&f, 1);
    assert_int_equal(q.fired, 1);
    loop_deadlines_deinit(&q.deadlines);
    loop_free(f.loop);
}

static void a_zeroed_deadline_may_be_disarmed_and_a_disarmed_one_armed(void **state)
{
    struct fixture f;
    struct late_queue q;
    struct late l = { .queue = &q };

    (void)state;
    late_init(&f, &q, 10);
    loop_deadline_disarm(&l.deadline);
    loop_deadline_arm(&q.deadlines, &l.deadline);
    loop_deadline_disarm(&l.deadline);
    loop_deadline_disarm(&l.deadline);
    (void)advance(&f, 10);
    assert_int_equal(q.fired, 0);
    loop_deadline_arm(&q.deadlines, &l.deadline);
    (void)advance(&f, 10);
    assert_int_equal(q.fired, 1);
    loop_deadlines_deinit(&q.deadlines);
    loop_free(f.loop);
}

static void deadlines_after_zero_never_fall_due(void **state)
{
    struct fixture f;
    struct late_queue q;
    struct late l = { .queue = &q };

    (void)state;
    late_init(&f, &q, 0);
    loop_deadline_arm(&q.deadlines, &l.deadline);
    assert_int_equal(advance(&f, 1000), 0);
    assert_int_equal(q.fired, 0);
    loop_deadline_disarm(&l.deadline);
    loop_deadlines_deinit(&q.deadlines);
    loop_free(f.loop);
}

static void a_deadline_rearms_itself_and_disarms_another_when_it_falls_due(void **state)
{
    struct fixture f;
    struct late_queue q;
    AUTO(free_ptr) struct late *all = late_many(&q, 3);

    (void)state;
    late_init(&f, &q, 10);
    for (size_t i = 0; i < 3; i++)
        loop_deadline_arm(&q.deadlines, &all[i].deadline);
    all[0].rearms = true;
    q.disarms = &all[1];
    (void)advance(&f, 10);
    assert_int_equal(q.fired, 2); /* 0 and 2 */
    all[0].rearms = false;
    (void)advance(&f, 10);
    assert_int_equal(q.fired, 3);
    assert_int_equal(q.last, 0);
    loop_deadlines_deinit(&q.deadlines);
    loop_free(f.loop);
}

static void a_callback_may_end_its_own_queue(void **state)
{
    struct fixture f;
    struct late_queue q;
    AUTO(free_ptr) struct late *all = late_many(&q, 3);

    (void)state;
    late_init(&f, &q, 10);
    for (size_t i = 0; i < 3; i++)
        loop_deadline_arm(&q.deadlines, &all[i].deadline);
    q.deinits = true;
    (void)advance(&f, 10);
    assert_int_equal(q.fired, 1);
    loop_free(f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_the_order_of_falling_due),
        cmocka_unit_test(starting_an_armed_timer_moves_it),
        cmocka_unit_test(a_stopped_timer_does_not_fire_and_stopping_twice_is_fine),
        cmocka_unit_test(a_timer_of_zero_fires_in_the_next_turn_even_when_it_rearms_itself),
        cmocka_unit_test(a_callback_stops_a_timer_that_is_due_in_the_same_turn),
        cmocka_unit_test(a_callback_frees_a_timer_that_is_due_in_the_same_turn),
        cmocka_unit_test(a_callback_restarts_a_timer_that_is_due_in_the_same_turn),
        cmocka_unit_test(a_timer_beyond_the_end_of_time_is_armed_and_never_fires),
        cmocka_unit_test(ten_thousand_deadlines_fall_due_in_the_order_of_arming),
        cmocka_unit_test(arming_again_starts_the_time_anew),
        cmocka_unit_test(a_zeroed_deadline_may_be_disarmed_and_a_disarmed_one_armed),
        cmocka_unit_test(deadlines_after_zero_never_fall_due),
        cmocka_unit_test(a_deadline_rearms_itself_and_disarms_another_when_it_falls_due),
        cmocka_unit_test(a_callback_may_end_its_own_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
