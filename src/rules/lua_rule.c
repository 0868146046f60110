#include "rules/lua_rule.h"

#include "base/mem.h"
#include "rules/lua_filter.h"

#include <stdio.h>

enum {
    ANY_PART = LUA_PART_ONCE | LUA_PART_JOB | LUA_PART_WORKER,
    LINE_BYTES = 80, /* a condition longer than this goes over several lines */
};

static struct buf *out_of(struct lua_rules *w)
{
    return &w->text.lua->text;
}

static void put(struct lua_rules *w, const char *text)
{
    (void)buf_puts(out_of(w), text);
}

static bool is_always(const struct rule *rule)
{
    return rule->condition->kind == RULE_ALWAYS;
}

bool lua_rule_is_last(const struct rule_policy *policy, const struct rule *rule)
{
    if (rule->mode != RULE_ENFORCE || !is_always(rule))
        return false;
    return policy->dialect == RULE_PER_JOB || rule->action.kind == RULE_PLATFORM;
}

/* What the platform policy is told to decide for some jobs, and not for all at once. */
static bool is_platform_for_some(const struct rule *rule)
{
    return rule->action.kind == RULE_PLATFORM &&
           (lua_expr_parts(rule->condition) & (LUA_PART_JOB | LUA_PART_WORKER));
}

static unsigned subjects_of(const struct rule *rule)
{
    unsigned subjects = rule->condition->subjects;

    for (const struct rule_call *call = rule->action.calls; call; call = call->next)
        subjects |= call->filter ? call->filter->subjects : 0;
    return subjects;
}

unsigned lua_rule_uses(const struct rule_policy *policy, const struct rule *rule)
{
    unsigned uses = lua_expr_helpers(rule->condition) | lua_call_helpers(rule->action.calls);
    bool enforces = rule->mode == RULE_ENFORCE, per_queue = policy->dialect == RULE_PER_QUEUE;
    struct lua_filter_steady steady;

    if (subjects_of(rule) & RULE_SUBJECT_BIT(RULE_TIME))
        uses |= LUA_NOW;
    if (rule->action.kind == RULE_START_WORKER)
        uses |= LUA_STARTING;
    if (lua_filter_find_steady(policy, rule, &steady))
        uses |= LUA_MODELS;
    if (per_queue && enforces && rule->action.kind == RULE_WAIT)
        uses |= LUA_DECIDED | LUA_PLATFORM;
    if (per_queue && enforces && is_platform_for_some(rule))
        uses |= LUA_DECIDED | LUA_PLATFORM;
    return uses;
}

void lua_rule_write_comment(struct lua_rules *w, const struct rule *rule)
{
    lua_text_begin(&w->text);
    put(w, "-- Rule: ");
    lua_text_comment(out_of(w), rule->name);
    if (w->policy->dialect == RULE_PER_QUEUE)
        (void)buf_printf(out_of(w), " (priority %lld)", (long long)rule->priority);
    if (rule->mode == RULE_SHADOW)
        put(w, " (shadow: tells what it would do, decides nothing)");
    lua_text_end(&w->text);
}

static void write_condition(struct lua_rules *w, struct buf *out, const struct rule *rule,
                            unsigned parts, const char *between, const char *workers)
{
    const enum rule_dialect dialect = w->policy->dialect;
    unsigned plain = parts & ~(unsigned)LUA_PART_WORKER;
    bool checks_decided = (plain & LUA_PART_JOB) && (w->uses & LUA_DECIDED);

    plain &= lua_expr_parts(rule->condition);
    if (checks_decided)
        (void)buf_printf(out, "not decided[job.id]%s", plain ? between : "");
    lua_expr_write(out, rule->condition, plain, between, dialect);
    if (!(parts & lua_expr_parts(rule->condition) & LUA_PART_WORKER))
        return;
    (void)buf_printf(out, "%s%s.any(function(worker) return ",
                     plain || checks_decided ? between : "", workers);
    lua_expr_write(out, rule->condition, LUA_PART_WORKER, " and ", dialect);
    (void)buf_puts(out, " end)");
}

/* `if PARTS then`, on several lines when it is long; a worker's part outside of a dispatch
 * asks for any such worker. False, and nothing written, when there is nothing to ask. */
static bool open_if(struct lua_rules *w, const struct rule *rule, unsigned parts,
                    const char *workers)
{
    AUTO(buf_deinit) struct buf condition;
    char line_break[64];

    buf_init(&condition, SCRIPT_LUA_BYTES_MAX);
    write_condition(w, &condition, rule, parts, " and ", workers);
    if (buf_len(&condition) == 0)
        return false;
    if (buf_len(&condition) > LINE_BYTES) {
        (void)snprintf(line_break, sizeof(line_break), "\n%*sand ", 2 * (int)w->text.indent + 4,
                       "");
        buf_clear(&condition);
        write_condition(w, &condition, rule, parts, line_break, workers);
    }
    lua_text_begin(&w->text);
    put(w, "if ");
    (void)buf_add(out_of(w), condition.p, buf_len(&condition));
    put(w, " then");
    lua_text_end(&w->text);
    w->text.indent++;
    return true;
}

static void close_if(struct lua_rules *w, bool is_open)
{
    if (is_open)
        lua_text_close(&w->text, "end");
}

/* The worker's part of a dispatch is a filter of the candidates, not a condition. */
static unsigned asked_parts(const struct rule *rule, unsigned parts)
{
    return rule->action.kind == RULE_DISPATCH ? parts & ~(unsigned)LUA_PART_WORKER : parts;
}

/* Inside the loop over the queue: say what would be done, once. */
static void write_shadow_end(struct lua_rules *w, const struct rule *rule, bool in_loop)
{
    lua_action_write_shadow(w, rule, in_loop);
    if (in_loop)
        lua_text_line(&w->text, "break");
}

static void write_dispatch(struct lua_rules *w, const struct rule *rule)
{
    lua_action_write_worker(w, rule);
    lua_text_open(&w->text, "if worker then");
    if (rule->mode == RULE_SHADOW)
        write_shadow_end(w, rule, true);
    else
        lua_text_line(&w->text, "return { action = \"dispatch\", job_id = job.id, "
                                "worker_id = worker.id }");
    lua_text_close(&w->text, "end");
}

static void write_evict(struct lua_rules *w, const struct rule *rule)
{
    lua_action_write_victim(w, rule);
    lua_text_open(&w->text, "if victim then");
    if (rule->mode == RULE_SHADOW)
        lua_action_write_shadow(w, rule, false);
    else
        lua_action_write_evict(w, rule);
    lua_text_close(&w->text, "end");
}

static void write_start(struct lua_rules *w, const struct rule *rule, bool in_loop)
{
    lua_action_write_model(w, rule);
    w->text.indent++;
    if (rule->mode == RULE_SHADOW)
        write_shadow_end(w, rule, in_loop);
    else
        lua_action_write_start(w, rule);
    lua_text_close(&w->text, "end");
}

static void write_platform_for_job(struct lua_rules *w)
{
    lua_text_line(&w->text, "decided[job.id] = true");
    lua_text_line(&w->text, "local decision = platform_decision(job)");
    lua_text_open(&w->text, "if decision then");
    lua_text_line(&w->text, "return decision");
    lua_text_close(&w->text, "end");
}

void lua_rule_write_platform(struct lua_rules *w)
{
    if (w->policy->dialect == RULE_PER_JOB)
        lua_text_line(&w->text, "return platform.schedule_job(job)");
    else if (w->uses & LUA_DECIDED)
        lua_text_line(&w->text, "return platform_rest(context, decided, waiting)");
    else
        lua_text_line(&w->text, "return platform.schedule(context)");
}

static void write_per_queue_action(struct lua_rules *w, const struct rule *rule, bool in_loop)
{
    const enum rule_action_kind kind = rule->action.kind;

    if (kind == RULE_DISPATCH)
        write_dispatch(w, rule);
    else if (kind == RULE_EVICT)
        write_evict(w, rule);
    else if (kind == RULE_START_WORKER)
        write_start(w, rule, in_loop);
    else if (rule->mode == RULE_SHADOW)
        write_shadow_end(w, rule, in_loop);
    else if (kind == RULE_WAIT)
        lua_action_write_wait(w, rule);
    else if (kind == RULE_REJECT)
        lua_action_write_reject(w, rule);
    else if (in_loop)
        write_platform_for_job(w);
    else
        lua_rule_write_platform(w);
}

/* Does what the rule says depend on a job? Then it goes over the queue. */
static bool is_about_jobs(const struct rule *rule)
{
    const unsigned of_jobs = RULE_SUBJECT_BIT(RULE_JOB) | RULE_SUBJECT_BIT(RULE_TENANT);

    switch (rule->action.kind) {
    case RULE_DISPATCH:
    case RULE_WAIT:
    case RULE_REJECT:
        return true;
    case RULE_START_WORKER:
        if (rule->action.model_ref.len == 0)
            return true;
        break;
    case RULE_PLATFORM:
        return is_platform_for_some(rule);
    case RULE_EVICT:
        break;
    }
    return subjects_of(rule) & of_jobs;
}

static void write_job_loop(struct lua_rules *w, const struct rule *rule, unsigned parts)
{
    lua_text_open(&w->text, "for _, job in ipairs(context.queue) do");
    if (subjects_of(rule) & RULE_SUBJECT_BIT(RULE_TENANT))
        lua_text_line(&w->text, "local tenant = tenant_of(job)");
    bool is_open = open_if(w, rule, parts, "context.workers");
    write_per_queue_action(w, rule, true);
    close_if(w, is_open);
    lua_text_close(&w->text, "end");
}

/* What does not depend on the job stands before the loop: asked once, not for each job.
 * `in_block`: locals end with what surrounds it. */
static void write_loop(struct lua_rules *w, const struct rule *rule, bool in_block)
{
    struct lua_filter_steady steady;
    bool has_candidates = lua_filter_find_steady(w->policy, rule, &steady);
    bool is_once = !lua_expr_asks_job(rule->condition, LUA_PART_WORKER);
    unsigned once = is_once ? asked_parts(rule, LUA_PART_WORKER) : 0;
    bool is_open = open_if(w, rule, once, "context.workers");

    bool needs_block = has_candidates && !in_block;
    if (needs_block)
        lua_text_open(&w->text, "do");
    lua_action_write_candidates(w, rule);
    write_job_loop(w, rule, asked_parts(rule, LUA_PART_JOB | LUA_PART_WORKER) & ~once);
    if (needs_block)
        lua_text_close(&w->text, "end");
    close_if(w, is_open);
}

void lua_rule_write_per_queue(struct lua_rules *w, const struct rule *rule)
{
    bool in_loop = is_about_jobs(rule);
    bool is_open = open_if(w, rule, LUA_PART_ONCE, "");

    if (in_loop) {
        write_loop(w, rule, is_open);
    } else {
        bool has_worker = open_if(w, rule, LUA_PART_WORKER, "context.workers");
        bool needs_block = !has_worker && !is_open;
        if (needs_block)
            lua_text_open(&w->text, "do");
        write_per_queue_action(w, rule, false);
        if (needs_block)
            lua_text_close(&w->text, "end");
        close_if(w, has_worker);
    }
    close_if(w, is_open);
}

/* `return wait("…")`, with what a rule that holds but can do nothing says. */
static void write_wait_for(struct lua_rules *w, const struct rule *rule, const char *before,
                           const char *why)
{
    AUTO(buf_deinit) struct buf reason;

    buf_init(&reason, 512);
    (void)buf_printf(&reason, "%s '%.*s'", why, STR_ARG(rule->name));
    lua_text_begin(&w->text);
    (void)buf_printf(out_of(w), "return %swait(", before);
    lua_text_string(out_of(w), buf_str(&reason));
    put(w, ")");
    lua_text_end(&w->text);
}

static void write_call_return(struct lua_rules *w, const struct rule *rule)
{
    const struct rule_action *a = &rule->action;
    int64_t number = a->kind == RULE_WAIT ? a->duration_ms : a->status;

    lua_text_begin(&w->text);
    if (a->kind == RULE_WAIT) {
        put(w, "return wait(");
        lua_action_write_reason(w, rule);
    } else {
        put(w, "return reject(");
        lua_text_string(out_of(w), a->code);
    }
    if (number > 0)
        (void)buf_printf(out_of(w), ", %lld", (long long)number);
    put(w, ")");
    lua_text_end(&w->text);
}

static void write_per_job_shadow(struct lua_rules *w, const struct rule *rule)
{
    const enum rule_action_kind kind = rule->action.kind;

    if (kind == RULE_DISPATCH) {
        lua_action_write_worker(w, rule);
        lua_text_open(&w->text, "if worker then");
    } else if (kind == RULE_EVICT) {
        lua_action_write_victim(w, rule);
        lua_text_open(&w->text, "if victim then");
    } else if (kind == RULE_START_WORKER) {
        lua_action_write_model(w, rule);
        w->text.indent++;
    }
    lua_action_write_shadow(w, rule, true);
    close_if(w, kind == RULE_DISPATCH || kind == RULE_EVICT || kind == RULE_START_WORKER);
}

static void write_per_job_action(struct lua_rules *w, const struct rule *rule)
{
    switch (rule->action.kind) {
    case RULE_DISPATCH:
        lua_action_write_worker(w, rule);
        write_wait_for(w, rule, "worker or ", "no worker for rule");
        break;
    case RULE_EVICT:
        write_evict(w, rule);
        write_wait_for(w, rule, "", "nothing to evict for rule");
        break;
    case RULE_START_WORKER:
        write_start(w, rule, false);
        write_wait_for(w, rule, "", "a worker is starting for rule");
        break;
    case RULE_WAIT:
    case RULE_REJECT:
        write_call_return(w, rule);
        break;
    case RULE_PLATFORM:
        lua_rule_write_platform(w);
        break;
    }
}

void lua_rule_write_per_job(struct lua_rules *w, const struct rule *rule)
{
    bool is_open = open_if(w, rule, asked_parts(rule, ANY_PART), "workers");
    bool is_shadow = rule->mode == RULE_SHADOW;
    bool needs_block = !is_open && !lua_rule_is_last(w->policy, rule);

    if (needs_block)
        lua_text_open(&w->text, "do");
    if (is_shadow)
        write_per_job_shadow(w, rule);
    else
        write_per_job_action(w, rule);
    if (needs_block)
        lua_text_close(&w->text, "end");
    close_if(w, is_open);
}
