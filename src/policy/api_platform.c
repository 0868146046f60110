/* The platform policy as user policies reach it, and the log. */
#include "policy/api_private.h"

#include <string.h>

/* --- Decisions as tables -------------------------------------------------------------------------
 */

static void set_text(lua_State *L, const char *name, const char *text)
{
    if (text[0] == '\0')
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, lua_Integer value, bool is_there)
{
    if (!is_there)
        return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void push_decision(lua_State *L, const struct decision *d)
{
    lua_createtable(L, 0, 6);
    set_text(L, "action", decision_action_name(d->action));
    set_text(L, "job_id", d->job_id);
    set_text(L, "worker_id", d->worker_id);
    set_text(L, "pool_id", d->hive_id);
    set_text(L, "model_ref", d->model);
    set_text(L, "code", d->code);
    set_text(L, "reason", d->reason);
    set_number(L, "gpu_id", d->gpu, d->action == DECIDE_START && d->gpu != DECISION_GPU_ANY);
    set_number(L, "status", d->status, d->action == DECIDE_REJECT && d->status != 0);
    set_number(L, "retry_after_ms", d->retry_after_ms, d->retry_after_ms != 0);
}

static int push_decisions(lua_State *L, const struct decisions *all)
{
    if (all->len == 0)
        lua_pushnil(L);
    else if (all->len == 1)
        push_decision(L, &all->items[0]);
    else
        lua_createtable(L, (int)all->len, 0);
    for (size_t i = 0; all->len > 1 && i < all->len; i++) {
        push_decision(L, &all->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* --- Asking it -----------------------------------------------------------------------------------
 */

static void take_scores(struct policy *p, const struct policy_answer *from)
{
    if (!p->answer || p->answer == from)
        return;
    memcpy(p->answer->scores, from->scores, from->scores_len * sizeof(from->scores[0]));
    p->answer->scores_len = from->scores_len;
}

/* Decisions about the one job that was asked about name it: schedule() may hand them on. */
static void name_job(const struct policy *p, uint32_t row, struct decisions *all)
{
    const struct snap_job *job = snapshot_job(p->snapshot, row);

    for (size_t i = 0; job && i < all->len; i++) {
        struct decision *d = &all->items[i];
        bool is_about_it = d->action != DECIDE_EVICT && d->action != DECIDE_START;
        if (is_about_it && d->job_id[0] == '\0')
            (void)str_copy(d->job_id, sizeof(d->job_id), snapshot_text(p->snapshot, job->id));
    }
}

/* In a state of its own, on the true snapshot: nothing that the script did can reach it. */
static int ask_platform(lua_State *L, enum ask_kind kind, uint32_t job)
{
    struct policy *p = policy_of(L);
    struct policy_answer *answer;

    if (!p->platform)
        api_fail(L, "there is no platform policy behind this one");
    answer = lua_newuserdatauv(L, sizeof(*answer), 0);
    const struct policy_call call = {
        .kind = kind,
        .job = job,
        .seed = rng_next(&p->rng),
        .want_scores = p->call && p->call->want_scores,
    };
    policy_call(p->platform, &call, answer);
    if (answer->failure != POLICY_OK)
        api_fail(L, "the platform policy failed: %s", answer->message);
    take_scores(p, answer);
    name_job(p, job, &answer->decisions);
    return push_decisions(L, &answer->decisions);
}

/* Whatever context the script shows: the platform policy sees the true one. */
static int platform_schedule(lua_State *L)
{
    return ask_platform(L, ASK_SCHEDULE, SNAP_NONE);
}

static int platform_schedule_job(lua_State *L)
{
    struct policy *p = policy_of(L);

    api_drop_self(L);
    const struct snap_job *job = api_arg_job(L, p, 1);
    if (!job)
        api_fail(L, "needs a job: none is being decided");
    return ask_platform(L, ASK_JOB, (uint32_t)(job - p->snapshot->jobs));
}

static int platform_get_source(lua_State *L)
{
    struct str source = policy_of(L)->platform_source;

    lua_pushlstring(L, source.p ? source.p : "", source.len);
    return 1;
}

/* clang-format off */
static const struct api_member platform_members[] = {
    { .name = "schedule", .arguments = "(context)", .type = "decision, list of decisions or nil", .cost = "O(queue)",
      .words = "What the built-in policy decides about the queue.", .example = "return platform.schedule(context)", .call = platform_schedule },
    { .name = "schedule_job", .arguments = "(job?)", .type = "decision, list of decisions or nil", .cost = "O(matching)",
      .words = "What the built-in policy decides about one job; without an argument, about the one being decided.",
      .example = "return platform.schedule_job(job)", .call = platform_schedule_job },
    { .name = "get_source", .arguments = "()", .type = "string", .words = "The text of the built-in policy.",
      .example = "log.info(platform.get_source())", .call = platform_get_source },
};
/* clang-format on */
const struct api_table api_platform_table = API_TABLE(platform_members);

/* --- The log
 * --------------------------------------------------------------------------------------- */

static int log_at(lua_State *L, const char *level)
{
    struct str text;

    api_drop_self(L);
    if (lua_gettop(L) == 0)
        lua_pushliteral(L, "");
    text.p = luaL_tolstring(L, 1, &text.len);
    policy_log(policy_of(L), level, text);
    return 0;
}

static int log_info(lua_State *L)
{
    return log_at(L, "info");
}

static int log_warn(lua_State *L)
{
    return log_at(L, "warn");
}

static int log_debug(lua_State *L)
{
    return log_at(L, "debug");
}

/* clang-format off */
static const struct api_member log_members[] = {
    { .name = "info", .arguments = "(message)", .type = "nothing", .words = "A line in the decision's log; 2,048 bytes in all per call.",
      .example = "log.info(\"no worker for \" .. job.model)", .call = log_info },
    { .name = "warn", .arguments = "(message)", .type = "nothing", .words = "The same, as a warning.", .example = "log.warn(\"late\")", .call = log_warn },
    { .name = "debug", .arguments = "(message)", .type = "nothing", .words = "The same, for whoever looks closely.", .example = "log.debug(#workers)", .call = log_debug },
};
/* clang-format on */
const struct api_table api_log_table = API_TABLE(log_members);
