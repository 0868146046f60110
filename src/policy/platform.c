#include "policy/platform.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>

struct platform {
    struct strategy strategy;
    struct live *live;
    struct policy *policy;
    struct platform_stats stats;
    struct policy_call call;     /* the last one */
    uint64_t time_us;            /* that it took */
    struct policy_answer answer; /* to it: too large for a stack */
};

/* What a decision's random choices come from: its job, so that it can be run again. */
static uint64_t seed_of(const struct job *job)
{
    return hash_content(job->spec.id, strlen(job->spec.id), job->attempt);
}

/* Each first error is worth a line; a flood of the same one is not. */
static void note_error(struct platform *p)
{
    const struct policy_answer *a = &p->answer;

    p->stats.errors_total++;
    if (strcmp(p->stats.last_error, a->message) == 0)
        return;
    (void)str_copy(p->stats.last_error, sizeof(p->stats.last_error), str_of(a->message));
    log_error("the platform policy failed; the first worker with room is taken instead",
              LOG_STR("error", a->message), LOG_STR("reason", policy_failure_name(a->failure)));
}

/* Ask; false when it failed. */
static bool ask(struct platform *p, const struct policy_call *call, struct decisions *ret)
{
    uint64_t began_us = clock_mono_us();

    p->call = *call;
    policy_call(p->policy, &p->call, &p->answer);
    p->time_us = clock_mono_us() - began_us;
    p->stats.calls_total++;
    p->stats.memory_bytes = p->answer.memory_bytes;
    if (p->answer.failure != POLICY_OK) {
        note_error(p);
        return false;
    }
    ret->len = p->answer.decisions.len;
    memcpy(ret->items, p->answer.decisions.items, ret->len * sizeof(ret->items[0]));
    return true;
}

static void decide(const struct strategy *self, const struct core *core, const struct job *job,
                   uint64_t now_ms, struct decisions *ret)
{
    struct platform *p = self->data;
    const struct policy_call call = {
        .kind = ASK_JOB,
        .job = live_sync(p->live, job, LIVE_NO_WINDOW, now_ms),
        .seed = seed_of(job),
    };

    if (!ask(p, &call, ret))
        strategy_simple.decide(&strategy_simple, core, job, now_ms, ret);
}

/* About workers, not jobs, which the core brings one by one in its own order. */
static void look_around(const struct strategy *self, const struct core *core, uint64_t now_ms,
                        struct decisions *ret)
{
    struct platform *p = self->data;
    const struct policy_call call = {
        .kind = ASK_SCHEDULE,
        .job = SNAP_NONE,
        .seed = now_ms,
        .look_around = true,
    };

    (void)core;
    (void)live_sync(p->live, NULL, LIVE_WINDOW, now_ms);
    (void)ask(p, &call, ret);
}

void platform_last_inputs(const struct platform *p, uint32_t *ret_job, uint64_t *ret_seed,
                          uint64_t *ret_time_us)
{
    *ret_job = p->call.job;
    *ret_seed = p->call.seed;
    *ret_time_us = p->time_us;
}

void platform_decide(struct policy *platform, uint32_t job, uint64_t seed, bool want_scores,
                     struct policy_answer *ret)
{
    const struct policy_call call = {
        .kind = ASK_JOB,
        .job = job,
        .seed = seed,
        .want_scores = want_scores,
    };

    policy_call(platform, &call, ret);
}

struct policy *platform_over(const struct snapshot *s, struct err *err)
{
    const struct policy_options options = {
        .snapshot = s,
        .platform_source = { platform_source, platform_source_len },
        .is_platform = true,
    };
    struct diagnostics d = { .len = 0 };
    struct policy *p =
        policy_new(&options, SCRIPT_LUA, options.platform_source, "platform.lua", &d);

    if (!p)
        (void)err_set(err, ERR_INTERNAL, "the platform policy does not load: line %u: %s",
                      d.items[0].line, d.items[0].message);
    return p;
}

struct platform *platform_new(const struct core *core, const struct live_options *options,
                              struct err *err)
{
    struct platform *p = mem_alloc(1, sizeof(*p));

    p->live = live_new(core, options);
    p->policy = platform_over(live_snapshot(p->live), err);
    if (!p->policy) {
        platform_free(p);
        return NULL;
    }
    p->strategy = (struct strategy){
        .name = "platform",
        .data = p,
        .decide = decide,
        .look_around = look_around,
        .starts_workers = true,
        .refuses = true,
    };
    return p;
}

void platform_free(struct platform *p)
{
    if (!p)
        return;
    policy_free(p->policy);
    live_free(p->live);
    free(p);
}

const struct strategy *platform_strategy(const struct platform *p)
{
    return &p->strategy;
}

struct live *platform_live(struct platform *p)
{
    return p->live;
}

void platform_get_stats(const struct platform *p, struct platform_stats *ret)
{
    *ret = p->stats;
}
