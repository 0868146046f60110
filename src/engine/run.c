/* The loop's side of a run: submit, cancel, and hand out what the engine says. */
#include "engine/engine.h"
#include "engine/internal.h"

#include "base/clock.h"
#include "base/mem.h"
#include "engine/prepare.h"
#include "engine/record.h"

#include <assert.h>
#include <string.h>

enum { BUSY_RETRY_MS = 1000, LOADING_RETRY_MS = 2000 };

/* --- Life ---------------------------------------------------------------- */

static void copy_stops(struct engine_run *run, const struct engine_run_options *options)
{
    size_t bytes = 0;

    assert(options->stops_len <= ENGINE_STOPS_MAX);
    for (size_t i = 0; i < options->stops_len; i++)
        bytes += options->stops[i].len;
    run->stop_text = mem_alloc(bytes, 1);
    char *to = run->stop_text;
    for (size_t i = 0; i < options->stops_len; i++) {
        assert(options->stops[i].len > 0 && options->stops[i].len <= ENGINE_STOP_BYTES_MAX);
        run->task.stops[i] = (struct str){ to, options->stops[i].len };
        to = mempcpy(to, options->stops[i].p, options->stops[i].len);
    }
    run->task.stops_len = options->stops_len;
}

static struct engine_run *run_new(struct engine *e, const struct engine_run_options *options)
{
    struct engine_run *run = mem_alloc(1, sizeof(*run));

    assert(options->top_logprobs >= -1 && options->top_logprobs <= ENGINE_TOP_LOGPROBS_MAX);
    run->engine = e;
    run->prompt = options->prompt;
    run->embed = options->embed;
    run->events = options->events;
    run->data = options->data;
    run->submitted_us = clock_mono_us();
    run->task.sampling = options->sampling;
    run->task.max_tokens = options->max_tokens;
    run->task.top_logprobs = options->top_logprobs;
    copy_stops(run, options);
    buf_init(&run->task.out, RUN_RECORDS_BYTES_MAX);
    buf_init(&run->unread, RUN_RECORDS_BYTES_MAX);
    list_init(&run->queue_link);
    list_init(&run->ready_link);
    list_push_back(&e->runs, &run->link);
    e->runs_len++;
    return run;
}

static void unlink_run(struct engine_run *run)
{
    if (run->engine && !list_is_empty(&run->link))
        run->engine->runs_len--;
    list_remove(&run->link);
}

static void release_prompt(struct engine_run *run)
{
    if (run->prompt.release)
        run->prompt.release(run->prompt.owner);
    run->prompt.release = NULL;
}

void run_free(struct engine_run *run)
{
    unlink_run(run);
    release_prompt(run);
    buf_deinit(&run->task.out);
    buf_deinit(&run->unread);
    free(run->task.tokens);
    free(run->task.input_ends);
    free(run->stop_text);
    free(run);
}

/* --- Preparing ----------------------------------------------------------- */

/* What clients call it. */
static const char *prompt_field(const struct engine_run *run)
{
    if (run->embed)
        return "input";
    return run->prompt.messages_len > 0 ? "messages" : "prompt";
}

static void prepare(void *data) /* on the pool */
{
    struct engine_run *run = data;
    struct engine *e = run->engine;

    if (prepare_task(&e->model, &run->prompt, &run->task, &run->prepare_err) == 0)
        run->prepare_err.code = 0;
    else if (!run->prepare_err.param[0])
        (void)str_copy(run->prepare_err.param, sizeof(run->prepare_err.param),
                       str_of(prompt_field(run)));
    pthread_mutex_lock(&e->lock);
    e->preparing--;
    (void)pthread_cond_signal(&e->quiet);
    pthread_mutex_unlock(&e->lock);
}

static void end_unprepared(struct engine_run *run)
{
    struct engine_end end = { .err = &run->prepare_err };

    unlink_run(run); /* its place is free before the callback may ask for it */
    run->events->on_end(run->data, &end);
    run_free(run);
}

static void on_prepared(void *data)
{
    struct engine_run *run = data;
    struct engine *e = run->engine;

    release_prompt(run);
    if (!e || run->is_cancelled) {
        run_free(run);
        return;
    }
    if (run->prepare_err.code != 0) {
        end_unprepared(run);
        return;
    }
    uint64_t tokens = task_tokens_len(&run->task);
    pthread_mutex_lock(&e->lock);
    run->state = RUN_WAITING;
    list_push_back(&e->waiting, &run->queue_link);
    (void)pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    if (run->events->on_accepted)
        run->events->on_accepted(run->data, tokens);
}

static int admit(const struct engine *e, struct err *err)
{
    if (!e->load_told || e->load_err.code != 0) {
        (void)err_set(err, ERR_UNAVAILABLE, "the model is still being loaded");
        err->retry_after_ms = LOADING_RETRY_MS;
        return err->code;
    }
    if (e->runs_len >= (size_t)e->options.slots + e->options.waiting_max) {
        (void)err_set(err, ERR_UNAVAILABLE,
                      "all %u slots are busy and %u requests wait already; try again later",
                      e->options.slots, e->options.waiting_max);
        err->retry_after_ms = BUSY_RETRY_MS;
        return err->code;
    }
    return 0;
}

int engine_submit(struct engine *e, const struct engine_run_options *options,
                  struct engine_run **ret, struct err *err)
{
    if (admit(e, err) < 0) {
        if (options->prompt.release)
            options->prompt.release(options->prompt.owner);
        return err->code;
    }
    struct engine_run *run = run_new(e, options);
    pthread_mutex_lock(&e->lock);
    e->preparing++;
    pthread_mutex_unlock(&e->lock);
    *ret = run;
    loop_offload(e->loop, prepare, on_prepared, run);
    return 0;
}

/* --- Control ------------------------------------------------------------- */

void engine_run_cancel(struct engine_run *run)
{
    if (!run)
        return;
    struct engine *e = run->engine;
    pthread_mutex_lock(&e->lock);
    run->is_cancelled = true;
    bool is_waiting = run->state == RUN_WAITING;
    if (is_waiting)
        list_remove(&run->queue_link);
    (void)pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
    if (is_waiting)
        run_free(run);
}

static void set_paused(struct engine_run *run, bool is_paused)
{
    struct engine *e = run->engine;
    pthread_mutex_lock(&e->lock);
    run->is_paused = is_paused;
    (void)pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

void engine_run_pause(struct engine_run *run)
{
    set_paused(run, true);
}

void engine_run_resume(struct engine_run *run)
{
    set_paused(run, false);
}

/* --- Handing out --------------------------------------------------------- */

static void hand_end(struct engine_run *run, const struct record *record)
{
    struct engine_end end = { .err = record->end.err.code != 0 ? &record->end.err : NULL,
                              .stop = record->end.stop,
                              .timings = record->end.timings };
    unlink_run(run);
    run->events->on_end(run->data, &end);
}

static void hand_out(struct engine_run *run, const struct record *record)
{
    const struct engine_run_events *events = run->events;

    switch (record->kind) {
    case RECORD_STARTED:
        if (events->on_started)
            events->on_started(run->data, record->cached_tokens);
        break;
    case RECORD_LOGPROB:
        if (events->on_logprob)
            events->on_logprob(run->data, &record->logprob);
        break;
    case RECORD_TEXT:
        if (events->on_text)
            events->on_text(run->data, &record->text);
        break;
    case RECORD_EMBEDDING:
        if (events->on_embedding)
            events->on_embedding(run->data, record->embedding.index, record->embedding.values,
                                 record->embedding.values_len);
        break;
    case RECORD_END:
        hand_end(run, record);
        break;
    }
}

static void deliver(struct engine_run *run, struct buf *records, bool is_over)
{
    struct str rest = buf_str(records);
    struct record record;

    while (!run->is_cancelled && record_next(&rest, &record))
        hand_out(run, &record);
    if (is_over)
        run_free(run);
}

static struct engine_run *take_ready(struct engine *e, struct buf *records, bool *ret_over)
{
    struct engine_run *run = NULL;

    pthread_mutex_lock(&e->lock);
    if (!list_is_empty(&e->ready)) {
        run = container_of(e->ready.next, struct engine_run, ready_link);
        list_remove(&run->ready_link);
        *records = run->unread;
        buf_init(&run->unread, RUN_RECORDS_BYTES_MAX);
        *ret_over = run->state == RUN_OVER;
        (void)pthread_cond_signal(&e->wake); /* it may have been held up by this */
    }
    pthread_mutex_unlock(&e->lock);
    return run;
}

void run_deliver_all(struct engine *e)
{
    struct buf records;
    bool is_over;

    /* At most once around: what is said meanwhile rings the bell again, and sockets get
     * their turn in between. */
    for (size_t left = e->runs_len; left > 0; left--) {
        struct engine_run *run = take_ready(e, &records, &is_over);
        if (!run)
            break;
        deliver(run, &records, is_over);
        buf_deinit(&records);
    }
}
