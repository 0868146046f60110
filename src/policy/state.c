/* The life of a policy's Lua state, and its calls. */
#include "policy/state.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <lauxlib.h>
#include <stdio.h>

size_t policy_memory_bytes(const struct policy *p)
{
    return p->heap.held_bytes;
}

void policy_collect(struct policy *p)
{
    (void)lua_gc(p->L, LUA_GCCOLLECT);
}

struct policy *policy_of(lua_State *L)
{
    return *(struct policy **)lua_getextraspace(L);
}

/* --- Errors, in the author's lines --------------------------------------- */

/* Runs where the error was raised. Looks at the stack alone: no code of the script's runs. */
static int on_error(lua_State *L)
{
    struct policy *p = policy_of(L);
    lua_Debug frame;

    p->error_line = 0;
    for (int level = 1; p->error_line == 0 && lua_getstack(L, level, &frame); level++) {
        (void)lua_getinfo(L, "Sl", &frame);
        if (frame.currentline > 0 && strcmp(frame.short_src, p->name) == 0)
            p->error_line = (unsigned)frame.currentline;
    }
    return 1;
}

/* "home.lua:12: words" without what stands before the words; its line, if it has one. */
static struct str skip_position(const struct policy *p, struct str text, unsigned *ret_line)
{
    size_t name = strlen(p->name), at = name + 1;
    unsigned line = 0;

    if (text.len <= at || memcmp(text.p, p->name, name) != 0 || text.p[name] != ':')
        return text;
    for (; at < text.len && text.p[at] >= '0' && text.p[at] <= '9' && line < 100000000; at++)
        line = line * 10 + (unsigned)(text.p[at] - '0');
    if (at + 1 >= text.len || text.p[at] != ':')
        return text;
    *ret_line = line;
    return (struct str){ text.p + at + 2, text.len - at - 2 };
}

/* Words of a stranger's: one line, printable, whole characters. */
static void put_printable(struct buf *out, struct str text)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        n = utf8_sequence(text.p + i, text.len - i);
        unsigned char byte = (unsigned char)text.p[i];
        bool ok = n == 0                     ? buf_putc(out, '?')
                  : byte < 32 || byte == 127 ? buf_putc(out, ' ')
                                             : buf_add(out, text.p + i, n);
        if (n == 0)
            n = 1;
        if (!ok)
            return;
    }
}

/* The raw value at the top as words: never calls __tostring. */
static struct str error_words(lua_State *L, char *scratch, size_t size)
{
    size_t len;

    if (lua_type(L, -1) == LUA_TSTRING) {
        const char *text = lua_tolstring(L, -1, &len);
        return (struct str){ text, len };
    }
    (void)snprintf(scratch, size, "an error that is a %s, not a text", luaL_typename(L, -1));
    return str_of(scratch);
}

static const char *const failure_words[POLICY_FAILURE_COUNT_] = {
    [POLICY_TIMEOUT] = "time limit",
    [POLICY_MEMORY] = "memory limit",
};

void policy_take_error(struct policy *p, int status, struct policy_answer *ret)
{
    char scratch[64];
    struct buf out;
    unsigned lua_line = p->error_line;
    struct str words = skip_position(p, error_words(p->L, scratch, sizeof(scratch)), &lua_line);

    ret->failure = p->is_interrupted      ? POLICY_TIMEOUT
                   : status == LUA_ERRMEM ? POLICY_MEMORY
                                          : POLICY_ERROR;
    if (failure_words[ret->failure])
        words = str_of(failure_words[ret->failure]);
    ret->line = script_lua_line(&p->lua, lua_line);
    buf_init_fixed(&out, ret->message, sizeof(ret->message));
    if (ret->line > 0)
        (void)buf_printf(&out, "%s:%u: ", p->name, ret->line);
    else
        (void)buf_printf(&out, "%s: ", p->name);
    put_printable(&out, words);
    (void)buf_cstr(&out);
    lua_pop(p->L, 1);
}

/* --- The soft time limit ------------------------------------------------- */

static void on_hook(lua_State *L, lua_Debug *frame)
{
    (void)frame;
    luaL_error(L, "time limit");
}

void policy_interrupt(struct policy *p)
{
    p->is_interrupted = 1;
    /* Stays set, at each instruction: a pcall() that swallows it gains nothing. */
    lua_sethook(p->L, on_hook, LUA_MASKCOUNT, 1);
}

static void rearm(struct policy *p)
{
    lua_sethook(p->L, NULL, 0, 0);
    p->is_interrupted = 0;
    p->error_line = 0;
}

/* --- Loading ------------------------------------------------------------- */

static const struct {
    const char *name;
    enum policy_entry entry;
    unsigned hook;
} functions[FUNCTION_COUNT_] = {
    [FUNCTION_SCHEDULE] = { "schedule", POLICY_ENTRY_SCHEDULE, 0 },
    [FUNCTION_JOB] = { "schedule_job", POLICY_ENTRY_JOB, 0 },
    [FUNCTION_ADMIT] = { "should_admit", POLICY_ENTRY_NONE, POLICY_HOOK_ADMIT },
    [FUNCTION_RETRY] = { "should_retry", POLICY_ENTRY_NONE, POLICY_HOOK_RETRY },
    [FUNCTION_OUTCOME] = { "on_outcome", POLICY_ENTRY_NONE, POLICY_HOOK_OUTCOME },
    [FUNCTION_LOOK_AROUND] = { "look_around", POLICY_ENTRY_NONE, 0 },
};

/* Remember what the script defined; the first of the entry points is the one that counts. */
static void find_functions(struct policy *p)
{
    lua_State *L = p->L;

    lua_pushglobaltable(L);
    for (size_t i = 0; i < FUNCTION_COUNT_; i++) {
        lua_pushstring(L, functions[i].name);
        if (lua_rawget(L, -2) != LUA_TFUNCTION) {
            lua_pop(L, 1);
            continue;
        }
        p->functions[i] = luaL_ref(L, LUA_REGISTRYINDEX);
        p->info.hooks |= functions[i].hook;
        if (p->info.entry == POLICY_ENTRY_NONE)
            p->info.entry = functions[i].entry;
    }
    lua_pop(L, 1);
}

static bool names(const struct buf *text, const char *word)
{
    struct str s = buf_str(text);

    return s.len > 0 && memmem(s.p, s.len, word, strlen(word)) != NULL;
}

/* Runs protected: whitelist, API, the script's top level. */
static int on_load(lua_State *L)
{
    struct policy *p = lua_touserdata(L, 1);
    struct str text = buf_str(&p->lua.text);
    char chunk[sizeof(p->name) + 1];

    env_open(L);
    api_open(L, p);
    if (names(&p->lua.text, "rhai"))
        env_open_rhai(L);
    (void)snprintf(chunk, sizeof(chunk), "=%s", p->name);
    if (luaL_loadbufferx(L, text.p, text.len, chunk, "t") != LUA_OK)
        return lua_error(L);
    lua_call(L, 0, 0);
    find_functions(p);
    return 0;
}

static bool run_protected(struct policy *p, lua_CFunction run, struct policy_answer *ret)
{
    lua_State *L = p->L;

    /* Room for these is there from the start: nothing before the call can raise. */
    lua_settop(L, 0);
    lua_pushcfunction(L, on_error);
    lua_pushcfunction(L, run);
    lua_pushlightuserdata(L, p);
    int status = lua_pcall(L, 1, 0, 1);
    if (status != LUA_OK)
        policy_take_error(p, status, ret);
    lua_settop(L, 0);
    return status == LUA_OK;
}

static void reset_answer(struct policy_answer *a)
{
    a->failure = POLICY_OK;
    a->message[0] = '\0';
    a->line = 0;
    a->decisions.len = 0;
    a->yes = true;
    a->delay_ms = 0;
    a->log_len = 0;
    a->log_cut = false;
    a->metrics_len = 0;
    a->scores_len = 0;
}

static bool load(struct policy *p, struct diagnostics *d)
{
    static const struct policy_call none = { .kind = ASK_SCHEDULE, .job = SNAP_NONE };
    struct policy_answer *answer = mem_alloc(1, sizeof(*answer));

    reset_answer(answer);
    p->call = &none;
    p->answer = answer;
    bool ok = run_protected(p, on_load, answer);
    if (!ok) {
        /* The diagnostic has a field of its own for the line. */
        const char *words = strstr(answer->message + strlen(p->name), ": ");
        (void)diagnostics_add(d, false, answer->line, 0, "%s", words ? words + 2 : "");
    } else if (p->info.entry == POLICY_ENTRY_NONE) {
        (void)diagnostics_add(d, false, 0, 0,
                              "no entry point: define schedule(context) or "
                              "schedule_job(job, pools, workers)");
        ok = false;
    }
    p->answer = NULL;
    p->call = NULL;
    free(answer);
    return ok;
}

static void begin_state(struct policy *p)
{
    *(struct policy **)lua_getextraspace(p->L) = p;
    p->info.header = p->lua.header;
    p->info.starts_workers =
        names(&p->lua.text, "start_worker") || names(&p->lua.text, "platform.");
}

struct policy *policy_new(const struct policy_options *options, enum script_language language,
                          struct str source, const char *name, struct diagnostics *d)
{
    struct policy *p = mem_alloc(1, sizeof(*p));

    p->snapshot = options->snapshot;
    p->platform = options->platform;
    p->platform_source = options->platform_source;
    p->is_platform = options->is_platform;
    heap_init(&p->heap,
              options->memory_bytes_max > 0 ? options->memory_bytes_max : POLICY_MEMORY_BYTES);
    (void)snprintf(p->name, sizeof(p->name), "%.*s", (int)sizeof(p->name) - 5, name);
    for (size_t i = 0; i < FUNCTION_COUNT_; i++)
        p->functions[i] = LUA_NOREF;
    script_lua_init(&p->lua);
    rng_seed(&p->rng, 0);
    p->L = policy_compile(language, source, &p->lua, d) < 0 ? NULL
                                                            : lua_newstate(heap_alloc, &p->heap);
    if (p->L)
        begin_state(p);
    else if (d->errors == 0)
        (void)diagnostics_add(d, false, 0, 0, "no memory for a Lua state");
    if (p->L && load(p, d))
        return p;
    policy_free(p);
    return NULL;
}

void policy_free(struct policy *p)
{
    if (!p)
        return;
    if (p->L)
        lua_close(p->L);
    heap_deinit(&p->heap);
    script_lua_deinit(&p->lua);
    free(p);
}

const struct policy_info *policy_info(const struct policy *p)
{
    return &p->info;
}

const struct script_lua *policy_lua(const struct policy *p)
{
    return &p->lua;
}

/* --- Calls --------------------------------------------------------------- */

static void push_retry(lua_State *L, struct policy *p, const struct policy_call *call)
{
    (void)p;
    lua_pushinteger(L, call->attempt);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, call->error_code);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, call->error_message);
    lua_setfield(L, -2, "message");
}

/* Push the arguments of each question; returns how many. */
static int push_arguments(lua_State *L, struct policy *p, const struct policy_call *call)
{
    int base = lua_gettop(L);

    if (call->kind != ASK_SCHEDULE)
        api_push_job(L, p, call->job);
    switch (call->kind) {
    case ASK_JOB:
        api_push_pools(L, p);
        api_push_workers(L, p);
        break;
    case ASK_RETRY:
        push_retry(L, p, call);
        break;
    case ASK_OUTCOME:
        api_push_outcome(L, p, call);
        break;
    case ASK_SCHEDULE:
    case ASK_ADMIT:
    case ASK_KIND_COUNT_:
        api_push_context(L, p);
        break;
    }
    return lua_gettop(L) - base;
}

static unsigned function_of(const struct policy_call *call)
{
    static const unsigned by_kind[ASK_KIND_COUNT_] = {
        [ASK_SCHEDULE] = FUNCTION_SCHEDULE, [ASK_JOB] = FUNCTION_JOB,
        [ASK_ADMIT] = FUNCTION_ADMIT,       [ASK_RETRY] = FUNCTION_RETRY,
        [ASK_OUTCOME] = FUNCTION_OUTCOME,
    };

    return call->look_around ? FUNCTION_LOOK_AROUND : by_kind[call->kind];
}

static int on_call(lua_State *L)
{
    struct policy *p = lua_touserdata(L, 1);
    const struct policy_call *call = p->call;

    api_begin_call(L, p, call);
    lua_rawgeti(L, LUA_REGISTRYINDEX, p->functions[function_of(call)]);
    int arguments = push_arguments(L, p, call);
    lua_call(L, arguments, 1);
    policy_read_answer(p, call, p->answer);
    return 0;
}

void policy_call(struct policy *p, const struct policy_call *call, struct policy_answer *ret)
{
    reset_answer(ret);
    if (p->functions[function_of(call)] != LUA_NOREF) {
        rearm(p);
        rng_seed(&p->rng, call->seed);
        p->call = call;
        p->answer = ret;
        (void)run_protected(p, on_call, ret);
        p->call = NULL;
        p->answer = NULL;
        lua_sethook(p->L, NULL, 0, 0);
    }
    ret->memory_bytes = p->heap.held_bytes;
}
