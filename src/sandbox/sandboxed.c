/*
 * One policy: `active` is asked, `spare` waits for its turn. Hosts come and go; the view, the
 * text, the breaker and the question that is out stay.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/sandboxed_private.h"

#include <assert.h>
#include <stdio.h>

/* --- Questions ----------------------------------------------------------------- */

/* The last thing that a callback does: the asker may free the policy. `goes_on`: the others are
 * answered, too. */
static void answer(struct sandboxed *p, const struct policy_answer *a, uint64_t time_us,
                   bool goes_on)
{
    const struct sandbox_answer told = {
        .answer = a,
        .time_us = time_us,
        .round_trip_us = clock_mono_us() - p->asked_us,
        .dropped = goes_on ? 0 : p->left - 1,
    };

    p->left -= 1 + told.dropped;
    p->on_answer(p->data, &told);
}

/* All of them; what it is called in ends here, too. */
static void fail_all(struct sandboxed *p, enum policy_failure failure, const char *words)
{
    struct sandbox *s = p->s;

    p->is_waiting = false;
    p->at_once = POLICY_OK;
    loop_timer_stop(&p->patience);
    s->failing = p;
    for (unsigned left = p->left; left > 0 && s->failing; left--)
        answer(p, sandbox_fail(s, failure, "%s: %s", p->name, words), 0, left > 1);
    s->failing = NULL;
}

static void answer_at_once(struct sandboxed *p, enum policy_failure failure)
{
    p->at_once = failure;
    loop_timer_start(&p->tell, 0);
}

static void send_if_ready(struct sandboxed *p)
{
    if (!p->is_waiting || !p->active || !host_is_ready(p->active))
        return;
    p->is_waiting = false;
    loop_timer_stop(&p->patience);
    host_ask(p->active, p->calls, p->left);
}

static void on_patience(struct loop_timer *timer)
{
    struct sandboxed *p = container_of(timer, struct sandboxed, patience);

    fail_all(p, POLICY_STARVED, "no process was ready in time");
}

void sandboxed_ask(struct sandboxed *p, const struct region *region,
                   const struct policy_call *calls, unsigned len, sandbox_answer_fn *on_answer,
                   void *data)
{
    assert(p->left == 0 && len > 0 && len <= WIRE_CALLS_MAX && p->is_loaded);
    memcpy(p->calls, calls, len * sizeof(*calls));
    p->left = len;
    p->on_answer = on_answer;
    p->data = data;
    p->asked_us = clock_mono_us();
    enum policy_failure state = sandboxed_unavailable(p);
    if (state == POLICY_OK && p->active && host_is_late(p->active))
        state = POLICY_STARVED;
    if (state == POLICY_OK && !p->active) {
        sandboxed_fill_up(p);
        state = p->active ? POLICY_OK : POLICY_SANDBOX_UNAVAILABLE;
    }
    if (state != POLICY_OK) {
        answer_at_once(p, state);
        return;
    }
    view_update(&p->view, region, p->options.is_live);
    p->is_waiting = true;
    send_if_ready(p);
    /* A host that is only now starting for a trial has its own deadline. */
    if (p->is_waiting && p->options.is_live)
        loop_timer_start(&p->patience, p->s->options.hard_ms);
}

/* --- What hosts tell ------------------------------------------------------------ */

static void on_loaded(void *data, struct host *h, const struct wire_loaded *loaded)
{
    struct sandboxed *p = data;
    bool is_first = !p->is_loaded;

    p->is_loaded = true;
    if (h == p->active)
        p->memory_bytes = loaded->memory_bytes;
    if (is_first && p->options.is_live)
        sandboxed_fill_up(p);
    send_if_ready(p);
    sandboxed_note_state(p);
    if (is_first)
        p->options.events->on_loaded(p->options.data, loaded, host_lua(h));
}

/* A heap that stays high will end in POLICY_MEMORY: better now, with a spare at hand. */
static bool is_bloated(const struct sandboxed *p)
{
    return p->options.is_live && p->spare && host_is_ready(p->spare) &&
           p->memory_bytes > p->s->options.memory_bytes / 2;
}

static void on_host_answer(void *data, struct host *h, const struct policy_answer *a,
                           uint64_t time_us)
{
    struct sandboxed *p = data;
    struct sandbox_stats *stats = &p->s->stats;

    bool goes_on = host_is_busy(h);

    assert(h == p->active);
    if (a->memory_bytes > 0) /* else it was not the host that answered */
        p->memory_bytes = a->memory_bytes;
    if (a->failure == POLICY_TIMEOUT || a->failure == POLICY_MEMORY || a->failure == POLICY_CRASH) {
        sandboxed_note_loss(p, a->failure, a->message);
        sandboxed_replace(p);
        goes_on = false;
    } else if (a->failure == POLICY_STARVED) {
        stats->starved_total++;
    } else {
        breaker_success(&p->breaker, sandboxed_now_ms(p));
        if (!goes_on && is_bloated(p)) {
            stats->recycled_total++;
            sandboxed_replace(p);
        }
    }
    sandboxed_note_state(p);
    answer(p, a, time_us, goes_on);
}

/* Questions meanwhile were answered at once: there is none to be sent. */
static void on_rested(void *data, struct host *h)
{
    (void)data;
    (void)h;
}

/* The first host of all: the policy will never be asked. */
static void refuse(struct sandboxed *p, enum policy_failure failure, const struct diagnostics *d)
{
    host_end(TAKE(p->active));
    p->options.events->on_refused(p->options.data, failure, d);
}

static void on_lost(void *data, struct host *h, enum policy_failure failure,
                    const struct diagnostics *d)
{
    struct sandboxed *p = data;
    bool was_loading = sandboxed_is_at_start(failure);

    if (!p->is_loaded) {
        refuse(p, failure, d);
        return;
    }
    sandboxed_note_loss(p, failure, d->items[0].message);
    if (h == p->spare) {
        host_end(TAKE(p->spare));
        sandboxed_respawn_later(p);
    } else if (was_loading) {
        host_end(TAKE(p->active));
        p->active = TAKE(p->spare);
        sandboxed_respawn_later(p);
    } else {
        sandboxed_replace(p);
    }
    sandboxed_note_state(p);
    if (p->is_waiting && was_loading && !p->active)
        fail_all(p, failure, d->items[0].message);
    else
        send_if_ready(p);
}

const struct host_events sandboxed_host_events = {
    .on_loaded = on_loaded,
    .on_answer = on_host_answer,
    .on_rested = on_rested,
    .on_lost = on_lost,
};

/* --- What calls found out -------------------------------------------------------- */

static void on_retry(struct loop_timer *timer)
{
    struct sandboxed *p = container_of(timer, struct sandboxed, retry);

    sandboxed_fill_up(p);
    sandboxed_note_state(p);
}

static void on_tell(struct loop_timer *timer)
{
    struct sandboxed *p = container_of(timer, struct sandboxed, tell);
    enum policy_failure failure = p->at_once;
    char words[POLICY_MESSAGE_SIZE];

    if (p->refusal.errors > 0) {
        p->options.events->on_refused(p->options.data, POLICY_SANDBOX_UNAVAILABLE, &p->refusal);
        return;
    }
    if (failure != POLICY_OK) {
        sandboxed_note_state(p); /* for the turn after */
        sandboxed_put_words(p, failure, words, sizeof(words));
        fail_all(p, failure, words);
        return;
    }
    enum policy_failure state = sandboxed_state(p, words, sizeof(words));
    if (state == p->state_told)
        return;
    p->state_told = state;
    if (p->options.events->on_state)
        p->options.events->on_state(p->options.data, state, words);
}

/* --- Life ------------------------------------------------------------------------ */

static int open_policy(struct sandboxed *p, struct err *err)
{
    struct sandbox *s = p->s;

    if (s->state != POLICY_OK)
        return err_set(err, ERR_UNAVAILABLE, "%s", s->words);
    p->source_fd = process_source(p->options.source, err);
    if (p->source_fd < 0 || view_open(&p->view, err) < 0)
        return err->code;
    return sandboxed_start_host(p, &p->active, err);
}

struct sandboxed *sandboxed_new(struct sandbox *s, const struct sandboxed_options *options)
{
    struct sandboxed *p = mem_alloc(1, sizeof(*p));
    struct err err;

    p->s = s;
    p->options = *options;
    p->source_fd = p->view.fd = -1;
    (void)snprintf(p->name, sizeof(p->name), "%s", options->name);
    breaker_init(&p->breaker, &(struct breaker_options){
                                  .strikes_max = s->options.strikes_max,
                                  .strikes_ms = s->options.strikes_ms,
                                  .retry_ms = s->options.retry_ms,
                                  .retry_max_ms = s->options.retry_max_ms,
                              });
    loop_timer_init(s->loop, &p->patience, on_patience);
    loop_timer_init(s->loop, &p->tell, on_tell);
    loop_timer_init(s->loop, &p->retry, on_retry);
    loop_timer_init(s->loop, &p->respawn, sandboxed_on_respawn);
    if (open_policy(p, &err) < 0) {
        (void)diagnostics_add(&p->refusal, false, 0, 0, "%s", err.msg);
        loop_timer_start(&p->tell, 0);
    }
    return p;
}

void sandboxed_free(struct sandboxed *p)
{
    if (!p)
        return;
    if (p->s->failing == p)
        p->s->failing = NULL;
    loop_timer_stop(&p->patience);
    loop_timer_stop(&p->tell);
    loop_timer_stop(&p->retry);
    loop_timer_stop(&p->respawn);
    host_end(p->active);
    host_end(p->spare);
    view_close(&p->view);
    close_fd(&p->source_fd);
    free(p);
}

void sandboxed_get_stats(const struct sandboxed *p, struct sandboxed_stats *ret)
{
    *ret = (struct sandboxed_stats){
        .state = sandboxed_unavailable(p),
        .strikes = breaker_strikes(&p->breaker, sandboxed_now_ms(p)),
        .retry_in_ms = breaker_retry_in_ms(&p->breaker, sandboxed_now_ms(p)),
        .memory_bytes = p->memory_bytes,
        .has_spare = p->spare && host_is_ready(p->spare),
        .pid = p->active ? host_pid(p->active) : 0,
    };
}
