#include "base/clock.h"
#include "base/mem.h"
#include "gpu/gpu.h"
#include "loop/loop.h"

#include <pthread.h>
#include <string.h>

enum {
    EVERY_MS = 1000,       /* by NVML: cheap */
    EVERY_DEAR_MS = 3000,  /* by a program or many small files */
    EVERY_NONE_MS = 60000, /* nothing was found: a driver may be loaded yet */
    STACK_BYTES = 512 * 1024,
};

/* What the thread of a look shares with the loop; freed by whoever is last. */
struct shared {
    pthread_mutex_t lock;
    struct loop_bell *bell; /* NULL once the watch has gone */
    bool is_running;        /* the thread has not come back */
    struct gpu_look *look;
    struct gpu_sample sample; /* the thread's while it runs */
};

struct gpu_watch {
    struct loop *loop;
    const struct gpu_options *options;
    gpu_sample_fn *on_sample;
    void *data;
    struct shared *shared;
    struct loop_timer timer; /* to the next look, or to the end of patience with this one */
    bool is_looking;         /* the bell has not been heard */
};

static void shared_free(struct shared *s)
{
    gpu_look_free(s->look);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

static void *look_once(void *data)
{
    struct shared *s = data;

    gpu_look(s->look, &s->sample);
    (void)pthread_mutex_lock(&s->lock);
    bool is_wanted = s->bell != NULL;
    s->is_running = false;
    if (is_wanted)
        loop_bell_ring(s->bell);
    (void)pthread_mutex_unlock(&s->lock);
    if (!is_wanted)
        shared_free(s);
    return NULL;
}

static bool start_thread(struct shared *s)
{
    pthread_attr_t attributes;
    pthread_t thread;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int rc = pthread_create(&thread, &attributes, look_once, s);
    (void)pthread_attr_destroy(&attributes);
    return rc == 0;
}

static void start_look(struct gpu_watch *w)
{
    w->shared->is_running = w->is_looking = true;
    if (!start_thread(w->shared))
        w->shared->is_running = w->is_looking = false;
    loop_timer_start(&w->timer, w->options->answer_ms);
}

static void report_none(struct gpu_watch *w)
{
    AUTO(free_ptr) struct gpu_sample *none = mem_alloc(1, sizeof(*none));

    none->source = "none";
    (void)str_copy(none->problem, sizeof(none->problem),
                   str_of("the GPU driver does not answer; its figures are left out"));
    w->on_sample(w->data, none);
}

static void on_timer(struct loop_timer *timer)
{
    struct gpu_watch *w = container_of(timer, struct gpu_watch, timer);

    bool was_looking = w->is_looking;

    if (!was_looking)
        start_look(w);
    /* A thread that is late may come back yet: no second one is started meanwhile. */
    if (was_looking || !w->is_looking)
        report_none(w);
}

static uint64_t next_look_ms(const struct gpu_sample *s)
{
    if (s->gpus_len == 0)
        return EVERY_NONE_MS;
    return strcmp(s->source, "nvml") == 0 ? EVERY_MS : EVERY_DEAR_MS;
}

static void on_bell(void *data)
{
    struct gpu_watch *w = data;

    if (!w->is_looking)
        return;
    w->is_looking = false;
    loop_timer_start(&w->timer, next_look_ms(&w->shared->sample));
    w->on_sample(w->data, &w->shared->sample);
}

struct gpu_watch *gpu_watch_new(struct loop *loop, const struct gpu_options *options,
                                gpu_sample_fn *on_sample, void *data)
{
    struct gpu_watch *w = mem_alloc(1, sizeof(*w));

    w->loop = loop;
    w->options = options;
    w->on_sample = on_sample;
    w->data = data;
    w->shared = mem_alloc(1, sizeof(*w->shared));
    (void)pthread_mutex_init(&w->shared->lock, NULL);
    w->shared->look = gpu_look_new(options);
    w->shared->bell = loop_bell_new(loop, on_bell, w);
    loop_timer_init(loop, &w->timer, on_timer);
    start_look(w);
    return w;
}

void gpu_watch_free(struct gpu_watch *w)
{
    if (!w)
        return;
    struct shared *s = w->shared;
    loop_timer_stop(&w->timer);
    (void)pthread_mutex_lock(&s->lock);
    struct loop_bell *bell = TAKE(s->bell);
    bool is_running = s->is_running;
    (void)pthread_mutex_unlock(&s->lock);
    loop_bell_free(bell);
    if (!is_running)
        shared_free(s);
    free(w);
}
