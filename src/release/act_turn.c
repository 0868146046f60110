/* What an act does at its turn: one of all at a time. */
#include "release/act.h"

#include "base/clock.h"
#include "base/mem.h"

enum { LOADS_MAX = 3 }; /* while the machine has no time for them */

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
        act_fail(act);
        return;
    }
    struct reign *reign = TAKE(act->loading);
    if (reign)
        reign->act = NULL;
    release_take_over(act->r, reign ? &act->result.version : NULL, reign);
    act_finish(act);
}

static void choose(struct act *act)
{
    const struct policy_version *v = act->loading ? &act->result.version : NULL;

    write_then(act, policy_store_prepare_choice(act->r->store, v), on_chosen);
}

static void load(struct act *act);

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

    if (failure == POLICY_STARVED && ++act->starved < LOADS_MAX) {
        reign_free(TAKE(act->loading));
        load(act);
        return;
    }
    release_title(title, sizeof(title), act->result.version.name, act->language);
    (void)release_explain(title, d, failure != POLICY_LOAD, &act->result.err);
    act_fail(act);
}

static void on_state(void *data, enum policy_failure unavailable, const char *words)
{
    struct reign *live = data;
    struct release *r = live->r;

    if (live == r->live)
        r->options.events->on_state(r->options.data, unavailable, words);
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
        act_finish(act);
    else if (release_check_sandbox(r, &act->result.err) < 0)
        act_fail(act);
    else
        load(act);
}

/* --- Its turn ------------------------------------------------------------------------- */

static void on_stored(struct act *act)
{
    if (commit(act) < 0)
        act_fail(act);
    else if (act->activate)
        activate(act);
    else
        act_finish(act);
}

static void store(struct act *act)
{
    struct policy_write *write;

    if (policy_store_prepare_add(act->r->store, act->name, act->language, buf_str(&act->source),
                                 &act->header, act->message, clock_wall_ms(), &write,
                                 &act->result.err) < 0)
        act_fail(act);
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
        act_fail(act);
    else
        activate(act);
}

static void on_removed(struct act *act)
{
    if (commit(act) < 0)
        act_fail(act);
    else
        act_finish(act);
}

static void delete (struct act *act)
{
    struct policy_write *write;

    if (policy_store_prepare_removal(act->r->store, act->name, act->version, &write,
                                     &act->result.err) < 0)
        act_fail(act);
    else
        write_then(act, write, on_removed);
}

void act_take_turn(struct act *act)
{
    static void (*const turns[])(struct act * act) = {
        [ACT_DEPLOY] = store,   [ACT_STORE] = store,   [ACT_RESTORE] = restore,
        [ACT_BUILTIN] = choose, [ACT_DELETE] = delete,
    };

    turns[act->kind](act);
}
