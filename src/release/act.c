#include "release/act.h"

#include "base/mem.h"

#include <stdio.h>

/* --- Who is next ------------------------------------------------------------------------ */

static void next_in_line(struct release *r)
{
    if (r->turn || list_is_empty(&r->in_line))
        return;
    struct act *act = container_of(r->in_line.next, struct act, in_line);
    list_remove(&act->in_line);
    r->turn = act;
    act_take_turn(act);
}

void act_line_up(struct act *act)
{
    list_push_back(&act->r->in_line, &act->in_line);
    next_in_line(act->r);
}

/* --- Ends --------------------------------------------------------------------------- */

void reign_free(struct reign *live)
{
    if (!live)
        return;
    sandboxed_free(live->policy);
    free(live);
}

static void act_free(struct act *act)
{
    loop_timer_stop(&act->begin);
    list_remove(&act->link);
    list_remove(&act->in_line);
    if (act->validation)
        validation_cancel(act->validation);
    reign_free(TAKE(act->loading));
    buf_deinit(&act->source);
    act->is_orphan = true;
    if (!act->write)
        free(act);
}

/* Exactly once, from the loop. Then whoever waits may go on. */
void act_finish(struct act *act)
{
    struct release *r = act->r;

    act->result.is_active = release_is_active(r, &act->result.version);
    if (r->turn == act)
        r->turn = NULL;
    list_remove(&act->link);
    if (act->on_done)
        act->on_done(act->data, &act->result);
    act_free(act);
    next_in_line(r);
    act_check_next(r);
}

/* `result.err` says why. */
void act_fail(struct act *act)
{
    act->result.code = act->result.err.code;
    act_finish(act);
}

/* --- Life ------------------------------------------------------------------------------ */

static void on_begin(struct loop_timer *timer)
{
    struct act *act = container_of(timer, struct act, begin);
    struct err *err = &act->result.err;

    if (err->code != 0) { /* refused before it began */
        act_fail(act);
        return;
    }
    if (act->kind == ACT_DEPLOY)
        act_check(act);
    else
        act_line_up(act);
}

void act_start(struct release *r, const struct act_options *options, const struct err *refused)
{
    struct act *act = mem_alloc(1, sizeof(*act));

    act->r = r;
    act->kind = options->kind;
    (void)snprintf(act->name, sizeof(act->name), "%s", options->name ? options->name : "");
    (void)snprintf(act->message, sizeof(act->message), "%s",
                   options->message ? options->message : "");
    act->language = options->language;
    buf_init(&act->source, SIZE_MAX / 2); /* whoever asks has capped it */
    (void)buf_add(&act->source, options->source.p, options->source.len);
    if (options->header)
        act->header = *options->header;
    act->version = options->version;
    act->activate = options->activate;
    act->on_done = options->on_done;
    act->data = options->data;
    if (refused)
        act->result.err = *refused;
    list_init(&act->in_line);
    list_push_back(&r->acts, &act->link);
    loop_timer_init(r->loop, &act->begin, on_begin);
    loop_timer_start(&act->begin, 0);
}

void acts_forget(struct release *r, const void *data)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &r->acts) {
        struct act *act = container_of(it, struct act, link);
        if (act->data == data)
            act->on_done = NULL;
    }
}

size_t acts_count(const struct release *r)
{
    struct list *it;
    size_t count = 0;

    for (it = r->acts.next; it != &r->acts; it = it->next) {
        const struct act *act = container_of(it, struct act, link);
        count += act->kind != ACT_STORE && act->result.err.code == 0;
    }
    return count;
}

void acts_free(struct release *r)
{
    struct list *it, *tmp;

    LIST_FOREACH(it, tmp, &r->acts)
        act_free(container_of(it, struct act, link));
}
