#include "release/validation.h"

#include "base/clock.h"
#include "base/mem.h"
#include "release/findings.h"
#include "release/trial_questions.h"

#include <assert.h>
#include <stdio.h>

enum {
    LARGE_WORKERS = 1000,
    LARGE_JOBS = 1000,
    LARGE_CALLS = 200,
    LARGE_CALLS_MIN = 20, /* whatever they take */
    LARGE_BUDGET_US = 500 * 1000,
    DEATHS_MAX = 3, /* hosts that it may cost before it is clear enough */
    BUSY_MAX = 10,  /* times that the machine was too busy for a question */
    BUSY_LOAD = 4,  /* as many questions as one loading that starves waits for */
    PATIENCE = 10,  /* in the tries after that */
    BUSY_WAIT_MS = 50,
    SAMPLES_MAX = 1024,
};

enum stage { STAGE_LOAD, STAGE_GENERATED, STAGE_RECENT, STAGE_LARGE, STAGE_END };

struct validation {
    struct loop *loop;
    struct sandbox *sandbox;
    struct sandboxed *policy;          /* NULL: to be loaded, again */
    struct validation_options options; /* `source` and `name` are below */
    char *source, name[SCRIPT_NAME_SIZE + 8];
    struct region *region;   /* of generated contexts */
    struct loop_timer later; /* the first answer, or a pause while the machine is busy */
    struct validation_result result;
    struct findings findings;

    enum stage stage;
    unsigned context; /* of its stage */
    bool is_generating, is_cancelled;
    const struct region *asked; /* the context at hand */
    char state[FINDING_STATE_SIZE];
    struct trial_questions questions; /* about it */
    struct policy_call call;
    uint64_t now_ms; /* of all contexts: wall clock */

    unsigned busy, patience;
    uint64_t samples[SAMPLES_MAX], samples_us; /* time of each call, and of all */
    size_t samples_len;
};

static void next_context(struct validation *v);

static const struct snapshot *snapshot_of(const struct validation *v)
{
    return region_bytes(v->asked);
}

/* --- The end ---------------------------------------------------------------------- */

static void validation_free(struct validation *v)
{
    loop_timer_stop(&v->later);
    sandboxed_free(v->policy);
    region_free(v->region);
    free(v->source);
    free(v);
}

static int compare_samples(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static void measure(struct validation *v)
{
    size_t len = v->samples_len;

    v->result.measured.calls = (unsigned)len;
    if (len == 0)
        return;
    qsort(v->samples, len, sizeof(v->samples[0]), compare_samples);
    v->result.measured.p50_us = v->samples[(len - 1) / 2];
    v->result.measured.p99_us = v->samples[(len * 99 - 1) / 100];
    if (v->stage == STAGE_END && v->result.measured.p99_us > VALIDATION_SLOW_US)
        (void)diagnostics_add(&v->result.diagnostics, true, 0, 0,
                              "slow: with %u workers and %u jobs one call of a hundred takes %.1f "
                              "ms or more; at 50 ms it is stopped",
                              LARGE_WORKERS, LARGE_JOBS, (double)v->result.measured.p99_us / 1000);
}

static void finish(struct validation *v)
{
    findings_tell(&v->findings, &v->result.diagnostics);
    measure(v);
    v->result.is_valid = v->result.diagnostics.errors == 0;
    v->options.on_done(v->options.data, &v->result);
    validation_free(v);
}

static void give_up(struct validation *v, const char *words)
{
    v->result.is_untried = true;
    (void)diagnostics_add(&v->result.diagnostics, false, 0, 0, "%s", words);
    finish(v);
}

/* --- Answers ---------------------------------------------------------------------- */

static void on_answer(void *data, const struct sandbox_answer *answer);

static void ask(struct validation *v)
{
    sandboxed_ask(v->policy, v->asked, &v->call, 1, on_answer, v);
}

static void ask_next(struct validation *v)
{
    if (trial_questions_next(&v->questions, &v->call))
        ask(v);
    else
        next_context(v);
}

static void note_time(struct validation *v, const struct sandbox_answer *answer)
{
    if (answer->answer->memory_bytes > v->result.measured.memory_bytes)
        v->result.measured.memory_bytes = answer->answer->memory_bytes;
    if (answer->time_us == 0 || v->samples_len == SAMPLES_MAX)
        return;
    v->samples[v->samples_len++] = answer->time_us;
    v->samples_us += answer->time_us;
}

static bool has_seen_enough(const struct validation *v)
{
    return v->stage == STAGE_LARGE && v->questions.asked >= LARGE_CALLS_MIN &&
           v->samples_us > LARGE_BUDGET_US;
}

/* The same again, in a host that has more time for each answer: who hangs uses enough of it to be
 * told from who starves. */
static void starve(struct validation *v, unsigned times)
{
    v->busy += times;
    v->patience = PATIENCE;
    sandboxed_free(TAKE(v->policy));
    if (v->busy > BUSY_MAX)
        give_up(v, "this machine is too busy to try the policy now; try again later");
    else
        loop_timer_start(&v->later, BUSY_WAIT_MS);
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct validation *v = data;
    enum policy_failure failure = answer->answer->failure;

    if (failure == POLICY_SANDBOX_UNAVAILABLE) {
        give_up(v, answer->answer->message);
        return;
    }
    if (failure == POLICY_STARVED) {
        starve(v, 1);
        return;
    }
    note_time(v, answer);
    findings_judge(&v->findings,
                   &(struct findings_trial){
                       .snapshot = snapshot_of(v),
                       .state = v->state,
                       .call = &v->call,
                       .source = v->options.source,
                       .name = v->name,
                       .is_changing = v->stage == STAGE_RECENT,
                   },
                   answer->answer);
    if (v->findings.deaths >= DEATHS_MAX)
        finish(v);
    else if (has_seen_enough(v))
        next_context(v);
    else
        ask_next(v);
}

/* --- Contexts --------------------------------------------------------------------- */

static void generate(void *data)
{
    struct validation *v = data;

    region_reset(v->region);
    if (v->stage == STAGE_LARGE)
        validation_generate_large(v->region, LARGE_WORKERS, LARGE_JOBS, v->now_ms);
    else
        validation_generate(v->region, v->context, v->now_ms);
}

static void begin_context(struct validation *v)
{
    v->questions = (struct trial_questions){
        .snapshot = snapshot_of(v),
        .info = &v->result.info,
        .context = v->context,
        .calls = v->stage == STAGE_LARGE ? LARGE_CALLS : 0,
    };
    v->result.tried.generated += v->stage == STAGE_GENERATED;
    v->result.tried.real += v->stage == STAGE_RECENT;
    ask_next(v);
}

static void on_generated(void *data)
{
    struct validation *v = data;

    v->is_generating = false;
    if (v->is_cancelled)
        validation_free(v);
    else
        begin_context(v);
}

static void take_recent(struct validation *v)
{
    const struct validation_context *recent = &v->options.recent[v->context];

    v->asked = recent->region;
    (void)snprintf(v->state, sizeof(v->state), "%s", recent->name);
    if (snapshot_of(v)->header.layout == SNAP_LAYOUT)
        begin_context(v);
    else /* nothing was ever written there */
        next_context(v);
}

static void take_generated(struct validation *v)
{
    v->asked = v->region;
    if (v->stage == STAGE_LARGE)
        (void)snprintf(v->state, sizeof(v->state), "a state of %u workers and %u jobs",
                       LARGE_WORKERS, LARGE_JOBS);
    else
        validation_generated_name(v->context, v->state, sizeof(v->state));
    v->is_generating = true;
    loop_offload(v->loop, generate, on_generated, v);
}

static unsigned contexts_of(const struct validation *v, enum stage stage)
{
    const unsigned contexts[] = {
        [STAGE_LOAD] = 0,
        [STAGE_GENERATED] = GENERATED_CONTEXTS,
        [STAGE_RECENT] = (unsigned)v->options.recent_len,
        [STAGE_LARGE] = 1,
        [STAGE_END] = UINT32_MAX,
    };

    return contexts[stage];
}

static void enter_stage(struct validation *v, enum stage stage)
{
    v->stage = stage;
    v->context = 0;
    if (stage == STAGE_LARGE) /* what is measured is measured there */
        v->samples_len = v->samples_us = 0;
}

static void next_context(struct validation *v)
{
    v->context++;
    while (v->context >= contexts_of(v, v->stage))
        enter_stage(v, v->stage + 1);
    if (v->stage == STAGE_END)
        finish(v);
    else if (v->stage == STAGE_RECENT)
        take_recent(v);
    else
        take_generated(v);
}

/* --- The beginning ---------------------------------------------------------------- */

static void on_loaded(void *data, const struct wire_loaded *loaded, const struct script_lua *lua)
{
    struct validation *v = data;

    (void)lua;
    v->result.info = loaded->info;
    v->result.diagnostics = loaded->diagnostics;
    if (v->stage != STAGE_LOAD) { /* again */
        ask(v);
        return;
    }
    v->result.measured.memory_bytes = loaded->memory_bytes;
    next_context(v);
}

static void on_refused(void *data, enum policy_failure failure, const struct diagnostics *d)
{
    struct validation *v = data;

    if (failure == POLICY_STARVED) {
        starve(v, BUSY_LOAD);
        return;
    }
    v->result.diagnostics = *d;
    v->result.is_untried = failure == POLICY_SANDBOX_UNAVAILABLE;
    finish(v);
}

static const struct sandboxed_events policy_events = {
    .on_loaded = on_loaded,
    .on_refused = on_refused,
};

static void load(struct validation *v)
{
    v->policy = sandboxed_new(v->sandbox, &(struct sandboxed_options){
                                              .language = v->options.language,
                                              .source = v->options.source,
                                              .name = v->name,
                                              .patience = v->patience,
                                              .events = &policy_events,
                                              .data = v,
                                          });
}

static void on_later(struct loop_timer *timer)
{
    struct validation *v = container_of(timer, struct validation, later);

    if (v->result.diagnostics.errors > 0)
        finish(v);
    else
        load(v);
}

struct validation *validation_start(struct loop *loop, struct sandbox *s,
                                    const struct validation_options *options)
{
    struct validation *v = mem_alloc(1, sizeof(*v));

    v->loop = loop;
    v->sandbox = s;
    v->options = *options;
    v->source = mem_copy(options->source);
    v->options.source.p = v->source;
    (void)snprintf(v->name, sizeof(v->name), "%s", options->name);
    v->now_ms = clock_wall_ms();
    v->region = region_new(sizeof(struct snapshot), 0, NULL);
    loop_timer_init(loop, &v->later, on_later);
    assert(options->recent_len <= VALIDATION_RECENT_MAX);
    if (script_check(options->language, &v->options.source, &v->result.diagnostics))
        load(v);
    else
        loop_timer_start(&v->later, 0);
    return v;
}

void validation_cancel(struct validation *v)
{
    v->is_cancelled = true;
    loop_timer_stop(&v->later);
    sandboxed_free(TAKE(v->policy));
    if (!v->is_generating)
        validation_free(v);
}
