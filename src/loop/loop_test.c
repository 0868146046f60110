#include "loop/loop.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>

struct fixture {
    struct loop *loop;
    struct loop_timer timer;
    unsigned ticks, ticks_max;
    unsigned signals, others;
};

static void on_tick(struct loop_timer *timer)
{
    struct fixture *f = container_of(timer, struct fixture, timer);

    if (++f->ticks < f->ticks_max)
        loop_timer_start(timer, 1);
    else
        loop_stop(f->loop);
}

static void setup(struct fixture *f)
{
    *f = (struct fixture){ .loop = loop_new(NULL, NULL) };
    loop_timer_init(f->loop, &f->timer, on_tick);
}

static void the_loop_runs_until_it_is_stopped_and_then_again(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f);
    for (unsigned i = 1; i <= 2; i++) {
        uint64_t began_ms = loop_now_ms(f.loop);
        f.ticks_max = 3 * i;
        loop_timer_start(&f.timer, 1);
        loop_run(f.loop);
        assert_int_equal(f.ticks, 3 * i);
        assert_true(loop_now_ms(f.loop) >= began_ms + 3);
    }
    loop_free(f.loop);
}

static void a_stop_before_the_run_is_kept_and_two_count_as_one(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f);
    f.ticks_max = 1;
    loop_timer_start(&f.timer, 0);
    loop_stop(f.loop);
    loop_stop(f.loop);
    loop_run(f.loop);
    assert_int_equal(f.ticks, 0);
    loop_run(f.loop);
    assert_int_equal(f.ticks, 1);
    loop_free(f.loop);
}

static void a_loop_with_nothing_left_to_wait_for_returns(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f);
    loop_run(f.loop);
    loop_free(f.loop);
}

static void on_signal(void *data, int signum)
{
    struct fixture *f = data;

    assert_int_equal(signum, SIGUSR1);
    f->signals++;
    loop_stop(f->loop);
}

static void on_other_signal(void *data, int signum)
{
    (void)signum;
    ((struct fixture *)data)->others++;
}

static void a_signal_reaches_the_last_handler_given_for_it(void **state)
{
    struct fixture f;

    (void)state;
    setup(&f);
    loop_signal(f.loop, SIGUSR1, on_other_signal, &f);
    loop_signal(f.loop, SIGUSR2, on_other_signal, &f);
    loop_signal(f.loop, SIGUSR1, on_signal, &f);
    assert_int_equal(raise(SIGUSR1), 0);
    loop_run(f.loop);
    assert_int_equal(f.signals, 1);
    assert_int_equal(f.others, 0);
    loop_free(f.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_runs_until_it_is_stopped_and_then_again),
        cmocka_unit_test(a_stop_before_the_run_is_kept_and_two_count_as_one),
        cmocka_unit_test(a_loop_with_nothing_left_to_wait_for_returns),
        cmocka_unit_test(a_signal_reaches_the_last_handler_given_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
