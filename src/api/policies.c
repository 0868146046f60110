#include "api/policies.h"

#include "api/queen.h"
#include "api/queen_metrics.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

void policies_config_init(struct policies_config *c)
{
    *c = (struct policies_config){
        .use_platform = true,
        .live = { .log_bytes_max = 64U << 20 },
    };
    sandbox_options_init(&c->sandbox);
    trace_options_init(&c->trace);
}

/* --- Asking --------------------------------------------------------------- */

static void fill_call(struct policy_call *call, const struct core_action *action, uint32_t row)
{
    *call = (struct policy_call){
        .kind = action->ask.kind,
        .job = row,
        .seed = action->ask.seed,
        .attempt = action->attempt,
        .want_scores = true,
        .outcome = {
            .tokens_in = action->ask.tokens_in,
            .tokens_out = action->ask.tokens_out,
            .queue_ms = action->ask.queue_ms,
            .ttft_ms = action->ask.ttft_ms,
            .total_ms = action->ask.total_ms,
        },
    };
    const struct err *err = &action->ask.err;
    if (err->code != 0) {
        (void)str_copy(call->error_code, sizeof(call->error_code), str_of(err_name(err->code)));
        (void)str_copy(call->outcome.error_code, sizeof(call->outcome.error_code),
                       str_of(err_name(err->code)));
        (void)snprintf(call->error_message, sizeof(call->error_message), "%.*s",
                       (int)sizeof(call->error_message) - 1, err->msg);
    }
    (void)str_copy(call->outcome.state, sizeof(call->outcome.state), str_of(action->ask.outcome));
    (void)str_copy(call->outcome.worker_id, sizeof(call->outcome.worker_id),
                   str_of(action->ask.worker_id));
}

static struct core_event answer_event(const struct policies *p, const struct policy_answer *a)
{
    return (struct core_event){
        .kind = a->failure == POLICY_OK ? CORE_POLICY_ANSWER : CORE_POLICY_FAILED,
        .u.answer = {
            .ask = p->ask,
            .decisions = &a->decisions,
            .yes = a->yes,
            .delay_ms = a->delay_ms,
            .failure = a->failure,
            .message = a->message,
        },
    };
}

static void on_answer(void *data, const struct sandbox_answer *answer)
{
    struct policies *p = data;
    struct core_event event = answer_event(p, answer->answer);

    p->answer = answer;
    queen_count_policy(p->queen, answer);
    queen_event(p->queen, &event);
    p->answer = NULL;
}

/* There is nobody to ask, which the core must hear after its own event has ended. */
static void on_later(struct loop_timer *timer)
{
    struct policies *p = container_of(timer, struct policies, later);
    struct core_event event = {
        .kind = CORE_POLICY_FAILED,
        .u.answer = {
            .ask = p->ask,
            .failure = p->failed_at_once,
            .message = "no policy host is ready",
        },
    };

    queen_event(p->queen, &event);
}

void policies_ask(struct policies *p, const struct core_action *action)
{
    struct live *live = platform_live(p->platform);
    struct sandboxed *host = release_sandboxed(p->release);
    enum live_window window = action->ask.kind == ASK_SCHEDULE ? LIVE_WINDOW : LIVE_NO_WINDOW;
    uint32_t row = live_sync(live, action->ask.job, window, loop_now_ms(p->queen->loop));

    fill_call(p->call, action, row);
    p->ask = action->number;
    p->region_version = region_version(live_region(live));
    p->inputs_hash = region_hash(live_region(live));
    if (host) {
        sandboxed_ask(host, live_region(live), p->call, 1, on_answer, p);
        return;
    }
    p->failed_at_once = POLICY_SANDBOX_UNAVAILABLE;
    loop_timer_start(&p->later, 0);
}

/* --- Tracing -------------------------------------------------------------- */

/* Each new failure is one line of the log; the same one again is in the metrics. */
static void log_failure(struct policies *p, const struct decided *decided)
{
    if (decided->failure == POLICY_OK || strcmp(p->last_failure, decided->message) == 0)
        return;
    (void)str_copy(p->last_failure, sizeof(p->last_failure), str_of(decided->message));
    log_warn("a policy failed; the built-in one decided instead",
             LOG_STR("policy", decided->asked_policy), LOG_STR("error", decided->message),
             LOG_STR("reason", policy_failure_name(decided->failure)),
             LOG_STR("job_id", decided->job_id));
}

/* Of the question that this decision answers. */
static void take_asked(const struct policies *p, struct trace_inputs *ret)
{
    const struct policy_answer *a = p->answer ? p->answer->answer : NULL;

    ret->region_version = p->region_version;
    ret->inputs_hash = p->inputs_hash;
    ret->seed = p->call->seed;
    ret->job_row = p->call->job;
    if (!a)
        return;
    ret->time_us = p->answer->time_us;
    ret->log = (struct str){ a->log, a->log_len };
    ret->log_cut = a->log_cut;
    ret->line = a->line;
}

static struct trace_inputs inputs_of(struct policies *p, const struct decided *decided)
{
    struct trace_inputs inputs = { .wall_ms = clock_wall_ms(), .job_row = SNAP_NONE };
    struct live *live = platform_live(p->platform);

    if (decided->ask != 0 && decided->ask == p->ask) {
        take_asked(p, &inputs);
    } else if (p->uses_platform) {
        inputs.region_version = region_version(live_region(live));
        inputs.inputs_hash = region_hash(live_region(live));
        platform_last_inputs(p->platform, &inputs.job_row, &inputs.seed, &inputs.time_us);
    }
    return inputs;
}

void policies_decided(struct policies *p, const struct decided *decided)
{
    struct trace_inputs inputs = inputs_of(p, decided);

    trace_add(p->trace, decided, &inputs);
    queen_count_decision(p->queen, decided);
    log_failure(p, decided);
}

/* --- Releases -------------------------------------------------------------- */

static void on_policy(void *data, const struct policy_version *version,
                      const struct policy_info *info)
{
    struct policies *p = data;
    char number[16] = "";
    struct core_event event = { .kind = CORE_POLICY };

    p->ask = 0; /* whoever was asked is gone */
    p->last_failure[0] = '\0';
    loop_timer_stop(&p->later);
    if (version) {
        (void)snprintf(number, sizeof(number), "%u", version->version);
        event.u.policy.name = version->name;
        event.u.policy.version = number;
        event.u.policy.entry = info->entry;
        event.u.policy.hooks = info->hooks;
        event.u.policy.starts_workers = info->starts_workers;
    }
    queen_event(p->queen, &event);
}

static void on_state(void *data, enum policy_failure unavailable)
{
    struct policies *p = data;
    struct core_event event = {
        .kind = CORE_POLICY_STATE,
        .u.policy_state = { .unavailable = unavailable },
    };

    queen_event(p->queen, &event);
}

/* --- Life ------------------------------------------------------------------ */

static struct release *new_release(struct policies *p, const struct policies_config *config,
                                   struct err *err)
{
    static const struct release_events events = { .on_policy = on_policy, .on_state = on_state };
    const struct release_options options = {
        .store_dir = config->store_dir,
        .file = config->file,
        .drop_in_dir = config->drop_in_dir,
        .is_immutable = config->is_immutable,
        .watches_files = !config->is_immutable,
        .debounce_ms = 200,
        .deploys_max = 32,
        .validations_max = 4,
        .live = live_region(platform_live(p->platform)),
        .events = &events,
        .data = p,
    };

    return release_new(p->queen->loop, p->sandbox, &options, err);
}

struct policies *policies_new(struct queen *q, const struct policies_config *config,
                              struct err *err)
{
    struct policies *p = mem_alloc(1, sizeof(*p));
    struct live_options live = config->live;

    p->queen = q;
    p->uses_platform = config->use_platform;
    p->builtin = config->use_platform ? "platform" : strategy_simple.name;
    list_init(&p->errands);
    p->call = mem_alloc(1, sizeof(*p->call));
    live.wall_offset_ms = (int64_t)clock_wall_ms() - (int64_t)loop_now_ms(q->loop);
    loop_timer_init(q->loop, &p->later, on_later);
    p->trace = trace_new(&config->trace);
    p->sandbox = sandbox_new(q->loop, &config->sandbox);
    p->platform = platform_new(q->core, &live, err);
    p->release = p->platform ? new_release(p, config, err) : NULL;
    if (!p->release) {
        policies_free(p);
        return NULL;
    }
    core_set_strategy(q->core,
                      config->use_platform ? platform_strategy(p->platform) : &strategy_simple);
    return p;
}

void policies_free(struct policies *p)
{
    if (!p)
        return;
    loop_timer_stop(&p->later);
    release_free(p->release);
    sandbox_free(p->sandbox);
    platform_free(p->platform);
    trace_free(p->trace);
    free(p->call);
    free(p);
}

const struct snapshot *policies_snapshot(struct policies *p, const char *job_id, uint32_t *ret_row)
{
    struct live *live = platform_live(p->platform);
    const struct job *job = job_id ? core_job(p->queen->core, job_id) : NULL;

    *ret_row = live_sync(live, job, LIVE_WINDOW, loop_now_ms(p->queen->loop));
    return live_snapshot(live);
}
