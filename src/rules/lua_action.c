/* Parts of actions: the worker, the victim, the decision, the words. */
#include "rules/lua_rule.h"

#include "base/mem.h"
#include "rules/lua_filter.h"

static struct buf *out_of(struct lua_rules *w)
{
    return &w->text.lua->text;
}

static void put(struct lua_rules *w, const char *text)
{
    (void)buf_puts(out_of(w), text);
}

static const char *workers_of(const struct lua_rules *w)
{
    return w->policy->dialect == RULE_PER_QUEUE ? "context.workers" : "workers";
}

/* The condition's part about workers, where there is one, and the calls up to `end`; each on a
 * line of its own once there is a function in one of them. */
static void write_chain(struct lua_rules *w, const struct rule_expr *condition,
                        const struct rule_call *calls, const struct rule_call *end)
{
    const enum rule_dialect dialect = w->policy->dialect;
    bool is_long = condition;

    for (const struct rule_call *call = calls; call != end; call = call->next)
        is_long = is_long || call->filter;
    w->text.indent++;
    if (condition) {
        lua_text_end(&w->text);
        lua_text_begin(&w->text);
        lua_filter_write(out_of(w), condition, LUA_PART_WORKER, dialect);
    }
    for (const struct rule_call *call = calls; call != end; call = call->next) {
        if (is_long) {
            lua_text_end(&w->text);
            lua_text_begin(&w->text);
        }
        lua_expr_write_call(out_of(w), call, dialect);
    }
    w->text.indent--;
    lua_text_end(&w->text);
}

void lua_action_write_worker(struct lua_rules *w, const struct rule *rule)
{
    struct lua_filter_steady steady;
    bool is_steady = lua_filter_find_steady(w->policy, rule, &steady);
    bool has_condition = !steady.has_condition && lua_expr_has(rule->condition, LUA_PART_WORKER);

    lua_text_begin(&w->text);
    (void)buf_printf(out_of(w), "local worker = %s.eligible(job)",
                     is_steady ? "candidates(job)" : workers_of(w));
    write_chain(w, has_condition ? rule->condition : NULL, steady.end, NULL);
}

void lua_action_write_candidates(struct lua_rules *w, const struct rule *rule)
{
    struct lua_filter_steady steady;

    if (!lua_filter_find_steady(w->policy, rule, &steady))
        return;
    lua_text_open(&w->text, "local candidates = per_model(function(workers)");
    lua_text_begin(&w->text);
    put(w, "return workers");
    write_chain(w, steady.has_condition ? rule->condition : NULL, rule->action.calls, steady.end);
    lua_text_close(&w->text, "end)");
}

void lua_action_write_victim(struct lua_rules *w, const struct rule *rule)
{
    const struct rule_action *a = &rule->action;

    lua_text_begin(&w->text);
    if (a->evict_kind.len > 0) {
        put(w, "local victim = find_worker_to_evict(");
        lua_text_string(out_of(w), a->evict_kind);
        put(w, ")");
    } else {
        (void)buf_printf(
            out_of(w),
            "local victim = %s.filter(function(worker) return worker.id == ", workers_of(w));
        lua_text_string(out_of(w), a->worker_id);
        put(w, " and worker.active == 0 end).first()");
    }
    lua_text_end(&w->text);
}

void lua_action_write_model(struct lua_rules *w, const struct rule *rule)
{
    lua_text_begin(&w->text);
    put(w, "local model = ");
    if (rule->action.model_ref.len > 0)
        lua_text_string(out_of(w), rule->action.model_ref);
    else
        put(w, "job.model_ref");
    lua_text_end(&w->text);
    lua_text_begin(&w->text);
    (void)buf_printf(out_of(w), "if not is_starting(%s, model) then", workers_of(w));
    lua_text_end(&w->text);
}

void lua_action_write_evict(struct lua_rules *w, const struct rule *rule)
{
    lua_text_begin(&w->text);
    put(w, "return { action = \"evict\", worker_id = victim.id, reason = ");
    lua_text_string(out_of(w), rule->name);
    put(w, " }");
    lua_text_end(&w->text);
}

void lua_action_write_start(struct lua_rules *w, const struct rule *rule)
{
    const struct rule_action *a = &rule->action;

    lua_text_begin(&w->text);
    put(w, "return { action = \"start_worker\", start_worker = { model_ref = model");
    if (a->pool_id.len > 0) {
        put(w, ", pool_id = ");
        lua_text_string(out_of(w), a->pool_id);
    }
    if (a->gpu_id >= 0)
        (void)buf_printf(out_of(w), ", gpu_id = %lld", (long long)a->gpu_id);
    put(w, " }, reason = ");
    lua_text_string(out_of(w), rule->name);
    put(w, " }");
    lua_text_end(&w->text);
}

void lua_action_write_reason(struct lua_rules *w, const struct rule *rule)
{
    const struct str reason = rule->action.reason;

    lua_text_string(out_of(w), reason.len > 0 ? reason : rule->name);
}

void lua_action_write_wait(struct lua_rules *w, const struct rule *rule)
{
    lua_text_line(&w->text, "decided[job.id] = true");
    lua_text_begin(&w->text);
    put(w, "waiting = waiting or { action = \"wait\", job_id = job.id, reason = ");
    lua_action_write_reason(w, rule);
    if (rule->action.duration_ms > 0)
        (void)buf_printf(out_of(w), ", retry_after_ms = %lld", (long long)rule->action.duration_ms);
    put(w, " }");
    lua_text_end(&w->text);
}

void lua_action_write_reject(struct lua_rules *w, const struct rule *rule)
{
    lua_text_begin(&w->text);
    put(w, "return { action = \"reject\", job_id = job.id, code = ");
    lua_text_string(out_of(w), rule->action.code);
    if (rule->action.status > 0)
        (void)buf_printf(out_of(w), ", status = %lld", (long long)rule->action.status);
    put(w, " }");
    lua_text_end(&w->text);
}

void lua_action_write_shadow(struct lua_rules *w, const struct rule *rule, bool about_job)
{
    static const struct {
        const char *words, *whom;
    } phrases[] = {
        [RULE_DISPATCH] = { "dispatch job ", "job.id" },
        [RULE_WAIT] = { "hold job ", "job.id" },
        [RULE_EVICT] = { "evict worker ", "victim.id" },
        [RULE_START_WORKER] = { "start a worker with ", "model" },
        [RULE_REJECT] = { "reject job ", "job.id" },
        [RULE_PLATFORM] = { "leave to the platform policy job ", "job.id" },
    };
    const enum rule_action_kind kind = rule->action.kind;
    bool is_about_all = kind == RULE_PLATFORM && !about_job;
    AUTO(buf_deinit) struct buf message;

    buf_init(&message, 512);
    (void)buf_printf(&message, "shadow rule '%.*s': would %s", STR_ARG(rule->name),
                     is_about_all ? "leave it to the platform policy" : phrases[kind].words);
    lua_text_begin(&w->text);
    put(w, "log.info(");
    lua_text_string(out_of(w), buf_str(&message));
    if (!is_about_all)
        (void)buf_printf(out_of(w), " .. tostring(%s)", phrases[kind].whom);
    put(w, kind == RULE_DISPATCH ? " .. \" to \" .. tostring(worker.id)" : "");
    put(w, ")");
    lua_text_end(&w->text);
}
