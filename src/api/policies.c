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

static struct trace_inputs inputs_of(struct policies *p, const struct decided *decided)
{
    struct trace_inputs inputs = { .wall_ms = clock_wall_ms(), .job_row = SNAP_NONE };
    struct live *live = platform_live(p->platform);

    if (!questions_inputs(p->questions, decided, &inputs) && p->uses_platform) {
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

    questions_forget(p->questions); /* whoever was asked is gone */
    p->last_failure[0] = '\0';
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

static void on_state(void *data, enum policy_failure unavailable, const char *words)
{
    struct policies *p = data;
    struct core_event event = {
        .kind = CORE_POLICY_STATE,
        .u.policy_state = { .unavailable = unavailable, .message = words },
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
        .begins_built_in = config->begins_built_in,
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
    p->questions = questions_new(p);
    live.wall_offset_ms = (int64_t)clock_wall_ms() - (int64_t)loop_now_ms(q->loop);
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
    release_free(p->release);
    sandbox_free(p->sandbox);
    platform_free(p->platform);
    trace_free(p->trace);
    questions_free(p->questions);
    free(p);
}

const struct snapshot *policies_snapshot(struct policies *p, const char *job_id, uint32_t *ret_row)
{
    struct live *live = platform_live(p->platform);
    const struct job *job = job_id ? core_job(p->queen->core, job_id) : NULL;

    *ret_row = live_sync(live, job, LIVE_WINDOW, loop_now_ms(p->queen->loop));
    return live_snapshot(live);
}
