#include "release/test_world.h"

#include "base/clock.h"
#include "base/log.h"

uint64_t test_cpu_none(pid_t pid)
{
    (void)pid;
    return 0;
}

uint64_t test_cpu_little(pid_t pid)
{
    (void)pid;
    return clock_mono_us() / 4;
}

uint64_t test_cpu_plenty(pid_t pid)
{
    static uint64_t us;

    (void)pid;
    return us += 3600ULL * 1000 * 1000;
}

static void on_tick(struct loop_timer *timer)
{
    loop_stop(timer->loop);
}

void test_world_open(struct test_world *w, const char *host, uint64_t (*cpu_us)(pid_t pid))
{
    struct sandbox_options options;

    log_setup("test", LOG_ERROR, LOG_TEXT);
    sandbox_options_init(&options);
    options.host_path = host ? host : POLICY_HOST;
    options.host_cpu_us = cpu_us;
    *w = (struct test_world){ .loop = loop_new(NULL, NULL) };
    w->sandbox = sandbox_new(w->loop, &options);
    loop_timer_init(w->loop, &w->tick, on_tick);
}

void test_world_close(struct test_world *w)
{
    loop_timer_stop(&w->tick);
    sandbox_free(w->sandbox);
    loop_free(w->loop);
}

void test_world_run(struct test_world *w)
{
    loop_timer_start(&w->tick, 1);
    loop_run(w->loop);
}
