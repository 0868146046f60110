#include "api/policy_asker.h"

#include "base/mem.h"
#include "policy/platform.h"

#include <assert.h>
#include <stdio.h>

enum {
    FILE_NAME_SIZE = 128,
    PATIENCE = 10, /* once it has starved */
};

struct asker {
    struct asker_options options; /* with a `source` and a `name` of its own */
    char *source, name[FILE_NAME_SIZE];
    struct region *context;
    struct sandboxed *sandboxed; /* NULL: the platform policy itself */
    unsigned patience;
    enum policy_entry entry;
    struct policy *platform; /* over `context`; made when first needed */

    /* The decision under way. */
    struct policy_call call;
    uint32_t job;  /* that all is about; SNAP_NONE: the whole queue */
    unsigned jobs; /* asked about so far */
    uint64_t time_us;
    struct loop_timer later;
    struct policy_answer answer; /* that counts */
    enum policy_failure failure;
    char message[POLICY_MESSAGE_SIZE];
    unsigned line;

    bool is_away;                 /* the platform policy works on a thread */
    bool is_freed;                /* meanwhile */
    struct policy_answer instead; /* of the platform policy */
};

static const struct snapshot *snapshot_of(const struct asker *a)
{
    return region_bytes(a->context);
}

/* --- Telling ----------------------------------------------------------------- */

static void tell(struct asker *a, const struct decisions *decisions)
{
    uint32_t about = a->job == SNAP_NONE ? a->call.job : a->job;
    const struct snap_job *job = snapshot_job(snapshot_of(a), about);
    char job_id[JOB_ID_SIZE] = "";

    if (job)
        (void)str_copy(job_id, sizeof(job_id), snapshot_text(snapshot_of(a), job->id));
    const struct asked asked = {
        .failure = a->failure,
        .message = a->message,
        .line = a->line,
        .decisions = decisions,
        .job_id = job_id,
        .time_us = a->time_us,
        .log = { a->answer.log, a->answer.log_len },
        .log_cut = a->answer.log_cut,
    };
    a->options.events->on_decided(a->options.data, &asked);
}

/* --- The platform policy, on a thread --------------------------------------------- */

static void work(void *data)
{
    struct asker *a = data;
    struct policy_call call = a->call;
    struct err err = { 0 };

    a->instead.decisions.len = 0;
    call.kind = call.job == SNAP_NONE ? ASK_SCHEDULE : ASK_JOB;
    if (!a->platform)
        a->platform = platform_over(snapshot_of(a), &err);
    if (a->platform)
        policy_call(a->platform, &call, &a->instead);
}

static void destroy(struct asker *a)
{
    policy_free(a->platform);
    region_free(a->context);
    free(a->source);
    free(a);
}

static void on_worked(void *data)
{
    struct asker *a = data;

    a->is_away = false;
    if (a->is_freed)
        destroy(a);
    else
        tell(a, &a->instead.decisions);
}

static void ask_platform(struct asker *a)
{
    a->is_away = true;
    loop_offload(a->options.loop, work, on_worked, a);
}

static void fail(struct asker *a, enum policy_failure failure, const char *message, unsigned line)
{
    a->failure = failure;
    a->line = line;
    (void)snprintf(a->message, sizeof(a->message), "%s", message);
    ask_platform(a);
}

/* --- The policy --------------------------------------------------------------------- */

static void on_answer(void *data, const struct sandbox_answer *answer);

static void ask(struct asker *a)
{
    sandboxed_ask(a->sandboxed, a->context, &a->call, 1, on_answer, a);
}

static bool is_wait(const struct decisions *decisions)
{
    return decisions->len == 0 ||
           (decisions->len == 1 && decisions->items[0].action == DECIDE_WAIT);
}

/* The job behind the one just asked about; false: there is none. */
static bool go_on(struct asker *a)
{
    const struct snap_job *job = snapshot_job(snapshot_of(a), a->call.job);

    if (a->job != SNAP_NONE || !job || !snapshot_job(snapshot_of(a), job->next) ||
        a->jobs >= snapshot_of(a)->header.jobs_shown || a->jobs >= SNAP_JOBS_MAX)
        return false;
    a->call.job = job->next;
    return true;
}

/* The answer about the first job counts, unless a later one is decided about. */
static void on_wait(struct asker *a, const struct policy_answer *answer)
{
    if (a->jobs == 1)
        a->answer = *answer;
    if (a->entry == POLICY_ENTRY_JOB && go_on(a)) {
        ask(a);
        return;
    }
    if (a->entry == POLICY_ENTRY_JOB && a->job == SNAP_NONE)
        a->call.job = snapshot_of(a)->header.first_job;
    tell(a, &a->answer.decisions);
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct asker *a = data;
    const struct policy_answer *given = answer->answer;
    char message[POLICY_MESSAGE_SIZE];

    a->time_us += answer->time_us;
    a->jobs++;
    if (given->failure == POLICY_STARVED) {
        a->failure = POLICY_STARVED;
        (void)snprintf(a->message, sizeof(a->message), "%s", given->message);
        tell(a, &a->answer.decisions);
    } else if (given->failure == POLICY_OK &&
               policy_check_answer(snapshot_of(a), a->call.job, &given->decisions, message,
                                   sizeof(message)) != POLICY_OK) {
        a->answer = *given;
        fail(a, POLICY_INVALID, message, 0);
    } else if (given->failure != POLICY_OK) {
        a->answer = *given;
        fail(a, given->failure, given->message, given->line);
    } else if (is_wait(&given->decisions)) {
        on_wait(a, given);
    } else {
        a->answer = *given;
        tell(a, &a->answer.decisions);
    }
}

/* --- Decisions ------------------------------------------------------------------------ */

static void begin(struct asker *a, uint32_t job, uint64_t seed)
{
    assert(!a->is_away && !loop_timer_is_armed(&a->later));
    a->call = (struct policy_call){ .kind = ASK_SCHEDULE, .job = job, .seed = seed };
    a->job = job;
    a->jobs = 0;
    a->time_us = 0;
    a->failure = POLICY_OK;
    a->message[0] = '\0';
    a->line = 0;
    a->answer.decisions.len = a->answer.log_len = 0;
    a->answer.log_cut = false;
}

void asker_decide(struct asker *a, uint32_t job, uint64_t seed)
{
    begin(a, job, seed);
    if (!a->sandboxed) {
        ask_platform(a);
        return;
    }
    if (a->entry == POLICY_ENTRY_JOB) {
        a->call.kind = ASK_JOB;
        a->call.job = job == SNAP_NONE ? snapshot_of(a)->header.first_job : job;
    } else {
        a->call.job = SNAP_NONE;
    }
    if (a->call.kind == ASK_SCHEDULE || snapshot_job(snapshot_of(a), a->call.job))
        ask(a);
    else
        loop_timer_start(&a->later, 0); /* no job to ask about */
}

void asker_decide_instead(struct asker *a, enum policy_failure failure, const char *message,
                          unsigned line, uint64_t seed)
{
    begin(a, SNAP_NONE, seed);
    fail(a, failure, message, line);
}

static void on_later(struct loop_timer *timer)
{
    struct asker *a = container_of(timer, struct asker, later);

    if (a->call.kind == ASK_KIND_COUNT_)
        a->options.events->on_loaded(a->options.data);
    else
        tell(a, &a->answer.decisions);
}

/* --- Life ------------------------------------------------------------------------------ */

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct asker *a = data;

    (void)lua;
    a->entry = loaded->info.entry;
    a->options.events->on_loaded(a->options.data);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct asker *a = data;

    a->options.events->on_refused(a->options.data, failure, d);
}

/* Nothing was asked yet. */
static void start(struct asker *a)
{
    static const struct sandboxed_events events = {
        .on_loaded = on_loaded,
        .on_refused = on_refused,
    };

    a->call.kind = ASK_KIND_COUNT_;
    if (a->options.is_platform)
        loop_timer_start(&a->later, 0);
    else
        a->sandboxed = sandboxed_new(a->options.sandbox, &(struct sandboxed_options){
                                                             .language = a->options.language,
                                                             .source = a->options.source,
                                                             .name = a->name,
                                                             .patience = a->patience,
                                                             .events = &events,
                                                             .data = a,
                                                         });
}

void asker_restart(struct asker *a)
{
    assert(!a->is_away && !loop_timer_is_armed(&a->later));
    sandboxed_free(TAKE(a->sandboxed));
    if (a->failure == POLICY_STARVED)
        a->patience = PATIENCE;
    start(a);
}

struct asker *asker_new(const struct asker_options *options, struct region *context)
{
    struct asker *a = mem_alloc(1, sizeof(*a));

    a->options = *options;
    a->context = context;
    loop_timer_init(options->loop, &a->later, on_later);
    if (!options->is_platform) {
        a->source = mem_copy(options->source);
        a->options.source.p = a->source;
        (void)snprintf(a->name, sizeof(a->name), "%s", options->name);
    }
    start(a);
    return a;
}

void asker_free(struct asker *a)
{
    if (!a)
        return;
    loop_timer_stop(&a->later);
    sandboxed_free(TAKE(a->sandboxed));
    a->is_freed = true;
    if (!a->is_away)
        destroy(a);
}

struct region *asker_context(struct asker *a)
{
    return a->context;
}
