/* The engine's thread: load the model, then step by step decode whatever runs. What it
 * made is freed by engine_close(): the thread pool uses the model too. */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/decoder.h"
#include "engine/embedder.h"

#include <assert.h>

static bool is_stopping(const struct engine *e)
{
    return __atomic_load_n(&e->is_stopping, __ATOMIC_RELAXED);
}

static bool should_abort(void *data)
{
    if (!is_stopping(data))
        return false;
    model_hush();
    return true;
}

/* --- Loading ------------------------------------------------------------- */

static bool on_progress(float progress, void *data)
{
    struct engine *e = data;

    pthread_mutex_lock(&e->lock);
    e->stats.load_progress = (double)progress;
    pthread_mutex_unlock(&e->lock);
    return !is_stopping(e);
}

static int load(struct engine *e, struct err *err)
{
    if (model_load(&e->model, &e->options, on_progress, e, err) < 0 ||
        decoder_new(&e->model, should_abort, e, &e->decoder, err) < 0)
        return err->code;
    e->embedder = embedder_new(&e->model, should_abort, e);
    return 0;
}

static bool load_and_tell(struct engine *e)
{
    struct err err = { 0 };
    bool is_loaded = load(e, &err) == 0;

    pthread_mutex_lock(&e->lock);
    e->is_loaded = e->stats.is_loaded = is_loaded;
    e->stats.load_progress = is_loaded ? 1.0 : e->stats.load_progress;
    e->load_err = err;
    pthread_mutex_unlock(&e->lock);
    loop_bell_ring(e->bell);
    return is_loaded;
}

/* --- Choosing the work (under the lock) ---------------------------------- */

static bool has_room_for(const struct engine *e, const struct engine_run *run)
{
    return run->embed ? embedder_has_room(e->embedder) : decoder_has_room(e->decoder);
}

static bool is_held_up(const struct engine_run *run)
{
    return run->is_paused || buf_len(&run->unread) > ENGINE_UNREAD_BYTES_MAX;
}

static bool has_work(const struct engine *e)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &e->active) {
        const struct engine_run *run = container_of(it, struct engine_run, queue_link);
        if (run->is_cancelled || !is_held_up(run))
            return true;
    }
    LIST_FOREACH(it, tmp, &e->waiting) {
        if (has_room_for(e, container_of(it, struct engine_run, queue_link)))
            return true;
    }
    return false;
}

static struct engine_run *take_waiting(struct engine *e)
{
    struct engine_run *taken = NULL;
    struct list *it, *tmp;

    pthread_mutex_lock(&e->lock);
    LIST_FOREACH(it, tmp, &e->waiting) {
        struct engine_run *run = container_of(it, struct engine_run, queue_link);
        if (!taken && has_room_for(e, run)) {
            taken = run;
            run->state = RUN_ACTIVE;
            list_remove(&run->queue_link);
            list_push_back(&e->active, &run->queue_link);
        }
    }
    pthread_mutex_unlock(&e->lock);
    return taken;
}

/* First come, first served; but a run that embeds does not wait for a slot, nor one
 * that generates for the embedder. */
static void start_waiting(struct engine *e)
{
    struct engine_run *run;

    while ((run = take_waiting(e)) != NULL) {
        run->task.timings.waited_us = clock_mono_us() - run->submitted_us;
        if (run->embed)
            embedder_start(e->embedder, &run->task);
        else
            decoder_start(e->decoder, &run->task);
    }
}

static void brief_tasks(struct engine *e)
{
    struct list *it, *tmp;

    pthread_mutex_lock(&e->lock);
    LIST_FOREACH(it, tmp, &e->active) {
        struct engine_run *run = container_of(it, struct engine_run, queue_link);
        run->task.is_cancelled = run->is_cancelled;
        run->task.is_paused = is_held_up(run);
    }
    pthread_mutex_unlock(&e->lock);
}

/* False when the engine is being closed. */
static bool wait_for_work(struct engine *e)
{
    pthread_mutex_lock(&e->lock);
    while (!e->is_stopping && !has_work(e))
        (void)pthread_cond_wait(&e->wake, &e->lock);
    pthread_mutex_unlock(&e->lock);
    return !is_stopping(e);
}

/* --- Handing on ---------------------------------------------------------- */

static void publish_run(struct engine *e, struct engine_run *run)
{
    struct str records = buf_str(&run->task.out);

    (void)buf_add(&run->unread, records.p, records.len);
    assert(!run->unread.overflowed);
    buf_clear(&run->task.out);
    list_remove(&run->ready_link);
    list_push_back(&e->ready, &run->ready_link);
    if (run->task.is_over) {
        e->stats.prompt_tokens_total += run->task.timings.prompt_tokens;
        e->stats.cached_tokens_total += run->task.timings.cached_tokens;
        list_remove(&run->queue_link);
        run->state = RUN_OVER; /* from here on it is the loop's */
    }
}

static void publish_stats(struct engine *e, uint64_t busy_us)
{
    struct decoder_stats now;
    const struct engine_facts *facts = &e->model.facts;

    decoder_get_stats(e->decoder, &now);
    e->stats.active = now.active;
    e->stats.kv_used_percent =
        (unsigned)(now.kv_used * 100 / ((uint64_t)facts->slots * facts->ctx));
    e->stats.output_tokens_total = now.output_tokens_total;
    e->stats.steps_total = now.steps_total;
    e->stats.busy_us_total += busy_us;
}

static void publish(struct engine *e, uint64_t busy_us)
{
    struct list *it, *tmp;
    bool said;

    pthread_mutex_lock(&e->lock);
    LIST_FOREACH(it, tmp, &e->active) {
        struct engine_run *run = container_of(it, struct engine_run, queue_link);
        if (buf_len(&run->task.out) > 0)
            publish_run(e, run);
    }
    publish_stats(e, busy_us);
    said = !list_is_empty(&e->ready);
    pthread_mutex_unlock(&e->lock);
    if (said)
        loop_bell_ring(e->bell);
}

void *engine_thread(void *engine)
{
    struct engine *e = engine;

    if (load_and_tell(e)) {
        while (wait_for_work(e)) {
            uint64_t began_us = clock_mono_us();
            start_waiting(e);
            brief_tasks(e);
            (void)decoder_step(e->decoder);
            (void)embedder_step(e->embedder);
            publish(e, clock_mono_us() - began_us);
        }
    }
    return NULL;
}
