#include "release/release.h"

#include "base/log.h"
#include "base/mem.h"
#include "release/release_private.h"

#include <stdio.h>

enum { RELEASE_RETRY_MS = 2000 }; /* what is full or busy now may not be so then */

/* --- Who decides ---------------------------------------------------------------------- */

int release_check_sandbox(const struct release *r, struct err *err)
{
    char words[sizeof(err->msg)];

    if (sandbox_state(r->sandbox, words, sizeof(words)) == POLICY_OK)
        return 0;
    return err_set(err, ERR_UNAVAILABLE, "user policies cannot run here: %s", words);
}

bool release_is_active(const struct release *r, const struct policy_version *v)
{
    return v->version > 0 && r->version.version == v->version &&
           strcmp(r->version.name, v->name) == 0;
}

/* It may have changed before anybody asked. */
static void tell_state(struct release *r)
{
    char words[POLICY_MESSAGE_SIZE];
    enum policy_failure state = sandboxed_state(r->live->policy, words, sizeof(words));

    if (state != POLICY_OK)
        r->options.events->on_state(r->options.data, state, words);
}

void release_take_over(struct release *r, const struct policy_version *v, struct reign *live)
{
    struct reign *old = r->live;

    r->live = live;
    r->restore_error[0] = '\0';
    r->version = v ? *v : (struct policy_version){ 0 };
    log_info("another policy decides from now on", LOG_STR("policy", v ? v->name : "built-in"),
             LOG_INT("version", r->version.version));
    r->options.events->on_policy(r->options.data, v ? &r->version : NULL,
                                 live ? &live->info : NULL);
    reign_free(old);
    if (live)
        tell_state(r);
}

struct policy_store *release_store(struct release *r)
{
    return r->store;
}

const struct policy_version *release_active(const struct release *r)
{
    return r->version.version > 0 ? &r->version : NULL;
}

struct sandboxed *release_sandboxed(struct release *r)
{
    return r->live ? r->live->policy : NULL;
}

const char *release_last_error(const struct release *r)
{
    const char *error = policy_files_error(r->files);

    return error[0] ? error : r->restore_error;
}

/* --- Words ---------------------------------------------------------------------------- */

void release_title(char *ret, size_t size, const char *name, enum script_language language)
{
    (void)snprintf(ret, size, "%.*s.%s", SCRIPT_NAME_SIZE - 1, name,
                   script_language_name(language));
}

int release_explain(const char *title, const struct diagnostics *d, bool is_untried,
                    struct err *err)
{
    const struct diagnostic *first = NULL;
    int code = is_untried ? ERR_UNAVAILABLE : ERR_INVALID;

    for (size_t i = 0; i < d->len && !first; i++) {
        if (!d->items[i].is_warning)
            first = &d->items[i];
    }
    if (!first)
        (void)err_set(err, code, "%s: it did not load", title);
    else if (first->line == 0)
        (void)err_set(err, code, "%s: %s", title, first->message);
    else if (first->column == 0)
        (void)err_set(err, code, "%s:%u: %s", title, first->line, first->message);
    else
        (void)err_set(err, code, "%s:%u:%u: %s", title, first->line, first->column, first->message);
    err->retry_after_ms = is_untried ? RELEASE_RETRY_MS : 0;
    return code;
}

/* --- Changes -------------------------------------------------------------------------- */

static void refuse_another(const struct release *r, struct err *err)
{
    (void)err_set(err, ERR_LIMIT,
                  "%u changes of the policy are under way or waiting, which is all that this "
                  "queen keeps; try again when some have ended",
                  r->options.deploys_max);
    err->retry_after_ms = RELEASE_RETRY_MS;
}

static void start(struct release *r, const struct act_options *options)
{
    struct err err = { 0 };

    if (r->options.is_immutable)
        (void)err_set(&err, ERR_PLATFORM_IMMUTABLE,
                      "in platform mode the scheduler is built in and cannot be changed; run the "
                      "queen with --mode home or --mode lab for policies of your own");
    else if (acts_count(r) >= r->options.deploys_max)
        refuse_another(r, &err);
    act_start(r, options, err.code != 0 ? &err : NULL);
}

void release_deploy(struct release *r, const struct deploy_request *request,
                    deploy_done_fn *on_done, void *data)
{
    start(r, &(struct act_options){
                 .kind = ACT_DEPLOY,
                 .name = request->name,
                 .language = request->language,
                 .source = request->source,
                 .message = request->message,
                 .activate = request->activate,
                 .on_done = on_done,
                 .data = data,
             });
}

void release_rollback(struct release *r, const char *name, uint32_t version,
                      deploy_done_fn *on_done, void *data)
{
    start(r, &(struct act_options){
                 .kind = ACT_RESTORE,
                 .name = name,
                 .version = version,
                 .on_done = on_done,
                 .data = data,
             });
}

void release_builtin(struct release *r, deploy_done_fn *on_done, void *data)
{
    start(r, &(struct act_options){ .kind = ACT_BUILTIN, .on_done = on_done, .data = data });
}

void release_delete(struct release *r, const char *name, uint32_t version, deploy_done_fn *on_done,
                    void *data)
{
    start(r, &(struct act_options){
                 .kind = ACT_DELETE,
                 .name = name,
                 .version = version,
                 .on_done = on_done,
                 .data = data,
             });
}

void release_forget(struct release *r, const void *data)
{
    acts_forget(r, data);
}

/* --- The start ------------------------------------------------------------------------ */

void release_ready(struct release *r, const struct err *err)
{
    void (*on_ready)(void *data, const struct err *err) = TAKE(r->on_ready);

    on_ready(r->ready_data, err);
}

/* What was active stays so in name, so that it runs again when it can. */
static void begin_without_sandbox(struct release *r, const struct err *why)
{
    const struct policy_version *v = policy_store_active(r->store);
    bool is_wanted = v || policy_files_exist(r->files);
    struct policy_info info = { .entry = POLICY_ENTRY_JOB };

    if (is_wanted) {
        (void)snprintf(r->restore_error, sizeof(r->restore_error), "%s", why->msg);
        log_error("the policy cannot run, the built-in one decides", LOG_ERR(why));
    }
    if (v) {
        r->version = *v;
        info.header = v->header;
        r->options.events->on_policy(r->options.data, v, &info);
    }
    if (is_wanted)
        r->options.events->on_state(r->options.data, POLICY_SANDBOX_UNAVAILABLE, why->msg);
    release_ready(r, NULL);
}

static void on_restored(void *data, const struct deploy_result *result)
{
    struct release *r = data;

    if (result->code != 0) {
        (void)snprintf(r->restore_error, sizeof(r->restore_error), "%s", result->err.msg);
        log_error("the policy that was active does not load, the built-in one decides",
                  LOG_ERR(&result->err));
    }
    policy_files_begin(r->files);
}

static void begin_in_platform_mode(struct release *r)
{
    struct err err;

    if (!r->options.file) {
        release_ready(r, NULL);
        return;
    }
    (void)err_set(&err, ERR_PLATFORM_IMMUTABLE,
                  "in platform mode the scheduler is built in: '%s' cannot be used",
                  r->options.file);
    release_ready(r, &err);
}

static void begin_as_chosen(struct release *r)
{
    const struct policy_version *v = policy_store_active(r->store);
    struct err err;

    if (release_check_sandbox(r, &err) < 0)
        begin_without_sandbox(r, &err);
    else if (v && !r->options.file)
        release_rollback(r, v->name, v->version, on_restored, r);
    else
        policy_files_begin(r->files);
}

static void on_built_in(void *data, const struct deploy_result *result)
{
    struct release *r = data;

    if (result->code != 0)
        release_ready(r, &result->err);
    else
        begin_as_chosen(r);
}

static void on_begin(struct loop_timer *timer)
{
    struct release *r = container_of(timer, struct release, begin);

    if (r->options.is_immutable) {
        begin_in_platform_mode(r);
        return;
    }
    (void)str_copy(r->restore_error, sizeof(r->restore_error), str_of(policy_store_loss(r->store)));
    if (r->options.begins_built_in)
        release_builtin(r, on_built_in, r);
    else
        begin_as_chosen(r);
}

void release_begin(struct release *r, void (*on_ready)(void *data, const struct err *err),
                   void *data)
{
    r->on_ready = on_ready;
    r->ready_data = data;
    loop_timer_start(&r->begin, 0);
}

/* --- Life ----------------------------------------------------------------------------- */

struct release *release_new(struct loop *loop, struct sandbox *sandbox,
                            const struct release_options *options, struct err *err)
{
    struct policy_store *store = policy_store_open(options->store_dir, err);

    if (!store)
        return NULL;
    struct release *r = mem_alloc(1, sizeof(*r));
    r->loop = loop;
    r->sandbox = sandbox;
    r->options = *options;
    r->store = store;
    list_init(&r->acts);
    list_init(&r->in_line);
    loop_timer_init(loop, &r->begin, on_begin);
    r->files = policy_files_new(r);
    return r;
}

void release_free(struct release *r)
{
    if (!r)
        return;
    loop_timer_stop(&r->begin);
    policy_files_free(r->files);
    acts_free(r);
    reign_free(r->live);
    policy_store_close(r->store);
    free(r);
}
