/*
 * One change:
 *
 *     deploy --validated--> store --stored--> in line --its turn--> loading --loaded--> active
 *
 * Others enter further down. Whatever goes wrong ends it, and the active policy stays.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "release/release_private.h"

#include <stdio.h>

enum { TITLE_SIZE = SCRIPT_NAME_SIZE + 8 };

struct act {
    struct release *r;
    struct list link;    /* in release.acts */
    struct list in_line; /* in release.in_line, or alone */
    enum act_kind kind;
    char name[STORE_MESSAGE_SIZE]; /* as it was asked for: the store judges it */
    char message[STORE_MESSAGE_SIZE];
    enum script_language language;
    struct buf source;
    struct script_header header;
    uint32_t version;
    bool activate;
    deploy_done_fn *on_done; /* NULL: its asker has gone */
    void *data;
    struct loop_timer begin;
    struct validation *validation;
    const struct region *recent[1]; /* what the validation borrows */
    struct validation_result checked;
    struct reign *loading;
    struct deploy_result result;
};

static void next_in_line(struct release *r);

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
    reign_free(act->loading);
    buf_deinit(&act->source);
    free(act);
}

/* Exactly once, from the loop. Then whoever stands in line may go on. */
static void finish(struct act *act)
{
    struct release *r = act->r;

    act->result.is_active = release_is_active(r, &act->result.version);
    if (r->activating == act)
        r->activating = NULL;
    list_remove(&act->link);
    if (act->on_done)
        act->on_done(act->data, &act->result);
    act_free(act);
    next_in_line(r);
}

/* `result.err` says why. */
static void fail(struct act *act)
{
    act->result.code = act->result.err.code;
    finish(act);
}

/* --- Its turn ------------------------------------------------------------------------ */

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct reign *live = data;
    struct act *act = live->act;
    const struct policy_version *v = &act->result.version;

    (void)lua;
    live->info = loaded->info;
    if (policy_store_set_active(act->r->store, v, &act->result.err) < 0) {
        fail(act);
        return;
    }
    live->act = NULL;
    release_take_over(act->r, v, TAKE(act->loading));
    finish(act);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct act *act = ((struct reign *)data)->act;
    char title[TITLE_SIZE];

    release_title(title, sizeof(title), act->result.version.name, act->language);
    (void)release_explain(title, d, failure != POLICY_LOAD, &act->result.err);
    fail(act);
}

static void on_state(void *data, enum policy_failure unavailable)
{
    struct reign *live = data;
    struct release *r = live->r;

    if (live == r->live)
        r->options.events->on_state(r->options.data, unavailable);
}

static const struct sandboxed_events live_events = {
    .on_loaded = on_loaded,
    .on_refused = on_refused,
    .on_state = on_state,
};

static void load(struct act *act)
{
    struct release *r = act->r;
    struct str source = buf_str(&act->source);
    struct diagnostics ignored = { 0 };
    char title[TITLE_SIZE];

    (void)script_check(act->language, &source, &ignored); /* strips a BOM */
    release_title(title, sizeof(title), act->result.version.name, act->language);
    act->loading = mem_alloc(1, sizeof(*act->loading));
    *act->loading = (struct reign){ .r = r, .act = act };
    act->loading->policy = sandboxed_new(r->sandbox, &(struct sandboxed_options){
                                                         .language = act->language,
                                                         .source = source,
                                                         .name = title,
                                                         .is_live = true,
                                                         .events = &live_events,
                                                         .data = act->loading,
                                                     });
}

static void activate_builtin(struct act *act)
{
    if (policy_store_set_active(act->r->store, NULL, &act->result.err) < 0) {
        fail(act);
        return;
    }
    release_take_over(act->r, NULL, NULL);
    finish(act);
}

static void activate(struct act *act)
{
    struct release *r = act->r;

    if (act->kind == ACT_BUILTIN)
        activate_builtin(act);
    else if (r->live && release_is_active(r, &act->result.version))
        finish(act);
    else if (release_check_sandbox(r, &act->result.err) < 0)
        fail(act);
    else
        load(act);
}

static void next_in_line(struct release *r)
{
    if (r->activating || list_is_empty(&r->in_line))
        return;
    struct act *act = container_of(r->in_line.next, struct act, in_line);
    list_remove(&act->in_line);
    r->activating = act;
    activate(act);
}

static void line_up(struct act *act)
{
    list_push_back(&act->r->in_line, &act->in_line);
    next_in_line(act->r);
}

/* --- Before that ---------------------------------------------------------------------- */

static void store(struct act *act)
{
    struct deploy_result *result = &act->result;

    if (policy_store_add(act->r->store, act->name, act->language, buf_str(&act->source),
                         &act->header, act->message, clock_wall_ms(), &result->version,
                         &result->err) < 0)
        fail(act);
    else if (act->activate)
        line_up(act);
    else
        finish(act);
}

static void on_validated(void *data, const struct validation_result *checked)
{
    struct act *act = data;
    char title[TITLE_SIZE];

    act->validation = NULL;
    act->checked = *checked;
    act->result.validation = &act->checked;
    act->header = checked->info.header;
    release_title(title, sizeof(title), act->name, act->language);
    if (checked->is_valid) {
        store(act);
        return;
    }
    (void)release_explain(title, &checked->diagnostics, checked->is_untried, &act->result.err);
    fail(act);
}

static void validate(struct act *act)
{
    char title[TITLE_SIZE];

    release_title(title, sizeof(title), act->name, act->language);
    act->recent[0] = act->r->options.live;
    act->validation = validation_start(act->r->loop, act->r->sandbox,
                                       &(struct validation_options){
                                           .language = act->language,
                                           .source = buf_str(&act->source),
                                           .name = title,
                                           .recent = act->recent,
                                           .recent_len = act->recent[0] ? 1 : 0,
                                           .on_done = on_validated,
                                           .data = act,
                                       });
}

static int check_deploy(const struct act *act, struct err *err)
{
    if (!policy_name_is_valid(str_of(act->name)))
        return err_param(err, ERR_INVALID, "name",
                         "must be letters, digits, '.', '_' and '-', at most %d, and begin with "
                         "no '.'",
                         SCRIPT_NAME_SIZE - 1);
    return release_check_sandbox(act->r, err);
}

static int find_version(struct act *act, struct err *err)
{
    struct policy_version *v = &act->result.version;

    if (policy_store_get(act->r->store, act->name, act->version, v, err) < 0 ||
        policy_store_source(act->r->store, v, &act->source, err) < 0)
        return err->code;
    act->language = v->language;
    return 0;
}

static void on_begin(struct loop_timer *timer)
{
    struct act *act = container_of(timer, struct act, begin);
    struct err *err = &act->result.err;

    if (err->code != 0) { /* refused before it began */
        fail(act);
        return;
    }
    switch (act->kind) {
    case ACT_DEPLOY:
        if (check_deploy(act, err) < 0)
            fail(act);
        else
            validate(act);
        break;
    case ACT_STORE:
        store(act);
        break;
    case ACT_RESTORE:
        if (find_version(act, err) < 0)
            fail(act);
        else
            line_up(act);
        break;
    case ACT_BUILTIN:
        line_up(act);
        break;
    }
}

/* --- Life ------------------------------------------------------------------------------ */

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
