#include "rules/lua_policy.h"

#include "rules/lua_rule.h"

static const struct {
    unsigned bit;
    const char *lua;
} helpers[] = {
    { LUA_FIELD, "-- A field of a field; nil where there is none.\n"
                 "local function field(value, ...)\n"
                 "  for i = 1, select(\"#\", ...) do\n"
                 "    local kind = type(value)\n"
                 "    if kind ~= \"table\" and kind ~= \"userdata\" then\n"
                 "      return nil\n"
                 "    end\n"
                 "    value = value[select(i, ...)]\n"
                 "  end\n"
                 "  return value\n"
                 "end\n" },
    { LUA_HAS, "-- Is it part of a text, or one of a list?\n"
               "local function has(value, item)\n"
               "  if type(value) == \"string\" then\n"
               "    return string.find(value, tostring(item), 1, true) ~= nil\n"
               "  end\n"
               "  if type(value) == \"table\" or type(value) == \"userdata\" then\n"
               "    for _, each in ipairs(value) do\n"
               "      if each == item then\n"
               "        return true\n"
               "      end\n"
               "    end\n"
               "  end\n"
               "  return false\n"
               "end\n" },
    { LUA_TENANT, "-- The tenant that a job belongs to, if any.\n"
                  "local function tenant_of(job)\n"
                  "  return job.tenant_id and context.tenants.find(job.tenant_id)\n"
                  "end\n" },
    { LUA_MODELS,
      "-- What a rule leaves of the workers with a job's model: the same for all jobs of it.\n"
      "local function per_model(narrow)\n"
      "  local kept = {}\n"
      "  return function(job)\n"
      "    local ref = job.model_ref\n"
      "    if not kept[ref] then\n"
      "      kept[ref] = narrow(ref == \"\" and context.workers or "
      "context.workers.with_model(ref))\n"
      "    end\n"
      "    return kept[ref]\n"
      "  end\n"
      "end\n" },
    { LUA_STARTING,
      "-- Is a worker with this model on its way? Then another would be one too many.\n"
      "local function is_starting(workers, model)\n"
      "  return workers.any(function(worker)\n"
      "    return worker.model_ref == model and worker.status == \"starting\"\n"
      "  end)\n"
      "end\n" },
    { LUA_PLATFORM, "-- What the platform policy decides about one job; nil: it waits.\n"
                    "local function platform_decision(job)\n"
                    "  local answer = platform.schedule_job(job)\n"
                    "  if answer and answer.id then\n"
                    "    return { action = \"dispatch\", job_id = job.id, worker_id = answer.id }\n"
                    "  end\n"
                    "  return answer and answer.action ~= \"wait\" and answer or nil\n"
                    "end\n" },
    { LUA_DECIDED, "-- The platform policy decides, but not about jobs that a rule has decided.\n"
                   "local function platform_rest(context, decided, waiting)\n"
                   "  if not next(decided) then\n"
                   "    return platform.schedule(context)\n"
                   "  end\n"
                   "  for _, job in ipairs(context.queue) do\n"
                   "    local decision = not decided[job.id] and platform_decision(job)\n"
                   "    if decision then\n"
                   "      return decision\n"
                   "    end\n"
                   "  end\n"
                   "  return waiting\n"
                   "end\n" },
};

static void write_header(struct lua_text *t, const struct script_header *header)
{
    const struct {
        const char *tag, *value;
    } tags[] = {
        { " @name ", header->name },
        { " @version ", header->version },
        { " @description ", header->description },
    };
    struct buf *out = &t->lua->text;

    if (header->name[0] || header->version[0] || header->description[0]) {
        (void)buf_puts(out, "--");
        for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
            if (tags[i].value[0] == '\0')
                continue;
            (void)buf_puts(out, tags[i].tag);
            lua_text_comment(out, str_of(tags[i].value));
        }
        lua_text_end(t);
    }
    lua_text_line(t, "-- Compiled from YAML rules.");
}

static void write_helpers(struct lua_text *t, unsigned uses)
{
    for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++) {
        if (!(uses & helpers[i].bit))
            continue;
        lua_text_blank(t);
        for (const char *line = helpers[i].lua, *end; *line; line = end + 1) {
            end = strchr(line, '\n');
            lua_text_line(t, "%.*s", (int)(end - line), line);
        }
    }
}

/* Off: not even written. */
static bool is_written(const struct rule *rule)
{
    return rule->mode != RULE_OFF;
}

/* How many rules, from the first, can be reached; what each of them needs. */
static size_t reach(const struct rule_policy *policy, unsigned *ret_uses)
{
    size_t len = 0;

    for (*ret_uses = 0; len < policy->len; len++) {
        const struct rule *rule = &policy->rules[len];

        if (is_written(rule))
            *ret_uses |= lua_rule_uses(policy, rule);
        if (lua_rule_is_last(policy, rule))
            return len + 1;
    }
    return len;
}

static void warn_unreached(struct rule_reader *r, const struct rule_policy *policy, size_t from)
{
    for (size_t i = from; i < policy->len; i++) {
        const struct rule *rule = &policy->rules[i];
        const struct rule_node at = { .line = rule->line, .column = rule->column };

        r->rule = rule->name;
        if (is_written(rule))
            rule_warning(r, &at,
                         "no job reaches this rule: '%.*s', which always decides, comes "
                         "before it",
                         STR_ARG(policy->rules[from - 1].name));
    }
}

/* Whether there were any. */
static bool write_locals(struct lua_rules *w)
{
    bool per_queue = w->policy->dialect == RULE_PER_QUEUE;

    if ((w->uses & LUA_TENANT) && !per_queue)
        lua_text_line(&w->text, "local tenant = tenant_of(job)");
    if (w->uses & LUA_NOW)
        lua_text_line(&w->text, "local now = local_time(context.now_ms)");
    if (w->uses & LUA_DECIDED)
        lua_text_line(&w->text, "local decided, waiting = {}, nil");
    return per_queue ? w->uses & (LUA_NOW | LUA_DECIDED) : w->uses & (LUA_NOW | LUA_TENANT);
}

/* `follows`: something stands before the first of them. Whether something does after. */
static bool write_rules(struct lua_rules *w, size_t len, bool follows)
{
    const struct rule_policy *policy = w->policy;
    bool per_queue = policy->dialect == RULE_PER_QUEUE;

    for (size_t i = 0; i < len; i++) {
        const struct rule *rule = &policy->rules[i];

        w->text.line = rule->line;
        if (!is_written(rule))
            continue;
        if (follows)
            lua_text_blank(&w->text);
        follows = true;
        lua_rule_write_comment(w, rule);
        if (lua_rule_is_last(policy, rule) && rule->action.kind == RULE_PLATFORM)
            lua_rule_write_platform(w);
        else if (per_queue)
            lua_rule_write_per_queue(w, rule);
        else
            lua_rule_write_per_job(w, rule);
    }
    return follows;
}

void lua_policy_write(struct rule_reader *r, const struct rule_policy *policy,
                      struct script_lua *ret)
{
    struct lua_rules w = { .text = { .lua = ret, .line = policy->line }, .policy = policy };
    size_t len = reach(policy, &w.uses);
    bool has_last = len > 0 && lua_rule_is_last(policy, &policy->rules[len - 1]);

    warn_unreached(r, policy, len);
    write_header(&w.text, &policy->header);
    write_helpers(&w.text, w.uses);
    lua_text_blank(&w.text);
    lua_text_open(&w.text, policy->dialect == RULE_PER_QUEUE
                               ? "function schedule(context)"
                               : "function schedule_job(job, pools, workers)");
    bool follows = write_rules(&w, len, write_locals(&w));
    w.text.line = policy->line;
    if (!has_last) {
        if (follows)
            lua_text_blank(&w.text);
        lua_text_line(&w.text, "-- No rule decides: the platform policy does.");
        lua_rule_write_platform(&w);
    }
    lua_text_close(&w.text, "end");
    ret->header = policy->header;
}
