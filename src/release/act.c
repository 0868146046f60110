/*
 * One change:
 *
 *     deploy --validated--> in line --its turn--> store --stored--> loading --loaded--> active
 *
 * Others enter further down. Whatever goes wrong ends it, and the active policy stays. Files
 * are written on another thread, by one act at a time.
 */
#include "base/clock.h"
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
    struct policy_write *write; /* on another thread now; NULL: none */
    void (*on_written)(struct act *act);
    bool is_orphan; /* its release has gone meanwhile */
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
    reign_free(TAKE(act->loading));
    buf_deinit(&act->source);
    act->is_orphan = true;
    if (!act->write)
        free(act);
}

/* Exactly once, from the loop. Then whoever stands in line may go on. */
static void finish(struct act *act)
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
}

/* `result.err` says why. */
static void fail(struct act *act)
{
    act->result.code = act->result.err.code;
    finish(act);
}

/* --- Writing ------------------------------------------------------------------------- */

static void run_write(void *data)
{
    policy_write_run(((struct act *)data)->write);
}

static void on_write_done(void *data)
{
    struct act *act = data;

    if (!act->is_orphan) {
        act->on_written(act);
        return;
    }
    policy_write_free(act->write);
    free(act);
}

static void write_then(struct act *act, struct policy_write *write,
                       void (*on_written)(struct act *act))
{
    act->write = write;
    act->on_written = on_written;
    loop_offload(act->r->loop, run_write, on_write_done, act);
}

static int commit(struct act *act)
{
    return policy_store_commit(act->r->store, TAKE(act->write), &act->result.version,
                               &act->result.err);
}

/* --- Taking over --------------------------------------------------------------------- */

static void on_chosen(struct act *act)
{
    if (commit(act) < 0) {
        fail(act);
        return;
    }
    struct reign *reign = TAKE(act->loading);
    if (reign)
        reign->act = NULL;
    release_take_over(act->r, reign ? &act->result.version : NULL, reign);
    finish(act);
}

static void choose(struct act *act)
{
    const struct policy_version *v = act->loading ? &act->result.version : NULL;

    write_then(act, policy_store_prepare_choice(act->r->store, v), on_chosen);
}

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct reign *live = data;

    (void)lua;
    live->info = loaded->info;
    choose(live->act);
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

static void activate(struct act *act)
{
    struct release *r = act->r;

    if (r->live && release_is_active(r, &act->result.version))
        finish(act);
    else if (release_check_sandbox(r, &act->result.err) < 0)
        fail(act);
    else
        load(act);
}

/* --- Its turn ------------------------------------------------------------------------- */

static void on_stored(struct act *act)
{
    if (commit(act) < 0)
        fail(act);
    else if (act->activate)
        activate(act);
    else
        finish(act);
}

static void store(struct act *act)
{
    struct policy_write *write;

    if (policy_store_prepare_add(act->r->store, act->name, act->language, buf_str(&act->source),
                                 &act->header, act->message, clock_wall_ms(), &write,
                                 &act->result.err) < 0)
        fail(act);
    else
        write_then(act, write, on_stored);
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

static void restore(struct act *act)
{
    if (find_version(act, &act->result.err) < 0)
        fail(act);
    else
        activate(act);
}

static void next_in_line(struct release *r)
{
    static void (*const turns[])(struct act * act) = {
        [ACT_DEPLOY] = store,
        [ACT_STORE] = store,
        [ACT_RESTORE] = restore,
        [ACT_BUILTIN] = choose,
    };

    if (r->turn || list_is_empty(&r->in_line))
        return;
    struct act *act = container_of(r->in_line.next, struct act, in_line);
    list_remove(&act->in_line);
    r->turn = act;
    turns[act->kind](act);
}

static void line_up(struct act *act)
{
    list_push_back(&act->r->in_line, &act->in_line);
    next_in_line(act->r);
}

/* --- Before that ---------------------------------------------------------------------- */

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
        line_up(act);
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

static void on_begin(struct loop_timer *timer)
{
    struct act *act = container_of(timer, struct act, begin);
    struct err *err = &act->result.err;

    if (err->code != 0) { /* refused before it began */
        fail(act);
        return;
    }
    if (act->kind != ACT_DEPLOY)
        line_up(act);
    else if (check_deploy(act, err) < 0)
        fail(act);
    else
        validate(act);
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
